//! How the first layer's kernels formed: the grids of a run one after the other, and kernels as GIF and SVG files.

use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbImage, RgbaImage, imageops};

use super::figures::FigureError;
use super::filters::{FilterGrid, Scale};

/// Width that a film is enlarged to, about, in pixels.
const WIDTH: u32 = 640;
/// Milliseconds that a frame is shown, and the last one.
const FRAME: u32 = 80;
const LAST_FRAME: u32 = 2000;

/// Writes the grids as a film that begins again at its end.
///
/// # Errors
/// No grid at all; a file that cannot be written.
pub fn write_film(frames: &[FilterGrid], scale: Scale, path: &Path) -> Result<(), FigureError> {
    let failed = |reason: String| FigureError::new(path, reason);
    if frames.is_empty() {
        return Err(failed("the film has no pictures yet".into()));
    }
    let file = File::create(path).map_err(|e| failed(e.to_string()))?;
    // The fastest search for colours is 30, the best is 1; kernels have few colours.
    let mut encoder = GifEncoder::new_with_speed(BufWriter::new(file), 20);
    encoder.set_repeat(Repeat::Infinite).map_err(|e| failed(e.to_string()))?;
    for (number, grid) in frames.iter().enumerate() {
        let shown = if number + 1 == frames.len() { LAST_FRAME } else { FRAME };
        let picture = opaque(&enlarged(&grid.picture(scale), WIDTH));
        let frame = Frame::from_parts(picture, 0, 0, Delay::from_numer_denom_ms(shown, 1));
        encoder.encode_frame(frame).map_err(|e| failed(e.to_string()))?;
    }
    Ok(())
}

/// Writes the kernels as a vector drawing, one square a weight.
///
/// # Errors
/// A file that cannot be written.
pub fn write_filters_svg(grid: &FilterGrid, scale: Scale, path: &Path) -> Result<(), FigureError> {
    let [width, height] = grid.size();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{}\" height=\"{}\" \
         shape-rendering=\"crispEdges\">\n<title>{} first-layer kernels after {} updates</title>\n\
         <rect width=\"{width}\" height=\"{height}\"/>\n",
        width * 4,
        height * 4,
        grid.kernels,
        grid.step
    );
    grid.pixels(scale, |x, y, [r, g, b]| {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"1\" height=\"1\" fill=\"#{r:02x}{g:02x}{b:02x}\"/>"
        );
    });
    text.push_str("</svg>\n");
    std::fs::write(path, text).map_err(|e| FigureError::new(path, e.to_string()))
}

/// The picture enlarged by a whole factor to about `width` pixels.
pub(super) fn enlarged(picture: &RgbImage, width: u32) -> RgbImage {
    let factor = (width / picture.width().max(1)).clamp(1, 12);
    let (width, height) = (picture.width() * factor, picture.height() * factor);
    imageops::resize(picture, width, height, imageops::FilterType::Nearest)
}

fn opaque(picture: &RgbImage) -> RgbaImage {
    let pixels = picture.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2], 255]).collect();
    RgbaImage::from_raw(picture.width(), picture.height(), pixels).expect("four bytes a pixel")
}
