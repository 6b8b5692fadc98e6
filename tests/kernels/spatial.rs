//! Spatial response normalisation.

use alexnet_lab::kernels::{SpatialNormConfig, spatial_norm};
use burn::tensor::Device;

use super::{Fixture, devices, differences, poison, random, tensor, values, widen, with_gradient};
use crate::support::{assert_close, software_device};

/// A large alpha, so that a mistake in the normalisation shows.
const fn config(size: usize) -> SpatialNormConfig {
    SpatialNormConfig { size, alpha: 0.3, beta: 0.75, k: 1.0 }
}

/// Shapes that find the borders of maps, and windows larger than the map.
const CASES: [([usize; 4], SpatialNormConfig); 11] = [
    ([1, 1, 1, 1], config(1)),
    ([2, 3, 1, 1], config(5)),
    ([2, 3, 4, 5], config(3)),
    ([1, 2, 7, 6], config(5)),
    ([1, 1, 9, 1], config(3)),
    ([3, 2, 1, 8], config(3)),
    ([2, 2, 3, 2], config(5)),
    ([1, 2, 3, 4], config(99)),
    ([2, 2, 5, 5], config(1)),
    ([1, 3, 4, 4], SpatialNormConfig { size: 3, alpha: 0.5, beta: 0.5, k: 2.0 }),
    ([2, 1, 6, 3], SpatialNormConfig { size: 5, alpha: 0.1, beta: 1.0, k: 0.5 }),
];

/// The formula, value by value.
fn reference(x: &[f64], shape: [usize; 4], config: &SpatialNormConfig) -> Vec<f64> {
    let [batch, channels, height, width] = shape;
    let radius = config.size / 2;
    let near = |a: usize, b: usize| a.abs_diff(b) <= radius;
    let mut y = Vec::with_capacity(x.len());
    for map in 0..batch * channels {
        let at = |row: usize, column: usize| x[(map * height + row) * width + column];
        for row in 0..height {
            for column in 0..width {
                let rows = (0..height).filter(|&other| near(other, row));
                let pixels = rows.flat_map(|r| (0..width).filter(|&c| near(c, column)).map(move |c| (r, c)));
                let sum: f64 = pixels.map(|(r, c)| at(r, c) * at(r, c)).sum();
                let s = f64::from(config.k) + f64::from(config.alpha) * sum;
                y.push(at(row, column) * s.powf(-f64::from(config.beta)));
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
            let x: Vec<f32> = random(count, 41).iter().map(|value| 3.0 * value).collect();
            let weights = random(count, 42);
            let (y, dx) = with_gradient(|x| spatial_norm(x, config), &x, shape, &weights, &device);
            let exact = widen(&x);
            let title = format!("{name} {shape:?} {config:?}");
            assert_close(&format!("{title} output"), &y, &reference(&exact, shape, &config), 1e-5, 1e-6);
            let want = differences(&exact, &weights, |x| reference(x, shape, &config));
            assert_close(&format!("{title} gradient"), &dx, &want, 1e-5, 2e-6);
        }
    }
}

#[test]
fn equals_pytorchs_average_pool_of_squares() {
    let fixture = Fixture::open("spatial_norm");
    let cases = [
        ("cifar", SpatialNormConfig { size: 3, alpha: 5e-5 / 9.0, beta: 0.75, k: 1.0 }),
        ("alexnet", SpatialNormConfig { size: 5, alpha: 1e-3 / 25.0, beta: 0.75, k: 1.0 }),
        ("pixel", SpatialNormConfig { size: 3, alpha: 1e-4, beta: 0.75, k: 2.0 }),
        ("beyond", SpatialNormConfig { size: 7, alpha: 1e-4, beta: 0.75, k: 1.0 }),
        ("power", SpatialNormConfig { size: 3, alpha: 1e-4, beta: 0.6, k: 1.5 }),
    ];
    for (device_name, device) in devices() {
        for (name, config) in cases {
            let inputs = |part: &str| fixture.inputs(&format!("{name}.{part}"));
            let results = |part: &str| fixture.results(&format!("{name}.{part}"));
            let (x, weights, shape) = (inputs("x"), inputs("weights"), fixture.shape(&format!("{name}.x")));
            let (y, dx) = with_gradient(|x| spatial_norm(x, config), &x, shape, &weights, &device);
            let title = format!("{device_name} {name}");
            assert_close(&format!("{title} output"), &y, &results("y"), 2e-6, 1e-6);
            assert_close(&format!("{title} gradient"), &dx, &results("dx"), 2e-5, 1e-6);
        }
    }
}

#[test]
fn works_without_gradients_and_with_untracked_tensors() {
    let (shape, config) = ([2, 3, 6, 5], config(3));
    let x = random(shape.iter().product(), 43);
    let want = reference(&widen(&x), shape, &config);
    for (name, device) in devices() {
        for device in [device.clone(), device.clone().autodiff()] {
            poison(shape, &device.clone().inner());
            let y = values(spatial_norm(tensor(&x, shape, &device), config));
            assert_close(&format!("{name} {device:?}"), &y, &want, 1e-5, 1e-6);
        }
    }
}

#[test]
fn takes_tensors_that_are_not_contiguous() {
    let (stored, config) = ([1, 2, 4, 7], config(3));
    let count = stored.iter().product();
    let (x, weights) = (random(count, 44), random(count, 45));
    for (name, device) in devices() {
        // A square window treats rows and columns alike, so that turning the map twice changes nothing.
        let turned = |x: burn::Tensor<4>| spatial_norm(x.swap_dims(2, 3), config).swap_dims(2, 3);
        let (y, dx) = with_gradient(turned, &x, stored, &weights, &device);
        let want = reference(&widen(&x), stored, &config);
        assert_close(&format!("{name} output"), &y, &want, 1e-5, 1e-6);
        let want = differences(&widen(&x), &weights, |x| reference(x, stored, &config));
        assert_close(&format!("{name} gradient"), &dx, &want, 1e-5, 2e-6);
    }
}

#[test]
fn a_nan_spreads_over_its_window_and_no_further() {
    let (shape, config) = ([1, 2, 5, 6], config(3));
    let mut x = random(60, 46);
    x[2 * 6 + 3] = f32::NAN;
    let want = reference(&widen(&x), shape, &config);
    assert_eq!(want.iter().filter(|value| value.is_nan()).count(), 9);
    for (name, device) in devices() {
        let y = values(spatial_norm(tensor(&x, shape, &device), config));
        assert_close(name, &y, &want, 1e-5, 1e-6);
    }
}

#[test]
fn more_than_65535_workgroups_are_spread_over_rows() {
    let Some(gpu) = software_device() else { return };
    let (shape, config) = ([1, 1, 2100, 2000], config(3));
    let count = shape.iter().product();
    assert!(count > 65_535 * 64, "one thread a pixel, 64 threads a workgroup");
    let (x, weights) = (random(count, 47), random(count, 48));
    let (y, dx) = with_gradient(|x| spatial_norm(x, config), &x, shape, &weights, &gpu);
    let (want, want_dx) = with_gradient(|x| spatial_norm(x, config), &x, shape, &weights, &Device::flex());
    assert_close("output", &y, &want, 1e-5, 1e-6);
    assert_close("gradient", &dx, &want_dx, 1e-5, 1e-6);
}

#[test]
fn an_empty_batch_stays_empty() {
    for (name, device) in devices() {
        let y = spatial_norm(tensor(&[], [0, 4, 3, 3], &device), config(5));
        assert_eq!(y.dims(), [0, 4, 3, 3], "{name}");
    }
}

#[test]
fn constants_out_of_range_are_named() {
    let good = config(5);
    assert_eq!(good.check(), Ok(()));
    let says = |config: SpatialNormConfig, part: &str| {
        let message = config.check().expect_err("out of range").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(config(0), "0 pixels, but it must be odd");
    says(config(4), "4 pixels, but it must be odd");
    says(SpatialNormConfig { k: 0.0, ..good }, "k must be greater than 0");
    says(SpatialNormConfig { alpha: -1.0, ..good }, "alpha at least 0");
    says(SpatialNormConfig { beta: f32::INFINITY, ..good }, "beta inf");
}
