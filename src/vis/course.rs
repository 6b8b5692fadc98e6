//! The course of a run in few points: what a picture a thousand pixels wide can show of a million updates.

use super::{EvaluationPoint, StepPoint};

/// Bins at most. Where there would be more, neighbours are joined.
const BINS: usize = 2000;

/// Updates in bins of equal width, and every validation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    bins: Vec<Bin>,
    /// Updates a bin.
    width: u64,
    pub evaluations: Vec<EvaluationPoint>,
    /// The number of the last update.
    pub steps: u64,
}

/// The mean of neighbouring updates. What is no number is left out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    updates: u64,
    epoch: f64,
    loss: f64,
    top1_error: f64,
}

impl Course {
    /// Adds the next update. One whose loss is no number is counted, but not drawn.
    pub fn push_step(&mut self, point: &StepPoint) {
        self.steps = self.steps.max(point.step);
        if !point.loss.is_finite() {
            return;
        }
        self.width = self.width.max(1);
        if self.bins.last().is_none_or(|bin| bin.updates >= self.width) {
            if self.bins.len() >= BINS {
                self.join_neighbours();
            }
            self.bins.push(Bin::default());
        }
        let bin = self.bins.last_mut().expect("a bin was just made if there was none");
        bin.updates += 1;
        bin.epoch += point.epoch;
        bin.loss += point.loss;
        bin.top1_error += point.top1_error;
    }

    /// Adds the next validation.
    pub fn push_evaluation(&mut self, point: EvaluationPoint) {
        self.steps = self.steps.max(point.step);
        self.evaluations.push(point);
    }

    fn join_neighbours(&mut self) {
        let sum = |pair: &[Bin]| {
            pair.iter().fold(Bin::default(), |sum, bin| Bin {
                updates: sum.updates + bin.updates,
                epoch: sum.epoch + bin.epoch,
                loss: sum.loss + bin.loss,
                top1_error: sum.top1_error + bin.top1_error,
            })
        };
        self.bins = self.bins.chunks(2).map(sum).collect();
        self.width *= 2;
    }

    /// Epoch and mean training loss in nats, from left to right.
    pub fn loss(&self) -> Vec<(f64, f64)> {
        self.means(|bin| bin.loss)
    }

    /// Epoch and mean training top-1 error, 0 to 1, from left to right.
    pub fn top1_error(&self) -> Vec<(f64, f64)> {
        self.means(|bin| bin.top1_error)
    }

    fn means(&self, value: impl Fn(&Bin) -> f64) -> Vec<(f64, f64)> {
        let mean = |bin: &Bin| {
            let n = bin.updates as f64;
            (bin.epoch / n, value(bin) / n)
        };
        self.bins.iter().map(mean).collect()
    }

    /// The validation with the lowest top-1 error; of equal ones the first.
    pub fn best(&self) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| a.top1_error.total_cmp(&b.top1_error))
    }

    /// The newest validation.
    pub fn last(&self) -> Option<&EvaluationPoint> {
        self.evaluations.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(steps: u64, loss: impl Fn(u64) -> f64) -> Course {
        let mut course = Course::default();
        for step in 1..=steps {
            let epoch = step as f64 / 100.0;
            let top1_error = 0.5;
            course.push_step(&StepPoint {
                step,
                epoch,
                loss: loss(step),
                top1_error,
                top5_error: 0.1,
                lr: 0.01,
            });
        }
        course
    }

    #[test]
    fn few_updates_stay_as_they_are() {
        let few = course(3, |step| step as f64);
        assert_eq!(few.loss(), [(0.01, 1.0), (0.02, 2.0), (0.03, 3.0)]);
        assert_eq!(few.top1_error()[2], (0.03, 0.5));
    }

    #[test]
    fn many_updates_become_means_that_keep_the_mean_of_all() {
        let many = course(100_000, |step| step as f64);
        let points = many.loss();
        assert!((1000..=2000).contains(&points.len()), "{}", points.len());
        assert_eq!(many.steps, 100_000);
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        let first = points[0];
        let width = 2.0 * first.1 - 1.0;
        assert!((first.0 * 100.0 - first.1).abs() < 1e-9, "epoch and loss are means of the same updates");
        assert!(width.fract().abs() < 1e-9 && (width as u64).is_power_of_two(), "{width}");
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        let broken = course(4, |step| if step == 3 { f64::NAN } else { 1.0 });
        assert_eq!(broken.loss().len(), 3);
        assert_eq!(broken.steps, 4);
    }
}
