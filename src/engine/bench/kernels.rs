//! How fast each layer's kernels are, forward and backward, beside what the device can do at most and beside burn's own
//! operations.

use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::tensor::module::{conv2d, max_pool2d as burn_max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, Tensor};
use serde::Serialize;

use super::ceiling::Ceilings;
use super::{BenchProgress, Machine, median};
use crate::device;
use crate::engine::tiles;
use crate::kernels::{
    ConvConfig, LrnConfig, MaxPoolConfig, convolve, convolve_backward_weight, convolve_backward_x, linear,
    linear_backward_weight, linear_backward_x, lrn, max_pool2d,
};
use crate::model::{LayerKind, MapShape, Shapes, preset};

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
    /// `forward`, `backward to the input` or `backward to the weights`.
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

/// Does something and says how long it took.
type Run = Box<dyn Fn() -> Duration>;

/// A kernel to be measured, and burn's operation for the same.
struct Job {
    pass: &'static str,
    multiply_adds: usize,
    /// Values of inputs and results.
    values: usize,
    ours: Run,
    burn: Option<Run>,
}

const FORWARD: &str = "forward";
const TO_INPUT: &str = "backward to the input";
const TO_WEIGHTS: &str = "backward to the weights";

/// Measures every convolution, linear layer, response normalisation and max pooling; nothing if `cancel` was set
/// meanwhile.
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
    for (index, (layer, shape)) in spec.layers.iter().zip(&shapes.layers).enumerate() {
        progress(BenchProgress { what: &layer.name, done: index, total: spec.layers.len() });
        for job in jobs(&layer.kind, input, shape.output, request.batch, &open.device) {
            let Some([ours, burn]) = measure(&job, request, cancel) else { return Ok(None) };
            let ours = ours.unwrap_or_default();
            if let Some(fault) = open.fault() {
                return Err(format!("{}: {fault}", layer.name));
            }
            found.push(speed(&layer.name, &job, ours, burn, &ceilings));
        }
        input = shape.output;
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

fn jobs(kind: &LayerKind, input: MapShape, output: MapShape, batch: usize, device: &Device) -> Vec<Job> {
    match (kind, input) {
        (
            &LayerKind::Conv { out, kernel, stride, padding, groups, .. },
            MapShape::Map { channels, height, width },
        ) => {
            let config = ConvConfig {
                out,
                kernel,
                stride,
                vertical: [padding.top, padding.bottom],
                horizontal: [padding.left, padding.right],
                groups,
                relu: false,
            };
            conv_jobs(config, [batch, channels, height, width], output.len(), device)
        }
        (&LayerKind::Linear { out, columns, .. }, _) => {
            linear_jobs([batch, input.len(), out / columns], device)
        }
        (&LayerKind::Lrn { size, alpha, beta, k, groups }, MapShape::Map { channels, height, width }) => {
            let config = LrnConfig { size, alpha, beta, k, groups };
            let x = random([batch, channels, height, width], device);
            let values = input.len() + output.len();
            let burn = move |x| composed_norm(x, config);
            map_jobs(x, values, Rc::new(move |x| lrn(x, config)), Some(Rc::new(burn)))
        }
        (&LayerKind::MaxPool { kernel, stride, ceil }, MapShape::Map { channels, height, width }) => {
            let config = MaxPoolConfig { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil };
            let x = random([batch, channels, height, width], device);
            let mut options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]);
            options.ceil_mode = ceil;
            let burn = move |x: Tensor<4>| burn_max_pool2d(x, options.clone());
            let values = input.len() + output.len();
            map_jobs(x, values, Rc::new(move |x| max_pool2d(x, config)), Some(Rc::new(burn)))
        }
        _ => Vec::new(),
    }
}

fn conv_jobs(config: ConvConfig, input: [usize; 4], outputs: usize, device: &Device) -> Vec<Job> {
    let [batch, channels, height, width] = input;
    let [rows, columns] = config.output_size([height, width]);
    let weights = [config.out, channels / config.groups, config.kernel, config.kernel];
    let (x, grad) = (random(input, device), random([batch, config.out, rows, columns], device));
    let weight = random(weights, device);
    let (flat, bias) = (weight.clone().flatten::<1>(0, 3), Tensor::<1>::zeros([config.out], device));
    let options = ConvOptions::new_with_padding(
        [config.stride; 2],
        [config.vertical, config.horizontal].map(|[before, after]| (before, after)),
        [1, 1],
        config.groups,
    );
    let multiply_adds = batch * outputs * (weights[1] * weights[2] * weights[3]);
    let values = input.iter().product::<usize>() + batch * outputs + weights.iter().product::<usize>();
    let job = |pass, ours: Run, burn: Run| Job { pass, multiply_adds, values, ours, burn: Some(burn) };

    let forward = {
        let (x, flat, bias, device) = (x.clone(), flat.clone(), bias.clone(), device.clone());
        Box::new(move || timed(&device, || convolve(x.clone(), flat.clone(), bias.clone(), config)))
    };
    let to_input = {
        let (flat, grad, device) = (flat.clone(), grad.clone(), device.clone());
        let input = [channels, height, width];
        Box::new(move || timed(&device, || convolve_backward_x(flat.clone(), grad.clone(), input, config)))
    };
    let to_weights = {
        let (x, grad, device) = (x.clone(), grad.clone(), device.clone());
        Box::new(move || timed(&device, || convolve_backward_weight(x.clone(), grad.clone(), config)))
    };
    let burn_forward = {
        let (x, weight, bias, options, device) =
            (x.clone(), weight.clone(), bias.clone(), options.clone(), device.clone());
        Box::new(move || {
            timed(&device, || conv2d(x.clone(), weight.clone(), Some(bias.clone()), options.clone()))
        })
    };
    let burn_backward = |to_input: bool| {
        let (x, weight, grad, options, device) =
            (x.clone(), weight.clone(), grad.clone(), options.clone(), device.clone());
        Box::new(move || {
            let x = x.clone().autodiff().set_require_grad(to_input);
            let weight = weight.clone().autodiff().set_require_grad(!to_input);
            let y = conv2d(x, weight, None, options.clone());
            let loss = (y * grad.clone().autodiff()).sum();
            wait(&device);
            timed(&device, || loss.backward())
        })
    };
    vec![
        job(FORWARD, forward, burn_forward),
        job(TO_INPUT, to_input, burn_backward(true)),
        job(TO_WEIGHTS, to_weights, burn_backward(false)),
    ]
}

/// One column of a linear layer.
fn linear_jobs([batch, inputs, out]: [usize; 3], device: &Device) -> Vec<Job> {
    let matrix = |shape: [usize; 2]| Tensor::<2>::random(shape, Distribution::Default, device);
    let (x, weight, grad) = (matrix([batch, inputs]), matrix([out, inputs]), matrix([batch, out]));
    let (flat, bias) = (weight.clone().flatten::<1>(0, 1), Tensor::<1>::zeros([out], device));
    let (multiply_adds, values) = (batch * inputs * out, batch * (inputs + out) + inputs * out);
    let job = |pass, ours: Run, burn: Run| Job { pass, multiply_adds, values, ours, burn: Some(burn) };
    let on = || (x.clone(), weight.clone(), flat.clone(), grad.clone(), device.clone());
    vec![
        job(
            FORWARD,
            {
                let ((x, _, flat, _, device), bias) = (on(), bias.clone());
                Box::new(move || timed(&device, || linear(x.clone(), flat.clone(), bias.clone(), false)))
            },
            {
                let (x, weight, _, _, device) = on();
                let bias = bias.clone().unsqueeze::<2>();
                Box::new(move || {
                    timed(&device, || x.clone().matmul(weight.clone().transpose()) + bias.clone())
                })
            },
        ),
        job(
            TO_INPUT,
            {
                let (_, _, flat, grad, device) = on();
                Box::new(move || timed(&device, || linear_backward_x(flat.clone(), grad.clone())))
            },
            {
                let (_, weight, _, grad, device) = on();
                Box::new(move || timed(&device, || grad.clone().matmul(weight.clone())))
            },
        ),
        job(
            TO_WEIGHTS,
            {
                let (x, _, _, grad, device) = on();
                Box::new(move || timed(&device, || linear_backward_weight(x.clone(), grad.clone())))
            },
            {
                let (x, _, _, grad, device) = on();
                Box::new(move || timed(&device, || grad.clone().transpose().matmul(x.clone())))
            },
        ),
    ]
}

/// Response normalisation as one composes it of burn's operations: the window's sum as a sum of shifted squares.
fn composed_norm(x: Tensor<4>, config: LrnConfig) -> Tensor<4> {
    let [pictures, channels, height, width] = x.dims();
    let (size, each) = (config.size, channels / config.groups);
    let grouped = x.clone().square().reshape([pictures, config.groups, each, height * width]);
    let zeros = |count| Tensor::zeros([pictures, config.groups, count, height * width], &x.device());
    let padded = Tensor::cat(vec![zeros(size / 2), grouped, zeros((size - 1) / 2)], 2);
    let shifted = (0..size).map(|by| padded.clone().narrow(2, by, each));
    let sum = shifted.reduce(|one, other| one + other).unwrap_or_else(|| zeros(each));
    let scale = (sum * config.alpha + config.k).powf_scalar(config.beta);
    x / scale.reshape([pictures, channels, height, width])
}

type MapOperation = Rc<dyn Fn(Tensor<4>) -> Tensor<4>>;

/// An operation on maps without weights, whose backward step runs through automatic differentiation. `values` are
/// those that it reads and writes for one picture.
fn map_jobs(x: Tensor<4>, values: usize, ours: MapOperation, burn: Option<MapOperation>) -> Vec<Job> {
    let values = values * x.dims()[0];
    let forward = |operation: MapOperation| -> Run {
        let (x, device) = (x.clone(), x.device());
        Box::new(move || timed(&device, || operation(x.clone())))
    };
    let backward = |operation: MapOperation| -> Run {
        let (x, device) = (x.clone(), x.device());
        Box::new(move || {
            let loss = operation(x.clone().autodiff().require_grad()).sum();
            wait(&device);
            timed(&device, || loss.backward())
        })
    };
    let job = |pass, ours: Run, burn: Option<Run>| Job { pass, multiply_adds: 0, values, ours, burn };
    vec![
        job(FORWARD, forward(ours.clone()), burn.clone().map(&forward)),
        job(TO_INPUT, backward(ours), burn.map(&backward)),
    ]
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Default, device)
}

/// How long `work` takes until its result is there.
fn timed<T>(device: &Device, work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = work();
    wait(device);
    let took = start.elapsed();
    drop(result);
    took
}

/// A device that fails says so in [`crate::device::OpenDevice::fault`], which the caller asks.
fn wait(device: &Device) {
    if let Err(error) = device.sync() {
        log::error!("the device no longer answers: {error}");
    }
}
