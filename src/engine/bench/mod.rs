//! Measurements of this program on this machine, for people who compare machines and for those who make it faster.
//!
//! Every figure is the median of several runs; the things to be compared take turns, so that a machine that slows down
//! meanwhile slows down all of them.

mod ceiling;
mod data;
mod footprint;
mod jobs;
mod kernels;
mod photographs;
mod steps;
mod tune;

use serde::Serialize;

use crate::device;

pub use ceiling::Ceilings;
pub use data::{DataBench, DataBenchRequest, Rate, data};
pub use kernels::{KernelBench, KernelBenchRequest, KernelSpeed, kernels};
pub use steps::{StepBench, StepBenchRequest, StepSpeed, steps};
pub use tune::{TuneRequest, Tuned, TunedRows, tune};

/// What the figures were measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name, as far as the system tells it, and its threads.
    pub processor: String,
    /// Threads that may run at once.
    pub threads: usize,
    pub system: &'static str,
    pub architecture: &'static str,
    /// Of this program.
    pub version: &'static str,
}

impl Machine {
    fn here() -> Self {
        Self {
            processor: device::processor().name,
            threads: device::worker_threads(),
            system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// Where a measurement stands.
#[derive(Clone, Debug)]
pub struct BenchProgress<'a> {
    /// What is being done.
    pub what: &'a str,
    pub done: usize,
    pub total: usize,
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len() / 2, sorted.len() % 2) {
        (0, 0) => 0.0,
        (middle, 0) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        (middle, _) => sorted[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!([&[][..], &[3.0], &[9.0, 1.0], &[5.0, 1.0, 2.0]].map(median), [0.0, 3.0, 5.0, 2.0]);
    }
}
