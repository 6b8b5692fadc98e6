//! The sheet of checkpoints that a run can go on from.

use egui::{Context, Grid, RichText, ScrollArea, TextEdit, Ui};

use super::controls::parse_rate;
use crate::engine::KeptCheckpoint;
use crate::gui::action::Action;
use crate::gui::curves::Curves;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, sheet};

/// Height of the list.
const LIST: f32 = 180.0;

/// The sheet, if it is open.
pub fn branch_ui(ctx: &Context, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    if !view.branch.open {
        return;
    }
    let modal = sheet(ctx, "branch").show(ctx, |ui| {
        ui.set_width(430.0_f32.min(ctx.content_rect().width() - 60.0));
        match view.branch.run.as_ref().and_then(|run| run.file_name()) {
            Some(name) => ui.heading(format!("Branch from {}", name.to_string_lossy())),
            None => ui.heading("Go back to a checkpoint"),
        };
        let text = "A branch goes on from there in a folder of its own, with its curves over those of this run. This run \
                    stays as it is; if it is going on, it is saved and stopped first.";
        ui.add(egui::Label::new(RichText::new(text).weak()).wrap());
        ui.add_space(6.0);
        match state.checkpoints.as_deref() {
            None => {
                ui.horizontal(|ui| {
                    busy_ui(ui, "Looking for checkpoints");
                    ui.label("Looking for checkpoints…");
                });
            }
            Some([]) => {
                let text = if view.branch.run.is_some() {
                    "This run has kept no checkpoint to go on from."
                } else {
                    "There is no checkpoint yet: press Save now, or wait for the end of the epoch."
                };
                ui.label(text);
            }
            Some(kept) => list_ui(ui, state, view, kept),
        }
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            let rate = if view.branch.rate.trim().is_empty() {
                Ok(None)
            } else {
                parse_rate(&view.branch.rate).map(Some)
            };
            let allowed = match (&view.branch.chosen, &rate) {
                (None, _) => Err("Choose a checkpoint first."),
                (_, Err(reason)) => Err(*reason),
                _ => Ok(()),
            };
            let help = "Begin a branch at the chosen checkpoint";
            if button_ui(ui, "Go on from there", allowed, help).clicked()
                && let (Some(path), Ok(rate)) = (view.branch.chosen.clone(), rate)
            {
                actions.push(Action::Branch(path, rate));
            }
            ui.button("Close").clicked()
        })
        .inner
    });
    if modal.inner || modal.should_close() {
        actions.push(Action::ToggleBranch);
    }
}

/// The curves of the run that the sheet is about, where they are known.
fn curves<'a>(state: &'a State, view: &View) -> Option<&'a Curves> {
    match &view.branch.run {
        Some(run) => state.runs.run(run)?.ok().map(|run| &run.curves),
        None => Some(&state.curves),
    }
}

fn list_ui(ui: &mut Ui, state: &State, view: &mut View, kept: &[KeptCheckpoint]) {
    ScrollArea::vertical().id_salt("checkpoints").max_height(LIST).show(ui, |ui| {
        // The sheet stays where it is while the list grows.
        ui.set_min_height(LIST);
        Grid::new("checkpoint list").num_columns(3).spacing([24.0, 4.0]).show(ui, |ui| {
            for title in ["Checkpoint", "Epoch", "Validation error"] {
                ui.label(RichText::new(title).small().weak());
            }
            ui.end_row();
            let curves = curves(state, view);
            for kept in kept.iter().rev() {
                let label = format!("update {}", format::count(kept.step as usize));
                let chosen = view.branch.chosen.as_ref() == Some(&kept.path);
                if ui.radio(chosen, label).clicked() {
                    view.branch.chosen = Some(kept.path.clone());
                }
                let epoch = curves.map(|curves| format!("{:.2}", curves.epoch_of(kept.step)));
                ui.label(epoch.unwrap_or_default());
                let measured =
                    curves.and_then(|curves| curves.evaluations.iter().find(|point| point.step == kept.step));
                let error = measured.map(|point| format::percent(point.top1_error)).unwrap_or_default();
                let best = curves.and_then(|curves| curves.best()).is_some_and(|best| best.step == kept.step);
                ui.label(if best { format!("{error}, the best") } else { error });
                ui.end_row();
            }
        });
    });
    ui.horizontal(|ui| {
        let label = ui.label("Learning rate from there on");
        let field = TextEdit::singleline(&mut view.branch.rate).hint_text("as it was").desired_width(100.0);
        ui.add(field).labelled_by(label.id);
    });
}
