//! The curve of a search for a learning rate, as it grows and as it ended.

use egui::{RichText, Ui, WidgetInfo};
use egui_plot::{Line, Plot, PlotPoints, VLine};

use crate::engine::{RateFound, Suggestion};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::ticks;
use crate::gui::widgets::{button_ui, small_button_ui};
use crate::vis::{RatePoint, rate_span};

const HEIGHT: f32 = 132.0;

/// The curve with what can be done about it, above the run controls, where it is always in sight; nothing if
/// there was no search.
pub fn search_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let Some(search) = &state.search else { return };
    let found = search.found.as_deref();
    ui.horizontal(|ui| {
        ui.label(RichText::new("Loss over rate").small().strong());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let offered = found.is_some();
            if offered && small_button_ui(ui, "×", "Dismiss the search", "Dismiss").clicked() {
                actions.push(Action::DismissSearch);
            }
        });
    });
    if search.points.len() > 1 {
        plot_ui(ui, &search.points, found.and_then(suggested).map(|suggestion| suggestion.rate));
    } else {
        ui.label(RichText::new("The curve begins with the second update.").small().weak());
    }
    if let Some(found) = found {
        found_ui(ui, found, actions);
    }
    ui.separator();
}

fn suggested(found: &RateFound) -> Option<&Suggestion> {
    found.suggestion.as_ref().ok()
}

fn found_ui(ui: &mut Ui, found: &RateFound, actions: &mut Vec<Action>) {
    match &found.suggestion {
        Ok(Suggestion { rate, reason }) => {
            ui.add(egui::Label::new(RichText::new(reason).small()).wrap());
            ui.horizontal(|ui| {
                let label = format!("Use {}", format::figures(*rate));
                if button_ui(ui, &label, Ok(()), "Take this rate for the next run").clicked() {
                    actions.push(Action::TakeRate(*rate));
                }
                folder_ui(ui, found, actions);
            });
        }
        Err(reason) => {
            let text = format!("No rate can be suggested: {reason}.");
            ui.add(egui::Label::new(RichText::new(text).small().color(Palette::of(ui).warning)).wrap());
            folder_ui(ui, found, actions);
        }
    }
}

/// The way to what the search has written.
fn folder_ui(ui: &mut Ui, found: &RateFound, actions: &mut Vec<Action>) {
    let help = format!("Open {}: curve, table, settings", found.folder.display());
    if button_ui(ui, "Show folder", Ok(()), &help).clicked() {
        actions.push(Action::OpenFolder(found.folder.clone()));
    }
}

fn plot_ui(ui: &mut Ui, points: &[RatePoint], suggested: Option<f64>) {
    let palette = Palette::of(ui);
    let [bottom, top] = rate_span(points);
    let line = |value: fn(&RatePoint) -> f64| -> PlotPoints<'static> {
        let inside = points.iter().filter(|p| (bottom..=top).contains(&value(p)));
        inside.map(|p| [p.rate.log10(), value(p)]).collect()
    };
    let plot = Plot::new("rate search")
        .height(HEIGHT)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .set_margin_fraction(egui::vec2(0.02, 0.06))
        .y_axis_min_width(30.0)
        .grid_color(palette.line)
        .grid_fade(0.0)
        .x_grid_spacer(|input| ticks::round_marks(input, 72.0))
        .x_axis_formatter(|mark, _| {
            // Only whole powers of ten; a plot of few updates has no room for more.
            let whole = (mark.value - mark.value.round()).abs() < 1e-6;
            if whole { format!("1e{}", mark.value.round()) } else { String::new() }
        })
        .y_grid_spacer(|input| ticks::round_marks(input, 26.0))
        .y_axis_formatter(|mark, _| ticks::round_label(mark))
        .label_formatter(|hover| match hover {
            egui_plot::HoverPosition::NearDataPoint { plot_name, position, .. } => Some(format!(
                "{plot_name}\nrate {}\n{} nats",
                format::figures(10f64.powf(position.x)),
                format::figures(position.y)
            )),
            egui_plot::HoverPosition::Elsewhere { .. } => None,
        });
    let response = plot.show(ui, |plot| {
        let raw = Line::new("single batches", line(|p| p.loss));
        plot.line(raw.color(palette.train.gamma_multiply(0.28)).width(1.0).allow_hover(false));
        plot.line(Line::new("running mean", line(|p| p.smooth)).color(palette.train).width(2.0));
        if let Some(rate) = suggested {
            plot.vline(VLine::new("suggested", rate.log10()).color(palette.validation).width(2.0));
        }
    });
    let spoken = match suggested {
        Some(rate) => format!("Loss over rate. Suggested {}.", format::figures(rate)),
        None => format!("Loss over rate. {} rates tried.", points.len()),
    };
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &spoken));
}
