//! The curves of a run and what happened on the way.

use super::series::Series;
use crate::engine::Course;
use crate::vis::{EvaluationPoint, History, StepPoint};

/// Something that happened to a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Happening {
    /// The rate was set by hand.
    RateSet(f64),
    /// The rate changed as planned, or because a validation said so.
    RateChanged(f64),
    Paused,
    Resumed,
    /// A checkpoint was written.
    Saved,
    /// It went on from a checkpoint.
    TakenUp,
}

impl Happening {
    /// What is said of it.
    pub fn words(self) -> String {
        match self {
            Self::RateSet(rate) => format!("rate set to {} by hand", super::format::figures(rate)),
            Self::RateChanged(rate) => format!("rate changed to {}", super::format::figures(rate)),
            Self::Paused => "paused".into(),
            Self::Resumed => "resumed".into(),
            Self::Saved => "saved".into(),
            Self::TakenUp => "taken up again".into(),
        }
    }
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    pub step: u64,
    pub epoch: f64,
    pub what: Happening,
}

/// Events kept; of more, the oldest that are no changes of the rate go first.
const KEPT_EVENTS: usize = 2000;

/// Everything the plots draw.
#[derive(Clone, Debug, Default)]
pub struct Curves {
    pub loss: Series,
    pub top1: Series,
    pub top5: Series,
    pub rate: Series,
    pub evaluations: Vec<EvaluationPoint>,
    pub events: Vec<Event>,
    /// The first update whose loss was no number.
    pub broken: Option<u64>,
    /// Updates over which the running mean forgets two thirds of what it knew.
    memory: f64,
    steps_per_epoch: u64,
    first_step: u64,
    last_step: u64,
}

impl Curves {
    /// Empty curves of a run with this many updates an epoch.
    pub fn new(steps_per_epoch: u64) -> Self {
        // An eighth of an epoch: short enough to follow the learning, long enough to calm a batch's luck.
        let memory = (steps_per_epoch as f64 / 8.0).clamp(4.0, 300.0);
        Self { memory, steps_per_epoch, ..Self::default() }
    }

    /// The curves of a run that is not going on here.
    pub fn of(history: &History) -> Self {
        let last = history.steps.last().map(|point| (point.step, point.epoch));
        let last = last.or(history.evaluations.last().map(|point| (point.step, point.epoch)));
        let (step, epoch) = last.filter(|(_, epoch)| *epoch > 0.0).unwrap_or((1, 1.0));
        let mut curves = Self::new((step as f64 / epoch).round() as u64);
        history.steps.iter().for_each(|point| curves.push_step(point));
        history.evaluations.iter().for_each(|point| curves.push_evaluation(*point));
        curves
    }

    /// Updates an epoch.
    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch.max(1)
    }

    /// Adds an update. One that is not later than the last is left out.
    pub fn push_step(&mut self, point: &StepPoint) {
        if point.step <= self.last_step {
            return;
        }
        if self.loss.is_empty() {
            self.first_step = point.step - 1;
        }
        let gap = (point.step - self.last_step) as f64;
        self.last_step = point.step;
        if !point.loss.is_finite() {
            self.broken = self.broken.or(Some(point.step));
        }
        let keep = (-gap / self.memory.max(1.0)).exp();
        self.loss.push(point.epoch, point.loss, keep);
        self.top1.push(point.epoch, point.top1_error, keep);
        self.top5.push(point.epoch, point.top5_error, keep);
        self.rate.push(point.epoch, point.lr, 0.0);
    }

    /// Adds a validation, in order of its step; of two with the same step the later report counts.
    pub fn push_evaluation(&mut self, point: EvaluationPoint) {
        match self.evaluations.binary_search_by_key(&point.step, |p| p.step) {
            Ok(same) => self.evaluations[same] = point,
            Err(place) => self.evaluations.insert(place, point),
        }
    }

    /// Notes that something happened after `step` updates.
    pub fn happened(&mut self, step: u64, what: Happening) {
        let event = Event { step, epoch: self.epoch_of(step), what };
        if self.events.last() == Some(&event) {
            return;
        }
        self.events.push(event);
        if self.events.len() > KEPT_EVENTS {
            let rate =
                |event: &Event| matches!(event.what, Happening::RateSet(_) | Happening::RateChanged(_));
            let oldest = self.events.iter().position(|event| !rate(event)).unwrap_or(0);
            self.events.remove(oldest);
        }
    }

    /// The validation with the lowest top-1 error; of equal ones the first.
    pub fn best(&self) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| a.top1_error.total_cmp(&b.top1_error))
    }

    /// The validation nearest to a position.
    pub fn evaluation_near(&self, epoch: f64) -> Option<&EvaluationPoint> {
        self.evaluations.iter().min_by(|a, b| (a.epoch - epoch).abs().total_cmp(&(b.epoch - epoch).abs()))
    }

    /// Epochs gone by after `step` updates.
    pub fn epoch_of(&self, step: u64) -> f64 {
        step as f64 / self.steps_per_epoch.max(1) as f64
    }

    /// Updates made after so many epochs.
    pub fn step_at(&self, epoch: f64) -> u64 {
        (epoch * self.steps_per_epoch as f64).round().max(0.0) as u64
    }

    /// The first and the last position of the curves, in epochs.
    pub fn span(&self) -> [f64; 2] {
        let trained = self.loss.last().map_or(0.0, |[epoch, _]| epoch);
        [
            self.epoch_of(self.first_step),
            self.evaluations.last().map_or(trained, |point| point.epoch.max(trained)),
        ]
    }

    /// Updates over which the running mean forgets two thirds of what it knew.
    pub fn memory(&self) -> f64 {
        self.memory
    }

    pub fn is_empty(&self) -> bool {
        self.loss.is_empty() && self.evaluations.is_empty()
    }

    /// What a diagnosis looks at; what the curves do not know is left open.
    pub fn course(&self) -> Course<'_> {
        let changed = self.events.iter().rev().find_map(|event| match event.what {
            Happening::RateSet(_) | Happening::RateChanged(_) => Some(event.step),
            _ => None,
        });
        Course {
            losses: self.loss.values(),
            begun: self.first_step,
            broken: self.broken,
            evaluations: &self.evaluations,
            steps_per_epoch: self.steps_per_epoch,
            rate: self.rate.last().map_or(0.0, |[_, rate]| rate),
            settled: self.last_step.saturating_sub(changed.unwrap_or(self.first_step)),
            ..Course::default()
        }
    }
}
