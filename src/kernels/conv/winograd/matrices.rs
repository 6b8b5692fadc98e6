//! The matrices of Winograd's minimal filtering, for kernels of every size, and the text of a transform with them.
//!
//! The outputs of a filter are made from products of polynomials, whose values at some points are multiplied one by one
//! (Toom and Cook); the points are what an algorithm is named by. With the points p0, p1, … and infinity, both filter and
//! outputs are Vandermonde matrices of these points, and data is the interpolation turned round. See A. Lavin and S. Gray,
//! *Fast Algorithms for Convolutional Neural Networks* (2015), sections 3 and 4.

use std::fmt::Write;

/// The points besides infinity, in the order in which they are taken. Chosen by the error of 5 x 5 kernels, which is a third
/// of what 0, 1, -1, 2 and -2 give.
const POINTS: [f64; 5] = [0.0, 1.0, -1.0, 0.5, -2.0];

/// The largest side of a tile in the domain.
pub(super) const MOST_SIDE: usize = POINTS.len() + 1;

/// A small matrix, row by row.
#[derive(Clone, Debug)]
pub(super) struct Matrix(Vec<Vec<f64>>);

impl Matrix {
    /// `[side, side]`: a line of data into the domain.
    pub(super) fn data(side: usize) -> Self {
        let points = &POINTS[..side - 1];
        let without = |left_out: Option<usize>| {
            let roots = points.iter().enumerate().filter(|(index, _)| Some(*index) != left_out);
            let mut polynomial =
                roots.fold(vec![1.0], |polynomial, (_, root)| times_root(&polynomial, *root));
            polynomial.resize(side, 0.0);
            polynomial
        };
        Self((0..points.len()).map(|index| without(Some(index))).chain([without(None)]).collect())
    }

    /// `[side, taps]`: a line of a filter into the domain.
    pub(super) fn filter(side: usize, taps: usize) -> Self {
        let points = &POINTS[..side - 1];
        let scale = |point: f64| {
            let others = points.iter().filter(|other| **other != point);
            others.map(|other| point - other).product::<f64>()
        };
        let finite =
            points.iter().map(|&point| powers(point, taps).map(|value| value / scale(point)).collect());
        Self(finite.chain([last(taps)]).collect())
    }

    /// `[outputs, side]`: a line of products back out of the domain.
    pub(super) fn outputs(side: usize, outputs: usize) -> Self {
        let points = &POINTS[..side - 1];
        let rows = points.iter().map(|&point| powers(point, outputs).collect());
        let columns: Vec<Vec<f64>> = rows.chain([last(outputs)]).collect();
        Self((0..outputs).map(|row| columns.iter().map(|column| column[row]).collect()).collect())
    }

    /// For a line that is given in the other direction.
    pub(super) fn turned(self) -> Self {
        Self(self.0.into_iter().map(|row| row.into_iter().rev().collect()).collect())
    }

    pub(super) fn rows(&self) -> usize {
        self.0.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.0[0].len()
    }

    /// Lines that make `out{i}_{j}` from `in{i}_{j}`, first along the columns of a tile, then along its rows.
    pub(super) fn transform(&self) -> String {
        let mut text = String::new();
        for column in 0..self.columns() {
            for (i, row) in self.0.iter().enumerate() {
                let sum = sum(row, |k| format!("in{k}_{column}"));
                let _ = write!(text, "let half{i}_{column} = {sum};\n    ");
            }
        }
        for i in 0..self.rows() {
            for (j, row) in self.0.iter().enumerate() {
                let sum = sum(row, |k| format!("half{i}_{k}"));
                let _ = write!(text, "let out{i}_{j} = {sum};\n    ");
            }
        }
        text
    }
}

/// The coefficients of a polynomial times (x - root), that of the lowest power first.
fn times_root(polynomial: &[f64], root: f64) -> Vec<f64> {
    let shifted = [0.0].into_iter().chain(polynomial.iter().copied());
    let scaled = polynomial.iter().map(|value| -root * value).chain([0.0]);
    shifted.zip(scaled).map(|(one, other)| one + other).collect()
}

/// 1, x, x^2, …
fn powers(point: f64, count: usize) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(1.0), move |value| Some(value * point)).take(count)
}

/// The value at infinity of a polynomial: its highest coefficient.
fn last(count: usize) -> Vec<f64> {
    let mut row = vec![0.0; count];
    row[count - 1] = 1.0;
    row
}

/// A sum of values times their factors, without those that are 0.
fn sum(factors: &[f64], name: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for (index, &factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
        let sign = match (text.is_empty(), factor < 0.0) {
            (true, false) => "",
            (true, true) => "-",
            (false, false) => " + ",
            (false, true) => " - ",
        };
        let size = factor.abs() as f32;
        let times = if size == 1.0 { String::new() } else { format!("{size:?} * ") };
        let _ = write!(text, "{sign}{times}{}", name(index));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(matrix: &Matrix, line: &[f64]) -> Vec<f64> {
        let row = |row: &Vec<f64>| row.iter().zip(line).map(|(factor, value)| factor * value).sum();
        matrix.0.iter().map(row).collect()
    }

    #[test]
    fn products_in_the_domain_are_a_filter() {
        for side in 2..=MOST_SIDE {
            for taps in 1..=side {
                let outputs = side + 1 - taps;
                let data: Vec<f64> = (0..side).map(|i| (3.0 * i as f64).sin()).collect();
                let filter: Vec<f64> = (0..taps).map(|i| (2.0 * i as f64).cos()).collect();
                let (inside, by) =
                    (apply(&Matrix::data(side), &data), apply(&Matrix::filter(side, taps), &filter));
                let products: Vec<f64> = inside.iter().zip(&by).map(|(one, other)| one * other).collect();
                let found = apply(&Matrix::outputs(side, outputs), &products);
                for (at, found) in found.iter().enumerate() {
                    let want: f64 = (0..taps).map(|tap| data[at + tap] * filter[tap]).sum();
                    assert!((found - want).abs() < 1e-12, "side {side}, {taps} taps: {found} for {want}");
                }
            }
        }
    }

    #[test]
    fn sums_are_written_without_what_adds_nothing() {
        assert_eq!(sum(&[0.0, -1.0, 0.5, -2.5, 1.0], |k| format!("x{k}")), "-x1 + 0.5 * x2 - 2.5 * x3 + x4");
    }
}
