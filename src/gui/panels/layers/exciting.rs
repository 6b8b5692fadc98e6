//! The pictures of the data set that excite a map most, with what the strongest unit sees marked in each.

use egui::{
    Align2, Color32, Image, Rect, RichText, Sense, Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};
use image::RgbImage;

use super::overlay::going_ui;
use crate::data::Split;
use crate::engine::{Activations, Excites, Exciting, LayerActivations};
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::inspect::LayersAction;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::view::View;
use crate::gui::widgets::button_ui;

/// Room of this part, in points.
pub(super) const HEIGHT: f32 = 128.0;
/// Side of a picture.
const SIDE: std::ops::RangeInclusive<f32> = 44.0..=76.0;
/// How many pictures may be searched.
const MOST: [usize; 3] = [300, 1000, 10_000];

/// The search, and what it has found for the chosen map.
pub(super) fn exciting_ui(
    ui: &mut Ui,
    state: &State,
    activations: &Activations,
    layer: &LayerActivations,
    view: &mut View,
    actions: &mut Vec<Action>,
) {
    let find = &state.layers.exciting;
    ui.horizontal_wrapped(|ui| {
        let none_open = state.gallery.set.is_none();
        let allowed = match (find.going, none_open) {
            (Some(_), _) => Err("It is searching."),
            (None, true) => Err("Open the pictures that the network was trained on first."),
            (None, false) => Ok(()),
        };
        let label = format!("What excites {}?", layer.name);
        let help = "Search the data set for the pictures in which each map of this layer is strongest";
        if button_ui(ui, &label, allowed, help).clicked() {
            actions.push(Action::Layers(LayersAction::Search(layer.name.clone())));
        }
        choice_ui(ui, view);
    });
    going_ui(ui, find, "pictures", "Progress of the search", actions);
    let Some(found) = find.found.as_ref().filter(|found| found.layer == layer.name) else { return };
    let Some((map, _)) = view.layers.chosen_in(layer) else {
        let text =
            format!("{} pictures were looked at. Choose a map to see its best.", format::count(found.seen));
        ui.label(RichText::new(text).small().weak());
        return;
    };
    match found.maps.get(map) {
        Some(best) if !best.is_empty() => row_ui(ui, find.seen, activations, found, (map, best), view),
        _ => {
            ui.label(RichText::new("No picture has a value for it.").small().weak());
        }
    }
}

fn choice_ui(ui: &mut Ui, view: &mut View) {
    let name = |split| if split == Split::Train { "training pictures" } else { "validation pictures" };
    let most = |most: usize| format!("up to {} {}", format::count(most), "of the");
    let shown = format!("{} {}", most(view.layers.most), name(view.layers.split));
    let combo = egui::ComboBox::from_id_salt("searched pictures").selected_text(RichText::new(shown).small());
    let response = combo.width(190.0).show_ui(ui, |ui| {
        for split in [Split::Validation, Split::Train] {
            for count in MOST {
                let chosen = (view.layers.split, view.layers.most) == (split, count);
                if ui.selectable_label(chosen, format!("{} {}", most(count), name(split))).clicked() {
                    (view.layers.split, view.layers.most) = (split, count);
                }
            }
        }
    });
    response.response.accessible_name("Pictures to search").on_hover_text(
        "Of more pictures than that, some are taken at equal distances, so that all classes are among them",
    );
}

/// The best pictures of a map in a row.
fn row_ui(
    ui: &mut Ui,
    number: u64,
    activations: &Activations,
    found: &Exciting,
    (map, best): (usize, &[Excites]),
    view: &mut View,
) {
    let side = best.first().map_or(1, |one| one.picture.small.width().max(1));
    let texture = view.layers.textures.exciting(ui.ctx(), (number, map), || side_by_side(best, side));
    let gap = 6.0;
    let room = (ui.available_width() - 12.0 + gap) / 9.0 - gap;
    let size = room.clamp(*SIDE.start(), *SIDE.end());
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(gap, 2.0);
        for (place, one) in best.iter().enumerate() {
            let (rect, response) = ui.allocate_exact_size(vec2(size, size + 15.0), Sense::hover());
            let picture = Rect::from_min_size(rect.min, Vec2::splat(size));
            let uv = Rect::from_min_max(
                pos2(place as f32 / best.len() as f32, 0.0),
                pos2((place + 1) as f32 / best.len() as f32, 1.0),
            );
            Image::from_texture((texture.id(), picture.size())).uv(uv).paint_at(ui, picture);
            mark(ui, picture, found, one);
            let value = format::figures(f64::from(one.value));
            let font = TextStyle::Small.resolve(ui.style());
            let color = Palette::of(ui).muted;
            ui.painter().text(picture.center_bottom(), Align2::CENTER_TOP, &value, font, color);
            let class = activations.classes.get(one.picture.label as usize).map_or("", String::as_str);
            let text = format!("{} ({class}): {value}", one.picture.name);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &text));
            response.on_hover_text(text);
        }
    });
    let what = if found.field.is_none() { "unit" } else { "map" };
    let text = format!(
        "The strongest of {} pictures for {what} {}; the frame is what its strongest unit sees.",
        format::count(found.seen),
        map + 1
    );
    ui.label(RichText::new(text).small().weak());
}

fn mark(ui: &Ui, rect: Rect, found: &Exciting, one: &Excites) {
    let Some(field) = found.field else { return };
    let [rows, columns] = field.window(one.place, found.side);
    let point = rect.width() / found.side as f32;
    let corner = rect.min + vec2(columns.start as f32, rows.start as f32) * point;
    let frame = Rect::from_min_size(corner, vec2(columns.len() as f32, rows.len() as f32) * point);
    ui.painter().rect_stroke(
        frame,
        0.0,
        Stroke::new(3.0, Color32::from_black_alpha(150)),
        StrokeKind::Inside,
    );
    ui.painter().rect_stroke(frame, 0.0, Stroke::new(1.5, Palette::of(ui).validation), StrokeKind::Inside);
}

fn side_by_side(best: &[Excites], side: u32) -> RgbImage {
    let mut row = RgbImage::new(side * best.len() as u32, side);
    for (place, one) in best.iter().enumerate() {
        image::imageops::replace(&mut row, &one.picture.small, i64::from(side) * place as i64, 0);
    }
    row
}
