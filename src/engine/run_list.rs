//! The runs of a folder at a glance, without their curves, looked at again and again: what has not changed since the
//! last look is not read again, so that a folder of hundreds of runs can be kept in sight while one of them grows.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::folder::{CONFIG, PARENT};
use super::interrupted::newest_state;
use super::lock;
use super::places::usual_roots;
use super::runs::{RunProblem, RunRecord, comparable, run_folders};
use crate::config::RunConfig;
use crate::train::checkpoint::Shelf;
use crate::vis::EvaluationPoint;
use crate::words;

/// Last updates whose mean loss is told: of a single batch, much is chance.
const LAST_UPDATES: usize = 20;

/// Whether anything more is to be expected of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A program is working on it.
    Running,
    /// It has made all of its updates.
    Finished,
    /// It can go on: it was stopped, or broken off.
    Interrupted,
    /// Something of it is missing or cannot be read, and why.
    Damaged(String),
}

impl RunState {
    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Damaged(_) => "damaged",
        }
    }
}

/// A run of a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEntry {
    pub folder: PathBuf,
    /// The name of the folder.
    pub name: String,
    pub state: RunState,
    /// When something was written to its tables last.
    pub written: Option<SystemTime>,
    /// None if it cannot be read.
    pub facts: Option<Arc<RunFacts>>,
}

/// What a run was and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    /// The settings with every blank filled in.
    pub config: RunConfig,
    /// What its list of corrections says, in a few words that are the same for equal lists.
    pub corrections: Option<String>,
    /// Updates made, and of how many, where a checkpoint tells.
    pub steps: u64,
    pub total_steps: Option<u64>,
    /// The validation with the lowest top-1 error.
    pub best: Option<EvaluationPoint>,
    /// The last validation.
    pub last: Option<EvaluationPoint>,
    /// Mean training loss of the last few updates, in nats.
    pub loss: Option<f64>,
    /// The device that computed, where a checkpoint tells.
    pub device: Option<String>,
    /// The checkpoint it branched off from.
    pub parent: Option<PathBuf>,
    /// The model it ended with.
    pub model_file: Option<PathBuf>,
}

impl RunFacts {
    /// The settings by their dotted names, to be compared with those of other runs.
    pub fn settings(&self) -> BTreeMap<String, String> {
        comparable(&self.config, self.corrections.as_ref())
    }

    /// The network's preset.
    pub fn network(&self) -> &str {
        self.config.model.preset.as_deref().unwrap_or("–")
    }

    /// The name of the run it branched off from.
    pub fn parent_run(&self) -> Option<String> {
        // A checkpoint lies in the folder of checkpoints of its run.
        let run = self.parent.as_deref()?.parent()?.parent()?;
        Some(run.file_name()?.to_string_lossy().into_owned())
    }
}

impl RunEntry {
    /// Reads what is to be told of the run in a folder. One that cannot be read is damaged.
    pub fn read(folder: &Path) -> Self {
        let held = lock::is_held(folder);
        let written = modified(&folder.join("metrics.csv")).or_else(|| modified(&folder.join(CONFIG)));
        let (state, facts) = match RunRecord::read(folder) {
            Ok(record) => {
                let (state, facts) = facts(record, held);
                (state, Some(Arc::new(facts)))
            }
            // A run that has just begun has not written everything yet.
            Err(_) if held => (RunState::Running, None),
            Err(problem) => (RunState::Damaged(problem.reason), None),
        };
        Self { folder: folder.to_owned(), name: name_of(folder), state, written, facts }
    }

    /// Whether it can go on where it stopped.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn may_resume(&self) -> Result<(), &'static str> {
        match self.state {
            RunState::Interrupted => Ok(()),
            RunState::Running => Err("It is running."),
            RunState::Finished => Err("It has made all of its updates. Branch from it to go on."),
            RunState::Damaged(_) => Err("It is damaged."),
        }
    }
}

fn facts(record: RunRecord, held: bool) -> (RunState, RunFacts) {
    let newest = newest_state(&record.folder);
    let steps = record.steps();
    let last = &record.history.steps[record.history.steps.len().saturating_sub(LAST_UPDATES)..];
    let loss = last.iter().map(|point| point.loss).sum::<f64>() / last.len() as f64;
    let is_over =
        newest.as_ref().is_none_or(|state| state.step >= state.total_steps && !state.validation_due);
    let state = match (&newest, held) {
        (_, true) => RunState::Running,
        (None, _) if !Shelf::of_run(&record.folder).list().is_empty() => {
            RunState::Damaged("none of its checkpoints can be read".into())
        }
        (Some(state), _) if length(&record.folder.join("metrics.csv")) < state.metrics.bytes => {
            RunState::Damaged("metrics.csv is shorter than its newest checkpoint says".into())
        }
        _ if is_over && record.model_file.is_some() => RunState::Finished,
        _ => RunState::Interrupted,
    };
    let facts = RunFacts {
        steps,
        total_steps: newest.as_ref().map(|state| state.total_steps),
        best: record.history.best().copied(),
        last: record.history.evaluations.last().copied(),
        loss: (!last.is_empty()).then_some(loss),
        device: newest.map(|state| state.device),
        config: record.config,
        corrections: record.corrections,
        parent: record.parent,
        model_file: record.model_file,
    };
    (state, facts)
}

/// News of a look.
#[derive(Clone, Debug, PartialEq)]
pub enum RunNews {
    /// `done` of `total` runs that are new or have changed have been read.
    Reading { done: usize, total: usize },
    /// A run that is new or has changed.
    Entry(Box<RunEntry>),
    /// A run that was there at the last look.
    Gone(PathBuf),
}

/// The runs of a folder as they were at the last look.
#[derive(Debug, Default)]
pub struct RunList {
    known: HashMap<PathBuf, Stamp>,
}

impl RunList {
    /// Looks into a folder of runs, or at the one run that it is, the newest first. `tell` hears of what is not as it
    /// was at the last look; once `is_wanted` says no, the look ends early.
    ///
    /// # Errors
    /// Why the folder cannot be listed.
    pub fn look(
        &mut self,
        folder: &Path,
        is_wanted: impl Fn() -> bool,
        mut tell: impl FnMut(RunNews),
    ) -> Result<(), RunProblem> {
        let there: HashMap<PathBuf, Stamp> =
            run_folders(folder)?.into_iter().map(|run| (run.clone(), Stamp::of(&run))).collect();
        self.known.retain(|run, _| {
            let stays = there.contains_key(run);
            if !stays {
                tell(RunNews::Gone(run.clone()));
            }
            stays
        });
        let changed = there.into_iter().filter(|(run, stamp)| self.known.get(run) != Some(stamp));
        let mut changed: Vec<(PathBuf, Stamp)> = changed.collect();
        changed.sort_by(|a, b| (b.1.written(), &b.0).cmp(&(a.1.written(), &a.0)));
        let total = changed.len();
        for (done, (run, stamp)) in changed.into_iter().enumerate() {
            if !is_wanted() {
                return Ok(());
            }
            tell(RunNews::Reading { done, total });
            tell(RunNews::Entry(Box::new(RunEntry::read(&run))));
            self.known.insert(run, stamp);
        }
        Ok(())
    }
}

/// What of a run folder changes when anything that is told of the run does.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    files: [Option<(u64, SystemTime)>; 5],
    held: bool,
}

impl Stamp {
    fn of(run: &Path) -> Self {
        let mark = |name: &str| {
            let found = fs::metadata(run.join(name)).ok()?;
            Some((found.len(), found.modified().ok()?))
        };
        let names = ["metrics.csv", CONFIG, "model.safetensors", PARENT, "checkpoints"];
        Self { files: names.map(mark), held: lock::is_held(run) }
    }

    fn written(&self) -> Option<SystemTime> {
        self.files[0].or(self.files[1]).map(|(_, when)| when)
    }
}

/// The folder in which runs are kept that were given none of their own: the first of the usual places that is there.
pub fn usual_runs_folder() -> PathBuf {
    let roots = usual_roots();
    let there = roots.iter().find(|root| root.is_dir()).or(roots.first());
    there.map_or_else(|| PathBuf::from("runs"), |root| words::absolute(root))
}

/// The name of a run's folder.
pub(super) fn name_of(folder: &Path) -> String {
    words::file_name(&words::absolute(folder))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
