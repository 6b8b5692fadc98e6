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

/// All points of a run, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    pub steps: Vec<StepPoint>,
    pub evaluations: Vec<EvaluationPoint>,
}

impl History {
    /// The validation with the lowest top-1 error; of equal ones the first.
    pub fn best(&self) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| a.top1_error.total_cmp(&b.top1_error))
    }
}
