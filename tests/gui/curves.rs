//! Curves stay small and lose nothing that matters.

use alexnet_lab::gui::ticks::{log_label, log_marks, round_label, round_marks};
use alexnet_lab::gui::{Curves, Series, raw, smoothed};
use alexnet_lab::vis::StepPoint;
use egui_plot::{GridInput, GridMark};

use super::rig::{evaluation, step};

fn long_run(steps: u64, loss: impl Fn(u64) -> f64) -> Curves {
    let mut curves = Curves::new(100);
    for number in 1..=steps {
        curves.push_step(&StepPoint { loss: loss(number), ..step(number) });
    }
    curves
}

fn all_smoothed(curves: &Curves) -> Vec<[f64; 2]> {
    smoothed(&curves.loss.view(f64::NEG_INFINITY, f64::INFINITY, 100_000))
}

#[test]
fn a_million_steps_are_few_points_and_no_spike_is_lost() {
    let curves = long_run(1_000_000, |step| match step {
        700_001 => 90.0,
        300_001 => -5.0,
        _ => 1.0,
    });
    let bins = curves.loss.view(f64::NEG_INFINITY, f64::INFINITY, 500);
    let raw = raw(&bins);
    assert!((500..=2000).contains(&bins.len()), "{} bins for 500 columns", bins.len());
    assert!(raw.iter().any(|&[x, y]| y == 90.0 && x == 70_000.1), "the highest value, where it was");
    assert!(raw.iter().any(|&[x, y]| y == -5.0 && x == 30_000.1), "the lowest value, where it was");
    assert!(raw.windows(2).all(|pair| pair[0][0] < pair[1][0]), "in order");
    assert_eq!(curves.loss.last(), Some([100_000.0, 1.0]));
    assert_eq!(smoothed(&bins).last().map(|point| point[0]), Some(100_000.0));
    // A small part of the run is shown point by point.
    let part = curves.loss.view(70_000.0, 70_000.5, 500);
    assert!(part.len() < 10 && part.iter().any(|bin| bin.high == [70_000.1, 90.0]), "{part:?}");
    assert_eq!(curves.loss.near(70_000.12).map(|[x, y, _]| [x, y]), Some([70_000.1, 90.0]));
}

#[test]
fn every_view_of_a_growing_series_has_its_extremes() {
    let mut series = Series::default();
    for number in 0..5000_u32 {
        // Neither sorted nor periodic.
        let value = f64::from(number.wrapping_mul(2_654_435_761) >> 8);
        series.push(f64::from(number), value, 0.5);
        if number % 97 != 0 {
            continue;
        }
        for columns in [1, 7, 100] {
            let (from, to) = (f64::from(number / 3), f64::from(number / 2 + 1));
            let bins = series.view(from, to, columns);
            let [first, last] = [number / 3, (number / 2 + 1).min(number)].map(|n| n as usize);
            let expected = series.values()[first..=last].iter().fold(f64::MIN, |a, &b| a.max(f64::from(b)));
            let highest = bins.iter().map(|bin| bin.high[1]).fold(f64::MIN, f64::max);
            assert!(highest >= expected, "{number} points, {columns} columns");
            assert!(bins.len() <= 4 * columns + 6, "{} bins for {columns} columns", bins.len());
            assert!(raw(&bins).windows(2).all(|pair| pair[0][0] < pair[1][0]), "in order");
        }
    }
}

#[test]
fn the_running_mean_starts_at_the_first_value_and_follows() {
    let constant = long_run(50, |_| 2.5);
    for [_, y] in all_smoothed(&constant) {
        assert!((y - 2.5).abs() < 1e-9, "{y}");
    }
    let stepped = long_run(400, |step| if step <= 200 { 0.0 } else { 1.0 });
    let smooth = all_smoothed(&stepped);
    assert!(smooth[199][1].abs() < 1e-9);
    assert!(smooth[201][1] > 0.05 && smooth[201][1] < 0.6, "not at once: {}", smooth[201][1]);
    assert!(smooth[399][1] > 0.99, "in the end: {}", smooth[399][1]);
}

#[test]
fn every_validation_is_kept_in_order() {
    let mut curves = Curves::new(10);
    for step in (1..=5000).rev() {
        curves.push_evaluation(evaluation(step, 0.5));
    }
    curves.push_evaluation(evaluation(40, 0.1));
    assert_eq!(curves.evaluations.len(), 5000);
    assert!(curves.evaluations.windows(2).all(|pair| pair[0].step < pair[1].step));
    assert_eq!(curves.best().map(|point| point.step), Some(40));
}

#[test]
fn grid_lines_stand_at_round_values() {
    let marks = round_marks(GridInput { bounds: (-0.03, 2.6), base_step_size: 0.07 }, 36.0);
    let labels: Vec<String> = marks.iter().map(|&mark| round_label(mark)).collect();
    assert_eq!(labels, ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
    let none = round_marks(GridInput { bounds: (0.0, 1.0), base_step_size: f64::NAN }, 36.0);
    assert!(none.is_empty());
    assert_eq!(round_label(GridMark { value: 40.0, step_size: 20.0 }), "40");
    assert_eq!(round_label(GridMark { value: 0.0002, step_size: 0.0002 }), "0.0002");
}

fn log_labels(low: f64, high: f64) -> Vec<String> {
    let marks = log_marks(GridInput { bounds: (low.log10(), high.log10()), base_step_size: 0.01 });
    assert!(
        marks.iter().all(|mark| (low.log10()..=high.log10()).contains(&mark.value)),
        "none outside the view"
    );
    marks.iter().map(|&mark| log_label(mark)).filter(|label| !label.is_empty()).collect()
}

#[test]
fn logarithmic_axes_have_labels_in_every_view() {
    assert_eq!(log_labels(0.9, 110.0), ["1", "2", "5", "10", "20", "50", "100"]);
    assert_eq!(log_labels(0.000_5, 200.0), ["0.001", "0.01", "0.1", "1", "10", "100"]);
    assert_eq!(log_labels(0.95, 2.4), ["1", "1.5", "2"]);
    assert_eq!(log_labels(0.51, 0.56), ["0.51", "0.52", "0.53", "0.54", "0.55", "0.56"]);
}
