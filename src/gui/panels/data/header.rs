//! The source in a sentence, what will be made of it, and the check of every picture.

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::short_source;
use crate::engine::BrowseSet;
use crate::gui::action::Action;
use crate::gui::data_view::preview;
use crate::gui::draft::Draft;
use crate::gui::format;
use crate::gui::gallery::CheckState;
use crate::gui::panels::corrections;
use crate::gui::state::State;
use crate::gui::theme::card;
use crate::gui::widgets::{button_ui, progress_ui};

/// The card at the top of the tab.
pub(super) fn header_ui(
    ui: &mut Ui,
    state: &State,
    set: &BrowseSet,
    draft: &Draft,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                check_ui(ui, &state.gallery.check, actions);
                if set.description.source != "sample" {
                    let help = "Open it once more, because files have changed";
                    if button_ui(ui, "Look again", Ok(()), help).clicked() {
                        actions.push(Action::LookAgain);
                    }
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let source = &set.description.source;
                    let title = if source == "sample" { "The built-in sample" } else { short_source(source) };
                    let title = Label::new(RichText::new(title).heading()).truncate();
                    ui.add(title).on_hover_text(source);
                });
            });
        });
        ui.add(Label::new(&set.description.layout).wrap());
        corrections::strip_ui(ui, &state.corrections, actions);
        ui.add(Label::new(RichText::new(facts(state, set, draft)).small().weak()).wrap());
        if set.description.source == "sample" {
            let hint =
                "To learn from pictures of your own, drop a folder or an archive anywhere on this window.";
            ui.add(Label::new(RichText::new(hint).small().weak()).wrap());
        }
    });
}

/// Sizes and balance in a line.
fn facts(state: &State, set: &BrowseSet, draft: &Draft) -> String {
    let size = if set.is_drawn {
        "Drawn at whatever size is needed.".to_owned()
    } else {
        format!("Usually {} pixels on the shorter side.", format::count(set.description.typical_side))
    };
    let mut text =
        format!("{size} To train on {}, to validate {}.", set.train_balance, set.validation_balance);
    if let Some(preview) = preview(state, draft) {
        let (stored, crop) = (preview.stored_side, preview.crop_side);
        text += &format!(
            " Kept as squares of {stored}x{stored} pixels, of which the network sees {crop}x{crop}."
        );
    }
    text
}

/// How far a check is, and the way to stop it.
pub(super) fn going_ui(ui: &mut Ui, check: &CheckState, actions: &mut Vec<Action>) {
    let CheckState::Going { done, total, stopping } = *check else { return };
    ui.horizontal(|ui| {
        let allowed = if stopping { Err("It is being stopped.") } else { Ok(()) };
        let help = "Give up; what was found so far is not kept";
        if button_ui(ui, "Stop the check", allowed, help).clicked() {
            actions.push(Action::StopCheck);
        }
        let size = vec2(110.0_f32.min(ui.available_width() * 0.3), 8.0);
        progress_ui(ui, "Check progress", done as f64, total as f64, size);
        let text = match total {
            0 => "Reading…".to_owned(),
            _ => format!("{} of {}", format::count(done), format::count(total)),
        };
        ui.label(RichText::new(text).weak());
    });
}

/// The button that reads everything; while it does so, how far it is.
fn check_ui(ui: &mut Ui, check: &CheckState, actions: &mut Vec<Action>) {
    match check {
        CheckState::Going { .. } => going_ui(ui, check, actions),
        _ => {
            let help = "Read every picture and find out which cannot be used, which stand there twice, and how large \
                        the set becomes: the same as \"alexnet-lab data check\" in a terminal. Nothing is changed.";
            if button_ui(ui, "Check every picture", Ok(()), help).clicked() {
                actions.push(Action::CheckData);
            }
        }
    }
}
