//! Convolutions.

mod digits;

use std::ops::Deref;

use alexnet_lab::kernels::{
    ConvConfig, as_on_a_card, convolve, convolve_backward_weight, convolve_backward_x,
};
use burn::tensor::Device;
use burn::tensor::activation::relu;

use super::layer::{Numbers, Outcome, assert_same, flat, plain};
use super::{devices, random, refused, tensor, values};
use crate::support::{assert_close, software_device};

const fn config(out: usize, kernel: usize, stride: usize, zeros: usize, groups: usize) -> ConvConfig {
    let around = [zeros, zeros];
    ConvConfig { out, kernel, stride, vertical: around, horizontal: around, groups, relu: false }
}

/// Shapes that find the borders of maps, tiles and vectors.
const CASES: [([usize; 4], ConvConfig); 13] = [
    ([1, 1, 1, 1], config(1, 1, 1, 0, 1)),
    ([2, 3, 5, 4], config(5, 3, 1, 1, 1)),
    ([3, 4, 6, 6], config(6, 3, 2, 1, 2)),
    // A stride over the kernel: pixels that nothing sees.
    ([2, 2, 9, 7], config(3, 2, 3, 0, 1)),
    ([2, 3, 8, 8], config(4, 1, 5, 0, 1)),
    // Depthwise.
    ([2, 6, 5, 5], config(6, 3, 1, 1, 6)),
    ([1, 3, 7, 6], config(9, 5, 1, 2, 3)),
    // The author's ceil-sized first convolution.
    ([2, 3, 20, 20], ConvConfig { vertical: [0, 3], horizontal: [0, 3], ..config(7, 11, 4, 0, 1) }),
    // More zeros on one side than the kernel is wide, and an output wider than the input.
    ([1, 2, 3, 4], ConvConfig { vertical: [0, 2], horizontal: [3, 3], ..config(2, 3, 1, 0, 1) }),
    ([2, 2, 2, 2], ConvConfig { vertical: [4, 0], horizontal: [0, 5], ..config(4, 2, 2, 0, 2) }),
    // A kernel as large as the map: one position.
    ([3, 5, 4, 4], config(17, 4, 1, 0, 1)),
    // More than one tile each way.
    ([3, 20, 9, 11], config(70, 3, 1, 1, 1)),
    ([1, 2, 1, 140], config(40, 1, 1, 0, 2)),
];

/// Shapes with enough channels for Winograd's domain on software Vulkan.
const WINOGRAD: [([usize; 4], ConvConfig); 7] = [
    // Kernels of 2 to 5 taps, groups, odd numbers of channels and tiles;
    ([3, 34, 7, 9], config(38, 3, 1, 1, 2)),
    ([2, 17, 13, 8], config(19, 5, 1, 2, 1)),
    ([1, 16, 9, 10], config(16, 2, 1, 0, 1)),
    ([2, 16, 12, 11], ConvConfig { vertical: [3, 0], horizontal: [0, 4], ..config(21, 4, 1, 0, 1) }),
    // strides, which make channels of phases, and pixels that nothing sees;
    ([2, 3, 28, 31], ConvConfig { vertical: [0, 3], horizontal: [2, 1], ..config(18, 11, 4, 0, 1) }),
    ([2, 8, 22, 23], config(32, 7, 2, 3, 1)),
    // more pictures than pass there at once.
    ([70, 16, 14, 14], config(16, 3, 1, 1, 1)),
];

struct Call {
    config: ConvConfig,
    numbers: Numbers,
}

impl Call {
    fn new(shape: [usize; 4], config: ConvConfig, seed: u64) -> Self {
        let [rows, columns] = config.output_size([shape[2], shape[3]]);
        let outputs = shape[0] * config.out * rows * columns;
        let sizes = [config.weights(shape[1]), config.out, outputs];
        Self { config, numbers: Numbers::random(shape, sizes, seed) }
    }

    /// Calls `found(output, input, weight)` with the indices of each product of the definition.
    fn each_product(&self, mut found: impl FnMut(usize, usize, usize)) {
        let [pictures, channels, height, width] = self.shape;
        let ConvConfig { out, kernel, stride, vertical, horizontal, groups, .. } = self.config;
        let [rows, columns] = self.config.output_size([height, width]);
        let each = channels / groups;
        for at in 0..pictures * out * rows * columns {
            let (n, o) = (at / columns / rows / out, at / columns / rows % out);
            let (row, column) = (at / columns % rows, at % columns);
            for tap in 0..each * kernel * kernel {
                let (c, ky, kx) = (tap / kernel / kernel, tap / kernel % kernel, tap % kernel);
                let iy = (row * stride + ky).wrapping_sub(vertical[0]);
                let ix = (column * stride + kx).wrapping_sub(horizontal[0]);
                if iy < height && ix < width {
                    let channel = o / (out / groups) * each + c;
                    let from = ((n * channels + channel) * height + iy) * width + ix;
                    found(at, from, o * each * kernel * kernel + tap);
                }
            }
        }
    }

    /// The definition, product by product, in 64-bit floats.
    fn reference(&self) -> Outcome<f64> {
        let mut want = self.zeros();
        let channel =
            |at: usize| at / (self.weights.len() / self.shape[0] / self.config.out) % self.config.out;
        for at in 0..want.y.len() {
            want.y[at] = f64::from(self.bias[channel(at)]);
        }
        self.each_product(|at, from, weight| {
            want.y[at] += f64::from(self.x[from]) * f64::from(self.weight[weight]);
        });
        let open = |y: f64| !self.config.relu || y > 0.0;
        self.each_product(|at, from, weight| {
            if open(want.y[at]) {
                let gradient = f64::from(self.weights[at]);
                want.dx[from] += f64::from(self.weight[weight]) * gradient;
                want.dweight[weight] += f64::from(self.x[from]) * gradient;
            }
        });
        for at in 0..want.y.len() {
            if open(want.y[at]) {
                want.dbias[channel(at)] += f64::from(self.weights[at]);
            } else {
                want.y[at] = 0.0;
            }
        }
        want
    }

    fn run(&self, device: &Device) -> Outcome<f32> {
        self.numbers.run(device, |x, weight, bias| convolve(x, weight, bias, self.config))
    }
}

impl Deref for Call {
    type Target = Numbers;

    fn deref(&self) -> &Numbers {
        &self.numbers
    }
}

/// A shape that a convolution may have, from numbers that look random.
fn random_call(seed: u64) -> Option<Call> {
    let numbers = random(16, 7 * seed + 1);
    let pick = |index: usize, most: usize| ((numbers[index] + 1.0) / 2.0 * most as f32) as usize;
    let channels = 1 + pick(1, 4);
    // One group, two, three, or one for each channel.
    let (groups, channels) = match pick(0, 4) {
        3 => (channels, channels),
        groups => (1 + groups, (1 + groups) * channels),
    };
    let config = ConvConfig {
        out: groups * (1 + pick(2, [3, 40][pick(12, 2)])),
        kernel: 1 + pick(3, 6),
        stride: 1 + pick(4, 5),
        vertical: [pick(5, 4), pick(6, 4)],
        horizontal: [pick(7, 4), pick(8, 4)],
        groups,
        relu: pick(13, 2) == 1,
    };
    let shape = [1 + pick(9, 4), channels, 1 + pick(10, 13), 1 + pick(11, 13)];
    config.check([channels, shape[2], shape[3]]).ok()?;
    Some(Call::new(shape, config, seed))
}

#[test]
fn follows_the_definition() {
    for (shape, config) in CASES {
        let call = Call::new(shape, config, 160);
        let want = call.reference();
        for (name, device) in devices() {
            assert_same(&format!("{name} {shape:?} {config:?}"), &call.run(&device), &want);
        }
    }
}

#[test]
fn follows_the_definition_in_winograd_s_domain() {
    let Some(gpu) = software_device() else { return };
    for (shape, config) in WINOGRAD {
        for config in [config, ConvConfig { relu: true, ..config }] {
            let call = Call::new(shape, config, 165);
            let (got, want) = (call.run(&gpu), call.reference());
            let title = format!("{shape:?} {config:?}");
            // Parts of a tile are as large as its largest value, and small sums of them lose that many digits.
            let of_largest = |name: &str, got: &[f32], want: &[f64], most: f64| {
                let largest = want.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
                assert_close(&format!("{title} {name}"), got, want, 0.0, most * largest);
            };
            of_largest("output", &got.y, &want.y, 5e-6);
            of_largest("gradient of x", &got.dx, &want.dx, 5e-6);
            of_largest("gradient of the weights", &got.dweight, &want.dweight, 2e-5);
            assert!(as_on_a_card(|| call.run(&gpu)) != got, "{title}: this shape does not go there");
        }
    }
}

#[test]
fn follows_the_definition_with_the_tiles_of_a_card() {
    let Some(gpu) = software_device() else { return };
    // Fewer, since every shape is compiled for itself; the last ones are larger than a tile.
    for (shape, config) in [CASES[2], CASES[7], CASES[9], CASES[11], CASES[12]] {
        let call = Call::new(shape, config, 161);
        let got = as_on_a_card(|| call.run(&gpu));
        assert_same(&format!("{shape:?} {config:?}"), &got, &call.reference());
    }
}

#[test]
fn follows_the_definition_for_hundreds_of_random_shapes_on_the_processor() {
    let device = Device::flex();
    let calls: Vec<Call> = (0..400).filter_map(random_call).collect();
    assert!(calls.len() > 300, "only {} shapes", calls.len());
    for call in calls {
        let title = format!("{:?} {:?}", call.shape, call.config);
        assert_same(&title, &call.run(&device), &call.reference());
    }
}

#[test]
fn the_shaders_equal_their_twin_for_random_shapes() {
    let Some(gpu) = software_device() else { return };
    // Every shape is compiled for itself, so that these are fewer.
    for call in (1000..1012).filter_map(random_call) {
        let title = format!("{:?} {:?}", call.shape, call.config);
        assert_same(&title, &call.run(&gpu), &call.run(&Device::flex()));
    }
}

#[test]
fn the_reference_has_the_gradients_of_its_finite_differences() {
    let call = Call::new([2, 4, 5, 4], config(4, 3, 2, 1, 2), 180);
    call.check_differences(|numbers| Call { config: call.config, numbers: numbers.clone() }.reference());
}

#[test]
fn the_unit_behind_it_is_that_of_burn() {
    let call = Call::new([2, 3, 6, 5], ConvConfig { relu: true, ..config(5, 3, 1, 1, 1) }, 190);
    let without = ConvConfig { relu: false, ..call.config };
    for (name, device) in devices() {
        let want = call.numbers.run(&device, |x, weight, bias| relu(convolve(x, weight, bias, without)));
        let got = call.run(&device);
        assert!(want.y.contains(&0.0) && want.y.iter().any(|&y| y > 0.0), "{name}");
        assert_same(name, &got, &want);
    }
}

#[test]
fn gives_only_the_gradients_that_are_asked_for() {
    let call = Call::new([3, 2, 4, 4], config(3, 3, 1, 1, 1), 210);
    call.check_asked_for(|x, weight, bias| convolve(x, weight, bias, call.config), &call.reference());
}

#[test]
fn takes_tensors_that_are_not_contiguous() {
    // The batch and the channels swapped twice, once before and once after; the weights as part of more.
    let call = Call::new([2, 3, 4, 4], config(2, 3, 1, 1, 1), 220);
    let around: Vec<f32> = [&[f32::NAN; 7][..], &call.weight, &[f32::NAN]].concat();
    for (name, device) in devices() {
        let inside = flat(&around, &device).narrow(0, 7, call.weight.len());
        let x = tensor(&call.x, call.shape, &device).swap_dims(0, 1).mul_scalar(1.0).swap_dims(0, 1);
        let y = convolve(x, inside, flat(&call.bias, &device), call.config);
        assert_close(name, &values(y), &call.reference().y, 1e-5, 1e-5);
        let turned = call.numbers.run(&device, |x, weight, bias| {
            let x = x.swap_dims(0, 1).mul_scalar(1.0).swap_dims(0, 1);
            convolve(x, weight, bias, call.config).swap_dims(2, 3).mul_scalar(1.0).swap_dims(2, 3)
        });
        assert_same(name, &turned, &call.reference());
    }
}

#[test]
fn every_run_gives_the_same_bits() {
    // Long enough sums that they are made in parts.
    let call = Call::new([7, 4, 23, 21], config(6, 3, 1, 1, 2), 230);
    let (shape, config) = WINOGRAD[6];
    let domain = Call::new(shape, config, 231);
    for (name, device) in devices() {
        assert!(call.run(&device) == call.run(&device), "{name}");
        let card = || as_on_a_card(|| call.run(&device));
        assert!(card() == card(), "{name}");
        assert!(domain.run(&device) == domain.run(&device), "{name}");
    }
    // On the processor not even the number of threads matters.
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let together = rayon::ThreadPoolBuilder::new().num_threads(5).build().expect("five threads");
    let on = |pool: &rayon::ThreadPool| pool.install(|| call.run(&Device::flex()));
    assert!(on(&alone) == on(&together), "one thread and five");
}

#[test]
fn nan_and_infinity_pass_through_and_touch_nothing_else() {
    let mut call = Call::new([2, 2, 5, 5], ConvConfig { relu: true, ..config(2, 3, 1, 1, 2) }, 240);
    call.numbers.x[0] = f32::NAN;
    call.numbers.x[3 * 25 + 24] = f32::INFINITY;
    for (name, device) in devices() {
        let x = tensor(&call.x, call.shape, &device);
        let y = values(convolve(x, flat(&call.weight, &device), flat(&call.bias, &device), call.config));
        // The first pixel reaches four positions of its group, the last likewise.
        let odd: Vec<usize> = (0..y.len()).filter(|&at| !y[at].is_finite()).collect();
        assert!([0, 1, 5, 6].iter().all(|at| y[*at].is_nan()), "{name}: {odd:?}");
        assert!(odd.iter().all(|at| [0, 1, 5, 6].contains(at) || *at >= 75), "{name}: {odd:?}");
    }
}

#[test]
fn an_empty_batch_stays_empty() {
    let config = config(3, 3, 1, 1, 1);
    for (name, device) in devices() {
        for device in [device.clone(), device.autodiff()] {
            let (weight, bias) = (vec![1.0; config.weights(2)], vec![1.0; 3]);
            let x = tensor(&[], [0, 2, 4, 5], &device);
            let y = convolve(x, flat(&weight, &device), flat(&bias, &device), config);
            assert_eq!(y.dims(), [0, 3, 4, 5], "{name}");
        }
    }
}

#[test]
fn convolutions_that_cannot_be_are_named() {
    assert_eq!(config(64, 3, 1, 1, 2).check([64, 6, 6]), Ok(()));
    let says = |config: ConvConfig, input, part: &str| {
        let message = config.check(input).expect_err("out of range").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(config(0, 3, 1, 1, 1), [3, 6, 6], "0 outputs");
    says(config(8, 0, 1, 1, 1), [3, 6, 6], "a kernel of 0");
    says(config(8, 3, 0, 1, 1), [3, 6, 6], "a stride of 0");
    says(config(8, 3, 1, 1, 0), [3, 6, 6], "0 groups");
    says(config(8, 3, 1, 1, 1), [0, 6, 6], "0 x 6 x 6");
    says(config(8, 3, 1, 1, 2), [3, 6, 6], "do not split into 2 groups");
    says(config(7, 3, 1, 1, 2), [4, 6, 6], "do not split into 2 groups");
    says(config(8, 9, 1, 1, 1), [3, 6, 6], "a kernel of 9 does not fit into 6 x 6");
    says(config(8, usize::MAX, 1, 1, 1), [3, 6, 6], "does not fit");
}

#[test]
fn another_number_of_weights_is_refused() {
    let device = Device::flex();
    let call = Call::new([1, 2, 3, 3], config(2, 3, 1, 1, 1), 250);
    let result = std::panic::catch_unwind(|| {
        let x = tensor(&call.x, call.shape, &device);
        convolve(x, flat(&call.weight[1..], &device), flat(&call.bias, &device), call.config)
    });
    assert!(result.is_err(), "one weight too few");
}

#[test]
fn gradients_of_their_own_are_those_of_a_loss_and_shapes_that_do_not_fit_are_refused() {
    let call = Call::new([2, 4, 6, 5], config(6, 3, 2, 1, 2), 80);
    let want = call.reference();
    for (name, device) in devices() {
        let [rows, columns] = call.config.output_size([6, 5]);
        let x = tensor(&call.x, [2, 4, 6, 5], &device);
        let (weight, grad) =
            (flat(&call.weight, &device), tensor(&call.weights, [2, 6, rows, columns], &device));
        let dx = convolve_backward_x(weight.clone(), grad.clone(), [4, 6, 5], call.config);
        assert_close(name, &values(dx), &want.dx, 1e-5, 1e-5);
        let dw = convolve_backward_weight(x.clone(), grad.clone(), call.config);
        assert_close(name, &plain(dw), &want.dweight, 1e-5, 1e-5);
        let none = tensor(&[], [0, 6, rows, columns], &device);
        let dims = convolve_backward_x(weight.clone(), none, [4, 6, 5], call.config).dims();
        assert_eq!(dims, [0, 4, 6, 5], "{name}");

        let few = flat(&call.weight[1..], &device);
        refused("a weight too few", || convolve_backward_x(few, grad.clone(), [4, 6, 5], call.config));
        refused("an input of another size", || {
            convolve_backward_x(weight.clone(), grad.clone(), [4, 9, 5], call.config)
        });
        refused("groups that do not fit", || {
            convolve_backward_x(weight.clone(), grad.clone(), [3, 6, 5], call.config)
        });
        let one = tensor(&call.weights[..6 * rows * columns], [1, 6, rows, columns], &device);
        refused("gradients of one picture", || convolve_backward_weight(x.clone(), one, call.config));
    }
}
