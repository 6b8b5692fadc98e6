//! From 8-bit pixels to what the first layer sees.

use std::sync::OnceLock;

use burn::tensor::{Device, Tensor, TensorData};

use super::spec::InputSpec;
use crate::kernels::{Crop, CropConfig, MAX_BINDING_BYTES, crop};

/// Crops, mean subtraction, colour noise and scaling (paper sections 2 and 4.1), on the device.
#[derive(Clone, Debug)]
pub struct Input {
    spec: InputSpec,
    /// `[3, side, side]` in 0 to 255.
    mean: Vec<f32>,
    /// The mean on the device that asked for it first.
    uploaded: OnceLock<(Device, Tensor<3>)>,
}

impl Input {
    /// `mean` is `[3, side, side]` in 0 to 255.
    pub fn new(spec: InputSpec, mean: Vec<f32>) -> Self {
        assert_eq!(mean.len(), 3 * spec.side * spec.side, "the mean image has the size of the crops");
        Self { spec, mean, uploaded: OnceLock::new() }
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

    /// Crops that can be made at once on every card, each from a picture of its own.
    pub fn most_at_once(&self) -> usize {
        let InputSpec { side, stored_side, .. } = self.spec;
        let (stored, made) = (3 * stored_side * stored_side, 4 * 3 * side * side);
        (MAX_BINDING_BYTES / stored.max(made).max(1)).max(1)
    }

    /// Whole pictures `[N, 3, side, side]` on the device: `(pixel - mean) * scale`.
    pub fn upload(&self, pixels: &[u8], device: &Device) -> Tensor<4> {
        let whole = |picture| Crop { picture, ..Crop::default() };
        let crops: Vec<Crop> = (0..pixels.len() / self.mean.len()).map(whole).collect();
        self.crops(pixels, self.spec.side, &crops, 1.0, device)
    }

    /// Crops `[M, 3, side, side]` of stored pictures `[N, 3, stored_side, stored_side]` on the device:
    /// `(pixel - mean + shift) / divisor * scale`. The pictures are uploaded as they are.
    ///
    /// # Panics
    /// When a crop lies outside of its picture.
    pub fn upload_crops(&self, squares: &[u8], crops: &[Crop], divisor: f32, device: &Device) -> Tensor<4> {
        self.crops(squares, self.spec.stored_side, crops, divisor, device)
    }

    fn crops(
        &self,
        pixels: &[u8],
        stored: usize,
        crops: &[Crop],
        divisor: f32,
        device: &Device,
    ) -> Tensor<4> {
        let InputSpec { side, scale, .. } = self.spec;
        let config = CropConfig { stored, side, factor: scale.map(|scale| scale / divisor) };
        crop(pixels, crops, self.mean_on(device), config)
    }

    /// The mean `[3, side, side]` on a device; the first device that asks keeps it.
    fn mean_on(&self, device: &Device) -> Tensor<3> {
        let side = self.spec.side;
        let device = device.clone().inner();
        let upload = || Tensor::from_data(TensorData::new(self.mean.clone(), [3, side, side]), &device);
        let (first, mean) = self.uploaded.get_or_init(|| (device.clone(), upload()));
        if *first == device { mean.clone() } else { upload() }
    }
}
