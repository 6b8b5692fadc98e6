//! Linear layers in plain Rust: the reference of the shaders, and the path without a card.
//!
//! The weights are by far the largest of the three matrices, and each of them meets few numbers. So they are
//! gone through once, in the order of memory, while the pictures stay in a cache. Threads share the outputs or the
//! inputs; every sum has one order, whatever the number of threads.

use rayon::prelude::*;

use crate::kernels::recycle::take;
use crate::kernels::relu::finished;
use crate::kernels::vector::{Stretch, Vectors, panels};

/// Inputs of a block of the forward pass: with 32 pictures side by side they fit half a second-level cache.
const INPUTS: usize = 2048;
/// Outputs of a block of the gradient of the input: rows of the weights that are read side by side.
const OUTPUTS: usize = 128;
/// Inputs that a thread works out the gradient of at once: with [`OUTPUTS`] they fit a second-level cache.
const WIDTH: usize = 256;
/// Panels of outputs that a thread works on at once.
const PANELS: usize = 4;

/// The sizes of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub pictures: usize,
    pub inputs: usize,
    pub out: usize,
}

/// The output `[N, out]`, not below 0 with `relu`.
pub(super) fn forward(x: &[f32], weight: &[f32], bias: &[f32], sizes: Sizes, relu: bool) -> Vec<f32> {
    let Sizes { pictures, inputs, out } = sizes;
    let vectors = Vectors::new();
    let columns = vectors.columns();
    let turned = turn(x, sizes, columns);
    let group = PANELS * vectors.rows();
    // For each group of outputs `[pictures / columns, group, columns]`.
    let each = pictures.div_ceil(columns) * group * columns;
    let mut sums = vec![0.0; out.div_ceil(group) * each];
    sums.par_chunks_mut(each.max(1)).enumerate().for_each(|(index, sums)| {
        let outputs = index * group..((index + 1) * group).min(out);
        for first in (0..inputs).step_by(INPUTS) {
            let length = INPUTS.min(inputs - first);
            let offsets: Vec<usize> = outputs.clone().map(|output| output * inputs + first).collect();
            let pictures = turned.chunks_exact(inputs * columns).zip(sums.chunks_exact_mut(group * columns));
            for (turned, sums) in pictures {
                let turned = &turned[first * columns..][..length * columns];
                let sums = &mut sums[..offsets.len() * columns];
                vectors.correlation(turned, weight, Stretch { length, picture: 0 }, &offsets, sums);
            }
        }
    });
    let mut y = vec![0.0; pictures * out];
    y.par_chunks_mut(out.max(1)).enumerate().for_each(|(picture, y)| {
        let (panel, column) = (picture / columns, picture % columns);
        for (output, (y, bias)) in y.iter_mut().zip(bias).enumerate() {
            let at = (panel * group + output % group) * columns + column;
            *y = finished(sums[output / group * each + at] + bias, relu);
        }
    });
    y
}

/// The gradient of the input, given that of the output.
pub(super) fn backward_x(weight: &[f32], grad: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { pictures, inputs, out } = sizes;
    let vectors = Vectors::new();
    let (columns, height) = (vectors.columns(), vectors.rows());
    // For each block of outputs `[panels of pictures, outputs, pictures]`.
    let lefts: Vec<Vec<f32>> = (0..out)
        .step_by(OUTPUTS)
        .map(|first| {
            let terms = OUTPUTS.min(out - first);
            panels(height, pictures, terms, |picture, k| grad[picture * out + first + k])
        })
        .collect();
    let offsets: Vec<usize> = (0..OUTPUTS).map(|term| term * columns).collect();
    // For each piece of the inputs `[tiles, pictures, columns]`, the pictures rounded up to whole panels.
    let rows = pictures.next_multiple_of(height);
    let tiles = WIDTH / columns;
    let mut pieces = vec![0.0; inputs.div_ceil(WIDTH) * tiles * rows * columns];
    pieces.par_chunks_mut(tiles * rows * columns).enumerate().for_each_init(
        || vec![0.0; OUTPUTS * WIDTH],
        |packed, (index, sums)| {
            let first = index * WIDTH;
            let width = WIDTH.min(inputs - first);
            for (block, left) in lefts.iter().enumerate() {
                let terms = OUTPUTS.min(out - block * OUTPUTS);
                for term in 0..terms {
                    let from = &weight[(block * OUTPUTS + term) * inputs + first..][..width];
                    for (tile, from) in from.chunks(columns).enumerate() {
                        let to = &mut packed[(tile * OUTPUTS + term) * columns..];
                        to[..from.len()].copy_from_slice(from);
                    }
                }
                let packed = packed.chunks_exact(OUTPUTS * columns);
                let of_tiles = packed.zip(sums.chunks_exact_mut(rows * columns));
                for (packed, sums) in of_tiles.take(width.div_ceil(columns)) {
                    vectors.shifted_product(left, packed, &offsets[..terms], 0, |panel, values| {
                        let sums = &mut sums[panel * height * columns..][..values.len()];
                        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                    });
                }
            }
        },
    );
    let mut dx = vec![0.0; pictures * inputs];
    dx.par_chunks_mut(inputs.max(1)).enumerate().for_each(|(picture, dx)| {
        for (tile, dx) in dx.chunks_mut(columns).enumerate() {
            dx.copy_from_slice(&pieces[(tile * rows + picture) * columns..][..dx.len()]);
        }
    });
    dx
}

/// The gradient of the weights `[out, in]`, given that of the output.
pub(super) fn backward_weight(x: &[f32], grad: &[f32], sizes: Sizes) -> Vec<f32> {
    let Sizes { pictures, inputs, out } = sizes;
    let vectors = Vectors::new();
    let (columns, height) = (vectors.columns(), vectors.rows());
    // `[tiles, pictures, columns]`: what a tile needs stands together.
    let mut tiles = vec![0.0; inputs.div_ceil(columns) * pictures * columns];
    tiles.par_chunks_mut((pictures * columns).max(1)).enumerate().for_each(|(tile, to)| {
        let first = tile * columns;
        let width = columns.min(inputs - first);
        for (picture, to) in to.chunks_exact_mut(columns).enumerate() {
            to[..width].copy_from_slice(&x[picture * inputs + first..][..width]);
        }
    });
    let offsets: Vec<usize> = (0..pictures).map(|picture| picture * columns).collect();
    let group = PANELS * height;
    let mut dw = take(out * inputs);
    dw.par_chunks_mut((group * inputs).max(1)).enumerate().for_each(|(index, dw)| {
        let (first, rows) = (index * group, dw.len() / inputs);
        let left = panels(height, rows, pictures, |row, picture| grad[picture * out + first + row]);
        for (tile, right) in tiles.chunks_exact(pictures * columns).enumerate() {
            let at = tile * columns;
            let width = columns.min(inputs - at);
            vectors.shifted_product(&left, right, &offsets, 0, |panel, values| {
                let rows = dw.chunks_exact_mut(inputs).skip(panel * height);
                for (dw, values) in rows.zip(values.chunks_exact(columns)) {
                    dw[at..at + width].copy_from_slice(&values[..width]);
                }
            });
        }
    });
    dw
}

/// `x` as `[pictures / columns, inputs, columns]`: the pictures side by side, zeros beyond the last.
fn turn(x: &[f32], Sizes { pictures, inputs, .. }: Sizes, columns: usize) -> Vec<f32> {
    /// Inputs of a task: their lines of the cache stay there while the pictures go by.
    const TOGETHER: usize = 16;
    let mut turned = vec![0.0; pictures.div_ceil(columns) * inputs * columns];
    turned.par_chunks_mut((inputs * columns).max(1)).enumerate().for_each(|(panel, turned)| {
        let first = panel * columns;
        turned.par_chunks_mut(TOGETHER * columns).enumerate().for_each(|(index, turned)| {
            for column in 0..columns.min(pictures - first) {
                let from = &x[(first + column) * inputs + index * TOGETHER..];
                for (to, from) in turned.chunks_exact_mut(columns).zip(from) {
                    to[column] = *from;
                }
            }
        });
    });
    turned
}
