//! What is asked and said while the window is being closed.

use egui::Context;

use crate::gui::action::Action;
use crate::gui::state::{Closing, State};
use crate::gui::widgets::{busy_ui, primary_button_ui, sheet};

/// The question, or what the window waits for.
pub fn closing_ui(ctx: &Context, state: &State, actions: &mut Vec<Action>) {
    match state.closing {
        Closing::No => {}
        Closing::Asked => question_ui(ctx, actions),
        Closing::Saving => saving_ui(ctx),
    }
}

fn question_ui(ctx: &Context, actions: &mut Vec<Action>) {
    let modal = sheet(ctx, "close").show(ctx, |ui| {
        ui.set_width(340.0);
        ui.heading("Close the window?");
        ui.add_space(4.0);
        ui.label("The training stops and is saved first. The next start offers to go on with it.");
        ui.add_space(8.0);
        let save = primary_button_ui(ui, "Save and close", Ok(()), "Stop here and keep everything");
        // So that Enter is enough.
        if ui.memory(|memory| memory.focused().is_none()) {
            save.request_focus();
        }
        ui.add_space(4.0);
        if save.clicked() {
            actions.push(Action::SaveAndClose);
        } else if ui.button("Go on training").clicked() {
            actions.push(Action::StayOpen);
        }
    });
    if modal.should_close() {
        actions.push(Action::StayOpen);
    }
}

fn saving_ui(ctx: &Context) {
    sheet(ctx, "saving").show(ctx, |ui| {
        ui.set_min_width(280.0);
        ui.horizontal(|ui| {
            busy_ui(ui, "Saving");
            ui.heading("Saving…");
        });
        ui.label("The window closes as soon as the run is saved. Close it again to leave at once.");
    });
}
