//! The ten views of a picture and their votes (paper section 4.1).

use egui::{
    Image, Label, Rect, RichText, Sense, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::engine::{Prediction, Vote};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::state::Classified;
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{button_ui, warning_sign};
use crate::words;

/// The views of a row, in the order that they are asked in.
const PLACES: [&str; 5] = ["upper left", "upper right", "middle", "lower left", "lower right"];
/// Side of a view, and height of the two lines below it.
const SIDE: f32 = 92.0;
const LINES: f32 = 34.0;

pub(super) fn views_ui(
    ui: &mut Ui,
    classified: &Classified,
    prediction: &Prediction,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    ui.label(RichText::new("The ten views").strong());
    if prediction.votes.is_empty() {
        let text = "The network saw the middle of this picture only. The paper averages ten views: the four corners and \
                    the middle, and their mirror images.";
        ui.add(Label::new(RichText::new(text).weak()).wrap());
        let allowed = classified.source.as_ref().map(|_| ()).ok_or("The picture itself is not kept.");
        if button_ui(ui, "Ask with ten views", allowed, "Ten times the work of one view").clicked() {
            actions.push(Action::AskTenViews(classified.id));
        }
        return;
    }
    ui.add(Label::new(verdict(prediction)).wrap());
    if prediction.square.dimensions() == prediction.seen.dimensions() {
        let text = "This network sees whole pictures: corners and middle are the same, and only the mirror image differs.";
        ui.add(Label::new(RichText::new(text).small().weak()).wrap());
    }
    let texture = view.predict.square(ui.ctx(), classified.id, &prediction.square);
    let stored = prediction.square.dimensions();
    let shown = (prediction.seen.width() as f32 / stored.0 as f32, stored.0 as f32);
    let best = prediction.top.first().map_or("", |(class, _)| class);
    for votes in prediction.votes.chunks(PLACES.len()) {
        ui.horizontal_wrapped(|ui| {
            for (vote, place) in votes.iter().zip(PLACES) {
                vote_ui(ui, vote, place, best, (&texture, shown));
            }
        });
    }
}

/// How far the views agree.
fn verdict(prediction: &Prediction) -> String {
    let (agreeing, all) = (prediction.agreeing(), prediction.votes.len());
    let Some((best, probability)) = prediction.top.first() else { return String::new() };
    let average = format!("{best} with {} on average", format::percent(f64::from(*probability)));
    if agreeing == all {
        return format!("All {all} views say {best}: {average}.");
    }
    let mut others: Vec<(&str, usize)> = Vec::new();
    for vote in prediction.votes.iter().filter(|vote| vote.class != *best) {
        match others.iter_mut().find(|(class, _)| *class == vote.class) {
            Some((_, times)) => *times += 1,
            None => others.push((&vote.class, 1)),
        }
    }
    others.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let others: Vec<String> = others.iter().map(|(class, times)| format!("{times} {class}")).collect();
    format!(
        "The views disagree: {agreeing} of {all} say {best}, {}. The answer is the average: {average}.",
        words::some_of(&others, 4)
    )
}

/// One view, cut out of the stored square, with its own best guess.
fn vote_ui(
    ui: &mut Ui,
    vote: &Vote,
    place: &str,
    best: &str,
    (texture, (share, stored)): (&egui::TextureHandle, (f32, f32)),
) {
    let palette = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE + 12.0, SIDE + LINES), Sense::hover());
    let mirrored = if vote.flip { ", mirrored" } else { "" };
    let percent = format::percent(f64::from(vote.probability));
    let differs = vote.class != best;
    let odd = if differs { "; it disagrees" } else { "" };
    let told = format!("View {place}{mirrored}: {} {percent}{odd}", vote.class);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &told));
    let picture = Rect::from_min_size(rect.min, Vec2::splat(SIDE));
    let corner = pos2(vote.corner[0] as f32 / stored, vote.corner[1] as f32 / stored);
    let mut uv = Rect::from_min_size(corner, Vec2::splat(share));
    if vote.flip {
        std::mem::swap(&mut uv.min.x, &mut uv.max.x);
    }
    Image::from_texture((texture.id(), picture.size())).uv(uv).paint_at(ui, picture);
    if differs {
        ui.painter().rect_stroke(picture, 0.0, Stroke::new(2.5, palette.validation), StrokeKind::Inside);
        let sign = picture.right_top() + vec2(-11.0, 11.0);
        ui.painter().circle_filled(sign, 10.0, palette.card);
        warning_sign(ui.painter(), sign, 14.0, palette.text);
    }
    let font = TextStyle::Small.resolve(ui.style());
    for (line, text) in [vote.class.as_str(), percent.as_str()].into_iter().enumerate() {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font.clone(), palette.text);
        job.wrap = egui::text::TextWrapping::truncate_at_width(SIDE + 8.0);
        let galley = ui.painter().layout_job(job);
        let corner = picture.left_bottom() + vec2(0.0, 2.0 + 15.0 * line as f32);
        ui.painter().galley(corner, galley, palette.text);
    }
    response.on_hover_text(told);
}
