//! How fast whole training steps are: forward, loss, backward, update. Feeding is measured on its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Distribution, Int, Tensor, TensorData};
use serde::Serialize;

use super::{BenchProgress, Machine, median};
use crate::device;
use crate::model::{DropoutSeed, Mode, Network, Preset, Shapes, first_weights, preset, to_host};
use crate::train::{Sgd, SgdConfig};

/// Classes of the networks, as ImageNet has them.
const CLASSES: usize = 1000;

/// What to measure.
#[derive(Clone, Debug)]
pub struct StepBenchRequest {
    /// As for `--device`.
    pub device: String,
    /// Presets.
    pub models: Vec<String>,
    /// Pictures of a step.
    pub batch: usize,
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
    pub pictures_per_s: f64,
    /// The first step, which compiles the shaders.
    pub first_ms: f64,
    /// Every step after the first.
    pub ms: Vec<f64>,
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
    let mut models = Vec::new();
    for (index, name) in request.models.iter().enumerate() {
        progress(BenchProgress { what: name, done: index, total: request.models.len() });
        let mut student =
            Student::new(preset(name).map_err(|e| e.to_string())?, request.batch, &open.device)?;
        let mut ms = Vec::new();
        for _ in 0..=request.runs {
            if cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let start = Instant::now();
            student.step()?;
            ms.push(start.elapsed().as_secs_f64() * 1e3);
            if let Some(fault) = open.fault() {
                return Err(format!("{name}: {fault}"));
            }
        }
        let first_ms = ms.remove(0);
        let pictures_per_s = request.batch as f64 * 1e3 / median(&ms).max(f64::MIN_POSITIVE);
        models.push(StepSpeed { model: name.clone(), pictures_per_s, first_ms, ms });
    }
    let (machine, device) = (Machine::here(), open.info.name.clone());
    Ok(Some(StepBench { machine, device, batch: request.batch, models }))
}

/// A network that learns one batch over and over.
struct Student {
    network: Network,
    sgd: Sgd,
    pictures: Tensor<4>,
    labels: Vec<i32>,
    step: u64,
}

impl Student {
    fn new(preset: &Preset, batch: usize, device: &burn::tensor::Device) -> Result<Self, String> {
        let spec = preset.standard(CLASSES);
        let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
        let recipe = &preset.recipe;
        let config = SgdConfig {
            momentum: recipe.momentum,
            weight_decay: recipe.weight_decay,
            bias_lr_scale: recipe.bias_lr_scale,
        };
        let sgd = Sgd::new(config, &spec, &shapes);
        let side = spec.input.side;
        let weights = first_weights(&spec, &shapes, 1);
        let network = Network::new(spec, &weights, device).map_err(|e| e.to_string())?;
        let spread = Distribution::Uniform(-1.0, 1.0);
        let pictures = Tensor::random([batch, 3, side, side], spread, device);
        let labels = (0..batch).map(|index| (index * 37 % CLASSES) as i32).collect();
        Ok(Self { network, sgd, pictures, labels, step: 0 })
    }

    /// One step, until the loss is on the host and the weights are new.
    fn step(&mut self) -> Result<(), String> {
        let leaves: Vec<Tensor<1>> =
            self.network.weights().iter().map(|weight| weight.clone().autodiff().require_grad()).collect();
        let mode = Mode::Training(DropoutSeed { seed: 1, step: self.step, first_row: 0 });
        let logits = self.network.forward(&leaves, self.pictures.clone().autodiff(), mode).logits;
        let labels = TensorData::new(self.labels.clone(), [self.labels.len(), 1]);
        let labels = Tensor::<2, Int>::from_data(labels, &logits.device());
        let loss = log_softmax(logits, 1).gather(1, labels).sum() * (-1.0 / self.labels.len() as f64);
        let mut gradients = loss.backward();
        let gradients = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
        // Slow learning: random labels must not blow the network up.
        self.sgd.update(self.network.weights_mut(), gradients, 1e-6);
        self.step += 1;
        to_host(loss.inner())?;
        self.network.device().sync().map_err(|e| format!("the device no longer answers: {e}"))
    }
}
