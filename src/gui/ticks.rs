//! Where a plot has its grid lines: at round values, never too close together.

use egui_plot::{GridInput, GridMark};

use super::format;

/// egui_plot names a step of about this many points as the smallest useful one.
const SUGGESTED: f64 = 8.0;

/// Lines at multiples of 1, 2 or 5 times a power of ten, at least `points` apart.
pub fn round_marks(input: GridInput, points: f64) -> Vec<GridMark> {
    let least = input.base_step_size * points / SUGGESTED;
    let (low, high) = input.bounds;
    if !(least.is_finite() && least > 0.0 && low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let step = round_step(least);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    // `least` bounds how many there are; a view of nothing has none.
    let count = (last - first).clamp(-1.0, 1000.0) as i64;
    (0..=count).map(|i| GridMark { value: (first + i as f64) * step, step_size: step }).collect()
}

/// The smallest of 1, 2, 5, 10, ... that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= least * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// As many decimals as the step needs.
pub fn round_label(mark: GridMark) -> String {
    let decimals = (-mark.step_size.log10() - 1e-6).ceil().clamp(0.0, 12.0) as usize;
    // The sum of many steps can end a hair below zero.
    let value = if mark.value.abs() < mark.step_size * 1e-6 { 0.0 } else { mark.value };
    if value.abs() >= format::LARGE {
        return format::short_power(&format!("{value:.3e}"));
    }
    format!("{value:.decimals$}")
}

/// On an axis of logarithms (base 10): lines at 1, 2, … 9 times each power of ten, the powers strongest. In
/// a view of less than a power of ten, lines at round values.
pub fn log_marks(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    if !(low.is_finite() && high.is_finite()) {
        return Vec::new();
    }
    let marks: Vec<GridMark> = if high - low < 1.0 {
        let step = round_step((10f64.powf(high) - 10f64.powf(low)) / 5.0);
        let first = (10f64.powf(low) / step).ceil();
        // Five steps span the view, or a few more after rounding; the label of each is shown.
        (0..12).map(|i| GridMark { value: ((first + f64::from(i)) * step).log10(), step_size: 1.0 }).collect()
    } else {
        // A view of many powers of ten cannot show the lines between.
        let between = if high - low > 4.0 { 1..=1 } else { 1..=9 };
        let powers = low.floor().clamp(-12.0, 12.0) as i32..=high.ceil().clamp(-12.0, 12.0) as i32;
        powers.flat_map(|power| between.clone().map(move |digit| log_mark(power, digit))).collect()
    };
    marks.into_iter().filter(|mark| (low..=high).contains(&mark.value)).collect()
}

fn log_mark(power: i32, digit: i32) -> GridMark {
    let step_size = match digit {
        1 => 1.0,
        2 | 5 => 0.3,
        _ => 0.1,
    };
    GridMark { value: f64::from(power) + f64::from(digit).log10(), step_size }
}

/// Labels at all lines but those at 3, 4, 6, 7, 8 and 9 times a power of ten.
pub fn log_label(mark: GridMark) -> String {
    if mark.step_size < 0.2 { String::new() } else { format::figures(10f64.powf(mark.value)) }
}
