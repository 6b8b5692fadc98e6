//! How the engine's reports change what the window knows.

use std::path::Path;

use super::curves::{Curves, Happening};
use super::format::{figures, sentence};
use super::measured::Measured;
use super::notice::Severity;
use super::state::{Answer, Closing, Phase, RateSearch, State};
use crate::engine::{
    Event, ModelInfo, Pace, Prediction, RateFound, RunChange, RunInfo, RunSummary, StopReason, interrupted,
};
use crate::vis::StepPoint;
use crate::words::absolute;

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
                if self.running() || self.measuring {
                    self.evaluating = Some((done, total));
                }
            }
            Event::Evaluation(point) => {
                self.evaluating = None;
                // A measurement on request is no point of the run.
                if self.run.is_some() && !self.measuring {
                    self.curves.push_evaluation(point);
                    self.look_after();
                }
            }
            Event::Evaluated(evaluation) => {
                self.measured = Some(Measured::new(evaluation));
                self.measurements += 1;
                self.measured();
            }
            Event::Filters(grid) => {
                if grid.is_whole() {
                    self.filters = Some(grid);
                    self.filters_seen += 1;
                }
            }
            Event::Film(grid) => self.film.push(grid),
            Event::Kernels(kernels) => {
                if kernels.is_whole() {
                    self.kernels = Some(kernels);
                    self.kernels_seen += 1;
                }
            }
            Event::Paused { step } => {
                // Single updates end in a pause of their own.
                if self.phase == Phase::Training {
                    self.curves.happened(step, Happening::Paused);
                }
                if self.running() {
                    self.phase = Phase::Paused;
                }
            }
            Event::Resumed => {
                if self.running() {
                    self.phase = Phase::Training;
                    self.curves.happened(self.last.map_or(0, |point| point.step), Happening::Resumed);
                }
            }
            Event::RateSet { step, rate } => self.rate_set(step, rate),
            Event::Changed { step, epoch, change } => self.changed(step, epoch, &change),
            Event::RateTried(point) => {
                if let Some(search) = self.search.as_mut().filter(|search| search.found.is_none()) {
                    search.points.push(point);
                }
            }
            Event::RateFound(found) => self.rate_found(found),
            Event::Loaded(model) => {
                self.notices.push(Severity::Info, format!("Opened the model {}.", describe_model(&model)));
                self.model = Some(*model);
                self.asked.network_changed(None);
                self.film.clear();
                (self.opened_film, self.kernels) = (None, None);
                self.layers.network_changed();
                if !self.running() {
                    self.last = None;
                }
            }
            Event::Checkpoint(info) => {
                self.curves.happened(info.step, Happening::Saved);
                self.checkpoint = Some(info);
            }
            Event::Saved { path } => self.saved(&path),
            Event::Prediction { id, name, result } => self.predicted(id, name, result),
            Event::Inspected(report) => self.layers.answered(*report),
            Event::Inquiry(news) => self.apply_inquiry(news),
            Event::Note(text) => self.notices.push(Severity::Info, sentence(&text)),
            Event::Warning(text) => self.notices.push(Severity::Warning, sentence(&text)),
            Event::Cancelled => self.measured(),
            Event::Stopped(summary) => self.stopped(summary),
            Event::Failed { message, run_ended, saved, .. } => {
                // A start that is refused before anything was made ready leaves no run either.
                self.measuring &= !self.running();
                if run_ended || self.phase == Phase::Asked {
                    self.ended();
                    // The window stays, so that the reason is seen.
                    self.closing = Closing::No;
                    // What was kept of it can be gone on with.
                    let run = self.run.as_ref().filter(|_| run_ended);
                    self.interrupted =
                        run.and_then(|run| interrupted(&run.folder)).or(self.interrupted.take());
                }
                let kept = saved.map(|path| format!(" What was learned is kept in `{}`.", path.display()));
                self.notices.push(Severity::Error, sentence(&message) + &kept.unwrap_or_default());
            }
        }
    }

    fn started(&mut self, info: Box<RunInfo>) {
        self.phase = Phase::Training;
        let of_this =
            |from: &Path| self.run.as_ref().is_some_and(|run| from.starts_with(absolute(&run.folder)));
        let branch =
            info.taken_up.as_ref().is_some_and(|taken| taken.branch && of_this(&absolute(&taken.from)));
        let before = std::mem::replace(&mut self.curves, Curves::new(info.steps_per_epoch));
        self.parent_curves = branch.then_some(before);
        (self.diagnosis, self.checkpoints) = (None, None);
        (self.dismissed, self.next_look) = (Vec::new(), 0);
        self.film.begin(&info.folder, info.taken_up.as_ref().is_some_and(|taken| !taken.branch));
        (self.opened_film, self.kernels) = (None, None);
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
            self.curves.happened(taken.step, Happening::TakenUp);
            // It goes on; there is nothing to offer any more.
            self.interrupted = self.interrupted.take().filter(|run| run.folder != info.folder);
        }
        self.layers.network_changed();
        self.model = Some(info.model.clone());
        self.asked.network_changed(None);
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
            self.asked.network_changed(Some(point.step));
        }
        self.pace = Some(pace);
        let made = self.curves.loss.values().len();
        if made >= self.next_look || self.curves.broken.is_some() {
            // A look takes time in proportion to the length of the run.
            self.next_look = made + (made / 64).max(16);
            self.look_after();
        }
    }

    fn rate_set(&mut self, step: u64, rate: f64) {
        if self.running() {
            self.rate = Some(rate);
            self.curves.happened(step, Happening::RateSet(rate));
            self.look_after();
        }
    }

    fn changed(&mut self, step: u64, epoch: f64, change: &RunChange) {
        if !self.running() {
            return;
        }
        if let RunChange::PlannedRate(rate) | RunChange::PlateauRate(rate) = *change {
            self.rate = Some(rate);
            self.curves.happened(step.saturating_sub(1), Happening::RateChanged(rate));
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
            self.notices.push(Severity::Info, format!("Saved the model to `{}`", absolute(path).display()));
        }
    }

    fn stopped(&mut self, mut summary: Box<RunSummary>) {
        self.ended();
        self.layers.network_settled();
        summary.folder = absolute(&summary.folder);
        summary.model_file = summary.model_file.as_deref().map(absolute);
        if let (Some(point), true) = (summary.evaluation, self.run.is_some()) {
            self.curves.push_evaluation(point);
        }
        if summary.reason == StopReason::Diverged {
            let text = "The loss is no longer a number: the network has diverged.";
            let trouble = summary.trouble.as_deref().map(|t| format!(" {}", sentence(t))).unwrap_or_default();
            self.notices.push(Severity::Error, format!("{text}{trouble}"));
            self.curves.broken = self.curves.broken.or(Some(summary.step));
            self.look_after();
        }
        self.summary = Some(summary);
    }

    /// A measurement on request is over, or something was given up before it became a run. A paused run stays.
    fn measured(&mut self) {
        if self.running() {
            (self.measuring, self.evaluating) = (false, None);
        } else {
            self.ended();
        }
    }

    fn ended(&mut self) {
        self.phase = Phase::Idle;
        self.stopping = false;
        self.evaluating = None;
        self.measuring = false;
        self.pace = None;
        // A search that ended without a result leaves nothing to show.
        self.search = self.search.take().filter(|search| search.found.is_some());
    }
}

fn describe_model(model: &ModelInfo) -> String {
    match &model.file {
        Some(file) => format!("{} from `{}`", model.name, file.display()),
        None => model.name.clone(),
    }
}
