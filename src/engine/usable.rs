//! Which checkpoint of a run can be gone on from: one that is whole, and whose rows are still there.

use std::path::{Path, PathBuf};

use super::control::Control;
use super::error::RunError;
use super::event::Event;
use super::folder::CONFIG;
use super::rows::{self, TableFault};
use super::tables;
use crate::train::checkpoint::{Checkpoint, CheckpointError, Shelf, State};
use crate::vis::History;
use crate::words;

/// A whole checkpoint and the curves up to it.
pub(super) struct Found {
    pub checkpoint: Box<Checkpoint>,
    pub path: PathBuf,
    pub history: History,
}

/// Why a checkpoint cannot be used, in words.
struct Unfit {
    reason: String,
    /// It may well be whole: of a newer version, or on a disk that does not answer now. It must not be passed over.
    perhaps_whole: bool,
}

/// The checkpoint that was asked for, or why it cannot be used and which one can.
pub(super) fn one(
    run: &Path,
    path: PathBuf,
    fits: impl Fn(&State) -> Result<History, TableFault>,
) -> Result<Found, RunError> {
    let unfit = match read(&path, &fits) {
        Ok(found) => return Ok(found),
        Err(unfit) => unfit,
    };
    let before = usable_before(run, &path, &fits);
    let offer = before.map(|(step, path)| {
        format!("; the newest whole one before it is that of update {step}: `{}`", path.display())
    });
    Err(RunError::bad_input(unfit.reason + &offer.unwrap_or_default()))
}

/// The newest usable checkpoint on the shelf before this one.
fn usable_before(
    run: &Path,
    path: &Path,
    fits: impl Fn(&State) -> Result<History, TableFault>,
) -> Option<(u64, PathBuf)> {
    let shelf = Shelf::of_run(run).list();
    let before = shelf.range(..step_of(&shelf, path)).rev().find(|(_, path)| read(path, &fits).is_ok());
    before.map(|(step, path)| (*step, path.clone()))
}

/// The step of a checkpoint on a shelf; one that is not on it comes after all others.
fn step_of(shelf: &std::collections::BTreeMap<u64, PathBuf>, path: &Path) -> u64 {
    shelf.iter().find(|(_, found)| *found == path).map_or(u64::MAX, |(step, _)| *step)
}

/// The newest checkpoint that is whole; damaged ones are told. One that may well be whole, but cannot be read by this
/// program or at this moment, is not passed over. None: the run has not come to its first.
pub(super) fn newest(
    control: &Control,
    run: &Path,
    fits: impl Fn(&State) -> Result<History, TableFault>,
) -> Result<Option<Found>, RunError> {
    let shelf = Shelf::of_run(run);
    let mut faults = Vec::new();
    for path in shelf.list().into_values().rev() {
        match read(&path, &fits) {
            Ok(found) => {
                for fault in faults {
                    control.outbox.send(Event::Warning(format!(
                        "{fault}; it is left out, and update {} is gone on from instead",
                        found.checkpoint.state.step
                    )));
                }
                return Ok(Some(found));
            }
            Err(unfit) if unfit.perhaps_whole => {
                let before = usable_before(run, &path, &fits).map(|(step, path)| {
                    format!("; to go on from update {step} all the same, name `{}`", path.display())
                });
                return Err(RunError::bad_input(unfit.reason + &before.unwrap_or_default()));
            }
            Err(unfit) => faults.push(unfit.reason),
        }
    }
    if !faults.is_empty() {
        return Err(RunError::bad_input(format!(
            "no checkpoint of `{}` can be used: {}; the settings of the run are in {CONFIG} there: \
             `alexnet-lab train --config {CONFIG} --out NEW_FOLDER` begins it again",
            run.display(),
            faults.join("; ")
        )));
    }
    // Interrupted before its first checkpoint. Without that folder, rows may come from a run of another kind.
    let begun = shelf.folder().is_dir() || rows::is_empty(&tables::metrics_of(run));
    if run.join("model.safetensors").exists() || !begun {
        return Err(nothing_to_resume(run, "it has no checkpoints"));
    }
    Ok(None)
}

/// Says why a run cannot go on, and what can be done with it instead.
pub(super) fn nothing_to_resume(run: &Path, reason: &str) -> RunError {
    let model = run.join("model.safetensors");
    let remedy = if model.exists() {
        format!("train its model further with `alexnet-lab train --from {}`", words::typed(&model))
    } else {
        "begin a new run".into()
    };
    RunError::bad_input(format!("`{}` cannot be resumed: {reason}; {remedy}", run.display()))
}

/// Reads a checkpoint and the rows that belong to it.
fn read(path: &Path, fits: impl Fn(&State) -> Result<History, TableFault>) -> Result<Found, Unfit> {
    let checkpoint = Checkpoint::read(path).map_err(|error| Unfit {
        reason: error.to_string(),
        perhaps_whole: matches!(error, CheckpointError::Newer { .. } | CheckpointError::Unreadable { .. }),
    })?;
    let history = fits(&checkpoint.state).map_err(|TableFault { reason, passing }| Unfit {
        reason: format!(
            "the checkpoint `{}` cannot be gone on from: {reason} (a branch can begin there: \
             `alexnet-lab train --branch {}`)",
            path.display(),
            words::typed(path)
        ),
        perhaps_whole: passing,
    })?;
    Ok(Found { checkpoint: Box::new(checkpoint), path: path.into(), history })
}
