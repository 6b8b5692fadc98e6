//! A progress bar with a name.

use egui::{CornerRadius, Rect, Response, Sense, Ui, Vec2, WidgetInfo};

use crate::gui::theme::Palette;

/// Shows `done` of `total`; with a `total` of 0 the end is not known yet and the bar stays empty.
pub fn progress_ui(ui: &mut Ui, name: &str, done: f64, total: f64, size: Vec2) -> Response {
    let palette = Palette::of(ui);
    let share = if total > 0.0 { (done / total).clamp(0.0, 1.0) as f32 } else { 0.0 };
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(share) * 100.0);
        info
    });
    let radius = CornerRadius::same((size.y / 2.0) as u8);
    ui.painter().rect_filled(rect, radius, palette.line);
    if share > 0.0 {
        let filled = Rect::from_min_size(rect.min, Vec2::new((size.x * share).max(size.y), size.y));
        ui.painter().rect_filled(filled, radius, palette.train);
    }
    response
}
