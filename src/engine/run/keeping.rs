//! How a run keeps its state, takes it up again, and goes back to it.

use std::fs;
use std::path::{Path, PathBuf};

use super::Run;
use crate::config::Schedule;
use crate::data::{HostBatch, Split};
use crate::engine::control::Control;
use crate::engine::error::RunError;
use crate::engine::event::{Checkpoints, Event, StopReason, TakenUp};
use crate::engine::folder::Marks;
use crate::engine::keeper::Keeper;
use crate::engine::plan::Plan;
use crate::engine::replay::{self, KeptBatch};
use crate::engine::start::Taken;
use crate::engine::tables;
use crate::model::replace_file;
use crate::train::Trouble;
use crate::train::checkpoint::{Checkpoint, Shelf, State};

/// The keeper of a run, on a shelf that is in order.
pub(super) fn keeper(control: &Control, plan: &Plan, taken: Option<&Taken>) -> Result<Keeper, RunError> {
    let shelf = Shelf::of_run(plan.folder.path());
    let folder = shelf.folder().to_owned();
    let failed = |e: std::io::Error| RunError::internal(format!("cannot prepare {}: {e}", folder.display()));
    shelf.prepare().map_err(failed)?;
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
        let (step, next_batch) = position(state, self.steps_per_epoch);
        self.earlier_seconds = if taken.branch { 0.0 } else { state.seconds };
        self.next_batch = next_batch;
        self.validation_due = state.validation_due && step == state.step;
        if state.total_steps != self.total_steps {
            self.keeper.forget();
        }
        if !taken.branch {
            self.best = state.best;
            self.plan.parent.clone_from(&state.parent);
            let pictures = self.plan.store.len(Split::Validation);
            self.history = tables::history(&taken.metrics, pictures);
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
        let now = batch.scores(self.trainer.network(), input).map_err(RunError::internal)?;
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

    /// Keeps the state as it is now, unless it is kept already. All figures must have been read. False: its scores
    /// are no numbers, so that it is not worth keeping.
    pub(super) fn keep(&mut self, control: &Control) -> Result<bool, RunError> {
        let step = self.trainer.step();
        if self.keeper.has(step) || self.diverged {
            return Ok(!self.diverged);
        }
        let (network, input) = (self.trainer.network(), self.trainer.input());
        let replay = self.kept_batch.scores(network, input).map_err(RunError::internal)?;
        if replay.iter().any(|score| !score.is_finite()) {
            control.outbox.send(Event::Warning(format!(
                "after update {step} the network answers with what is no number; this state is not kept"
            )));
            return Ok(false);
        }
        let classes = &self.plan.store.description().classes;
        let model = network.to_file(classes, input.mean(), step).map_err(RunError::internal)?;
        let velocities = self.trainer.velocities().map_err(RunError::internal)?;
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
            data: replay::data_mark(&self.plan.store),
            replay: self.kept_batch.mark,
            device: self.plan.device.info.name.clone(),
            seconds: self.earlier_seconds + self.started.elapsed().as_secs_f64(),
            parent: self.plan.parent.clone(),
        }
    }

    /// Writes the last checkpoint and puts its model beside the tables.
    pub(super) fn save(&mut self, control: &Control) -> Result<PathBuf, RunError> {
        self.keep(control)?;
        self.keeper.wait();
        let path = self.plan.folder.model_file();
        let step = self.trainer.step();
        let kept = self.keeper.last().filter(|(last, _)| *last == step).map(|(_, path)| path.clone());
        match kept.is_some_and(|kept| publish(&Checkpoint::model_file(&kept), &path).is_ok()) {
            true => Ok(path),
            false => self.view().save(&path).map(|()| path).map_err(RunError::internal),
        }
    }

    /// Saves what can be saved of a run that has failed: what was learned is worth more than the error. A device
    /// that is gone, or a full disk, may have left an earlier checkpoint.
    pub(super) fn rescue(&mut self, control: &Control) -> Option<PathBuf> {
        // A device that has failed may never answer again.
        let answers = self.plan.device.fault().is_none() && self.read_figures(control).is_ok();
        if answers
            && !self.diverged
            && let Ok(path) = self.save(control)
        {
            return Some(path);
        }
        self.keeper.wait();
        let model = self.keeper.last().map(|(_, path)| Checkpoint::model_file(path));
        model.filter(|path| path.exists())
    }

    /// Goes back to the last checkpoint, because the loss is no number any more, and puts its model beside the
    /// tables. Nothing if there is none: weights that are no numbers must not replace a model saved earlier.
    pub(super) fn go_back(&mut self, control: &Control) -> Option<PathBuf> {
        self.keeper.wait();
        let (step, kept) = self.keeper.last()?.clone();
        let good = Checkpoint::read(&kept).map_err(|e| e.to_string());
        let good = good.and_then(|good| {
            self.trainer.set_weights(&good.model.weights);
            self.trainer.take_up(step, good.velocities);
            let path = self.plan.folder.model_file();
            publish(&Checkpoint::model_file(&kept), &path).map(|()| path).map_err(|e| e.to_string())
        });
        match good {
            Ok(path) => Some(path),
            Err(reason) => {
                control.outbox.send(Event::Warning(reason));
                None
            }
        }
    }

    /// Finds out where a loss that is no number came from.
    pub(super) fn look_for_trouble(&mut self, batch: &HostBatch) {
        let found = self.trainer.trouble(batch).unwrap_or_else(|reason| {
            log::warn!("the cause cannot be looked for: {reason}");
            None
        });
        self.trouble = found.map(|trouble| match trouble {
            Trouble::Output(layer) => {
                format!("the first layer whose output is no number is {layer}; all weights still are numbers")
            }
            Trouble::Weights(name) => format!("the first weights that are no numbers are {name}"),
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

/// Where a run of `steps_per_epoch` updates an epoch goes on: updates made, and the next batch. With other batches
/// than before, a branch begins at the same part of the epoch.
fn position(state: &State, steps_per_epoch: u64) -> (u64, u64) {
    if state.steps_per_epoch == steps_per_epoch {
        return (state.step, state.next_batch);
    }
    let before = state.steps_per_epoch.max(1);
    let (epoch, within) = (state.next_batch / before, state.next_batch % before);
    let batch = epoch * steps_per_epoch + within * steps_per_epoch / before;
    (batch, batch)
}

/// Puts the model file of a checkpoint at `path`, where people look for it: as a second name of the same file,
/// or as a copy where that cannot be.
fn publish(model: &Path, path: &Path) -> std::io::Result<()> {
    let mut linked = None;
    let link = |part: &Path| {
        fs::remove_file(part)?;
        linked = Some(part.to_owned());
        fs::hard_link(model, part).or_else(|_| fs::copy(model, part).map(|_| ()))
    };
    replace_file(path, link, |e| e)?;
    // Renaming one name of a file to another name of the same file does nothing.
    if let Some(part) = linked {
        let _ = fs::remove_file(part);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_model_replaces_the_one_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [new, path] = ["new", "model.safetensors"].map(|name| folder.path().join(name));
        fs::write(&new, "new").expect("it can be written");
        for _ in 0..2 {
            publish(&new, &path).expect("it can be linked");
            assert_eq!(fs::read(&path).expect("it is there"), b"new");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("it can be read").count(), 2);
    }
}
