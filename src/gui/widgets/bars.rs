//! A class and its probability as a bar, as beside the pictures of the paper's Figure 4.

use egui::{Align2, CornerRadius, Rect, Response, Sense, TextStyle, Ui, Vec2, WidgetInfo, pos2};

use super::tick;
use crate::gui::theme::Palette;

/// Space of one class where there is plenty, and where there is little.
const HEIGHT: std::ops::RangeInclusive<f32> = 25.0..=34.0;
const BAR: f32 = 9.0;

/// Draws one class, about `height` points high. `first` marks the best guess. The accessible name reads
/// "tabby cat: 83.1 %".
pub fn bar_ui(ui: &mut Ui, class: &str, probability: f32, first: bool, height: f32) -> Response {
    marked_bar_ui(ui, class, probability, first, height, false)
}

/// As [`bar_ui`]; the bar of what it really is has the other colour and a tick, and its name ends in "which it is".
pub fn marked_bar_ui(
    ui: &mut Ui,
    class: &str,
    probability: f32,
    first: bool,
    height: f32,
    is_true: bool,
) -> Response {
    let palette = Palette::of(ui);
    let width = ui.available_width();
    let (rect, response) = ui
        .allocate_exact_size(Vec2::new(width, height.clamp(*HEIGHT.start(), *HEIGHT.end())), Sense::hover());
    let share = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
    let percent = format!("{:.1} %", share * 100.0);
    let name = format!("{class}: {percent}{}", if is_true { ", which it is" } else { "" });
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    if ui.is_rect_visible(rect) {
        let font = TextStyle::Body.resolve(ui.style());
        let text_color = if first { palette.text } else { palette.muted };
        let number =
            ui.painter().text(rect.right_top(), Align2::RIGHT_TOP, &percent, font.clone(), text_color);
        let mut room = Rect::from_min_max(rect.min, pos2(number.left() - 8.0, rect.max.y));
        if is_true {
            tick(ui.painter(), pos2(rect.left() + 6.0, number.center().y), 13.0, palette.validation);
            room.min.x += 18.0;
        }
        let galley = ui.painter().layout_job(elided(class, font, text_color, room.width()));
        ui.painter().with_clip_rect(room).galley(room.min, galley, text_color);
        let track = Rect::from_min_max(
            pos2(rect.left(), rect.bottom() - BAR - 1.0),
            pos2(rect.right(), rect.bottom() - 1.0),
        );
        let radius = CornerRadius::same(3);
        ui.painter().rect_filled(track, radius, palette.line.gamma_multiply(0.6));
        let filled = Rect::from_min_size(track.min, Vec2::new((track.width() * share).max(2.0), BAR));
        let color = if is_true { palette.validation } else { palette.train };
        let fill = if first { color } else { color.gamma_multiply(0.55) };
        ui.painter().rect_filled(filled, radius, fill);
    }
    response.on_hover_text(name)
}

/// One line that ends in "…" where it would be too long.
fn elided(text: &str, font: egui::FontId, color: egui::Color32, width: f32) -> egui::text::LayoutJob {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(1.0));
    job
}
