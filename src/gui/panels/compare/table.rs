//! The table of runs. Only the rows in sight are drawn, so that hundreds of runs cost what ten do.

use std::time::SystemTime;

use egui::scroll_area::ScrollBarVisibility;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Align2, EventFilter, FontId, Key, Layout, Rect, Response, RichText, ScrollArea, Sense, Shape,
    Stroke, StrokeKind, TextStyle, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::looks::Look;
use crate::engine::{RunEntry, RunState};
use crate::gui::compare_view::{CompareView, MOST_TICKED};
use crate::gui::runs::{Column, told};
use crate::gui::state::State;
use crate::gui::theme::Palette;

const ROW: f32 = 22.0;
const HEADER: f32 = 22.0;
/// Width of the ticks, and space on both sides of what stands in a cell.
const TICK: f32 = 28.0;
const MARGIN: f32 = 6.0;
/// Rows that Page Up and Page Down go.
const PAGE: usize = 8;

/// The table. A click brings a run to hand, a click on its box ticks it.
pub(super) fn table_ui(ui: &mut Ui, state: &State, compare: &mut CompareView) {
    let rows = compare.listed(&state.runs).to_vec();
    // One stop for the Tab key; the arrow keys walk inside.
    let id = ui.scope_id().with("run list");
    let list = ui.interact(ui.available_rect_before_wrap(), id, Sense::focusable_noninteractive());
    let name = "Runs; the arrow keys choose one, Space ticks it";
    list.widget_info(|| WidgetInfo::labeled(egui::Role::List, true, name));
    if list.has_focus() {
        walk(ui, list.id, state, compare, &rows);
        let stroke = Stroke::new(1.5, Palette::of(ui).train);
        ui.painter().rect_stroke(list.rect.expand(2.0), 4.0, stroke, StrokeKind::Inside);
    }
    ScrollArea::horizontal().id_salt("run columns").auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        let branches = state.runs.has_branches();
        let columns = Columns::of(ui.available_width(), branches);
        ui.set_width(columns.width());
        titles_ui(ui, compare, &columns);
        if rows.is_empty() {
            ui.add_space(6.0);
            ui.label(RichText::new("No run has these words in it.").weak());
            return;
        }
        let area = ScrollArea::vertical().id_salt("run rows").auto_shrink(false);
        area.scroll_bar_visibility(ScrollBarVisibility::VisibleWhenNeeded).show_viewport(
            ui,
            |ui, viewport| {
                rows_ui(ui, state, compare, &columns, &rows, viewport, &list);
            },
        );
    });
}

/// Left edge and width of each column.
struct Columns(Vec<(Column, f32, f32)>);

impl Columns {
    /// Where there is more room than is needed, the long names have it. The last column is left out where no run is a
    /// branch.
    fn of(room: f32, branches: bool) -> Self {
        let shown = || Column::ALL.iter().filter(|column| branches || **column != Column::Parent);
        let needed: f32 = TICK + shown().map(|column| column.width().0).sum::<f32>();
        let shares: f32 = shown().map(|column| column.width().1).sum();
        let more = (room - needed).max(0.0) / shares;
        let mut left = TICK;
        let place = |column: &Column| {
            let (least, share) = column.width();
            let width = least + share * more;
            left += width;
            (*column, left - width, width)
        };
        Self(shown().map(place).collect())
    }

    fn width(&self) -> f32 {
        self.0.last().map_or(0.0, |(_, left, width)| left + width)
    }
}

fn titles_ui(ui: &mut Ui, compare: &mut CompareView, columns: &Columns) {
    let (rect, _) = ui.allocate_exact_size(vec2(columns.width(), HEADER), Sense::hover());
    for &(column, left, width) in &columns.0 {
        let cell =
            Rect::from_min_size(rect.min + vec2(left, 0.0), vec2(width, HEADER)).shrink2(vec2(1.0, 0.0));
        let layout = if column.is_number() {
            Layout::right_to_left(Align::Center)
        } else {
            Layout::left_to_right(Align::Center)
        };
        ui.scope_builder(UiBuilder::new().max_rect(cell).layout(layout), |ui| {
            ui.spacing_mut().button_padding.x = MARGIN - 1.0;
            let chosen = compare.order == column;
            let response = ui.selectable_label(chosen, RichText::new(column.title()).small());
            if chosen {
                arrow(ui, column, &response, compare.descending);
            }
            let order = match (chosen, compare.descending) {
                (true, true) => ", ordered by it, largest first",
                (true, false) => ", ordered by it, smallest first",
                _ => "",
            };
            let clicked = response.clicked();
            let response = response.accessible_name(format!("Column {}{order}", column.title()));
            response
                .on_hover_text(format!("{}. Click to order by it, again for the other way.", column.help()));
            if clicked {
                compare.order_by(column);
            }
        });
    }
    let line = Stroke::new(1.0, Palette::of(ui).line);
    ui.painter().hline(rect.x_range(), rect.bottom(), line);
}

/// Which way the column goes, beside its title.
fn arrow(ui: &Ui, column: Column, title: &Response, descending: bool) {
    let rect = title.rect;
    let x = if column.is_number() { rect.left() - 7.0 } else { rect.right() + 7.0 };
    let at = pos2(x, rect.center().y);
    let tip = if descending { 4.0 } else { -4.0 };
    let corners = vec![at + vec2(0.0, tip), at + vec2(4.0, -tip * 0.7), at + vec2(-4.0, -tip * 0.7)];
    ui.painter().add(Shape::convex_polygon(corners, Palette::of(ui).text, Stroke::NONE));
}

fn rows_ui(
    ui: &mut Ui,
    state: &State,
    compare: &mut CompareView,
    columns: &Columns,
    rows: &[usize],
    viewport: Rect,
    list: &Response,
) {
    ui.set_height(ROW * rows.len() as f32);
    let entries = state.runs.entries();
    let origin = ui.max_rect().min;
    let size = vec2(columns.width(), ROW);
    let rect_of = |row: usize| Rect::from_min_size(origin + vec2(0.0, row as f32 * ROW), size);
    if std::mem::take(&mut compare.reveal)
        && let Some(row) = position(state, compare, rows)
    {
        ui.scroll_to_rect_animation(rect_of(row), None, egui::style::ScrollAnimation::none());
    }
    let first = (viewport.min.y / ROW).floor().max(0.0) as usize;
    let last = ((viewport.max.y / ROW).ceil() as usize).min(rows.len());
    let now = SystemTime::now();
    for (number, &row) in rows.iter().enumerate().take(last).skip(first) {
        row_ui(ui, &entries[row], compare, columns, rect_of(number), number, now, list);
    }
}

/// The place of the run at hand among those listed.
fn position(state: &State, compare: &CompareView, rows: &[usize]) -> Option<usize> {
    let at_hand = compare.at_hand.as_ref()?;
    rows.iter().position(|&row| state.runs.entries()[row].folder == *at_hand)
}

fn walk(ui: &Ui, id: egui::Id, state: &State, compare: &mut CompareView, rows: &[usize]) {
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
    let Some(last) = rows.len().checked_sub(1) else { return };
    let at = position(state, compare, rows);
    let next = at.map_or(0, |at| (at + 1).min(last));
    let at = at.unwrap_or(0);
    for (key, to) in [
        (Key::ArrowDown, next),
        (Key::ArrowUp, at.saturating_sub(1)),
        (Key::PageDown, (at + PAGE).min(last)),
        (Key::PageUp, at.saturating_sub(PAGE)),
        (Key::Home, 0),
        (Key::End, last),
    ] {
        if ui.input(|input| input.key_pressed(key)) {
            compare.at_hand = Some(state.runs.entries()[rows[to]].folder.clone());
            compare.reveal = true;
        }
    }
    let ticks = ui.input(|input| input.key_pressed(Key::Space) || input.key_pressed(Key::Enter));
    if ticks && let Some(run) = compare.at_hand.clone() {
        compare.tick(&run);
    }
}

#[expect(clippy::too_many_arguments, reason = "a row is what it shows, where, and what it changes")]
fn row_ui(
    ui: &mut Ui,
    entry: &RunEntry,
    compare: &mut CompareView,
    columns: &Columns,
    rect: Rect,
    number: usize,
    now: SystemTime,
    list: &Response,
) {
    let palette = Palette::of(ui);
    let response = ui.interact(rect, ui.scope_id().with(("run", &entry.folder)), Sense::CLICK);
    let chosen = compare.at_hand.as_ref() == Some(&entry.folder);
    response.widget_info(|| WidgetInfo::selected(egui::Role::ListItem, true, chosen, told(entry, now)));
    if chosen {
        ui.painter().rect_filled(rect, 4.0, palette.accent);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, palette.line.gamma_multiply(0.7));
    } else if number % 2 == 1 {
        ui.painter().rect_filled(rect, 0.0, palette.line.gamma_multiply(0.22));
    }
    for &(column, left, width) in &columns.0 {
        let cell = Rect::from_min_size(rect.min + vec2(left, 0.0), vec2(width, ROW));
        cell_ui(ui, entry, column, cell, chosen, now);
    }
    let ticked = tick_ui(ui, entry, compare, rect, chosen);
    if response.clicked() || ticked {
        compare.at_hand = Some(entry.folder.clone());
        ui.memory_mut(|memory| memory.request_focus(list.id));
    }
    response.on_hover_text_at_pointer(told(entry, now).replace("; ", "\n"));
}

fn cell_ui(ui: &Ui, entry: &RunEntry, column: Column, cell: Rect, chosen: bool, now: SystemTime) {
    let palette = Palette::of(ui);
    let text = column.text(entry, now);
    if text.is_empty() {
        return;
    }
    let inner = cell.shrink2(vec2(MARGIN, 0.0));
    let color = match (&entry.state, column) {
        _ if chosen => palette.on_accent,
        (RunState::Damaged(_), Column::State) => palette.error,
        (RunState::Running, Column::State) => palette.train,
        (RunState::Interrupted, Column::State) => palette.warning,
        (_, Column::Run | Column::Top1) => palette.text,
        _ if column.is_number() => palette.text,
        _ => palette.muted,
    };
    let font =
        if column == Column::Run { TextStyle::Body.resolve(ui.style()) } else { FontId::proportional(13.0) };
    let mut job = LayoutJob::simple_singleline(text, font, color);
    job.wrap = TextWrapping::truncate_at_width(inner.width());
    let galley = ui.painter().layout_job(job);
    let anchor = if column.is_number() { Align2::RIGHT_CENTER } else { Align2::LEFT_CENTER };
    let place = anchor.align_size_within_rect(galley.size(), inner);
    ui.painter().galley(place.min, galley, color);
}

/// The box that ticks a run; of a ticked one it shows how its curves look. Returns whether it was clicked.
fn tick_ui(ui: &Ui, entry: &RunEntry, compare: &mut CompareView, row: Rect, chosen: bool) -> bool {
    let palette = Palette::of(ui);
    let rect = Rect::from_min_size(row.min, vec2(TICK, ROW));
    let response = ui.interact(rect, ui.scope_id().with(("tick", &entry.folder)), Sense::CLICK);
    let place = compare.ticked.iter().position(|run| *run == entry.folder);
    let full = place.is_none() && compare.ticked.len() >= MOST_TICKED;
    let name = format!("Compare {}", entry.name);
    response.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, !full, place.is_some(), &name));
    let square = Rect::from_center_size(rect.center(), vec2(15.0, 15.0));
    let edge = if chosen { palette.on_accent } else { palette.muted };
    match place {
        Some(place) => {
            let color = Look::of(ui, place).color;
            ui.painter().rect_filled(square, 3.0, color);
            let points = [(-4.0, 0.0), (-1.2, 3.2), (4.2, -3.6)].map(|(x, y)| square.center() + vec2(x, y));
            ui.painter().add(Shape::line(points.to_vec(), Stroke::new(2.0, palette.card)));
            if chosen {
                ui.painter().rect_stroke(square, 3.0, Stroke::new(1.0, edge), StrokeKind::Outside);
            }
        }
        None => {
            let stroke = Stroke::new(if response.hovered() { 2.0 } else { 1.0 }, edge);
            ui.painter().rect_stroke(square, 3.0, stroke, StrokeKind::Inside);
        }
    }
    let clicked = response.clicked();
    let help = match (place, full) {
        (Some(_), _) => "Take this run out of the comparison".to_owned(),
        (None, true) => format!("{MOST_TICKED} runs are ticked; untick one first"),
        (None, false) => "Compare this run".to_owned(),
    };
    response.on_hover_text(help);
    if clicked {
        compare.tick(&entry.folder);
    }
    clicked
}
