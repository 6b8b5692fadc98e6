//! Pictures given to the network, and its five best guesses for each, as in the paper's Figure 4.

mod card;
mod folder;
mod large;
mod nearest;
mod small;
mod views;

use egui::{Align, Layout, RichText, ScrollArea, Ui};

pub use small::small_ui;

use self::card::{Card, HEIGHT, SPACE, card_ui, columns};
use crate::gui::action::Action;
use crate::gui::asked::Index;
use crate::gui::predict_view::Shown;
use crate::gui::state::{Answer, State};
use crate::gui::theme::card;
use crate::gui::view::View;
use crate::gui::widgets::{button_ui, empty_ui, heading_ui};

const NO_MODEL: &str = "There is no network to ask yet: start training, or open a model.";

/// The view.
pub fn predict_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    view.predict.visible = 0..0;
    view.textures.tidy(state);
    if view.predict.shown == Shown::Large && state.prediction_in_view().is_none() {
        view.predict.shown = Shown::Pictures;
    }
    if view.predict.shown == Shown::Folder && state.asked.album.is_none() {
        view.predict.shown = Shown::Pictures;
    }
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        header_ui(ui, state, view, actions);
        if !state.predictions.is_empty() || state.asked.album.is_some() {
            choice_ui(ui, state, view);
        }
        match (view.predict.shown, state.prediction_in_view(), &state.asked.album) {
            (Shown::Folder, _, Some(album)) => {
                let indexed = matches!(state.asked.index, Index::Ready { .. });
                folder::folder_ui(ui, album, indexed, view, actions);
            }
            (Shown::Large, Some(classified), _) => large::large_ui(ui, state, classified, view, actions),
            (_, None, _) => invitation_ui(ui, state),
            _ => pictures_ui(ui, state, view, actions),
        }
    });
}

fn header_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let allowed = if state.model.is_some() { Ok(()) } else { Err(NO_MODEL) };
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, "Ask the network");
        sources_ui(ui, allowed, actions);
        if button_ui(ui, "Folder…", allowed, "All pictures of a folder and of the folders in it").clicked()
        {
            actions.push(Action::PickAskedFolder);
        }
        views_ui(ui, view);
        if let Some(model) = &state.model {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = RichText::new(state.model_and_step()).small().weak();
                let file = model.file.as_ref().map(|file| file.display().to_string());
                let help = file.unwrap_or_else(|| "The network of this run, as it is now".into());
                ui.add(egui::Label::new(text).truncate()).on_hover_text(help);
            });
        }
    });
}

/// Open and paste.
fn sources_ui(ui: &mut Ui, allowed: Result<(), &str>, actions: &mut Vec<Action>) {
    if button_ui(ui, "Open picture…", allowed, "One or more picture files (Ctrl+O)").clicked() {
        actions.push(Action::PickPictures);
    }
    if button_ui(ui, "Paste", allowed, "A picture, a file or a path from the clipboard (Ctrl+V)").clicked() {
        actions.push(Action::Paste);
    }
}

fn views_ui(ui: &mut Ui, view: &mut View) {
    ui.checkbox(&mut view.ten_views, "10 views").on_hover_text(
        "Average the answers for ten crops of the picture: corners, centre and their mirror images (paper section 4.1). A \
         little better, ten times the work.",
    );
}

/// What fills the view.
fn choice_ui(ui: &mut Ui, state: &State, view: &mut View) {
    ui.horizontal_wrapped(|ui| {
        let shown = &mut view.predict.shown;
        let pictures = format!("Pictures ({})", state.predictions.len());
        if ui.selectable_label(*shown != Shown::Folder, pictures).clicked() {
            *shown = Shown::Pictures;
        }
        if let Some(album) = &state.asked.album {
            let title = format!("Folder: {}", crate::gui::format::shortened(&album.title, 40));
            if ui.selectable_label(*shown == Shown::Folder, title).on_hover_text(&album.title).clicked() {
                *shown = Shown::Folder;
            }
        }
    });
}

fn invitation_ui(ui: &mut Ui, state: &State) {
    let (title, hint) = if state.model.is_some() {
        (
            "Drop a picture here",
            "Or many, or a whole folder; or paste one with Ctrl+V, or use the buttons above. This works while it trains, \
             too.",
        )
    } else {
        (
            "Drop a picture here, later",
            "As soon as training has begun, or a model is open, the network can be asked about pictures, one by one or \
             a whole folder.",
        )
    };
    small::drop_frame(ui);
    empty_ui(ui, title, hint);
}

/// Cards side by side, the newest first, as in the left half of Figure 4.
fn pictures_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    ScrollArea::vertical().id_salt("asked pictures").auto_shrink(false).show(ui, |ui| {
        let (_, width) = columns(ui.available_width() - 10.0);
        ui.horizontal_wrapped(|ui| {
            ui.set_max_width(ui.available_width() - 10.0);
            ui.spacing_mut().item_spacing = egui::Vec2::splat(SPACE);
            for classified in state.predictions.iter().rev() {
                // A hair less, so that rounding never makes it one too many for the row.
                let size = egui::vec2(width - 0.5, HEIGHT);
                let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
                let (texture, content) = match &classified.answer {
                    Answer::Ready(prediction) => {
                        let texture = view.textures.picture(ui.ctx(), classified.id, &prediction.seen);
                        (Some(texture), Ok((prediction.top.as_slice(), prediction.truth.as_ref())))
                    }
                    Answer::Waiting => (None, Err("waiting for the answer")),
                    Answer::Failed(reason) => (None, Err(reason.as_str())),
                };
                let card = Card { name: &classified.name, texture, content };
                let id = ui.scope_id().with(("asked", classified.id));
                if card_ui(ui, rect, id, &card).clicked() {
                    actions.push(Action::ShowPrediction(classified.id));
                    view.predict.shown = Shown::Large;
                }
            }
        });
    });
}
