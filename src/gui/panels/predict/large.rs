//! One picture large: what the network saw, its five best guesses, the votes of its views, and the training pictures
//! most like it.

use egui::{Align, Image, Label, Layout, RichText, ScrollArea, Ui, Vec2};

use super::{nearest, views};
use crate::engine::{Prediction, Truth};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::predict_view::Shown;
use crate::gui::state::{Answer, Classified, State};
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{Walk, busy_ui, button_ui, marked_bar_ui, walker_ui};

/// Largest side of the picture.
const PICTURE: f32 = 236.0;

/// Fills the place of the cards.
pub(super) fn large_ui(
    ui: &mut Ui,
    state: &State,
    classified: &Classified,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    walk_ui(ui, state, classified, view, actions);
    match &classified.answer {
        Answer::Waiting => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Waiting for the answer");
                ui.label(format!("Asking about {}", classified.name));
            });
        }
        Answer::Failed(reason) => {
            ui.label(RichText::new(&classified.name).strong());
            ui.add(Label::new(RichText::new(reason).color(Palette::of(ui).error)).wrap());
        }
        Answer::Ready(prediction) => {
            ScrollArea::vertical().id_salt("large answer").auto_shrink(false).show(ui, |ui| {
                // The scroll bar floats over the contents.
                ui.set_max_width(ui.available_width() - 12.0);
                answer_ui(ui, classified, prediction, view);
                ui.add_space(6.0);
                ui.separator();
                views::views_ui(ui, classified, prediction, view, actions);
                ui.add_space(6.0);
                ui.separator();
                nearest::nearest_ui(ui, state, classified, view, actions);
            });
        }
    }
}

/// Back, previous, next, again, remove.
fn walk_ui(ui: &mut Ui, state: &State, classified: &Classified, view: &mut View, actions: &mut Vec<Action>) {
    let place = state.predictions.iter().position(|one| one.id == classified.id).unwrap_or(0);
    // The newest picture is the first.
    let newer = state.predictions.get(place + 1);
    let older = place.checked_sub(1).and_then(|place| state.predictions.get(place));
    let walk = walker_ui(ui, "Large picture", newer.is_some(), older.is_some(), |ui| {
        let allowed = match (&classified.source, &state.model) {
            (None, _) => Err("The picture itself is not kept."),
            (_, None) => Err(super::NO_MODEL),
            _ => Ok(()),
        };
        if button_ui(ui, "Ask again", allowed, "Ask the network as it is now").clicked() {
            actions.push(Action::AskAgain(classified.id));
        }
        let remove = ui.button("Remove").accessible_name(format!("Remove {}", classified.name));
        if remove.on_hover_text("Remove this picture from the list").clicked() {
            actions.push(Action::RemovePrediction(classified.id));
        }
    });
    let other = match walk {
        Some(Walk::Back) => {
            view.predict.shown = Shown::Pictures;
            None
        }
        Some(Walk::Previous) => newer,
        Some(Walk::Next) => older,
        None => None,
    };
    actions.extend(other.map(|other| Action::ShowPrediction(other.id)));
}

fn answer_ui(ui: &mut Ui, classified: &Classified, prediction: &Prediction, view: &mut View) {
    ui.horizontal_top(|ui| {
        let side = PICTURE.min(ui.available_width() * 0.42);
        ui.vertical(|ui| {
            ui.set_width(side);
            let texture = view.textures.picture(ui.ctx(), classified.id, &prediction.seen);
            let (width, height) = prediction.seen.dimensions();
            let image = Image::from_texture((texture.id(), Vec2::splat(side)))
                .fit_to_exact_size(Vec2::splat(side))
                .corner_radius(3)
                .alt_text(format!("{} as the network saw it", classified.name));
            ui.add(image).on_hover_text(
                "Exactly the pixels that the network saw: shorter side fitted, middle cut out",
            );
            let views = if prediction.votes.is_empty() { "" } else { ", the middle of ten views" };
            let text = format!("what it saw: {width}x{height}{views}");
            ui.label(RichText::new(text).small().weak());
        });
        ui.vertical(|ui| {
            ui.add(Label::new(RichText::new(&classified.name).strong()).truncate())
                .on_hover_text(&classified.name);
            truth_ui(ui, prediction.truth.as_ref());
            for (rank, (class, probability)) in prediction.top.iter().enumerate() {
                let is_true = prediction.truth.as_ref().is_some_and(|truth| truth.class == *class);
                marked_bar_ui(ui, class, *probability, rank == 0, 34.0, is_true);
            }
            let text = RichText::new(format!("answered by {}", classified.asked_of)).small().weak();
            ui.with_layout(Layout::left_to_right(Align::Min), |ui| ui.add(Label::new(text).truncate()));
        });
    });
}

/// What it really is, if that is known, and where the network has it.
fn truth_ui(ui: &mut Ui, truth: Option<&Truth>) {
    let text = match truth {
        None => "What it really is, is not known: no folder above it is named after a class.".to_owned(),
        Some(truth) if truth.rank == 0 => format!("It is {}: right.", truth.class),
        Some(truth) => {
            let probability = format::percent(f64::from(truth.probability));
            format!("It is {}: guess number {}, with {probability}.", truth.class, truth.rank + 1)
        }
    };
    let text = RichText::new(text);
    ui.add(Label::new(if truth.is_some() { text } else { text.weak() }).wrap());
}
