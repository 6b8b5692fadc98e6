//! The curves of several runs over each other, as SVG: sharp at any size, and part of a page.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::{EvaluationPoint, History, StepPoint};

/// Size of a drawing, in pixels before it is scaled.
const SIZE: (u32, u32) = (960, 380);
/// Okabe and Ito's colours, which people with any common colour blindness can tell apart, and grey.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(110, 110, 110),
];
/// Dashes and the gaps between them, in pixels: no two neighbours are told apart by colour alone.
const DASHES: [Option<(i32, i32)>; 4] = [None, Some((10, 5)), Some((3, 4)), Some((16, 4))];
/// Length of a line in the legend.
const KEY: i32 = 26;

/// The training loss of some runs, with a name for each.
///
/// # Errors
/// Why it could not be drawn.
pub fn loss_svg(runs: &[(String, &History)]) -> Result<String, String> {
    let lines: Vec<_> = runs
        .iter()
        .map(|(name, history)| {
            let points = history.steps.iter().map(|point: &StepPoint| (point.epoch, point.loss));
            (name.as_str(), points.filter(|point| point.1.is_finite()).collect::<Vec<_>>())
        })
        .collect();
    draw("training loss, mean cross-entropy (nats)", &lines, false)
}

/// The top-1 error of the validations of some runs in percent, with a name for each.
///
/// # Errors
/// Why it could not be drawn.
pub fn error_svg(runs: &[(String, &History)]) -> Result<String, String> {
    validation_svg("validation top-1 error (%)", runs, |point| point.top1_error)
}

/// The top-5 error of the validations of some runs in percent, with a name for each.
///
/// # Errors
/// Why it could not be drawn.
pub fn top5_svg(runs: &[(String, &History)]) -> Result<String, String> {
    validation_svg("validation top-5 error (%)", runs, |point| point.top5_error)
}

fn validation_svg(
    title: &str,
    runs: &[(String, &History)],
    error: impl Fn(&EvaluationPoint) -> f64,
) -> Result<String, String> {
    let lines: Vec<_> = runs
        .iter()
        .map(|(name, history)| {
            let points = history.evaluations.iter().map(|point| (point.epoch, error(point) * 100.0));
            (name.as_str(), points.filter(|point| point.1.is_finite()).collect::<Vec<_>>())
        })
        .collect();
    draw(title, &lines, true)
}

fn draw(title: &str, lines: &[(&str, Vec<(f64, f64)>)], marked: bool) -> Result<String, String> {
    register_font("sans-serif", FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT)
        .map_err(|_| "the typeface is unusable".to_owned())?;
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        chart(&root, title, lines, marked)?;
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

fn chart(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    title: &str,
    lines: &[(&str, Vec<(f64, f64)>)],
    marked: bool,
) -> Result<(), String> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let right = points().map(|point| point.0).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let top = points().map(|point| point.1).fold(0.0, f64::max).max(1e-6) * 1.05;
    let mut chart = ChartBuilder::on(root)
        .margin(10)
        .margin_right(24)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)
        .map_err(|e| e.to_string())?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(244, 244, 244))
        .x_desc("epoch")
        .y_desc(title)
        .y_labels(6)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 16))
        .draw()
        .map_err(|e| e.to_string())?;
    for (number, (name, points)) in lines.iter().enumerate() {
        let style = COLOURS[number % COLOURS.len()].stroke_width(2);
        match DASHES[number % DASHES.len()] {
            None => {
                let key = move |(x, y)| PathElement::new([(x, y), (x + KEY, y)], style);
                chart
                    .draw_series(LineSeries::new(points.iter().copied(), style))
                    .map_err(|e| e.to_string())?
                    .label(*name)
                    .legend(key);
            }
            Some((dash, gap)) => {
                let key = move |(x, y)| {
                    plotters::element::DashedPathElement::new(vec![(x, y), (x + KEY, y)], dash, gap, style)
                };
                chart
                    .draw_series(DashedLineSeries::new(points.iter().copied(), dash, gap, style))
                    .map_err(|e| e.to_string())?
                    .label(*name)
                    .legend(key);
            }
        }
        if marked {
            let mark = |point: &(f64, f64)| match number % 3 {
                0 => Circle::new(*point, 4, style.filled()).into_dyn(),
                1 => TriangleMarker::new(*point, 5, style.filled()).into_dyn(),
                _ => Cross::new(*point, 4, style).into_dyn(),
            };
            chart.draw_series(points.iter().map(mark)).map_err(|e| e.to_string())?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(220, 220, 220))
        .label_font(("sans-serif", 15))
        .draw()
        .map_err(|e| e.to_string())
}
