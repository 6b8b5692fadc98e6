//! One picture large: the square that is kept of it, and what the network sees of that square.

use egui::{
    Align, Image, Label, Layout, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::classes::chosen_count;
use crate::data::Split;
use crate::engine::{BrowseSet, LargePicture, PictureProblem, PictureSource, Preview, Variation, window};
use crate::gui::action::Action;
use crate::gui::data_view::DataView;
use crate::gui::format;
use crate::gui::gallery::Gallery;
use crate::gui::panels::corrections;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::widgets::{Walk, busy_ui, button_ui, walker_ui};

/// Largest side of the stored square, and of a variation.
const STORED: f32 = 340.0;
const VARIATION: f32 = 150.0;
const COLUMNS: usize = 3;

/// Fills the place of the grid.
pub(super) fn enlarged_ui(
    ui: &mut Ui,
    state: &State,
    set: &BrowseSet,
    preview: Option<Preview>,
    data: &mut DataView,
    actions: &mut Vec<Action>,
) {
    let gallery = &state.gallery;
    let Some(place) = data.enlarged else { return };
    let count = chosen_count(&set.classes, data);
    navigation_ui(ui, count, data);
    let (_, _, answer) = match &gallery.large {
        Some(large) if large.0 == place => large,
        _ => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Reading the picture");
                ui.label("Reading the picture…");
            });
            return;
        }
    };
    match (answer, preview) {
        (Err(problem), _) => problem_ui(ui, problem, actions),
        (Ok(large), Some(preview)) => {
            ScrollArea::vertical().id_salt("enlarged").auto_shrink(false).show(ui, |ui| {
                facts_ui(ui, set, large, preview, actions);
                said_ui(ui, state, set, large, actions);
                ui.add_space(6.0);
                pictures_ui(ui, gallery, large, place.split, preview, data);
            });
        }
        (Ok(_), None) => {}
    }
}

fn navigation_ui(ui: &mut Ui, count: usize, data: &mut DataView) {
    let position = data.cursor;
    let text = format!("{} of {}", format::count(position + 1), format::count(count));
    let walk = walker_ui(ui, "Enlarged picture", position > 0, position + 1 < count, |ui| {
        ui.label(RichText::new(text).weak());
    });
    match walk {
        Some(Walk::Back) => (data.enlarged, data.reveal) = (None, true),
        Some(Walk::Next) => data.enlarge(position + 1),
        Some(Walk::Previous) => data.enlarge(position - 1),
        None => {}
    }
}

fn problem_ui(ui: &mut Ui, problem: &PictureProblem, actions: &mut Vec<Action>) {
    ui.add_space(6.0);
    ui.add(Label::new(RichText::new(&problem.name).strong()).wrap());
    let text = format!("This file is not used: {}.", problem.reason);
    ui.add(Label::new(RichText::new(text).color(Palette::of(ui).error)).wrap());
    if button_ui(ui, "Copy the reason", Ok(()), "Put name and reason on the clipboard").clicked() {
        actions.push(Action::CopyText(format!("{}: {}", problem.name, problem.reason)));
    }
}

fn facts_ui(ui: &mut Ui, set: &BrowseSet, large: &LargePicture, preview: Preview, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(path) = &large.path {
                let help = path.display().to_string();
                if button_ui(ui, "Show in file manager", Ok(()), &help).clicked() {
                    let folder = path.parent().unwrap_or(path);
                    actions.push(Action::OpenFolder(folder.into()));
                }
            }
            let (copied, help) = match &large.path {
                Some(path) => (path.display().to_string(), "Copy the path of the file"),
                None => (large.name.clone(), "Copy the name; the picture is no file of its own"),
            };
            if button_ui(ui, "Copy name", Ok(()), help).clicked() {
                actions.push(Action::CopyText(copied));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = Label::new(RichText::new(&large.name).strong()).truncate();
                ui.add(name).on_hover_text(&large.name);
            });
        });
    });
    let class = set.classes.get(large.label as usize).map_or("", |class| &class.class);
    let (width, height) = large.size;
    let stored = preview.stored_side;
    let kept = if set.is_drawn {
        format!("drawn at {stored}x{stored}")
    } else if width == height {
        format!("kept as {stored}x{stored}")
    } else {
        format!("kept as {stored}x{stored}: the middle square, the rest is never seen")
    };
    let size = if set.is_drawn { String::new() } else { format!(" · {width} x {height} pixels") };
    ui.add(Label::new(format!("{class}{size} · {kept}")).wrap());
}

/// What can be said of it, and asked about it.
fn said_ui(ui: &mut Ui, state: &State, set: &BrowseSet, large: &LargePicture, actions: &mut Vec<Action>) {
    let classes = &set.description.classes;
    let class = classes.get(large.label as usize).map_or("", String::as_str);
    corrections::correct_ui(ui, &state.corrections, &large.name, class, None, classes, actions);
    let allowed = state.model.as_ref().map(|_| ()).ok_or("There is no network to ask yet.");
    if button_ui(ui, "Ask the network", allowed, "What it takes this picture for").clicked() {
        let (name, picture, class) = (large.name.clone(), large.stored.clone(), class.to_owned());
        actions.push(Action::Classify(PictureSource::Labelled { name, picture, class }));
    }
}

fn pictures_ui(
    ui: &mut Ui,
    gallery: &Gallery,
    large: &LargePicture,
    split: Split,
    preview: Preview,
    data: &mut DataView,
) {
    let width = ui.available_width() - 10.0;
    let stacked = width < 480.0;
    let stored_side = if stacked { width.min(STORED) } else { (width * 0.45).min(STORED) };
    data.variation = data.variation.min(large.variations.len().saturating_sub(1));
    let chosen = data.variation;
    let Some(textures) = data.large_textures(ui.ctx(), gallery) else { return };
    let (stored, seen) = (textures.stored.clone(), textures.variations.clone());
    let stored_ui = |ui: &mut Ui| {
        ui.set_width(stored_side);
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(stored_side), Sense::hover());
        response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Image, true, format!("{} as it is kept", large.name))
        });
        Image::from_texture((stored.id(), rect.size())).paint_at(ui, rect);
        if let Some(variation) = large.variations.get(chosen) {
            frame(ui, rect, variation, preview);
        }
        let side = preview.stored_side;
        ui.label(
            RichText::new(format!("What is kept: {side}x{side}. The frame is what the network sees."))
                .small()
                .weak(),
        );
    };
    if stacked {
        ui.vertical(stored_ui);
        variations_ui(ui, large, &seen, split, preview, data);
    } else {
        ui.horizontal_top(|ui| {
            ui.vertical(stored_ui);
            ui.vertical(|ui| variations_ui(ui, large, &seen, split, preview, data));
        });
    }
}

/// Draws the crop of a variation on the stored square; dark and light, so that it shows on every picture.
fn frame(ui: &Ui, rect: Rect, variation: &Variation, preview: Preview) {
    let [left, top, width, height] = window(variation.placement, &preview);
    let corner = pos2(rect.left() + left * rect.width(), rect.top() + top * rect.height());
    let crop = Rect::from_min_size(corner, vec2(width * rect.width(), height * rect.height()));
    ui.painter().rect_stroke(crop, 0.0, Stroke::new(4.0, egui::Color32::BLACK), StrokeKind::Inside);
    ui.painter().rect_stroke(
        crop.shrink(1.0),
        0.0,
        Stroke::new(2.0, egui::Color32::WHITE),
        StrokeKind::Inside,
    );
}

fn variations_ui(
    ui: &mut Ui,
    large: &LargePicture,
    textures: &[egui::TextureHandle],
    split: Split,
    preview: Preview,
    data: &mut DataView,
) {
    let random = large.variations.len() > 1;
    ui.horizontal(|ui| {
        let title = if random { "What the network sees of it" } else { "The network sees the middle" };
        ui.label(RichText::new(title).strong());
        if random {
            let help = "Throw the dice again, as other epochs will";
            if button_ui(ui, "Again", Ok(()), help).clicked() {
                data.again();
            }
        }
    });
    let space = ui.spacing().item_spacing.x;
    let room = ui.available_width() - 10.0;
    let side = ((room - space * (COLUMNS as f32 - 1.0)) / COLUMNS as f32).clamp(24.0, VARIATION);
    let tiles: Vec<_> = large.variations.iter().zip(textures).enumerate().collect();
    for row in tiles.chunks(COLUMNS) {
        ui.horizontal(|ui| {
            for &(number, (variation, texture)) in row {
                ui.vertical(|ui| {
                    ui.set_width(side);
                    variation_ui(ui, number, variation, texture, preview, random, data);
                });
            }
        });
    }
    ui.add(Label::new(RichText::new(explanation(large, split, preview)).small().weak()).wrap());
}

/// One tile. Pointing at it, or reaching it by keyboard, shows its frame on the stored square.
fn variation_ui(
    ui: &mut Ui,
    number: usize,
    variation: &Variation,
    texture: &egui::TextureHandle,
    preview: Preview,
    random: bool,
    data: &mut DataView,
) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(ui.available_width()), Sense::click());
    let what = in_words(variation);
    let chosen = data.variation == number;
    let name = format!("Variation {}: {what}", number + 1);
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, chosen, &name));
    Image::from_texture((texture.id(), rect.size())).corner_radius(3).paint_at(ui, rect);
    if response.hovered() || response.has_focus() || response.clicked() {
        data.variation = number;
    }
    if random && chosen {
        ui.painter().rect_stroke(rect, 3.0, Stroke::new(2.5, Palette::of(ui).train), StrokeKind::Inside);
    }
    response.on_hover_text(detail(variation, preview));
    ui.add(Label::new(RichText::new(what).small().weak()).truncate());
}

/// The one thing about a variation that is hard to see.
fn in_words(variation: &Variation) -> &'static str {
    if variation.placement.flip { "mirrored" } else { "as it is" }
}

fn detail(variation: &Variation, preview: Preview) -> String {
    let place = variation.placement;
    let side = preview.crop_side;
    let mut text = format!("{side}x{side} pixels, {} from the left, {} from the top", place.left, place.top);
    if place.flip {
        text += ", mirrored";
    }
    if variation.shift.iter().any(|&shift| shift != 0.0) {
        let [red, green, blue] = variation.shift;
        text += &format!("\nred {red:+.1}, green {green:+.1}, blue {blue:+.1} of 255");
    }
    text
}

fn explanation(large: &LargePicture, split: Split, preview: Preview) -> String {
    let mut text = match (split, preview.augment) {
        (Split::Validation, _) => {
            "Pictures to validate are never changed: the middle is cut out and measured.".to_owned()
        }
        (Split::Train, true) => {
            "In each epoch chance picks the place of the crop and whether it is mirrored (paper, \
                                 section 4.1), so the network never learns exact pixels by heart."
                .to_owned()
        }
        (Split::Train, false) => {
            "Random crops are off: every epoch shows the same middle. They can be switched on under \
                                  Learning."
                .to_owned()
        }
    };
    if large.noise_missing {
        text += " The colour noise is not shown yet: the colours of the pictures are still being measured.";
    }
    text
}
