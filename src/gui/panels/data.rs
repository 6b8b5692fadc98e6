//! Where the pictures come from, and what was found there.

use egui::{CollapsingHeader, RichText, ScrollArea, TextEdit, Ui};

use crate::data::{Description, Refused};
use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::panels::download::known_sets_ui;
use crate::gui::state::{Found, State};
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, heading_ui};

/// Entries of a list that are drawn; the whole list can be copied.
const LISTED: usize = 200;

/// The data section of the left panel.
pub fn data_ui(ui: &mut Ui, state: &State, draft: &mut Draft, view: &View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        heading_ui(ui, "Pictures");
        ui.add_enabled_ui(!state.busy(), |ui| source_ui(ui, draft, view, actions));
        known_sets_ui(ui, state, actions);
        found_ui(ui, state, actions);
    });
}

fn source_ui(ui: &mut Ui, draft: &mut Draft, view: &View, actions: &mut Vec<Action>) {
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

fn found_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    match &state.found {
        Found::Nothing => {}
        Found::Looking => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Looking");
                ui.label(
                    RichText::new(format!("Looking at {}", short_source(&state.source))).color(palette.muted),
                );
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
            classes_ui(ui, description, actions);
        }
    }
    if let Some(run) = &state.run
        && !run.refused.is_empty()
        && run.config.data.source == state.source
    {
        refused_ui(ui, &run.refused, actions);
    }
}

fn classes_ui(ui: &mut Ui, description: &Description, actions: &mut Vec<Action>) {
    let title = format!("{} classes", description.classes.len());
    CollapsingHeader::new(title).id_salt("classes").show(ui, |ui| {
        list_ui(ui, "classes list", description.classes.iter().map(String::as_str));
        if ui.small_button("Copy list").on_hover_text("Copy all class names").clicked() {
            actions.push(Action::CopyText(description.classes.join("\n")));
        }
    });
}

fn refused_ui(ui: &mut Ui, refused: &[Refused], actions: &mut Vec<Action>) {
    let title = match refused.len() {
        1 => "1 file was left out".into(),
        count => format!("{count} files were left out"),
    };
    let title = RichText::new(title).color(Palette::of(ui).warning);
    CollapsingHeader::new(title).id_salt("refused").show(ui, |ui| {
        let lines: Vec<String> =
            refused.iter().map(|file| format!("{}: {}", file.name, file.reason)).collect();
        list_ui(ui, "refused list", lines.iter().map(String::as_str));
        if ui.small_button("Copy list").on_hover_text("Copy every file with its reason").clicked() {
            actions.push(Action::CopyText(lines.join("\n")));
        }
    });
}

fn list_ui<'a>(ui: &mut Ui, id: &str, lines: impl ExactSizeIterator<Item = &'a str>) {
    let more = lines.len().saturating_sub(LISTED);
    ScrollArea::vertical().id_salt(id).max_height(140.0).auto_shrink([false, true]).show(ui, |ui| {
        for line in lines.take(LISTED) {
            ui.add(egui::Label::new(RichText::new(line).small()).wrap());
        }
        if more > 0 {
            ui.label(RichText::new(format!("and {more} more")).small().weak());
        }
    });
}

/// The last part of a path, which is what a person knows it by.
fn short_source(source: &str) -> &str {
    let name = std::path::Path::new(source).file_name().and_then(|name| name.to_str());
    name.unwrap_or(source)
}
