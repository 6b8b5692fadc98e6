//! Convolutions.

use alexnet_lab::kernels::{
    ConvConfig, as_on_a_card, convolve, convolve_backward_weight, convolve_backward_x,
};
use alexnet_lab::model::{LayerKind, MapShape, PRESETS, Shapes};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use super::{devices, poison, random, refused, tensor, values};
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

/// Everything that a call takes, and the weights of its outputs in the loss.
struct Call {
    config: ConvConfig,
    shape: [usize; 4],
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    weights: Vec<f32>,
}

/// The output and the gradients of the loss sum(weights * output).
#[derive(Debug, PartialEq)]
struct Outcome<T> {
    y: Vec<T>,
    dx: Vec<T>,
    dweight: Vec<T>,
    dbias: Vec<T>,
}

impl Call {
    fn new(shape: [usize; 4], config: ConvConfig, seed: u64) -> Self {
        let [rows, columns] = config.output_size([shape[2], shape[3]]);
        Self {
            config,
            shape,
            x: random(shape.iter().product(), seed),
            weight: random(config.weights(shape[1]), seed + 1),
            bias: random(config.out, seed + 2),
            weights: random(shape[0] * config.out * rows * columns, seed + 3),
        }
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
        let mut want = Outcome {
            y: vec![0.0; self.weights.len()],
            dx: vec![0.0; self.x.len()],
            dweight: vec![0.0; self.weight.len()],
            dbias: vec![0.0; self.bias.len()],
        };
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
        self.run_with(device, |x, weight, bias| convolve(x, weight, bias, self.config))
    }

    /// `operation` on this call's tensors, with NaN in the memory that its results are given.
    fn run_with(
        &self,
        device: &Device,
        operation: impl Fn(Tensor<4>, Tensor<1>, Tensor<1>) -> Tensor<4>,
    ) -> Outcome<f32> {
        let inner = device.clone();
        let device = device.clone().autodiff();
        let x = tensor(&self.x, self.shape, &device).require_grad();
        let weight = flat(&self.weight, &device).require_grad();
        let bias = flat(&self.bias, &device).require_grad();
        poison([1, 1, 1, self.weights.len()], &inner);
        let y = operation(x.clone(), weight.clone(), bias.clone());
        let loss = (y.clone() * tensor(&self.weights, y.dims(), &device)).sum();
        poison(self.shape, &inner);
        poison([1, 1, 1, self.weight.len()], &inner);
        let gradients = loss.backward();
        Outcome {
            y: values(y.inner()),
            dx: values(x.grad(&gradients).expect("x is tracked")),
            dweight: plain(weight.grad(&gradients).expect("the weights are tracked")),
            dbias: plain(bias.grad(&gradients).expect("the biases are tracked")),
        }
    }
}

fn flat(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn plain(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

#[track_caller]
fn assert_same<T: Copy + Into<f64>>(title: &str, got: &Outcome<f32>, want: &Outcome<T>) {
    assert_close(&format!("{title} output"), &got.y, &want.y, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of x"), &got.dx, &want.dx, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of the weights"), &got.dweight, &want.dweight, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of the biases"), &got.dbias, &want.dbias, 1e-5, 2e-5);
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
    // Linear in each argument, so that a difference over a whole unit is exact.
    let make = || Call::new([2, 4, 5, 4], config(4, 3, 2, 1, 2), 180);
    let loss = |call: &Call| -> f64 {
        call.reference().y.iter().zip(&call.weights).map(|(y, &w)| y * f64::from(w)).sum()
    };
    let check = |name: &str, part: fn(&mut Call) -> &mut Vec<f32>, want: &[f64]| {
        let mut moved = make();
        let got: Vec<f64> = (0..want.len())
            .map(|index| {
                let old = part(&mut moved)[index];
                part(&mut moved)[index] = 1.0;
                let above = loss(&moved);
                part(&mut moved)[index] = 0.0;
                let below = loss(&moved);
                part(&mut moved)[index] = old;
                above - below
            })
            .collect();
        assert_close(name, &got, want, 1e-9, 1e-9);
    };
    let want = make().reference();
    check("x", |call| &mut call.x, &want.dx);
    check("weights", |call| &mut call.weight, &want.dweight);
    check("biases", |call| &mut call.bias, &want.dbias);
}

#[test]
fn the_unit_behind_it_is_that_of_burn() {
    let call = Call::new([2, 3, 6, 5], ConvConfig { relu: true, ..config(5, 3, 1, 1, 1) }, 190);
    let without = ConvConfig { relu: false, ..call.config };
    for (name, device) in devices() {
        let want = call.run_with(&device, |x, weight, bias| relu(convolve(x, weight, bias, without)));
        let got = call.run(&device);
        assert!(want.y.contains(&0.0) && want.y.iter().any(|&y| y > 0.0), "{name}");
        assert_same(name, &got, &want);
    }
}

/// The convolutions of every preset: input `[C, H, W]` and config, each once.
fn preset_layers() -> Vec<([usize; 3], ConvConfig)> {
    let mut all = Vec::new();
    for preset in PRESETS.iter() {
        let spec = preset.standard(10);
        let shapes = Shapes::of(&spec).expect("a preset");
        let side = spec.input.side;
        let mut input = [3, side, side];
        for (layer, shape) in spec.layers.iter().zip(&shapes.layers) {
            if let LayerKind::Conv { out, kernel, stride, padding, groups, .. } = layer.kind {
                let (vertical, horizontal) = ([padding.top, padding.bottom], [padding.left, padding.right]);
                let config = ConvConfig { out, kernel, stride, vertical, horizontal, groups, relu: false };
                if !all.contains(&(input, config)) {
                    all.push((input, config));
                }
            }
            if let MapShape::Map { channels, height, width } = shape.output {
                input = [channels, height, width];
            }
        }
    }
    assert!(all.len() > 15, "{} layers", all.len());
    all
}

/// Largest difference of `got` from sums of `parts`, and of sums of their sizes: what rounding is measured by.
fn rounding(got: f32, parts: impl Iterator<Item = f64>) -> f64 {
    let (sum, size) = parts.fold((0.0, 0.0), |(sum, size), part| (sum + part, size + part.abs()));
    if size == 0.0 { f64::from(got).abs() } else { (f64::from(got) - sum).abs() / size }
}

impl Call {
    /// The largest rounding among some of the values of each result, as multiples of the 32-bit epsilon.
    fn worst_rounding(&self, got: &Outcome<f32>) -> f64 {
        let ([pictures, channels, height, width], config) = (self.shape, self.config);
        let [rows, columns] = config.output_size([height, width]);
        let (kernel, each, out_each) = (config.kernel, channels / config.groups, config.out / config.groups);
        let (x, w, g) = (&self.x, &self.weight, &self.weights);
        let product = |a: &[f32], i: usize, b: &[f32], j: usize| f64::from(a[i]) * f64::from(b[j]);
        // The pixel that a tap sees from a position, if it is inside.
        let seen = |n: usize, o: usize, position: usize, tap: usize| {
            let (c, ky, kx) = (tap / kernel / kernel, tap / kernel % kernel, tap % kernel);
            let iy = (position / columns * config.stride + ky).wrapping_sub(config.vertical[0]);
            let ix = (position % columns * config.stride + kx).wrapping_sub(config.horizontal[0]);
            let channel = o / out_each * each + c;
            (iy < height && ix < width).then_some(((n * channels + channel) * height + iy) * width + ix)
        };
        let (taps, positions) = (each * kernel * kernel, rows * columns);
        let some = |count: usize| (0..12).map(move |i| (i * 7919 + 13 * i * i) % count);
        let mut worst = 0.0_f64;
        for at in some(got.y.len()) {
            let (n, o) = (at / positions / config.out, at / positions % config.out);
            let parts = (0..taps)
                .filter_map(|tap| Some(product(x, seen(n, o, at % positions, tap)?, w, o * taps + tap)))
                .chain([f64::from(self.bias[o])]);
            worst = worst.max(rounding(got.y[at], parts));
        }
        for at in some(got.dweight.len()) {
            let (o, tap) = (at / taps, at % taps);
            let places = (0..pictures).flat_map(|n| (0..positions).map(move |position| (n, position)));
            let parts = places.filter_map(|(n, position)| {
                Some(product(x, seen(n, o, position, tap)?, g, (n * config.out + o) * positions + position))
            });
            worst = worst.max(rounding(got.dweight[at], parts));
        }
        for at in some(got.dx.len()) {
            let (n, channel) = (at / width / height / channels, at / width / height % channels);
            let first = channel / each * out_each;
            let near = (0..positions).filter(|position| {
                let apart = |pixel: usize, index: usize, zeros: usize| {
                    (pixel + zeros).checked_sub(index * config.stride).is_some_and(|tap| tap < kernel)
                };
                apart(at / width % height, position / columns, config.vertical[0])
                    && apart(at % width, position % columns, config.horizontal[0])
            });
            let parts = near.flat_map(|position| {
                let ky = at / width % height + config.vertical[0] - position / columns * config.stride;
                let kx = at % width + config.horizontal[0] - position % columns * config.stride;
                let tap = (channel % each * kernel + ky) * kernel + kx;
                (first..first + out_each)
                    .map(move |o| (o * taps + tap, (n * config.out + o) * positions + position))
            });
            let parts = parts.map(|(weight, grad)| product(w, weight, g, grad));
            worst = worst.max(rounding(got.dx[at], parts));
        }
        worst / f64::from(f32::EPSILON)
    }
}

#[test]
fn keeps_the_digits_in_every_layer_of_every_preset() {
    // Some values of each result against sums in 64-bit floats. A sum of n terms may lose n roundings; what is seen
    // is about the root of n, and far less where there are several partial sums.
    let device = Device::flex();
    for (input, config) in preset_layers() {
        let call = Call::new([2, input[0], input[1], input[2]], config, 200);
        let worst = call.worst_rounding(&call.run(&device));
        assert!(worst < 12.0, "{input:?} {config:?}: {worst} epsilon");
    }
}

#[test]
fn the_shaders_keep_the_digits_in_the_layers_of_the_paper() {
    // The paper's are the largest; half a minute of software Vulkan would go into all presets.
    let Some(gpu) = software_device() else { return };
    let paper = PRESETS.iter().position(|preset| preset.name == "alexnet").expect("it is there");
    assert!(paper > 0);
    for (input, config) in
        preset_layers().into_iter().filter(|(_, config)| [96, 256, 384].contains(&config.out))
    {
        if input[1] > 60 && config.out != 96 {
            continue;
        }
        let call = Call::new([1, input[0], input[1], input[2]], config, 201);
        let worst = call.worst_rounding(&call.run(&gpu));
        assert!(worst < 24.0, "{input:?} {config:?}: {worst} epsilon");
    }
}

#[test]
fn gives_only_the_gradients_that_are_asked_for() {
    let call = Call::new([3, 2, 4, 4], config(3, 3, 1, 1, 1), 210);
    let want = call.reference();
    for (name, device) in devices() {
        for tracked in [[true, false, false], [false, true, false], [false, false, true], [false; 3]] {
            let on = device.clone().autodiff();
            let x = tensor(&call.x, call.shape, &on).set_require_grad(tracked[0]);
            let weight = flat(&call.weight, &on).set_require_grad(tracked[1]);
            let bias = flat(&call.bias, &on).set_require_grad(tracked[2]);
            let y = convolve(x.clone(), weight.clone(), bias.clone(), call.config);
            let title = format!("{name} {tracked:?}");
            assert_close(&title, &values(y.clone().inner()), &want.y, 1e-5, 1e-5);
            if tracked == [false; 3] {
                continue;
            }
            let gradients = (y.clone() * tensor(&call.weights, y.dims(), &on)).sum().backward();
            let found = [
                x.grad(&gradients).map(values),
                weight.grad(&gradients).map(plain),
                bias.grad(&gradients).map(plain),
            ];
            for ((found, want), tracked) in
                found.iter().zip([&want.dx, &want.dweight, &want.dbias]).zip(tracked)
            {
                assert_eq!(found.is_some(), tracked, "{title}");
                if let Some(found) = found {
                    assert_close(&title, found, want, 1e-5, 1e-5);
                }
            }
        }
    }
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
        let turned = call.run_with(&device, |x, weight, bias| {
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
    for (name, device) in devices() {
        assert!(call.run(&device) == call.run(&device), "{name}");
        let card = || as_on_a_card(|| call.run(&device));
        assert!(card() == card(), "{name}");
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
    call.x[0] = f32::NAN;
    call.x[3 * 25 + 24] = f32::INFINITY;
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
