//! The whole run as a line, from its beginning to its planned end: the rate, what happened on the way, and where
//! the film of the kernels stands.

use egui::{
    Align2, Color32, EventFilter, FontId, Key, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use crate::gui::curves::{Curves, Happening};
use crate::gui::format;
use crate::gui::series::raw;
use crate::gui::state::State;
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;

/// Height of the card.
pub const HEIGHT: f32 = 74.0;
/// Space for the rates at the left, and for the epochs below.
const LEFT: f32 = 52.0;
const BELOW: f32 = 15.0;
/// How near the pointer must be to an event to be told of it, in points.
const NEAR: f32 = 5.0;

/// The card. Pointing at it shows the curves' values there; a click or the arrow keys choose the kernels of that
/// moment.
pub fn timeline_ui(ui: &mut Ui, state: &State, view: &mut View, pointed: Option<f64>) {
    card(ui).show(ui, |ui| {
        let inner = vec2(ui.available_width(), HEIGHT - 2.0 * crate::gui::theme::GAP - 2.0);
        let (rect, response) = ui.allocate_exact_size(inner, Sense::click_and_drag());
        let spoken = spoken(state);
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Slider, true, &spoken));
        let line = Line::of(state, rect);
        line.paint(ui, state, view, pointed, response.has_focus());
        act(ui, &response, &line, state, view);
        if let Some(text) = response.hover_pos().and_then(|at| line.told(state, at)) {
            response.on_hover_text_at_pointer(text);
        }
    });
}

fn spoken(state: &State) -> String {
    let rate = state
        .curves
        .rate
        .last()
        .map_or_else(String::new, |[_, rate]| format!(", rate {}", format::figures(rate)));
    let [_, end] = state.curves.span();
    format!("Timeline of the run: epoch {end:.1}{rate}, {} events", state.curves.events.len())
}

/// A click or a drag looks at the kernels of that moment; so do the arrow keys, frame by frame.
fn act(ui: &Ui, response: &Response, line: &Line, state: &State, view: &mut View) {
    if let Some(at) = response.hover_pos() {
        view.plots.cursor = Some(line.epoch(at.x).clamp(0.0, line.now));
    }
    if state.opened_film.is_some() {
        return;
    }
    if let (true, Some(at)) = (response.clicked() || response.dragged(), response.interact_pointer_pos()) {
        view.film.look_at(&state.film, state.curves.step_at(line.epoch(at.x)));
        response.request_focus();
    }
    if response.has_focus() {
        let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        for (key, by) in [(Key::ArrowLeft, -1), (Key::ArrowRight, 1)] {
            if ui.input(|input| input.key_pressed(key)) {
                view.film.walk(&state.film, by);
            }
        }
    }
}

/// Where the run lies on the screen.
struct Line {
    rect: Rect,
    /// Epochs from the left to the right edge.
    end: f64,
    /// Epochs gone by.
    now: f64,
}

impl Line {
    fn of(state: &State, rect: Rect) -> Self {
        let [_, now] = state.curves.span();
        let planned = state.run.as_ref().map_or(0.0, |run| state.curves.epoch_of(run.total_steps));
        let rect = Rect::from_min_max(rect.min + vec2(LEFT, 2.0), rect.max - vec2(6.0, BELOW));
        Self { rect, end: planned.max(now).max(1e-9), now }
    }

    fn x(&self, epoch: f64) -> f32 {
        self.rect.left() + (epoch / self.end).clamp(0.0, 1.0) as f32 * self.rect.width()
    }

    fn epoch(&self, x: f32) -> f64 {
        f64::from((x - self.rect.left()) / self.rect.width().max(1.0)) * self.end
    }

    fn paint(&self, ui: &Ui, state: &State, view: &View, pointed: Option<f64>, focused: bool) {
        let (palette, painter, rect) = (Palette::of(ui), ui.painter(), self.rect);
        let made = Rect::from_min_max(rect.min, pos2(self.x(self.now), rect.bottom()));
        painter.rect_filled(made, 2.0, palette.line.gamma_multiply(0.45));
        painter.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, palette.line));
        if focused {
            let edge = Stroke::new(1.0, palette.train);
            painter.rect_stroke(rect.expand(2.0), 3.0, edge, egui::StrokeKind::Outside);
        }
        self.paint_epochs(painter, palette);
        self.paint_rate(painter, palette, &state.curves);
        for event in &state.curves.events {
            sign(painter, palette, pos2(self.x(event.epoch), rect.bottom()), event.what);
        }
        if let Some(best) = state.curves.best() {
            diamond(painter, pos2(self.x(best.epoch), rect.top() + 6.0), 4.5, palette.good);
        }
        if let Some(epoch) = pointed {
            painter.vline(self.x(epoch), rect.y_range(), Stroke::new(1.0, palette.muted));
        }
        let chosen = view.film.frame.is_some() && state.opened_film.is_none();
        if let Some((_, grid)) = state.film.frame(view.film.frame).filter(|_| chosen) {
            let x = self.x(state.curves.epoch_of(grid.step));
            painter.vline(x, rect.y_range(), Stroke::new(2.0, palette.validation));
        }
    }

    fn paint_epochs(&self, painter: &Painter, palette: &Palette) {
        let font = FontId::proportional(11.0);
        let input = egui_plot::GridInput {
            bounds: (0.0, self.end),
            base_step_size: self.end * 8.0 / f64::from(self.rect.width().max(1.0)),
        };
        for mark in crate::gui::ticks::round_marks(input, 60.0) {
            let at = pos2(self.x(mark.value), self.rect.bottom() + 2.0);
            let text = crate::gui::ticks::round_label(mark);
            painter.text(at, Align2::CENTER_TOP, text, font.clone(), palette.muted);
        }
        let at = pos2(self.rect.left() - LEFT, self.rect.bottom() + 2.0);
        painter.text(at, Align2::LEFT_TOP, "epoch", font, palette.muted);
    }

    /// The rate on a logarithmic axis, from its lowest to its highest.
    fn paint_rate(&self, painter: &Painter, palette: &Palette, curves: &Curves) {
        let points = raw(&curves.rate.view(f64::NEG_INFINITY, f64::INFINITY, self.rect.width() as usize));
        let rates = points.iter().map(|point| point[1]).filter(|&rate| rate > 0.0);
        let (low, high) =
            rates.fold((f64::INFINITY, 0.0f64), |(low, high), rate| (low.min(rate), high.max(rate)));
        if high <= 0.0 {
            return;
        }
        let (bottom, top) = (self.rect.bottom() - 9.0, self.rect.top() + 7.0);
        let span = (high / low).log10();
        let y = |rate: f64| {
            let share = if span > 1e-9 { (rate.max(low) / low).log10() / span } else { 0.5 };
            bottom + (top - bottom) * share as f32
        };
        let mut line: Vec<Pos2> = Vec::with_capacity(2 * points.len());
        for &[epoch, rate] in &points {
            // A rate holds until it is changed.
            if let Some(last) = line.last().copied() {
                line.push(pos2(self.x(epoch), last.y));
            }
            line.push(pos2(self.x(epoch), y(rate)));
        }
        painter.add(Shape::line(line, Stroke::new(1.5, palette.train)));
        let font = FontId::proportional(11.0);
        let left = self.rect.left() - LEFT;
        let label = |rate: f64| {
            painter.text(
                pos2(left, y(rate)),
                Align2::LEFT_CENTER,
                format::figures(rate),
                font.clone(),
                palette.muted,
            );
        };
        label(high);
        if span > 0.5 {
            label(low);
        }
    }

    /// What is to be said of the place that is pointed at.
    fn told(&self, state: &State, at: Pos2) -> Option<String> {
        let near = |epoch: f64| (self.x(epoch) - at.x).abs() <= NEAR;
        let events = state.curves.events.iter().filter(|event| near(event.epoch));
        let mut lines: Vec<String> = events
            .map(|event| {
                format!("{} after update {}", event.what.words(), format::count(event.step as usize))
            })
            .take(8)
            .collect();
        if let Some(best) = state.curves.best().filter(|best| near(best.epoch)) {
            lines.push(format!("best validation: {} top-1 error", format::percent(best.top1_error)));
        }
        if lines.is_empty() {
            let [_, rate, _] = state.curves.rate.near(self.epoch(at.x))?;
            lines.push(format!("rate {}; click to see the kernels of this moment", format::figures(rate)));
        }
        Some(lines.join("\n"))
    }
}

/// A sign on the line: each kind has a shape of its own.
fn sign(painter: &Painter, palette: &Palette, at: Pos2, what: Happening) {
    let up = |height: f32| at - vec2(0.0, height);
    match what {
        Happening::RateSet(_) | Happening::RateChanged(_) => {
            let corners = vec![up(9.0) + vec2(-4.0, 0.0), up(9.0) + vec2(4.0, 0.0), up(2.0)];
            painter.add(Shape::convex_polygon(corners, palette.train, Stroke::NONE));
        }
        Happening::Paused => {
            for x in [-2.0, 2.0] {
                let bar = Rect::from_center_size(up(5.0) + vec2(x, 0.0), vec2(2.0, 8.0));
                painter.rect_filled(bar, 0.0, palette.muted);
            }
        }
        Happening::Resumed | Happening::TakenUp => {
            let corners =
                vec![up(9.0) + vec2(-3.0, 0.0), up(5.0) + vec2(4.0, 0.0), up(1.0) + vec2(-3.0, 0.0)];
            painter.add(Shape::convex_polygon(corners, palette.muted, Stroke::NONE));
        }
        Happening::Saved => {
            painter.circle_filled(up(2.5), 2.5, palette.good);
        }
    }
}

fn diamond(painter: &Painter, at: Pos2, size: f32, color: Color32) {
    let corners =
        vec![at - vec2(0.0, size), at + vec2(size, 0.0), at + vec2(0.0, size), at - vec2(size, 0.0)];
    painter.add(Shape::convex_polygon(corners, Color32::TRANSPARENT, Stroke::new(1.5, color)));
}
