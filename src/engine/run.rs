//! One run from its settings to its last file.

mod beginning;
mod figures;
mod keeping;
mod learning;
mod recovery;
mod saving;
mod showing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use self::recovery::{Origin, Recovery};
use super::control::Control;
use super::disk::Disk;
use super::error::RunError;
use super::event::{Event, RunSummary, StopReason};
use super::film::Recorder;
use super::keeper::Keeper;
use super::model::{Model, View, describe};
use super::pace::Stopwatch;
use super::plan::Plan;
use super::replay::KeptBatch;
use super::take_up::Basis;
use super::timetable::Timetable;
use crate::config::RunConfig;
use crate::train::Trainer;
use crate::train::checkpoint::{Best, DataMark};
use crate::vis::History;
use crate::words;

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
