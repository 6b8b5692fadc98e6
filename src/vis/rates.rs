//! The curve of a search for a learning rate as a PNG file.

use std::path::Path;

use plotters::prelude::*;

use super::RatePoint;
use super::figures::{BLUE, FigureError, ORANGE, save};

/// Size of the picture, in pixels.
const SIZE: (u32, u32) = (1280, 720);
const PALE: RGBColor = RGBColor(150, 190, 215);

/// Draws the loss over the rate, with the suggested rate as an upright line.
///
/// # Errors
/// A file that cannot be written.
pub fn write_rates(
    points: &[RatePoint],
    suggested: Option<f64>,
    title: &str,
    path: &Path,
) -> Result<(), FigureError> {
    save(path, SIZE, |pixels| draw(points, suggested, title, pixels))
}

fn draw(points: &[RatePoint], suggested: Option<f64>, title: &str, pixels: &mut [u8]) -> Result<(), String> {
    let root = BitMapBackend::with_buffer(pixels, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| e.to_string())?;
    let [bottom, top] = rate_span(points);
    let left = points.first().map_or(1e-6, |p| p.rate);
    let right = points.last().map_or(1.0, |p| p.rate).max(left * 10.0);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 28))
        .margin(16)
        .x_label_area_size(52)
        .y_label_area_size(76)
        .build_cartesian_2d((left..right).log_scale(), bottom..top)
        .map_err(|e| e.to_string())?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(244, 244, 244))
        .x_desc("learning rate")
        .y_desc("cross-entropy (nats)")
        .x_label_formatter(&|rate| format!("{rate:e}"))
        .label_style(("sans-serif", 18))
        .axis_desc_style(("sans-serif", 20))
        .draw()
        .map_err(|e| e.to_string())?;
    let line = |value: fn(&RatePoint) -> f64| -> Vec<(f64, f64)> {
        let inside = |p: &&RatePoint| (bottom..=top).contains(&value(p));
        points.iter().filter(inside).map(|p| (p.rate, value(p))).collect()
    };
    let key = |color: RGBColor, width| {
        move |(x, y): (i32, i32)| PathElement::new([(x, y), (x + 24, y)], color.stroke_width(width))
    };
    chart
        .draw_series(LineSeries::new(line(|p| p.loss), PALE.stroke_width(1)))
        .map_err(|e| e.to_string())?
        .label("single batches")
        .legend(key(PALE, 1));
    chart
        .draw_series(LineSeries::new(line(|p| p.smooth), BLUE.stroke_width(3)))
        .map_err(|e| e.to_string())?
        .label("running mean")
        .legend(key(BLUE, 3));
    if let Some(rate) = suggested {
        chart
            .draw_series(LineSeries::new([(rate, bottom), (rate, top)], ORANGE.stroke_width(2)))
            .map_err(|e| e.to_string())?
            .label(format!("suggested: {rate}"))
            .legend(key(ORANGE, 2));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(220, 220, 220))
        .label_font(("sans-serif", 18))
        .draw()
        .map_err(|e| e.to_string())?;
    root.present().map_err(|e| e.to_string())
}

/// Bottom and top of the vertical axis worth showing: the explosion would flatten everything else.
pub fn rate_span(points: &[RatePoint]) -> [f64; 2] {
    let finite = || points.iter().map(|p| p.smooth).filter(|smooth| smooth.is_finite());
    let first = points.first().map_or(1.0, |p| p.smooth);
    let lowest = finite().fold(first, f64::min);
    let highest = finite().fold(first, f64::max);
    if !(lowest.is_finite() && highest.is_finite()) {
        return [0.0, 1.0];
    }
    let top = highest.min(first + 1.5 * (first - lowest).max(0.1 * first.abs()));
    let room = 0.08 * (top - lowest).max(1e-6);
    [(lowest - room).max(0.0).min(lowest), top + room]
}
