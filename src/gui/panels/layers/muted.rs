//! What is muted, and what that does to the prediction: the best classes before and after, side by side.

use egui::{Align2, Rect, RichText, Sense, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::engine::{Activations, ranked};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::inspect::LayersAction;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::widgets::{heading_ui, small_button_ui};

/// Guesses shown, as in the paper's Figure 4.
const TOP: usize = 5;
const ROW: f32 = 30.0;

/// The prediction, and what is muted.
pub(super) fn prediction_ui(ui: &mut Ui, state: &State, found: &Activations, actions: &mut Vec<Action>) {
    ui.add_space(4.0);
    heading_ui(ui, "Prediction");
    match &found.after {
        None => {
            let help = "Mute a map, a unit or a whole layer, and see here what becomes of the prediction.";
            list_ui(ui, found, &found.before, None);
            ui.label(RichText::new(help).small().weak());
        }
        Some(after) => {
            let room = (ui.available_width() - 10.0) / 2.0;
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 10.0;
                for (title, of, other) in
                    [("before", &found.before, None), ("muted", after, Some(&found.before))]
                {
                    ui.vertical(|ui| {
                        ui.set_width(room);
                        ui.label(RichText::new(title).small().weak());
                        list_ui(ui, found, of, other);
                    });
                }
            });
        }
    }
    chips_ui(ui, state, actions);
}

/// Each thing that is muted as a button that lets it speak again.
fn chips_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let muted = &state.layers.muted;
    if muted.is_empty() {
        return;
    }
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Muted:").small());
        for one in muted {
            let what = match one.map {
                Some(map) => format!("{} {}", one.layer, map + 1),
                None => format!("all of {}", one.layer),
            };
            let label = format!("{what} ×");
            if small_button_ui(ui, &label, &format!("Unmute {what}"), "Let it speak again").clicked() {
                actions.push(Action::Layers(LayersAction::ToggleMute(one.clone())));
            }
        }
        let help = "Let everything speak again";
        if small_button_ui(ui, "Unmute everything", "Unmute everything", help).clicked() {
            actions.push(Action::Layers(LayersAction::UnmuteAll));
        }
    });
}

/// The most probable classes; `before` are the probabilities to tell the change from.
fn list_ui(ui: &mut Ui, found: &Activations, probabilities: &[f32], before: Option<&Vec<f32>>) {
    ui.spacing_mut().item_spacing.y = 1.0;
    for (rank, class) in ranked(probabilities).into_iter().take(TOP).enumerate() {
        let change = before.map(|before| probabilities[class] - before[class]);
        class_ui(ui, &found.classes[class], probabilities[class], change, rank == 0);
    }
}

/// A class with its probability as a number and a bar, and how much it has changed.
fn class_ui(ui: &mut Ui, class: &str, probability: f32, change: Option<f32>, first: bool) {
    let palette = Palette::of(ui);
    let share = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
    let percent = format::percent(f64::from(share));
    let points = change.map(|change| format!("{:+.1}", change * 100.0));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
    let told = match &points {
        Some(points) => format!("{class}: {percent}, {points} points with what is muted"),
        None => format!("{class}: {percent}"),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &told));
    let font = TextStyle::Small.resolve(ui.style());
    let color = if first { palette.text } else { palette.muted };
    let mut right = rect.right();
    if let (Some(points), Some(change)) = (&points, change) {
        let color = if change < -0.0005 {
            palette.validation
        } else if change > 0.0005 {
            palette.train
        } else {
            palette.muted
        };
        right =
            ui.painter().text(rect.right_top(), Align2::RIGHT_TOP, points, font.clone(), color).left() - 6.0;
    }
    let number = ui.painter().text(pos2(right, rect.top()), Align2::RIGHT_TOP, &percent, font.clone(), color);
    let mut job = egui::text::LayoutJob::simple_singleline(class.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width((number.left() - 6.0 - rect.left()).max(1.0));
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(rect.min, galley, color);
    let track =
        Rect::from_min_max(pos2(rect.left(), rect.bottom() - 11.0), pos2(rect.right(), rect.bottom() - 4.0));
    ui.painter().rect_filled(track, 2.0, palette.line.gamma_multiply(0.6));
    let filled = Rect::from_min_size(track.min, Vec2::new((track.width() * share).max(2.0), track.height()));
    let fill = if first { palette.train } else { palette.train.gamma_multiply(0.55) };
    ui.painter().rect_filled(filled, 2.0, fill);
    response.on_hover_text(told);
}
