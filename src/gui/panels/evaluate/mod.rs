//! How well the network does on the pictures it never learned from: confusions, classes, mistakes.

mod classes;
mod matrix;
mod pictures;

use egui::{RichText, ScrollArea, Ui};

use crate::gui::action::Action;
use crate::gui::evaluate_view::Side;
use crate::gui::format;
use crate::gui::measured::{Chosen, Measured};
use crate::gui::panels::corrections;
use crate::gui::state::{Found, Phase, State};
use crate::gui::theme::card;
use crate::gui::view::View;
use crate::gui::widgets::{Direction, Pane, busy_ui, button_ui, empty_ui, heading_ui, progress_ui, split_ui};
use crate::words;

/// The view.
pub fn evaluate_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    view.evaluate.visible = 0..0;
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        header_ui(ui, state, view, actions);
        match &state.measured {
            _ if state.measuring => progress(ui, state),
            Some(measured) => measured_ui(ui, state, measured, view, actions),
            None if state.model.is_none() => empty_ui(
                ui,
                "Nothing to measure yet",
                "Train a network, or open a model. Then see here which classes it confuses, and with which pictures it \
                 fails.",
            ),
            None => {
                let first = may_measure(state).err().map(|reason| format!("{reason} Then press"));
                let hint = format!(
                    "{} Measure: every validation picture of the chosen set is shown to the network, and each answer is \
                     kept.",
                    first.as_deref().unwrap_or("Press")
                );
                empty_ui(ui, "How well does it do?", &hint);
            }
        }
    });
}

fn header_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, "Evaluate");
        let allowed = may_measure(state);
        let help = "Show every validation picture of the chosen set to the network, once";
        if button_ui(ui, "Measure", allowed, help).clicked() {
            actions.push(Action::Measure);
        }
        ui.checkbox(&mut view.ten_views, "10 views").on_hover_text(
            "Average the answers for ten crops of each picture, as the paper does for its results (section 4.1): ten times \
             the work",
        );
        let help = "Write classes.csv, confusion.csv and pictures.csv into a folder";
        let there = state.measured.is_some() && !state.measuring;
        if there && button_ui(ui, "Save tables…", Ok(()), help).clicked() {
            actions.push(Action::PickTables);
        }
    });
}

fn may_measure(state: &State) -> Result<(), &'static str> {
    match &state.found {
        _ if state.measuring => Err("It is being measured."),
        _ if state.model.is_none() => Err("There is no network yet: train one, or open a model."),
        _ if state.phase == Phase::Paused && !state.stopping => Ok(()),
        _ if state.busy() => Err("Pause the run first: it is using the network."),
        Found::Unusable(_) | Found::Nothing => Err("Choose pictures first."),
        Found::Looking => Err("The pictures are being opened."),
        Found::Ready(..) => Ok(()),
    }
}

fn progress(ui: &mut Ui, state: &State) {
    let (done, total) = state.evaluating.unwrap_or_default();
    ui.horizontal(|ui| {
        busy_ui(ui, "Measuring");
        ui.label(match total {
            0 => "Getting the pictures ready".to_owned(),
            _ => format!("{} of {} pictures", format::count(done), format::count(total)),
        });
    });
    let size = egui::vec2(ui.available_width(), 8.0);
    progress_ui(ui, "Progress of the measurement", done as f64, total as f64, size);
    if state.phase == Phase::Paused {
        ui.label(RichText::new("Resume goes on with the run and gives the measurement up.").small().weak());
    }
}

fn measured_ui(ui: &mut Ui, state: &State, measured: &Measured, view: &mut View, actions: &mut Vec<Action>) {
    if of_open_set(state, measured) {
        corrections::strip_ui(ui, &state.corrections, actions);
    }
    ui.label(RichText::new(figures(measured)).strong());
    ui.label(RichText::new(origin(measured)).small().weak());
    let mut share = view.evaluate.share;
    split_ui(ui, "classes and pictures", Direction::SideBySide, &mut share, [300.0, 240.0], |ui, pane| {
        match pane {
            Pane::First => {
                sides_ui(ui, measured, view);
                match view.evaluate.side {
                    Side::Confusions => matrix::matrix_ui(ui, state, measured, &mut view.evaluate),
                    Side::Classes => classes::classes_ui(ui, measured, &mut view.evaluate),
                }
            }
            Pane::Second => {
                ScrollArea::vertical()
                    .id_salt("frequent mistakes")
                    .max_height(ui.available_height() * 0.35)
                    .show(ui, |ui| frequent_ui(ui, measured, view));
                pictures::pictures_ui(ui, state, measured, &mut view.evaluate, actions);
            }
        }
    });
    view.evaluate.share = share;
}

/// Whether the pictures that were measured are those that are open.
fn of_open_set(state: &State, measured: &Measured) -> bool {
    state.gallery.set.as_ref().is_some_and(|set| set.description.source == measured.evaluation.source)
}

fn figures(measured: &Measured) -> String {
    let evaluation = &measured.evaluation;
    let point = &evaluation.point;
    let top1 = format::percent(point.top1_error);
    let top5 = if evaluation.classes.len() > 5 {
        format!(", top-5 error {}", format::percent(point.top5_error))
    } else {
        String::new()
    };
    format!("Top-1 error {top1}{top5}, loss {:.3}", point.loss)
}

/// What was measured, and how.
fn origin(measured: &Measured) -> String {
    let evaluation = &measured.evaluation;
    let views = if evaluation.views == 1 { "the middle of each" } else { "ten views of each" };
    let pictures = format::count(evaluation.point.n);
    format!("{pictures} validation pictures of {}, {views}", evaluation.source)
}

fn sides_ui(ui: &mut Ui, measured: &Measured, view: &mut View) {
    ui.horizontal_wrapped(|ui| {
        let classes = format!("{} classes", format::count(measured.evaluation.classes.len()));
        ui.selectable_value(&mut view.evaluate.side, Side::Confusions, "Confusions")
            .on_hover_text("Which class is taken for which");
        ui.selectable_value(&mut view.evaluate.side, Side::Classes, classes)
            .on_hover_text("Error, precision and the most frequent mistake of every class");
    });
}

/// The mistakes made most often; choosing one shows its pictures.
fn frequent_ui(ui: &mut Ui, measured: &Measured, view: &mut View) {
    // A mistake between two long names takes two lines; they belong closer together than to the next one.
    ui.spacing_mut().item_spacing.y = 1.0;
    let all = format!("All {} mistakes", format::count(measured.pictures(Chosen::Mistakes).len()));
    if ui.selectable_label(view.evaluate.chosen == Chosen::Mistakes, all).clicked() {
        view.evaluate.choose(Chosen::Mistakes);
    }
    for &(label, best, times) in measured.confusions.iter().take(20) {
        let chosen = Chosen::Cell(label, best);
        let text = format!("{}: {}", measured.title(chosen), words::counted(times, "picture"));
        let response = ui.selectable_label(view.evaluate.chosen == chosen, text);
        if response.clicked() {
            view.evaluate.choose(chosen);
        }
    }
}
