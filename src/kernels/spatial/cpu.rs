//! Spatial response normalisation in plain Rust: the reference of the shaders, and the path without a card.
//!
//! Threads share the maps (one channel of one picture each). The sum over a window is taken over rows first,
//! for a whole line at once, and then along the line: 2 * size additions a pixel instead of size^2, all in
//! loops that the compiler turns into vector instructions. A map and its scratch stay in the first-level cache.

use rayon::prelude::*;

use super::SpatialNormConfig;
use crate::kernels::response::three_quarters;

/// y = x * S^-beta for contiguous maps of `size` height and width.
pub(super) fn forward(x: &[f32], size: [usize; 2], config: &SpatialNormConfig) -> Vec<f32> {
    // One choice for the whole tensor keeps the loops free of branches.
    match config.beta {
        0.75 => forward_with(x, size, config, three_quarters),
        beta => forward_with(x, size, config, |s| s.powf(-beta)),
    }
}

/// The gradient of `x` given `grad`, that of the output:
/// dx_j = g_j S_j^-beta - 2 alpha beta x_j * sum over the window of j of g_i x_i S_i^(-beta-1).
pub(super) fn backward(x: &[f32], grad: &[f32], size: [usize; 2], config: &SpatialNormConfig) -> Vec<f32> {
    match config.beta {
        0.75 => backward_with(x, grad, size, config, three_quarters),
        beta => backward_with(x, grad, size, config, |s| s.powf(-beta)),
    }
}

fn forward_with<P>(x: &[f32], size: [usize; 2], config: &SpatialNormConfig, power: P) -> Vec<f32>
where
    P: Fn(f32) -> f32 + Sync,
{
    let mut y = vec![0.0; x.len()];
    let windows = Windows::new(size, config);
    let maps = y.par_chunks_mut(windows.area()).zip(x.par_chunks(windows.area()));
    maps.for_each_init(
        || Scratch::new(&windows),
        |scratch, (y, x)| {
            let sums = windows.sums_of_squares(x, scratch);
            for ((y, &x), &sum) in y.iter_mut().zip(x).zip(sums) {
                *y = x * power(config.k + config.alpha * sum);
            }
        },
    );
    y
}

fn backward_with<P>(
    x: &[f32],
    grad: &[f32],
    size: [usize; 2],
    config: &SpatialNormConfig,
    power: P,
) -> Vec<f32>
where
    P: Fn(f32) -> f32 + Sync,
{
    let mut dx = vec![0.0; x.len()];
    let windows = Windows::new(size, config);
    let factor = 2.0 * config.alpha * config.beta;
    let area = windows.area();
    let maps = dx.par_chunks_mut(area).zip(x.par_chunks(area)).zip(grad.par_chunks(area));
    maps.for_each_init(
        || Scratch::new(&windows),
        |scratch, ((dx, x), grad)| {
            windows.sums_of_squares(x, scratch);
            // g_i x_i S_i^(-beta-1) takes the place of the squares.
            let inputs = x.iter().zip(grad).zip(&scratch.sums);
            for (((&x, &grad), &sum), (dx, term)) in inputs.zip(dx.iter_mut().zip(&mut scratch.values)) {
                let s = config.k + config.alpha * sum;
                *dx = grad * power(s);
                *term = *dx * x / s;
            }
            // A window is symmetric: the pixels whose windows hold j are those of the window of j.
            windows.sums(scratch);
            for ((dx, &x), &sum) in dx.iter_mut().zip(x).zip(&scratch.sums) {
                *dx -= factor * x * sum;
            }
        },
    );
    dx
}

/// The windows around the pixels of a map.
struct Windows {
    height: usize,
    width: usize,
    radius: usize,
}

/// Memory that one thread uses again for every map.
struct Scratch {
    /// One value a pixel.
    values: Vec<f32>,
    /// The sum of the values over the window of each pixel.
    sums: Vec<f32>,
    /// A line of sums over rows, between as many zeros as a window reaches beyond the map.
    line: Vec<f32>,
}

impl Scratch {
    fn new(windows: &Windows) -> Self {
        let area = windows.height * windows.width;
        let line = windows.width + 2 * windows.radius;
        Self { values: vec![0.0; area], sums: vec![0.0; area], line: vec![0.0; line] }
    }
}

impl Windows {
    fn new(size: [usize; 2], config: &SpatialNormConfig) -> Self {
        Self { height: size[0], width: size[1], radius: config.radius(size) }
    }

    /// Pixels of a map. At least 1: chunks of an empty tensor need a size too.
    fn area(&self) -> usize {
        (self.height * self.width).max(1)
    }

    fn sums_of_squares<'a>(&self, x: &[f32], scratch: &'a mut Scratch) -> &'a [f32] {
        scratch.values.iter_mut().zip(x).for_each(|(square, x)| *square = x * x);
        self.sums(scratch);
        &scratch.sums
    }

    /// Sums `scratch.values` over every window.
    fn sums(&self, scratch: &mut Scratch) {
        let Scratch { values, sums, line } = scratch;
        let add = |sums: &mut [f32], values: &[f32]| {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        };
        for (row, sums) in sums.chunks_mut(self.width.max(1)).enumerate() {
            let inside = &mut line[self.radius..self.radius + self.width];
            inside.fill(0.0);
            for other in row.saturating_sub(self.radius)..(row + self.radius + 1).min(self.height) {
                add(inside, &values[other * self.width..][..self.width]);
            }
            sums.fill(0.0);
            for shift in 0..=2 * self.radius {
                add(sums, &line[shift..]);
            }
        }
    }
}
