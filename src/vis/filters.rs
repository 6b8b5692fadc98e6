//! First-layer kernels as a picture, as in the paper's Figure 3.
//!
//! The author's viewer scales all kernels of a column together: one minimum and one maximum over every
//! kernel and channel of it, 16 kernels a row, one pixel of black between them (`shownet.py` of the
//! 2012 release).

use image::{Rgb, RgbImage};

/// Kernels a row in the paper's Figure 3.
const PER_ROW: usize = 16;

/// The first layer's kernels, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterGrid {
    /// Updates made when these were taken.
    pub step: u64,
    /// `[kernels, 3, side, side]`, RGB.
    pub weights: Vec<f32>,
    pub kernels: usize,
    pub side: usize,
    /// Groups that were trained apart (the paper's two columns); each is scaled on its own.
    pub columns: usize,
}

impl FilterGrid {
    /// Draws the grid: 16 kernels a row, columns stacked, one black pixel between kernels.
    ///
    /// Each column is scaled by one minimum and one maximum over all its kernels, so that strong kernels
    /// look strong. A column of equal weights comes out grey.
    pub fn picture(&self) -> RgbImage {
        let columns = self.columns.max(1);
        let in_column = self.kernels.div_ceil(columns);
        let rows = in_column.div_ceil(PER_ROW);
        let per_row = in_column.min(PER_ROW);
        let cell = self.side + 1;
        // One more black line keeps the columns apart.
        let height = columns * (rows * cell + 1) + (columns - 1);
        let mut picture = RgbImage::new((per_row * cell + 1) as u32, height as u32);
        for column in 0..columns {
            let first = column * in_column;
            let last = (first + in_column).min(self.kernels);
            let top = column * (rows * cell + 2) + 1;
            self.draw_column(&mut picture, first..last, top);
        }
        picture
    }

    fn draw_column(&self, picture: &mut RgbImage, kernels: std::ops::Range<usize>, top: usize) {
        let area = self.side * self.side;
        let weights = &self.weights[kernels.start * 3 * area..kernels.end * 3 * area];
        let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
        let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let shade = |w: f32| {
            if high > low { ((w - low) / (high - low) * 255.0).round() as u8 } else { 128 }
        };
        for (position, kernel) in weights.chunks_exact(3 * area).enumerate() {
            let left = position % PER_ROW * (self.side + 1) + 1;
            let up = top + position / PER_ROW * (self.side + 1);
            for pixel in 0..area {
                let rgb = Rgb([0, 1, 2].map(|channel| shade(kernel[channel * area + pixel])));
                picture.put_pixel((left + pixel % self.side) as u32, (up + pixel / self.side) as u32, rgb);
            }
        }
    }
}
