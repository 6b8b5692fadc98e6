//! The newest answer in few words, beside the curves: so that a picture can be asked about while watching a run.

use egui::{
    Align, Image, Layout, RichText, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2,
};

use super::{NO_MODEL, views_ui};
use crate::gui::action::Action;
use crate::gui::state::{Answer, Classified, State};
use crate::gui::tab::Tab;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, empty_ui, heading_ui, marked_bar_ui};

/// Side of the pictures in the strip.
const THUMBNAIL: f32 = 44.0;
/// Side of the picture in view.
const PICTURE: f32 = 148.0;

/// Least width at which the title and all controls stand in one line.
const ONE_LINE: f32 = 480.0;

/// The panel.
pub fn small_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        header_ui(ui, state, view, actions);
        view.textures.tidy(state);
        let strip = if state.predictions.is_empty() { 0.0 } else { THUMBNAIL + 22.0 };
        let room = vec2(ui.available_width(), (ui.available_height() - strip).max(60.0));
        ui.allocate_ui_with_layout(room, Layout::top_down(Align::Min), |ui| {
            ui.set_min_size(room);
            match state.prediction_in_view() {
                Some(classified) => answer_ui(ui, classified, view, actions),
                None => invitation_ui(ui, state),
            }
        });
        if strip > 0.0 {
            strip_ui(ui, state, view, actions);
        }
    });
}

fn header_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let allowed = if state.model.is_some() { Ok(()) } else { Err(NO_MODEL) };
    let roomy = ui.available_width() >= ONE_LINE;
    ui.horizontal(|ui| {
        heading_ui(ui, "Ask the network");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if roomy {
                buttons_ui(ui, allowed, actions);
            }
            views_ui(ui, view);
        });
    });
    if !roomy {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| buttons_ui(ui, allowed, actions));
        });
    }
}

fn buttons_ui(ui: &mut Ui, allowed: Result<(), &str>, actions: &mut Vec<Action>) {
    let help = "The whole view: all pictures, folders, ten views, training pictures most alike (Predict)";
    if button_ui(ui, "More…", Ok(()), help).clicked() {
        actions.push(Action::Show(Tab::Predict));
    }
    if button_ui(ui, "Paste", allowed, "A picture, a file or a path from the clipboard (Ctrl+V)").clicked() {
        actions.push(Action::Paste);
    }
    if button_ui(ui, "Open picture…", allowed, "One or more picture files (Ctrl+O)").clicked() {
        actions.push(Action::PickPictures);
    }
}

fn invitation_ui(ui: &mut Ui, state: &State) {
    let (title, hint) = if state.model.is_some() {
        (
            "Drop a picture here",
            "Paste one with Ctrl+V, or open one with the button above. This works while it trains, too.",
        )
    } else {
        (
            "Drop a picture here, later",
            "As soon as training has begun, or a model is open, the network can be asked.",
        )
    };
    drop_frame(ui);
    empty_ui(ui, title, hint);
}

/// A dashed edge around the place where pictures can be dropped.
pub(super) fn drop_frame(ui: &Ui) {
    let palette = Palette::of(ui);
    let rect = ui.available_rect_before_wrap().shrink(2.0);
    let edge = [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
    ui.painter().extend(Shape::dashed_line(&edge, Stroke::new(1.5, palette.line), 8.0, 6.0));
}

fn answer_ui(ui: &mut Ui, classified: &Classified, view: &mut View, actions: &mut Vec<Action>) {
    match &classified.answer {
        Answer::Waiting => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Waiting for the answer");
                ui.label(format!("Asking about {}", classified.name));
            });
        }
        Answer::Failed(reason) => {
            name_ui(ui, classified, actions);
            ui.label(RichText::new(reason).color(Palette::of(ui).error));
        }
        Answer::Ready(prediction) => {
            ui.horizontal_top(|ui| {
                let side =
                    PICTURE.min(ui.available_width() * 0.42).min(ui.available_height() - 44.0).max(48.0);
                ui.vertical(|ui| {
                    ui.set_width(side);
                    let texture = view.textures.picture(ui.ctx(), classified.id, &prediction.seen);
                    let (width, height) = prediction.seen.dimensions();
                    let image = Image::from_texture((texture.id(), Vec2::splat(side)));
                    let image = image
                        .fit_to_exact_size(Vec2::splat(side))
                        .alt_text(format!("{} as the network saw it", classified.name));
                    ui.add(image).on_hover_text(
                        "Exactly the pixels that the network saw: shorter side fitted, middle cut out",
                    );
                    ui.label(RichText::new(format!("what it saw: {width}x{height}")).small().weak());
                });
                ui.vertical(|ui| {
                    name_ui(ui, classified, actions);
                    ScrollArea::vertical().id_salt("guesses").show(ui, |ui| {
                        ui.spacing_mut().item_spacing.y = 1.0;
                        let height = ui.available_height() / prediction.top.len().max(1) as f32 - 1.0;
                        for (rank, (class, probability)) in prediction.top.iter().enumerate() {
                            let is_true =
                                prediction.truth.as_ref().is_some_and(|truth| truth.class == *class);
                            marked_bar_ui(ui, class, *probability, rank == 0, height, is_true);
                        }
                    });
                });
            });
        }
    }
}

/// File name and model on the left, a remove button on the right.
fn name_ui(ui: &mut Ui, classified: &Classified, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let remove = ui.small_button("×").accessible_name(format!("Remove {}", classified.name));
            if remove.on_hover_text("Remove this picture from the list").clicked() {
                actions.push(Action::RemovePrediction(classified.id));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(&classified.name).small().weak();
                let hover = format!("{}, answered by {}", classified.name, classified.asked_of);
                ui.add(egui::Label::new(text).truncate()).on_hover_text(hover);
            });
        });
    });
}

/// Earlier pictures, newest first.
fn strip_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let shown = state.prediction_in_view().map(|p| p.id);
    ScrollArea::horizontal().id_salt("strip").show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for classified in state.predictions.iter().rev() {
                if thumbnail_ui(ui, classified, view, shown == Some(classified.id)).clicked() {
                    actions.push(Action::ShowPrediction(classified.id));
                }
            }
        });
    });
}

fn thumbnail_ui(ui: &mut Ui, classified: &Classified, view: &mut View, shown: bool) -> egui::Response {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::click());
    let summary = match &classified.answer {
        Answer::Ready(prediction) => {
            let texture = view.textures.picture(ui.ctx(), classified.id, &prediction.seen);
            Image::from_texture((texture.id(), rect.size())).paint_at(ui, rect);
            let best = prediction.top.first().map_or("nothing", |(class, _)| class);
            format!("{}: {best}", classified.name)
        }
        Answer::Waiting | Answer::Failed(_) => {
            let failed = matches!(classified.answer, Answer::Failed(_));
            let (sign, word) = if failed { ("!", "could not be read") } else { ("…", "waiting") };
            ui.painter().rect_filled(rect, 4.0, palette.line);
            let font = egui::TextStyle::Heading.resolve(ui.style());
            ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, sign, font, palette.text);
            format!("{}: {word}", classified.name)
        }
    };
    if shown || response.has_focus() || response.hovered() {
        let color = if shown { palette.train } else { palette.muted };
        ui.painter().rect_stroke(rect, 4.0, Stroke::new(2.0, color), StrokeKind::Inside);
    }
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, shown, format!("Show {summary}")));
    response.on_hover_text(summary)
}
