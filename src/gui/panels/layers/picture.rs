//! The picture as the network sees it, with the receptive field of a unit marked in it, and what is laid over it.

use egui::{Image, Rect, RichText, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2};

use super::{overlay, unit};
use crate::engine::LayerActivations;
use crate::gui::action::Action;
use crate::gui::layers::Look;
use crate::gui::layers_view::Unit;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;

/// Side of the picture at most, in points.
const SIDE: f32 = 420.0;

/// The picture, and below it what the marked unit sees and the choice of what is laid over it.
pub(super) fn picture_ui(
    ui: &mut Ui,
    state: &State,
    look: &Look,
    pointed: Option<Unit>,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    let found = &look.activations;
    let side = ui.available_width().min(SIDE).min((ui.available_height() * 0.5).max(120.0));
    let texture = overlay::texture(ui.ctx(), state, look, view);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(side), Sense::hover());
    Image::from_texture((texture.id(), rect.size())).paint_at(ui, rect);
    let layer = view.layers.layer_in(found).map(|(_, layer)| layer);
    let marked = layer.and_then(|layer| {
        let unit = pointed.or_else(|| view.layers.chosen_in(layer));
        unit.filter(|&(map, [row, column])| map < layer.maps && row < layer.height && column < layer.width)
            .map(|unit| (layer, unit))
    });
    let name = state.layers.picture.as_ref().map_or("", |picture| &picture.name);
    let sees = match marked {
        Some((layer, unit)) => {
            let pixels = found.seen.width() as usize;
            mark(ui, rect, layer, unit, pixels, pointed.is_some());
            format!("{}: {}. {}", layer.name, unit::told(layer, unit), sees(layer, unit, pixels))
        }
        None if layer.is_some_and(|layer| layer.field.is_none()) => {
            "Every unit of this layer sees the whole picture.".to_owned()
        }
        None => "Point at a map: the part of the picture that a unit sees is marked here.".to_owned(),
    };
    response.widget_info(|| {
        WidgetInfo::labeled(egui::Role::Image, true, format!("{name} as the network sees it. {sees}"))
    });
    let (width, height) = found.seen.dimensions();
    response.on_hover_text(format!("{name}: the {width}x{height} pixels that the network sees"));
    // Two lines always, so that what is below does not jump.
    let line = ui.text_style_height(&egui::TextStyle::Small);
    let room = vec2(ui.available_width(), 2.0 * line);
    ui.allocate_ui(room, |ui| {
        ui.set_min_size(room);
        ui.add(egui::Label::new(RichText::new(sees).small().weak()).wrap());
    });
    overlay::overlay_ui(ui, state, look, view, actions);
}

/// "Sees columns 0 to 50 and rows 4 to 54".
pub(super) fn sees(layer: &LayerActivations, (_, place): Unit, side: usize) -> String {
    let Some(field) = layer.field else { return "Sees the whole picture.".into() };
    let [rows, columns] = field.window(place, side);
    if rows.len() == side && columns.len() == side {
        return "Sees the whole picture.".into();
    }
    format!(
        "Sees pixels {} to {} across and {} to {} down.",
        columns.start,
        columns.end.saturating_sub(1),
        rows.start,
        rows.end.saturating_sub(1)
    )
}

/// Frames what a unit sees: in orange under the pointer, in blue the chosen one, as in the maps.
fn mark(ui: &Ui, rect: Rect, layer: &LayerActivations, (_, place): Unit, side: usize, pointed: bool) {
    let palette = Palette::of(ui);
    let Some(field) = layer.field else { return };
    let [rows, columns] = field.window(place, side);
    let point = rect.width() / side as f32;
    let corner = rect.min + vec2(columns.start as f32, rows.start as f32) * point;
    let frame = Rect::from_min_size(corner, vec2(columns.len() as f32, rows.len() as f32) * point);
    let color = if pointed { palette.validation } else { palette.train };
    // Dark below light is seen on every picture.
    ui.painter().rect_stroke(
        frame,
        0.0,
        Stroke::new(4.0, egui::Color32::from_black_alpha(150)),
        StrokeKind::Inside,
    );
    ui.painter().rect_stroke(frame, 0.0, Stroke::new(2.0, color), StrokeKind::Inside);
}
