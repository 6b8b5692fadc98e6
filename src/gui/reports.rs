//! How the engine's reports change what the window knows.

use std::path::{Path, PathBuf};

use super::curves::Curves;
use super::format::{figures, sentence};
use super::notice::Severity;
use super::state::{Answer, Phase, RateSearch, State};
use crate::engine::{
    Event, ModelInfo, Pace, Prediction, RateFound, RunChange, RunInfo, RunSummary, StopReason,
};
use crate::vis::{FilterGrid, StepPoint};

impl State {
    /// Takes in one report of the engine. Reports that do not fit the present phase change nothing.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Preparing { stage, done, total } => {
                if matches!(self.phase, Phase::Asked | Phase::Preparing { .. }) {
                    self.phase = Phase::Preparing { stage, done, total };
                }
            }
            Event::Started(info) => self.started(info),
            Event::Step(point, pace) => self.stepped(point, pace),
            Event::Evaluating { done, total } => {
                if self.running() {
                    self.evaluating = Some((done, total));
                }
            }
            Event::Evaluation(point) => {
                self.evaluating = None;
                if self.run.is_some() {
                    self.curves.push_evaluation(point);
                }
            }
            // Nothing of the window shows single pictures of a measurement.
            Event::Evaluated(_) => {}
            Event::Filters(grid) => {
                if drawable(&grid) {
                    self.filters = Some(grid);
                    self.filters_seen += 1;
                }
            }
            Event::Paused { .. } => {
                if self.running() {
                    self.phase = Phase::Paused;
                }
            }
            Event::Resumed => {
                if self.running() {
                    self.phase = Phase::Training;
                }
            }
            Event::RateSet { rate, .. } => self.rate_set(rate),
            Event::Changed { epoch, change, .. } => self.changed(epoch, &change),
            Event::RateTried(point) => {
                if let Some(search) = self.search.as_mut().filter(|search| search.found.is_none()) {
                    search.points.push(point);
                }
            }
            Event::RateFound(found) => self.rate_found(found),
            Event::Loaded(model) => {
                self.notices.push(Severity::Info, format!("Opened the model {}.", describe_model(&model)));
                self.model = Some(*model);
                if !self.running() {
                    self.last = None;
                }
            }
            Event::Checkpoint(info) => self.checkpoint = Some(info),
            Event::Saved { path } => self.saved(&path),
            Event::Prediction { id, name, result } => self.predicted(id, name, result),
            Event::Note(text) => self.notices.push(Severity::Info, sentence(&text)),
            Event::Warning(text) => self.notices.push(Severity::Warning, sentence(&text)),
            Event::Cancelled => self.ended(),
            Event::Stopped(summary) => self.stopped(summary),
            Event::Failed { message, run_ended, saved, .. } => {
                // A start that is refused before anything was made ready leaves no run either.
                if run_ended || self.phase == Phase::Asked {
                    self.ended();
                    // The window stays, so that the reason is seen.
                    self.closing = false;
                }
                let kept = saved.map(|path| format!(" What was learned is kept in {}.", path.display()));
                self.notices.push(Severity::Error, sentence(&message) + &kept.unwrap_or_default());
            }
        }
    }

    fn started(&mut self, info: Box<RunInfo>) {
        self.phase = Phase::Training;
        self.curves = Curves::new(info.steps_per_epoch);
        self.last = None;
        self.pace = None;
        self.evaluating = None;
        self.filters = None;
        self.summary = None;
        self.checkpoint = None;
        self.rate = info.config.optim.lr;
        if let Some(taken) = &info.taken_up {
            taken.history.steps.iter().for_each(|point| self.curves.push_step(point));
            taken.history.evaluations.iter().for_each(|point| self.curves.push_evaluation(*point));
            self.last = taken.history.steps.last().copied();
            // It goes on; there is nothing to offer any more.
            self.interrupted = self.interrupted.take().filter(|run| run.folder != info.folder);
        }
        self.model = Some(info.model.clone());
        self.run = Some(info);
    }

    fn stepped(&mut self, point: StepPoint, pace: Pace) {
        if !self.running() {
            return;
        }
        self.evaluating = None;
        self.curves.push_step(&point);
        if self.last.is_none_or(|last| last.step < point.step) {
            self.rate = Some(point.lr);
            self.last = Some(point);
        }
        self.pace = Some(pace);
    }

    fn rate_set(&mut self, rate: f64) {
        if self.running() {
            self.rate = Some(rate);
            self.curves.rate_changes.push((self.last.map_or(0.0, |point| point.epoch), rate));
        }
    }

    fn changed(&mut self, epoch: f64, change: &RunChange) {
        if !self.running() {
            return;
        }
        if let RunChange::PlannedRate(rate) | RunChange::PlateauRate(rate) = *change {
            self.rate = Some(rate);
            self.curves.rate_changes.push((epoch, rate));
        }
        // What was planned for the rate stands in the plot; the rest would otherwise go unseen.
        if !matches!(change, RunChange::PlannedRate(_)) {
            let text = format!("Epoch {}: {}.", figures(epoch), change.words());
            self.notices.push(Severity::Info, text);
        }
    }

    fn rate_found(&mut self, found: Box<RateFound>) {
        if self.search.is_some() {
            self.search = Some(RateSearch { points: found.points.clone(), found: Some(found) });
            self.ended();
        }
    }

    fn predicted(&mut self, id: u64, name: String, result: Result<Prediction, String>) {
        let answer = match result {
            Ok(prediction) => Answer::Ready(prediction),
            Err(reason) => Answer::Failed(sentence(&reason)),
        };
        // An answer to a picture that was removed meanwhile is not wanted any more.
        if let Some(entry) = self.predictions.iter_mut().find(|p| p.id == id) {
            entry.name = name;
            entry.answer = answer;
        }
    }

    /// What a run writes into its own folder is told in its summary; only a save that was asked for is news.
    fn saved(&mut self, path: &Path) {
        if !self.run.as_ref().is_some_and(|run| path.starts_with(&run.folder)) {
            self.notices.push(Severity::Info, format!("Saved the model to {}", absolute(path).display()));
        }
    }

    fn stopped(&mut self, mut summary: Box<RunSummary>) {
        self.ended();
        summary.folder = absolute(&summary.folder);
        summary.model_file = summary.model_file.as_deref().map(absolute);
        if let (Some(point), true) = (summary.evaluation, self.run.is_some()) {
            self.curves.push_evaluation(point);
        }
        if summary.reason == StopReason::Diverged {
            let seen = summary.trouble.as_ref().map(|trouble| format!(" What was seen: {trouble}."));
            self.notices.push(
                Severity::Error,
                format!(
                    "The loss is no longer a number: the network has diverged.{} Start again with a learning rate ten \
                     times smaller.",
                    seen.unwrap_or_default()
                ),
            );
        }
        self.summary = Some(summary);
    }

    fn ended(&mut self) {
        self.phase = Phase::Idle;
        self.stopping = false;
        self.evaluating = None;
        self.pace = None;
        // A search that ended without a result leaves nothing to show.
        self.search = self.search.take().filter(|search| search.found.is_some());
    }
}

/// The whole path, which alone is of use once it is copied elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a grid holds as many weights as it says, so that it can be drawn.
fn drawable(grid: &FilterGrid) -> bool {
    let area = grid.kernels.checked_mul(3 * grid.side * grid.side);
    grid.kernels > 0 && grid.side > 0 && grid.columns > 0 && area == Some(grid.weights.len())
}

fn describe_model(model: &ModelInfo) -> String {
    match &model.file {
        Some(file) => format!("{} from {}", model.name, file.display()),
        None => model.name.clone(),
    }
}
