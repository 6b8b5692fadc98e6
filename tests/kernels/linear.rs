//! Linear layers.

use alexnet_lab::kernels::{as_on_a_card, linear, linear_backward_weight, linear_backward_x};
use burn::tensor::Device;

use super::layer::{flat, matrix, plain};
use super::{devices, poison, random, refused};
use crate::support::{assert_close, software_device};

/// Pictures, inputs and outputs around the borders of the tiles and blocks.
const CASES: [[usize; 3]; 13] = [
    [1, 1, 1],
    [2, 5, 3],
    [8, 64, 10],
    [16, 17, 129],
    [17, 8, 128],
    [33, 130, 31],
    [65, 15, 70],
    [129, 33, 5],
    [3, 1, 260],
    // Around the blocks that the processor's twin goes through its matrices in.
    [2, 2050, 5],
    [33, 257, 49],
    [13, 31, 129],
    [1, 512, 96],
];

struct Call {
    sizes: [usize; 3],
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    weights: Vec<f32>,
    relu: bool,
}

/// The output and the gradients of the loss sum(weights * output): x, weights, biases.
type Outcome<T> = [Vec<T>; 4];

impl Call {
    fn new([pictures, inputs, out]: [usize; 3], relu: bool, seed: u64) -> Self {
        Self {
            sizes: [pictures, inputs, out],
            x: random(pictures * inputs, seed),
            weight: random(out * inputs, seed + 1),
            bias: random(out, seed + 2),
            weights: random(pictures * out, seed + 3),
            relu,
        }
    }

    /// The definition in 64-bit floats.
    fn reference(&self) -> Outcome<f64> {
        let [pictures, inputs, out] = self.sizes;
        let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&value| f64::from(value)).collect() };
        let [x, weight, bias, weights] = [&self.x, &self.weight, &self.bias, &self.weights].map(|v| wide(v));
        let mut y = vec![0.0; pictures * out];
        let [mut dx, mut dw, mut db] = [x.len(), weight.len(), out].map(|count| vec![0.0; count]);
        for (n, o) in (0..pictures).flat_map(|n| (0..out).map(move |o| (n, o))) {
            let sum: f64 = (0..inputs).map(|i| x[n * inputs + i] * weight[o * inputs + i]).sum();
            let (sum, gradient) = (sum + bias[o], weights[n * out + o]);
            if self.relu && sum <= 0.0 {
                continue;
            }
            y[n * out + o] = sum;
            db[o] += gradient;
            for i in 0..inputs {
                dx[n * inputs + i] += weight[o * inputs + i] * gradient;
                dw[o * inputs + i] += x[n * inputs + i] * gradient;
            }
        }
        [y, dx, dw, db]
    }

    fn run(&self, device: &Device) -> Outcome<f32> {
        let [pictures, inputs, out] = self.sizes;
        let inner = device.clone();
        let device = device.clone().autodiff();
        let x = matrix(&self.x, [pictures, inputs], &device).require_grad();
        let [weight, bias] = [&self.weight, &self.bias].map(|values| flat(values, &device).require_grad());
        poison([1, 1, pictures, out], &inner);
        let y = linear(x.clone(), weight.clone(), bias.clone(), self.relu);
        let loss = (y.clone() * matrix(&self.weights, [pictures, out], &device)).sum();
        poison([1, 1, pictures, inputs], &inner);
        poison([1, 1, out, inputs], &inner);
        let gradients = loss.backward();
        [
            plain(y.inner()),
            plain(x.grad(&gradients).expect("x is tracked")),
            plain(weight.grad(&gradients).expect("the weights are tracked")),
            plain(bias.grad(&gradients).expect("the biases are tracked")),
        ]
    }
}

#[track_caller]
fn assert_same<T: Copy + Into<f64>>(title: &str, got: &Outcome<f32>, want: &Outcome<T>) {
    for (part, (got, want)) in ["output", "x", "weights", "biases"].iter().zip(got.iter().zip(want)) {
        assert_close(&format!("{title} {part}"), got, want, 1e-5, 2e-5);
    }
}

#[test]
fn follows_the_definition() {
    for sizes in CASES {
        for relu in [false, true] {
            let call = Call::new(sizes, relu, 300);
            let want = call.reference();
            for (name, device) in devices() {
                assert_same(&format!("{name} {sizes:?} {relu}"), &call.run(&device), &want);
            }
        }
    }
}

#[test]
fn follows_the_definition_with_the_tiles_of_a_card() {
    let Some(gpu) = software_device() else { return };
    for sizes in CASES {
        let call = Call::new(sizes, true, 310);
        assert_same(&format!("{sizes:?}"), &as_on_a_card(|| call.run(&gpu)), &call.reference());
    }
}

#[test]
fn follows_the_definition_for_random_sizes() {
    for seed in 0..100 {
        let sizes = [0, 1, 2].map(|i| 1 + (random(3, seed)[i].abs() * [40.0, 90.0, 90.0][i]) as usize);
        let call = Call::new(sizes, seed % 2 == 0, 320 + seed);
        let want = call.reference();
        for (name, device) in devices() {
            assert_same(&format!("{name} {sizes:?}"), &call.run(&device), &want);
        }
    }
}

#[test]
fn keeps_the_digits_of_the_longest_sums() {
    // fc6 of the paper's network: sums of 9216 terms. Few outputs, so that the test is quick.
    let call = Call::new([4, 9216, 24], false, 330);
    let want = call.reference();
    for (name, device) in devices() {
        let got = call.run(&device);
        for index in 0..want[0].len() {
            let (n, o) = (index / 24, index % 24);
            let size: f64 =
                (0..9216).map(|i| f64::from((call.x[n * 9216 + i] * call.weight[o * 9216 + i]).abs())).sum();
            let off = (f64::from(got[0][index]) - want[0][index]).abs() / size / f64::from(f32::EPSILON);
            assert!(off < 24.0, "{name} [{index}]: {off} epsilon");
        }
    }
}

#[test]
fn every_run_gives_the_same_bits() {
    let call = Call::new([33, 130, 31], true, 340);
    for (name, device) in devices() {
        assert!(call.run(&device) == call.run(&device), "{name}");
    }
}

#[test]
fn takes_tensors_that_are_not_contiguous_and_empty_batches() {
    let call = Call::new([5, 6, 7], false, 350);
    let want = call.reference();
    for (name, device) in devices() {
        let x = matrix(&call.x, [5, 6], &device).transpose().mul_scalar(1.0).transpose();
        let (weight, bias) = (flat(&call.weight, &device), flat(&call.bias, &device));
        let y = linear(x, weight.clone(), bias.clone(), false);
        assert_close(name, &plain(y), &want[0], 1e-5, 1e-5);
        assert_eq!(linear(matrix(&[], [0, 6], &device), weight, bias, false).dims(), [0, 7], "{name}");
    }
}

#[test]
fn gradients_of_their_own_are_those_of_a_loss_and_shapes_that_do_not_fit_are_refused() {
    let call = Call::new([5, 6, 7], false, 370);
    let want = call.reference();
    for (name, device) in devices() {
        let (weight, grad) = (flat(&call.weight, &device), matrix(&call.weights, [5, 7], &device));
        let x = matrix(&call.x, [5, 6], &device);
        let dx = linear_backward_x(weight.clone(), grad.clone());
        assert_close(name, &plain(dx), &want[1], 1e-5, 1e-5);
        let dw = linear_backward_weight(x.clone(), grad.clone());
        assert_close(name, &plain(dw), &want[2], 1e-5, 1e-5);
        let empty = |columns| matrix(&[], [0, columns], &device);
        assert_eq!(linear_backward_x(weight.clone(), empty(7)).dims(), [0, 6], "{name}");
        assert_eq!(plain(linear_backward_weight(empty(6), empty(7))), vec![0.0; 42], "{name}");
        refused("4 rows of weights, 7 outputs", || {
            linear_backward_x(flat(&[1.0; 40], &device), grad.clone())
        });
        refused("no outputs", || linear_backward_x(weight.clone(), empty(0)));
        let four = matrix(&call.x[..24], [4, 6], &device);
        refused("4 pictures and 5 gradients", || linear_backward_weight(four, grad.clone()));
    }
}

#[test]
fn another_number_of_weights_is_refused() {
    let device = Device::flex();
    let call = Call::new([2, 3, 4], false, 360);
    let result = std::panic::catch_unwind(|| {
        let weight = flat(&call.weight[1..], &device);
        linear(matrix(&call.x, [2, 3], &device), weight, flat(&call.bias, &device), false)
    });
    assert!(result.is_err(), "one weight too few");
}
