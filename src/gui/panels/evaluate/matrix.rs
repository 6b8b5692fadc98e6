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

/// Smallest cell, in points, whose row has its class's name, and whose number fits.
const NAMED: f32 = 13.0;
const NUMBERED: f32 = 24.0;
/// Room for the names of the rows, and of the columns, at most.
const NAMES: f32 = 130.0;

/// The matrix with its axes.
pub(super) fn matrix_ui(ui: &mut Ui, state: &State, measured: &Measured, view: &mut EvaluateView) {
    let text = "Rows: the true class. Columns: what the network takes it for. The stronger the colour, the larger the share \
                of the row.";
    ui.label(RichText::new(text).small().weak());
    let classes = measured.evaluation.classes.len();
    let room = ui.available_rect_before_wrap();
    let names = if cell_side(room.size() - Vec2::splat(NAMES), classes) >= NAMED { NAMES } else { 0.0 };
    let cell = cell_side(room.size() - Vec2::splat(names), classes);
    let rect = Rect::from_min_size(room.min + Vec2::splat(names), Vec2::splat(cell * classes as f32));
    let response = ui.allocate_rect(rect, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Grid, true, description(measured, view)));
    texture_ui(ui, state, measured, view, rect);
    if names > 0.0 {
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

/// The colours, as one texel a cell. It is made anew for another measurement or theme only.
fn texture_ui(ui: &Ui, state: &State, measured: &Measured, view: &mut EvaluateView, rect: Rect) {
    let key = (state.measurements, ui.visuals().dark_mode);
    if view.matrix.as_ref().is_none_or(|(of, _)| *of != key) {
        let palette = Palette::of(ui);
        let classes = measured.evaluation.classes.len();
        let mut image = ColorImage::filled([classes, classes], palette.card);
        for (place, (pixel, &count)) in image.pixels.iter_mut().zip(&measured.confusion).enumerate() {
            let (label, best) = (place / classes, place % classes);
            let of = measured.classes[label].pictures.max(1);
            // The root lets rare confusions be seen.
            let share = (count as f32 / of as f32).sqrt();
            let color = if label == best { palette.train } else { palette.validation };
            *pixel = if count == 0 {
                palette.card
            } else {
                palette.card.lerp_to_gamma(color, 0.12 + 0.88 * share)
            };
        }
        let texture = ui.ctx().load_texture("confusions", image, CRISP);
        view.matrix = Some((key, texture));
    }
    if let Some((_, texture)) = &view.matrix {
        Image::from_texture((texture.id(), rect.size())).paint_at(ui, rect);
        ui.painter().rect_stroke(rect, 0.0, Stroke::new(1.0, Palette::of(ui).line), StrokeKind::Outside);
    }
}

/// Names of the rows at the left, of the columns above, cut where they are too long.
fn names_ui(ui: &Ui, measured: &Measured, rect: Rect, cell: f32, room: f32) {
    let palette = Palette::of(ui);
    let font = FontId::proportional((cell * 0.75).min(TextStyle::Small.resolve(ui.style()).size));
    for (number, class) in measured.evaluation.classes.iter().enumerate() {
        let mut job = egui::text::LayoutJob::simple_singleline(class.clone(), font.clone(), palette.text);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room - 8.0);
        let galley = ui.painter().layout_job(job);
        let middle = (number as f32 + 0.5) * cell;
        let row = pos2(rect.left() - 5.0 - galley.size().x, rect.top() + middle - galley.size().y / 2.0);
        ui.painter().galley(row, galley.clone(), palette.text);
        // Upwards: a quarter turn to the left, beginning at the lower end.
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

/// Pointing, clicking, walking by keys.
fn act(ui: &Ui, measured: &Measured, view: &mut EvaluateView, response: &Response, rect: Rect, cell: f32) {
    let last = measured.evaluation.classes.len().saturating_sub(1) as u32;
    let at = |p: Pos2| {
        let to = |v: f32| ((v / cell).max(0.0) as u32).min(last);
        (to(p.y - rect.top()), to(p.x - rect.left()))
    };
    let pointed = response.hover_pos().map(at);
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
