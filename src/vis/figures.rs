//! The curves and the first layer as PNG files.

use std::path::{Path, PathBuf};

use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use super::film::enlarged;
use super::{FilterGrid, History, Scale};

/// Size of the picture of the curves, in pixels.
const CURVES: (u32, u32) = (1280, 960);
/// Training points drawn at most; more are averaged in bins of equal width.
const POINTS: usize = 1000;
/// Okabe and Ito's colours, told apart by colour-blind readers too.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const ORANGE: RGBColor = RGBColor(213, 94, 0);

/// A picture that could not be drawn or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the picture `{path}`: {reason}")]
pub struct FigureError {
    path: PathBuf,
    reason: String,
}

impl FigureError {
    pub(super) fn new(path: &Path, reason: String) -> Self {
        Self { path: path.into(), reason }
    }
}

/// The kernels of the first layer as the bytes of a PNG file.
///
/// # Errors
/// Why they could not be encoded.
pub fn filters_png(grid: &FilterGrid, scale: Scale) -> Result<Vec<u8>, String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let written = enlarged(&grid.picture(scale), 1000).write_to(&mut bytes, image::ImageFormat::Png);
    written.map_err(|e| e.to_string())?;
    Ok(bytes.into_inner())
}

/// Draws loss and errors over the epochs.
///
/// # Errors
/// A file that cannot be written.
pub fn write_curves(history: &History, title: &str, path: &Path) -> Result<(), FigureError> {
    save(path, CURVES, |pixels| draw(history, title, pixels))
}

/// Writes a drawing of `size` pixels.
pub(super) fn save(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&mut [u8]) -> Result<(), String>,
) -> Result<(), FigureError> {
    let failed = |reason: String| FigureError { path: path.into(), reason };
    // The typeface is built in, so that no font needs to be installed.
    let font = epaint_default_fonts::UBUNTU_LIGHT;
    register_font("sans-serif", FontStyle::Normal, font)
        .map_err(|_| failed("the typeface is unusable".into()))?;
    let mut pixels = vec![255; (size.0 * size.1 * 3) as usize];
    draw(&mut pixels).map_err(failed)?;
    let picture = RgbImage::from_raw(size.0, size.1, pixels)
        .ok_or_else(|| failed("the drawing has the wrong size".into()))?;
    picture.save(path).map_err(|e| failed(e.to_string()))
}

/// Writes the kernels of the first layer, enlarged by a whole factor to about 1000 pixels.
///
/// # Errors
/// A file that cannot be written.
pub fn write_filters(grid: &FilterGrid, scale: Scale, path: &Path) -> Result<(), FigureError> {
    let picture = enlarged(&grid.picture(scale), 1000);
    picture.save(path).map_err(|e| FigureError::new(path, e.to_string()))
}

fn draw(history: &History, title: &str, pixels: &mut [u8]) -> Result<(), String> {
    let root = BitMapBackend::with_buffer(pixels, CURVES).into_drawing_area();
    root.fill(&WHITE).map_err(|e| e.to_string())?;
    let root = root.titled(title, ("sans-serif", 30)).map_err(|e| e.to_string())?;
    let panels = root.split_evenly((3, 1));
    let train = |value: fn(&super::StepPoint) -> f64| {
        binned(history.steps.iter().map(|p| (p.epoch, value(p))).collect())
    };
    let validation = |value: fn(&super::EvaluationPoint) -> f64| -> Vec<(f64, f64)> {
        history.evaluations.iter().map(|p| (p.epoch, value(p))).collect()
    };
    panel(&panels[0], "cross-entropy (nats)", &train(|p| p.loss), &validation(|p| p.loss))?;
    panel(
        &panels[1],
        "top-1 error (%)",
        &train(|p| p.top1_error * 100.0),
        &validation(|p| p.top1_error * 100.0),
    )?;
    panel(
        &panels[2],
        "top-5 error (%)",
        &train(|p| p.top5_error * 100.0),
        &validation(|p| p.top5_error * 100.0),
    )?;
    root.present().map_err(|e| e.to_string())
}

fn panel(
    area: &DrawingArea<BitMapBackend, Shift>,
    label: &str,
    train: &[(f64, f64)],
    validation: &[(f64, f64)],
) -> Result<(), String> {
    let points = || train.iter().chain(validation).filter(|(_, y)| y.is_finite());
    let right = points().map(|p| p.0).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let top = points().map(|p| p.1).fold(0.0, f64::max).max(1e-6) * 1.05;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d(0.0..right, 0.0..top)
        .map_err(|e| e.to_string())?;
    chart
        .configure_mesh()
        .light_line_style(RGBColor(240, 240, 240))
        .x_desc("epoch")
        .y_desc(label)
        .y_labels(6)
        .label_style(("sans-serif", 18))
        .axis_desc_style(("sans-serif", 20))
        .draw()
        .map_err(|e| e.to_string())?;
    let finite =
        |points: &[(f64, f64)]| points.iter().copied().filter(|p| p.1.is_finite()).collect::<Vec<_>>();
    chart
        .draw_series(LineSeries::new(finite(train), BLUE.stroke_width(2)))
        .map_err(|e| e.to_string())?
        .label("training batches")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 24, y)], BLUE.stroke_width(2)));
    chart
        .draw_series(LineSeries::new(finite(validation), ORANGE.stroke_width(3)).point_size(4))
        .map_err(|e| e.to_string())?
        .label("validation")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 24, y)], ORANGE.stroke_width(3)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(220, 220, 220))
        .label_font(("sans-serif", 18))
        .draw()
        .map_err(|e| e.to_string())
}

/// Averages neighbouring points until at most [`POINTS`] are left.
fn binned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let width = points.len().div_ceil(POINTS).max(1);
    let mean = |bin: &[(f64, f64)]| {
        let n = bin.len() as f64;
        (bin.iter().map(|p| p.0).sum::<f64>() / n, bin.iter().map(|p| p.1).sum::<f64>() / n)
    };
    points.chunks(width).map(mean).collect()
}
