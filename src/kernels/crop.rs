//! From stored 8-bit pictures to what the first layer sees: crop, mirror, mean, colour noise and scale (paper sections
//! 2 and 4.1).
//!
//! The pictures reach the device as they are stored, four pixels in a 32-bit word: a quarter of the bytes that floats
//! would take, and all views of a picture share one upload. Nothing is learned below the pixels, so there is no backward
//! step.

mod cpu;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::KernelError;
use super::host::{from_values, values};
use super::launch::{Shader, Word, empty_like, launch, upload};

/// What is made of a stored picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Crop {
    /// Which of the uploaded pictures.
    pub picture: usize,
    /// Columns left of the crop.
    pub left: u32,
    /// Rows above the crop.
    pub top: u32,
    /// Whether it is mirrored, left to right.
    pub flip: bool,
    /// What is added to red, green and blue, in 0 to 255.
    pub shift: [f32; 3],
}

impl Crop {
    /// As the shader reads it.
    fn words(&self) -> [u32; 8] {
        let [red, green, blue] = self.shift.map(f32::to_bits);
        // Below the number of pixels, which fits.
        let picture = self.picture as u32;
        [picture, self.left, self.top, self.flip.into(), red, green, blue, 0]
    }
}

/// Sizes of the pictures and of their crops, and the factor at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropConfig {
    /// Side of the stored pictures.
    pub stored: usize,
    /// Side of the crops.
    pub side: usize,
    /// Multiplies red, green and blue.
    pub factor: [f32; 3],
}

impl CropConfig {
    /// Whether `crops` can be cut from `pixels` values of 8 bits.
    ///
    /// # Errors
    /// Pixels that are no whole pictures, or the first crop that lies outside of its picture.
    pub fn check(&self, pixels: usize, crops: &[Crop]) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "crops", reason });
        let Self { stored, side, .. } = *self;
        let picture = 3 * stored * stored;
        if side == 0 || side > stored || !pixels.is_multiple_of(picture) {
            return fail(format!("{pixels} values are no pictures of {stored} pixels with crops of {side}"));
        }
        if u32::try_from(pixels).is_err() {
            return fail(format!("{pixels} values are too many at once; use smaller batches"));
        }
        let (pictures, room) = (pixels / picture, stored - side);
        let outside =
            |crop: &&Crop| crop.picture >= pictures || crop.left as usize > room || crop.top as usize > room;
        match crops.iter().find(outside) {
            None => Ok(()),
            Some(crop) => fail(format!(
                "a crop of {side} pixels at {}, {} of picture {} lies outside of {pictures} pictures of {stored}",
                crop.left, crop.top, crop.picture
            )),
        }
    }
}

/// `[M, 3, side, side]`: for each of `M` crops `(pixel - mean + shift) * factor`. `pixels` are `[N, 3, stored, stored]`,
/// `mean` is `[3, side, side]`, both in 0 to 255; the mean belongs to the crop and is not mirrored with it.
///
/// # Panics
/// When [`CropConfig::check`] fails, or the mean has another shape or is not of 32-bit floats.
pub fn crop(pixels: &[u8], crops: &[Crop], mean: Tensor<3>, config: CropConfig) -> Tensor<4> {
    if let Err(error) = config.check(pixels.len(), crops) {
        panic!("{error}");
    }
    let side = config.side;
    assert_eq!(mean.dims(), [3, side, side], "crops: the mean has the size of the crops");
    if crops.is_empty() {
        return Tensor::zeros([0, 3, side, side], &mean.device());
    }
    Tensor::from_dispatch(<Dispatch as CropOps>::crop(mean.into_dispatch(), pixels, crops, config))
}

/// Crops of stored pictures as a backend has them; shapes as in [`crop`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait CropOps: Backend {
    fn crop(mean: FloatTensor<Self>, pixels: &[u8], crops: &[Crop], config: CropConfig) -> FloatTensor<Self>;
}

impl<B: CropOps, C: CheckpointStrategy> CropOps for Autodiff<B, C> {
    fn crop(mean: FloatTensor<Self>, pixels: &[u8], crops: &[Crop], config: CropConfig) -> FloatTensor<Self> {
        // A constant of the graph.
        FloatTensor::<Self>::new(B::crop(mean.into_primitive(), pixels, crops, config))
    }
}

impl CropOps for Flex {
    fn crop(mean: FlexTensor, pixels: &[u8], crops: &[Crop], config: CropConfig) -> FlexTensor {
        let y = cpu::forward(pixels, crops, values(&mean.to_contiguous()), &config);
        from_values(y, output(crops, &config))
    }
}

impl CropOps for CubeBackend {
    fn crop(mean: CubeTensor, pixels: &[u8], crops: &[Crop], config: CropConfig) -> CubeTensor {
        let mean = into_contiguous(mean);
        let table: Vec<[u32; 8]> = crops.iter().map(Crop::words).collect();
        let pixels = upload(&mean, pixels);
        let table = upload(&mean, bytemuck::cast_slice(&table));
        let y = empty_like(&mean, output(crops, &config), mean.dtype);
        let CropConfig { stored, side, factor } = config;
        let [red, green, blue] = factor.map(Word::Float);
        let params = [Word::Size(stored), Word::Size(side), red, green, blue];
        launch(shader(), &[&mean, &pixels, &table], &[&y], &params, crops.len() * side * side);
        y
    }
}

fn output(crops: &[Crop], config: &CropConfig) -> Shape {
    Shape::new([crops.len(), 3, config.side, config.side])
}

fn shader() -> Shader {
    Shader::new("crop", include_str!("../../shaders/crop.wgsl"))
}

pub(super) fn shaders() -> Vec<Shader> {
    vec![shader()]
}
