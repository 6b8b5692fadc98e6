//! Max pooling. Values are compared exactly: a maximum is a copy, and sums of gradients have one order.

use alexnet_lab::kernels::{MaxPoolConfig, as_on_a_card, max_pool2d};
use burn::tensor::Device;
use burn::tensor::ops::MaxPoolOptions;

use super::{devices, poison, random, tensor, values, with_gradient};
use crate::support::{assert_close, software_device};

const fn config(kernel: usize, stride: usize, padding: usize, ceil: bool) -> MaxPoolConfig {
    MaxPoolConfig { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], ceil }
}

/// The windows of the paper.
const PAPER: MaxPoolConfig = config(3, 2, 0, false);

const CASES: [([usize; 4], MaxPoolConfig); 14] = [
    ([1, 1, 1, 1], config(1, 1, 0, false)),
    ([2, 3, 3, 3], PAPER),
    ([2, 5, 13, 13], PAPER),
    ([1, 3, 55, 55], PAPER),
    ([2, 3, 32, 32], config(3, 2, 0, true)),
    ([1, 2, 8, 6], config(3, 2, 0, true)),
    ([2, 2, 9, 7], config(3, 2, 1, false)),
    ([2, 2, 8, 8], config(3, 2, 1, true)),
    ([1, 3, 10, 10], config(2, 2, 0, false)),
    // Windows with pixels between them that belong to none.
    ([1, 2, 11, 11], config(2, 4, 0, false)),
    ([1, 2, 9, 9], config(5, 1, 2, false)),
    ([2, 1, 7, 12], MaxPoolConfig { kernel: [2, 5], stride: [1, 3], padding: [1, 2], ceil: true }),
    ([1, 4, 5, 1], MaxPoolConfig { kernel: [3, 1], stride: [2, 1], padding: [0, 0], ceil: true }),
    // One window, larger than the picture, that ceil allows.
    ([1, 2, 2, 2], config(3, 2, 0, true)),
];

/// Outputs, and for each the index of its first maximum in the whole input.
fn reference(x: &[f32], shape: [usize; 4], config: &MaxPoolConfig) -> (Vec<f32>, Vec<usize>) {
    let [batch, channels, height, width] = shape;
    let [rows, columns] = config.output_size([height, width]);
    let (mut y, mut origin) = (Vec::new(), Vec::new());
    for plane in 0..batch * channels {
        for row in 0..rows {
            for column in 0..columns {
                let mut best: Option<usize> = None;
                for ky in 0..config.kernel[0] {
                    for kx in 0..config.kernel[1] {
                        let iy = (row * config.stride[0] + ky).wrapping_sub(config.padding[0]);
                        let ix = (column * config.stride[1] + kx).wrapping_sub(config.padding[1]);
                        if iy >= height || ix >= width {
                            continue;
                        }
                        let at = (plane * height + iy) * width + ix;
                        let wins = |best: usize| x[at] > x[best] || (x[at].is_nan() && !x[best].is_nan());
                        if best.is_none_or(wins) {
                            best = Some(at);
                        }
                    }
                }
                let at = best.expect("every window holds a pixel");
                y.push(x[at]);
                origin.push(at);
            }
        }
    }
    (y, origin)
}

/// The gradient of sum(weights * outputs): each weight goes to the maximum of its window.
fn scatter(origin: &[usize], weights: &[f32], count: usize) -> Vec<f32> {
    let mut dx = vec![0.0; count];
    for (&at, weight) in origin.iter().zip(weights) {
        dx[at] += weight;
    }
    dx
}

fn check(title: &str, x: &[f32], shape: [usize; 4], config: MaxPoolConfig, device: &Device) {
    let (y, origin) = reference(x, shape, &config);
    let weights = random(y.len(), 21);
    let (got, dx) = with_gradient(|x| max_pool2d(x, config), x, shape, &weights, device);
    assert_close(&format!("{title} {shape:?} {config:?} output"), &got, &y, 0.0, 0.0);
    let want = scatter(&origin, &weights, x.len());
    assert_close(&format!("{title} {shape:?} {config:?} gradient"), &dx, &want, 0.0, 0.0);
}

#[test]
fn gives_the_maxima_and_their_gradients() {
    for (name, device) in devices() {
        for (shape, config) in CASES {
            check(name, &random(shape.iter().product(), 20), shape, config, &device);
        }
    }
}

#[test]
fn gives_the_maxima_and_their_gradients_with_the_shaders_of_a_card() {
    let Some(gpu) = software_device() else { return };
    for (shape, config) in CASES {
        as_on_a_card(|| check("as on a card", &random(shape.iter().product(), 20), shape, config, &gpu));
    }
}

#[test]
fn the_gradient_of_equal_values_goes_to_the_first_in_row_major_order() {
    for (name, device) in devices() {
        for (shape, config) in CASES {
            let count = shape.iter().product();
            // Three values only, half of them equal in every window; zeros of both signs are equal too.
            let x: Vec<f32> = random(count, 22)
                .iter()
                .enumerate()
                .map(|(index, value)| match (2.0 * value).round() {
                    0.0 if index % 3 == 0 => -0.0,
                    rounded => rounded,
                })
                .collect();
            check(name, &x, shape, config, &device);
            check(name, &vec![-7.5; count], shape, config, &device);
        }
    }
}

#[test]
fn nan_and_infinities_reach_the_output() {
    let shape = [1, 2, 9, 9];
    let special = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 1e-42];
    let mut x = random(162, 23);
    for (index, value) in special.into_iter().enumerate() {
        x[index * 23] = value;
    }
    for (name, device) in devices() {
        check(name, &x, shape, PAPER, &device);
        check(name, &[f32::NEG_INFINITY; 162], shape, PAPER, &device);
        check(name, &[f32::NAN; 162], shape, PAPER, &device);
    }
}

#[test]
fn follows_finite_differences() {
    let (shape, config) = ([1, 2, 7, 7], config(3, 2, 1, true));
    // Values at least 0.1 apart, so that a step of 0.001 changes no maximum.
    let mut x: Vec<f32> = (0..98).map(|index| index as f32 * 0.1).collect();
    x.sort_by_key(|value| (value * 7919.0) as i32 % 101);
    let weights = random(reference(&x, shape, &config).0.len(), 24);
    let loss = |x: &[f32]| -> f64 {
        let (y, _) = reference(x, shape, &config);
        y.iter().zip(&weights).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
    };
    let step = 1e-3;
    let want: Vec<f64> = (0..x.len())
        .map(|index| {
            let (mut above, mut below) = (x.clone(), x.clone());
            above[index] += step;
            below[index] -= step;
            (loss(&above) - loss(&below)) / f64::from(above[index] - below[index])
        })
        .collect();
    for (name, device) in devices() {
        let (_, dx) = with_gradient(|x| max_pool2d(x, config), &x, shape, &weights, &device);
        assert_close(name, &dx, &want, 1e-4, 1e-6);
    }
}

#[test]
fn equals_burns_pooling() {
    for (shape, config) in CASES {
        let x = random(shape.iter().product(), 25);
        let options = MaxPoolOptions::new(config.kernel)
            .with_stride(config.stride)
            .with_padding(config.padding)
            .with_ceil_mode(config.ceil);
        let theirs = |x| burn::tensor::module::max_pool2d(x, options.clone());
        let weights = random(reference(&x, shape, &config).0.len(), 26);
        let (y, dx) = with_gradient(theirs, &x, shape, &weights, &Device::flex());
        for (name, device) in devices() {
            let (ours, our_dx) = with_gradient(|x| max_pool2d(x, config), &x, shape, &weights, &device);
            assert_close(&format!("{name} {shape:?} {config:?} output"), &ours, &y, 0.0, 0.0);
            assert_close(&format!("{name} {shape:?} {config:?} gradient"), &our_dx, &dx, 1e-6, 1e-6);
        }
    }
}

#[test]
fn the_gradient_is_the_same_bits_every_time_and_on_every_device() {
    let shape = [4, 16, 27, 27];
    let x = random(shape.iter().product(), 27);
    let weights = random(4 * 16 * 13 * 13, 28);
    let bits = |device: &Device| -> Vec<u32> {
        let (_, dx) = with_gradient(|x| max_pool2d(x, PAPER), &x, shape, &weights, device);
        dx.iter().map(|value| value.to_bits()).collect()
    };
    let first = bits(&Device::flex());
    for (name, device) in devices() {
        for _ in 0..3 {
            assert!(bits(&device) == first, "{name}: the gradient differs between runs");
        }
    }
}

#[test]
fn works_without_gradients_and_with_untracked_tensors() {
    let shape = [2, 3, 9, 9];
    let x = random(shape.iter().product(), 29);
    let (want, _) = reference(&x, shape, &PAPER);
    for (name, device) in devices() {
        for device in [device.clone(), device.clone().autodiff()] {
            poison([2, 3, 4, 4], &device.clone().inner());
            let y = values(max_pool2d(tensor(&x, shape, &device), PAPER));
            assert_close(&format!("{name} {device:?}"), &y, &want, 0.0, 0.0);
        }
    }
}

#[test]
fn takes_tensors_that_are_not_contiguous() {
    // Height and width swapped twice: the operation sees a transposed picture and a transposed gradient.
    let (shape, turned) = ([2, 3, 8, 11], [2, 3, 11, 8]);
    let x = random(shape.iter().product(), 30);
    let turn = |values: &[f32], [planes, rows, columns]: [usize; 3]| -> Vec<f32> {
        let index = |at: usize| {
            let (plane, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
            plane * rows * columns + column * rows + row
        };
        let mut result = vec![0.0; values.len()];
        (0..planes * rows * columns).for_each(|at| result[index(at)] = values[at]);
        result
    };
    let (y, origin) = reference(&turn(&x, [6, 8, 11]), turned, &PAPER);
    let weights = random(y.len(), 31);
    let dx = scatter(&origin, &turn(&weights, [6, 3, 5]), x.len());
    for (name, device) in devices() {
        let operation = |x: burn::Tensor<4>| max_pool2d(x.swap_dims(2, 3), PAPER).swap_dims(2, 3);
        let (got, got_dx) = with_gradient(operation, &x, shape, &weights, &device);
        assert_close(&format!("{name} output"), &got, &turn(&y, [6, 5, 3]), 0.0, 0.0);
        assert_close(&format!("{name} gradient"), &got_dx, &turn(&dx, [6, 11, 8]), 0.0, 0.0);
    }
}

#[test]
fn more_than_65535_workgroups_are_spread_over_rows() {
    let Some(gpu) = software_device() else { return };
    let (shape, config) = ([1, 1, 2100, 2000], config(1, 1, 0, false));
    let x = random(shape.iter().product(), 32);
    assert!(x.len() > 65_535 * 64, "one thread an output, 64 threads a workgroup");
    check("software Vulkan", &x, shape, config, &gpu);
}

#[test]
fn an_empty_batch_stays_empty() {
    for (name, device) in devices() {
        let y = max_pool2d(tensor(&[], [0, 4, 7, 7], &device), PAPER);
        assert_eq!(y.dims(), [0, 4, 3, 3], "{name}");
    }
}

#[test]
fn sizes_are_those_of_the_paper_and_of_caffe() {
    let sizes =
        |ceil| [55, 27, 13, 32, 24, 16, 12, 8, 6].map(|h| config(3, 2, 0, ceil).output_size([h, h])[0]);
    assert_eq!(sizes(false), [27, 13, 6, 15, 11, 7, 5, 3, 2]);
    assert_eq!(sizes(true), [27, 13, 6, 16, 12, 8, 6, 4, 3]);
    // The third window would start in the padding on the right and is dropped.
    assert_eq!(config(2, 2, 1, true).output_size([3, 4]), [2, 3]);
    assert_eq!(config(1, 3, 0, true).output_size([5, 7]), [2, 3]);
    assert_eq!(config(3, 2, 0, false).output_size([2, 2]), [0, 0]);
}

#[test]
fn windows_that_cannot_be_are_named() {
    assert_eq!(PAPER.check([55, 55]), Ok(()));
    let says = |config: MaxPoolConfig, input, part: &str| {
        let message = config.check(input).expect_err("out of range").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(PAPER, [2, 9], "does not fit into [2, 9] pixels");
    says(config(0, 1, 0, false), [3, 3], "must be at least 1");
    says(config(2, 0, 0, false), [3, 3], "must be at least 1");
    says(config(3, 2, 2, false), [9, 9], "at most half the window");
}
