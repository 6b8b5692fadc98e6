//! The most that a device can do, measured: what the shares of the other figures are of.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use serde::Serialize;

use crate::kernels::{MULTIPLY_ADDS, copy, multiply_adds};

/// Values of the copy: 64 MiB to read and as many to write, more than any cache holds.
const COPIED: usize = 16 << 20;
/// Threads of the multiply-adds, more than any card has at once.
const THREADS: usize = 1 << 18;
/// The multiply-adds are to take at least this long: threads that begin on the same core need some time to part.
const LEAST_SECONDS: f64 = 0.1;
/// Runs of which the best counts, at least.
const LEAST_RUNS: usize = 5;
/// A loop of more rounds might be taken for one that never ends.
const MOST_ROUNDS: usize = 1 << 14;

/// What was measured; the best of several runs, since a ceiling is what nothing exceeds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Ceilings {
    /// 10^9 multiplications and additions of 32-bit floats a second, in registers.
    pub gflop_per_s: f64,
    /// 10^9 bytes a second, read and written, of a copy.
    pub gb_per_s: f64,
}

impl Ceilings {
    pub(super) fn measure(device: &Device, runs: usize) -> Self {
        let runs = runs.max(LEAST_RUNS);
        let x = Tensor::<1>::random([THREADS], Distribution::Uniform(0.1, 0.9), device);
        let mut rounds = 8;
        let mut seconds = best(1, device, || multiply_adds(x.clone(), rounds));
        while seconds < LEAST_SECONDS && rounds < MOST_ROUNDS {
            rounds *= 2;
            seconds = best(1, device, || multiply_adds(x.clone(), rounds));
        }
        let seconds = best(runs, device, || multiply_adds(x.clone(), rounds)).min(seconds);
        let gflop_per_s = 2e-9 * (THREADS * rounds * MULTIPLY_ADDS) as f64 / seconds;
        let x = Tensor::<1>::random([COPIED], Distribution::Default, device);
        let seconds = best(runs, device, || copy(x.clone()));
        let gb_per_s = 1e-9 * (2 * COPIED * size_of::<f32>()) as f64 / seconds;
        Self { gflop_per_s, gb_per_s }
    }
}

/// Seconds of the quickest run, after one that does not count.
fn best(runs: usize, device: &Device, work: impl Fn() -> Tensor<1>) -> f64 {
    let once = || {
        let start = Instant::now();
        let result = work();
        if let Err(error) = device.sync() {
            log::error!("the device no longer answers: {error}");
        }
        let seconds = start.elapsed().as_secs_f64();
        drop(result);
        seconds
    };
    once();
    (0..runs).map(|_| once()).fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE)
}
