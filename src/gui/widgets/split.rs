//! Two panes with a movable gap between them.
//!
//! egui's own panels keep their size in points, so that one of two panes gets all the room when the window
//! grows. Here the share is kept, and the panes grow together.

use egui::{CursorIcon, EventFilter, Key, Rect, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2};

use crate::gui::theme::{GAP, Palette};

/// How far one key press moves the gap, as a share.
const KEY_STEP: f32 = 0.02;

/// Which way the panes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    SideBySide,
    OneAboveTheOther,
}

/// Which of the two panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    First,
    Second,
}

/// Fills the space that is left with two panes. `share` is the first pane's part of it; `least` are the
/// sizes in points below which neither pane goes while there is room for both.
pub fn split_ui(
    ui: &mut Ui,
    name: &str,
    direction: Direction,
    share: &mut f32,
    least: [f32; 2],
    mut pane_ui: impl FnMut(&mut Ui, Pane),
) {
    let all = ui.available_rect_before_wrap();
    let along = |v: Vec2| if direction == Direction::SideBySide { v.x } else { v.y };
    let length = (along(all.size()) - GAP).max(1.0);
    let first = first_length(length, *share, least);
    let at = |from: f32, to: f32| match direction {
        Direction::SideBySide => {
            Rect::from_min_max(pos2(all.left() + from, all.top()), pos2(all.left() + to, all.bottom()))
        }
        Direction::OneAboveTheOther => {
            Rect::from_min_max(pos2(all.left(), all.top() + from), pos2(all.right(), all.top() + to))
        }
    };
    let mut show = |ui: &mut Ui, rect: Rect, pane: Pane| {
        ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt((name, pane == Pane::First)), |ui| {
            ui.set_clip_rect(ui.clip_rect().intersect(rect.expand(1.0)));
            pane_ui(ui, pane);
        });
    };
    show(ui, at(0.0, first), Pane::First);
    let gap = at(first, first + GAP);
    if let Some(moved) = handle_ui(ui, name, direction, gap, first, along(all.min.to_vec2())) {
        *share = (moved / length).clamp(0.05, 0.95);
    }
    show(ui, at(first + GAP, first + GAP + length - first), Pane::Second);
    ui.advance_cursor_after_rect(all);
}

fn first_length(length: f32, share: f32, least: [f32; 2]) -> f32 {
    let (low, high) = (least[0], length - least[1]);
    let wanted = length * share;
    // Too small for both: share what there is.
    if low > high { length * least[0] / (least[0] + least[1]) } else { wanted.clamp(low, high) }
}

/// The gap, which can be dragged or moved with the arrow keys. Returns the first pane's new length.
fn handle_ui(ui: &Ui, name: &str, direction: Direction, gap: Rect, first: f32, start: f32) -> Option<f32> {
    let response = ui.interact(gap, ui.scope_id().with(name), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Splitter, true, format!("Boundary: {name}")));
    let (cursor, less, more) = match direction {
        Direction::SideBySide => (CursorIcon::ResizeHorizontal, Key::ArrowLeft, Key::ArrowRight),
        Direction::OneAboveTheOther => (CursorIcon::ResizeVertical, Key::ArrowUp, Key::ArrowDown),
    };
    if response.hovered() || response.dragged() || response.has_focus() {
        ui.ctx().set_cursor_icon(cursor);
        ui.painter().rect_filled(gap.shrink(GAP / 2.0 - 1.0), 1.0, Palette::of(ui).train);
    }
    if response.has_focus() {
        let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let sign = f32::from(i8::from(pressed(more)) - i8::from(pressed(less)));
        if sign != 0.0 {
            let span = if direction == Direction::SideBySide {
                ui.max_rect().width()
            } else {
                ui.max_rect().height()
            };
            return Some(first + sign * KEY_STEP * span);
        }
    }
    let pointer = response.interact_pointer_pos().filter(|_| response.dragged())?;
    let position = if direction == Direction::SideBySide { pointer.x } else { pointer.y };
    Some(position - start - GAP / 2.0)
}
