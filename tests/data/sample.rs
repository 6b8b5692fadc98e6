//! The built-in data set: the same everywhere, balanced, and out of reach of a linear classifier.

use std::sync::Arc;

use alexnet_lab::data::{Dataset, PictureStore, SampleDataset, Split};

use super::store_of;

/// FNV-1a, so that the expected value stands here as one number.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

#[test]
fn the_pictures_are_the_same_on_every_machine() {
    let sample = SampleDataset::new(100, 100);
    let mut pixels = Vec::new();
    for index in 0..20 {
        for split in [Split::Train, Split::Validation] {
            pixels.extend(sample.read(split, index, 48).unwrap().into_raw());
        }
    }
    assert_eq!(hash(&pixels), 17_645_760_012_883_871_844, "the drawing has changed; was that meant?");
}

#[test]
fn every_picture_differs() {
    let sample = SampleDataset::new(300, 300);
    let mut seen = std::collections::HashSet::new();
    for split in [Split::Train, Split::Validation] {
        for index in 0..300 {
            assert!(seen.insert(sample.read(split, index, 32).unwrap().into_raw()), "{split:?} {index}");
        }
    }
}

#[test]
fn classes_are_balanced_and_named() {
    let sample = SampleDataset::new(3000, 600);
    let description = sample.description();
    assert_eq!((description.train, description.validation, description.typical_side), (3000, 600, 64));
    assert_eq!(description.classes.len(), 10);
    for (split, each) in [(Split::Train, 300), (Split::Validation, 60)] {
        let mut counts = [0; 10];
        (0..sample.len(split)).for_each(|i| counts[sample.label(split, i) as usize] += 1);
        assert_eq!(counts, [each; 10]);
    }
    assert!(sample.name(Split::Train, 12).contains(&description.classes[2]));
}

#[test]
fn any_side_shows_the_same_scene() {
    let sample = SampleDataset::new(50, 10);
    for index in 0..50 {
        let large = sample.read(Split::Train, index, 96).unwrap();
        let small = sample.read(Split::Train, index, 24).unwrap();
        assert_eq!((large.dimensions(), small.dimensions()), ((96, 96), (24, 24)));
        let reduced = alexnet_lab::data::square(&large, 24);
        let difference: u32 =
            reduced.as_raw().iter().zip(small.as_raw()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(difference) / small.as_raw().len() as f64;
        assert!(mean < 14.0, "picture {index}: {mean:.1} levels apart on average");
    }
    assert_eq!(sample.read(Split::Train, 0, 1).unwrap().dimensions(), (1, 1));
}

/// Pixels in deviations from the mean image, and the labels.
fn vectors(store: &PictureStore, split: Split) -> Vec<(Vec<f32>, usize)> {
    (0..store.len(split))
        .map(|i| {
            let pixels = store.pixels(split, i).unwrap();
            let x = pixels.iter().zip(store.mean_image()).map(|(&p, m)| (f32::from(p) - m) / 64.0).collect();
            (x, store.label(split, i) as usize)
        })
        .collect()
}

/// Softmax regression on the pixels.
struct Linear {
    weights: Vec<Vec<f32>>,
}

impl Linear {
    fn scores(&self, x: &[f32]) -> [f32; 10] {
        std::array::from_fn(|class| {
            let weights = &self.weights[class];
            weights[x.len()] + weights.iter().zip(x).map(|(w, v)| w * v).sum::<f32>()
        })
    }

    fn learn(&mut self, x: &[f32], label: usize, rate: f32) {
        let scores = self.scores(x);
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        let total: f32 = scores.iter().map(|s| (s - top).exp()).sum();
        for (class, weights) in self.weights.iter_mut().enumerate() {
            let error = (scores[class] - top).exp() / total - f32::from(u8::from(class == label));
            weights.iter_mut().zip(x).for_each(|(w, v)| *w -= rate * error * v);
            weights[x.len()] -= rate * error;
        }
    }

    fn accuracy(&self, data: &[(Vec<f32>, usize)]) -> f64 {
        let right = data.iter().filter(|(x, label)| {
            let scores = self.scores(x);
            (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b])) == Some(*label)
        });
        right.count() as f64 / data.len() as f64
    }
}

#[test]
fn a_linear_classifier_stays_under_60_percent() {
    // 16x16 pixels hold what a linear classifier can use; at 32x32 and 64x64 it does no better.
    let store = store_of(Arc::new(SampleDataset::new(3000, 600)), 16, usize::MAX, 0);
    let (train, validation) = (vectors(&store, Split::Train), vectors(&store, Split::Validation));
    let inputs = train[0].0.len();
    let mut linear = Linear { weights: vec![vec![0.0; inputs + 1]; 10] };
    for epoch in 0..30_usize {
        let rate = (1.0 - epoch as f32 / 30.0) / inputs as f32;
        for k in 0..train.len() {
            let (x, label) = &train[(k * 1237 + epoch * 7) % train.len()];
            linear.learn(x, *label, rate);
        }
    }
    let (on_train, on_validation) = (linear.accuracy(&train), linear.accuracy(&validation));
    eprintln!("linear classifier: {on_train:.3} on train, {on_validation:.3} on validation");
    // It has learnt what it can (chance is 0.1) ...
    assert!(on_train > 0.55 && on_validation > 0.3, "train {on_train}, validation {on_validation}");
    // ... and that is not enough.
    assert!(on_validation < 0.6, "a linear classifier reaches {on_validation}: the sample is too easy");
}
