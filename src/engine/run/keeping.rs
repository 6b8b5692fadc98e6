//! How a run keeps its state, takes it up again, and goes back to it.

use super::Run;
use crate::config::Schedule;
use crate::data::HostBatch;
use crate::engine::control::Control;
use crate::engine::error::RunError;
use crate::engine::event::{Checkpoints, Event, StopReason, TakenUp};
use crate::engine::folder::Marks;
use crate::engine::keeper::Keeper;
use crate::engine::plan::Plan;
use crate::engine::replay::{self, KeptBatch};
use crate::engine::start::Taken;
use crate::train::Trouble;
use crate::train::checkpoint::{Checkpoint, Shelf, State};

/// The keeper of a run, on a shelf that is in order. Of a run that has begun before, a shelf that cannot be prepared is
/// told when something is put on it.
pub(super) fn keeper(control: &Control, plan: &Plan, begun: bool) -> Result<Keeper, RunError> {
    let taken = plan.taken.as_ref();
    let shelf = Shelf::of_run(plan.folder.path());
    let folder = shelf.folder().to_owned();
    let failed =
        |e: std::io::Error| RunError::internal(format!("cannot prepare `{}`: {e}", folder.display()));
    match shelf.prepare() {
        Err(e) if begun => log::warn!("`{}` is not in order: {e}", folder.display()),
        prepared => prepared.map_err(failed)?,
    }
    // That of a branch lies elsewhere, and it keeps one of its own.
    let last = taken
        .filter(|taken| !taken.branch)
        .and_then(|taken| taken.state.as_ref().map(|state| (state.step, taken.path.clone())));
    Keeper::start(shelf, &plan.config.run, control.outbox.clone(), last).map_err(failed)
}

impl Run {
    /// Goes on where an earlier run stood.
    pub(super) fn take_up(&mut self, control: &Control, taken: Taken) -> Result<TakenUp, RunError> {
        let Some(state) = &taken.state else {
            let from = taken.path;
            let history = Default::default();
            return Ok(TakenUp { step: 0, from, branch: false, replay_difference: None, history });
        };
        let (step, next_batch) = state.position(self.steps_per_epoch);
        self.earlier_seconds = if taken.branch { 0.0 } else { state.seconds };
        self.next_batch = next_batch;
        self.validation_due = state.validation_due && step == state.step;
        if state.total_steps != self.total_steps {
            self.keeper.forget();
        }
        if !taken.branch {
            self.best = state.best;
            self.plan.parent.clone_from(&state.parent);
            self.history = taken.history.clone();
        }
        // First the plan, then the momentum: a layer that was frozen and thawed since has some again.
        let memory = state.rate.clone();
        let other_rate = taken.differs(&["optim.lr", "optim.schedule"]);
        let memory = if other_rate { memory.without_hand() } else { memory };
        // Before the first update nothing planned was in force.
        let last_epoch = step.checked_sub(1).map_or(-1.0, |last| self.epoch(last));
        self.timetable.take_up(&mut self.trainer, memory, last_epoch);
        let replay_difference = self.replay(state, &taken.replay)?;
        self.trainer.take_up(step, taken.velocities.clone());
        self.warn_of_differences(control, state, &taken, replay_difference);
        let history = self.history.clone();
        Ok(TakenUp { step, from: taken.path, branch: taken.branch, replay_difference, history })
    }

    /// How far the scores of the kept batch are from what they were. None if its pictures are others.
    fn replay(&self, state: &State, before: &[f32]) -> Result<Option<f64>, RunError> {
        let input = self.trainer.input();
        let batch = KeptBatch::of(state.replay.pictures, input.spec(), &self.plan.store);
        if batch.mark != state.replay {
            return Ok(None);
        }
        let now = batch.scores(self.trainer.network(), input).map_err(RunError::device)?;
        Ok(Some(replay::difference(before, &now)))
    }

    /// Says what may be other than in a run that was never interrupted.
    fn warn_of_differences(&self, control: &Control, state: &State, taken: &Taken, replayed: Option<f64>) {
        let warn = |text: String| control.outbox.send(Event::Warning(text));
        if taken.branch {
            return;
        }
        let device = &self.plan.device.info.name;
        if *device != state.device {
            warn(format!(
                "the run was made on {} and goes on on {device}: its figures may differ in their last digits from \
                 those of a run that was never interrupted",
                state.device
            ));
        }
        if state.program != env!("CARGO_PKG_VERSION") {
            warn(format!(
                "the run was made by version {} of this program and goes on with {}: its figures may differ in their \
                 last digits",
                state.program,
                env!("CARGO_PKG_VERSION")
            ));
        }
        if let Some(difference) = replayed.filter(|&difference| difference > 0.0) {
            warn(format!(
                "the kept batch has other scores than it had: they differ by up to {difference:.1e}, so the run will \
                 not be the same digit for digit"
            ));
        }
        let spread =
            self.plan.config.optim.schedule.filter(|s| matches!(s, Schedule::Dexp | Schedule::Cosine));
        if taken.differs(&["run.epochs"])
            && (spread.is_some() || self.plan.config.optim.end_game == Some(true))
        {
            warn(
                "the schedule is spread over the whole run: with another number of epochs it is another one from here \
                 on"
                    .into(),
            );
        }
    }

    /// Keeps a checkpoint between two updates, with the figures of every update before it.
    pub(super) fn keep_on_the_way(&mut self, control: &Control) -> Result<Option<StopReason>, RunError> {
        if !self.read_figures(control)? {
            return Ok(Some(StopReason::Diverged));
        }
        self.keep(control)?;
        Ok(None)
    }

    /// Keeps a checkpoint if somebody has asked for one.
    pub(super) fn keep_now(&mut self, control: &mut Control) -> Result<Option<StopReason>, RunError> {
        if !std::mem::take(&mut control.keep) {
            return Ok(None);
        }
        let step = self.trainer.step();
        if self.keeper.has(step) {
            control.outbox.send(Event::Note(format!("update {step} is saved already")));
            return Ok(None);
        }
        self.keep_on_the_way(control)
    }

    /// Keeps the state as it is now, unless it is kept already. All figures must have been read. False: its scores
    /// are no numbers, so that it is not worth keeping.
    pub(super) fn keep(&mut self, control: &Control) -> Result<bool, RunError> {
        let step = self.trainer.step();
        if self.keeper.has(step) || self.diverged {
            return Ok(!self.diverged);
        }
        // First, because a checkpoint speaks of rows that must be on the disk.
        if !self.write_down_now(control)? {
            return Ok(true);
        }
        self.disk.trying();
        let (network, input) = (self.trainer.network(), self.trainer.input());
        let replay = self.kept_batch.scores(network, input).map_err(RunError::device)?;
        self.plan.check_device()?;
        if replay.iter().any(|score| !score.is_finite()) {
            control.outbox.send(Event::Warning(format!(
                "after update {step} the network answers with what is no number; this state is not kept"
            )));
            return Ok(false);
        }
        let classes = &self.plan.store.description().classes;
        let model = network.to_file(classes, input.mean(), step).map_err(RunError::device)?;
        let velocities = self.trainer.velocities().map_err(RunError::device)?;
        // What was read after a fault is not worth keeping.
        self.plan.check_device()?;
        let (marks, tables) = self.plan.folder.marks(step)?;
        let state = self.state(marks);
        let config = self.plan.config.to_toml();
        self.keeper.keep(Checkpoint { state, config, model, velocities, replay }, tables);
        Ok(true)
    }

    fn state(&self, marks: Marks) -> State {
        State {
            format: State::FORMAT,
            program: env!("CARGO_PKG_VERSION").into(),
            step: marks.step,
            next_batch: self.next_batch,
            steps_per_epoch: self.steps_per_epoch,
            total_steps: self.total_steps,
            validation_due: self.validation_due,
            seed: self.plan.config.run.seed,
            rate: self.timetable.memory(),
            best: self.best,
            metrics: marks.metrics,
            timing: marks.timing,
            data: self.pictures.clone(),
            replay: self.kept_batch.mark,
            device: self.plan.device.info.name.clone(),
            seconds: self.earlier_seconds + self.started.elapsed().as_secs_f64(),
            parent: self.plan.parent.clone(),
        }
    }

    /// Finds out where a loss that is no number came from.
    pub(super) fn look_for_trouble(&mut self, batch: &HostBatch) {
        let found = self.trainer.trouble(batch).unwrap_or_else(|reason| {
            log::warn!("the cause cannot be looked for: {reason}");
            None
        });
        let step = self.history.steps.last().map_or(0, |point| point.step);
        let good = "all weights still are numbers";
        self.trouble = found.map(|trouble| match trouble {
            Trouble::Output(layer) => {
                format!("in update {step}, {layer} is the first layer whose output is no number; {good}")
            }
            Trouble::Gradient(name) => {
                format!("in update {step}, on the way back the gradient of {name} is the first that is no number; {good}")
            }
            Trouble::Weights(name) => format!("in update {step}, the first weights that are no numbers are {name}"),
        });
    }

    /// What is kept of the run.
    pub(super) fn checkpoints(&self) -> Checkpoints {
        let kept = self.keeper.kept();
        let shelf = Shelf::of_run(self.plan.folder.path());
        let best = self.best.map(|best| (best.top1_error, shelf.path(best.step)));
        Checkpoints {
            last: self.keeper.last().cloned(),
            best: best.filter(|(_, path)| path.exists()),
            kept: kept.count,
            bytes: kept.bytes,
        }
    }
}
