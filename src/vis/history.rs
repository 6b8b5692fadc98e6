//! The course of a run: one point an update, one point a validation.

/// One update. Everything here follows from the seed; wall-clock figures live elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepPoint {
    /// Updates made so far, from 1.
    pub step: u64,
    /// Epochs gone by, as a fraction: 1.5 is the middle of the second epoch.
    pub epoch: f64,
    /// Mean cross-entropy of the batch, in nats.
    pub loss: f64,
    /// Share of the batch whose most probable class is wrong.
    pub top1_error: f64,
    /// Share of the batch whose class is not among the five most probable.
    pub top5_error: f64,
    /// Learning rate of the weights.
    pub lr: f64,
}

/// One measurement of the whole validation split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EvaluationPoint {
    /// Updates made before it.
    pub step: u64,
    pub epoch: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    pub top1_error: f64,
    pub top5_error: f64,
    /// Pictures measured.
    pub n: usize,
}

/// One rate of a search for a learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    pub rate: f64,
    /// Mean cross-entropy of the batch in nats, before the update at this rate. May be no number at the end.
    pub loss: f64,
    /// Running mean of the losses up to here.
    pub smooth: f64,
}

/// The points of a run, oldest first, in bounded memory however long it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub steps: Thinned<StepPoint>,
    pub evaluations: Thinned<EvaluationPoint>,
}

impl History {
    /// The validation with the lowest top-1 error; of equal ones the first.
    pub fn best(&self) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| a.top1_error.total_cmp(&b.top1_error))
    }
}

/// Points that a series holds at most.
pub const MAX_POINTS: usize = 8192;

/// A series that never holds more than [`MAX_POINTS`]: when it is full, neighbours are joined, and from then on each
/// of its points stands for twice as many.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinned<T> {
    points: Vec<T>,
    /// Measurements that a point stands for.
    each: u64,
    /// Those that the last point stands for so far.
    in_last: u64,
    /// The last measurement as it was.
    last: Option<T>,
}

/// Points that can stand for several measurements.
pub trait Join: Copy {
    /// Takes in what came later: itself stands for `own` measurements, `later` for `others`.
    fn join(self, own: u64, later: Self, others: u64) -> Self;
}

impl Join for StepPoint {
    /// The mean; step, epoch and rate are those of the last.
    fn join(self, own: u64, later: Self, others: u64) -> Self {
        let share = others as f64 / (own + others) as f64;
        let mean = |before: f64, later: f64| before + (later - before) * share;
        Self {
            loss: mean(self.loss, later.loss),
            top1_error: mean(self.top1_error, later.top1_error),
            top5_error: mean(self.top5_error, later.top5_error),
            ..later
        }
    }
}

impl Join for EvaluationPoint {
    /// The better one, so that the best of all is never lost.
    fn join(self, _: u64, later: Self, _: u64) -> Self {
        if later.top1_error < self.top1_error { later } else { self }
    }
}

impl<T> Default for Thinned<T> {
    fn default() -> Self {
        Self { points: Vec::new(), each: 1, in_last: 0, last: None }
    }
}

impl<T: Join> Thinned<T> {
    /// Adds a measurement that came after all others.
    pub fn push(&mut self, point: T) {
        self.last = Some(point);
        match self.points.last_mut() {
            Some(last) if self.in_last < self.each => {
                *last = last.join(self.in_last, point, 1);
                self.in_last += 1;
                return;
            }
            _ => {}
        }
        if self.points.len() == MAX_POINTS {
            let each = self.each;
            let joined =
                |pair: &[T]| pair[1..].iter().fold(pair[0], |one, other| one.join(each, *other, each));
            self.points = self.points.chunks(2).map(joined).collect();
            self.each *= 2;
        }
        self.points.push(point);
        self.in_last = 1;
    }

    /// The last measurement as it was.
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref()
    }
}

impl<T> std::ops::Deref for Thinned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> StepPoint {
        let loss = step as f64;
        StepPoint { step, epoch: loss / 10.0, loss, top1_error: 0.5, top5_error: 0.25, lr: 0.1 }
    }

    #[test]
    fn short_series_hold_every_point_and_long_ones_their_means() {
        let mut series = Thinned::default();
        (1..=MAX_POINTS as u64).for_each(|number| series.push(step(number)));
        assert!((1..=MAX_POINTS as u64).map(step).eq(series.iter().copied()));
        let count = 1_000_003;
        (MAX_POINTS as u64 + 1..=count).for_each(|number| series.push(step(number)));
        assert!(series.len() <= MAX_POINTS && series.len() > MAX_POINTS / 4, "{}", series.len());
        assert_eq!(series.last(), Some(&step(count)));
        // Every point but the last stands for as many updates, and for their mean.
        let each = series[0].step;
        for (number, point) in series[..series.len() - 1].iter().enumerate() {
            let last = (number as u64 + 1) * each;
            let mean = last as f64 - (each - 1) as f64 / 2.0;
            assert_eq!(point.step, last);
            assert!((point.loss - mean).abs() < 1e-3, "{} instead of {mean}", point.loss);
        }
    }

    #[test]
    fn the_best_validation_is_never_lost() {
        let mut history = History::default();
        for step in 0..100_000 {
            let top1_error = if step == 54_321 { 0.1 } else { 0.9 };
            let point = EvaluationPoint { step, epoch: 0.0, loss: 1.0, top1_error, top5_error: 0.1, n: 10 };
            history.evaluations.push(point);
        }
        assert_eq!(history.best().map(|best| best.step), Some(54_321));
        assert_eq!(history.evaluations.last().map(|last| last.step), Some(99_999));
    }
}
