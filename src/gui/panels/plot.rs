//! One plot of the course of a run. What it draws is bounded by its own width, however long the run is.

use egui::{Color32, Id, Ui, WidgetInfo};
use egui_plot::{
    HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, VLine,
};

use crate::gui::curves::{Curves, Happening};
use crate::gui::format;
use crate::gui::series::{Series, raw, smoothed};
use crate::gui::state::State;
use crate::gui::theme::Palette;
use crate::gui::ticks;
use crate::gui::view::{PlotView, View};
use crate::vis::EvaluationPoint;

/// Nothing smaller is shown on a logarithmic axis.
const FLOOR: f64 = 1e-5;

/// How one plot differs from the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Loss,
    Error,
}

impl Kind {
    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Error => "Error",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Self::Loss => {
                "How surprised the network is by the right answers (cross-entropy). Training lowers it; guessing among 10 \
                 classes gives 2.3."
            }
            Self::Error => {
                "Share of pictures answered wrongly. Top-1: the best guess is wrong. Top-5: the right class is not even \
                 among the five best guesses."
            }
        }
    }

    /// Name of the vertical axis: the unit alone where the plot is too low for more.
    fn axis(self, height: f32, log: bool) -> &'static str {
        match (self, height < 200.0, log) {
            (Self::Loss, true, _) => "nats",
            (Self::Error, true, _) => "%",
            (Self::Loss, false, false) => "cross-entropy (nats)",
            (Self::Error, false, false) => "error (%)",
            (Self::Loss, false, true) => "cross-entropy (nats), log scale",
            (Self::Error, false, true) => "error (%), log scale",
        }
    }

    fn value(self, value: f64) -> String {
        match self {
            Self::Loss => format!("{} nats", format::loss(value)),
            Self::Error => format!("{value:.1} %"),
        }
    }

    fn scale(self, plots: &PlotView) -> Scale {
        match self {
            Self::Loss => Scale { log: plots.log_loss, factor: 1.0 },
            Self::Error => Scale { log: plots.log_error, factor: 100.0 },
        }
    }

    fn series(self, curves: &Curves) -> &Series {
        match self {
            Self::Loss => &curves.loss,
            Self::Error => &curves.top1,
        }
    }

    fn of(self, point: &EvaluationPoint) -> f64 {
        match self {
            Self::Loss => point.loss,
            Self::Error => point.top1_error,
        }
    }

    /// Running mean and validation as text, the newest or those nearest to a position; empty if there are none.
    pub fn values(self, curves: &Curves, at: Option<f64>) -> (String, String) {
        let unit = |value: f64| match self {
            Self::Loss => format!(" {}", format::loss(value)),
            Self::Error => format!(" {}", format::percent(value)),
        };
        let series = self.series(curves);
        let (train, validation) = match at {
            Some(epoch) => (series.near(epoch).map(|[_, _, smooth]| smooth), curves.evaluation_near(epoch)),
            None => (series.last_smooth(), curves.evaluations.last()),
        };
        let validation = validation.map(|point| unit(self.of(point)));
        (train.map(unit).unwrap_or_default(), validation.unwrap_or_default())
    }
}

/// The plot. Notes in `view` where it is pointed at; a click shows the kernels of that moment.
pub fn plot_ui(ui: &mut Ui, kind: Kind, state: &State, view: &mut View, pointed: Option<f64>) {
    let palette = Palette::of(ui);
    let scale = kind.scale(&view.plots);
    let mut plot = Plot::new(kind.title())
        .height(ui.available_height())
        .allow_scroll(false)
        .show_background(false)
        .set_margin_fraction(egui::vec2(0.02, 0.06))
        .link_axis(Id::unique("course of the run"), [true, false])
        .x_axis_label("epoch")
        .y_axis_label(kind.axis(ui.available_height(), scale.log))
        .y_axis_min_width(34.0)
        .label_formatter(move |hover| hover_text(kind, scale, hover))
        .grid_color(palette.line)
        .grid_fade(0.0)
        .cursor_color(Color32::TRANSPARENT)
        .x_grid_spacer(|input| ticks::round_marks(input, 72.0))
        .x_axis_formatter(|mark, _| ticks::round_label(mark))
        .include_x(0.0);
    if scale.log {
        plot = plot.y_grid_spacer(ticks::log_marks).y_axis_formatter(|mark, _| ticks::log_label(mark));
    } else {
        plot = plot.include_y(0.0);
        plot = plot.y_grid_spacer(|input| ticks::round_marks(input, 26.0));
        plot = plot.y_axis_formatter(|mark, _| ticks::round_label(mark));
    }
    if std::mem::take(&mut view.plots.fit[kind as usize]) {
        plot = plot.reset();
    }
    let show_raw = view.plots.raw;
    let shown = plot.show(ui, |plot| {
        let drawing = Drawing { kind, palette, scale, raw: show_raw, window: Window::of(plot) };
        drawing.everything(plot, state);
        if let Some(epoch) = pointed {
            plot.vline(VLine::new("", epoch).color(palette.muted).width(1.0).allow_hover(false));
        }
        plot.pointer_coordinate()
    });
    let hovered = shown.response.hovered();
    if let Some(PlotPoint { x, .. }) = shown.inner.filter(|_| hovered) {
        let [_, end] = state.curves.span();
        view.plots.cursor = Some(x.clamp(0.0, end));
        if shown.response.clicked() && state.opened_film.is_none() {
            view.film.look_at(&state.film, state.curves.step_at(x));
        }
    }
    let spoken = spoken(kind, &state.curves);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &spoken));
}

/// The part of the run that is in view, and how many columns of pixels show it.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub from: f64,
    pub to: f64,
    pub columns: usize,
}

impl Window {
    pub fn of(plot: &PlotUi<'_>) -> Self {
        let bounds = plot.plot_bounds();
        let columns = plot.transform().frame().width().max(1.0) as usize;
        // A plot that fits itself to the data needs all of them.
        if plot.auto_bounds().x {
            return Self { from: f64::NEG_INFINITY, to: f64::INFINITY, columns };
        }
        Self { from: bounds.min()[0], to: bounds.max()[0], columns }
    }
}

/// From a measured value to a position on the axis.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub log: bool,
    /// 100 turns a share into percent.
    pub factor: f64,
}

impl Scale {
    pub fn place(self, value: f64) -> f64 {
        let value = value * self.factor;
        if self.log { value.max(FLOOR).log10() } else { value }
    }

    fn value(self, place: f64) -> f64 {
        if self.log { 10f64.powf(place) } else { place }
    }

    fn points(self, points: &[[f64; 2]]) -> PlotPoints<'static> {
        points.iter().map(|&[x, y]| [x, self.place(y)]).collect()
    }
}

struct Drawing {
    kind: Kind,
    palette: &'static Palette,
    scale: Scale,
    raw: bool,
    window: Window,
}

impl Drawing {
    fn everything(&self, plot: &mut PlotUi<'_>, state: &State) {
        let (curves, palette) = (&state.curves, self.palette);
        self.rate_changes(plot, curves);
        if let Some(before) = &state.parent_curves {
            self.series(plot, "run before", palette.muted, self.kind.series(before), LineStyle::Solid, false);
            self.validation(plot, "run before, validation", palette.muted, before, false);
        }
        if self.kind == Kind::Error && state.top5_counts() {
            let dashed = LineStyle::dashed_dense();
            self.series(plot, "train, top-5", palette.train, &curves.top5, dashed, false);
            self.validation(plot, "validation, top-5", palette.validation, curves, true);
        }
        let name = if self.kind == Kind::Error { "train, top-1" } else { "train" };
        self.series(plot, name, palette.train, self.kind.series(curves), LineStyle::Solid, self.raw);
        let name = if self.kind == Kind::Error { "validation, top-1" } else { "validation" };
        self.validation(plot, name, palette.validation, curves, false);
        self.best(plot, curves);
    }

    fn series(
        &self,
        plot: &mut PlotUi<'_>,
        name: &str,
        color: Color32,
        series: &Series,
        style: LineStyle,
        batches: bool,
    ) {
        let Window { from, to, columns } = self.window;
        let bins = series.view(from, to, columns);
        if batches {
            let line = Line::new(format!("{name}, single batches"), self.scale.points(&raw(&bins)));
            plot.line(line.color(color.gamma_multiply(0.28)).width(1.0).allow_hover(false));
        }
        let line = Line::new(format!("{name}, running mean"), self.scale.points(&smoothed(&bins)));
        plot.line(line.color(color).width(2.0).style(style));
    }

    fn validation(&self, plot: &mut PlotUi<'_>, name: &str, color: Color32, curves: &Curves, top5: bool) {
        let value = |p: &EvaluationPoint| if top5 { p.top5_error } else { self.kind.of(p) };
        let shown = curves.evaluations.iter().filter(|p| value(p).is_finite());
        let points: Vec<[f64; 2]> = shown.map(|p| [p.epoch, value(p)]).collect();
        let style = if top5 { LineStyle::dashed_dense() } else { LineStyle::Solid };
        plot.line(Line::new(name, self.scale.points(&points)).color(color).width(1.5).style(style));
        // Where the points would touch, the line says enough.
        if points.len() * 6 <= self.window.columns {
            let points = Points::new(name, self.scale.points(&points)).color(color);
            plot.points(points.radius(3.5).filled(!top5));
        }
    }

    fn best(&self, plot: &mut PlotUi<'_>, curves: &Curves) {
        let Some(best) = curves.best().filter(|p| self.kind.of(p).is_finite()) else { return };
        let name = format!("best validation: {} top-1 error", format::percent(best.top1_error));
        let points = Points::new(name, self.scale.points(&[[best.epoch, self.kind.of(best)]]));
        plot.points(points.shape(MarkerShape::Diamond).color(self.palette.good).radius(8.0).filled(false));
    }

    fn rate_changes(&self, plot: &mut PlotUi<'_>, curves: &Curves) {
        for event in &curves.events {
            if matches!(event.what, Happening::RateSet(_) | Happening::RateChanged(_)) {
                let line = VLine::new(event.what.words(), event.epoch).color(self.palette.muted);
                plot.vline(line.width(1.0).style(LineStyle::dotted_dense()));
            }
        }
    }
}

fn hover_text(kind: Kind, scale: Scale, hover: &HoverPosition<'_>) -> Option<String> {
    match hover {
        HoverPosition::NearDataPoint { plot_name, position, .. } => {
            let value = kind.value(scale.value(position.y));
            Some(format!("{plot_name}\nepoch {:.2}\n{value}", position.x))
        }
        HoverPosition::Elsewhere { .. } => None,
    }
}

/// What a screen reader says of a plot.
fn spoken(kind: Kind, curves: &Curves) -> String {
    let (train, validation) = kind.values(curves, None);
    let validation = if validation.is_empty() { " not measured yet".into() } else { validation };
    format!("{} curve. Train{train}. Validation{validation}.", kind.title())
}
