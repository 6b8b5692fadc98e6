//! The maps of a layer side by side, to be pointed at, clicked, and walked by keys. Only rows in sight are drawn.

use std::ops::RangeInclusive;

use egui::{
    Color32, EventFilter, Key, Mesh, Modifiers, Pos2, Rect, Response, ScrollArea, Sense, Stroke, StrokeKind,
    TextureHandle, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::unit;
use crate::engine::{LayerActivations, Muted};
use crate::gui::layers_view::{LayersView, Unit};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;

/// Sides that a map may have, in points: the largest that lets all be seen at once is taken.
const SIDES: RangeInclusive<u16> = 28..=160;
/// The same for single units.
const TILES: RangeInclusive<u16> = 9..=28;
const GAP: f32 = 3.0;
/// About the largest side of a texture that every graphics driver can bear, less a row of maps.
const TEXELS: f32 = 1700.0;
/// Side of an enlarged map beside the pointer.
const ENLARGED: f32 = 150.0;

/// How maps are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Layout {
    maps: usize,
    per_row: usize,
    /// Size of a map in points, and the gap between two.
    size: Vec2,
    gap: f32,
}

impl Layout {
    fn of(layer: &LayerActivations, room: Vec2) -> Self {
        let single = layer.height * layer.width == 1;
        let (sides, gap) = if single { (TILES, 1.0) } else { (SIDES, GAP) };
        let shape = vec2(layer.width as f32, layer.height as f32);
        // Those in sight lie in one texture, which no graphics driver lets be larger than this by much.
        let least = (shape.max_elem() * room.max_elem() / TEXELS).ceil() as u16;
        let sides = least.max(*sides.start())..=least.max(*sides.end());
        let laid = |side: u16| {
            let size = shape * f32::from(side) / shape.max_elem();
            let per_row = ((room.x + gap) / (size.x + gap)).floor().max(1.0) as usize;
            Self { maps: layer.maps, per_row: per_row.min(layer.maps.max(1)), size, gap }
        };
        let fits = sides.clone().rev().map(laid).find(|layout| layout.height() <= room.y);
        fits.unwrap_or_else(|| laid(*sides.start()))
    }

    fn rows(self) -> usize {
        self.maps.div_ceil(self.per_row)
    }

    fn height(self) -> f32 {
        self.rows() as f32 * (self.size.y + self.gap)
    }

    fn rect(self, origin: Pos2, map: usize) -> Rect {
        let place = vec2((map % self.per_row) as f32, (map / self.per_row) as f32);
        Rect::from_min_size(origin + place * (self.size + Vec2::splat(self.gap)), self.size)
    }

    /// The unit at a point; none between the maps.
    fn at(self, origin: Pos2, point: Pos2, layer: &LayerActivations) -> Option<Unit> {
        let place = (point - origin) / (self.size + Vec2::splat(self.gap));
        if place.min_elem() < 0.0 || place.x as usize >= self.per_row {
            return None;
        }
        let map = place.y as usize * self.per_row + place.x as usize;
        let rect = (map < self.maps).then(|| self.rect(origin, map)).filter(|rect| rect.contains(point))?;
        let within = (point - rect.min) / rect.size();
        let to = |share: f32, count: usize| ((share * count as f32) as usize).min(count - 1);
        Some((map, [to(within.y, layer.height), to(within.x, layer.width)]))
    }
}

/// The maps, in `room` points of height; more of them are scrolled to.
pub(super) fn maps_ui(
    ui: &mut Ui,
    state: &State,
    (place, layer): (usize, &LayerActivations),
    room: f32,
    view: &mut View,
) {
    let width = ui.available_width() - 12.0;
    let layout = Layout::of(layer, vec2(width, room));
    let room = room.min(layout.height());
    ScrollArea::vertical()
        .id_salt(("maps", place))
        .max_height(room)
        .min_scrolled_height(room)
        .auto_shrink(false)
        .show_viewport(ui, |ui, viewport| {
            let size = vec2(ui.available_width(), layout.height().max(room));
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            let origin = rect.min;
            describe(&response, layer, &view.layers);
            let row = layout.size.y + layout.gap;
            let first = ((viewport.top() / row).floor().max(0.0) as usize).min(layout.rows());
            let last = ((viewport.bottom() / row).ceil().max(0.0) as usize).min(layout.rows());
            let maps = first * layout.per_row..(last * layout.per_row).min(layout.maps);
            let texture = view.layers.textures.maps(
                ui.ctx(),
                &state.layers,
                place,
                layer,
                (maps.clone(), layout.per_row),
                view.layers.scale,
            );
            let grid = Grid { layout, layer, texture, first: maps.start };
            grid.paint(ui, origin, maps.clone());
            for map in maps.clone() {
                let whole = state.layers.is_muted(&layer.name, None);
                if whole || state.layers.is_muted(&layer.name, Some(map)) {
                    cross(ui, layout.rect(origin, map));
                }
            }
            grid.act(ui, origin, response, view);
        });
}

/// What a screen reader says.
fn describe(response: &Response, layer: &LayerActivations, view: &LayersView) {
    let chosen = view.chosen_in(layer).map(|unit| unit::told(layer, unit)).unwrap_or_default();
    response.widget_info(|| {
        let name = format!("Maps of {}: {}. {chosen}", layer.name, super::shape(layer));
        WidgetInfo::labeled(egui::Role::Grid, true, name)
    });
}

/// A muted map is crossed out.
fn cross(ui: &Ui, rect: Rect) {
    let color = Palette::of(ui).validation;
    ui.painter().rect_filled(rect, 0.0, Color32::from_black_alpha(140));
    let stroke = Stroke::new(if rect.width() > 20.0 { 2.0 } else { 1.0 }, color);
    ui.painter().line_segment([rect.left_top(), rect.right_bottom()], stroke);
    ui.painter().line_segment([rect.right_top(), rect.left_bottom()], stroke);
}

struct Grid<'a> {
    layout: Layout,
    layer: &'a LayerActivations,
    texture: TextureHandle,
    /// The first map in the texture.
    first: usize,
}

impl Grid<'_> {
    /// Part of the texture that shows a map.
    fn uv(&self, map: usize) -> Rect {
        let place = map - self.first;
        let [across, down] = self.texture.size().map(|side| side as f32);
        let size = vec2(self.layer.width as f32 / across, self.layer.height as f32 / down);
        let corner = vec2((place % self.layout.per_row) as f32, (place / self.layout.per_row) as f32) * size;
        Rect::from_min_size(corner.to_pos2(), size)
    }

    fn paint(&self, ui: &Ui, origin: Pos2, maps: std::ops::Range<usize>) {
        let mut mesh = Mesh::with_texture(self.texture.id());
        for map in maps {
            mesh.add_rect_with_uv(self.layout.rect(origin, map), self.uv(map), Color32::WHITE);
        }
        ui.painter().add(mesh);
    }

    /// Pointing, clicking, walking by keys.
    fn act(&self, ui: &Ui, origin: Pos2, response: Response, view: &mut View) {
        let pointed = response.hover_pos().and_then(|at| self.layout.at(origin, at, self.layer));
        if response.clicked() {
            response.request_focus();
            view.layers.chosen = pointed.or(view.layers.chosen);
        }
        if response.has_focus() {
            self.walk(ui, origin, &response, view);
        }
        let palette = Palette::of(ui);
        if let Some(chosen) = view.layers.chosen_in(self.layer) {
            self.mark(ui, origin, chosen, palette.train);
        } else if response.has_focus() {
            ui.painter().rect_stroke(
                ui.clip_rect().shrink(1.0),
                2.0,
                Stroke::new(1.0, palette.train),
                StrokeKind::Inside,
            );
        }
        if let Some(unit) = pointed {
            view.layers.pointed = Some(unit);
            self.mark(ui, origin, unit, palette.validation);
            response.on_hover_ui_at_pointer(|ui| self.hint_ui(ui, unit));
        }
    }

    /// A frame around the map, and where the map is large enough around the unit.
    fn mark(&self, ui: &Ui, origin: Pos2, (map, place): Unit, color: Color32) {
        let rect = self.layout.rect(origin, map);
        let painter = ui.painter();
        painter.rect_stroke(rect.expand(1.0), 0.0, Stroke::new(2.0, color), StrokeKind::Outside);
        if self.layer.height * self.layer.width > 1 {
            unit_frame(ui, rect, self.layer, place, color);
        }
    }

    /// The map enlarged with the unit in it.
    fn hint_ui(&self, ui: &mut Ui, (map, place): Unit) {
        if self.layer.height * self.layer.width > 1 {
            let size = self.layout.size * ENLARGED / self.layout.size.max_elem();
            let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
            let mut mesh = Mesh::with_texture(self.texture.id());
            mesh.add_rect_with_uv(rect, self.uv(map), Color32::WHITE);
            ui.painter().add(mesh);
            unit_frame(ui, rect, self.layer, place, Palette::of(ui).validation);
        }
        ui.label(unit::told(self.layer, (map, place)));
    }

    /// Arrow keys go from map to map; with Shift from unit to unit of a map. M mutes.
    fn walk(&self, ui: &Ui, origin: Pos2, response: &Response, view: &mut View) {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let (map, [row, column]) =
            view.layers.chosen_in(self.layer).unwrap_or_else(|| (0, self.layer.strongest(0)));
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let (last, per_row) = (self.layer.maps.saturating_sub(1), self.layout.per_row);
        let units = [
            (Key::ArrowLeft, [row, column.saturating_sub(1)]),
            (Key::ArrowRight, [row, (column + 1).min(self.layer.width - 1)]),
            (Key::ArrowUp, [row.saturating_sub(1), column]),
            (Key::ArrowDown, [(row + 1).min(self.layer.height - 1), column]),
        ];
        for (key, place) in units {
            if pressed(Modifiers::SHIFT, key) {
                view.layers.chosen = Some((map, place));
            }
        }
        let maps = [
            (Key::ArrowLeft, map.saturating_sub(1)),
            (Key::ArrowRight, (map + 1).min(last)),
            (Key::ArrowUp, map.checked_sub(per_row).unwrap_or(map)),
            (Key::ArrowDown, if map + per_row <= last { map + per_row } else { map }),
        ];
        let none_yet = view.layers.chosen_in(self.layer).is_none();
        for (key, map) in maps {
            if pressed(Modifiers::NONE, key) {
                // The first press chooses the first map.
                let map = if none_yet { 0 } else { map };
                view.layers.chosen = Some((map, self.layer.strongest(map)));
                ui.scroll_to_rect(self.layout.rect(origin, map), None);
            }
        }
        if pressed(Modifiers::NONE, Key::M)
            && let Some((map, _)) = view.layers.chosen_in(self.layer)
        {
            view.layers.to_mute = Some(Muted { layer: self.layer.name.clone(), map: Some(map) });
        }
    }
}

/// A frame around a unit of a map that is drawn at `rect`.
fn unit_frame(ui: &Ui, rect: Rect, layer: &LayerActivations, [row, column]: [usize; 2], color: Color32) {
    let unit = rect.size() / vec2(layer.width as f32, layer.height as f32);
    let corner = rect.min + vec2(column as f32, row as f32) * unit;
    let frame = Rect::from_min_size(pos2(corner.x, corner.y), unit);
    // A unit smaller than this would be hidden by its frame.
    let frame = Rect::from_center_size(frame.center(), frame.size().max(Vec2::splat(4.0)));
    ui.painter().rect_stroke(frame, 0.0, Stroke::new(1.5, color), StrokeKind::Outside);
}
