//! Local response normalisation.

use alexnet_lab::kernels::{LrnConfig, lrn};
use burn::tensor::Device;
use burn_nn::LocalResponseNormConfig;

use super::{Fixture, devices, differences, poison, random, tensor, values, widen, with_gradient};
use crate::support::{assert_close, software_device};

/// A large alpha: with the paper's 1e-4 the normalisation would hardly change values around 1, and neither
/// would a mistake in it.
const fn config(size: usize, groups: usize) -> LrnConfig {
    LrnConfig { size, alpha: 0.3, beta: 0.75, k: 2.0, groups }
}

/// Shapes that find the ends of windows, groups and segments.
const CASES: [([usize; 4], LrnConfig); 12] = [
    ([1, 1, 1, 1], config(5, 1)),
    ([2, 1, 3, 2], config(3, 1)),
    ([2, 3, 4, 5], config(5, 1)),
    ([1, 2, 2, 2], config(9, 1)),
    ([3, 10, 1, 1], config(5, 2)),
    ([2, 12, 3, 7], config(5, 4)),
    ([1, 7, 5, 3], config(4, 1)),
    ([1, 6, 2, 3], config(2, 2)),
    ([2, 6, 5, 5], config(1, 1)),
    // Three segments of 24, 24 and 22 channels.
    ([1, 70, 3, 3], config(5, 1)),
    ([1, 9, 2, 2], LrnConfig { size: 3, alpha: 0.5, beta: 0.5, k: 1.0, groups: 1 }),
    ([2, 8, 3, 2], LrnConfig { size: 5, alpha: 0.1, beta: 1.0, k: 0.5, groups: 2 }),
];

/// The formula of the paper, value by value.
fn reference(x: &[f64], shape: [usize; 4], config: &LrnConfig) -> Vec<f64> {
    let [batch, channels, height, width] = shape;
    let (pixels, group) = (height * width, channels / config.groups);
    let mut y = vec![0.0; x.len()];
    for n in 0..batch {
        for c in 0..channels {
            let start = c / group * group;
            let first = start.max((c + start).saturating_sub(config.size / 2 + start));
            let last = (c + (config.size - 1) / 2).min(start + group - 1);
            for p in 0..pixels {
                let at = |channel: usize| x[(n * channels + channel) * pixels + p];
                let sum: f64 = (first..=last).map(|channel| at(channel) * at(channel)).sum();
                let s = f64::from(config.k) + f64::from(config.alpha) * sum;
                y[(n * channels + c) * pixels + p] = at(c) * s.powf(-f64::from(config.beta));
            }
        }
    }
    y
}

#[test]
fn follows_the_formula_and_its_finite_differences() {
    for (name, device) in devices() {
        for (shape, config) in CASES {
            let count = shape.iter().product();
            let x: Vec<f32> = random(count, 1).iter().map(|value| 3.0 * value).collect();
            let weights = random(count, 2);
            let (y, dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &device);
            let exact = widen(&x);
            let title = format!("{name} {shape:?} {config:?}");
            assert_close(&format!("{title} output"), &y, &reference(&exact, shape, &config), 1e-5, 1e-6);
            let want = differences(&exact, &weights, |x| reference(x, shape, &config));
            assert_close(&format!("{title} gradient"), &dx, &want, 1e-5, 2e-6);
        }
    }
}

#[test]
fn equals_burns_module_when_its_alpha_is_multiplied_by_the_window() {
    let shape = [2, 11, 4, 3];
    let count = shape.iter().product();
    let (x, weights) = (random(count, 3), random(count, 4));
    for size in [1, 3, 5, 7] {
        let config = config(size, 1);
        let theirs = LocalResponseNormConfig::new(size)
            .with_alpha(f64::from(config.alpha) * size as f64)
            .with_beta(f64::from(config.beta))
            .with_k(f64::from(config.k))
            .init();
        let cpu = Device::flex();
        let (y, dx) = with_gradient(|x| theirs.forward(x), &x, shape, &weights, &cpu);
        for (name, device) in devices() {
            let (ours, our_dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &device);
            assert_close(&format!("{name} size {size} output"), &ours, &y, 1e-5, 1e-6);
            assert_close(&format!("{name} size {size} gradient"), &our_dx, &dx, 1e-5, 1e-6);
        }
    }
}

#[test]
fn reproduces_the_papers_constants_on_the_papers_shapes() {
    // The sizes of the first layer with its two columns, on one picture.
    let shape = [1, 96, 55, 55];
    let config = LrnConfig { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 2 };
    let count = shape.iter().product();
    let x: Vec<f32> = random(count, 5).iter().map(|value| 100.0 * value).collect();
    let weights = random(count, 6);
    let want = reference(&widen(&x), shape, &config);
    let (_, want_dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &Device::flex());
    for (name, device) in devices() {
        let (y, dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &device);
        assert_close(&format!("{name} output"), &y, &want, 1e-5, 1e-5);
        assert_close(&format!("{name} gradient"), &dx, &want_dx, 1e-5, 1e-5);
    }
}

/// What to set here for the conventions of the fixture.
const CONVENTIONS: [(&str, LrnConfig); 6] = [
    ("printed", LrnConfig { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 1 }),
    ("author", LrnConfig { size: 5, alpha: 1e-4 / 5.0, beta: 0.75, k: 2.0, groups: 2 }),
    ("caffe", LrnConfig { size: 5, alpha: 1e-4 / 5.0, beta: 0.75, k: 1.0, groups: 1 }),
    ("pytorch", LrnConfig { size: 5, alpha: 1e-4 / 5.0, beta: 0.75, k: 1.0, groups: 1 }),
    ("pytorch4", LrnConfig { size: 4, alpha: 1e-4 / 4.0, beta: 0.75, k: 1.0, groups: 1 }),
    ("cifar", LrnConfig { size: 9, alpha: 1e-3 / 9.0, beta: 0.75, k: 1.0, groups: 1 }),
];

#[test]
fn follows_the_paper_the_author_caffe_and_pytorch() {
    let fixture = Fixture::open("lrn");
    let shape = fixture.shape("x");
    let (x, weights) = (fixture.inputs("x"), fixture.inputs("weights"));
    for (device_name, device) in devices() {
        for (name, config) in CONVENTIONS {
            let (y, dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &device);
            let title = format!("{device_name} {name}");
            let want = fixture.results(&format!("{name}.y"));
            assert_close(&format!("{title} output"), &y, &want, 2e-6, 1e-6);
            let want = fixture.results(&format!("{name}.dx"));
            assert_close(&format!("{title} gradient"), &dx, &want, 2e-5, 1e-6);
        }
    }
}

/// Otherwise a test with one convention would pass for another.
#[test]
fn the_conventions_differ_where_they_should() {
    let fixture = Fixture::open("lrn");
    let y = |name: &str| fixture.results(&format!("{name}.y"));
    let largest = |a: &str, b: &str| {
        let differences = y(a).into_iter().zip(y(b)).map(|(a, b)| (a - b).abs() / a.abs().max(1.0));
        differences.fold(0.0, f64::max)
    };
    assert!(largest("caffe", "pytorch") < 1e-12, "an odd window, zeros around: the same");
    for (a, b) in [("printed", "author"), ("author", "caffe"), ("pytorch", "pytorch4"), ("pytorch", "cifar")]
    {
        assert!(largest(a, b) > 0.05, "{a} and {b}: {}", largest(a, b));
    }
    // Columns: with one group instead of two, only the channels beside the border change.
    let shape = fixture.shape("x");
    let config = LrnConfig { groups: 1, ..CONVENTIONS[1].1 };
    let whole = reference(&widen(&fixture.inputs("x")), shape, &config);
    let pixels = shape[2] * shape[3];
    for (index, (whole, columns)) in whole.into_iter().zip(y("author")).enumerate() {
        let channel = index / pixels % shape[1];
        let same = (whole - columns).abs() <= 1e-6 * columns.abs();
        assert_eq!(same, !(6..10).contains(&channel), "channel {channel}: {whole} and {columns}");
    }
}

#[test]
fn works_without_gradients_and_with_untracked_tensors() {
    let (shape, config) = ([2, 6, 3, 3], config(5, 2));
    let x = random(shape.iter().product(), 7);
    let want = reference(&widen(&x), shape, &config);
    for (name, device) in devices() {
        for device in [device.clone(), device.clone().autodiff()] {
            poison(shape, &device.clone().inner());
            let y = values(lrn(tensor(&x, shape, &device), config));
            assert_close(&format!("{name} {device:?}"), &y, &want, 1e-5, 1e-6);
        }
    }
}

#[test]
fn takes_tensors_that_are_not_contiguous() {
    // Stored as [N, W, H, C], then seen as [N, C, H, W]; the gradient comes back in the same disorder.
    let stored = [2, 4, 3, 10];
    let config = config(5, 2);
    let count = stored.iter().product();
    let (x, weights) = (random(count, 8), random(count, 9));
    let order = |index: usize| {
        let [_, width, height, channels] = stored;
        let (c, rest) = (index % channels, index / channels);
        let (h, rest) = (rest % height, rest / height);
        let (w, n) = (rest % width, rest / width);
        ((n * channels + c) * height + h) * width + w
    };
    let mut plain = vec![0.0; count];
    let mut plain_weights = vec![0.0; count];
    for (index, (&x, &weight)) in x.iter().zip(&weights).enumerate() {
        plain[order(index)] = f64::from(x);
        plain_weights[order(index)] = weight;
    }
    let seen = [2, 10, 3, 4];
    let want = reference(&plain, seen, &config);
    let want_dx = differences(&plain, &plain_weights, |x| reference(x, seen, &config));
    let back = |values: &[f64]| -> Vec<f64> { (0..count).map(|index| values[order(index)]).collect() };
    for (name, device) in devices() {
        let operation = |x: burn::Tensor<4>| lrn(x.swap_dims(1, 3), config).swap_dims(1, 3);
        let (y, dx) = with_gradient(operation, &x, stored, &weights, &device);
        assert_close(&format!("{name} output"), &y, &back(&want), 1e-5, 1e-6);
        assert_close(&format!("{name} gradient"), &dx, &back(&want_dx), 1e-5, 2e-6);
    }
}

#[test]
fn takes_a_slice_of_a_larger_tensor() {
    let config = config(3, 1);
    let x = random(4 * 5 * 6 * 7, 10);
    let picture = 5 * 6 * 7;
    let want = reference(&widen(&x[picture..3 * picture]), [2, 5, 6, 7], &config);
    for (name, device) in devices() {
        let y = values(lrn(tensor(&x, [4, 5, 6, 7], &device).narrow(0, 1, 2), config));
        assert_close(name, &y, &want, 1e-5, 1e-6);
    }
}

#[test]
fn a_nan_spreads_over_its_window_and_no_further() {
    let (shape, config) = ([1, 9, 1, 2], config(3, 1));
    let mut x = random(18, 11);
    x[2 * 4] = f32::NAN;
    let want = reference(&widen(&x), shape, &config);
    assert_eq!(want.iter().filter(|value| value.is_nan()).count(), 3);
    for (name, device) in devices() {
        assert_close(name, &values(lrn(tensor(&x, shape, &device), config)), &want, 1e-5, 1e-6);
    }
}

#[test]
fn more_than_65535_workgroups_are_spread_over_rows() {
    let Some(gpu) = software_device() else { return };
    let (shape, config) = ([1, 1, 2100, 2000], config(1, 1));
    let count = shape.iter().product();
    assert!(count > 65_535 * 64, "one thread a pixel, 64 threads a workgroup");
    let (x, weights) = (random(count, 12), random(count, 13));
    let (y, dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &gpu);
    let (want, want_dx) = with_gradient(|x| lrn(x, config), &x, shape, &weights, &Device::flex());
    assert_close("output", &y, &want, 1e-5, 1e-6);
    assert_close("gradient", &dx, &want_dx, 1e-5, 1e-6);
}

#[test]
fn an_empty_batch_stays_empty() {
    for (name, device) in devices() {
        let y = lrn(tensor(&[], [0, 4, 3, 3], &device), config(5, 1));
        assert_eq!(y.dims(), [0, 4, 3, 3], "{name}");
    }
}

#[test]
fn constants_out_of_range_are_named() {
    let good = config(5, 2);
    assert_eq!(good.check(96), Ok(()));
    let says = |config: LrnConfig, channels: usize, part: &str| {
        let message = config.check(channels).expect_err("out of range").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(good, 3, "3 channels cannot be split into 2 equal groups");
    says(LrnConfig { size: 0, ..good }, 4, "at least 1 channel");
    says(LrnConfig { groups: 0, ..good }, 4, "0 equal groups");
    says(LrnConfig { k: 0.0, ..good }, 4, "k must be greater than 0");
    says(LrnConfig { alpha: f32::NAN, ..good }, 4, "alpha NaN");
}
