//! One line at the foot of the window: where it computes, how fast, how far, how long.

use egui::{Align, Layout, RichText, Ui};

use crate::gui::format;
use crate::gui::state::{Phase, State};
use crate::gui::widgets::progress_ui;

/// The status line.
pub fn status_ui(ui: &mut Ui, state: &State) {
    ui.horizontal(|ui| {
        device_ui(ui, state);
        ui.separator();
        match state.phase {
            Phase::Idle => idle_ui(ui, state),
            Phase::Asked => {
                ui.label("Getting ready…");
            }
            Phase::Preparing { stage, done, total } => {
                ui.label(format!("{}…", stage.words()));
                bar_ui(ui, stage.words(), done as f64, total as f64);
            }
            Phase::Training | Phase::Paused => running_ui(ui, state),
        }
    });
}

fn device_ui(ui: &mut Ui, state: &State) {
    match &state.run {
        Some(run) => {
            let label = ui.label(&run.device);
            label.on_hover_text(format!("Computing on {}. {}", run.device, run.device_reason));
        }
        None => {
            let text = RichText::new("Device: chosen at the start").weak();
            ui.label(text).on_hover_text(
                "The device that computes is opened when a run begins; choose it on the left.",
            );
        }
    }
}

fn idle_ui(ui: &mut Ui, state: &State) {
    let text = match (&state.summary, state.last) {
        (Some(summary), _) => format!("Ended after {} updates", format::count(summary.step as usize)),
        (None, _) => "Ready".into(),
    };
    ui.label(RichText::new(text).weak());
}

fn running_ui(ui: &mut Ui, state: &State) {
    let Some(run) = &state.run else { return };
    let step = state.last.map_or(0, |point| point.step);
    let what = if state.stopping {
        "Saving"
    } else if state.phase == Phase::Paused {
        "Paused"
    } else if state.evaluating.is_some() {
        "Validating"
    } else {
        "Training"
    };
    ui.label(RichText::new(what).strong());
    ui.separator();
    ui.label(format!("step {} of {}", format::count(step as usize), format::count(run.total_steps as usize)));
    if let (Some(point), Some(epochs)) = (state.last, run.config.run.epochs) {
        ui.separator();
        ui.label(format!("epoch {:.1} of {epochs}", point.epoch));
    }
    if let Some(pace) = state.pace {
        ui.separator();
        ui.label(format::pace(pace.images_per_s)).on_hover_text("Training pictures a second");
        if state.phase == Phase::Training {
            ui.separator();
            let left = format!("{} left", format::duration(pace.eta_s));
            ui.label(left).on_hover_text("At this pace, validation included");
        }
    }
    if let Some(checkpoint) = &state.checkpoint {
        ui.separator();
        let mib = checkpoint.total_bytes as f64 / f64::from(1 << 20);
        let help = format!(
            "The run can be resumed from there. {} kept, {mib:.1} MiB, beside {}",
            checkpoint.kept,
            checkpoint.path.display()
        );
        ui.label(format!("saved at step {}", format::count(checkpoint.step as usize))).on_hover_text(help);
    }
    match state.evaluating {
        Some((done, total)) => bar_ui(ui, "Validation progress", done as f64, total as f64),
        None => bar_ui(ui, "Run progress", step as f64, run.total_steps as f64),
    }
}

fn bar_ui(ui: &mut Ui, name: &str, done: f64, total: f64) {
    // Nothing is said of an end that is not known yet.
    if total <= 0.0 {
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(RichText::new(format!("{:.0} %", done / total * 100.0)).weak());
        let width = ui.available_width().min(260.0);
        progress_ui(ui, name, done, total, egui::vec2(width, 8.0));
    });
}
