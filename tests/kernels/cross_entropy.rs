//! Softmax cross-entropy.

use alexnet_lab::kernels::{STANDING, cross_entropy};
use alexnet_lab::train::Tally;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::layer::{flat, matrix, plain};
use super::{devices, poison, random, refused};
use crate::support::assert_close;

/// Rows and classes around the 64 threads of a workgroup, and those of ImageNet.
const CASES: [[usize; 2]; 10] =
    [[1, 1], [1, 2], [3, 10], [2, 63], [5, 64], [2, 65], [7, 129], [130, 3], [32, 1000], [2, 10_184]];

struct Call {
    classes: usize,
    scores: Vec<f32>,
    labels: Vec<u32>,
    /// Of each row's loss in what is differentiated, besides the common one.
    weights: Vec<f32>,
}

/// Losses, above, ties and the gradient.
#[derive(Debug, PartialEq)]
struct Outcome<T> {
    losses: Vec<T>,
    above: Vec<f32>,
    ties: Vec<f32>,
    dscores: Vec<T>,
}

const WEIGHT: f32 = 0.125;

impl Call {
    fn new([rows, classes]: [usize; 2], size: f32, seed: u64) -> Self {
        // Rounded, so that some scores are as high as others.
        let score = |value: f32| (value * 200.0).round() / 200.0 * size;
        let label = |(row, value): (usize, &f32)| (row * 31 + (value.abs() * 1e3) as usize) % classes;
        Self {
            classes,
            scores: random(rows * classes, seed).into_iter().map(score).collect(),
            labels: random(rows, seed + 1).iter().enumerate().map(label).map(|label| label as u32).collect(),
            weights: random(rows, seed + 2),
        }
    }

    fn reference(&self) -> Outcome<f64> {
        let mut want =
            Outcome { losses: Vec::new(), above: Vec::new(), ties: Vec::new(), dscores: Vec::new() };
        for ((row, &label), &weight) in
            self.scores.chunks_exact(self.classes).zip(&self.labels).zip(&self.weights)
        {
            let own = row[label as usize];
            let best = row.iter().copied().fold(f32::MIN, f32::max);
            let parts: Vec<f64> = row.iter().map(|&s| (f64::from(s) - f64::from(best)).exp()).collect();
            let sum: f64 = parts.iter().sum();
            want.losses.push(sum.ln() + (f64::from(best) - f64::from(own)));
            want.above.push(row.iter().filter(|&&s| s > own).count() as f32);
            want.ties.push(row.iter().filter(|&&s| s == own).count() as f32);
            let factor = f64::from(WEIGHT) * f64::from(weight);
            let wanted = |class: usize| f64::from(u8::from(class == label as usize));
            want.dscores
                .extend(parts.iter().enumerate().map(|(class, part)| (part / sum - wanted(class)) * factor));
        }
        want
    }

    fn shape(&self) -> [usize; 2] {
        [self.labels.len(), self.classes]
    }

    fn run(&self, device: &Device) -> Outcome<f32> {
        let on = device.clone().autodiff();
        let scores = matrix(&self.scores, self.shape(), &on).require_grad();
        let [rows, classes] = self.shape();
        poison([1, 1, rows, STANDING], device);
        let found = cross_entropy(scores.clone(), &self.labels, WEIGHT);
        let weights = flat(&self.weights, &on);
        let sum = (found.losses.clone() * weights).sum();
        poison([1, 1, rows, classes], device);
        let gradients = sum.backward();
        let standing = plain(found.standing.inner());
        let column = |at: usize| standing.chunks_exact(STANDING).map(|row| row[at]).collect::<Vec<f32>>();
        let weighted: Vec<f32> = plain(found.losses.inner());
        let same = |(weighted, loss): (&f32, f32)| *weighted == loss * WEIGHT || loss.is_nan();
        assert!(weighted.iter().zip(column(0)).all(same), "{weighted:?}");
        Outcome {
            losses: column(0),
            above: column(1),
            ties: column(2),
            dscores: plain(scores.grad(&gradients).expect("the scores are tracked")),
        }
    }
}

#[track_caller]
fn assert_same<T: Copy + Into<f64>>(title: &str, got: &Outcome<f32>, want: &Outcome<T>) {
    assert_eq!(got.above, want.above, "{title}: scores above");
    assert_eq!(got.ties, want.ties, "{title}: scores as high");
    assert_close(&format!("{title} losses"), &got.losses, &want.losses, 2e-6, 2e-6);
    assert_close(&format!("{title} gradient"), &got.dscores, &want.dscores, 2e-6, 2e-7);
}

#[test]
fn follows_the_definition() {
    for shape in CASES {
        for size in [1.0, 8.0, 60.0] {
            let call = Call::new(shape, size, 500);
            let want = call.reference();
            for (name, device) in devices() {
                assert_same(&format!("{name} {shape:?} {size}"), &call.run(&device), &want);
            }
        }
    }
}

#[test]
fn follows_the_definition_for_hundreds_of_random_shapes() {
    for seed in 0..300 {
        let numbers = random(3, 3 * seed + 5);
        let pick = |at: usize, most: f32| 1 + (numbers[at].abs() * most) as usize;
        let call = Call::new([pick(0, 20.0), pick(1, 150.0)], pick(2, 20.0) as f32, 510 + seed);
        let want = call.reference();
        for (name, device) in devices() {
            assert_same(&format!("{name} {:?} {seed}", call.shape()), &call.run(&device), &want);
        }
    }
}

#[test]
fn the_reference_has_the_gradient_of_its_finite_differences() {
    let call = Call::new([3, 7], 4.0, 520);
    let want = call.reference();
    let total = |scores: &[f64]| -> f64 {
        let rows = scores.chunks_exact(7).zip(&call.labels).zip(&call.weights);
        rows.map(|((row, &label), &weight)| {
            let sum: f64 = row.iter().map(|score| score.exp()).sum();
            f64::from(WEIGHT) * f64::from(weight) * (sum.ln() - row[label as usize])
        })
        .sum()
    };
    let scores: Vec<f64> = call.scores.iter().map(|&score| f64::from(score)).collect();
    let differences: Vec<f64> = (0..scores.len())
        .map(|at| {
            let moved = |by: f64| {
                let mut scores = scores.clone();
                scores[at] += by;
                total(&scores)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        })
        .collect();
    let got: Vec<f32> = differences.iter().map(|&difference| difference as f32).collect();
    assert_close("differences", &got, &want.dscores, 1e-6, 1e-8);
}

#[test]
fn equals_what_is_composed_of_burn_s_operations() {
    let call = Call::new([6, 40], 5.0, 530);
    for (name, device) in devices() {
        let device = device.autodiff();
        let scores = matrix(&call.scores, call.shape(), &device).require_grad();
        let labels: Vec<i32> = call.labels.iter().map(|&label| label as i32).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [6, 1]), &device);
        let loss = log_softmax(scores.clone(), 1).gather(1, labels).sum() * -WEIGHT;
        let want = plain(scores.grad(&loss.backward()).expect("it is tracked"));
        let ours = matrix(&call.scores, call.shape(), &device).require_grad();
        let found = cross_entropy(ours.clone(), &call.labels, WEIGHT);
        let sum = found.losses.sum();
        let got = plain(ours.grad(&sum.backward()).expect("it is tracked"));
        assert_close(name, &got, &want, 1e-5, 1e-6);
        assert_close(name, &[sum.into_scalar::<f32>()], &[loss.into_scalar::<f32>()], 1e-5, 1e-6);
    }
}

#[test]
fn survives_scores_of_any_size() {
    let call = Call {
        classes: 4,
        scores: [
            [3e38, -3e38, 0.0, 1.0],
            [1e30, 1e30, 1e30, 1e30],
            [-3e38; 4],
            [f32::NEG_INFINITY, 1.0, 1.0, f32::NEG_INFINITY],
            [0.0, -0.0, -200.0, -1e-42],
        ]
        .concat(),
        labels: vec![0, 3, 1, 2, 1],
        weights: vec![1.0; 5],
    };
    let want = call.reference();
    for (name, device) in devices() {
        let got = call.run(&device);
        assert_same(name, &got, &want);
        assert_eq!(got.ties[1], 4.0);
        assert!(got.dscores.iter().all(|value| value.is_finite()), "{name}: {:?}", got.dscores);
    }
}

#[test]
fn what_is_no_number_is_told_and_touches_no_other_row() {
    let strange = [f32::NAN, -f32::NAN, f32::INFINITY];
    for (name, device) in devices() {
        for value in strange {
            for label in [0, 1] {
                let scores = [[value, 1.0, 2.0], [1.0, 2.0, 3.0]].concat();
                let call = Call { classes: 3, scores, labels: vec![label, 2], weights: vec![1.0; 2] };
                let got = call.run(&device);
                let title = format!("{name} {value} {label}");
                assert!(got.losses[0].is_nan() && got.dscores[..3].iter().all(|v| v.is_nan()), "{title}");
                let above = match label {
                    0 if value.is_nan() => 3.0,
                    0 => 0.0,
                    _ => 2.0,
                };
                assert_eq!(got.above[0], above, "{title}");
                assert!(
                    got.losses[1].is_finite() && got.dscores[3..].iter().all(|v| v.is_finite()),
                    "{title}"
                );
            }
        }
        // No chance at all is an infinite loss, which no update may be made of either.
        let scores = vec![f32::NEG_INFINITY, 1.0, 2.0];
        let got = Call { classes: 3, scores, labels: vec![0], weights: vec![1.0] }.run(&device);
        assert!(!got.losses[0].is_finite(), "{name}");
    }
}

#[test]
fn the_error_rates_are_those_of_the_scores() {
    let call = Call::new([40, 12], 2.0, 540);
    let mut want = Tally::default();
    want.add(&call.scores, &call.labels);
    for (name, device) in devices() {
        let found = cross_entropy(matrix(&call.scores, call.shape(), &device), &call.labels, 1.0);
        let mut got = Tally::default();
        got.add_standing(&plain(found.standing));
        assert_eq!(
            (got.n, got.top1_error(), got.top5_error()),
            (40, want.top1_error(), want.top5_error()),
            "{name}"
        );
        assert!((got.loss() - want.loss()).abs() < 1e-6, "{name}: {} {}", got.loss(), want.loss());
    }
}

#[test]
fn every_run_gives_the_same_bits() {
    let call = Call::new([9, 1000], 10.0, 550);
    for (name, device) in devices() {
        assert!(call.run(&device) == call.run(&device), "{name}");
    }
}

#[test]
fn more_rows_than_a_dispatch_is_wide() {
    let call = Call::new([66_000, 2], 3.0, 560);
    let want = call.reference();
    for (name, device) in devices() {
        assert_same(name, &call.run(&device), &want);
    }
}

#[test]
fn takes_scores_that_are_not_contiguous_and_empty_batches() {
    let call = Call::new([5, 6], 2.0, 570);
    for (name, device) in devices() {
        let turned = matrix(&call.scores, [5, 6], &device).transpose().mul_scalar(1.0).transpose();
        let losses = plain(cross_entropy(turned, &call.labels, 1.0).standing);
        let losses: Vec<f32> = losses.chunks_exact(STANDING).map(|row| row[0]).collect();
        assert_close(name, &losses, &call.reference().losses, 2e-6, 2e-6);
        let none = cross_entropy(matrix(&[], [0, 6], &device), &[], 1.0);
        assert_eq!((none.losses.dims(), none.standing.dims()), ([0], [0, STANDING]), "{name}");
    }
}

#[test]
fn labels_that_do_not_fit_are_refused() {
    for (_, device) in devices() {
        let scores = matrix(&[1.0; 6], [2, 3], &device);
        refused("a label too few", || cross_entropy(scores.clone(), &[1], 1.0));
        refused("a label beyond the classes", || cross_entropy(scores.clone(), &[1, 3], 1.0));
    }
}
