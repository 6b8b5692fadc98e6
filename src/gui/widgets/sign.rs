//! A warning sign and a tick, drawn: the fonts that come with the window have none.

use egui::{Align2, Color32, FontId, Painter, Pos2, Shape, Stroke, vec2};

/// A triangle with an exclamation mark, `size` points high.
pub fn warning_sign(painter: &Painter, centre: Pos2, size: f32, color: Color32) {
    let (half, width) = (size / 2.0, size * 0.58);
    let corners =
        vec![centre + vec2(0.0, -half), centre + vec2(width, half * 0.9), centre + vec2(-width, half * 0.9)];
    painter.add(Shape::convex_polygon(
        corners,
        Color32::TRANSPARENT,
        Stroke::new((size / 11.0).max(1.2), color),
    ));
    let mark = centre + vec2(0.0, size * 0.14);
    painter.text(mark, Align2::CENTER_CENTER, "!", FontId::proportional(size * 0.72), color);
}

/// A tick, `size` points wide: this is what it is.
pub fn tick(painter: &Painter, centre: Pos2, size: f32, color: Color32) {
    let points = [vec2(-0.4, 0.05), vec2(-0.1, 0.35), vec2(0.45, -0.35)].map(|v| centre + v * size);
    painter.add(Shape::line(points.to_vec(), Stroke::new((size / 6.0).max(1.5), color)));
}
