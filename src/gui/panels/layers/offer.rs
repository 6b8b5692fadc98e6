//! Some pictures of the data set that is open, to be looked at by a click.

use egui::{Image, Rect, RichText, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo};

use crate::gui::action::Action;
use crate::gui::inspect::LayersAction;
use crate::gui::layers_view::{LayersView, OFFERED};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, small_button_ui};

const SIDE: f32 = 60.0;

/// A row of pictures and the way to others.
pub(super) fn offer_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let on_offer = LayersView::on_offer(&state.gallery);
    if on_offer == 0 {
        let text = "Open pictures on the left to choose among them here, or drop a picture on the window.";
        ui.label(RichText::new(text).small().weak());
        return;
    }
    let first = view.layers.first % on_offer;
    let room = ((ui.available_width() - 90.0) / (SIDE + 6.0)).floor().max(1.0) as usize;
    let shown = first..(first + OFFERED.min(room)).min(on_offer);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(6.0, 6.0);
        for position in shown.clone() {
            picture_ui(ui, state, view, position, actions);
        }
        let help = "Offer other pictures of the data set";
        if small_button_ui(ui, "Others", "Other pictures", help).clicked() {
            view.layers.first = if shown.end >= on_offer { 0 } else { shown.end };
        }
        if view.layers.awaited.is_some() {
            busy_ui(ui, "Reading the picture");
        }
    });
    view.layers.visible = shown;
}

fn picture_ui(ui: &mut Ui, state: &State, view: &mut View, position: usize, actions: &mut Vec<Action>) {
    let Some(place) = LayersView::place(&state.gallery, position) else { return };
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SIDE), Sense::click());
    let palette = Palette::of(ui);
    let shown = view.layers.thumbs.get(place).map(|thumb| thumb.content.as_ref());
    let text = match shown {
        Some(Ok(shown)) => {
            Image::from_texture((shown.texture.id(), rect.size())).corner_radius(3).paint_at(ui, rect);
            let class = state.gallery.classes().get(shown.label as usize).map_or("", |class| &class.class);
            format!("Look at {} ({class})", shown.name)
        }
        Some(Err(problem)) => {
            placeholder(ui, rect);
            format!("{} cannot be shown: {}", problem.name, problem.reason)
        }
        None => {
            placeholder(ui, rect);
            format!("Look at picture {}", position + 1)
        }
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &text));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_stroke(rect, 3.0, Stroke::new(2.0, palette.train), StrokeKind::Inside);
    }
    if response.clicked() {
        actions.push(Action::Layers(LayersAction::Pick(place)));
    }
    response.on_hover_text(text);
}

fn placeholder(ui: &Ui, rect: Rect) {
    ui.painter().rect_filled(rect, 3.0, Palette::of(ui).line.gamma_multiply(0.45));
}
