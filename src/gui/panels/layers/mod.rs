//! What each layer makes of a picture: its maps with real values, what they see, what happens when they are muted,
//! what a prediction hangs on, and the pictures that excite a map.

mod exciting;
mod maps;
mod muted;
mod offer;
mod overlay;
mod picture;
mod stages;
mod unit;
mod units;

use egui::{RichText, ScrollArea, Ui};

use crate::engine::{Activations, LayerActivations};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::layers::Look;
use crate::gui::state::State;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{Direction, Pane, busy_ui, button_ui, empty_ui, heading_ui, split_ui};
use crate::vis::MapScale;

const NO_MODEL: &str = "There is no network yet: start training, or open a model.";

/// Least widths of the picture's side and of the layers' side.
const LEAST: [f32; 2] = [236.0, 300.0];

/// The view.
pub fn layers_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    view.layers.visible = 0..0;
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        header_ui(ui, state, view, actions);
        if state.model.is_none() {
            empty_ui(
                ui,
                "There is no network to look into yet",
                "Start training, or open a model. Then see here what each of its layers makes of a picture, while it \
                 learns, too.",
            );
            return;
        }
        let offers = state.layers.picture.is_none() || view.layers.picking;
        if offers {
            offer::offer_ui(ui, state, view, actions);
        }
        match (&state.layers.look, &state.layers.problem) {
            _ if state.layers.picture.is_none() => empty_ui(
                ui,
                "What does each layer see?",
                "Click one of the pictures above, drop one on the window, or paste one with Ctrl+V. Every layer's maps \
                 appear here, with the values they really have.",
            ),
            (Some(look), _) => look_ui(ui, state, look, view, actions),
            (None, Some(problem)) => {
                ui.colored_label(Palette::of(ui).error, problem);
            }
            (None, None) => {
                ui.horizontal(|ui| {
                    busy_ui(ui, "Passing the picture through the network");
                    ui.label("Passing the picture through the network");
                });
            }
        }
    });
}

fn header_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let allowed = if state.model.is_some() { Ok(()) } else { Err(NO_MODEL) };
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, "Layers");
        if button_ui(ui, "Open picture…", allowed, "A picture file (Ctrl+O)").clicked() {
            actions.push(Action::PickPictures);
        }
        if button_ui(ui, "Paste", allowed, "A picture, a file or a path from the clipboard (Ctrl+V)").clicked() {
            actions.push(Action::Paste);
        }
        if state.layers.picture.is_some() {
            ui.toggle_value(&mut view.layers.picking, "Of the data set")
                .on_hover_text("Choose among the pictures that are open in the view Data");
        }
        if state.running() {
            ui.checkbox(&mut view.layers.follow, "Follow the training").on_hover_text(
                "Look at the picture again about once a second while the network learns: one pass more, which the \
                 training hardly notices",
            );
        }
        if let Some(look) = &state.layers.look {
            let text = format!("after {} updates", format::count(look.step as usize));
            ui.label(RichText::new(text).small().weak());
        }
    });
}

fn look_ui(ui: &mut Ui, state: &State, look: &Look, view: &mut View, actions: &mut Vec<Action>) {
    let mut share = view.layers.share;
    // Found again while the maps are drawn, which comes after the picture that marks it.
    let pointed = view.layers.pointed.take();
    split_ui(ui, "picture and layers", Direction::SideBySide, &mut share, LEAST, |ui, pane| match pane {
        Pane::First => {
            ScrollArea::vertical().id_salt("looked at").auto_shrink(false).show(ui, |ui| {
                // The bar floats over what is below it.
                ui.set_max_width(ui.available_width() - 10.0);
                picture::picture_ui(ui, state, look, pointed, view, actions);
                muted::prediction_ui(ui, state, &look.activations, actions);
            });
        }
        Pane::Second => {
            stages::stages_ui(ui, state, &look.activations, view);
            if let Some((place, layer)) = view.layers.layer_in(&look.activations) {
                layer_ui(ui, state, look, (place, layer), view, actions);
            }
        }
    });
    view.layers.share = share;
}

/// One layer: its maps or units, and below them the one that was chosen.
fn layer_ui(
    ui: &mut Ui,
    state: &State,
    look: &Look,
    (place, layer): (usize, &LayerActivations),
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    caption_ui(ui, layer, view);
    let below = unit::HEIGHT + exciting::HEIGHT + 12.0;
    let room = (ui.available_height() - below).max(120.0);
    ScrollArea::vertical().id_salt("layer and unit").auto_shrink(false).show(ui, |ui| {
        if units::are_bars(layer) {
            units::units_ui(ui, state, &look.activations, (place, layer), room, view);
        } else {
            maps::maps_ui(ui, state, (place, layer), room, view);
        }
        unit::unit_ui(ui, state, (place, layer), view, actions);
        exciting::exciting_ui(ui, state, &look.activations, layer, view, actions);
    });
}

fn caption_ui(ui: &mut Ui, layer: &LayerActivations, view: &mut View) {
    ui.horizontal_wrapped(|ui| {
        let strongest = format::figures(f64::from(crate::vis::strongest(&layer.values)));
        let text = if units::are_bars(layer) {
            format!("{}. Point at one to see what it is, click to keep it.", shape(layer))
        } else if view.layers.scale == MapScale::Map && layer.field.is_some() {
            format!("{}. Black is 0, white its strongest, blue is negative.", shape(layer))
        } else {
            format!("{}. Black is 0, white is {strongest}, blue is negative.", shape(layer))
        };
        ui.label(RichText::new(text).small().weak());
        if layer.height * layer.width > 1 {
            scale_ui(ui, view);
        }
    });
}

fn scale_ui(ui: &mut Ui, view: &mut View) {
    let choices = [
        (
            MapScale::Layer,
            "One scale",
            "White means the same in all maps of the layer: strong maps look strong",
        ),
        (
            MapScale::Map,
            "Each its own",
            "Each map up to its own strongest value: faint ones can be seen, too",
        ),
    ];
    for (scale, name, help) in choices {
        let text = RichText::new(name).small();
        ui.selectable_value(&mut view.layers.scale, scale, text).on_hover_text(help);
    }
}

/// "96 maps of 55x55", "4,096 units".
fn shape(layer: &LayerActivations) -> String {
    let maps = format::count(layer.maps);
    match layer.height * layer.width {
        1 if layer.field.is_none() => format!("{maps} units"),
        _ => format!("{maps} maps of {}x{}", layer.width, layer.height),
    }
}

/// "map 7", or for a fully connected layer "unit 7", for the last one "cat".
fn name(found: &Activations, layer: &LayerActivations, map: usize) -> String {
    let last = found.layers.last().is_some_and(|last| last.name == layer.name);
    match found.classes.get(map) {
        Some(class) if last => class.clone(),
        _ if layer.field.is_none() => format!("unit {}", map + 1),
        _ => format!("map {}", map + 1),
    }
}
