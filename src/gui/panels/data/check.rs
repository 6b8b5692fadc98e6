//! What reading every picture has found, in the words of `data check`.

use egui::{Grid, Label, RichText, ScrollArea, Ui};

use crate::engine::DataCheck;
use crate::gui::action::Action;
use crate::gui::data_view::DataView;
use crate::gui::format;
use crate::gui::gallery::CheckState;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::widgets::{busy_ui, button_ui, empty_ui};

/// Where the rest of a long list is.
const REST: &str = "see \"Not used\"";

/// The section.
pub(super) fn check_ui(ui: &mut Ui, state: &State, data: &mut DataView, actions: &mut Vec<Action>) {
    let check = &state.gallery.check;
    if !matches!(check, CheckState::Going { .. }) {
        let help = "Compare what the pictures look like, not only their pixels: finds copies that were scaled or saved \
                    again. Takes a little longer.";
        ui.checkbox(&mut data.near, "The next check also finds pictures that look alike").on_hover_text(help);
    }
    match check {
        CheckState::NotAsked => empty_ui(
            ui,
            "Not checked yet",
            "\"Check every picture\" above reads all of them, corrected as a run would see them, and tells what cannot be \
             used, what stands there twice, and how large the set becomes. It changes nothing.",
        ),
        CheckState::Going { done, total, .. } => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Reading every picture");
                ui.label(match total {
                    0 => "Reading every picture…".to_owned(),
                    _ => format!(
                        "Reading every picture: {} of {}",
                        format::count(*done),
                        format::count(*total)
                    ),
                });
            });
        }
        CheckState::Failed(reason) => {
            ui.add(Label::new(RichText::new(reason).color(Palette::of(ui).error)).wrap());
            if button_ui(ui, "Copy the reason", Ok(()), "Put the message on the clipboard").clicked() {
                actions.push(Action::CopyText(reason.clone()));
            }
        }
        CheckState::Done(found) => {
            if state.corrections.version() != state.gallery.checked_with {
                let text = "The corrections have changed since: this is how it was before.";
                ui.add(Label::new(RichText::new(text).color(Palette::of(ui).warning)).wrap());
            }
            report_ui(ui, found, actions);
        }
    }
}

fn report_ui(ui: &mut Ui, found: &DataCheck, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    ui.horizontal(|ui| {
        let (text, color) =
            if found.usable { ("Usable", palette.good) } else { ("Not usable", palette.error) };
        ui.label(RichText::new(text).strong().color(color));
        if button_ui(ui, "Copy report", Ok(()), "Copy what stands below as text").clicked() {
            let lines = found.rows(REST).into_iter().map(|(title, text)| format!("{title:<12} {text}\n"));
            actions.push(Action::CopyText(lines.collect()));
        }
    });
    if let Some(problem) = &found.problem {
        ui.add(Label::new(RichText::new(format::sentence(problem)).color(palette.error)).wrap());
    }
    ScrollArea::vertical().id_salt("check").auto_shrink(false).show(ui, |ui| {
        Grid::new("check rows").num_columns(2).spacing([16.0, 4.0]).show(ui, |ui| {
            for (title, text) in found.rows(REST) {
                ui.label(RichText::new(title).weak());
                ui.add(Label::new(text).wrap());
                ui.end_row();
            }
        });
    });
}
