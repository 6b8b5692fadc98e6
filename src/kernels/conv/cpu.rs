//! Convolution in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Each group of a picture is copied once into planes with zeros around, split by `row % stride` and
//! `column % stride`. There, what one tap of a kernel sees at all positions is one stretch of memory, and a
//! convolution is a matrix product whose right side is never written down: row `k` begins at `offsets[k]`.
//! Threads share the pictures and groups; every sum has one order, whatever the number of threads.

use rayon::prelude::*;

use super::planes::{Part, Planes};
use super::sizes::Sizes;
use crate::kernels::recycle::take;
use crate::kernels::relu::finished;
use crate::kernels::vector::{Stretch, Vectors, panels};

/// Partial gradients of the weights, each of its own pictures. Their number must not depend on that of the
/// threads, or the sums would.
const PARTS: usize = 4;
/// Gradients that are gone through again for each few weights: they fit a second-level cache.
const TURNED_BYTES: usize = 256 << 10;

/// The output `[N, out, H', W']`, not below 0 with `relu`.
pub(super) fn forward(x: &[f32], weight: &[f32], bias: &[f32], sizes: &Sizes, relu: bool) -> Vec<f32> {
    let vectors = Vectors::new();
    let planes = Planes::of_input(sizes, vectors);
    let offsets = planes.offsets(sizes);
    let fan_in = sizes.fan_in();
    let kernels: Vec<Vec<f32>> = (0..sizes.groups)
        .map(|group| {
            let weight = &weight[group * sizes.out_each() * fan_in..][..sizes.out_each() * fan_in];
            panels(vectors.rows(), sizes.out_each(), fan_in, |row, k| weight[row * fan_in + k])
        })
        .collect();
    let mut y = take(sizes.pictures * sizes.groups * sizes.output_each());
    let tasks = y.par_chunks_mut(sizes.output_each()).zip(x.par_chunks(sizes.input_each())).enumerate();
    tasks.for_each_init(
        || planes.memory(sizes.channels_each()),
        |memory, (index, (y, x))| {
            let group = index % sizes.groups;
            planes.fill(x, [sizes.height, sizes.width], memory);
            let bias = &bias[group * sizes.out_each()..][..sizes.out_each()];
            planes.product(vectors, &kernels[group], memory, &offsets, |row, part, values| {
                let Some(&bias) = bias.get(row) else { return };
                let at = row * sizes.positions() + part.line * sizes.columns + part.place;
                for (y, value) in y[at..][..values.len()].iter_mut().zip(values) {
                    *y = finished(value + bias, relu);
                }
            });
        },
    );
    y
}

/// The gradient of the input, given that of the output.
pub(super) fn backward_x(weight: &[f32], grad: &[f32], sizes: &Sizes) -> Vec<f32> {
    let vectors = Vectors::new();
    let phases: Vec<Phase> = (0..sizes.stride * sizes.stride)
        .map(|index| Phase::new(index / sizes.stride, index % sizes.stride, weight, sizes, vectors))
        .collect();
    let planes = Phase::planes(sizes, vectors);
    let offsets: Vec<Vec<usize>> = phases.iter().map(|phase| phase.offsets(&planes, sizes)).collect();
    let mut dx = take(sizes.pictures * sizes.groups * sizes.input_each());
    let tasks = dx.par_chunks_mut(sizes.input_each()).zip(grad.par_chunks(sizes.output_each())).enumerate();
    tasks.for_each_init(
        || planes.memory(sizes.out_each()),
        |memory, (index, (dx, grad))| {
            planes.fill(grad, [sizes.rows, sizes.columns], memory);
            if offsets.iter().any(Vec::is_empty) {
                // Pixels that no tap meets, which nobody writes.
                dx.fill(0.0);
            }
            for (phase, offsets) in phases.iter().zip(&offsets) {
                let kernels = &phase.kernels[index % sizes.groups];
                planes.product(vectors, kernels, memory, offsets, |channel, part, values| {
                    if channel < sizes.channels_each() {
                        phase.store(values, &part, &mut dx[channel * sizes.pixels()..], sizes);
                    }
                });
            }
        },
    );
    dx
}

/// The gradient of the flat weights, given that of the output.
pub(super) fn backward_weight(x: &[f32], grad: &[f32], sizes: &Sizes) -> Vec<f32> {
    let vectors = Vectors::new();
    let planes = Planes::of_input(sizes, vectors);
    let offsets = planes.offsets(sizes);
    let (columns, fan_in, out) = (vectors.columns(), sizes.fan_in(), sizes.out_each());
    let panels = out.div_ceil(columns);
    let parts = sizes.pictures.min(PARTS);
    let share = sizes.pictures.div_ceil(parts);
    // The places between two lines of the planes have gradients of 0: one stretch is faster than many short ones.
    let span = (sizes.rows - 1) * planes.pitch + sizes.columns;
    // As many pictures at once as leave their gradients in the second-level cache.
    let together = (TURNED_BYTES / (columns * span * size_of::<f32>())).clamp(1, share);
    let stretch = Stretch { length: span, picture: planes.values(sizes.channels_each()) };
    // `[parts, groups, panels, fan_in, columns]`
    let each = fan_in * columns;
    let mut partials = vec![0.0; parts * sizes.groups * panels * each];
    partials.par_chunks_mut(each).enumerate().for_each_init(
        || (planes.memory(together * sizes.channels_each()), vec![0.0; together * columns * span]),
        |(memory, turned), (index, sums)| {
            let (part, group, panel) =
                (index / panels / sizes.groups, index / panels % sizes.groups, index % panels);
            sums.fill(0.0);
            let pictures = part * share..((part + 1) * share).min(sizes.pictures);
            for first in pictures.clone().step_by(together) {
                let count = together.min(pictures.end - first);
                let memories = memory.chunks_mut(stretch.picture).zip(turned.chunks_mut(columns * span));
                for (picture, (memory, turned)) in (first..first + count).zip(memories) {
                    let at = picture * sizes.groups + group;
                    let x = &x[at * sizes.input_each()..][..sizes.input_each()];
                    planes.fill(x, [sizes.height, sizes.width], memory);
                    let grad = &grad[at * sizes.output_each()..][..sizes.output_each()];
                    let panel = grad.chunks(columns * sizes.positions()).nth(panel).unwrap_or_default();
                    turn(panel, sizes, planes.pitch, columns, turned);
                }
                let turned = &turned[..count * columns * span];
                vectors.correlation(turned, memory, stretch, &offsets, sums);
            }
        },
    );
    let mut dw = vec![0.0; sizes.out * fan_in];
    dw.par_chunks_mut(fan_in).enumerate().for_each(|(row, dw)| {
        let (group, row) = (row / out, row % out);
        for part in 0..parts {
            let sums = &partials[((part * sizes.groups + group) * panels + row / columns) * each..][..each];
            for (k, dw) in dw.iter_mut().enumerate() {
                *dw += sums[k * columns + row % columns];
            }
        }
    });
    dw
}

/// The gradient of the biases: the sums of the planes of `[pictures, channels, positions]`, over the pictures in
/// their order.
pub(super) fn backward_bias(grad: &[f32], [pictures, channels, positions]: [usize; 3]) -> Vec<f32> {
    let plane_sum = |plane: &[f32]| {
        // Sixteen sums side by side: a vector, whatever its width.
        let (chunks, rest) = plane.as_chunks::<16>();
        let mut sums = [0.0_f32; 16];
        chunks.iter().for_each(|chunk| sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value));
        sums.iter().chain(rest).sum::<f32>()
    };
    let planes = |channel| (0..pictures).map(move |picture| (picture * channels + channel) * positions);
    let sum_of = |channel| planes(channel).map(|at| plane_sum(&grad[at..][..positions])).sum();
    (0..channels).into_par_iter().map(sum_of).collect()
}

/// Up to `columns` maps, `[maps, H', W']`, as `[H', pitch, columns]`; the places of other maps and those between
/// two lines are left as they are.
fn turn(from: &[f32], sizes: &Sizes, pitch: usize, columns: usize, to: &mut [f32]) {
    let maps = from.len() / sizes.positions();
    for (line, to) in to.chunks_mut(pitch * columns).enumerate() {
        // A few places at a time, so that the lines of the cache that are written stay there.
        for first in (0..sizes.columns).step_by(16) {
            let count = (sizes.columns - first).min(16);
            for map in 0..maps {
                let from = &from[map * sizes.positions() + line * sizes.columns + first..][..count];
                for (to, value) in to[first * columns..].chunks_mut(columns).zip(from) {
                    to[map] = *value;
                }
            }
        }
    }
}

/// The pixels of the input whose padded row and column leave the same rests when divided by the stride: the same
/// taps meet all of them.
struct Phase {
    rests: [usize; 2],
    /// For each group `[panels, (out, tap row, tap column), rows]`.
    kernels: Vec<Vec<f32>>,
}

impl Phase {
    /// The first and the last quotient of a padded row and column by the stride.
    fn range(sizes: &Sizes) -> [[usize; 2]; 2] {
        let before = [sizes.top, sizes.left];
        let sides = [sizes.height, sizes.width];
        let last = [0, 1].map(|axis| (before[axis] + sides[axis] - 1) / sizes.stride);
        [before.map(|before| before / sizes.stride), last]
    }

    /// The gradients as all phases see them: results stand `stride` pixels apart, and see at most `reach + 1` outputs
    /// each way.
    fn planes(sizes: &Sizes, vectors: Vectors) -> Planes {
        let reach = (sizes.kernel - 1) / sizes.stride;
        let [first, last] = Self::range(sizes);
        let before = first.map(|first| reach as isize - first as isize);
        let grid = [0, 1].map(|axis| last[axis] - first[axis] + 1);
        Planes::new(1, before, grid, reach, sizes.columns, vectors)
    }

    fn new(row: usize, column: usize, weight: &[f32], sizes: &Sizes, vectors: Vectors) -> Self {
        let rests = [row, column];
        let [down, right] = Self::taps(rests, sizes);
        let channels = sizes.channels_each();
        let terms = sizes.out_each() * down * right;
        let kernels = (0..sizes.groups)
            .map(|group| {
                panels(vectors.rows(), channels, terms, |channel, k| {
                    let out = group * sizes.out_each() + k / (down * right);
                    let ky = k / right % down * sizes.stride + row;
                    let kx = k % right * sizes.stride + column;
                    weight[(out * channels + channel) * sizes.taps() + ky * sizes.kernel + kx]
                })
            })
            .collect();
        Self { rests, kernels }
    }

    /// How many taps meet these pixels, down and across.
    fn taps(rests: [usize; 2], sizes: &Sizes) -> [usize; 2] {
        rests.map(|rest| sizes.kernel.saturating_sub(rest).div_ceil(sizes.stride))
    }

    fn offsets(&self, planes: &Planes, sizes: &Sizes) -> Vec<usize> {
        let [down, right] = Self::taps(self.rests, sizes);
        let reach = (sizes.kernel - 1) / sizes.stride;
        (0..sizes.out_each() * down * right)
            .map(|k| {
                let (out, row, column) = (k / (down * right), k / right % down, k % right);
                out * planes.plane() + (reach - row) * planes.pitch + reach - column
            })
            .collect()
    }

    /// Writes a stretch of results, which stand `stride` pixels apart, into the plane `dx`.
    fn store(&self, values: &[f32], part: &Part, dx: &mut [f32], sizes: &Sizes) {
        let [first, _] = Self::range(sizes);
        let padded = (first[0] + part.line) * sizes.stride + self.rests[0];
        let row = padded.wrapping_sub(sizes.top);
        if row >= sizes.height {
            return;
        }
        let dx = &mut dx[row * sizes.width..][..sizes.width];
        let padded = (first[1] + part.place) * sizes.stride + self.rests[1];
        if sizes.stride == 1 {
            dx[padded - sizes.left..][..values.len()].copy_from_slice(values);
            return;
        }
        for (index, value) in values.iter().enumerate() {
            let column = (padded + index * sizes.stride).wrapping_sub(sizes.left);
            if let Some(dx) = dx.get_mut(column) {
                *dx = *value;
            }
        }
    }
}
