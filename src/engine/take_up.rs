//! Finding what an earlier run has left, to go on with it or to begin a branch at it.

use std::path::{Path, PathBuf};

use super::control::Control;
use super::error::RunError;
use super::event::{Event, Stage};
use super::folder::{CONFIG, CORRECTIONS, HeldFolder, Marks};
use super::lock::{LOCK_FILE, Lock};
use super::rows;
use super::tables;
use super::usable::{Found, newest, nothing_to_resume, one};
use crate::config::RunConfig;
use crate::train::checkpoint::{Checkpoint, Parent, Shelf, State};
use crate::vis::History;
use crate::words;

/// What to go on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakeUp {
    /// A run folder, or one of its checkpoints.
    pub path: PathBuf,
    /// Begin a new run there, of which the earlier one is the parent; nothing of that is touched.
    pub branch: bool,
    /// Settings to change, as `key=value`. A run that goes on lets few be changed.
    pub changes: Vec<String>,
    /// Go on although some of the pictures look different now.
    pub changed_pictures: bool,
}

/// The settings that a run may change and still be the same run: none of them decides what an update does. An
/// end that lies elsewhere only makes it longer or shorter.
const FREE: [&str; 13] = [
    "data.cache_dir",
    "data.cache_mib",
    "data.loader_threads",
    "data.max_refused_share",
    "data.prepared",
    "data.prepared_gib",
    "data.source",
    "run.checkpoint_minutes",
    "run.checkpoint_steps",
    "run.device",
    "run.epochs",
    "run.keep_checkpoints",
    "run.max_steps",
];

/// The settings that the network of a checkpoint has decided already.
const DECIDED: [&str; 2] = ["model.", "data.mean"];

/// What a run goes on from.
pub(super) struct Basis {
    /// None: the run was interrupted before its first checkpoint and begins again.
    pub checkpoint: Option<Box<Checkpoint>>,
    /// Where it lies.
    pub path: PathBuf,
    pub place: Place,
    /// Names of the settings that are not what they were.
    pub differences: Vec<String>,
    /// The curves so far.
    pub history: History,
    /// Go on although some of the pictures look different now.
    pub changed_pictures: bool,
}

/// Where the run writes.
pub(super) enum Place {
    /// Into the folder of the run that goes on.
    Same(HeldFolder),
    /// Into a folder of its own.
    Branch(Parent),
}

impl Place {
    pub fn parent(self) -> Option<Parent> {
        match self {
            Self::Same(_) => None,
            Self::Branch(parent) => Some(parent),
        }
    }
}

/// Finds what `order` names, checks it, and lays the changes over its settings.
///
/// # Errors
/// What is missing, damaged or in use, by name; a change that would make another run of it.
pub(super) fn find(control: &Control, order: &TakeUp) -> Result<(RunConfig, Basis), RunError> {
    control.outbox.send(Event::Preparing { stage: Stage::Checkpoint, done: 0, total: 0 });
    let Named { run, checkpoint } = Named::of(&order.path)?;
    if order.branch {
        branch(control, order, &run, checkpoint)
    } else {
        resume(control, order, &run, checkpoint)
    }
}

/// A path that names a run or one of its checkpoints.
struct Named {
    run: PathBuf,
    /// None: the newest that is whole.
    checkpoint: Option<PathBuf>,
}

impl Named {
    fn of(path: &Path) -> Result<Self, RunError> {
        let shown = path.display();
        if !path.is_dir() {
            return Err(RunError::bad_input(format!(
                "there is no run folder `{shown}`; name the folder of a run, for example runs/0001-alexnet-64-sample"
            )));
        }
        let path = words::absolute(path);
        if path.file_name().is_some_and(|name| name == "checkpoints")
            && let Some(run) = path.parent()
        {
            return Ok(Self { run: run.into(), checkpoint: None });
        }
        // Copied elsewhere, a checkpoint still serves as the beginning of a branch.
        if ["state.json", "checksums.txt"].iter().any(|name| path.join(name).exists()) {
            let run = path.parent().and_then(Path::parent).unwrap_or(&path);
            return Ok(Self { run: run.into(), checkpoint: Some(path.clone()) });
        }
        let known = [CONFIG, LOCK_FILE, "checkpoints", "metrics.csv"];
        if known.iter().any(|name| path.join(name).exists()) {
            return Ok(Self { run: path, checkpoint: None });
        }
        Err(RunError::bad_input(format!(
            "`{shown}` is no run folder: it holds neither {CONFIG} nor checkpoints"
        )))
    }
}

fn resume(
    control: &Control,
    order: &TakeUp,
    run: &Path,
    named: Option<PathBuf>,
) -> Result<(RunConfig, Basis), RunError> {
    refuse_links(run)?;
    let lock = Lock::take(run)?;
    put_in_order(run)?;
    if let Some(path) = &named
        && path.parent() != Some(Shelf::of_run(run).folder())
    {
        return Err(RunError::bad_input(format!(
            "`{}` does not lie in the run that it is of, so that it cannot be resumed; begin a branch instead: \
             `alexnet-lab train --branch {}`",
            path.display(),
            words::typed(path)
        )));
    }
    let fits = |State { metrics, data, .. }: &State| {
        rows::history(&tables::metrics_of(run), *metrics, data.validation)
    };
    let found = match named {
        Some(path) => Some(one(run, path, fits)?),
        None => newest(control, run, fits)?,
    };
    let (text, origin) = match &found {
        Some(found) => (found.checkpoint.config.clone(), found.path.join(CONFIG)),
        None => {
            let path = run.join(CONFIG);
            let text = std::fs::read_to_string(&path);
            (text.map_err(|e| nothing_to_resume(run, &format!("{CONFIG} cannot be read ({e})")))?, path)
        }
    };
    let mut before = settings(&text, &origin)?;
    before.run.out = Some(run.into());
    before.data.corrections = own_corrections(run, before.data.corrections);
    let config = changed(&before, order)?;
    let differences = check_free(&before, &config, run)?;
    let (checkpoint, path, history, marks) = match found {
        Some(Found { checkpoint, path, history }) => {
            let State { step, metrics, timing, .. } = checkpoint.state;
            (Some(checkpoint), path, history, Some(Marks { step, metrics, timing }))
        }
        None => (None, run.to_owned(), History::default(), None),
    };
    let place = Place::Same(HeldFolder { path: run.into(), lock, marks });
    let changed_pictures = order.changed_pictures;
    Ok((config, Basis { checkpoint, path, place, differences, history, changed_pictures }))
}

/// Refuses a folder in which a name leads elsewhere: the run would write there. Somebody else may have made it.
fn refuse_links(run: &Path) -> Result<(), RunError> {
    for folder in [run, Shelf::of_run(run).folder()] {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                return Err(RunError::bad_input(format!(
                    "`{}` is a link to another place; a run that goes on writes only into its own folder: put what it \
                     leads to in its place, or remove it",
                    entry.path().display()
                )));
            }
        }
    }
    Ok(())
}

/// Puts right what a crash in the middle of a write has left among the checkpoints.
fn put_in_order(run: &Path) -> Result<(), RunError> {
    let shelf = Shelf::of_run(run);
    if !shelf.folder().is_dir() {
        return Ok(());
    }
    let failed =
        |e| RunError::bad_input(format!("`{}` cannot be put in order: {e}", shelf.folder().display()));
    shelf.prepare().map_err(failed)
}

fn branch(
    control: &Control,
    order: &TakeUp,
    run: &Path,
    named: Option<PathBuf>,
) -> Result<(RunConfig, Basis), RunError> {
    // The tables of the parent are its own.
    let anything = |_: &State| Ok(History::default());
    let found = match named {
        Some(path) => one(run, path, anything)?,
        None => newest(control, run, anything)?.ok_or_else(|| {
            RunError::bad_input(format!("`{}` has no checkpoint yet to begin a branch at", run.display()))
        })?,
    };
    let mut before = settings(&found.checkpoint.config, &found.path.join(CONFIG))?;
    before.run.out = None;
    before.data.corrections = own_corrections(run, before.data.corrections);
    let config = changed(&before, order)?;
    let differences = before.differences(&config);
    if let Some(name) =
        differences.iter().find(|name| DECIDED.iter().any(|decided| name.starts_with(decided)))
    {
        return Err(RunError::bad_input(format!(
            "{name} cannot be changed in a branch: the network comes as it is from `{}`",
            found.path.display()
        )));
    }
    let parent = Parent {
        checkpoint: found.path.clone(),
        step: found.checkpoint.state.step,
        changes: order.changes.clone(),
    };
    let place = Place::Branch(parent);
    let Found { checkpoint, path, history } = found;
    let changed_pictures = order.changed_pictures;
    Ok((config, Basis { checkpoint: Some(checkpoint), path, place, differences, history, changed_pictures }))
}

/// The list of corrections in the folder of the run, wherever that lies now.
fn own_corrections(run: &Path, named: Option<PathBuf>) -> Option<PathBuf> {
    let own = run.join(CORRECTIONS);
    named.map(|named| if own.exists() { own } else { named })
}

fn settings(text: &str, origin: &Path) -> Result<RunConfig, RunError> {
    RunConfig::parse(text, &origin.display().to_string()).map_err(|e| RunError::bad_input(e.to_string()))
}

fn changed(before: &RunConfig, order: &TakeUp) -> Result<RunConfig, RunError> {
    before.changed(&order.changes).map_err(|e| RunError::bad_input(e.to_string()))
}

/// The settings that were changed; refuses those that would make another run of it.
fn check_free(before: &RunConfig, config: &RunConfig, run: &Path) -> Result<Vec<String>, RunError> {
    let differences = before.differences(config);
    let refused: Vec<&str> =
        differences.iter().map(String::as_str).filter(|name| !FREE.contains(name)).collect();
    if refused.is_empty() {
        return Ok(differences);
    }
    Err(RunError::bad_input(format!(
        "{} cannot be changed when a run is resumed, it would be another run; begin a branch instead: \
         `alexnet-lab train --branch {} --set {}=...`",
        refused.join(", "),
        words::typed(run),
        refused[0]
    )))
}

/// A checkpoint that a run has kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Updates made before it.
    pub step: u64,
    pub path: PathBuf,
}

/// The checkpoints in a run folder, oldest first. Lists a folder: not for the window's thread.
pub fn kept_checkpoints(run: &Path) -> Vec<KeptCheckpoint> {
    // Absolute, so that they are found wherever the program stands.
    let run = words::absolute(run);
    Shelf::of_run(&run).list().into_iter().map(|(step, path)| KeptCheckpoint { step, path }).collect()
}
