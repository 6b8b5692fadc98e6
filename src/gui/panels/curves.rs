//! The course of the run: loss and error, for training and validation, as they come in.

use egui::{Align, Layout, RichText, Ui};

use super::plot::{Kind, plot_ui};
use super::readings::readings_ui;
use super::timeline::{self, timeline_ui};
use crate::gui::format;
use crate::gui::state::{Phase, State};
use crate::gui::theme::{GAP, Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{Mark, empty_ui, heading_ui, small_button_ui, swatch_ui};

/// Why top-5 is not drawn.
const NO_TOP5: &str = "With five classes or fewer the right one is always among the five best guesses, so that the \
                       top-5 error would be 0 throughout.";

/// Least height for the numbers above the curves, which the foot of the window says too, and for the timeline below.
const WITH_READINGS: f32 = 360.0;
const WITH_TIMELINE: f32 = 230.0;

/// Numbers, both plots side by side, and the whole run as a line.
pub fn curves_ui(ui: &mut Ui, state: &State, view: &mut View) {
    let pointed = view.plots.cursor.take();
    // Where there is little room, the curves have it.
    let begun = !state.curves.is_empty() && ui.available_height() > WITH_TIMELINE;
    if begun && ui.available_height() > WITH_READINGS {
        readings_ui(ui, state);
        ui.add_space(GAP - ui.spacing().item_spacing.y);
    }
    let size = ui.available_size();
    let width = (size.x - GAP) / 2.0;
    let below = if begun { timeline::HEIGHT + GAP } else { 0.0 };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        for kind in [Kind::Loss, Kind::Error] {
            let room = egui::vec2(width, (size.y - below).max(120.0));
            ui.allocate_ui_with_layout(room, Layout::top_down(Align::Min), |ui| {
                card(ui).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ui.spacing_mut().item_spacing.x = 8.0;
                    plot_card_ui(ui, kind, state, view, pointed);
                });
            });
        }
    });
    if begun {
        ui.add_space(GAP - ui.spacing().item_spacing.y);
        timeline_ui(ui, state, view, pointed);
    }
}

fn plot_card_ui(ui: &mut Ui, kind: Kind, state: &State, view: &mut View, pointed: Option<f64>) {
    ui.horizontal(|ui| {
        heading_ui(ui, kind.title()).on_hover_text(kind.help());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let what = kind.title().to_lowercase();
            let help =
                "Show the whole curve again. Drag to move, drag with the right button or Ctrl+wheel to zoom.";
            let fit = small_button_ui(ui, "Fit", &format!("Fit the {what} plot"), help).clicked();
            view.plots.fit[kind as usize] |= fit;
            let log = match kind {
                Kind::Loss => &mut view.plots.log_loss,
                Kind::Error => &mut view.plots.log_error,
            };
            let response = ui.toggle_value(log, RichText::new("Log").small());
            response
                .accessible_name(format!("Logarithmic {what} axis"))
                .on_hover_text("Logarithmic or linear axis");
            if kind == Kind::Loss {
                let mut smooth = !view.plots.raw;
                let response = ui.toggle_value(&mut smooth, RichText::new("Smooth").small());
                view.plots.raw = !smooth;
                response.accessible_name("Only the running mean").on_hover_text(
                    "Hide the single batches that lie faint behind the running mean, in both plots",
                );
            }
        });
    });
    if state.curves.is_empty() {
        nothing_yet_ui(ui, kind, state);
        return;
    }
    legend_ui(ui, kind, state, pointed);
    plot_ui(ui, kind, state, view, pointed);
}

fn nothing_yet_ui(ui: &mut Ui, kind: Kind, state: &State) {
    let (title, hint) = match (kind, state.phase) {
        (_, Phase::Training | Phase::Paused) => ("Training has begun", "Waiting for the first update…"),
        (_, Phase::Asked | Phase::Preparing { .. }) if state.searching() => {
            ("Trying learning rates", "The curve of the search grows in the panel on the left.")
        }
        (_, Phase::Asked | Phase::Preparing { .. }) => {
            ("Getting ready", "The curves begin with the first update.")
        }
        (Kind::Loss, Phase::Idle) => (
            "Press Start training",
            "Watch the loss fall here: it says how far the network's answers are from the right ones.",
        ),
        (Kind::Error, Phase::Idle) => (
            "How often it is wrong",
            "Shown for the pictures it learns from and for pictures it has never seen.",
        ),
    };
    empty_ui(ui, title, hint);
}

/// What is drawn how, with the newest values, or those of the moment that is pointed at.
fn legend_ui(ui: &mut Ui, kind: Kind, state: &State, pointed: Option<f64>) {
    let palette = Palette::of(ui);
    let curves = &state.curves;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        if let Some(epoch) = pointed {
            ui.label(RichText::new(format!("at epoch {epoch:.2}:")).small());
        }
        let (train, validation) = kind.values(curves, pointed);
        let help = format!(
            "Strong line: running mean over about {:.0} updates, each before it learned from its batch. Faint line: single \
             batches.",
            curves.memory()
        );
        swatch_ui(ui, &format!("train{train}"), palette.train, Mark::Line, &help);
        let help = "Pictures the network never learns from, measured after each epoch.";
        swatch_ui(ui, &format!("validation{validation}"), palette.validation, Mark::Dot, help);
        if kind == Kind::Error && state.top5_counts() {
            let help = "Dashed: the right class is not among the five best guesses.";
            swatch_ui(ui, "top-5", palette.muted, Mark::DashedLine, help);
        } else if kind == Kind::Error {
            ui.label(RichText::new("no top-5").small().weak()).on_hover_text(NO_TOP5);
        }
        if let Some(best) = curves.best() {
            let help = format!("Lowest top-1 error on validation: {}", format::percent(best.top1_error));
            swatch_ui(ui, "best", palette.good, Mark::Diamond, &help);
        }
        if state.parent_curves.is_some() {
            let help = "The run that this one is a branch of.";
            swatch_ui(ui, "run before", palette.muted, Mark::Line, help);
        }
    });
}
