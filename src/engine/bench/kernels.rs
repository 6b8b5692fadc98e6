//! How fast each layer's kernels are, forward and backward, beside what the device can do at most and beside burn's own
//! operations.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::ceiling::Ceilings;
use super::jobs::{Job, Run, layer_jobs, loss_jobs};
use super::{BenchProgress, Machine, median};
use crate::device;
use crate::engine::tiles;
use crate::model::{MapShape, Shapes, preset};

/// A kernel that takes longer than this is measured once after its first run.
const LONG: Duration = Duration::from_secs(3);

/// What to measure.
#[derive(Clone, Debug)]
pub struct KernelBenchRequest {
    /// As for `--device`.
    pub device: String,
    /// A preset.
    pub model: String,
    /// Pictures that pass at once.
    pub batch: usize,
    /// Each figure is the median of so many.
    pub runs: usize,
    /// Whether burn's operations are measured, too.
    pub burn: bool,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct KernelBench {
    pub machine: Machine,
    pub device: String,
    pub model: String,
    pub batch: usize,
    pub ceilings: Ceilings,
    pub kernels: Vec<KernelSpeed>,
}

/// One kernel of one layer.
#[derive(Clone, Debug, Serialize)]
pub struct KernelSpeed {
    pub layer: String,
    /// `forward`, `backward to the input`, `backward to the weights` or `update`.
    pub pass: &'static str,
    /// The first run, which compiles the shader on a card.
    pub first_ms: f64,
    /// The median of those after it.
    pub ms: f64,
    /// 10^9 multiplications and additions a second; 0 where there are few.
    pub gflop_per_s: f64,
    /// 10^9 bytes of inputs and results a second, each counted once.
    pub gb_per_s: f64,
    /// Share of what the device can do at most, in multiply-adds or in bytes, of which it needs more.
    pub of_ceiling: f64,
    /// `arithmetic` or `bytes`: which of the two that is.
    pub bound: &'static str,
    /// What burn's operation takes.
    pub burn_ms: Option<f64>,
}

/// Measures every convolution, linear layer, response normalisation and max pooling, the updates of their weights, and the
/// loss; nothing if `cancel` was set meanwhile.
///
/// # Errors
/// A device or a preset that does not exist, a device that stops answering.
pub fn kernels(
    request: &KernelBenchRequest,
    progress: &dyn Fn(BenchProgress<'_>),
    cancel: &AtomicBool,
) -> Result<Option<KernelBench>, String> {
    let open = device::open(&request.device).map_err(|e| e.to_string())?;
    tiles::take_up(&open);
    progress(BenchProgress { what: "the most that the device can do", done: 0, total: 1 });
    let ceilings = Ceilings::measure(&open.device, request.runs);
    let spec = preset(&request.model).map_err(|e| e.to_string())?.standard(1000);
    let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
    let mut input = MapShape::Map { channels: 3, height: spec.input.side, width: spec.input.side };
    let mut found = Vec::new();
    let mut measure_all = |name: &str, jobs: Vec<Job>| {
        for job in jobs {
            let Some([ours, burn]) = measure(&job, request, cancel) else { return Ok(false) };
            if let Some(fault) = open.fault() {
                return Err(format!("{name}: {fault}"));
            }
            found.push(speed(name, &job, ours.unwrap_or_default(), burn, &ceilings));
        }
        Ok(true)
    };
    let total = spec.layers.len() + 1;
    for (index, (layer, shape)) in spec.layers.iter().zip(&shapes.layers).enumerate() {
        progress(BenchProgress { what: &layer.name, done: index, total });
        let jobs = layer_jobs(&layer.kind, input, shape.output, request.batch, &open.device);
        if !measure_all(&layer.name, jobs)? {
            return Ok(None);
        }
        input = shape.output;
    }
    progress(BenchProgress { what: "loss", done: total - 1, total });
    if !measure_all("loss", loss_jobs([request.batch, input.len()], &open.device))? {
        return Ok(None);
    }
    Ok(Some(KernelBench {
        machine: Machine::here(),
        device: open.info.name.clone(),
        model: request.model.clone(),
        batch: request.batch,
        ceilings,
        kernels: found,
    }))
}

fn speed(layer: &str, job: &Job, ours: Took, burn: Option<Took>, ceilings: &Ceilings) -> KernelSpeed {
    let seconds = ours.usual.max(f64::MIN_POSITIVE);
    let gflop_per_s = 2e-9 * job.multiply_adds as f64 / seconds;
    let gb_per_s = 1e-9 * (job.values * size_of::<f32>()) as f64 / seconds;
    let shares = [gflop_per_s / ceilings.gflop_per_s, gb_per_s / ceilings.gb_per_s];
    let (of_ceiling, bound) =
        if shares[0] > shares[1] { (shares[0], "arithmetic") } else { (shares[1], "bytes") };
    KernelSpeed {
        layer: layer.to_owned(),
        pass: job.pass,
        first_ms: ours.first * 1e3,
        ms: seconds * 1e3,
        gflop_per_s,
        gb_per_s,
        of_ceiling,
        bound,
        burn_ms: burn.map(|took| took.usual * 1e3),
    }
}

/// Seconds of the first run, and the median of those after it.
#[derive(Clone, Copy, Debug, Default)]
struct Took {
    first: f64,
    usual: f64,
}

/// How long our kernel and burn's take, in turns; nothing if `cancel` was set meanwhile.
fn measure(job: &Job, request: &KernelBenchRequest, cancel: &AtomicBool) -> Option<[Option<Took>; 2]> {
    let contenders = [Some(&job.ours), job.burn.as_ref().filter(|_| request.burn)];
    let run = |run: &Run| run().as_secs_f64();
    // The first run compiles and warms up.
    let first = contenders.map(|contender| contender.map(run));
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..request.runs {
        for (contender, seconds) in contenders.iter().zip(&mut seconds) {
            if cancel.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(contender) = contender
                && seconds.first().is_none_or(|&once| once < LONG.as_secs_f64())
            {
                seconds.push(run(contender));
            }
        }
    }
    let took = |index: usize| first[index].map(|first| Took { first, usual: median(&seconds[index]) });
    Some([took(0), took(1)])
}
