//! Local response normalisation in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Threads share the pictures and groups. Inside one, a block of pixels stays in the first-level cache while
//! the channels go by; every inner loop runs along pixels, which the compiler turns into vector
//! instructions. The work then runs close to the speed of memory.

use std::ops::Range;

use rayon::prelude::*;

use super::LrnConfig;
use crate::kernels::recycle::take;
use crate::kernels::response::three_quarters;

/// Pixels of a block: the rows of a window of a few channels then fit the first-level cache.
const BLOCK: usize = 512;

/// How one group of one picture lies in memory.
pub(super) struct Planes {
    /// Channels of the group.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
}

/// y_i = x_i * S_i^-beta for contiguous `[N, groups, channels, pixels]`.
pub(super) fn forward(x: &[f32], planes: &Planes, config: &LrnConfig) -> Vec<f32> {
    // One choice for the whole tensor keeps the loops free of branches.
    match config.beta {
        0.75 => forward_with(x, planes, config, three_quarters),
        beta => forward_with(x, planes, config, |s| s.powf(-beta)),
    }
}

/// The gradient of `x` given `grad`, that of the output:
/// dx_j = g_j S_j^-beta - 2 alpha beta x_j * sum over {i : j in window(i)} of g_i x_i S_i^(-beta-1).
pub(super) fn backward(x: &[f32], grad: &[f32], planes: &Planes, config: &LrnConfig) -> Vec<f32> {
    match config.beta {
        0.75 => backward_with(x, grad, planes, config, three_quarters),
        beta => backward_with(x, grad, planes, config, |s| s.powf(-beta)),
    }
}

fn forward_with<P>(x: &[f32], planes: &Planes, config: &LrnConfig, power: P) -> Vec<f32>
where
    P: Fn(f32) -> f32 + Sync,
{
    let mut y = take(x.len());
    let group = planes.group();
    y.par_chunks_mut(group).zip(x.par_chunks(group)).for_each(|(y, x)| {
        let mut scratch = [0.0; BLOCK];
        for block in planes.blocks() {
            let s = &mut scratch[..block.len()];
            for channel in 0..planes.channels {
                planes.scales(s, x, channel, &block, config);
                let row = planes.row(channel, &block);
                for ((y, &x), &s) in y[row.clone()].iter_mut().zip(&x[row]).zip(&*s) {
                    *y = x * power(s);
                }
            }
        }
    });
    y
}

fn backward_with<P>(x: &[f32], grad: &[f32], planes: &Planes, config: &LrnConfig, power: P) -> Vec<f32>
where
    P: Fn(f32) -> f32 + Sync,
{
    let mut dx = take(x.len());
    let group = planes.group();
    let factor = 2.0 * config.alpha * config.beta;
    let chunks = dx.par_chunks_mut(group).zip(x.par_chunks(group)).zip(grad.par_chunks(group));
    chunks.for_each(|((dx, x), grad)| {
        let mut scratch = [0.0; BLOCK];
        // g_i x_i S_i^(-beta-1) of a block, one row a channel.
        let mut terms = vec![0.0; planes.channels * BLOCK];
        for block in planes.blocks() {
            let s = &mut scratch[..block.len()];
            for channel in 0..planes.channels {
                planes.scales(s, x, channel, &block, config);
                let row = planes.row(channel, &block);
                let inputs = x[row.clone()].iter().zip(&grad[row.clone()]).zip(&*s);
                let outputs = dx[row].iter_mut().zip(&mut terms[channel * BLOCK..]);
                for (((&x, &grad), &s), (dx, term)) in inputs.zip(outputs) {
                    *dx = grad * power(s);
                    *term = *dx * x / s;
                }
            }
            for channel in 0..planes.channels {
                // The channels whose windows hold this one: the window, mirrored.
                let windows = planes.window(channel, config.right(), config.left());
                let sum = &mut scratch[..block.len()];
                sum.fill(0.0);
                for other in windows {
                    sum.iter_mut().zip(&terms[other * BLOCK..]).for_each(|(sum, term)| *sum += term);
                }
                let row = planes.row(channel, &block);
                for ((dx, &x), &sum) in dx[row.clone()].iter_mut().zip(&x[row]).zip(&*sum) {
                    *dx -= factor * x * sum;
                }
            }
        }
    });
    dx
}

impl Planes {
    /// Values of a group. At least 1: an empty tensor has no groups, but chunks need a size.
    fn group(&self) -> usize {
        (self.channels * self.pixels).max(1)
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> {
        let pixels = self.pixels;
        (0..pixels).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(pixels))
    }

    /// Where the pixels of `block` of `channel` lie in the group.
    fn row(&self, channel: usize, block: &Range<usize>) -> Range<usize> {
        let start = channel * self.pixels;
        start + block.start..start + block.end
    }

    /// The channels from `before` before `channel` to `after` after it that the group has.
    fn window(&self, channel: usize, before: usize, after: usize) -> Range<usize> {
        channel.saturating_sub(before)..(channel + after + 1).min(self.channels)
    }

    /// S of the pixels of `block` of `channel`.
    fn scales(&self, s: &mut [f32], x: &[f32], channel: usize, block: &Range<usize>, config: &LrnConfig) {
        s.fill(0.0);
        for other in self.window(channel, config.left(), config.right()) {
            s.iter_mut().zip(&x[self.row(other, block)]).for_each(|(s, x)| *s += x * x);
        }
        s.iter_mut().for_each(|s| *s = config.k + config.alpha * *s);
    }
}
