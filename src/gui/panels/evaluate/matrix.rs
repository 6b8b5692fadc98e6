//! The confusion matrix: a row for each true class, a column for each predicted one. It works from 2 to 1000 classes:
//! names and numbers where there is room, colours always, and the words of a cell on hover.

use egui::{
    Align2, Color32, ColorImage, EventFilter, FontId, Image, Key, Pos2, Rect, Response, RichText, Sense,
    Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::gui::evaluate_view::EvaluateView;
use crate::gui::format;
use crate::gui::measured::{Chosen, Measured};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::thumbs::CRISP;
use crate::gui::widgets::one_line;

/// Smallest cell, in points, whose row has its class's name, and whose number fits.
const NAMED: f32 = 13.0;
const NUMBERED: f32 = 24.0;
/// How far from a small cell, in points, it can be pointed at.
const REACH: f32 = 4.0;
/// Room for the names of the rows, and of the columns, at most and at least.
const NAMES: f32 = 150.0;
const LEAST_NAMES: f32 = 60.0;

/// The matrix with its axes.
pub(super) fn matrix_ui(ui: &mut Ui, state: &State, measured: &Measured, view: &mut EvaluateView) {
    let text = "Rows: the true class. Columns: what the network takes it for. The stronger the colour, the larger the share \
                of the row.";
    ui.label(RichText::new(text).small().weak()).on_hover_text(
        "Where there are more classes than pixels, a point stands for several cells and has the colour of the strongest.",
    );
    let classes = measured.evaluation.classes.len();
    let room = ui.available_rect_before_wrap();
    let names = names_room(ui, measured, room.size());
    let cell = cell_side(room.size() - names, classes);
    let rect = Rect::from_min_size(room.min + names, Vec2::splat(cell * classes as f32));
    let response = ui.allocate_rect(rect, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Grid, true, description(measured, view)));
    texture_ui(ui, state, measured, view, rect);
    if names != Vec2::ZERO {
        names_ui(ui, measured, rect, cell, names);
    }
    if cell >= NUMBERED {
        numbers_ui(ui, measured, rect, cell);
    }
    act(ui, measured, view, &response, rect, cell);
}

/// Side of a cell in points, so that all fit.
fn cell_side(room: Vec2, classes: usize) -> f32 {
    (room.min_elem().max(60.0) / classes.max(1) as f32).min(64.0)
}

/// Room at the left and above for the names of the classes; none where the cells would be too small for them.
fn names_room(ui: &Ui, measured: &Measured, room: Vec2) -> Vec2 {
    let classes = &measured.evaluation.classes;
    let named = |names: Vec2| cell_side(room - names, classes.len()) >= NAMED;
    if !named(Vec2::splat(LEAST_NAMES)) {
        return Vec2::ZERO;
    }
    let font = TextStyle::Small.resolve(ui.style());
    let width = |class: &String| {
        ui.painter().layout_no_wrap(class.clone(), font.clone(), Color32::PLACEHOLDER).size().x
    };
    let longest = (classes.iter().map(width).fold(0.0, f32::max) + 8.0).clamp(LEAST_NAMES, NAMES);
    // In a low view the names above are cut first.
    let above = [longest, 0.75 * longest, LEAST_NAMES].map(|above| vec2(longest, above));
    above.into_iter().find(|names| named(*names)).unwrap_or(Vec2::splat(LEAST_NAMES))
}

/// What a screen reader says: the cell that the keys have reached.
fn description(measured: &Measured, view: &EvaluateView) -> String {
    format!("Confusion matrix. {}. Arrow keys walk, Enter shows the pictures", words(measured, view.cursor))
}

/// "owl taken for cat: 12 of 80".
fn words(measured: &Measured, (label, best): (u32, u32)) -> String {
    let title = measured.title(Chosen::Cell(label, best));
    let of = measured.classes.get(label as usize).map_or(0, |class| class.pictures);
    format!("{title}: {} of {}", format::count(measured.count(label, best) as usize), format::count(of))
}

/// The colours. They are made anew for another measurement, theme or size only.
fn texture_ui(ui: &Ui, state: &State, measured: &Measured, view: &mut EvaluateView, rect: Rect) {
    let pixels = (rect.width() * ui.pixels_per_point()) as usize;
    let side = texels(measured.evaluation.classes.len(), pixels);
    let key = (state.measurements, ui.visuals().dark_mode, side);
    if view.matrix.as_ref().is_none_or(|(of, _)| *of != key) {
        let image = picture(measured, side, Palette::of(ui));
        let texture = ui.ctx().load_texture("confusions", image, CRISP);
        view.matrix = Some((key, texture));
    }
    if let Some((_, texture)) = &view.matrix {
        Image::from_texture((texture.id(), rect.size())).paint_at(ui, rect);
        ui.painter().rect_stroke(rect, 0.0, Stroke::new(1.0, Palette::of(ui).line), StrokeKind::Outside);
    }
}

/// Texels a side: one a cell where a cell has a pixel, otherwise one for several cells and two pixels, which can be seen.
fn texels(classes: usize, pixels: usize) -> usize {
    if classes <= pixels { classes } else { (pixels / 2).max(1) }
}

/// The matrix with `side` texels a side. Where one stands for several cells the strongest shows, so that no confusion
/// vanishes.
fn picture(measured: &Measured, side: usize, palette: &Palette) -> ColorImage {
    let classes = measured.evaluation.classes.len();
    let mut image = ColorImage::filled([side, side], palette.card);
    let mut strongest = vec![0.0_f32; side * side];
    for (place, &count) in measured.confusion.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (label, best) = (place / classes, place % classes);
        let of = measured.classes[label].pictures.max(1);
        // The root lets rare confusions be seen.
        let share = (count as f32 / of as f32).sqrt();
        let texel = label * side / classes * side + best * side / classes;
        if share > strongest[texel] {
            strongest[texel] = share;
            let color = if label == best { palette.train } else { palette.validation };
            image.pixels[texel] = palette.card.lerp_to_gamma(color, 0.12 + 0.88 * share);
        }
    }
    image
}

/// Names of the rows at the left, of the columns above, cut where they are too long.
fn names_ui(ui: &Ui, measured: &Measured, rect: Rect, cell: f32, room: Vec2) {
    let palette = Palette::of(ui);
    let font = FontId::proportional((cell * 0.75).min(TextStyle::Small.resolve(ui.style()).size));
    for (number, class) in measured.evaluation.classes.iter().enumerate() {
        let line = |room: f32| one_line(ui.painter(), class, &font, palette.text, room - 8.0);
        let galley = line(room.x);
        let middle = (number as f32 + 0.5) * cell;
        let row = pos2(rect.left() - 5.0 - galley.size().x, rect.top() + middle - galley.size().y / 2.0);
        ui.painter().galley(row, galley, palette.text);
        // Upwards: a quarter turn to the left, beginning at the lower end.
        let galley = line(room.y);
        let column = pos2(rect.left() + middle - galley.size().y / 2.0, rect.top() - 5.0);
        let shape = egui::epaint::TextShape::new(column, galley, palette.text);
        ui.painter().add(shape.with_angle(-std::f32::consts::FRAC_PI_2));
    }
}

fn numbers_ui(ui: &Ui, measured: &Measured, rect: Rect, cell: f32) {
    let palette = Palette::of(ui);
    let classes = measured.evaluation.classes.len();
    let font = FontId::proportional((cell * 0.4).min(13.0));
    for (place, &count) in measured.confusion.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (label, best) = (place / classes, place % classes);
        let share = (count as f32 / measured.classes[label].pictures.max(1) as f32).sqrt();
        let color = if share > 0.6 { contrast(ui.visuals().dark_mode) } else { palette.text };
        let middle = cell_rect(rect, cell, (label as u32, best as u32)).center();
        ui.painter().text(middle, Align2::CENTER_CENTER, count.to_string(), font.clone(), color);
    }
}

/// Text on a strong colour.
fn contrast(dark: bool) -> Color32 {
    if dark { Color32::BLACK } else { Color32::WHITE }
}

fn cell_rect(rect: Rect, cell: f32, (label, best): (u32, u32)) -> Rect {
    Rect::from_min_size(rect.min + vec2(best as f32, label as f32) * cell, Vec2::splat(cell))
}

/// The cell under the pointer. Cells that are too small to be hit give way to the nearest one with pictures.
fn nearest(measured: &Measured, pointed: (u32, u32), cell: f32) -> (u32, u32) {
    if cell >= REACH || measured.count(pointed.0, pointed.1) > 0 {
        return pointed;
    }
    let reach = (REACH / cell).ceil() as u32;
    let last = measured.evaluation.classes.len().saturating_sub(1) as u32;
    let around = |at: u32| at.saturating_sub(reach)..=(at + reach).min(last);
    let far =
        |&(row, column): &(u32, u32)| row.abs_diff(pointed.0).pow(2) + column.abs_diff(pointed.1).pow(2);
    let cells = around(pointed.0).flat_map(|row| around(pointed.1).map(move |column| (row, column)));
    cells.filter(|&(row, column)| measured.count(row, column) > 0).min_by_key(far).unwrap_or(pointed)
}

/// Pointing, clicking, walking by keys.
fn act(ui: &Ui, measured: &Measured, view: &mut EvaluateView, response: &Response, rect: Rect, cell: f32) {
    let last = measured.evaluation.classes.len().saturating_sub(1) as u32;
    let at = |p: Pos2| {
        let to = |v: f32| ((v / cell).max(0.0) as u32).min(last);
        (to(p.y - rect.top()), to(p.x - rect.left()))
    };
    let pointed = response.hover_pos().map(|pointer| nearest(measured, at(pointer), cell));
    if response.clicked()
        && let Some((label, best)) = pointed
    {
        view.choose(Chosen::Cell(label, best));
        response.request_focus();
    }
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let (row, column) = view.cursor;
        let steps = [
            (Key::ArrowUp, (row.saturating_sub(1), column)),
            (Key::ArrowDown, (row + 1, column)),
            (Key::ArrowLeft, (row, column.saturating_sub(1))),
            (Key::ArrowRight, (row, column + 1)),
        ];
        for (key, (row, column)) in steps {
            if ui.input(|input| input.key_pressed(key)) {
                view.cursor = (row.min(last), column.min(last));
            }
        }
        if ui.input(|input| input.key_pressed(Key::Enter)) {
            view.choose(Chosen::Cell(view.cursor.0, view.cursor.1));
        }
    }
    let palette = Palette::of(ui);
    let frame = |place, width| {
        let stroke = Stroke::new(width, palette.text);
        // A cell of a thousand classes is smaller than its frame.
        let cell = cell_rect(rect, cell, place).expand(if cell < 4.0 { 2.0 } else { 0.0 });
        ui.painter().rect_stroke(cell, 1.0, stroke, StrokeKind::Outside);
    };
    if let Chosen::Cell(label, best) = view.chosen {
        frame((label, best), 2.0);
    }
    if response.has_focus() {
        frame(view.cursor, 1.5);
    }
    if let Some(place) = pointed {
        frame(place, 1.0);
        response.clone().on_hover_text_at_pointer(words(measured, place));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::vis::Evaluation;

    /// As many classes with a picture each, of which some are taken for another class.
    fn measured(classes: u32, mistakes: &[(u32, u32)]) -> Measured {
        let names = (0..classes).map(|class| format!("class {class}")).collect();
        let mut found = Evaluation::new("sample".into(), 1, names);
        for label in 0..classes {
            let best = mistakes.iter().find(|(own, _)| *own == label).map_or(label, |(_, best)| *best);
            let mut scores = vec![0.0; classes as usize];
            scores[best as usize] = 1.0;
            found.add(format!("{label}.png"), label, label, &scores);
        }
        Measured::new(Arc::new(found))
    }

    #[test]
    fn no_confusion_vanishes_where_there_are_fewer_texels_than_classes() {
        let mistakes: Vec<(u32, u32)> = (0..40).map(|n| (25 * n, 999 - 13 * n)).collect();
        let measured = measured(1000, &mistakes);
        for pixels in [425, 999, 1000] {
            let side = texels(1000, pixels);
            assert_eq!(side, if pixels < 1000 { pixels / 2 } else { 1000 });
            let palette = Palette::of_theme(false);
            let image = picture(&measured, side, palette);
            for (label, best) in mistakes.iter().map(|(label, best)| (*label as usize, *best as usize)) {
                let texel = image.pixels[label * side / 1000 * side + best * side / 1000];
                assert_ne!(texel, palette.card, "{label} for {best} with {pixels} pixels");
            }
        }
    }

    #[test]
    fn small_cells_are_pointed_at_from_beside() {
        let measured = measured(1000, &[(500, 200)]);
        assert_eq!(nearest(&measured, (503, 196), 0.4), (500, 200));
        assert_eq!(nearest(&measured, (500, 200), 0.4), (500, 200));
        assert_eq!(nearest(&measured, (700, 100), 0.4), (700, 100), "nothing is near");
        assert_eq!(nearest(&measured, (503, 196), 10.0), (503, 196), "large cells are hit themselves");
    }
}
