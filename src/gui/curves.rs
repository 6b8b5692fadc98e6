//! The curves of a run, held so that drawing them never gets slower.
//!
//! A run can have a million updates and a plot has a thousand columns of pixels. A [`Series`] keeps at most
//! [`MAX_BINS`] bins; when they are full, neighbours are merged and every bin covers twice as many points.
//! A bin remembers its lowest and its highest value, so that a spike is never lost. Validations are few
//! and are all kept one by one.

use crate::vis::{EvaluationPoint, StepPoint};

/// Bins of a series. Each is drawn with three points (lowest, highest, smoothed).
pub const MAX_BINS: usize = 512;

/// Some neighbouring points of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Position and value of the lowest point.
    pub low: [f64; 2],
    /// Position and value of the highest point.
    pub high: [f64; 2],
    /// Position of the last point and the running mean there.
    pub smooth: [f64; 2],
    points: usize,
}

impl Bin {
    fn merge(self, later: Self) -> Self {
        Self {
            low: if later.low[1] < self.low[1] { later.low } else { self.low },
            high: if later.high[1] > self.high[1] { later.high } else { self.high },
            smooth: later.smooth,
            points: self.points + later.points,
        }
    }
}

/// One quantity over the epochs, binned.
#[derive(Clone, Debug)]
pub struct Series {
    bins: Vec<Bin>,
    /// Points that go into one bin.
    per_bin: usize,
    /// Weighted sum of the values and sum of the weights of the running mean.
    mean: (f64, f64),
    last: Option<[f64; 2]>,
}

impl Default for Series {
    fn default() -> Self {
        Self { bins: Vec::new(), per_bin: 1, mean: (0.0, 0.0), last: None }
    }
}

impl Series {
    /// Adds a point. `keep` is the share of the running mean that earlier points hold, 0 to 1.
    /// A value that is not a number is left out: a plot cannot show it.
    fn push(&mut self, x: f64, y: f64, keep: f64) {
        if !x.is_finite() || !y.is_finite() {
            return;
        }
        self.mean = (self.mean.0 * keep + y * (1.0 - keep), self.mean.1 * keep + (1.0 - keep));
        let smooth = if self.mean.1 > 0.0 { self.mean.0 / self.mean.1 } else { y };
        let point = Bin { low: [x, y], high: [x, y], smooth: [x, smooth], points: 1 };
        match self.bins.last_mut() {
            Some(bin) if bin.points < self.per_bin => *bin = bin.merge(point),
            _ => self.bins.push(point),
        }
        self.last = Some([x, y]);
        if self.bins.len() == MAX_BINS {
            self.bins =
                self.bins.chunks(2).map(|pair| pair[1..].iter().fold(pair[0], |a, &b| a.merge(b))).collect();
            self.per_bin *= 2;
        }
    }

    /// The last point as it was measured.
    pub fn last(&self) -> Option<[f64; 2]> {
        self.last
    }

    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// The measured values, thinned: lowest and highest of each bin, in order of position.
    pub fn raw(&self) -> Vec<[f64; 2]> {
        let mut points = Vec::with_capacity(self.bins.len() * 2);
        for bin in &self.bins {
            if bin.low[0] == bin.high[0] {
                points.push(bin.low);
            } else if bin.low[0] < bin.high[0] {
                points.extend([bin.low, bin.high]);
            } else {
                points.extend([bin.high, bin.low]);
            }
        }
        points
    }

    /// The running mean.
    pub fn smoothed(&self) -> Vec<[f64; 2]> {
        self.bins.iter().map(|bin| bin.smooth).collect()
    }
}

/// Everything the plots draw.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    pub loss: Series,
    pub top1: Series,
    pub top5: Series,
    pub evaluations: Vec<EvaluationPoint>,
    /// Epoch and new rate of each change made by hand.
    pub rate_changes: Vec<(f64, f64)>,
    /// Updates over which the running mean forgets two thirds of what it knew.
    memory: f64,
    last_step: u64,
}

impl Curves {
    /// Empty curves of a run with this many updates an epoch.
    pub fn new(steps_per_epoch: u64) -> Self {
        // An eighth of an epoch: short enough to follow the learning, long enough to calm a batch's luck.
        Self { memory: (steps_per_epoch as f64 / 8.0).clamp(4.0, 300.0), ..Self::default() }
    }

    /// Adds an update. One that is not later than the last is left out.
    pub fn push_step(&mut self, point: &StepPoint) {
        if point.step <= self.last_step {
            return;
        }
        let gap = (point.step - self.last_step) as f64;
        self.last_step = point.step;
        let keep = (-gap / self.memory.max(1.0)).exp();
        self.loss.push(point.epoch, point.loss, keep);
        self.top1.push(point.epoch, point.top1_error, keep);
        self.top5.push(point.epoch, point.top5_error, keep);
    }

    /// Adds a validation, in order of its step; of two with the same step the later report counts.
    pub fn push_evaluation(&mut self, point: EvaluationPoint) {
        match self.evaluations.binary_search_by_key(&point.step, |p| p.step) {
            Ok(same) => self.evaluations[same] = point,
            Err(place) => self.evaluations.insert(place, point),
        }
    }

    /// The validation with the lowest top-1 error; of equal ones the first.
    pub fn best(&self) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| a.top1_error.total_cmp(&b.top1_error))
    }

    /// Updates over which the running mean forgets two thirds of what it knew.
    pub fn memory(&self) -> f64 {
        self.memory
    }

    pub fn is_empty(&self) -> bool {
        self.loss.is_empty() && self.evaluations.is_empty()
    }
}
