//! A sign that something is going on.

use std::f32::consts::TAU;
use std::time::Duration;

use egui::{Sense, Shape, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::theme::Palette;

/// Turns a second.
const SPEED: f64 = 0.6;
/// egui's own spinner draws the window as often as the screen can show it, which takes the processor away
/// from the very work that is waited for. This is often enough to see that it moves.
const PAUSE: Duration = Duration::from_millis(120);

/// A turning arc; `what` is said by screen readers.
pub fn busy_ui(ui: &mut Ui, what: &str) {
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::ProgressIndicator, true, what));
    if !ui.is_rect_visible(rect) {
        return;
    }
    let start = (ui.input(|input| input.time) * SPEED).fract() as f32 * TAU;
    let point = |i: u8| rect.center() + Vec2::angled(start + f32::from(i) / 20.0 * TAU * 0.7) * 6.5;
    ui.painter().add(Shape::line((0..=20).map(point).collect(), Stroke::new(2.0, Palette::of(ui).train)));
    ui.ctx().request_repaint_after(PAUSE);
}
