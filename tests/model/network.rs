//! A network computes what its spec says: against a plain double-precision reference, on every device.

use alexnet_lab::model::{
    DropoutSeed, InitSpec, Input, InputSpec, LayerKind, LayerSpec, Mode, ModelSpec, Network, Shapes, Sides,
    to_host,
};
use burn::tensor::{Device, Tensor, TensorData};

use crate::support::{assert_close, software_device};

const SIDE: usize = 12;

fn layer(name: &str, kind: LayerKind) -> LayerSpec {
    LayerSpec { name: name.into(), kind }
}

/// Every kind of layer, at sizes that a hand can follow.
pub fn small_spec() -> ModelSpec {
    let init = InitSpec { std: 0.1, bias: 0.1, decay_scale: 1.0 };
    let layers = vec![
        layer(
            "conv1",
            LayerKind::Conv {
                out: 6,
                kernel: 3,
                stride: 1,
                padding: Sides::right_bottom(2),
                groups: 1,
                init,
            },
        ),
        layer("relu1", LayerKind::Relu),
        layer("lrn1", LayerKind::Lrn { size: 5, alpha: 0.1, beta: 0.75, k: 2.0, groups: 2 }),
        layer("pool1", LayerKind::MaxPool { kernel: 3, stride: 2, ceil: true }),
        layer(
            "conv2",
            LayerKind::Conv { out: 4, kernel: 3, stride: 2, padding: Sides::all(1), groups: 2, init },
        ),
        layer("relu2", LayerKind::Relu),
        layer("pool2", LayerKind::AvgPool { kernel: 2, stride: 2, ceil: true }),
        layer("fc3", LayerKind::Linear { out: 8, columns: 2, init }),
        layer("relu3", LayerKind::Relu),
        layer("dropout3", LayerKind::Dropout { keep: 0.5, inverted: false }),
        layer("fc4", LayerKind::Linear { out: 3, columns: 1, init }),
    ];
    ModelSpec {
        name: "small".into(),
        input: InputSpec { side: SIDE, stored_side: SIDE, scale: [1.0; 3] },
        layers,
    }
}

/// Numbers that look random and are the same everywhere.
pub fn noise(count: usize, seed: u32, scale: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 24) as f32 - 0.5) * 2.0 * scale
        })
        .collect()
}

pub fn small_weights() -> Vec<Vec<f32>> {
    let shapes = Shapes::of(&small_spec()).unwrap();
    let block = |(index, p): (usize, &alexnet_lab::model::ParameterShape)| {
        noise(p.shape.iter().product(), index as u32 + 1, 0.4)
    };
    shapes.parameters.iter().enumerate().map(block).collect()
}

fn devices() -> Vec<Device> {
    std::iter::once(Device::flex()).chain(software_device()).collect()
}

#[test]
fn logits_equal_a_plain_reference() {
    let pictures = noise(2 * 3 * SIDE * SIDE, 99, 1.0);
    let weights = small_weights();
    let wanted: Vec<f64> = pictures.chunks(3 * SIDE * SIDE).flat_map(|p| reference(p, &weights)).collect();
    for device in devices() {
        let network = Network::new(small_spec(), &weights, &device).unwrap();
        let input = Tensor::from_data(TensorData::new(pictures.clone(), [2, 3, SIDE, SIDE]), &device);
        let logits = to_host(network.forward(network.weights(), input, Mode::Inference).logits).unwrap();
        assert_close(&format!("logits on {device:?}"), &logits, &wanted, 1e-5, 1e-6);
    }
}

#[test]
fn dropout_keeps_half_and_does_not_depend_on_the_passes() {
    let device = Device::flex();
    let init = InitSpec { std: 0.0, bias: 0.0, decay_scale: 1.0 };
    let spec = ModelSpec {
        name: "dropout".into(),
        input: InputSpec { side: 16, stored_side: 16, scale: [1.0; 3] },
        layers: vec![
            layer("dropout", LayerKind::Dropout { keep: 0.25, inverted: false }),
            layer("fc", LayerKind::Linear { out: 768, columns: 1, init }),
        ],
    };
    // The linear layer hands its input through, so that the mask can be seen.
    let mut identity = vec![0.0; 768 * 768];
    identity.iter_mut().step_by(769).for_each(|v| *v = 1.0);
    let network = Network::new(spec, &[identity, vec![0.0; 768]], &device).unwrap();
    let run = |rows: usize, first_row, step| {
        let ones = Tensor::from_data(TensorData::new(vec![1f32; rows * 768], [rows, 3, 16, 16]), &device);
        let mode = Mode::Training(DropoutSeed { seed: 5, step, first_row });
        to_host(network.forward(network.weights(), ones, mode).logits).unwrap()
    };
    let whole = run(64, 0, 3);
    let kept = whole.iter().filter(|&&v| v == 1.0).count();
    assert_eq!(kept + whole.iter().filter(|&&v| v == 0.0).count(), whole.len(), "a mask holds only 0 and 1");
    // 49152 draws of probability 0.25: deviation 96.
    assert!((kept as f64 - 12288.0).abs() < 5.0 * 96.0, "{kept} of 49152 were kept");
    assert_eq!([run(24, 0, 3), run(40, 24, 3)].concat(), whole);
    assert_ne!(run(64, 0, 4), whole, "every update drops the same outputs");
    for row in whole.chunks(768).skip(1) {
        assert_ne!(row, &whole[..768], "every picture drops the same outputs");
    }
}

#[test]
fn the_mean_is_the_central_window_for_every_crop() {
    let spec = InputSpec { side: 2, stored_side: 4, scale: [0.5; 3] };
    let stored: Vec<f32> = (0..48).map(|v| v as f32).collect();
    let input = Input::from_stored_mean(spec, &stored);
    assert_eq!(input.mean()[..4], [5.0, 6.0, 9.0, 10.0]);
    assert_eq!(input.mean()[8..], [37.0, 38.0, 41.0, 42.0]);
    let values = to_host(input.upload(&[255; 24], &Device::flex())).unwrap();
    assert_eq!(values[0], 125.0);
    assert_eq!(values[12 + 11], (255.0 - 42.0) / 2.0);
}

/// The small network in plain loops, for one picture.
fn reference(picture: &[f32], weights: &[Vec<f32>]) -> Vec<f64> {
    let x: Vec<f64> = picture.iter().map(|&v| f64::from(v)).collect();
    let w: Vec<Vec<f64>> = weights.iter().map(|w| w.iter().map(|&v| f64::from(v)).collect()).collect();
    let relu = |x: Vec<f64>| x.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>();

    // conv1: 12 + 2 zeros right and below, 3x3 -> 12
    let conv1 = relu(convolve(&x, [3, 12, 12], &w[0], &w[1], 6, 3, 1, 0, 12, 1));
    let lrn = normalise(&conv1, 6, 144, 2);
    // ceil((12 - 3) / 2) + 1 = 6
    let pool1 = pool(&lrn, 6, 12, 3, 2, 6, f64::NEG_INFINITY, f64::max, |sum, _| sum);
    let conv2 = relu(convolve(&pool1, [6, 6, 6], &w[2], &w[3], 4, 3, 2, 1, 3, 2));
    // ceil((3 - 2) / 2) + 1 = 2
    let pool2 = pool(&conv2, 4, 3, 2, 2, 2, 0.0, |a, b| a + b, |sum, n| sum / n as f64);
    let fc3 = relu([dense(&pool2, &w[4], &w[5]), dense(&pool2, &w[6], &w[7])].concat());
    let dropped: Vec<f64> = fc3.iter().map(|v| v * 0.5).collect();
    dense(&dropped, &w[8], &w[9])
}

#[expect(clippy::too_many_arguments, reason = "a reference in plain loops takes its sizes as numbers")]
fn convolve(
    x: &[f64],
    [channels, height, width]: [usize; 3],
    weight: &[f64],
    bias: &[f64],
    out: usize,
    kernel: usize,
    stride: usize,
    before: usize,
    side: usize,
    groups: usize,
) -> Vec<f64> {
    let per_group = channels / groups;
    let mut y = Vec::new();
    for o in 0..out {
        let group = o / (out / groups);
        for row in 0..side {
            for column in 0..side {
                let mut sum = bias[o];
                for c in 0..per_group {
                    for i in 0..kernel {
                        for j in 0..kernel {
                            let (r, q) = (row * stride + i, column * stride + j);
                            if r < before || q < before || r - before >= height || q - before >= width {
                                continue;
                            }
                            let pixel = ((group * per_group + c) * height + r - before) * width + q - before;
                            sum += weight[((o * per_group + c) * kernel + i) * kernel + j] * x[pixel];
                        }
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

fn normalise(x: &[f64], channels: usize, area: usize, groups: usize) -> Vec<f64> {
    let per_group = channels / groups;
    let mut y = vec![0.0; x.len()];
    for c in 0..channels {
        let start = c / per_group * per_group;
        let window = c.saturating_sub(2).max(start)..(c + 3).min(start + per_group);
        for p in 0..area {
            let sum: f64 = window.clone().map(|j| x[j * area + p].powi(2)).sum();
            y[c * area + p] = x[c * area + p] / (2.0 + f64::from(0.1f32) * sum).powf(0.75);
        }
    }
    y
}

#[expect(clippy::too_many_arguments, reason = "a reference in plain loops takes its sizes as numbers")]
fn pool(
    x: &[f64],
    channels: usize,
    side: usize,
    kernel: usize,
    stride: usize,
    out: usize,
    start: f64,
    combine: impl Fn(f64, f64) -> f64,
    finish: impl Fn(f64, usize) -> f64,
) -> Vec<f64> {
    let mut y = Vec::new();
    for c in 0..channels {
        for row in 0..out {
            for column in 0..out {
                let (mut value, mut n) = (start, 0);
                for r in row * stride..(row * stride + kernel).min(side) {
                    for q in column * stride..(column * stride + kernel).min(side) {
                        value = combine(value, x[(c * side + r) * side + q]);
                        n += 1;
                    }
                }
                y.push(finish(value, n));
            }
        }
    }
    y
}

fn dense(x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let row = |(weights, bias): (&[f64], &f64)| x.iter().zip(weights).map(|(a, b)| a * b).sum::<f64>() + bias;
    weight.chunks(x.len()).zip(bias).map(row).collect()
}

#[test]
fn the_kernels_shown_are_those_of_the_first_layer_with_weights() {
    let kernels = |spec: &ModelSpec| {
        let shapes = Shapes::of(spec).unwrap();
        let weights: Vec<Vec<f32>> = (0_u32..)
            .zip(&shapes.parameters)
            .map(|(index, p)| noise(p.shape.iter().product(), index, 1.0))
            .collect();
        let network = Network::new(spec.clone(), &weights, &Device::flex()).unwrap();
        (network.first_kernels().unwrap(), weights)
    };
    let mut spec = small_spec();
    let (found, weights) = kernels(&spec);
    let found = found.unwrap();
    assert_eq!((found.count, found.side, found.columns), (6, 3, 2));
    assert_eq!(found.weights, weights[0]);
    // Layers without weights may come before.
    spec.layers.insert(0, layer("relu0", LayerKind::Relu));
    assert_eq!(kernels(&spec).0.unwrap(), found);
    // Kernels of every position, or what a convolution further on makes of maps, are no pictures.
    let init = InitSpec { std: 0.1, bias: 0.1, decay_scale: 1.0 };
    spec.layers[0] = layer("local0", LayerKind::Local { out: 3, kernel: 3, padding: 1, init });
    assert_eq!(kernels(&spec).0, None);
    spec.layers.drain(..8);
    assert_eq!(kernels(&spec).0, None);
}
