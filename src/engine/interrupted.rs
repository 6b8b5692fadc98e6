//! Looking for a run that was interrupted, to offer it again. Nothing is made or changed by looking.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::lock;
use super::places::{number_of, usual_roots};
use crate::train::checkpoint::{Shelf, State, read_state};
use crate::words;

/// A run that has not made all of its updates and that nobody is working on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupted {
    /// The run folder.
    pub folder: PathBuf,
    /// Updates made up to its newest checkpoint.
    pub step: u64,
    /// Updates of the whole run.
    pub total_steps: u64,
}

/// The run in this folder, if it was interrupted. Reads no more than its newest state.
pub fn interrupted(run: &Path) -> Option<Interrupted> {
    let State { step, total_steps, validation_due, .. } = newest_state(run)?;
    let finished = step >= total_steps && !validation_due;
    (!finished && !lock::is_held(run)).then(|| Interrupted { folder: run.into(), step, total_steps })
}

/// The run that was worked on last, if it was interrupted: `last`, which is remembered from an earlier time, those
/// beside it, or those where runs are kept that were given no folder.
pub fn interrupted_run(last: Option<&Path>) -> Option<Interrupted> {
    let beside = last.and_then(Path::parent).map(Path::to_owned);
    let newest = beside.into_iter().chain(usual_roots()).filter_map(|root| newest_in(&root));
    let all = last.map(Path::to_owned).into_iter().chain(newest);
    let newest = all.filter_map(|run| Some((touched(&run)?, run))).max()?.1;
    interrupted(&words::absolute(&newest))
}

/// The run with the highest number in a folder of runs.
fn newest_in(root: &Path) -> Option<PathBuf> {
    let runs = std::fs::read_dir(root).ok()?.flatten().map(|entry| entry.path());
    runs.filter_map(|path| Some((number_of(&path)?, path))).max().map(|(_, path)| path)
}

/// When something was last kept of a run.
fn touched(run: &Path) -> Option<SystemTime> {
    Shelf::of_run(run).folder().metadata().ok()?.modified().ok()
}

/// Where a run stood at its newest checkpoint that can be read.
pub(super) fn newest_state(run: &Path) -> Option<State> {
    Shelf::of_run(run).list().into_values().rev().find_map(|path| read_state(&path).ok())
}
