//! Choosing where the pictures come from: a card in the left column.

use egui::{RichText, TextEdit, Ui};

use super::short_source;
use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::panels::download::known_sets_ui;
use crate::gui::state::{Found, State};
use crate::gui::tab::Tab;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, heading_ui};
use crate::words;

/// The card.
pub fn source_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        heading_ui(ui, "Pictures");
        ui.add_enabled_ui(!state.busy(), |ui| chooser_ui(ui, state, draft, view, actions));
        known_sets_ui(ui, state, actions);
        found_ui(ui, state, view, actions);
    });
}

fn chooser_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &View, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        let sample = ui.selectable_label(draft.base.data.source == "sample", "Sample");
        let sample = sample.on_hover_text("Ten classes of coloured shapes, made by the program: nothing to download.");
        if sample.clicked() {
            draft.typed_source.clear();
            actions.push(Action::UseSource("sample".into()));
        }
        let help = "One folder of pictures for each class, with or without train and val folders above; or CIFAR, MNIST, Tiny ImageNet and others as they come.";
        if button_ui(ui, "Open folder…", Ok(()), help).clicked() {
            actions.push(Action::PickFolder);
        }
        if button_ui(ui, "Open archive…", Ok(()), "The same in a .tar, .tar.gz or .zip file, which is read as it is; or a table of paths and labels.").clicked() {
            actions.push(Action::PickArchive);
        }
    });
    // Of no use during a run, whose settings need the room.
    if state.running() {
        return;
    }
    ui.horizontal(|ui| {
        let recent = !view.recent.is_empty();
        let room = ui.available_width() - if recent { 76.0 } else { 0.0 };
        let field = TextEdit::singleline(&mut draft.typed_source)
            .hint_text("or type a path and press Enter")
            .desired_width(room);
        let response = ui.add(field).accessible_name("Path of a folder or archive");
        let confirmed = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let typed = draft.typed_source.trim();
        if confirmed && !typed.is_empty() {
            actions.push(Action::UseSource(typed.to_owned()));
        }
        if recent {
            ui.menu_button("Recent", |ui| {
                for source in &view.recent {
                    if ui.button(source).clicked() {
                        actions.push(Action::UseSource(source.clone()));
                        ui.close();
                    }
                }
            });
        }
    });
}

/// In a line or two what was found; the tab tells the rest.
fn found_ui(ui: &mut Ui, state: &State, view: &View, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    match &state.found {
        // The tab itself tells.
        Found::Looking | Found::Unusable(_) if view.tab == Tab::Data => {}
        Found::Nothing => {}
        Found::Looking => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Looking");
                let text = format!("Looking at {}", short_source(&state.source));
                ui.add(egui::Label::new(RichText::new(text).color(palette.muted)).truncate());
            });
        }
        Found::Unusable(reason) => {
            ui.label(RichText::new(reason).color(palette.error));
            if ui.small_button("Copy message").clicked() {
                actions.push(Action::CopyText(reason.clone()));
            }
        }
        Found::Ready(description, _) => {
            ui.label(&description.layout);
            if view.tab != Tab::Data && ui.link("Look at the pictures").clicked() {
                actions.push(Action::Show(Tab::Data));
            }
        }
    }
    let refused = state.refused_by_run().len();
    if refused > 0 {
        let text =
            format!("{} {} left out", words::counted(refused, "file"), words::verb(refused, "was", "were"));
        let text = RichText::new(text).color(palette.warning);
        let link = ui.add(egui::Button::new(text).frame(false));
        if link.on_hover_text("See which, and why").clicked() {
            actions.push(Action::ShowUnused);
        }
    }
}
