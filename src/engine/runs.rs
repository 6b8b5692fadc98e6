//! The runs that a folder holds: what each was, how it went, and in which settings they differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::folder::{CONFIG, CORRECTIONS, PARENT};
use super::rows;
use super::run_list::name_of;
use super::tables;
use crate::config::RunConfig;
use crate::data::Corrections;
use crate::vis::History;

/// A run as its folder tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run folder.
    pub folder: PathBuf,
    /// The settings with every blank filled in.
    pub config: RunConfig,
    /// What its list of corrections says, in a few words that are the same for equal lists.
    pub corrections: Option<String>,
    /// Its curves. Those of a long run are in fewer points.
    pub history: History,
    /// The model it ended with.
    pub model_file: Option<PathBuf>,
    /// The first-layer kernels as a picture.
    pub filters: Option<PathBuf>,
    /// The checkpoint it branched off from.
    pub parent: Option<PathBuf>,
}

/// A run folder that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunProblem {
    pub folder: PathBuf,
    pub reason: String,
}

impl RunRecord {
    /// Reads a run folder; a run that is going on is read up to where it has come.
    ///
    /// # Errors
    /// Why the folder holds no run that can be read.
    pub fn read(folder: &Path) -> Result<Self, RunProblem> {
        let problem = |reason: String| RunProblem { folder: folder.to_owned(), reason };
        let path = folder.join(CONFIG);
        let text = std::fs::read_to_string(&path)
            .map_err(|e| problem(format!("{CONFIG} cannot be read ({e}); is this the folder of a run?")))?;
        let config = RunConfig::parse(&text, CONFIG).map_err(|e| problem(e.to_string()))?;
        let history = rows::so_far(&tables::metrics_of(folder), 0)
            .map_err(|e| problem(format!("metrics.csv cannot be read ({e})")))?;
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let parent = std::fs::read_to_string(folder.join(PARENT)).ok().and_then(|text| parent(&text));
        let corrections = config.data.corrections.as_deref().and_then(|named| corrections(folder, named));
        Ok(Self {
            folder: folder.to_owned(),
            config,
            corrections,
            history,
            model_file: there("model.safetensors"),
            filters: there("filters.png"),
            parent,
        })
    }

    /// The settings by their dotted names, to be compared with those of other runs.
    pub fn settings(&self) -> BTreeMap<String, String> {
        comparable(&self.config, self.corrections.as_ref())
    }

    /// Updates made.
    pub fn steps(&self) -> u64 {
        let trained = self.history.steps.last().map_or(0, |point| point.step);
        trained.max(self.history.evaluations.last().map_or(0, |point| point.step))
    }

    /// The name of the folder.
    pub fn name(&self) -> String {
        name_of(&self.folder)
    }
}

/// The runs in a folder, in the order of their names, and those that cannot be read. A folder that is itself a run
/// stands for that run. `cancel` ends the search early.
///
/// # Errors
/// Why the folder cannot be listed.
pub fn runs(folder: &Path, cancel: &AtomicBool) -> Result<(Vec<RunRecord>, Vec<RunProblem>), RunProblem> {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for folder in run_folders(folder)? {
        if cancel.load(Ordering::Relaxed) {
            break;
        }
        match RunRecord::read(&folder) {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((records, problems))
}

/// The folders of runs in a folder, in the order of their names; the folder itself if it is that of a run.
///
/// # Errors
/// Why it cannot be listed.
pub(super) fn run_folders(folder: &Path) -> Result<Vec<PathBuf>, RunProblem> {
    if is_run(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let unreadable = |e: std::io::Error| RunProblem {
        folder: folder.to_owned(),
        reason: match e.kind() {
            std::io::ErrorKind::NotFound => "there is no such folder".into(),
            _ => format!("the folder cannot be read ({e})"),
        },
    };
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let entries: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut folders = entries.map_err(unreadable)?;
    folders.retain(|path| is_run(path));
    folders.sort();
    Ok(folders)
}

/// Whether a folder holds a run, even a damaged one. A search for a rate has settings as well, and no updates.
fn is_run(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).is_file();
    let has_updates = has("metrics.csv") || folder.join("checkpoints").is_dir();
    has_updates || has(CONFIG) && !has("rates.csv")
}

/// What the list of corrections of the run in `folder` says: its own copy, or the list that the settings name. Nothing
/// for an empty list, which changes nothing.
fn corrections(folder: &Path, named: &Path) -> Option<String> {
    let own = folder.join(CORRECTIONS);
    match Corrections::read(if own.is_file() { &own } else { named }) {
        Ok(list) => (!list.is_empty()).then(|| list.named()),
        // Nobody can say what it was.
        Err(_) => Some(named.display().to_string()),
    }
}

/// The settings by their dotted names, with what the list of corrections says in place of where it lies: each run has
/// a copy of its own.
pub(super) fn comparable(config: &RunConfig, corrections: Option<&String>) -> BTreeMap<String, String> {
    const NAME: &str = "data.corrections";
    let mut settings = config.settings();
    match corrections {
        Some(said) => settings.insert(NAME.into(), said.clone()),
        None => settings.remove(NAME),
    };
    settings
}

/// A setting in which some runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its dotted name, as `--set` takes it.
    pub setting: String,
    /// Its value in each run; none where it is not set.
    pub values: Vec<Option<String>>,
}

/// The settings in which runs differ, in the order of the alphabet, from the settings of each
/// ([`RunRecord::settings`]). Where a run is kept is none of them.
pub fn differences(runs: &[BTreeMap<String, String>]) -> Vec<Difference> {
    let mut names: Vec<&String> = runs.iter().flat_map(|settings| settings.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != "run.out");
    let difference = |name: &String| {
        let values: Vec<_> = runs.iter().map(|settings| settings.get(name).cloned()).collect();
        let differs = values.windows(2).any(|pair| pair[0] != pair[1]);
        differs.then(|| Difference { setting: name.clone(), values })
    };
    names.into_iter().filter_map(difference).collect()
}

/// The checkpoint that a branch began at.
fn parent(text: &str) -> Option<PathBuf> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("checkpoint").and_then(serde_json::Value::as_str).map(PathBuf::from)
}
