//! A picture with its five best guesses below it, as in the left half of the paper's Figure 4: one stop for the
//! keyboard, one sentence for a screen reader.

use egui::{
    Align2, Color32, FontId, Id, Image, Pos2, Rect, Response, Sense, Stroke, StrokeKind, TextStyle, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use crate::engine::Truth;
use crate::gui::format;
use crate::gui::theme::Palette;
use crate::gui::widgets::tick;

/// Least width of a card, its height, and the space between cards.
const WIDTH: f32 = 172.0;
pub(super) const HEIGHT: f32 = 282.0;
pub(super) const SPACE: f32 = 8.0;
const MARGIN: f32 = 8.0;
/// Height of the picture, of the line below it, and of a guess.
const PICTURE: f32 = 148.0;
const LINE: f32 = 19.0;
const GUESS: f32 = 18.0;
/// Guesses that have room.
const GUESSES: usize = 5;

/// Classes with their probabilities, best first, and what it really is, where that is known.
pub(super) type Guesses<'a> = (&'a [(String, f32)], Option<&'a Truth>);

/// What a card shows.
pub(super) struct Card<'a> {
    pub name: &'a str,
    pub texture: Option<egui::TextureHandle>,
    /// The guesses with what it is, or why there are none.
    pub content: Result<Guesses<'a>, &'a str>,
}

/// How many cards stand side by side in `width` points, and how wide each of them is.
pub(super) fn columns(width: f32) -> (usize, f32) {
    let columns = ((width + SPACE) / (WIDTH + SPACE)).floor().max(1.0);
    (columns as usize, (width + SPACE) / columns - SPACE)
}

/// Draws a card into `rect`. The accessible name reads "tom.jpg, which is a cat: dog 51.0 %, cat 30.2 %".
pub(super) fn card_ui(ui: &Ui, rect: Rect, id: Id, card: &Card) -> Response {
    let palette = Palette::of(ui);
    let response = ui.interact(rect, id, Sense::click());
    let told = told(card);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &told));
    let edge = if response.hovered() || response.has_focus() { palette.train } else { palette.line };
    ui.painter().rect_stroke(rect, 6.0, Stroke::new(1.0, edge), StrokeKind::Inside);
    let inner = rect.shrink(MARGIN);
    let picture = Rect::from_center_size(inner.center_top() + vec2(0.0, PICTURE / 2.0), Vec2::splat(PICTURE));
    match &card.texture {
        Some(texture) => {
            Image::from_texture((texture.id(), picture.size())).corner_radius(3).paint_at(ui, picture);
        }
        None => {
            ui.painter().rect_filled(picture, 3.0, palette.line.gamma_multiply(0.45));
        }
    }
    let line = Rect::from_min_size(pos2(inner.left(), picture.bottom() + 3.0), vec2(inner.width(), LINE));
    match &card.content {
        Ok((guesses, truth)) => {
            let (text, color) = match truth {
                Some(truth) if truth.rank < guesses.len() => (truth.class.clone(), palette.text),
                Some(truth) => (format!("{} (guess {})", truth.class, truth.rank + 1), palette.text),
                None => (card.name.to_owned(), palette.muted),
            };
            written(ui, line, &text, color, true);
            guesses_ui(ui, line.left_bottom() + vec2(0.0, 2.0), inner.width(), guesses, *truth);
        }
        Err(reason) => {
            written(ui, line, card.name, palette.text, true);
            let room = Rect::from_min_max(line.left_bottom(), inner.max);
            let font = TextStyle::Small.resolve(ui.style());
            let mut job =
                egui::text::LayoutJob::simple((*reason).to_owned(), font, palette.muted, room.width());
            job.wrap.max_rows = 5;
            let galley = ui.painter().layout_job(job);
            ui.painter().galley(room.min, galley, palette.muted);
        }
    }
    response.on_hover_text(told)
}

/// Bars with the names on them. The bar of what it really is has another colour and a tick.
fn guesses_ui(ui: &Ui, at: Pos2, width: f32, guesses: &[(String, f32)], truth: Option<&Truth>) {
    let palette = Palette::of(ui);
    for (place, (class, probability)) in guesses.iter().take(GUESSES).enumerate() {
        let row = Rect::from_min_size(at + vec2(0.0, place as f32 * GUESS), vec2(width, GUESS - 2.0));
        let is_true = truth.is_some_and(|truth| truth.class == *class);
        let share = if probability.is_finite() { probability.clamp(0.0, 1.0) } else { 0.0 };
        let color = if is_true { palette.validation } else { palette.train };
        let bar = Rect::from_min_size(row.min, vec2((width * share).max(2.0), row.height()));
        ui.painter().rect_filled(bar, 2.0, color.gamma_multiply(0.45));
        if is_true {
            ui.painter().rect_stroke(bar, 2.0, Stroke::new(1.0, color), StrokeKind::Inside);
        }
        let font = TextStyle::Small.resolve(ui.style());
        let percent = format!("{:.0} %", share * 100.0);
        let number = ui.painter().text(row.right_center(), Align2::RIGHT_CENTER, percent, font, palette.text);
        let mut room = row.with_max_x(number.left() - 4.0).shrink2(vec2(4.0, 0.0));
        if is_true {
            tick(ui.painter(), room.left_center() + vec2(4.0, 0.0), 10.0, palette.text);
            room.min.x += 13.0;
        }
        written(ui, room, class, palette.text, false);
    }
}

/// One line that ends in "…" where it would be too long.
fn written(ui: &Ui, room: Rect, text: &str, color: Color32, centred: bool) {
    let font = FontId::proportional(TextStyle::Small.resolve(ui.style()).size + f32::from(u8::from(centred)));
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = egui::text::TextWrapping::truncate_at_width(room.width().max(1.0));
    let galley = ui.painter().layout_job(job);
    let anchor = if centred { Align2::CENTER_CENTER } else { Align2::LEFT_CENTER };
    let place = if centred { room.center() } else { room.left_center() };
    let corner = anchor.anchor_size(place, galley.size()).min;
    ui.painter().galley(corner, galley, color);
}

/// The card in words.
fn told(card: &Card) -> String {
    match &card.content {
        Ok((guesses, truth)) => {
            let guess = |(class, p): &(String, f32)| format!("{class} {}", format::percent(f64::from(*p)));
            let guesses = guesses.iter().map(guess).collect::<Vec<_>>().join(", ");
            match truth {
                Some(truth) => format!("{}, which is {}: {guesses}", card.name, truth.class),
                None => format!("{}: {guesses}", card.name),
            }
        }
        Err(reason) => format!("{}: {reason}", card.name),
    }
}
