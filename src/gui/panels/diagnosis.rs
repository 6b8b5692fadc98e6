//! What ails the run, in a sentence, with the remedy as one button.

use egui::{Align, Layout, RichText, Stroke, Ui};

use crate::engine::Remedy;
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::{GAP, Palette, card};
use crate::gui::widgets::{button_ui, small_button_ui, warning_sign};

/// The card; nothing while nothing ails the run.
pub fn diagnosis_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(diagnosis) = &state.diagnosis else { return };
    let palette = Palette::of(ui);
    card(ui).stroke(Stroke::new(1.0, palette.warning)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(egui::vec2(20.0, 20.0), egui::Sense::hover());
            warning_sign(ui.painter(), rect.center(), 15.0, palette.warning);
            ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                if small_button_ui(ui, "×", "Dismiss diagnosis", "Do not tell me again in this run").clicked()
                {
                    actions.push(Action::DismissDiagnosis);
                }
                let text = diagnosis.finding.words();
                if small_button_ui(ui, "Copy", "Copy diagnosis", "Put this text on the clipboard").clicked() {
                    actions.push(Action::CopyText(text.clone()));
                }
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.add(egui::Label::new(text).wrap());
                    let (label, help) = remedy(state, diagnosis.remedy);
                    let allowed = if state.stopping { Err("The run is being saved.") } else { Ok(()) };
                    ui.horizontal_wrapped(|ui| {
                        if button_ui(ui, &label, allowed, &help).clicked() {
                            actions.push(Action::Cure(diagnosis.remedy));
                        }
                        ui.label(RichText::new(help).small().weak());
                    });
                });
            });
        });
    });
    ui.add_space(GAP - ui.spacing().item_spacing.y);
}

/// What the button says, and what pressing it does.
fn remedy(state: &State, remedy: Remedy) -> (String, String) {
    let running = if state.running() { "The run going on is saved first; " } else { "" };
    match remedy {
        Remedy::SetRate(rate) if state.running() => {
            (format!("Set the rate to {}", format::figures(rate)), "In force from the next update on.".into())
        }
        Remedy::SetRate(rate) => (
            format!("Go on at {}", format::figures(rate)),
            "Begins a branch at the newest checkpoint.".into(),
        ),
        Remedy::GoBack { step, rate } => (
            format!("Go back and go on at {}", format::figures(rate)),
            format!(
                "{running}begins a branch at the newest checkpoint up to update {}.",
                format::count(step.min(u64::from(u32::MAX)) as usize)
            ),
        ),
        Remedy::StartAgain { rate } => (
            format!("Start again at {}", format::figures(rate)),
            format!("{running}begins a new run with the settings on the left and this rate."),
        ),
        Remedy::OtherWeights => (
            "Start again with first weights by number of inputs".into(),
            format!("{running}begins a new run; the paper's first weights are too small for little data."),
        ),
        Remedy::FindRate => (
            "Search for a rate".into(),
            format!("{running}tries rates with a copy of the network for about 100 updates."),
        ),
    }
}
