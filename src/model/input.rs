//! From 8-bit pixels to what the first layer sees.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::spec::InputSpec;

/// Mean subtraction and scaling (paper section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    spec: InputSpec,
    /// `[3, side, side]` in 0 to 255.
    mean: Vec<f32>,
}

impl Input {
    /// `mean` is `[3, side, side]` in 0 to 255.
    pub fn new(spec: InputSpec, mean: Vec<f32>) -> Self {
        assert_eq!(mean.len(), 3 * spec.side * spec.side, "the mean image has the size of the crops");
        Self { spec, mean }
    }

    /// The central window of a mean image `[3, stored_side, stored_side]`. The author subtracts it from
    /// every crop, whatever the crop's offset (`convdata_jpeg.py`).
    pub fn from_stored_mean(spec: InputSpec, stored: &[f32]) -> Self {
        let (stored_side, side) = (spec.stored_side, spec.side);
        assert_eq!(stored.len(), 3 * stored_side * stored_side, "the mean image has the stored size");
        let margin = (stored_side - side) / 2;
        let mean = stored
            .chunks_exact(stored_side)
            .enumerate()
            .filter(|(row, _)| (margin..margin + side).contains(&(row % stored_side)))
            .flat_map(|(_, row)| &row[margin..margin + side])
            .copied()
            .collect();
        Self::new(spec, mean)
    }

    pub fn spec(&self) -> InputSpec {
        self.spec
    }

    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// `[N, 3, side, side]` on the device: `(pixel - mean) * scale`. `pixels` is `[N, 3, side, side]`.
    pub fn upload(&self, pixels: &[u8], device: &Device) -> Tensor<4> {
        let picture = self.mean.len();
        let mut values = vec![0.0; pixels.len()];
        let side = self.spec.side;
        let plane = side * side;
        values.par_chunks_mut(picture).zip(pixels.par_chunks(picture)).for_each(|(values, pixels)| {
            for (index, ((value, &pixel), mean)) in values.iter_mut().zip(pixels).zip(&self.mean).enumerate()
            {
                *value = (f32::from(pixel) - mean) * self.spec.scale[index / plane];
            }
        });
        Tensor::from_data(TensorData::new(values, [pixels.len() / picture, 3, side, side]), device)
    }
}
