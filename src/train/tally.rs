//! Loss and errors of a set of pictures, summed on the host in double precision.

use crate::kernels::STANDING;

/// Sums over pictures.
///
/// Ties count in part, as in the author's `kMultiSoftmaxCost`: when `t` classes share a score, the picture
/// earns the share of them that still fits among the best one or five.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub n: usize,
    loss: f64,
    top1: f64,
    top5: f64,
}

impl Tally {
    /// Adds pictures. `logits` is `[N, classes]`, `labels` is `[N]`.
    pub fn add(&mut self, logits: &[f32], labels: &[u32]) {
        if labels.is_empty() {
            return;
        }
        let classes = logits.len() / labels.len();
        for (scores, &label) in logits.chunks_exact(classes).zip(labels) {
            let own = scores[label as usize];
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = scores.iter().map(|s| f64::from(s - best).exp()).sum();
            // A score that is no number counts as above; everything is above a label's that is none.
            let above = scores.iter().filter(|s| **s > own || s.is_nan() || own.is_nan()).count();
            let ties = scores.iter().filter(|&&s| s == own).count();
            self.count(sum.ln() - f64::from(own - best), above, ties);
        }
    }

    /// Adds pictures from what [`cross_entropy`](crate::kernels::cross_entropy) tells of each.
    pub fn add_standing(&mut self, standing: &[f32]) {
        for [loss, above, ties, ..] in standing.as_chunks::<STANDING>().0 {
            self.count(f64::from(*loss), *above as usize, *ties as usize);
        }
    }

    /// Adds a picture with `above` scores above that of its class, and `ties` as high, its own counted.
    fn count(&mut self, loss: f64, above: usize, ties: usize) {
        let share = |slots: usize| (slots.saturating_sub(above) as f64 / ties.max(1) as f64).min(1.0);
        self.n += 1;
        self.loss += loss;
        self.top1 += share(1);
        self.top5 += share(5);
    }

    /// Adds the pictures of another tally.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.loss += other.loss;
        self.top1 += other.top1;
        self.top5 += other.top5;
    }

    /// Mean cross-entropy in nats.
    pub fn loss(&self) -> f64 {
        self.loss / self.n as f64
    }

    /// Share of pictures whose class is not the best scored.
    pub fn top1_error(&self) -> f64 {
        1.0 - self.top1 / self.n as f64
    }

    /// Share of pictures whose class is not among the five best scored.
    pub fn top5_error(&self) -> f64 {
        1.0 - self.top5 / self.n as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(logits: &[f32], labels: &[u32]) -> Tally {
        let mut tally = Tally::default();
        tally.add(logits, labels);
        tally
    }

    #[test]
    fn loss_of_equal_scores_is_the_logarithm_of_the_classes() {
        assert!((tally(&[0.5; 10], &[3]).loss() - 10f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn loss_survives_huge_scores() {
        assert!((tally(&[3e38, 0.0], &[0]).loss()).abs() < 1e-12);
    }

    #[test]
    fn ties_count_in_part() {
        let equal = tally(&[0.0; 10], &[3]);
        assert!((equal.top1_error() - 0.9).abs() < 1e-12);
        assert!((equal.top5_error() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn rank_decides() {
        let scores = [9.0, 8.0, 7.0, 6.0, 5.0, 4.0];
        assert_eq!((tally(&scores, &[0]).top1_error(), tally(&scores, &[0]).top5_error()), (0.0, 0.0));
        assert_eq!((tally(&scores, &[4]).top1_error(), tally(&scores, &[4]).top5_error()), (1.0, 0.0));
        assert_eq!((tally(&scores, &[5]).top1_error(), tally(&scores, &[5]).top5_error()), (1.0, 1.0));
    }

    #[test]
    fn a_score_that_is_no_number_is_never_right() {
        let broken = tally(&[f32::NAN; 10], &[0]);
        assert!(broken.loss().is_nan());
        assert_eq!(broken.top1_error(), 1.0);
        assert_eq!(broken.top5_error(), 1.0);
    }
}
