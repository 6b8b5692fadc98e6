//! The map or unit that was chosen: its value, its extent, and the switch that mutes it.

use egui::{RichText, Ui};

use crate::engine::{LayerActivations, Muted};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::inspect::LayersAction;
use crate::gui::layers_view::Unit;
use crate::gui::state::State;
use crate::gui::view::View;
use crate::gui::widgets::small_button_ui;

/// Room of this part, in points.
pub(super) const HEIGHT: f32 = 62.0;

/// "map 7, row 3, column 4: 0.83".
pub(super) fn told(layer: &LayerActivations, (map, [row, column]): Unit) -> String {
    let value = number(layer.value(map, [row, column]));
    if layer.field.is_none() && layer.height * layer.width == 1 {
        format!("unit {}: {value}", map + 1)
    } else {
        format!("map {}, row {row}, column {column}: {value}", map + 1)
    }
}

/// The chosen one.
pub(super) fn unit_ui(
    ui: &mut Ui,
    state: &State,
    (_, layer): (usize, &LayerActivations),
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    let toggle = |map| Action::Layers(LayersAction::ToggleMute(Muted { layer: layer.name.clone(), map }));
    if let Some(muted) = view.layers.to_mute.take() {
        actions.push(Action::Layers(LayersAction::ToggleMute(muted)));
    }
    ui.add_space(4.0);
    let chosen = view.layers.chosen_in(layer);
    ui.horizontal_wrapped(|ui| {
        let what = if layer.field.is_none() { "unit" } else { "map" };
        if let Some((map, _)) = chosen {
            let muted = state.layers.is_muted(&layer.name, Some(map));
            let label = format!("{} {what} {}", if muted { "Unmute" } else { "Mute" }, map + 1);
            let help = "Set it to 0 for all that comes behind it, and see the prediction change (M)";
            if small_button_ui(ui, &label, &label, help).clicked() {
                actions.push(toggle(Some(map)));
            }
        }
        let muted = state.layers.is_muted(&layer.name, None);
        let label = format!("{} all of {}", if muted { "Unmute" } else { "Mute" }, layer.name);
        if small_button_ui(ui, &label, &label, "Set everything that this layer gives to 0").clicked() {
            actions.push(toggle(None));
        }
    });
    let text = match chosen {
        Some(unit) => format!("{}. {}", capital(&told(layer, unit)), extent(layer, unit.0)),
        None if layer.field.is_none() => "Point at a unit to see its value; click to keep it.".into(),
        None => "Point at a map to see its values and what it sees; click to keep it.".into(),
    };
    ui.label(RichText::new(text).small().weak());
}

/// What values a map has.
fn extent(layer: &LayerActivations, map: usize) -> String {
    let values = layer.map(map);
    if values.len() == 1 {
        let rank = layer.values.iter().filter(|value| **value > values[0]).count() + 1;
        return format!("Number {} of {} by strength.", format::count(rank), format::count(layer.maps));
    }
    let (low, high) = crate::vis::extent(values);
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let awake = values.iter().filter(|value| **value > 0.0).count() as f64 / values.len() as f64;
    format!(
        "The map: {} to {}, mean {}, {} of it above 0.",
        number(low),
        number(high),
        number(mean),
        format::percent(awake)
    )
}

/// A value with three figures, without the sign that a zero may have.
fn number(value: f32) -> String {
    format::figures(f64::from(value) + 0.0)
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().into_iter().flat_map(char::to_uppercase).chain(rest).collect()
}
