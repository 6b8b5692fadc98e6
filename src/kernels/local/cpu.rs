//! Locally connected layers in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Threads share the positions. Each is a matrix product of its kernels with the patches of all pictures,
//! small enough that the patches stay in the second-level cache. The product itself is burn's, which has
//! vector instructions for every processor. Maps are `[C, H, W, N]`.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use rayon::prelude::*;

use super::Sizes;
use crate::kernels::host::{from_values, values};

/// The output `[out, H', W', N]`.
pub(super) fn forward(x: &FlexTensor, weight: &FlexTensor, bias: &FlexTensor, sizes: &Sizes) -> FlexTensor {
    let kernels = weight.reshape(Shape::new([sizes.positions(), sizes.out, sizes.fan_in()]));
    let maps: Vec<FlexTensor> = (0..sizes.positions())
        .into_par_iter()
        .map(|position| product(kernels.narrow(0, position, 1), sizes.patches(x, position)))
        .collect();
    let bias = values(bias);
    let y = arrange(&maps, sizes.out, sizes.pictures, |at, map, y| {
        y.iter_mut().zip(map).for_each(|(y, value)| *y = value + bias[at]);
    });
    from_values(y, [sizes.out, sizes.rows, sizes.columns, sizes.pictures])
}

/// The gradient `[C, H, W, N]` of the input, given that of the output, `[out, H', W', N]`.
///
/// A pixel adds up one product for each tap that meets it, always in row-major order of the taps.
pub(super) fn backward_x(weight: &FlexTensor, grad: &FlexTensor, sizes: &Sizes) -> FlexTensor {
    let kernels = [sizes.positions(), sizes.out, sizes.channels, sizes.taps()];
    let kernels = weight.reshape(Shape::new(kernels));
    let grad = grad.reshape(Shape::new([1, sizes.out, sizes.positions(), sizes.pictures]));
    let maps: Vec<FlexTensor> = (0..sizes.height * sizes.width)
        .into_par_iter()
        .map(|pixel| {
            let mut sums = vec![0.0; sizes.channels * sizes.pictures];
            for (position, tap) in sizes.windows(pixel) {
                // [1, 1, C, out] by [1, 1, out, N], neither of them copied.
                let taps = kernels.narrow(0, position, 1).narrow(3, tap, 1).permute(&[0, 3, 2, 1]);
                let part = product(taps, grad.narrow(2, position, 1).permute(&[0, 2, 1, 3]));
                sums.iter_mut().zip(values(&part)).for_each(|(sum, part)| *sum += part);
            }
            from_values(sums, [sizes.channels, sizes.pictures])
        })
        .collect();
    let dx = arrange(&maps, sizes.channels, sizes.pictures, |_, map, dx| dx.copy_from_slice(map));
    from_values(dx, [sizes.channels, sizes.height, sizes.width, sizes.pictures])
}

/// The gradient of the flat weights, given `x` and the gradient of the output, `[out, H', W', N]`.
pub(super) fn backward_weight(x: &FlexTensor, grad: &FlexTensor, sizes: &Sizes) -> FlexTensor {
    let grad = grad.reshape(Shape::new([sizes.out, sizes.positions(), sizes.pictures]));
    let kernels = sizes.out * sizes.fan_in();
    let mut dw = vec![0.0; sizes.positions() * kernels];
    dw.par_chunks_mut(kernels).enumerate().for_each(|(position, dw)| {
        let grad = grad.narrow(1, position, 1).permute(&[1, 0, 2]);
        let product = product(grad, sizes.patches(x, position).transpose(1, 2));
        dw.copy_from_slice(values(&product));
    });
    from_values(dw, [sizes.positions() * kernels])
}

fn product(left: FlexTensor, right: FlexTensor) -> FlexTensor {
    Flex::float_matmul(left, right)
}

/// `maps`, one `[rows, N]` a place, as `[rows, places, N]`. `put(index, from, to)` moves the pictures of one
/// row and place, whose index is `row * places + place`.
fn arrange<F>(maps: &[FlexTensor], rows: usize, pictures: usize, put: F) -> Vec<f32>
where
    F: Fn(usize, &[f32], &mut [f32]) + Sync,
{
    let mut all = vec![0.0; rows * maps.len() * pictures];
    all.par_chunks_mut(maps.len() * pictures).enumerate().for_each(|(row, places)| {
        for (place, (to, map)) in places.chunks_mut(pictures).zip(maps).enumerate() {
            put(row * maps.len() + place, &values(map)[row * pictures..][..pictures], to);
        }
    });
    all
}

impl Sizes {
    /// What the kernels of `position` see, `[1, in k k, N]`: zeros beyond the map.
    fn patches(&self, x: &FlexTensor, position: usize) -> FlexTensor {
        let x = values(x);
        let mut patches = vec![0.0; self.fan_in() * self.pictures];
        for (row, patch) in patches.chunks_mut(self.pictures).enumerate() {
            let (channel, tap) = (row / self.taps(), row % self.taps());
            // Above or left of the map these wrap around to more than any size.
            let iy = (position / self.columns + tap / self.kernel).wrapping_sub(self.padding);
            let ix = (position % self.columns + tap % self.kernel).wrapping_sub(self.padding);
            if iy < self.height && ix < self.width {
                let at = (channel * self.height + iy) * self.width + ix;
                patch.copy_from_slice(&x[at * self.pictures..][..self.pictures]);
            }
        }
        from_values(patches, [1, self.fan_in(), self.pictures])
    }

    /// The positions whose kernels see `pixel`, and with which of their taps.
    fn windows(&self, pixel: usize) -> impl Iterator<Item = (usize, usize)> {
        let (iy, ix) = (pixel / self.width + self.padding, pixel % self.width + self.padding);
        (0..self.taps()).filter_map(move |tap| {
            let row = iy.wrapping_sub(tap / self.kernel);
            let column = ix.wrapping_sub(tap % self.kernel);
            (row < self.rows && column < self.columns).then_some((row * self.columns + column, tap))
        })
    }
}
