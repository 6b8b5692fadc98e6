//! What can be done with the run at hand, each by one click.

use egui::{RichText, Ui};

use crate::gui::action::Action;
use crate::gui::compare_view::{CompareView, MOST_TICKED};
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::widgets::{button_ui, small_button_ui};

/// Letters of a name.
const NAME: usize = 40;

pub(super) fn strip_ui(ui: &mut Ui, state: &State, compare: &mut CompareView, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        let entry = compare.at_hand.as_deref().and_then(|run| state.runs.entry(run));
        let none = "Click a run in the table first.";
        let name = entry.map_or("No run chosen", |entry| entry.name.as_str());
        ui.label(RichText::new(format::shortened(name, NAME)).strong()).on_hover_text(name);
        let chosen = entry.map(|_| ()).ok_or(none);
        if button_ui(ui, "Open folder", chosen, "Show the files of this run").clicked() {
            actions.extend(entry.map(|entry| Action::OpenFolder(entry.folder.clone())));
        }
        let free = if state.busy() { Err("Stop the run that is going on here first.") } else { Ok(()) };
        let may_resume = entry.map_or(Err(none), |entry| free.and_then(|()| entry.may_resume()));
        if button_ui(ui, "Resume", may_resume, "Go on with this run where it stopped").clicked() {
            actions.extend(entry.map(|entry| Action::ResumeRun(entry.folder.clone())));
        }
        let model = entry.and_then(|entry| entry.facts.as_ref()?.model_file.clone());
        let may_load = chosen.and(free).and(model.as_ref().map(|_| ()).ok_or("It has kept no model yet."));
        let help = "Open the model that this run ended with: ask it about pictures, measure it";
        if button_ui(ui, "Open its model", may_load, help).clicked() {
            actions.extend(model.map(Action::LoadModel));
        }
        let help = "Begin a new run at one of its checkpoints; this one stays as it is";
        if button_ui(ui, "Branch from it…", chosen, help).clicked() {
            actions.extend(entry.map(|entry| Action::BranchFrom(entry.folder.clone())));
        }
        ticks_ui(ui, state, compare);
    });
}

fn ticks_ui(ui: &mut Ui, state: &State, compare: &mut CompareView) {
    if !compare.ticked.is_empty() {
        ui.separator();
        let text = format!("Untick {}", format::count(compare.ticked.len()));
        if small_button_ui(ui, &text, "Untick all runs", "Take all ticks away").clicked() {
            compare.ticked.clear();
        }
        return;
    }
    let listed = compare.listed(&state.runs).len();
    let help = "Compare the runs that are listed";
    if !(2..=MOST_TICKED).contains(&listed) {
        return;
    }
    ui.separator();
    if small_button_ui(ui, "Tick all listed", "Tick all listed runs", help).clicked() {
        let folders: Vec<_> =
            compare.listed(&state.runs).iter().map(|&at| state.runs.entries()[at].folder.clone()).collect();
        folders.iter().for_each(|folder| {
            compare.tick(folder);
        });
    }
}
