//! Locally connected layers.

use std::ops::Deref;

use alexnet_lab::kernels::{LocalConfig, locally_connected};
use burn::tensor::Device;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::layer::{Numbers, Outcome, assert_same, flat};
use super::{Fixture, devices, random, tensor, values};
use crate::support::{assert_close, software_device};

const fn config(out: usize, kernel: usize, padding: usize) -> LocalConfig {
    LocalConfig { out, kernel, padding }
}

/// Shapes that find the borders of maps and of the shaders' blocks of four.
const CASES: [([usize; 4], LocalConfig); 12] = [
    ([1, 1, 1, 1], config(1, 1, 0)),
    ([2, 3, 1, 1], config(5, 3, 1)),
    ([5, 6, 6, 6], config(7, 3, 1)),
    ([4, 4, 6, 6], config(4, 3, 1)),
    ([1, 1, 4, 7], config(2, 3, 1)),
    ([3, 2, 5, 4], config(3, 2, 0)),
    // A kernel that is larger than half the map, than the map, and that has one position.
    ([2, 3, 3, 4], config(5, 5, 2)),
    ([9, 2, 2, 3], config(1, 5, 2)),
    ([6, 2, 4, 4], config(3, 4, 0)),
    // More zeros than pixels: an output larger than the input, and corners that see zeros only.
    ([2, 1, 2, 2], config(2, 3, 2)),
    ([130, 1, 2, 2], config(1, 1, 0)),
    ([2, 5, 1, 6], config(6, 2, 1)),
];

struct Call {
    config: LocalConfig,
    numbers: Numbers,
}

impl Call {
    fn new(shape: [usize; 4], config: LocalConfig, seed: u64) -> Self {
        let input = [shape[1], shape[2], shape[3]];
        let (weights, biases) = (config.weights(input), config.biases(input));
        Self { config, numbers: Numbers::random(shape, [weights, biases, shape[0] * biases], seed) }
    }

    /// The definition, tap by tap, in 64-bit floats.
    fn reference(&self) -> Outcome<f64> {
        let [_, channels, height, width] = self.shape;
        let LocalConfig { out, kernel, padding } = self.config;
        let [rows, columns] = self.config.output_size([height, width]);
        let mut want = self.zeros();
        for at in 0..want.y.len() {
            let (n, o, row, column) =
                (at / columns / rows / out, at / columns / rows % out, at / columns % rows, at % columns);
            let gradient = f64::from(self.weights[at]);
            let bias = (o * rows + row) * columns + column;
            want.y[at] += f64::from(self.bias[bias]);
            want.dbias[bias] += gradient;
            for tap in 0..channels * kernel * kernel {
                let (c, ky, kx) = (tap / kernel / kernel, tap / kernel % kernel, tap % kernel);
                let (iy, ix) = ((row + ky).wrapping_sub(padding), (column + kx).wrapping_sub(padding));
                if iy >= height || ix >= width {
                    continue;
                }
                let from = ((n * channels + c) * height + iy) * width + ix;
                let weight = ((row * columns + column) * out + o) * channels * kernel * kernel + tap;
                let (x, w) = (f64::from(self.x[from]), f64::from(self.weight[weight]));
                want.y[at] += w * x;
                want.dx[from] += w * gradient;
                want.dweight[weight] += x * gradient;
            }
        }
        want
    }

    fn run(&self, device: &Device) -> Outcome<f32> {
        self.numbers.run(device, |x, weight, bias| locally_connected(x, weight, bias, self.config))
    }
}

impl Deref for Call {
    type Target = Numbers;

    fn deref(&self) -> &Numbers {
        &self.numbers
    }
}

#[test]
fn follows_the_definition() {
    for (name, device) in devices() {
        for (shape, config) in CASES {
            let call = Call::new(shape, config, 60);
            assert_same(&format!("{name} {shape:?} {config:?}"), &call.run(&device), &call.reference());
        }
    }
}

#[test]
fn follows_the_definition_on_the_authors_shape() {
    // local3 of conv-local-11pct with a few pictures; dot products of 576 values.
    let call = Call::new([5, 64, 6, 6], config(64, 3, 1), 70);
    let want = call.reference();
    for (name, device) in devices() {
        assert_same(name, &call.run(&device), &want);
    }
}

#[test]
fn the_reference_has_the_gradients_of_its_finite_differences() {
    let call = Call::new([2, 2, 3, 4], config(3, 3, 1), 80);
    call.check_differences(|numbers| Call { config: call.config, numbers: numbers.clone() }.reference());
}

#[test]
fn equals_pytorchs_unfold_and_einsum() {
    let fixture = Fixture::open("local");
    let cases = [
        ("author", config(6, 3, 1)),
        ("valid", config(3, 2, 0)),
        ("pixel", config(2, 1, 0)),
        ("wide_kernel", config(5, 5, 2)),
    ];
    for (name, config) in cases {
        let inputs = |part: &str| fixture.inputs(&format!("{name}.{part}"));
        let results = |part: &str| fixture.results(&format!("{name}.{part}"));
        let numbers = Numbers {
            shape: fixture.shape(&format!("{name}.x")),
            x: inputs("x"),
            weight: inputs("weight"),
            bias: inputs("bias"),
            weights: inputs("weights"),
        };
        let call = Call { config, numbers };
        let want = Outcome {
            y: results("y"),
            dx: results("dx"),
            dweight: results("dweight"),
            dbias: results("dbias"),
        };
        for (device_name, device) in devices() {
            assert_same(&format!("{device_name} {name}"), &call.run(&device), &want);
        }
    }
}

#[test]
fn is_a_convolution_where_every_position_has_the_same_kernels() {
    let ([pictures, channels, height, width], config) = ([3, 2, 5, 6], config(4, 3, 1));
    let kernels = random(config.out * channels * 9, 90);
    let mut call = Call::new([pictures, channels, height, width], config, 91);
    call.numbers.weight = kernels.repeat(height * width);
    call.numbers.bias.fill(0.25);
    let shape = [config.out, channels, 3, 3];
    let cpu = Device::flex();
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let bias = flat(&[0.25; 4], &cpu);
    let want = conv2d(tensor(&call.x, call.shape, &cpu), tensor(&kernels, shape, &cpu), Some(bias), options);
    let want = values(want);
    for (name, device) in devices() {
        assert_close(name, &call.run(&device).y, &want, 1e-5, 1e-5);
    }
}

#[test]
fn gives_only_the_gradients_that_are_asked_for() {
    let call = Call::new([3, 2, 4, 4], config(3, 3, 1), 100);
    let operation = |x, weight, bias| locally_connected(x, weight, bias, call.config);
    call.check_asked_for(operation, &call.reference());
}

#[test]
fn works_without_gradients() {
    let call = Call::new([3, 2, 4, 4], config(3, 3, 1), 110);
    for (name, device) in devices() {
        let x = tensor(&call.x, call.shape, &device);
        let y = locally_connected(x, flat(&call.weight, &device), flat(&call.bias, &device), call.config);
        assert_close(name, &values(y), &call.reference().y, 1e-5, 1e-5);
    }
}

#[test]
fn takes_tensors_that_are_not_contiguous() {
    // The batch and the channels swapped twice, once before and once after; the weights as part of more.
    let call = Call::new([2, 3, 4, 4], config(2, 3, 1), 120);
    let stored = [3, 2, 4, 4];
    let half = 3 * 16;
    let swap = |values: &[f32]| -> Vec<f32> {
        (0..values.len())
            .map(|index| {
                let (channel, picture, pixel) = (index / 32, index / 16 % 2, index % 16);
                values[picture * half + channel * 16 + pixel]
            })
            .collect()
    };
    let around: Vec<f32> = [&[f32::NAN; 7][..], &call.weight, &[f32::NAN]].concat();
    for (name, device) in devices() {
        let x = tensor(&swap(&call.x), stored, &device).swap_dims(0, 1);
        let weight = flat(&around, &device).narrow(0, 7, call.weight.len());
        let y = locally_connected(x, weight, flat(&call.bias, &device), call.config);
        assert_close(name, &values(y), &call.reference().y, 1e-5, 1e-5);
        let turned = call.numbers.run(&device, |x, weight, bias| {
            let x = x.swap_dims(0, 1).mul_scalar(1.0).swap_dims(0, 1);
            locally_connected(x, weight, bias, call.config).swap_dims(2, 3).mul_scalar(1.0).swap_dims(2, 3)
        });
        assert_same(name, &turned, &call.reference());
    }
}

#[test]
fn every_run_gives_the_same_bits() {
    let call = Call::new([33, 5, 6, 6], config(6, 3, 1), 130);
    for (name, device) in devices() {
        assert!(call.run(&device) == call.run(&device), "{name}");
    }
}

#[test]
fn more_than_65535_workgroups_are_spread_over_rows() {
    // One weight a position: the output is a product of two numbers.
    let Some(gpu) = software_device() else { return };
    let call = Call::new([1, 1, 2100, 2000], config(1, 1, 0), 140);
    assert!(call.x.len() > 65_535 * 64, "one thread a position, 64 threads a workgroup");
    let got = call.run(&gpu);
    let pairs = |a: &[f32], b: &[f32]| -> Vec<f32> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let y: Vec<f32> = pairs(&call.x, &call.weight).iter().zip(&call.bias).map(|(y, b)| y + b).collect();
    assert_close("output", &got.y, &y, 1e-6, 1e-6);
    assert_close("gradient of x", &got.dx, &pairs(&call.weight, &call.weights), 1e-6, 0.0);
    assert_close("gradient of the weights", &got.dweight, &pairs(&call.x, &call.weights), 1e-6, 0.0);
}

#[test]
fn an_empty_batch_stays_empty() {
    let config = config(3, 3, 1);
    let input = [2, 4, 5];
    for (name, device) in devices() {
        for device in [device.clone(), device.autodiff()] {
            let (weight, bias) = (vec![1.0; config.weights(input)], vec![1.0; config.biases(input)]);
            let x = tensor(&[], [0, 2, 4, 5], &device);
            let y = locally_connected(x, flat(&weight, &device), flat(&bias, &device), config);
            assert_eq!(y.dims(), [0, 3, 4, 5], "{name}");
        }
    }
}

#[test]
fn sizes_are_those_of_the_authors_networks() {
    // Section 8.4 of the author's numbers: conv-local-13pct has 664,704 and 332,928 parameters.
    let parameters = |config: LocalConfig, input| config.weights(input) + config.biases(input);
    assert_eq!(parameters(config(32, 3, 1), [64, 6, 6]), 664_704);
    assert_eq!(parameters(config(32, 3, 1), [32, 6, 6]), 332_928);
    assert_eq!(config(1, 3, 0).output_size([5, 4]), [3, 2]);
    assert_eq!(config(1, 3, 2).output_size([5, 4]), [7, 6]);
    assert_eq!(config(1, 6, 0).output_size([5, 4]), [0, 0]);
}

#[test]
fn layers_that_cannot_be_are_named() {
    assert_eq!(config(64, 3, 1).check([64, 6, 6]), Ok(()));
    let says = |config: LocalConfig, input, part: &str| {
        let message = config.check(input).expect_err("out of range").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(config(0, 3, 1), [64, 6, 6], "0 outputs");
    says(config(8, 0, 0), [64, 6, 6], "a kernel of 0");
    says(config(8, 3, 1), [0, 6, 6], "0 channels");
    says(config(8, 3, 3), [64, 6, 6], "the padding is 3, but must be less than the kernel of 3");
    says(config(8, 7, 0), [64, 6, 9], "a kernel of 7 does not fit into 6 x 9 pixels with 0 zeros around");
    says(config(8, 2, 1), [64, 0, 4], "does not fit into 0 x 4 pixels");
    says(config(64, 3, 1), [64, 55, 55], "128 MiB");
    says(config(usize::MAX, 3, 1), [64, 6, 6], "128 MiB");
    says(config(1, usize::MAX, usize::MAX - 1), [64, 6, 6], "does not fit");
    says(config(1, 1 << 40, (1 << 40) - 1), [64, 6, 6], "128 MiB");
    says(config(1, usize::MAX, 0), [64, 6, 6], "does not fit");
}

#[test]
fn another_number_of_weights_is_refused() {
    let device = Device::flex();
    let call = Call::new([1, 2, 3, 3], config(2, 3, 1), 150);
    let result = std::panic::catch_unwind(|| {
        let weight = flat(&call.weight[1..], &device);
        locally_connected(
            tensor(&call.x, call.shape, &device),
            weight,
            flat(&call.bias, &device),
            call.config,
        )
    });
    assert!(result.is_err(), "one weight too few");
}
