//! How fast whole training steps are: the steps of a run, made by its trainer, of a batch that is already in memory.
//! Reading pictures is measured on its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;

use super::footprint::Footprint;
use super::{BenchProgress, Machine, median};
use crate::data::HostBatch;
use crate::data::augment::Placement;
use crate::device::{self, DeviceKind, OpenDevice};
use crate::engine::{MemoryNeed, memory, tiles};
use crate::model::{Input, Network, Preset, Shapes, first_weights, preset};
use crate::train::{Between, Outcome, Sgd, SgdConfig, Trainer};

/// Classes of the networks, as ImageNet has them.
const CLASSES: usize = 1000;
/// Slow learning: random labels must not blow the network up.
const RATE: f64 = 1e-6;

/// What to measure.
#[derive(Clone, Debug)]
pub struct StepBenchRequest {
    /// As for `--device`.
    pub device: String,
    /// Presets.
    pub models: Vec<String>,
    /// Pictures of a step.
    pub batch: usize,
    /// Pictures that pass at once; 0: as many as in a run.
    pub pass: usize,
    /// Each figure is the median of so many steps, after one that does not count.
    pub runs: usize,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct StepBench {
    pub machine: Machine,
    pub device: String,
    pub batch: usize,
    pub models: Vec<StepSpeed>,
}

/// The steps of one network.
#[derive(Clone, Debug, Serialize)]
pub struct StepSpeed {
    pub model: String,
    /// Pictures that passed at once.
    pub pass: usize,
    pub pictures_per_s: f64,
    /// From the first weights to the end of the first step, which compiles the shaders.
    pub first_ms: f64,
    /// Every step after the first.
    pub ms: Vec<f64>,
    /// Bytes of memory that training was predicted to take,
    pub predicted_bytes: u64,
    /// and that it took more than there was before: after the first step and after the last. None where nobody tells.
    pub took_bytes: Option<[u64; 2]>,
}

/// Measures; nothing if `cancel` was set meanwhile.
///
/// # Errors
/// A device or a preset that does not exist, a device that stops answering.
pub fn steps(
    request: &StepBenchRequest,
    progress: &dyn Fn(BenchProgress<'_>),
    cancel: &AtomicBool,
) -> Result<Option<StepBench>, String> {
    let open = device::open(&request.device).map_err(|e| e.to_string())?;
    tiles::take_up(&open);
    let mut models = Vec::new();
    for (index, name) in request.models.iter().enumerate() {
        progress(BenchProgress { what: name, done: index, total: request.models.len() });
        let preset = preset(name).map_err(|e| e.to_string())?;
        let Some(speed) = measure(preset, request, &open, cancel)? else { return Ok(None) };
        models.push(speed);
    }
    let (machine, device) = (Machine::here(), open.info.name.clone());
    Ok(Some(StepBench { machine, device, batch: request.batch, models }))
}

fn measure(
    preset: &Preset,
    request: &StepBenchRequest,
    open: &OpenDevice,
    cancel: &AtomicBool,
) -> Result<Option<StepSpeed>, String> {
    let batch = pictures(preset, request.batch);
    let mut footprint = Footprint::begin(&open.device);
    let start = Instant::now();
    let mut trainer = trainer(preset, request, open)?;
    let mut steps = vec![step(&mut trainer, &batch, start)?];
    let first_bytes = footprint.peak();
    for _ in 0..request.runs {
        if cancel.load(Ordering::Relaxed) {
            return Ok(None);
        }
        steps.push(step(&mut trainer, &batch, Instant::now())?);
        if let Some(fault) = open.fault() {
            return Err(format!("{}: {fault}", preset.name));
        }
    }
    let first_ms = steps.remove(0);
    let shapes = trainer.network().shapes();
    Ok(Some(StepSpeed {
        model: preset.name.into(),
        pass: trainer.micro_batch(),
        pictures_per_s: request.batch as f64 * 1e3 / median(&steps).max(f64::MIN_POSITIVE),
        first_ms,
        ms: steps,
        predicted_bytes: MemoryNeed::new(shapes, request.batch, trainer.micro_batch(), open.info.kind).bytes,
        took_bytes: first_bytes.zip(footprint.peak()).map(|(first, last)| [first, last]),
    }))
}

/// A batch of squares that no two pictures of are alike.
fn pictures(preset: &Preset, count: usize) -> HostBatch {
    let bytes = count * 3 * preset.input().stored_side.pow(2);
    let value = |index: usize| ((index.wrapping_mul(2_654_435_761) >> 9) % 256) as u8;
    HostBatch {
        seq: 0,
        epoch: 0,
        ends_epoch: false,
        pixels: (0..bytes).map(value).collect(),
        placements: vec![Placement { left: 0, top: 0, flip: false }; count],
        colour: Vec::new(),
        labels: (0..count).map(|index| (index * 37 % CLASSES) as u32).collect(),
        indices: (0..count as u32).collect(),
    }
}

fn trainer(preset: &Preset, request: &StepBenchRequest, open: &OpenDevice) -> Result<Trainer, String> {
    let spec = preset.standard(CLASSES);
    let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
    let recipe = &preset.recipe;
    let config = SgdConfig {
        momentum: recipe.momentum,
        weight_decay: recipe.weight_decay,
        bias_lr_scale: recipe.bias_lr_scale,
    };
    let sgd = Sgd::new(config, &spec, &shapes);
    let pass = match request.pass {
        0 => memory::pass(&shapes, request.batch, open.info.kind),
        pass => pass.min(request.batch),
    };
    let input = Input::from_channel_means(spec.input, [128.0; 3]);
    let weights = first_weights(&spec, &shapes, 1);
    let network = Network::new(spec, &weights, &open.device).map_err(|e| e.to_string())?;
    let mut trainer = Trainer::new(network, input, sgd, 1, pass);
    if open.info.kind == DeviceKind::Cpu {
        trainer.set_cautious();
    }
    Ok(trainer)
}

/// Milliseconds from `start` until the loss is on the host and the weights are new.
fn step(trainer: &mut Trainer, batch: &HostBatch, start: Instant) -> Result<f64, String> {
    match trainer.update(batch, RATE, |_, _| Between::Continue)? {
        Outcome::Made(_) => {}
        Outcome::Abandoned | Outcome::Diverged(..) => return Err("the loss is no number".into()),
    }
    trainer.figures()?;
    let device = trainer.network().device();
    device.sync().map_err(|e| format!("the device no longer answers: {e}"))?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
