//! One line at the foot of the window: where it computes, how fast, how far, how long.

use egui::{Align, Layout, RichText, TextStyle, Ui, WidgetText};

use crate::gui::format;
use crate::gui::state::{Phase, State};
use crate::gui::widgets::progress_ui;
use crate::words;

/// Least width of the bar, with its number.
const BAR: f32 = 130.0;

/// Something the line says. What stands first is worth most: where there is no room, the last ones are left out.
struct Item {
    text: RichText,
    help: String,
}

/// How far something is.
struct Progress {
    name: &'static str,
    done: f64,
    total: f64,
}

/// The status line.
pub fn status_ui(ui: &mut Ui, state: &State) {
    let (items, progress) = match state.phase {
        Phase::Idle => (vec![idle(state)], None),
        Phase::Asked => (vec![item("Getting ready…", "")], None),
        Phase::Preparing { stage, done, total } => {
            let progress = Progress { name: stage.words(), done: done as f64, total: total as f64 };
            (vec![item(format!("{}…", stage.words()), "")], Some(progress))
        }
        Phase::Training | Phase::Paused => running(state),
    };
    // Nothing is said of an end that is not known yet.
    let progress = progress.filter(|progress| progress.total > 0.0);
    ui.horizontal(|ui| {
        let bar = if progress.is_some() { BAR } else { 0.0 };
        for (place, item) in items.into_iter().chain([device(state)]).enumerate() {
            let needed = width(ui, &item.text) + 3.0 * ui.spacing().item_spacing.x;
            if place > 0 && ui.available_width() - bar < needed {
                continue;
            }
            if place > 0 {
                ui.separator();
            }
            let response = ui.add(egui::Label::new(item.text).truncate());
            if !item.help.is_empty() {
                response.on_hover_text(item.help);
            }
        }
        if let Some(progress) = progress {
            bar_ui(ui, &progress);
        }
    });
}

fn item(text: impl Into<String>, help: impl Into<String>) -> Item {
    Item { text: RichText::new(text), help: help.into() }
}

fn width(ui: &Ui, text: &RichText) -> f32 {
    let text = WidgetText::from(text.clone());
    text.into_galley(ui, Some(egui::TextWrapMode::Extend), f32::INFINITY, TextStyle::Body).size().x
}

fn device(state: &State) -> Item {
    match &state.run {
        Some(run) => item(
            &run.device,
            format!("Computing on {}. {}", run.device, format::sentence(&run.device_reason)),
        ),
        None => {
            let help = "The device that computes is opened when a run begins; choose it on the left.";
            Item { text: RichText::new("Device: chosen at the start").weak(), help: help.into() }
        }
    }
}

fn idle(state: &State) -> Item {
    let text = match &state.summary {
        Some(summary) => format!("Ended after {}", words::counted(summary.step, "update")),
        None => "Ready".into(),
    };
    Item { text: RichText::new(text).weak(), help: String::new() }
}

/// What a run is doing, in a word.
pub fn doing(state: &State) -> &'static str {
    if state.stopping {
        "Saving"
    } else if state.phase == Phase::Paused {
        "Paused"
    } else if state.evaluating.is_some() {
        "Validating"
    } else {
        "Training"
    }
}

fn running(state: &State) -> (Vec<Item>, Option<Progress>) {
    let Some(run) = &state.run else { return (Vec::new(), None) };
    let step = state.last.map_or(0, |point| point.step);
    let mut items = vec![Item { text: RichText::new(doing(state)).strong(), help: String::new() }];
    if let Some((done, total)) = state.evaluating {
        let text = format!("{} of {} pictures", format::count(done), format::count(total));
        items.push(item(text, "The validation pictures are being measured"));
    }
    let (made, all) = (format::count(step as usize), format::count(run.total_steps as usize));
    items.push(item(format!("step {made} of {all}"), "Updates made, and those of the whole run"));
    if let Some(pace) = state.pace.filter(|_| state.phase == Phase::Training) {
        let left = format!("{} left", format::duration(pace.eta_s));
        items.push(item(left, "At this pace, validation included"));
        items.push(item(format::pace(pace.images_per_s), "Training pictures a second"));
    }
    if let (Some(point), Some(epochs)) = (state.last, run.config.run.epochs) {
        items.push(item(
            format!("epoch {:.1} of {epochs}", point.epoch),
            "Times all training pictures were seen",
        ));
    }
    if let Some(checkpoint) = &state.checkpoint {
        let mib = checkpoint.total_bytes as f64 / f64::from(1 << 20);
        let help = format!(
            "The run can be resumed from there. {} kept, {mib:.1} MiB, beside {}",
            checkpoint.kept,
            checkpoint.path.display()
        );
        items.push(item(format!("saved at step {}", format::count(checkpoint.step as usize)), help));
    }
    // The run's own bar, also while it validates: it never goes back.
    let progress = Progress { name: "Run progress", done: step as f64, total: run.total_steps as f64 };
    (items, Some(progress))
}

fn bar_ui(ui: &mut Ui, progress: &Progress) {
    let Progress { name, done, total } = *progress;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(RichText::new(format!("{:.0} %", done / total * 100.0)).weak());
        let width = ui.available_width().min(260.0);
        progress_ui(ui, name, done, total, egui::vec2(width, 8.0));
    });
}
