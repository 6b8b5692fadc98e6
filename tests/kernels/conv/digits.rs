//! How many digits convolutions keep, in the layers of every preset.

use alexnet_lab::kernels::ConvConfig;
use alexnet_lab::model::{LayerKind, MapShape, PRESETS, Shapes};
use burn::tensor::Device;

use super::super::layer::Outcome;
use super::Call;
use crate::support::software_device;

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
