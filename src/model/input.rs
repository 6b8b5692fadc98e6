//! From 8-bit pixels to what the first layer sees.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::spec::InputSpec;

/// Mean subtraction, colour noise and scaling (paper sections 2 and 4.1).
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

    /// The same mean for every pixel of a channel. `means` are those of red, green and blue in 0 to 255.
    pub fn from_channel_means(spec: InputSpec, means: [f32; 3]) -> Self {
        let plane = spec.side * spec.side;
        Self::new(spec, means.into_iter().flat_map(|mean| std::iter::repeat_n(mean, plane)).collect())
    }

    pub fn spec(&self) -> InputSpec {
        self.spec
    }

    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// `[N, 3, side, side]` on the device: `(pixel - mean) * scale`. `pixels` is `[N, 3, side, side]`.
    pub fn upload(&self, pixels: &[u8], device: &Device) -> Tensor<4> {
        self.upload_shifted(pixels, &[], 1.0, device)
    }

    /// The same with colour noise: `(pixel - mean + shift) / divisor * scale`. `shifts` are what is added to the red,
    /// green and blue of each picture, `[N]` in 0 to 255; without any nothing is added.
    ///
    /// Computed on the host, so that every device sees the same numbers.
    pub fn upload_shifted(
        &self,
        pixels: &[u8],
        shifts: &[[f32; 3]],
        divisor: f32,
        device: &Device,
    ) -> Tensor<4> {
        let (side, picture) = (self.spec.side, self.mean.len());
        let count = pixels.len() / picture;
        assert!(shifts.is_empty() || shifts.len() == count, "every picture has its own colour noise");
        let mut values = vec![0.0; pixels.len()];
        values.par_chunks_mut(picture).zip(pixels.par_chunks(picture)).enumerate().for_each(
            |(number, (values, pixels))| {
                let shift = shifts.get(number).copied().unwrap_or_default();
                self.feed(pixels, shift, divisor, values);
            },
        );
        Tensor::from_data(TensorData::new(values, [count, 3, side, side]), device)
    }

    /// One picture `[3, side, side]`.
    fn feed(&self, pixels: &[u8], shift: [f32; 3], divisor: f32, values: &mut [f32]) {
        let plane = self.spec.side * self.spec.side;
        let planes =
            values.chunks_exact_mut(plane).zip(pixels.chunks_exact(plane)).zip(self.mean.chunks_exact(plane));
        for (((values, pixels), mean), (shift, scale)) in planes.zip(shift.into_iter().zip(self.spec.scale)) {
            let factor = scale / divisor;
            for ((value, &pixel), mean) in values.iter_mut().zip(pixels).zip(mean) {
                *value = (f32::from(pixel) - mean + shift) * factor;
            }
        }
    }
}
