//! The curves of the ticked runs over each other.

use egui::{Align, Color32, Id, Layout, PopupAnchor, RichText, Tooltip, Ui, WidgetInfo};
use egui_plot::{Line, Plot, PlotPoints, PlotUi, Points, VLine};

use super::looks::{Look, name_ui};
use crate::engine::RunEntry;
use crate::gui::compare_view::{CompareView, Quantity};
use crate::gui::curves::Curves;
use crate::gui::format;
use crate::gui::panels::plot::{Scale, Window};
use crate::gui::runs::told;
use crate::gui::series::{Series, raw, smoothed};
use crate::gui::state::State;
use crate::gui::theme::{GAP, Palette};
use crate::gui::ticks;
use crate::gui::widgets::{busy_ui, small_button_ui};
use crate::vis::EvaluationPoint;

/// A run whose curves are drawn.
struct Drawn<'a> {
    name: &'a str,
    look: Look,
    curves: &'a Curves,
    /// Units of the axis that an epoch takes.
    unit: f64,
}

pub(super) fn curves_ui(ui: &mut Ui, state: &State, compare: &mut CompareView, compared: &[&RunEntry]) {
    choices_ui(ui, compare);
    let drawn = legend_ui(ui, state, compare, compared);
    let pointed = compare.cursor.take();
    let shown: Vec<Quantity> = Quantity::ALL
        .into_iter()
        .zip(compare.shown)
        .filter(|(_, shown)| *shown)
        .map(|(which, _)| which)
        .collect();
    let size = ui.available_size();
    let width = (size.x - GAP * (shown.len() as f32 - 1.0)) / shown.len().max(1) as f32;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        for quantity in shown {
            let layout = Layout::top_down(Align::Min);
            ui.allocate_ui_with_layout(egui::vec2(width, size.y), layout, |ui| {
                plot_ui(ui, quantity, compare, &drawn, pointed);
            });
        }
    });
}

fn choices_ui(ui: &mut Ui, compare: &mut CompareView) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (quantity, shown) in Quantity::ALL.into_iter().zip(&mut compare.shown) {
            ui.toggle_value(shown, RichText::new(quantity.title()).small())
                .on_hover_text("Show or hide this plot");
        }
        // One plot stays, or the way back would be hard to see.
        if compare.shown == [false; 3] {
            compare.shown[0] = true;
        }
        ui.separator();
        ui.toggle_value(&mut compare.train, RichText::new("Training").small())
            .on_hover_text("The pictures that it learned from: lines without marks");
        ui.toggle_value(&mut compare.validation, RichText::new("Validation").small())
            .on_hover_text("Pictures that it never learned from: lines with marks");
        ui.separator();
        for (value, name) in [(false, "Epochs"), (true, "Updates")] {
            let help = "What runs along the axis: epochs say how often each picture was seen, updates how often the \
                        weights were changed";
            if ui.selectable_label(compare.by_update == value, RichText::new(name).small()).on_hover_text(help).clicked()
            {
                (compare.by_update, compare.fit) = (value, [true; 3]);
            }
        }
        ui.separator();
        let mut smooth = !compare.raw;
        ui.toggle_value(&mut smooth, RichText::new("Smooth").small())
            .on_hover_text("Hide the single batches that lie faint behind the running mean");
        compare.raw = !smooth;
        ui.toggle_value(&mut compare.log, RichText::new("Log").small())
            .on_hover_text("Logarithmic or linear axis");
        let help = "Show the whole curves again. Drag to move, drag with the right button or Ctrl+wheel to zoom.";
        if small_button_ui(ui, "Fit", "Fit the compared curves", help).clicked() {
            compare.fit = [true; 3];
        }
    });
}

/// Names with their looks. Returns the runs that can be drawn.
fn legend_ui<'a>(
    ui: &mut Ui,
    state: &'a State,
    compare: &CompareView,
    compared: &[&'a RunEntry],
) -> Vec<Drawn<'a>> {
    let mut drawn = Vec::new();
    let now = std::time::SystemTime::now();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (place, entry) in compared.iter().enumerate() {
            let look = Look::of(ui, place);
            let response = name_ui(ui, &entry.name, look);
            match state.runs.run(&entry.folder) {
                None => busy_ui(ui, &format!("Reading {}", entry.name)),
                Some(Err(reason)) => {
                    response.on_hover_text(reason);
                    ui.label(RichText::new("cannot be read").small().color(Palette::of(ui).error))
                        .on_hover_text(reason);
                }
                Some(Ok(run)) => {
                    response.on_hover_text(told(entry, now).replace("; ", "\n"));
                    if run.curves.is_empty() {
                        ui.label(RichText::new("no updates yet").small().weak());
                    }
                    let unit = if compare.by_update { run.curves.steps_per_epoch() as f64 } else { 1.0 };
                    drawn.push(Drawn { name: &entry.name, look, curves: &run.curves, unit });
                }
            }
        }
    });
    drawn
}

fn plot_ui(
    ui: &mut Ui,
    quantity: Quantity,
    compare: &mut CompareView,
    drawn: &[Drawn<'_>],
    pointed: Option<f64>,
) {
    let palette = Palette::of(ui);
    let scale = Scale { log: compare.log, factor: if quantity == Quantity::Loss { 1.0 } else { 100.0 } };
    let by_update = compare.by_update;
    let axis = if by_update { "updates" } else { "epoch" };
    let unit = if quantity == Quantity::Loss { "nats" } else { "%" };
    let mut plot = Plot::new(("compared", quantity.title()))
        .height(ui.available_height())
        .allow_scroll(false)
        .show_background(false)
        .set_margin_fraction(egui::vec2(0.02, 0.06))
        .link_axis(Id::unique(("compared runs", compare.by_update)), [true, false])
        .x_axis_label(axis)
        .y_axis_label(format!("{} ({unit})", quantity.title().to_lowercase()))
        .y_axis_min_width(34.0)
        .label_formatter(|_| None)
        .grid_color(palette.line)
        .grid_fade(0.0)
        .cursor_color(Color32::TRANSPARENT)
        .x_grid_spacer(|input| ticks::round_marks(input, 72.0))
        .x_axis_formatter(move |mark, _| match by_update && mark.step_size >= 1.0 && mark.value >= 0.0 {
            true => format::count(mark.value.round() as usize),
            false => ticks::round_label(mark),
        })
        .include_x(0.0);
    if scale.log {
        plot = plot.y_grid_spacer(ticks::log_marks).y_axis_formatter(|mark, _| ticks::log_label(mark));
    } else {
        plot = plot.include_y(0.0).y_grid_spacer(|input| ticks::round_marks(input, 26.0));
        plot = plot.y_axis_formatter(|mark, _| ticks::round_label(mark));
    }
    if std::mem::take(&mut compare.fit[quantity as usize]) {
        plot = plot.reset();
    }
    let shown = plot.show(ui, |plot| {
        for run in drawn {
            run.draw(plot, quantity, compare, scale);
        }
        if let Some(place) = pointed {
            plot.vline(VLine::new("", place).color(palette.muted).width(1.0).allow_hover(false));
        }
        plot.pointer_coordinate()
    });
    let spoken = spoken(quantity, drawn);
    shown.response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &spoken));
    let hovered = shown.response.hovered();
    if let Some(place) = shown.inner.filter(|_| hovered).map(|point| point.x.max(0.0)) {
        compare.cursor = Some(place);
        let tooltip = Tooltip::always_open(
            ui.ctx().clone(),
            ui.layer_id(),
            Id::unique("compared values"),
            PopupAnchor::Pointer,
        );
        tooltip.gap(14.0).show(|ui| values_ui(ui, quantity, compare, drawn, place));
    }
}

impl Drawn<'_> {
    fn draw(&self, plot: &mut PlotUi<'_>, quantity: Quantity, compare: &CompareView, scale: Scale) {
        let Window { from, to, columns } = Window::of(plot);
        let points = |points: Vec<[f64; 2]>| -> PlotPoints<'static> {
            points.into_iter().map(|[x, y]| [x * self.unit, scale.place(y)]).collect()
        };
        if compare.train {
            let bins = series(self.curves, quantity).view(from / self.unit, to / self.unit, columns);
            if compare.raw {
                let line =
                    Line::new(self.name, points(raw(&bins))).color(self.look.color.gamma_multiply(0.25));
                plot.line(line.width(1.0).allow_hover(false));
            }
            let line = Line::new(self.name, points(smoothed(&bins))).color(self.look.color);
            plot.line(line.width(1.8).style(self.look.line).allow_hover(false));
        }
        if compare.validation {
            let measured = self.curves.evaluations.iter().filter(|point| of(point, quantity).is_finite());
            let measured: Vec<[f64; 2]> = measured.map(|point| [point.epoch, of(point, quantity)]).collect();
            let few = measured.len() * 7 <= columns;
            let line = Line::new(self.name, points(measured.clone())).color(self.look.color);
            plot.line(line.width(1.2).style(self.look.line).allow_hover(false));
            // Where the marks would touch, some of them say enough.
            let every = if few { 1 } else { (measured.len() * 14).div_ceil(columns.max(1)) };
            let marked = measured.into_iter().step_by(every.max(1)).collect();
            let marks = Points::new(self.name, points(marked)).color(self.look.color).shape(self.look.mark);
            plot.points(marks.radius(4.0).allow_hover(false));
        }
    }
}

fn series(curves: &Curves, quantity: Quantity) -> &Series {
    match quantity {
        Quantity::Loss => &curves.loss,
        Quantity::Top1 => &curves.top1,
        Quantity::Top5 => &curves.top5,
    }
}

fn of(point: &EvaluationPoint, quantity: Quantity) -> f64 {
    match quantity {
        Quantity::Loss => point.loss,
        Quantity::Top1 => point.top1_error,
        Quantity::Top5 => point.top5_error,
    }
}

fn value(quantity: Quantity, value: f64) -> String {
    if quantity == Quantity::Loss { format::loss(value) } else { format::percent(value) }
}

/// What each run has at the place that is pointed at. A run that has not come so far has nothing there.
fn values_ui(ui: &mut Ui, quantity: Quantity, compare: &CompareView, drawn: &[Drawn<'_>], place: f64) {
    let text = if compare.by_update {
        format!("{} at update {}", quantity.title(), format::count(place.round() as usize))
    } else {
        format!("{} at epoch {place:.2}", quantity.title())
    };
    ui.label(RichText::new(text).small().weak());
    egui::Grid::new("values").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        for run in drawn {
            let epoch = place / run.unit;
            let [_, end] = run.curves.span();
            name_ui(ui, run.name, run.look);
            let there = epoch <= end * 1.001;
            let train = series(run.curves, quantity).near(epoch).filter(|_| there && compare.train);
            let measured = run.curves.evaluation_near(epoch).filter(|_| there && compare.validation);
            ui.label(
                train.map_or_else(String::new, |[_, _, smooth]| format!("train {}", value(quantity, smooth))),
            );
            ui.label(measured.map_or_else(String::new, |point| {
                format!("validation {} (epoch {:.1})", value(quantity, of(point, quantity)), point.epoch)
            }));
            ui.end_row();
        }
    });
}

/// What a screen reader says of a plot: the newest values of each run.
fn spoken(quantity: Quantity, drawn: &[Drawn<'_>]) -> String {
    let one = |run: &Drawn<'_>| {
        let train = series(run.curves, quantity).last_smooth();
        let validation = run.curves.evaluations.last().map(|point| of(point, quantity));
        let train = train.map_or_else(String::new, |v| format!(" train {}", value(quantity, v)));
        let validation =
            validation.map_or_else(String::new, |v| format!(" validation {}", value(quantity, v)));
        format!("{}{train}{validation}", run.name)
    };
    let runs: Vec<String> = drawn.iter().map(one).collect();
    format!("{} of {} runs. {}", quantity.title(), drawn.len(), runs.join("; "))
}
