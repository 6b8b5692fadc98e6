//! The kernels that are measured, each beside burn's operations for the same.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use burn::tensor::activation::log_softmax;
use burn::tensor::module::{conv2d, max_pool2d as burn_max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};

use crate::kernels::{
    ConvConfig, LrnConfig, MaxPoolConfig, Momentum, convolve, convolve_backward_weight, convolve_backward_x,
    cross_entropy, linear, linear_backward_weight, linear_backward_x, lrn, max_pool2d, momentum_update,
};
use crate::model::{LayerKind, MapShape};

/// Does something and says how long it took.
pub(super) type Run = Box<dyn Fn() -> Duration>;

/// A kernel to be measured, and burn's operation for the same.
pub(super) struct Job {
    pub(super) pass: &'static str,
    pub(super) multiply_adds: usize,
    /// Values of inputs and results.
    pub(super) values: usize,
    pub(super) ours: Run,
    pub(super) burn: Option<Run>,
}

const FORWARD: &str = "forward";
const TO_INPUT: &str = "backward to the input";
const TO_WEIGHTS: &str = "backward to the weights";
const UPDATE: &str = "update";

/// The kernels of a layer; none for one that only hands on.
pub(super) fn layer_jobs(
    kind: &LayerKind,
    input: MapShape,
    output: MapShape,
    batch: usize,
    device: &Device,
) -> Vec<Job> {
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
        update_job(flat),
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
        update_job(flat.clone()),
    ]
}

/// The update of a layer's weights; burn's operations for it are those of the formula.
fn update_job(weight: Tensor<1>) -> Job {
    let numbers = Momentum { rate: 1e-6, decay: 1e-9, momentum: 0.9 };
    let gradient = Tensor::random(weight.dims(), Distribution::Default, &weight.device());
    let run = |update: fn(Tensor<1>, Tensor<1>, Tensor<1>, Momentum) -> (Tensor<1>, Tensor<1>)| -> Run {
        let (gradient, device) = (gradient.clone(), weight.device());
        // In the memory of the old ones, as in a run, where nobody else holds them.
        let (own, velocity) = (weight.clone().mul_scalar(1.0), gradient.zeros_like());
        let held = Cell::new(Some((own, velocity)));
        Box::new(move || {
            let (weight, velocity) = held.take().expect("each run puts back what it takes");
            let mut updated = None;
            let took = timed(&device, || updated = Some(update(weight, gradient.clone(), velocity, numbers)));
            held.set(updated);
            took
        })
    };
    let composed = |weight: Tensor<1>, gradient: Tensor<1>, velocity: Tensor<1>, numbers: Momentum| {
        let step = gradient.mul_scalar(numbers.rate) + weight.clone().mul_scalar(numbers.decay);
        let velocity = velocity.mul_scalar(numbers.momentum) - step;
        (weight + velocity.clone(), velocity)
    };
    // Weights and velocities are read and written, gradients read.
    let values = 5 * weight.dims()[0];
    Job { pass: UPDATE, multiply_adds: 0, values, ours: run(momentum_update), burn: Some(run(composed)) }
}

/// The loss of `[pictures, classes]` scores; burn's operations for it are logarithm, choice and sum.
pub(super) fn loss_jobs([batch, classes]: [usize; 2], device: &Device) -> Vec<Job> {
    let scores = Tensor::<2>::random([batch, classes], Distribution::Default, device);
    let labels: Vec<u32> = (0..batch).map(|row| (row * 7919 % classes) as u32).collect();
    let indices: Vec<i64> = labels.iter().map(|&label| i64::from(label)).collect();
    let indices = Tensor::<2, Int>::from_data(TensorData::new(indices, [batch, 1]), device);
    type Loss = Rc<dyn Fn(Tensor<2>) -> Tensor<1>>;
    let ours: Loss = Rc::new(move |scores| cross_entropy(scores, &labels, 1.0).losses);
    let burn: Loss = Rc::new(move |scores| -log_softmax(scores, 1).gather(1, indices.clone()).flatten(0, 1));
    let run = |loss: &Loss, backward: bool| -> Run {
        let (scores, device, loss) = (scores.clone(), device.clone(), loss.clone());
        Box::new(move || {
            if !backward {
                return timed(&device, || loss(scores.clone()));
            }
            let sum = loss(scores.clone().autodiff().require_grad()).sum();
            wait(&device);
            timed(&device, || sum.backward())
        })
    };
    let job = |pass, values: usize, backward: bool| Job {
        pass,
        multiply_adds: 0,
        values,
        ours: run(&ours, backward),
        burn: Some(run(&burn, backward)),
    };
    let (scores, rows) = (batch * classes, batch);
    vec![job(FORWARD, scores + 7 * rows, false), job(TO_INPUT, 2 * scores + 7 * rows, true)]
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
