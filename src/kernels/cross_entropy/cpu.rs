//! Softmax cross-entropy in plain Rust: the reference of the shaders, and the path without a card.

use rayon::prelude::*;

use super::STANDING;
use crate::kernels::rank::{INFINITY, rank};

/// The standing `[N, STANDING]` of each row of `scores`, `[N, classes]`.
pub(super) fn forward(scores: &[f32], labels: &[u32], classes: usize) -> Vec<f32> {
    let rows = scores.par_chunks_exact(classes).zip(labels);
    rows.flat_map_iter(|(scores, &label)| standing(scores, scores[label as usize])).collect()
}

fn standing(scores: &[f32], own: f32) -> [f32; STANDING] {
    let own_rank = rank(own);
    let (mut highest, mut above, mut ties) = (i32::MIN, 0, 0);
    let mut best = f32::MIN;
    for &score in scores {
        let place = rank(score);
        highest = highest.max(place);
        above += usize::from(place > own_rank);
        ties += usize::from(place == own_rank);
        best = best.max(score);
    }
    if own.is_nan() {
        // Everything stands above a score that is no number.
        above = scores.len();
    }
    if highest >= INFINITY || own.is_infinite() {
        return [f32::NAN, above as f32, ties as f32, f32::NAN, 1.0];
    }
    let sum: f64 = scores.iter().map(|&score| (f64::from(score) - f64::from(best)).exp()).sum();
    let loss = sum.ln() + (f64::from(best) - f64::from(own));
    [loss as f32, above as f32, ties as f32, best, sum as f32]
}

/// The gradient of the scores, given that of the weighted losses.
pub(super) fn backward(
    scores: &[f32],
    labels: &[u32],
    standing: &[f32],
    grad: &[f32],
    weight: f32,
) -> Vec<f32> {
    let classes = scores.len() / labels.len();
    let mut dx = vec![0.0; scores.len()];
    let rows = dx.par_chunks_exact_mut(classes).zip(scores.par_chunks_exact(classes)).zip(labels);
    rows.zip(standing.par_chunks_exact(STANDING)).zip(grad).for_each(
        |((((dx, scores), &label), standing), grad)| {
            let (best, sum, factor) = (standing[3], standing[4], weight * grad);
            for (dx, score) in dx.iter_mut().zip(scores) {
                *dx = (score - best).exp() / sum * factor;
            }
            let probability = (scores[label as usize] - best).exp() / sum;
            dx[label as usize] = (probability - 1.0) * factor;
        },
    );
    dx
}
