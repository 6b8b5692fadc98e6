//! The pictures to learn from: where they come from (left column), and a view of what is there (the tab "Data").
//!
//! | module | part |
//! |---|---|
//! | [`source`] | the card in the left column: choosing |
//! | [`empty`] | what there is to see before a source is open |
//! | [`header`] | the source in a sentence, and the check |
//! | [`classes`] | the list of classes with their counts |
//! | [`grid`] | pictures of a class |
//! | [`enlarged`] | one picture, and what training makes of it |
//! | [`statistics`], [`unused`], [`check`] | figures, files that are not used, the outcome of a check |

mod check;
mod classes;
mod empty;
mod enlarged;
mod grid;
mod header;
mod source;
mod statistics;
mod unused;

use egui::Ui;

use super::super::data_view::{Section, preview};
use super::corrections;
use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::{GAP, card};
use crate::gui::view::View;
use crate::gui::widgets::{Direction, Pane, split_ui};

pub use source::source_ui;

/// The tab "Data".
pub fn data_ui(ui: &mut Ui, state: &State, draft: &Draft, view: &mut View, actions: &mut Vec<Action>) {
    let Some(set) = &state.gallery.set else {
        card(ui).show(ui, |ui| empty::empty_ui(ui, state, actions));
        return;
    };
    header::header_ui(ui, state, set, draft, actions);
    ui.add_space(GAP - ui.spacing().item_spacing.y);
    let mut share = view.data.classes_share;
    split_ui(ui, "classes and pictures", Direction::SideBySide, &mut share, [180.0, 250.0], |ui, pane| {
        card(ui).show(ui, |ui| {
            ui.set_min_size(ui.available_size());
            match pane {
                Pane::First => classes::classes_ui(ui, state.gallery.classes(), &mut view.data),
                Pane::Second => section_ui(ui, state, draft, view, actions),
            }
        });
    });
    view.data.classes_share = share;
}

fn section_ui(ui: &mut Ui, state: &State, draft: &Draft, view: &mut View, actions: &mut Vec<Action>) {
    let Some(set) = &state.gallery.set else { return };
    let unused = unused::files(state);
    let data = &mut view.data;
    ui.horizontal_wrapped(|ui| {
        let not_used = unused::title(state, &unused);
        let corrected = match state.corrections.list().len() {
            0 => "Corrections".to_owned(),
            count => format!("Corrections ({})", format::count(count)),
        };
        for (section, title, help) in [
            (Section::Pictures, "Pictures", "The pictures of the chosen class"),
            (Section::Statistics, "Statistics", "Sizes, mean picture, colours, balance"),
            (
                Section::Unused,
                &not_used,
                "Files that cannot be used or belong to no class, each with its reason",
            ),
            (Section::Check, "Check", "What reading every picture has found"),
            (
                Section::Corrections,
                &corrected,
                "What you have said about single pictures: what they really are, or that they are left out",
            ),
        ] {
            if ui.selectable_label(data.section == section, title).on_hover_text(help).clicked() {
                data.section = section;
            }
        }
    });
    ui.separator();
    match data.section {
        Section::Pictures if data.enlarged.is_some() => {
            enlarged::enlarged_ui(ui, state, set, preview(state, draft), data, actions);
        }
        Section::Pictures => grid::grid_ui(ui, state, set, preview(state, draft), data, actions),
        Section::Statistics => statistics::statistics_ui(ui, state, data, actions),
        Section::Unused => unused::unused_ui(ui, state, &unused, actions),
        Section::Corrections => corrections::list_ui(ui, &state.corrections, actions),
        Section::Check => check::check_ui(ui, state, data, actions),
    }
}

/// The last part of a path, which is what a person knows it by.
fn short_source(source: &str) -> &str {
    let name = std::path::Path::new(source).file_name().and_then(|name| name.to_str());
    name.unwrap_or(source)
}
