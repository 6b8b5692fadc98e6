//! The units of a small fully connected layer as bars: for the last layer with the names of the classes.

use egui::{
    Align2, EventFilter, Key, Rect, ScrollArea, Sense, Stroke, StrokeKind, TextStyle, Ui, WidgetInfo, vec2,
};

use crate::engine::{Activations, LayerActivations, Muted};
use crate::gui::format;
use crate::gui::layers_view::color;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::vis::{activation_colour, strongest};

/// Units that are drawn as bars at most; more are tiles.
const MOST: usize = 100;
const ROW: f32 = 20.0;
/// Room of a name.
const NAME: f32 = 150.0;
const NUMBER: f32 = 70.0;

/// Whether the units of a layer are drawn as bars.
pub(super) fn are_bars(layer: &LayerActivations) -> bool {
    layer.field.is_none() && layer.height * layer.width == 1 && layer.maps <= MOST
}

/// The bars, in `room` points of height.
pub(super) fn units_ui(
    ui: &mut Ui,
    state: &State,
    found: &Activations,
    (place, layer): (usize, &LayerActivations),
    room: f32,
    view: &mut View,
) {
    let most = strongest(&layer.values);
    ScrollArea::vertical()
        .id_salt(("units", place))
        .max_height(room)
        .min_scrolled_height(room)
        .auto_shrink(false)
        .show_rows(ui, ROW, layer.maps, |ui, rows| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for unit in rows {
                unit_row(ui, state, found, layer, unit, most, view);
            }
        });
}

fn unit_row(
    ui: &mut Ui,
    state: &State,
    found: &Activations,
    layer: &LayerActivations,
    unit: usize,
    most: f32,
    view: &mut View,
) {
    let palette = Palette::of(ui);
    let width = (ui.available_width() - 12.0).max(NAME + NUMBER);
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click());
    let value = layer.values[unit];
    let name = super::name(found, layer, unit);
    let silent = state.layers.is_muted(&layer.name, None) || state.layers.is_muted(&layer.name, Some(unit));
    let number = if silent { "muted".to_owned() } else { format::figures(f64::from(value)) };
    let chosen = view.layers.chosen_in(layer).is_some_and(|(map, _)| map == unit);
    let text = format!("{name}: {number}");
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, chosen, &text));
    if response.clicked() {
        view.layers.chosen = Some((unit, [0, 0]));
        response.request_focus();
    }
    if response.has_focus() {
        walk(ui, &response, layer, unit, view);
    }
    if response.hovered() {
        view.layers.pointed = Some((unit, [0, 0]));
    }
    let font = TextStyle::Small.resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(name, font.clone(), palette.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(NAME - 8.0);
    let galley = ui.painter().layout_job(job);
    ui.painter().galley(rect.left_center() - vec2(0.0, galley.size().y / 2.0), galley, palette.text);
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, number, font, palette.text);
    let bars = rect.with_min_x(rect.left() + NAME).with_max_x(rect.right() - NUMBER).shrink2(vec2(0.0, 4.0));
    bar(ui, bars, value, most);
    if chosen || response.has_focus() {
        let stroke = Stroke::new(1.5, palette.train);
        ui.painter().rect_stroke(rect.expand2(vec2(3.0, 0.0)), 3.0, stroke, StrokeKind::Inside);
    }
}

/// A bar to the right where positive, to the left where negative.
fn bar(ui: &Ui, rect: Rect, value: f32, most: f32) {
    let palette = Palette::of(ui);
    let middle = rect.center().x;
    let share = if most > 0.0 && value.is_finite() { value / most } else { 0.0 };
    let end = middle + share * rect.width() / 2.0;
    let filled = rect.with_min_x(middle.min(end)).with_max_x(middle.max(end));
    let fill =
        if value >= 0.0 { palette.train } else { color(activation_colour(-1.0, 1.0)).gamma_multiply(0.55) };
    ui.painter().rect_filled(rect, 2.0, palette.line.gamma_multiply(0.35));
    ui.painter().rect_filled(filled, 0.0, fill);
    ui.painter().line_segment([rect.center_top(), rect.center_bottom()], Stroke::new(1.0, palette.muted));
}

/// Arrow keys go from row to row, M mutes.
fn walk(ui: &Ui, response: &egui::Response, layer: &LayerActivations, unit: usize, view: &mut View) {
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let next = [(Key::ArrowUp, unit.saturating_sub(1)), (Key::ArrowDown, (unit + 1).min(layer.maps - 1))];
    for (key, unit) in next {
        if ui.input(|input| input.key_pressed(key)) {
            view.layers.chosen = Some((unit, [0, 0]));
        }
    }
    if ui.input(|input| input.key_pressed(Key::M)) {
        view.layers.to_mute = Some(Muted { layer: layer.name.clone(), map: Some(unit) });
    }
}
