//! Local response normalisation in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Threads share the pictures and groups. Inside one, a block of pixels stays in the first-level cache while
//! the channels go by; every inner loop runs along pixels, on the widest vector units that the processor has: the roots
//! and quotients of each value would otherwise take most of the time.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::LrnConfig;
use crate::kernels::recycle::take;
use crate::kernels::response::three_quarters;
use crate::kernels::vector::Vectors;

/// Pixels of a block: the rows of a window of a few channels then fit the first-level cache.
const BLOCK: usize = 512;

/// How one group of one picture lies in memory.
pub(super) struct Planes {
    /// Channels of the group.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
}

/// S^-beta.
trait Power: Copy + Sync {
    fn of(self, s: f32) -> f32;
}

/// For the paper's beta, 0.75.
#[derive(Clone, Copy)]
struct ThreeQuarters;

/// For any beta.
#[derive(Clone, Copy)]
struct Any(f32);

impl Power for ThreeQuarters {
    #[inline(always)]
    fn of(self, s: f32) -> f32 {
        three_quarters(s)
    }
}

impl Power for Any {
    #[inline(always)]
    fn of(self, s: f32) -> f32 {
        s.powf(-self.0)
    }
}

/// y_i = x_i * S_i^-beta for contiguous `[N, groups, channels, pixels]`.
pub(super) fn forward(x: &[f32], planes: &Planes, config: &LrnConfig) -> Vec<f32> {
    // One choice for the whole tensor keeps the loops free of branches.
    match config.beta {
        0.75 => forward_with(x, planes, config, ThreeQuarters),
        beta => forward_with(x, planes, config, Any(beta)),
    }
}

/// The gradient of `x` given `grad`, that of the output:
/// dx_j = g_j S_j^-beta - 2 alpha beta x_j * sum over {i : j in window(i)} of g_i x_i S_i^(-beta-1).
pub(super) fn backward(x: &[f32], grad: &[f32], planes: &Planes, config: &LrnConfig) -> Vec<f32> {
    match config.beta {
        0.75 => backward_with(x, grad, planes, config, ThreeQuarters),
        beta => backward_with(x, grad, planes, config, Any(beta)),
    }
}

fn forward_with(x: &[f32], planes: &Planes, config: &LrnConfig, power: impl Power) -> Vec<f32> {
    let vectors = Vectors::new();
    let mut y = take(x.len());
    let group = planes.group();
    let chunks = y.par_chunks_mut(group).zip(x.par_chunks(group));
    chunks.for_each(|(y, x)| vectors.run(Forward { y, x, planes, config, power }));
    y
}

fn backward_with(
    x: &[f32],
    grad: &[f32],
    planes: &Planes,
    config: &LrnConfig,
    power: impl Power,
) -> Vec<f32> {
    let vectors = Vectors::new();
    let mut dx = take(x.len());
    let group = planes.group();
    let chunks = dx.par_chunks_mut(group).zip(x.par_chunks(group)).zip(grad.par_chunks(group));
    chunks.for_each_init(
        || vec![0.0; planes.channels * BLOCK],
        |terms, ((dx, x), grad)| vectors.run(Backward { dx, x, grad, terms, planes, config, power }),
    );
    dx
}

/// One group of one picture.
struct Forward<'a, P> {
    y: &'a mut [f32],
    x: &'a [f32],
    planes: &'a Planes,
    config: &'a LrnConfig,
    power: P,
}

impl<P: Power> WithSimd for Forward<'_, P> {
    type Output = ();

    // Plain loops, which the compiler turns into instructions of the vector units that this is compiled for.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { y, x, planes, config, power } = self;
        let mut scratch = [0.0; BLOCK];
        for block in planes.blocks() {
            let s = &mut scratch[..block.len()];
            for channel in 0..planes.channels {
                planes.scales(s, x, channel, &block, config);
                let row = planes.row(channel, &block);
                for ((y, &x), &s) in y[row.clone()].iter_mut().zip(&x[row]).zip(&*s) {
                    *y = x * power.of(s);
                }
            }
        }
    }
}

/// One group of one picture.
struct Backward<'a, P> {
    dx: &'a mut [f32],
    x: &'a [f32],
    grad: &'a [f32],
    /// Room for g_i x_i S_i^(-beta-1) of a block, one row a channel.
    terms: &'a mut [f32],
    planes: &'a Planes,
    config: &'a LrnConfig,
    power: P,
}

impl<P: Power> WithSimd for Backward<'_, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { dx, x, grad, terms, planes, config, power } = self;
        let factor = 2.0 * config.alpha * config.beta;
        let mut scratch = [0.0; BLOCK];
        for block in planes.blocks() {
            let s = &mut scratch[..block.len()];
            for channel in 0..planes.channels {
                planes.scales(s, x, channel, &block, config);
                let row = planes.row(channel, &block);
                let inputs = x[row.clone()].iter().zip(&grad[row.clone()]).zip(&*s);
                let outputs = dx[row].iter_mut().zip(&mut terms[channel * BLOCK..]);
                for (((&x, &grad), &s), (dx, term)) in inputs.zip(outputs) {
                    *dx = grad * power.of(s);
                    *term = *dx * x / s;
                }
            }
            for channel in 0..planes.channels {
                // The channels whose windows hold this one: the window, mirrored.
                let windows = planes.window(channel, config.right(), config.left());
                let sum = &mut scratch[..block.len()];
                sum.fill(0.0);
                for other in windows {
                    for (sum, term) in sum.iter_mut().zip(&terms[other * BLOCK..]) {
                        *sum += term;
                    }
                }
                let row = planes.row(channel, &block);
                for ((dx, &x), &sum) in dx[row.clone()].iter_mut().zip(&x[row]).zip(&*sum) {
                    *dx -= factor * x * sum;
                }
            }
        }
    }
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
    #[inline(always)]
    fn scales(&self, s: &mut [f32], x: &[f32], channel: usize, block: &Range<usize>, config: &LrnConfig) {
        s.fill(0.0);
        for other in self.window(channel, config.left(), config.right()) {
            for (s, x) in s.iter_mut().zip(&x[self.row(other, block)]) {
                *s += x * x;
            }
        }
        for s in s {
            *s = config.k + config.alpha * *s;
        }
    }
}
