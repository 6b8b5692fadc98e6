//! What is added up over the training pictures: every pixel, and the colours.
//!
//! Whole numbers only, so that different threads can add in any order, and sums that were kept on disk are as good as
//! fresh ones.

use super::colour::{ColourStatistics, ColourSums};
use super::store::picture_bytes;

/// Exact sums over pictures of one side.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// Pictures added.
    pub pictures: u64,
    /// `[3, side, side]`: at each pixel.
    pub pixels: Vec<u64>,
    pub colours: ColourSums,
}

impl Sums {
    pub fn new(side: u32) -> Self {
        Self { pictures: 0, pixels: vec![0; picture_bytes(side)], colours: ColourSums::default() }
    }

    /// Adds a picture `[3, side, side]`.
    pub fn add(&mut self, planes: &[u8]) {
        self.pixels.iter_mut().zip(planes).for_each(|(sum, &value)| *sum += u64::from(value));
        self.colours.add(planes);
        self.pictures += 1;
    }

    /// Adds the sums of another thread.
    pub fn join(&mut self, other: &Self) {
        self.pixels.iter_mut().zip(&other.pixels).for_each(|(sum, part)| *sum += part);
        self.colours.join(&other.colours);
        self.pictures += other.pictures;
    }

    /// Takes away sums that were added before.
    pub fn take_away(&mut self, other: &Self) {
        // What was added can be taken away; what was not, on a disk that lies, must not end the program.
        self.pixels.iter_mut().zip(&other.pixels).for_each(|(sum, part)| *sum = sum.wrapping_sub(*part));
        self.colours.take_away(&other.colours);
        self.pictures = self.pictures.wrapping_sub(other.pictures);
    }

    /// `[3, side, side]`: the mean at each pixel, 0 to 255.
    pub fn mean(&self) -> Vec<f32> {
        let count = self.pictures.max(1) as f64;
        self.pixels.iter().map(|&sum| (sum as f64 / count) as f32).collect()
    }

    pub fn colour_statistics(&self) -> ColourStatistics {
        self.colours.statistics()
    }
}
