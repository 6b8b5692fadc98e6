//! The course of the run: loss and error, for training and validation, as they come in.

use egui::{Align, Color32, Layout, RichText, Ui, WidgetInfo};
use egui_plot::{HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoints, PlotUi, Points, VLine};

use crate::gui::curves::{Curves, Series};
use crate::gui::format;
use crate::gui::state::{Phase, State};
use crate::gui::theme::{GAP, Palette, card};
use crate::gui::ticks;
use crate::gui::view::View;
use crate::gui::widgets::{Mark, empty_ui, heading_ui, small_button_ui, swatch_ui};
use crate::vis::EvaluationPoint;

/// Nothing smaller is shown on a logarithmic axis.
const FLOOR: f64 = 1e-5;

/// How one plot differs from the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Loss,
    Error,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Error => "Error",
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

    fn help(self) -> &'static str {
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

    fn value(self, value: f64) -> String {
        match self {
            Self::Loss => format!("{} nats", format::figures(value)),
            Self::Error => format!("{value:.1} %"),
        }
    }
}

/// Both plots, side by side where there is room.
pub fn curves_ui(ui: &mut Ui, state: &State, view: &mut View) {
    let size = ui.available_size();
    let width = (size.x - GAP) / 2.0;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        for kind in [Kind::Loss, Kind::Error] {
            ui.allocate_ui_with_layout(egui::vec2(width, size.y), Layout::top_down(Align::Min), |ui| {
                card(ui).show(ui, |ui| {
                    ui.set_min_size(ui.available_size());
                    ui.spacing_mut().item_spacing.x = 8.0;
                    plot_card_ui(ui, kind, state, view);
                });
            });
        }
    });
}

fn plot_card_ui(ui: &mut Ui, kind: Kind, state: &State, view: &mut View) {
    let (log, fit) = match kind {
        Kind::Loss => (&mut view.log_loss, &mut view.fit_loss),
        Kind::Error => (&mut view.log_error, &mut view.fit_error),
    };
    ui.horizontal(|ui| {
        heading_ui(ui, kind.title()).on_hover_text(kind.help());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let what = kind.title().to_lowercase();
            let fit_help =
                "Show the whole curve again. Drag to move, drag with the right button or Ctrl+wheel to zoom.";
            *fit = small_button_ui(ui, "Fit", &format!("Fit the {what} plot"), fit_help).clicked();
            let response = ui.toggle_value(log, RichText::new("Log").small());
            response
                .accessible_name(format!("Logarithmic {what} axis"))
                .on_hover_text("Logarithmic or linear axis");
        });
    });
    if state.curves.is_empty() {
        nothing_yet_ui(ui, kind, state);
        return;
    }
    legend_ui(ui, kind, state);
    let (log, fit) = (*log, *fit);
    plot_ui(ui, kind, &state.curves, log, fit);
}

fn nothing_yet_ui(ui: &mut Ui, kind: Kind, state: &State) {
    let (title, hint) = match (kind, state.phase) {
        (_, Phase::Training | Phase::Paused) => ("Training has begun", "Waiting for the first update…"),
        (_, Phase::Asked | Phase::Preparing { .. }) if state.searching() => {
            ("Trying learning rates", "The curve of the search grows in the panel on the left.")
        }
        (_, Phase::Asked | Phase::Preparing { .. }) => {
            ("Getting ready", "The curves begin with the first update.")
        }
        (Kind::Loss, Phase::Idle) => (
            "Press Start training",
            "Watch the loss fall here: it says how far the network's answers are from the right ones.",
        ),
        (Kind::Error, Phase::Idle) => (
            "How often it is wrong",
            "Shown for the pictures it learns from and for pictures it has never seen.",
        ),
    };
    empty_ui(ui, title, hint);
}

fn legend_ui(ui: &mut Ui, kind: Kind, state: &State) {
    let palette = Palette::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let (train, validation) = latest(kind, &state.curves);
        let help = format!(
            "Strong line: running mean over about {:.0} updates, each before it learned from its batch. Faint line: single \
             batches.",
            state.curves.memory()
        );
        swatch_ui(ui, &format!("train{train}"), palette.train, Mark::Line, &help);
        let help = "Pictures the network never learns from, measured after each epoch.";
        swatch_ui(ui, &format!("validation{validation}"), palette.validation, Mark::Dot, help);
        if kind == Kind::Error {
            let help = "Dashed: the right class is not among the five best guesses.";
            swatch_ui(ui, "top-5", palette.muted, Mark::DashedLine, help);
        }
        if let Some(best) = state.curves.best() {
            let help = format!("Lowest top-1 error on validation: {}", format::percent(best.top1_error));
            swatch_ui(ui, "best", palette.good, Mark::Diamond, &help);
        }
    });
}

/// The newest values, for the legend.
fn latest(kind: Kind, curves: &Curves) -> (String, String) {
    let series = match kind {
        Kind::Loss => &curves.loss,
        Kind::Error => &curves.top1,
    };
    let unit = |value: f64| match kind {
        Kind::Loss => format!(" {}", format::figures(value)),
        Kind::Error => format!(" {}", format::percent(value)),
    };
    let train = series.bins().last().map(|bin| unit(bin.smooth[1])).unwrap_or_default();
    let validation = curves.evaluations.last().map(|point| match kind {
        Kind::Loss => unit(point.loss),
        Kind::Error => unit(point.top1_error),
    });
    (train, validation.unwrap_or_default())
}

fn plot_ui(ui: &mut Ui, kind: Kind, curves: &Curves, log: bool, fit: bool) {
    let palette = Palette::of(ui);
    let scale = Scale { log, factor: if kind == Kind::Error { 100.0 } else { 1.0 } };
    let mut plot = Plot::new(kind.title())
        .height(ui.available_height())
        .allow_scroll(false)
        .show_background(false)
        .set_margin_fraction(egui::vec2(0.02, 0.06))
        .x_axis_label("epoch")
        .y_axis_label(kind.axis(ui.available_height(), log))
        .y_axis_min_width(34.0)
        .label_formatter(move |hover| hover_text(kind, scale, hover))
        .grid_color(palette.line)
        .grid_fade(0.0)
        .cursor_color(palette.muted)
        .x_grid_spacer(|input| ticks::round_marks(input, 72.0))
        .x_axis_formatter(|mark, _| ticks::round_label(mark))
        .include_x(0.0);
    if log {
        plot = plot.y_grid_spacer(ticks::log_marks).y_axis_formatter(|mark, _| ticks::log_label(mark));
    } else {
        plot = plot.include_y(0.0);
        plot = plot.y_grid_spacer(|input| ticks::round_marks(input, 26.0));
        plot = plot.y_axis_formatter(|mark, _| ticks::round_label(mark));
    }
    if fit {
        plot = plot.reset();
    }
    let response = plot.show(ui, |plot| match kind {
        Kind::Loss => draw_loss(plot, palette, curves, scale),
        Kind::Error => draw_error(plot, palette, curves, scale),
    });
    response.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, spoken(kind, curves)));
}

/// From a measured value to a position on the axis.
#[derive(Clone, Copy)]
struct Scale {
    log: bool,
    /// 100 turns a share into percent.
    factor: f64,
}

impl Scale {
    fn place(self, value: f64) -> f64 {
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

fn draw_loss(plot: &mut PlotUi<'_>, palette: &Palette, curves: &Curves, scale: Scale) {
    draw_rate_changes(plot, palette, curves);
    draw_series(plot, "train", palette.train, &curves.loss, scale, LineStyle::Solid);
    draw_validation(plot, "validation", palette, curves, scale, |p| p.loss, LineStyle::Solid);
    draw_best(plot, palette, curves, scale, |p| p.loss);
}

fn draw_error(plot: &mut PlotUi<'_>, palette: &Palette, curves: &Curves, scale: Scale) {
    draw_rate_changes(plot, palette, curves);
    let dashed = LineStyle::dashed_dense();
    draw_series(plot, "train, top-5", palette.train, &curves.top5, scale, dashed);
    draw_series(plot, "train, top-1", palette.train, &curves.top1, scale, LineStyle::Solid);
    draw_validation(plot, "validation, top-5", palette, curves, scale, |p| p.top5_error, dashed);
    draw_validation(plot, "validation, top-1", palette, curves, scale, |p| p.top1_error, LineStyle::Solid);
    draw_best(plot, palette, curves, scale, |p| p.top1_error);
}

fn draw_series(
    plot: &mut PlotUi<'_>,
    name: &str,
    color: Color32,
    series: &Series,
    scale: Scale,
    style: LineStyle,
) {
    // Top-5 values of single batches would only be noise under the top-1 ones.
    if style == LineStyle::Solid {
        let raw = Line::new(format!("{name}, single batches"), scale.points(&series.raw()));
        plot.line(raw.color(color.gamma_multiply(0.28)).width(1.0).allow_hover(false));
    }
    let smooth = Line::new(format!("{name}, running mean"), scale.points(&series.smoothed()));
    plot.line(smooth.color(color).width(2.0).style(style));
}

fn draw_validation(
    plot: &mut PlotUi<'_>,
    name: &str,
    palette: &Palette,
    curves: &Curves,
    scale: Scale,
    value: fn(&EvaluationPoint) -> f64,
    style: LineStyle,
) {
    let shown = curves.evaluations.iter().filter(|p| value(p).is_finite());
    let points: Vec<[f64; 2]> = shown.map(|p| [p.epoch, value(p)]).collect();
    plot.line(Line::new(name, scale.points(&points)).color(palette.validation).width(1.5).style(style));
    let filled = style == LineStyle::Solid;
    plot.points(
        Points::new(name, scale.points(&points)).color(palette.validation).radius(3.5).filled(filled),
    );
}

fn draw_best(
    plot: &mut PlotUi<'_>,
    palette: &Palette,
    curves: &Curves,
    scale: Scale,
    value: fn(&EvaluationPoint) -> f64,
) {
    let Some(best) = curves.best().filter(|p| value(p).is_finite()) else { return };
    let name = format!("best validation: {} top-1 error", format::percent(best.top1_error));
    let points = Points::new(name, scale.points(&[[best.epoch, value(best)]]));
    plot.points(points.shape(MarkerShape::Diamond).color(palette.good).radius(8.0).filled(false));
}

fn draw_rate_changes(plot: &mut PlotUi<'_>, palette: &Palette, curves: &Curves) {
    for &(epoch, rate) in &curves.rate_changes {
        let line = VLine::new(format!("learning rate set to {}", format::figures(rate)), epoch);
        plot.vline(line.color(palette.muted).width(1.0).style(LineStyle::dotted_dense()));
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
    let (train, validation) = latest(kind, curves);
    let validation = if validation.is_empty() { " not measured yet".into() } else { validation };
    format!("{} curve. Train{train}. Validation{validation}.", kind.title())
}
