//! The pictures of a class in a grid. Only what is in sight is asked for and drawn.

use egui::style::ScrollAnimation;
use egui::{
    Align, Align2, Color32, EventFilter, Image, Key, Layout, Rect, Response, RichText, ScrollArea, Sense,
    Stroke, StrokeKind, TextStyle, Ui, Vec2, WidgetInfo, vec2,
};

use super::classes::chosen_count;
use crate::data::Split;
use crate::engine::{BrowseSet, Preview};
use crate::gui::action::Action;
use crate::gui::data_view::DataView;
use crate::gui::format;
use crate::gui::gallery::Gallery;
use crate::gui::panels::corrections;
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::thumbs::Thumb;
use crate::gui::widgets::{button_ui, empty_ui, one_line, warning_sign};

/// Least side of a picture, and the space between two.
const SIDE: f32 = 84.0;
const SPACE: f32 = 6.0;
/// Height of the class name below a picture.
const CAPTION: f32 = 17.0;

/// How the grid lies in the room it has.
#[derive(Clone, Copy)]
struct Lattice {
    columns: usize,
    side: f32,
    row: f32,
    count: usize,
}

impl Lattice {
    fn new(width: f32, count: usize, captions: bool) -> Self {
        let columns = ((width + SPACE) / (SIDE + SPACE)).floor().max(1.0);
        let side = ((width - SPACE * (columns - 1.0)) / columns).floor().max(8.0);
        let row = side + SPACE + if captions { CAPTION } else { 0.0 };
        Self { columns: columns as usize, side, row, count }
    }

    fn rows(self) -> usize {
        self.count.div_ceil(self.columns)
    }

    fn corner(self, position: usize) -> Vec2 {
        let (row, column) = (position / self.columns, position % self.columns);
        vec2(column as f32 * (self.side + SPACE), row as f32 * self.row)
    }
}

/// The grid with its title.
pub(super) fn grid_ui(
    ui: &mut Ui,
    state: &State,
    set: &BrowseSet,
    preview: Option<Preview>,
    data: &mut DataView,
    actions: &mut Vec<Action>,
) {
    let gallery = &state.gallery;
    let count = chosen_count(&set.classes, data);
    let title = title(gallery, set, data, count);
    title_ui(ui, &title, preview, data);
    if count == 0 {
        let part = if data.split == Split::Train { "to train on" } else { "to validate" };
        empty_ui(ui, "No pictures here", &format!("This class has none {part}."));
        return;
    }
    // One stop for the Tab key; the arrow keys walk inside.
    let area = ui.available_rect_before_wrap();
    let grid = ui.interact(area, ui.scope_id().with("picture grid"), Sense::focusable_noninteractive());
    grid.widget_info(|| {
        let text = format!("{title}. Arrow keys walk, Enter enlarges");
        WidgetInfo::labeled(egui::Role::Grid, true, text)
    });
    ScrollArea::vertical().id_salt("pictures").auto_shrink(false).show_viewport(ui, |ui, viewport| {
        // Room for the scroll bar, which floats over the contents.
        let lattice = Lattice::new(ui.available_width() - 10.0, count, data.class.is_none());
        ui.set_height(lattice.row * lattice.rows() as f32);
        let origin = ui.max_rect().min;
        if grid.has_focus() {
            walk(ui, grid.id, lattice, viewport.height(), data);
        }
        let cell = |position| {
            Rect::from_min_size(origin + lattice.corner(position), vec2(lattice.side, lattice.row))
        };
        if std::mem::take(&mut data.reveal) {
            ui.scroll_to_rect_animation(cell(data.cursor), None, ScrollAnimation::none());
        }
        let first = (viewport.min.y / lattice.row).floor().max(0.0) as usize;
        let last = ((viewport.max.y / lattice.row).ceil() as usize).min(lattice.rows());
        let at = |row: usize| (row * lattice.columns).min(count);
        for position in at(first)..at(last) {
            let rect = Rect::from_min_size(cell(position).min, Vec2::splat(lattice.side));
            let focused = grid.has_focus() && position == data.cursor;
            cell_ui(ui, set, position, rect, focused, data, actions);
            if let Some(Ok(shown)) = data.thumbs.get(data.place(position)).map(|thumb| &thumb.content) {
                corrections::badge(ui, rect, state.corrections.list().get(&shown.name));
            }
        }
        if data.enlarged.is_some() {
            // The grid is not shown once more before the picture takes its place.
            ui.ctx().request_discard("a picture was enlarged");
        }
        // Two rows below and one above are made in advance.
        data.visible = at(first.saturating_sub(1))..at(last + 2);
    });
}

/// The class, and how many pictures of it there are; after a check also how many a run would have of it.
fn title(gallery: &Gallery, set: &BrowseSet, data: &DataView, count: usize) -> String {
    let class = data.class.and_then(|label| set.classes.get(label as usize));
    let name = class.map_or("All classes, mixed", |class| class.class.as_str());
    let part = if data.split == Split::Train { "to train on" } else { "to validate" };
    let usable = chosen_count(gallery.classes(), data);
    // A class may have more pictures by the corrections than the source has of it.
    let how = if gallery.is_corrected() { "as corrected" } else { "usable" };
    let usable = if usable == count { String::new() } else { format!(", {} {how}", format::count(usable)) };
    format!("{name}: {} {part}{usable}", format::count(count))
}

fn title_ui(ui: &mut Ui, title: &str, preview: Option<Preview>, data: &mut DataView) {
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if data.as_trained && data.split == Split::Train {
                let help =
                    "Throw the dice again: other crops, mirror images and colours, as in another epoch";
                if button_ui(ui, "Again", Ok(()), help).clicked() {
                    data.again();
                }
            }
            let help = match preview {
                Some(preview) if data.split == Split::Train => seen_in_training(preview),
                _ => "The middle of each picture, unchanged: so it is measured".into(),
            };
            ui.checkbox(&mut data.as_trained, "As the network sees them").on_hover_text(help);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(title).strong()).truncate());
            });
        });
    });
}

fn seen_in_training(preview: Preview) -> String {
    let Preview { stored_side, crop_side, augment, colour_noise, .. } = preview;
    let crop = match augment {
        true => format!(
            "A random piece of {crop_side}x{crop_side} of the {stored_side}x{stored_side} pixels, half of them mirrored"
        ),
        false => format!("The middle {crop_side}x{crop_side} of the {stored_side}x{stored_side} pixels"),
    };
    let noise = match colour_noise {
        crate::config::ColourNoise::Off => "no colour noise",
        _ => "with colour noise",
    };
    format!("{crop}, {noise}: with the settings on the left, made by the code that trains.")
}

fn cell_ui(
    ui: &mut Ui,
    set: &BrowseSet,
    position: usize,
    rect: Rect,
    focused: bool,
    data: &mut DataView,
    actions: &mut Vec<Action>,
) {
    let place = data.place(position);
    let palette = Palette::of(ui);
    let response = ui.interact(rect, ui.scope_id().with(place), Sense::CLICK);
    let captioned = data.class.is_none();
    let version = data.version();
    let thumb = data.thumbs.get(place);
    let stale = thumb.is_some_and(|thumb| thumb.version != version);
    let name = match thumb.map(|thumb| &thumb.content) {
        Some(Ok(shown)) => shown.name.clone(),
        Some(Err(problem)) => format!("{}: {}", problem.name, problem.reason),
        None => format!("Picture {}", position + 1),
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
    let color = ui.visuals().text_color();
    match thumb.map(|thumb| &thumb.content) {
        Some(Ok(shown)) => {
            // What is still of the last look is faint, until the new one has come.
            let tint = if stale { Color32::from_white_alpha(90) } else { Color32::WHITE };
            let image = Image::from_texture((shown.texture.id(), rect.size())).corner_radius(3);
            image.tint(tint).paint_at(ui, rect);
            if captioned && let Some(class) = set.classes.get(shown.label as usize) {
                caption(ui, rect, &class.class);
            }
        }
        Some(Err(_)) => {
            ui.painter().rect_filled(rect, 3.0, palette.line.gamma_multiply(0.6));
            warning_sign(ui.painter(), rect.center(), 26.0, palette.warning);
        }
        None => {
            ui.painter().rect_filled(rect, 3.0, palette.line.gamma_multiply(0.45));
            sign(ui, rect, "…", 16.0, palette.muted);
        }
    }
    if focused || response.hovered() {
        let color = if focused { palette.train } else { color };
        ui.painter().rect_stroke(rect, 3.0, Stroke::new(2.5, color), StrokeKind::Inside);
    }
    menu_ui(&response, thumb, actions);
    let clicked = response.clicked();
    if response.hovered() {
        let hint = hint(thumb, position);
        response.on_hover_text(hint);
    }
    if clicked {
        data.enlarge(position);
    }
}

fn hint(thumb: Option<&Thumb>, position: usize) -> String {
    match thumb.map(|thumb| &thumb.content) {
        Some(Ok(shown)) => {
            format!("{}\n{} x {} pixels. Click to enlarge.", shown.name, shown.size.0, shown.size.1)
        }
        Some(Err(problem)) => format!("{}\nNot used: {}.", problem.name, problem.reason),
        None => format!("Picture {} is being read.", position + 1),
    }
}

fn menu_ui(response: &Response, thumb: Option<&Thumb>, actions: &mut Vec<Action>) {
    let Some(thumb) = thumb else { return };
    response.context_menu(|ui| {
        let name = match &thumb.content {
            Ok(shown) => &shown.name,
            Err(problem) => &problem.name,
        };
        if ui.button("Copy file name").clicked() {
            actions.push(Action::CopyText(name.clone()));
            ui.close();
        }
        if let Err(problem) = &thumb.content
            && ui.button("Copy the reason").clicked()
        {
            actions.push(Action::CopyText(format!("{}: {}", problem.name, problem.reason)));
            ui.close();
        }
    });
}

fn caption(ui: &Ui, rect: Rect, text: &str) {
    let color = Palette::of(ui).muted;
    let font = TextStyle::Small.resolve(ui.style());
    let galley = one_line(ui.painter(), text, &font, color, rect.width());
    ui.painter().galley(rect.left_bottom() + vec2(0.0, 1.0), galley, color);
}

fn sign(ui: &Ui, rect: Rect, text: &str, size: f32, color: Color32) {
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, egui::FontId::proportional(size), color);
}

fn walk(ui: &Ui, id: egui::Id, lattice: Lattice, height: f32, data: &mut DataView) {
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let (at, last) = (data.cursor.min(lattice.count - 1), lattice.count - 1);
    let page = ((height / lattice.row).floor().max(1.0) as usize) * lattice.columns;
    let down = |by: usize| if at + by <= last { at + by } else { at };
    let up = |by: usize| at.checked_sub(by).unwrap_or(at);
    for (key, to) in [
        (Key::ArrowRight, down(1)),
        (Key::ArrowLeft, up(1)),
        (Key::ArrowDown, down(lattice.columns)),
        (Key::ArrowUp, up(lattice.columns)),
        (Key::PageDown, (at + page).min(last)),
        (Key::PageUp, at.saturating_sub(page)),
        (Key::Home, 0),
        (Key::End, last),
    ] {
        if ui.input(|input| input.key_pressed(key)) {
            data.cursor = to;
            data.reveal = true;
        }
    }
    if ui.input(|input| input.key_pressed(Key::Enter)) {
        data.enlarge(data.cursor);
    }
}
