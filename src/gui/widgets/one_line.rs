//! A name in a narrow place. The middle is left out where it is too long, because long names often begin alike:
//! "triangle pointing up" and "triangle pointing down" must not both become "triangle pointi…".

use std::sync::Arc;

use egui::{Color32, FontId, Galley, Painter};

use crate::gui::format;

/// The text as one line of at most `width` points; its middle is left out where it is too long.
pub fn one_line(painter: &Painter, text: &str, font: &FontId, color: Color32, width: f32) -> Arc<Galley> {
    let laid = |text: String| {
        painter.layout_job(egui::text::LayoutJob::simple_singleline(text, font.clone(), color))
    };
    let whole = laid(text.to_owned());
    if whole.size().x <= width {
        return whole;
    }
    let letters = text.chars().count() as f32;
    let mut room = (letters * width / whole.size().x) as usize;
    loop {
        let galley = laid(format::shortened(text, room).into_owned());
        if galley.size().x <= width || room <= 1 {
            return galley;
        }
        room -= 1;
    }
}
