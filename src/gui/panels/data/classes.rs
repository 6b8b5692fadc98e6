//! The list of classes: how many pictures each has, as a number and as a bar.

use egui::style::ScrollAnimation;
use egui::{
    Align2, ComboBox, CornerRadius, EventFilter, FontId, Key, Rect, RichText, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, TextStyle, Ui, WidgetInfo, pos2, vec2,
};

use crate::data::Split;
use crate::engine::ClassPictures;
use crate::gui::data_view::{DataView, Sort};
use crate::gui::format;
use crate::gui::theme::Palette;
use crate::gui::widgets::{heading_ui, one_line, warning_sign};
use crate::words;

/// Height of a row.
const ROW: f32 = 26.0;
/// Room for the bar, and for the count at its right.
const BAR: f32 = 44.0;
const COUNT: f32 = 54.0;
/// Names need this much before there is a bar beside them.
const NAME: f32 = 100.0;

const SORTS: [(Sort, &str); 4] =
    [(Sort::Label, "In order"), (Sort::Name, "By name"), (Sort::Most, "Most"), (Sort::Fewest, "Fewest")];

/// The list with its search field.
pub(super) fn classes_ui(ui: &mut Ui, classes: &[ClassPictures], data: &mut DataView) {
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, &words::counted(classes.len(), "class"));
    });
    ui.horizontal_wrapped(|ui| {
        for (split, title) in [(Split::Train, "To train on"), (Split::Validation, "To validate")] {
            let help = match split {
                Split::Train => "Pictures that the network learns from",
                Split::Validation => "Pictures that it is measured with; it never learns from these",
            };
            let response = ui.selectable_label(data.split == split, title);
            if response.on_hover_text(format!("{help}: {}", format::count(total(classes, split)))).clicked() {
                data.choose_split(split);
            }
        }
    });
    search_ui(ui, data);
    let rows = rows(classes, data);
    list_ui(ui, classes, &rows, data);
}

fn search_ui(ui: &mut Ui, data: &mut DataView) {
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 112.0).max(50.0);
        let field = TextEdit::singleline(&mut data.search).hint_text("Find a class").desired_width(width);
        ui.add(field).accessible_name("Find a class");
        let shown = SORTS.iter().find(|(sort, _)| *sort == data.sort).map_or("", |(_, title)| title);
        let combo =
            ComboBox::from_id_salt("class order").width(ui.available_width()).selected_text(shown).truncate();
        let response = combo.show_ui(ui, |ui| {
            for (sort, title) in SORTS {
                ui.selectable_value(&mut data.sort, sort, title);
            }
        });
        let response = response.response.accessible_name("Order of the classes");
        response.on_hover_text("\"In order\" is the order in which the network counts the classes");
    });
}

/// A class that is listed; none stands for all.
type Row = Option<u32>;

/// All classes, then those that match the search, in the order that was asked for.
fn rows(classes: &[ClassPictures], data: &DataView) -> Vec<Row> {
    let wanted = data.search.trim().to_lowercase();
    let matches = |class: &ClassPictures| wanted.is_empty() || class.class.to_lowercase().contains(&wanted);
    let mut labels: Vec<u32> =
        (0..).zip(classes).filter(|(_, class)| matches(class)).map(|(label, _)| label).collect();
    let class = |label: &u32| &classes[*label as usize];
    let count = |label: &u32| count(class(label), data.split);
    match data.sort {
        Sort::Label => {}
        Sort::Name => labels.sort_by_cached_key(|label| class(label).class.to_lowercase()),
        Sort::Most => labels.sort_by_key(|label| std::cmp::Reverse(count(label))),
        Sort::Fewest => labels.sort_by_key(count),
    }
    let all = wanted.is_empty().then_some(None);
    all.into_iter().chain(labels.into_iter().map(Some)).collect()
}

fn count(class: &ClassPictures, split: Split) -> usize {
    match split {
        Split::Train => class.train,
        Split::Validation => class.validation,
    }
}

fn list_ui(ui: &mut Ui, classes: &[ClassPictures], rows: &[Row], data: &mut DataView) {
    if rows.is_empty() {
        ui.label(RichText::new("No class has this in its name.").weak());
        return;
    }
    let largest = classes.iter().map(|class| count(class, data.split)).max().unwrap_or(0);
    // One stop for the Tab key; the arrow keys walk inside.
    let list = ui.interact(
        ui.available_rect_before_wrap(),
        ui.scope_id().with("class list"),
        Sense::focusable_noninteractive(),
    );
    list.widget_info(|| WidgetInfo::labeled(egui::Role::List, true, "Classes; the arrow keys choose one"));
    if list.has_focus() {
        walk(ui, list.id, rows, data);
        ui.painter().rect_stroke(
            list.rect.expand(2.0),
            4.0,
            Stroke::new(1.5, Palette::of(ui).train),
            StrokeKind::Inside,
        );
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("classes").auto_shrink(false).show_viewport(ui, |ui, viewport| {
        ui.set_height(ROW * rows.len() as f32);
        let origin = ui.max_rect().min;
        let width = ui.available_width();
        let rect_of =
            |row: usize| Rect::from_min_size(origin + vec2(0.0, row as f32 * ROW), vec2(width, ROW));
        if std::mem::take(&mut data.reveal_class)
            && let Some(row) = rows.iter().position(|row| *row == data.class)
        {
            ui.scroll_to_rect_animation(rect_of(row), None, ScrollAnimation::none());
        }
        let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
        let last = ((viewport.max.y / ROW).ceil() as usize).min(rows.len());
        for (number, &row) in rows.iter().enumerate().take(last).skip(first) {
            if row_ui(ui, classes, row, rect_of(number), largest, data) {
                data.choose_class(row);
                ui.memory_mut(|memory| memory.request_focus(list.id));
            }
        }
    });
}

fn walk(ui: &Ui, id: egui::Id, rows: &[Row], data: &mut DataView) {
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let at = rows.iter().position(|row| *row == data.class).unwrap_or(0);
    let last = rows.len() - 1;
    let page = 10;
    for (key, to) in [
        (Key::ArrowDown, (at + 1).min(last)),
        (Key::ArrowUp, at.saturating_sub(1)),
        (Key::PageDown, (at + page).min(last)),
        (Key::PageUp, at.saturating_sub(page)),
        (Key::Home, 0),
        (Key::End, last),
    ] {
        if ui.input(|input| input.key_pressed(key)) {
            data.choose_class(rows[to]);
            data.reveal_class = true;
        }
    }
}

/// Draws a class; returns whether it was clicked.
fn row_ui(ui: &Ui, classes: &[ClassPictures], row: Row, rect: Rect, largest: usize, data: &DataView) -> bool {
    let palette = Palette::of(ui);
    let split_color = match data.split {
        Split::Train => palette.train,
        Split::Validation => palette.validation,
    };
    let id = ui.scope_id().with(("class", row));
    let response = ui.interact(rect, id, Sense::CLICK);
    let chosen = data.class == row;
    let (name, pictures, few) = match row {
        None => ("All classes, mixed", total(classes, data.split), false),
        Some(label) => {
            let class = &classes[label as usize];
            (class.class.as_str(), count(class, data.split), class.few && data.split == Split::Train)
        }
    };
    let remark = if few { ", few to train on" } else { "" };
    let text = format!("{name}: {}{remark}", words::counted(pictures, "picture"));
    response.widget_info(|| WidgetInfo::selected(egui::Role::ListItem, true, chosen, &text));
    let inner = rect.shrink2(vec2(6.0, 0.0));
    if chosen {
        ui.painter().rect_filled(rect, 5.0, palette.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 5.0, palette.line.gamma_multiply(0.7));
    }
    let color = if chosen { palette.on_accent } else { palette.text };
    let font = TextStyle::Body.resolve(ui.style());
    let warned = if few && !chosen { palette.warning } else { color };
    let number = ui.painter().text(
        inner.right_center(),
        Align2::RIGHT_CENTER,
        format::count(pictures),
        FontId::proportional(13.0),
        warned,
    );
    if few {
        warning_sign(ui.painter(), number.left_center() - vec2(11.0, 0.0), 12.0, warned);
    }
    let bar_right = inner.right() - COUNT;
    let has_bar = row.is_some() && inner.width() > COUNT + BAR + NAME;
    if has_bar {
        let bar = Rect::from_min_max(
            pos2(bar_right - BAR, rect.center().y - 4.0),
            pos2(bar_right, rect.center().y + 4.0),
        );
        let share = pictures as f32 / largest.max(1) as f32;
        let track = if chosen { color.gamma_multiply(0.3) } else { palette.line.gamma_multiply(0.6) };
        ui.painter().rect_filled(bar, CornerRadius::same(3), track);
        let filled =
            Rect::from_min_size(bar.min, vec2((BAR * share).max(if pictures > 0 { 2.0 } else { 0.0 }), 8.0));
        ui.painter().rect_filled(filled, CornerRadius::same(3), if chosen { color } else { split_color });
    }
    let name_right = if has_bar { bar_right - BAR - 8.0 } else { bar_right };
    let room = (name_right - inner.left()).max(1.0);
    let galley = one_line(ui.painter(), name, &font, color, room);
    ui.painter().galley(pos2(inner.left(), rect.center().y - galley.size().y / 2.0), galley, color);
    let clicked = response.clicked();
    response.on_hover_text(match row {
        Some(label) => hint(&classes[label as usize]),
        None => text,
    });
    clicked
}

fn hint(class: &ClassPictures) -> String {
    let few = if class.few { "\nFew to train on: the network will learn this class badly." } else { "" };
    let (train, validation) = (format::count(class.train), format::count(class.validation));
    format!("{}\n{train} to train on, {validation} to validate{few}", class.class)
}

fn total(classes: &[ClassPictures], split: Split) -> usize {
    classes.iter().map(|class| count(class, split)).sum()
}

/// Pictures of the chosen class and split.
pub(super) fn chosen_count(classes: &[ClassPictures], data: &DataView) -> usize {
    match data.class {
        None => total(classes, data.split),
        Some(label) => classes.get(label as usize).map_or(0, |class| count(class, data.split)),
    }
}
