//! How a run writes into its folder, whatever happens to that: rows and checkpoints while it goes on, the model at its
//! end, and everything elsewhere if the folder cannot be used any more.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Run;
use super::keeping;
use crate::engine::control::Control;
use crate::engine::disk::Unwritten;
use crate::engine::error::RunError;
use crate::engine::event::Event;
use crate::engine::feed;
use crate::engine::folder::{CORRECTIONS, PARENT};
use crate::engine::pictures::Pictures;
use crate::engine::plan::Plan;
use crate::model::replace_file;
use crate::train::checkpoint::Checkpoint;

/// Looks for commands at least this often while it waits for a disk.
const GLANCE: Duration = Duration::from_secs(1);
/// Bytes of a checkpoint for each parameter: a weight and its velocity.
const PARAMETER_BYTES: u64 = 8;
/// What else is written with it, about.
const SMALL_FILES: u64 = 64 << 10;

impl Run {
    /// Writes into the folder what describes the run.
    pub(super) fn describe(&self) -> Result<(), RunError> {
        let Plan { config, settings, store, folder, .. } = &self.plan;
        folder.describe(config, store.refused())?;
        if let Some(parent) = &self.plan.parent {
            let text = serde_json::to_string_pretty(parent).expect("a parent holds only plain values");
            folder.file(PARENT, &text)?;
        }
        if let Some(corrections) = store.corrections() {
            folder.file(CORRECTIONS, corrections.to_text(&config.data.source))?;
        }
        Pictures::of(store).write(folder)?;
        let input = self.trainer.input().spec();
        feed::describe(folder, input, settings, config.model.from.is_some(), store)
    }

    /// Writes down what is due, and listens to what the keeper says. To be called after every update.
    pub(super) fn write_down(&mut self, control: &Control) -> Result<(), RunError> {
        self.hear_keeper(control)?;
        if self.disk.is_out() {
            if self.disk.may_write() && self.write_down_now(control)? && self.disk.owes_checkpoint() {
                self.keep_on_the_way(control)?;
            }
        } else if self.plan.folder.flush_due() {
            self.write_down_now(control)?;
        }
        Ok(())
    }

    /// Writes all rows. False: they wait in memory.
    pub(super) fn write_down_now(&mut self, control: &Control) -> Result<bool, RunError> {
        self.disk.trying();
        match self.plan.folder.flush(&self.history) {
            Ok(remade) => {
                self.disk.works(control.outbox, Unwritten::Rows, self.plan.folder.path());
                if remade {
                    self.make_anew(control);
                }
                Ok(true)
            }
            Err(error) => {
                self.unwritten(control, Unwritten::Rows, &error.what());
                Ok(false)
            }
        }
    }

    /// Puts everything else into a folder that was removed, in whole or in part, and made again.
    fn make_anew(&mut self, control: &Control) {
        if let Err(error) = self.describe() {
            log::warn!("the run is not described anew: {}", error.message);
        }
        self.keeper.wait();
        let checkpoints =
            if self.keeper.look() { "" } else { "; its checkpoints are gone, and one is kept now" };
        control.outbox.send(Event::Warning(format!(
            "the run folder `{}` was removed, or figures in it, while the run was going on; it was made again with all \
             figures and settings{checkpoints}",
            self.plan.folder.path().display()
        )));
    }

    /// Takes in how writing the last checkpoint ended.
    fn hear_keeper(&mut self, control: &Control) -> Result<(), RunError> {
        match self.keeper.outcome() {
            Some(Ok(())) => self.disk.works(control.outbox, Unwritten::Checkpoint, self.plan.folder.path()),
            // That is told and put right in one.
            Some(Err(_)) if self.plan.folder.is_gone() => {
                self.write_down_now(control)?;
            }
            Some(Err(reason)) => {
                let last = self
                    .keeper
                    .last()
                    .map(|(step, _)| format!("; the last whole one is that of update {step}"));
                self.unwritten(control, Unwritten::Checkpoint, &(reason + &last.unwrap_or_default()));
            }
            None => {}
        }
        Ok(())
    }

    fn unwritten(&mut self, control: &Control, what: Unwritten, reason: &str) {
        let parameters = self.trainer.network().shapes().parameter_count() as u64;
        let bytes = PARAMETER_BYTES * parameters + SMALL_FILES;
        self.disk.failed(control.outbox, what, reason, self.plan.folder.path(), bytes);
    }

    /// Writes the last checkpoint and puts its model beside the tables. Where that cannot be done it goes elsewhere,
    /// and where nothing can be written it waits until something can or somebody gives up.
    pub(super) fn save(&mut self, control: &mut Control) -> Result<PathBuf, RunError> {
        self.persist(control, |run, control| {
            if !run.keep(control)? {
                return Err(RunError::internal(
                    "the network answers with what is no number; this state is not saved",
                ));
            }
            run.keeper.wait();
            run.hear_keeper(control)?;
            let path = run.plan.folder.model_file();
            let step = run.trainer.step();
            let kept = run.keeper.last().filter(|(last, _)| *last == step).map(|(_, path)| path.clone());
            // Whoever stops a run does not want to wait; what is lost with the power lies in the checkpoint.
            let flush = step >= run.total_steps;
            Ok(match kept {
                Some(kept) => publish(&Checkpoint::model_file(&kept), &path, flush)
                    .map(|()| path)
                    .map_err(|e| e.to_string()),
                None => Err("the last checkpoint is not written".into()),
            })
        })
    }

    /// Goes back to the last checkpoint, because the loss is no number any more, and puts its model beside the
    /// tables. Nothing if there is none: weights that are no numbers must not replace a model saved earlier.
    pub(super) fn save_last_good(&mut self, control: &mut Control) -> Result<Option<PathBuf>, RunError> {
        self.keeper.wait();
        let good = self.keeper.last().cloned().and_then(|(step, kept)| match Checkpoint::read(&kept) {
            Ok(good) => {
                self.trainer.set_weights(&good.model.weights);
                self.trainer.take_up(step, good.velocities);
                Some(Checkpoint::model_file(&kept))
            }
            Err(error) => {
                control.outbox.send(Event::Warning(error.to_string()));
                None
            }
        });
        self.persist(control, |run, control| {
            run.write_down_now(control)?;
            let path = run.plan.folder.model_file();
            Ok(match &good {
                _ if run.disk.is_out() => Err("the last rows are not written".into()),
                Some(good) => publish(good, &path, true).map(|()| Some(path)).map_err(|e| e.to_string()),
                None => Ok(None),
            })
        })
    }

    /// Makes `attempt` until it succeeds. The first time it fails the run moves to another folder if there is one.
    fn persist<T>(
        &mut self,
        control: &mut Control,
        mut attempt: impl FnMut(&mut Self, &mut Control) -> Result<Result<T, String>, RunError>,
    ) -> Result<T, RunError> {
        let mut waiting = false;
        let mut again = true;
        loop {
            let reason = match attempt(self, control)? {
                Ok(done) => {
                    if waiting {
                        control.outbox.send(Event::Resumed);
                    }
                    return Ok(done);
                }
                Err(reason) => reason,
            };
            if !self.disk.is_out() {
                // A folder that was just made again can be written at once.
                if std::mem::take(&mut again) {
                    continue;
                }
                self.unwritten(control, Unwritten::Checkpoint, &reason);
            }
            if !waiting && self.go_elsewhere(control) {
                continue;
            }
            let folder = self.plan.folder.path().to_owned();
            let lost = || {
                let folder = folder.display();
                RunError::internal(format!("what was learned could not be saved in `{folder}`: {reason}"))
            };
            // The program is about to end; nobody could make room in time.
            if control.shut_down {
                return Err(lost());
            }
            if !waiting {
                waiting = true;
                control.stop = false;
                control.outbox.send(Event::Warning(format!(
                    "the run has ended, but nothing can be written to `{}` nor anywhere else: make room there and go on, \
                     or wait until it is tried again; to stop now loses what was learned since the last checkpoint",
                    folder.display()
                )));
                control.outbox.send(Event::Paused { step: self.trainer.step() });
                control.paused = true;
            }
            if !self.wait_for_disk(control) {
                return Err(lost());
            }
        }
    }

    /// Waits until the next attempt is due or asked for. False: told to stop.
    fn wait_for_disk(&mut self, control: &mut Control) -> bool {
        while !self.disk.may_write() && control.paused && !control.stop {
            control.wait_at_most(self.disk.wait().min(GLANCE), Some(self.view()));
        }
        control.paused = true;
        !control.stop
    }

    /// Moves the run to a folder where something can be written. False: there is none.
    fn go_elsewhere(&mut self, control: &Control) -> bool {
        let before = self.plan.folder.path().to_owned();
        let name =
            before.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
        let homes = [dirs::document_dir(), dirs::home_dir(), Some(std::env::temp_dir())];
        for home in homes.into_iter().flatten() {
            let place = free_name(&home.join("alexnet-lab-runs"), &name);
            if place.starts_with(&before) || self.plan.folder.move_to(place, &self.history).is_err() {
                continue;
            }
            let path = self.plan.folder.path().to_owned();
            self.plan.config.run.out = Some(path.clone());
            self.film.move_to(&path);
            let settled = self.describe().and_then(|()| keeping::keeper(control, &self.plan, false));
            if let Ok(keeper) = settled {
                self.keeper = keeper;
                self.disk = Default::default();
                control.outbox.send(Event::Warning(format!(
                    "`{}` cannot be written, so the run is saved in `{}` instead, with all figures and settings",
                    before.display(),
                    path.display()
                )));
                return true;
            }
        }
        false
    }

    /// Saves what can be saved of a run that has failed: what was learned is worth more than the error. A device
    /// that is gone may have left an earlier checkpoint.
    pub(super) fn rescue(&mut self, control: &mut Control) -> Option<PathBuf> {
        // A device that has failed may never answer again, and a panic may have come in the middle of an update.
        let answers = !self.broken && self.plan.device.answers() && self.read_figures(control).is_ok();
        if answers
            && !self.diverged
            && let Ok(path) = self.save(control)
        {
            return Some(path);
        }
        self.write_down_now(control).ok();
        self.keeper.wait();
        let model = self.keeper.last().map(|(_, path)| Checkpoint::model_file(path));
        model.filter(|path| path.exists())
    }
}

/// `name` in the folder `home`, with a number behind it if that is taken.
fn free_name(home: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number| home.join(format!("{name}-{number}")));
    let mut names = std::iter::once(home.join(name)).chain(numbered);
    names.find(|path| !path.exists()).expect("numbers do not end")
}

/// Puts the model file of a checkpoint at `path`, where people look for it, and with `flush` safely on the disk. A copy,
/// because what is done to it there must not reach the checkpoint; file systems that can share its blocks. Only on a full
/// disk it is a second name of the same file.
fn publish(model: &Path, path: &Path, flush: bool) -> std::io::Result<()> {
    let mut linked = None;
    let mut fill = |part: &Path| {
        let full = |e: &std::io::Error| matches!(e.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        match fs::copy(model, part) {
            Err(e) if full(&e) => {
                fs::remove_file(part)?;
                linked = Some(part.to_owned());
                fs::hard_link(model, part)
            }
            copied => copied.map(|_| ()),
        }
    };
    if flush {
        replace_file(path, fill, |e| e)?;
    } else {
        let part = path.with_extension("part");
        fill(&part).and_then(|()| fs::rename(&part, path)).inspect_err(|_| drop(fs::remove_file(&part)))?;
    }
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
    fn a_published_model_replaces_the_one_before_and_is_a_file_of_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [new, path] = ["new", "model.safetensors"].map(|name| folder.path().join(name));
        fs::write(&new, "new").expect("it can be written");
        for flush in [true, false, true] {
            publish(&new, &path, flush).expect("it can be copied");
            assert_eq!(fs::read(&path).expect("it is there"), b"new");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("it can be read").count(), 2);
        fs::write(&path, "changed in place").expect("it can be written");
        assert_eq!(fs::read(&new).expect("it is there"), b"new");
    }
}
