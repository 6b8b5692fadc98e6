//! First-layer kernels as a picture, as in the paper's Figure 3.
//!
//! The author's viewer scales all kernels of a column together: one minimum and one maximum over every
//! kernel and channel of it, 16 kernels a row, one pixel of black between them (`shownet.py` of the
//! 2012 release).

use image::{Rgb, RgbImage};

/// Kernels a row in the paper's Figure 3.
pub const PER_ROW: usize = 16;

/// What the darkest and the brightest weight of a picture are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Those of all kernels of a column, as in the paper: strong kernels look strong.
    #[default]
    Column,
    /// Those of each kernel: the shape of faint ones can be seen too.
    Kernel,
}

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
    /// Whether it holds as many weights as it says, so that it can be drawn.
    pub fn is_whole(&self) -> bool {
        let area = self.kernels.checked_mul(3).and_then(|n| n.checked_mul(self.side.checked_mul(self.side)?));
        self.kernels > 0 && self.side > 0 && self.columns > 0 && area == Some(self.weights.len())
    }

    /// Draws the grid: 16 kernels a row, columns stacked, one black pixel between kernels. Equal weights come out
    /// grey.
    pub fn picture(&self, scale: Scale) -> RgbImage {
        let [width, height] = self.size();
        let mut picture = RgbImage::new(width, height);
        self.pixels(scale, |x, y, rgb| picture.put_pixel(x, y, Rgb(rgb)));
        picture
    }

    /// Width and height of the picture, one pixel a weight.
    pub fn size(&self) -> [u32; 2] {
        let (in_column, rows) = self.rows();
        let cell = self.side + 1;
        // One more black line keeps the columns apart.
        let columns = self.columns.max(1);
        let height = columns * (rows * cell + 1) + (columns - 1);
        [(in_column.min(PER_ROW) * cell + 1) as u32, height as u32]
    }

    /// Calls `put` with place and colour of every weight's pixel.
    pub fn pixels(&self, scale: Scale, mut put: impl FnMut(u32, u32, [u8; 3])) {
        let (in_column, rows) = self.rows();
        let cell = self.side + 1;
        for column in 0..self.columns.max(1) {
            let first = (column * in_column).min(self.kernels);
            let last = (first + in_column).min(self.kernels);
            let top = column * (rows * cell + 2) + 1;
            self.column(first..last, scale, top, &mut put);
        }
    }

    /// Kernels of a column, and the rows they fill.
    fn rows(&self) -> (usize, usize) {
        let in_column = self.kernels.div_ceil(self.columns.max(1));
        (in_column, in_column.div_ceil(PER_ROW))
    }

    fn column(
        &self,
        kernels: std::ops::Range<usize>,
        scale: Scale,
        top: usize,
        put: &mut impl FnMut(u32, u32, [u8; 3]),
    ) {
        let area = self.side * self.side;
        let weights = &self.weights[kernels.start * 3 * area..kernels.end * 3 * area];
        let together = extent(weights);
        for (position, kernel) in weights.chunks_exact(3 * area).enumerate() {
            let (low, high) = if scale == Scale::Kernel { extent(kernel) } else { together };
            let shade =
                |w: f32| if high > low { ((w - low) / (high - low) * 255.0).round() as u8 } else { 128 };
            let left = position % PER_ROW * (self.side + 1) + 1;
            let up = top + position / PER_ROW * (self.side + 1);
            for pixel in 0..area {
                let rgb = [0, 1, 2].map(|channel| shade(kernel[channel * area + pixel]));
                put((left + pixel % self.side) as u32, (up + pixel / self.side) as u32, rgb);
            }
        }
    }
}

/// The smallest and the largest of some weights.
pub fn extent(weights: &[f32]) -> (f32, f32) {
    weights.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &w| (low.min(w), high.max(w)))
}
