//! Max pooling in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Threads share the planes (one channel of one picture each), so that every sum has one order and every run
//! gives the same bits.

use std::ops::Range;

use rayon::prelude::*;

use super::MaxPoolConfig;
use crate::kernels::rank::rank;
use crate::kernels::recycle::take;

/// The maxima of contiguous planes of `input` height and width.
pub(super) fn forward(x: &[f32], input: [usize; 2], config: &MaxPoolConfig) -> Vec<f32> {
    let windows = Windows::new(input, config);
    let mut y = vec![0.0; x.len() / area(input) * windows.count()];
    let planes = y.par_chunks_mut(windows.count()).zip(x.par_chunks(area(input)));
    planes.for_each_init(Vec::new, |ranks, (y, x)| {
        windows.for_each_maximum(x, ranks, |window, at| y[window] = x[at]);
    });
    y
}

/// The maxima, and where in its plane each was.
pub(super) fn forward_with_argmax(
    x: &[f32],
    input: [usize; 2],
    config: &MaxPoolConfig,
) -> (Vec<f32>, Vec<i32>) {
    let windows = Windows::new(input, config);
    let outputs = x.len() / area(input) * windows.count();
    let (mut y, mut argmax) = (vec![0.0; outputs], vec![0; outputs]);
    let planes = y.par_chunks_mut(windows.count()).zip(argmax.par_chunks_mut(windows.count()));
    planes.zip(x.par_chunks(area(input))).for_each_init(Vec::new, |ranks, ((y, argmax), x)| {
        windows.for_each_maximum(x, ranks, |window, at| {
            y[window] = x[at];
            argmax[window] = at as i32;
        });
    });
    (y, argmax)
}

/// The gradient of the input: each window's gradient, added to the pixel that was its maximum.
///
/// The windows of a plane are added in row-major order, the order in which the shader adds those of a pixel.
pub(super) fn backward(grad: &[f32], argmax: &[i32], input: [usize; 2], output: [usize; 2]) -> Vec<f32> {
    let mut dx = take(grad.len() / area(output) * area(input));
    let windows = grad.par_chunks(area(output)).zip(argmax.par_chunks(area(output)));
    dx.par_chunks_mut(area(input)).zip(windows).for_each(|(dx, (grad, argmax))| {
        // Memory fresh from the system is mapped once for a read and again for a write. Written first, it is
        // mapped once: the whole backward pass then takes a third of the time.
        dx.fill(0.0);
        for (&grad, &at) in grad.iter().zip(argmax) {
            dx[at as usize] += grad;
        }
    });
    dx
}

/// Pixels of a plane. At least 1: chunks of an empty tensor need a size too.
fn area([height, width]: [usize; 2]) -> usize {
    (height * width).max(1)
}

/// The rows and columns of the picture that the windows cover.
struct Windows {
    width: usize,
    rows: Vec<Range<usize>>,
    columns: Vec<Range<usize>>,
}

impl Windows {
    fn new(input: [usize; 2], config: &MaxPoolConfig) -> Self {
        let output = config.output_size(input);
        let along = |axis: usize| {
            let window = |index: usize| {
                let start = index * config.stride[axis];
                let end = (start + config.kernel[axis]).saturating_sub(config.padding[axis]);
                start.saturating_sub(config.padding[axis])..end.min(input[axis])
            };
            (0..output[axis]).map(window).collect()
        };
        Self { width: input[1], rows: along(0), columns: along(1) }
    }

    fn count(&self) -> usize {
        self.rows.len() * self.columns.len()
    }

    /// Calls `found(window, pixel)` with the first maximum of every window of plane `x`.
    fn for_each_maximum(&self, x: &[f32], ranks: &mut Vec<i32>, mut found: impl FnMut(usize, usize)) {
        // Ranked once, since overlapping windows look at a pixel several times.
        ranks.clear();
        ranks.extend(x.iter().map(|&value| rank(value)));
        let mut window = 0;
        for rows in &self.rows {
            for columns in &self.columns {
                let (mut best, mut at) = (i32::MIN, 0);
                for row in rows.clone() {
                    let start = row * self.width + columns.start;
                    for (offset, &rank) in ranks[start..start + columns.len()].iter().enumerate() {
                        // Without a branch, which the processor would guess wrong half the time.
                        let better = rank > best;
                        at = if better { start + offset } else { at };
                        best = best.max(rank);
                    }
                }
                found(window, at);
                window += 1;
            }
        }
    }
}
