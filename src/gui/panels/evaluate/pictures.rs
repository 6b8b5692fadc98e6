//! The pictures that are chosen, with what the network takes them for. Only those in sight are read.

use egui::{
    Color32, Image, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo,
    vec2,
};

use crate::gui::action::Action;
use crate::gui::evaluate_view::EvaluateView;
use crate::gui::format;
use crate::gui::measured::{Chosen, Measured};
use crate::gui::panels::corrections;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::widgets::{empty_ui, one_line};

/// Least side of a picture, and height of the two lines below it.
const SIDE: f32 = 84.0;
const LINES: f32 = 34.0;
const SPACE: f32 = 8.0;

/// The pictures as a grid.
pub(super) fn pictures_ui(
    ui: &mut Ui,
    state: &State,
    measured: &Measured,
    view: &mut EvaluateView,
    actions: &mut Vec<Action>,
) {
    let title = measured.title(view.chosen);
    let listed = view.listed(measured, state.measurements);
    let count = format::count(listed.len());
    ui.add(egui::Label::new(RichText::new(format!("{title}: {count}")).strong()).truncate());
    if listed.is_empty() {
        empty_ui(ui, "No pictures", &nothing(measured, view.chosen));
        return;
    }
    if super::of_open_set(state, measured) {
        // As high as a name with its buttons, so that the pictures stay where they are when one is chosen.
        let small = ui.text_style_height(&TextStyle::Small);
        let least = small + ui.spacing().item_spacing.y + ui.spacing().interact_size.y;
        ui.scope(|ui| {
            ui.set_min_height(least);
            said_ui(ui, state, measured, view, actions);
        });
    } else {
        let text = format!("The pictures themselves are shown while {} is open.", measured.evaluation.source);
        ui.label(RichText::new(text).small().weak());
    }
    ScrollArea::vertical().id_salt("measured pictures").auto_shrink(false).show_viewport(
        ui,
        |ui, viewport| {
            let width = ui.available_width() - 10.0;
            let columns = ((width + SPACE) / (SIDE + SPACE)).floor().max(1.0) as usize;
            let side = ((width - SPACE * (columns as f32 - 1.0)) / columns as f32).floor().max(8.0);
            let row = side + LINES + SPACE;
            let rows = listed.len().div_ceil(columns);
            ui.set_height(row * rows as f32);
            let origin = ui.max_rect().min;
            let first = (viewport.min.y / row).floor().max(0.0) as usize;
            let last = ((viewport.max.y / row).ceil() as usize).min(rows);
            let range = first * columns..(last * columns).min(listed.len());
            for position in range.clone() {
                let corner =
                    vec2((position % columns) as f32 * (side + SPACE), (position / columns) as f32 * row);
                let rect = Rect::from_min_size(origin + corner, Vec2::splat(side));
                picture_ui(ui, measured, view, listed[position], rect);
                let name = measured.evaluation.name(listed[position]);
                corrections::badge(ui, rect, state.corrections.list().get(name));
            }
            view.visible = range;
        },
    );
}

/// What can be said of the picture that was clicked.
fn said_ui(ui: &mut Ui, state: &State, measured: &Measured, view: &EvaluateView, actions: &mut Vec<Action>) {
    let evaluation = &measured.evaluation;
    let Some(&verdict) = view.selected.and_then(|index| evaluation.verdicts().get(index)) else {
        let text = "Click a picture to say what it really is, or to leave it out.";
        ui.label(RichText::new(text).small().weak());
        return;
    };
    let name = evaluation.name(view.selected.unwrap_or_default());
    ui.add(egui::Label::new(RichText::new(name).small()).truncate());
    let (own, best) = (measured.class(verdict.label), measured.class(verdict.best));
    let classes = &evaluation.classes;
    corrections::correct_ui(ui, &state.corrections, name, own, Some(best), classes, actions);
}

/// What it means that there are none.
fn nothing(measured: &Measured, chosen: Chosen) -> String {
    match chosen {
        Chosen::Mistakes => "The network takes every picture for what it is.".into(),
        Chosen::Class(class) => {
            format!("Every picture of {} is taken for what it is.", measured.class(class))
        }
        Chosen::Cell(class, best) => {
            format!("No picture of {} is taken for {}.", measured.class(class), measured.class(best))
        }
    }
}

fn picture_ui(ui: &Ui, measured: &Measured, view: &mut EvaluateView, index: usize, rect: Rect) {
    let palette = Palette::of(ui);
    let verdict = measured.evaluation.verdicts()[index];
    let name = measured.evaluation.name(index);
    let (own, best) = (measured.class(verdict.label), measured.class(verdict.best));
    let sure = measured.evaluation.top(index).first().map_or(0.0, |(_, p)| f64::from(*p));
    let text = format!("{name}: {own}, taken for {best} with {}", format::percent(sure));
    let response = ui.interact(rect, ui.scope_id().with(("measured", index)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &text));
    if response.clicked() {
        view.selected = Some(index);
    }
    let shown =
        view.thumbs.get(EvaluateView::place(measured, index)).and_then(|thumb| thumb.content.as_ref().ok());
    match shown.filter(|shown| shown.name == name) {
        Some(shown) => {
            Image::from_texture((shown.texture.id(), rect.size())).corner_radius(3).paint_at(ui, rect);
        }
        None => {
            ui.painter().rect_filled(rect, 3.0, palette.line.gamma_multiply(0.45));
        }
    }
    if response.hovered() || response.has_focus() || view.selected == Some(index) {
        ui.painter().rect_stroke(rect, 3.0, Stroke::new(2.0, palette.text), StrokeKind::Inside);
    }
    line(ui, rect, 2.0, &format!("is {own}"), palette.muted);
    let color = if verdict.label == verdict.best { palette.good } else { palette.validation };
    line(ui, rect, 17.0, best, color);
    response.on_hover_ui(|ui| hint_ui(ui, measured, index));
}

/// Name and the five most probable classes.
fn hint_ui(ui: &mut Ui, measured: &Measured, index: usize) {
    let verdict = measured.evaluation.verdicts()[index];
    ui.label(RichText::new(measured.evaluation.name(index)).strong());
    ui.label(format!(
        "It is {} ({}).",
        measured.class(verdict.label),
        format::percent(f64::from(verdict.probability))
    ));
    for &(class, probability) in measured.evaluation.top(index) {
        ui.label(format!("{}  {}", format::percent(f64::from(probability)), measured.class(class)));
    }
}

/// Words below a picture.
fn line(ui: &Ui, picture: Rect, below: f32, text: &str, color: Color32) {
    let font = TextStyle::Small.resolve(ui.style());
    let galley = one_line(ui.painter(), text, &font, color, picture.width());
    ui.painter().galley(picture.left_bottom() + vec2(0.0, below), galley, color);
}
