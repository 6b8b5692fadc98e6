//! Kernels of a later convolution. They have more than three inputs and so no colours: each pair of an output
//! and an input map is a small picture of its own.

use image::{Rgb, RgbImage};

use super::filters::{Scale, extent};

/// The kernels of one convolution, on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerKernels {
    pub layer: String,
    /// Updates made when these were taken.
    pub step: u64,
    /// `[outputs, inputs, side, side]`
    pub weights: Vec<f32>,
    /// Output maps: kernels.
    pub outputs: usize,
    /// Input maps that each kernel sees; with two columns, those of its own.
    pub inputs: usize,
    pub side: usize,
    /// Columns of the layer; the outputs of each follow one another.
    pub columns: usize,
}

impl LayerKernels {
    /// Whether it holds as many weights as it says, so that it can be drawn.
    pub fn is_whole(&self) -> bool {
        let area = self.side.checked_mul(self.side).and_then(|n| n.checked_mul(self.inputs));
        let all = area.and_then(|n| n.checked_mul(self.outputs));
        self.columns > 0
            && self.side > 0
            && self.inputs > 0
            && self.outputs > 0
            && all == Some(self.weights.len())
    }

    /// Draws the pairs: a row for each output of `outputs`, in it one square for each input. Zero is grey, positive
    /// weights are brighter and negative ones darker; one scale for all, or one for each output.
    pub fn picture(&self, outputs: std::ops::Range<usize>, scale: Scale) -> RgbImage {
        let outputs = outputs.start.min(self.outputs)..outputs.end.min(self.outputs);
        let (cell, area) = (self.side + 1, self.side * self.side);
        let width = (self.inputs * cell + 1) as u32;
        let mut picture = RgbImage::new(width, (outputs.len() * cell + 1) as u32);
        let reach = |weights: &[f32]| {
            let (low, high) = extent(weights);
            high.abs().max(low.abs())
        };
        let together = reach(&self.weights);
        for (row, output) in outputs.enumerate() {
            let kernel = &self.weights[output * self.inputs * area..(output + 1) * self.inputs * area];
            let reach = if scale == Scale::Kernel { reach(kernel) } else { together };
            for (input, pair) in kernel.chunks_exact(area).enumerate() {
                for (place, &weight) in pair.iter().enumerate() {
                    let (x, y) = (input * cell + 1 + place % self.side, row * cell + 1 + place / self.side);
                    picture.put_pixel(x as u32, y as u32, shade(weight, reach));
                }
            }
        }
        picture
    }
}

fn shade(weight: f32, reach: f32) -> Rgb<u8> {
    let share = if reach > 0.0 { (weight / reach).clamp(-1.0, 1.0) } else { 0.0 };
    Rgb([(127.5 + 127.5 * share).round() as u8; 3])
}
