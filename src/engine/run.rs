//! One run from its settings to its last file.

mod beginning;
mod keeping;
mod recovery;
mod saving;
mod showing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use self::recovery::{Origin, Recovery};
use super::Views;
use super::control::Control;
use super::disk::Disk;
use super::error::RunError;
use super::evaluate::{evaluate, evaluation_point};
use super::event::{Event, RunSummary, StopReason};
use super::feed;
use super::film::Recorder;
use super::keeper::Keeper;
use super::model::{Model, View, describe};
use super::pace::{Lap, Stopwatch};
use super::plan::Plan;
use super::replay::KeptBatch;
use super::take_up::Basis;
use super::timetable::Timetable;
use crate::config::RunConfig;
use crate::data::{HostBatch, Next, Split};
use crate::device::DeviceKind;
use crate::train::checkpoint::{Best, DataMark};
use crate::train::{Between, Outcome, StepResult, Trainer};
use crate::vis::{History, StepPoint};
use crate::words;

/// The first layer is shown anew at least this far apart.
const FILTER_PAUSE: Duration = Duration::from_millis(500);
/// How long to wait for a batch before looking at commands again.
const BATCH_WAIT: Duration = Duration::from_millis(20);
/// While paused, a disk that could not be written is looked at this often.
const DISK_GLANCE: Duration = Duration::from_secs(1);

/// Trains as `config` says, from the beginning or from a `basis`. `idle` answers predictions until the new
/// network is ready.
///
/// Returns the trained model and how the run ended; nothing if it was stopped before it began.
pub(super) fn train(
    control: &mut Control,
    idle: Option<&Model>,
    config: RunConfig,
    basis: Option<Basis>,
) -> Result<Option<(Model, RunSummary)>, RunError> {
    let idle = idle.map(Model::view);
    let Some(mut plan) = Plan::make(control, idle, config, basis, "")? else { return Ok(None) };
    let mut recovery = Recovery::default();
    loop {
        let mut run = Run::new(control, plan, &mut recovery).map_err(|error| recovery.with_saved(error))?;
        // A driver or a library may panic: what is on the disk is not lost by that.
        let ended = catch_unwind(AssertUnwindSafe(|| run.go(control))).unwrap_or_else(|panic| {
            run.broken = true;
            let reason = words::panic(&*panic);
            Err(RunError::internal(format!("something broke inside the program: {reason}")))
        });
        match ended {
            Ok(Some(summary)) => {
                return Ok(Some((run.into_model(summary.model_file.clone()), summary)));
            }
            Ok(None) => plan = run.look_closer(control, &mut recovery)?,
            Err(error) => plan = run.recover(control, error, &mut recovery)?,
        }
    }
}

/// A run between its first and its last update.
struct Run {
    /// Before the plan, whose lock must outlive the last write.
    keeper: Keeper,
    plan: Plan,
    trainer: Trainer,
    timetable: Timetable,
    history: History,
    watch: Stopwatch,
    started: Instant,
    /// Seconds that earlier parts of the run took.
    earlier_seconds: f64,
    steps_per_epoch: u64,
    total_steps: u64,
    filters_shown: Instant,
    film: Recorder,
    kept_batch: KeptBatch,
    /// What its pictures are known by.
    pictures: DataMark,
    /// The batch that comes next, over all epochs.
    next_batch: u64,
    /// An epoch has ended and its validation has not been made.
    validation_due: bool,
    best: Option<Best>,
    /// The loss was no number: nothing more is recorded.
    diverged: bool,
    trouble: Option<String>,
    disk: Disk,
    /// Where it began, if that was not at its own checkpoint.
    origin: Option<Origin>,
    /// Whether anything has passed through the network.
    learning: bool,
    /// A panic has left the network in the middle of something.
    broken: bool,
    /// Rates set by hand, with the updates before them.
    by_hand: Vec<(u64, f64)>,
    /// Those that are to be set again.
    to_set: Vec<(u64, f64)>,
}

impl Run {
    /// From the first update to the last file. Nothing: the loss is no number, and where that begins can be found out
    /// by [`Self::look_closer`].
    fn go(&mut self, control: &mut Control) -> Result<Option<RunSummary>, RunError> {
        self.begin(control)?;
        let reason = self.learn(control)?;
        if reason == StopReason::Diverged && self.can_look_closer(control) {
            return Ok(None);
        }
        self.end(control, reason).map(Some)
    }

    /// Updates until the end or until told to stop.
    fn learn(&mut self, control: &mut Control) -> Result<StopReason, RunError> {
        let loader = self.plan.loader(&self.trainer, self.plan.settings.epochs, self.next_batch)?;
        self.watch.restart();
        if self.validation_due
            && let Some(reason) = self.close_epoch(control)?
        {
            return Ok(reason);
        }
        let mut waited = Duration::ZERO;
        while self.trainer.step() < self.total_steps {
            if let Some(reason) = self.attend(control)? {
                return Ok(reason);
            }
            let asked = Instant::now();
            let next = loader.recv_timeout(BATCH_WAIT);
            waited += asked.elapsed();
            feed::warn(control.outbox, &loader);
            match next {
                Next::Pending => {}
                Next::End => break,
                Next::Failed(message) => return Err(RunError::internal(message)),
                // Every picture of a short last batch has vanished: nothing to learn from.
                Next::Batch(batch) if batch.labels.is_empty() => {
                    self.next_batch = batch.seq + 1;
                    if let Some(reason) = self.close_epoch(control)? {
                        return Ok(reason);
                    }
                }
                Next::Batch(batch) => {
                    let reason = self.update(control, &batch, std::mem::take(&mut waited))?;
                    // Only now: a batch that has to be waited for is the one that was asked for.
                    control.single = false;
                    if let Some(reason) = reason {
                        return Ok(reason);
                    }
                    loader.reuse(batch);
                }
            }
        }
        Ok(StopReason::Finished)
    }

    /// Serves commands, waits while paused. A reason: the run should end.
    fn attend(&mut self, control: &mut Control) -> Result<Option<StopReason>, RunError> {
        control.drain(Some(self.view()));
        if let Some(reason) = self.keep_now(control)? {
            return Ok(Some(reason));
        }
        if !control.leaves_pause() {
            if !self.read_figures(control)? {
                return Ok(Some(StopReason::Diverged));
            }
            self.keep(control)?;
            control.outbox.send(Event::Paused { step: self.trainer.step() });
            control.at_rest = true;
            while !control.leaves_pause() {
                if self.disk.is_out() || self.keeper.is_busy() {
                    control.wait_at_most(DISK_GLANCE, Some(self.view()));
                    self.write_down(control)?;
                } else {
                    control.wait(Some(self.view()));
                }
                self.take_rate(control);
                if let Some(reason) = self.keep_now(control)? {
                    return Ok(Some(reason));
                }
                self.measure_now(control)?;
            }
            control.at_rest = false;
            self.disk.retry();
            if !control.paused && !control.stop {
                control.outbox.send(Event::Resumed);
            }
            self.watch.restart();
        }
        self.take_rate(control);
        Ok(control.stop.then_some(StopReason::Asked))
    }

    fn take_rate(&mut self, control: &mut Control) {
        let step = self.trainer.step();
        let again = self.to_set.iter().rfind(|(at, _)| *at == step).map(|(_, rate)| *rate);
        self.to_set.retain(|(at, _)| *at > step);
        if let Some(rate) = control.rate.take().or(again) {
            self.timetable.set_rate(control.outbox, step, self.epoch(step), rate);
            self.by_hand.push((step, rate));
            self.keeper.forget();
        }
    }

    /// One update with everything that follows it. A reason: the run is over.
    fn update(
        &mut self,
        control: &mut Control,
        batch: &HostBatch,
        waited: Duration,
    ) -> Result<Option<StopReason>, RunError> {
        let step = self.trainer.step();
        let epoch = self.epoch(step);
        let rates = self.timetable.advance(&mut self.trainer, control.outbox, step, epoch);
        let classes = &self.plan.store.description().classes;
        self.learning = true;
        let outcome = self.trainer.update(batch, rates, |network, input| {
            control.drain(Some(View { network, input, classes, step }));
            if control.stop { Between::Abandon } else { Between::Continue }
        });
        let outcome = outcome.map_err(RunError::device)?;
        // Before anything is believed that a card has computed after a fault.
        self.plan.check_device()?;
        let earlier = match outcome {
            Outcome::Abandoned => return Ok(Some(StopReason::Asked)),
            Outcome::Made(earlier) => earlier,
            Outcome::Diverged(earlier, result) => {
                for result in earlier.iter().chain([&result]) {
                    self.record(control, result);
                }
                self.diverged = true;
                self.look_for_trouble(batch);
                return Ok(Some(StopReason::Diverged));
            }
        };
        self.next_batch = batch.seq + 1;
        // The processor has nothing left to do for this update; a card still has, and is not waited for.
        let current = match self.plan.device.info.kind {
            DeviceKind::Cpu => self.trainer.figures().map_err(RunError::device)?,
            _ => None,
        };
        let Lap { took, gap } = self.watch.update(waited);
        if let Some(gap) = gap {
            let away = words::duration(gap.as_secs_f64());
            control.outbox.send(Event::Note(format!(
                "between two updates {away} went by: the computer slept, or its clock was set; this does not count as \
                 time of the training"
            )));
        }
        for result in earlier.into_iter().chain(current) {
            if !self.record(control, &result) {
                self.look_for_trouble(batch);
                return Ok(Some(StopReason::Diverged));
            }
        }
        self.plan.folder.timing(self.trainer.step(), took, batch.labels.len(), waited);
        self.write_down(control)?;
        self.take_frame(control)?;
        if self.filters_shown.elapsed() > FILTER_PAUSE {
            self.show_filters(control)?;
        }
        if batch.ends_epoch || self.trainer.step() == self.total_steps {
            return self.close_epoch(control);
        }
        if self.disk.may_write() && self.keeper.due(self.trainer.step()) {
            return self.keep_on_the_way(control);
        }
        Ok(None)
    }

    /// Reads what is still on the device, measures the validation split, keeps a checkpoint.
    fn close_epoch(&mut self, control: &mut Control) -> Result<Option<StopReason>, RunError> {
        if !self.read_figures(control)? {
            return Ok(Some(StopReason::Diverged));
        }
        self.validation_due = true;
        let began = Instant::now();
        if !self.validate(control)? {
            return Ok(Some(StopReason::Asked));
        }
        self.watch.validated(began.elapsed());
        self.validation_due = false;
        self.keeper.forget();
        self.show_filters(control)?;
        let step = self.trainer.step();
        let best = self.best.is_some_and(|best| best.step == step);
        if self.disk.may_write() && (best || self.keeper.due_at_epoch(step)) {
            self.keep(control)?;
        }
        self.watch.restart();
        Ok(None)
    }

    /// Figures of the last update. False: the loss is no number.
    fn read_figures(&mut self, control: &Control) -> Result<bool, RunError> {
        let figures = self.trainer.figures().map_err(RunError::device)?;
        self.plan.check_device()?;
        Ok(figures.is_none_or(|result| self.record(control, &result)))
    }

    /// Writes an update down and announces it. False: the loss is no number.
    fn record(&mut self, control: &Control, result: &StepResult) -> bool {
        // What comes after is nonsense, and how much of it comes depends on when the device was read.
        if self.diverged {
            return false;
        }
        let StepResult { step, rate, tally } = *result;
        let point = StepPoint {
            step,
            epoch: self.epoch(step),
            loss: tally.loss(),
            top1_error: tally.top1_error(),
            top5_error: tally.top5_error(),
            lr: rate,
        };
        self.plan.folder.step(&point);
        self.history.steps.push(point);
        let updates_left = self.total_steps.saturating_sub(step);
        let validations_left = updates_left.div_ceil(self.steps_per_epoch);
        let validation_pictures = self.plan.store.len(Split::Validation);
        let pace =
            self.watch.pace(self.plan.settings.batch, updates_left, validations_left, validation_pictures);
        control.outbox.send(Event::Step(point, pace));
        self.diverged = !point.loss.is_finite();
        !self.diverged
    }

    /// Measures the validation split. False: told to stop.
    fn validate(&mut self, control: &mut Control) -> Result<bool, RunError> {
        let at_once = self.at_once();
        let store = &self.plan.store;
        let result = evaluate(control, self.view(), store, Views::One, at_once, &mut |_, _| {})?;
        self.plan.check_device()?;
        let Some((tally, unreadable)) = result else { return Ok(false) };
        if unreadable > 0 {
            let text =
                format!("{unreadable} validation pictures could not be read any more and were left out");
            control.outbox.send(Event::Warning(text));
        }
        let step = self.trainer.step();
        let point = evaluation_point(&tally, step, self.epoch(step));
        self.plan.folder.evaluation(&point);
        if self.disk.may_write() {
            self.write_down_now(control)?;
        }
        self.history.evaluations.push(point);
        control.outbox.send(Event::Evaluation(point));
        self.timetable.validated(control.outbox, step, point.epoch, point.top1_error);
        if self.best.is_none_or(|best| point.top1_error < best.top1_error) && point.loss.is_finite() {
            self.best = Some(Best { step, top1_error: point.top1_error });
        }
        Ok(true)
    }

    /// Reads the last figures, saves, draws the figures of the run folder.
    fn end(&mut self, control: &mut Control, reason: StopReason) -> Result<RunSummary, RunError> {
        // The last update may be the one that diverged, whatever ended the run.
        let sound = self.read_figures(control)? && (reason == StopReason::Diverged || self.keep(control)?);
        let reason = if sound { reason } else { StopReason::Diverged };
        let model_file = match reason {
            StopReason::Diverged => self.save_last_good(control)?,
            StopReason::Finished | StopReason::Asked => Some(self.save(control)?),
        };
        if let Some(path) = &model_file {
            control.outbox.send(Event::Saved { path: path.clone() });
        }
        self.show_filters(control)?;
        if let Err(error) = self.film.write() {
            log::warn!("the film of the kernels lacks its end: {error}");
        }
        let figures = self.draw(control);
        Ok(RunSummary {
            reason,
            step: self.trainer.step(),
            evaluation: self.history.evaluations.last().copied(),
            folder: self.plan.folder.path().into(),
            model_file,
            figures,
            seconds: self.earlier_seconds + self.started.elapsed().as_secs_f64(),
            checkpoints: self.checkpoints(),
            trouble: self.trouble.take(),
        })
    }

    /// The trained network, for predictions after the run; its weights are also in `file`.
    fn into_model(self, file: Option<PathBuf>) -> Model {
        let step = self.trainer.step();
        let classes = self.plan.store.description().classes.clone();
        let (network, input) = self.trainer.into_network();
        let info = super::ModelInfo { file, ..describe(&network, &classes) };
        Model { network, input, classes, step, info }
    }

    fn view(&self) -> View<'_> {
        View {
            network: self.trainer.network(),
            input: self.trainer.input(),
            classes: &self.plan.store.description().classes,
            step: self.trainer.step(),
        }
    }

    fn epoch(&self, step: u64) -> f64 {
        step as f64 / self.steps_per_epoch as f64
    }
}
