//! The runs of a folder as the window knows them, and the columns of their table.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::curves::Curves;
use super::format;
use super::run_reader::Report;
use crate::engine::{RunEntry, RunNews, RunRecord, RunState, newest_kernels};
use crate::vis::FilterGrid;
use crate::words;

/// What the window knows of a folder of runs.
#[derive(Debug, Default)]
pub struct Runs {
    /// The folder that the rest is of.
    pub folder: Option<PathBuf>,
    /// In no order of use.
    entries: Vec<RunEntry>,
    /// Of the look going on: runs read, and of how many.
    pub reading: Option<(usize, usize)>,
    /// It has been looked at once to the end.
    pub looked: bool,
    /// Why it cannot be looked at.
    pub problem: Option<String>,
    /// Counts the changes, so that what is worked out of the entries is worked out once.
    pub version: u64,
    /// The version at which each run changed last.
    changed: HashMap<PathBuf, u64>,
    loaded: HashMap<PathBuf, Loaded>,
}

/// What was read of a run because it is compared.
#[derive(Debug)]
struct Loaded {
    /// The version of the run that was asked for.
    version: u64,
    run: Option<Result<Box<LoadedRun>, String>>,
    asked: bool,
}

/// Curves and kernels of a run.
#[derive(Debug)]
pub struct LoadedRun {
    pub curves: Curves,
    pub kernels: Option<FilterGrid>,
    /// Tells these kernels from all others of the program.
    pub number: u64,
}

impl LoadedRun {
    /// Reads them from the folder of a run. Not for the window's thread.
    ///
    /// # Errors
    /// Why the run cannot be read.
    pub fn read(folder: &Path) -> Result<Box<Self>, String> {
        let record = RunRecord::read(folder).map_err(|problem| problem.reason)?;
        Ok(Box::new(Self { curves: Curves::of(&record.history), kernels: newest_kernels(folder), number: 0 }))
    }
}

impl Runs {
    /// Another folder is looked at.
    pub fn look_at(&mut self, folder: PathBuf) {
        *self = Self { folder: Some(folder), version: self.version + 1, ..Self::default() };
    }

    pub fn take_in(&mut self, report: Report) {
        match report {
            Report::News(RunNews::Reading { done, total }) => self.reading = Some((done, total)),
            Report::News(RunNews::Entry(entry)) => {
                self.version += 1;
                self.changed.insert(entry.folder.clone(), self.version);
                match self.entries.iter_mut().find(|other| other.folder == entry.folder) {
                    Some(other) => *other = *entry,
                    None => self.entries.push(*entry),
                }
            }
            Report::News(RunNews::Gone(folder)) => {
                self.version += 1;
                self.entries.retain(|entry| entry.folder != folder);
                self.loaded.remove(&folder);
            }
            Report::Looked(problem) => {
                self.version += u64::from(!self.looked || self.problem != problem);
                if problem.is_some() {
                    self.entries.clear();
                }
                (self.reading, self.looked, self.problem) = (None, true, problem);
            }
        }
    }

    pub fn entries(&self) -> &[RunEntry] {
        &self.entries
    }

    pub fn entry(&self, folder: &Path) -> Option<&RunEntry> {
        self.entries.iter().find(|entry| entry.folder == folder)
    }

    /// Whether any of them is a branch of another run.
    pub fn has_branches(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.facts.as_ref().is_some_and(|facts| facts.parent_run().is_some()))
    }

    /// Those of some runs that are to be read: not yet, or not as they are now. Each is told once.
    pub fn to_load(&mut self, ticked: &[PathBuf]) -> Vec<PathBuf> {
        self.loaded.retain(|folder, _| ticked.contains(folder));
        let mut wanted = Vec::new();
        for folder in ticked {
            let Some(&version) = self.changed.get(folder) else { continue };
            let loaded =
                self.loaded.entry(folder.clone()).or_insert(Loaded { version: 0, run: None, asked: false });
            if !loaded.asked && loaded.version != version {
                (loaded.version, loaded.asked) = (version, true);
                wanted.push(folder.clone());
            }
        }
        wanted
    }

    /// A run was read.
    pub fn loaded(&mut self, folder: &Path, mut run: Result<Box<LoadedRun>, String>) {
        self.version += 1;
        if let Ok(run) = &mut run {
            run.number = self.version;
        }
        if let Some(loaded) = self.loaded.get_mut(folder) {
            (loaded.asked, loaded.run) = (false, Some(run));
        }
    }

    /// What was read of a run; none while it is being read.
    pub fn run(&self, folder: &Path) -> Option<Result<&LoadedRun, &str>> {
        let run = self.loaded.get(folder)?.run.as_ref()?;
        Some(run.as_deref().map_err(String::as_str))
    }

    /// The positions of the runs that match a search, in the order of a column.
    pub fn listed(&self, search: &str, order: Column, descending: bool) -> Vec<usize> {
        let words: Vec<String> = search.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let matches = |entry: &RunEntry| {
            let text = searched(entry);
            words.iter().all(|word| text.contains(word))
        };
        let mut listed: Vec<usize> =
            (0..self.entries.len()).filter(|&at| matches(&self.entries[at])).collect();
        let key = |at: &usize| order.key(&self.entries[*at]);
        listed.sort_by(|a, b| {
            let (first, second) = (key(a), key(b));
            // What is not known stands last in either direction.
            let known = first.is_unknown().cmp(&second.is_unknown());
            let ordered = if descending { second.compare(&first) } else { first.compare(&second) };
            known.then(ordered).then_with(|| self.entries[*a].name.cmp(&self.entries[*b].name))
        });
        listed
    }
}

/// What a search looks at.
fn searched(entry: &RunEntry) -> String {
    let mut text = format!("{} {}", entry.name, entry.state.word());
    if let Some(facts) = &entry.facts {
        let parent = facts.parent_run().unwrap_or_default();
        let device = facts.device.as_deref().unwrap_or_default();
        text += &format!(" {} {} {device} {parent}", facts.network(), facts.config.data.source);
    }
    text.to_lowercase()
}

/// A column of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    Run,
    State,
    Network,
    Pictures,
    Updates,
    Top1,
    Top5,
    Loss,
    #[default]
    Written,
    Device,
    Parent,
}

/// What runs are ordered by.
enum Key {
    Text(String),
    Number(f64),
    Unknown,
}

impl Key {
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            _ => Ordering::Equal,
        }
    }
}

impl Column {
    /// All of them, from left to right.
    pub const ALL: [Self; 11] = [
        Self::Run,
        Self::State,
        Self::Network,
        Self::Pictures,
        Self::Updates,
        Self::Top1,
        Self::Top5,
        Self::Loss,
        Self::Written,
        Self::Device,
        Self::Parent,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Run => "Run",
            Self::State => "State",
            Self::Network => "Network",
            Self::Pictures => "Pictures",
            Self::Updates => "Updates",
            Self::Top1 => "Best top-1",
            Self::Top5 => "Top-5",
            Self::Loss => "Loss",
            Self::Written => "Written",
            Self::Device => "Device",
            Self::Parent => "Branch of",
        }
    }

    /// What stands in it.
    pub fn help(self) -> &'static str {
        match self {
            Self::Run => "The name of the run's folder",
            Self::State => {
                "Running: a program works on it. Finished: it has made all of its updates. Interrupted: it can be resumed. \
                 Damaged: something of it cannot be read"
            }
            Self::Network => "The preset of the network",
            Self::Pictures => "What it learned from",
            Self::Updates => "Updates made",
            Self::Top1 => "The lowest error of a validation: share of pictures whose best guess is wrong",
            Self::Top5 => {
                "In the same validation: share of pictures whose class is not among the five best guesses"
            }
            Self::Loss => "Training loss in nats, mean of the last 20 updates",
            Self::Written => "When the run wrote something last",
            Self::Device => "What computed",
            Self::Parent => "The run that it is a branch of",
        }
    }

    /// Width in points, and the part that the column takes of what is left over.
    pub fn width(self) -> (f32, f32) {
        match self {
            Self::Run => (174.0, 3.0),
            Self::State => (80.0, 0.0),
            Self::Network => (88.0, 1.0),
            Self::Pictures => (80.0, 2.0),
            Self::Updates => (80.0, 0.0),
            Self::Top1 => (76.0, 0.0),
            Self::Top5 => (56.0, 0.0),
            Self::Loss => (52.0, 0.0),
            Self::Written => (84.0, 0.0),
            Self::Device => (80.0, 2.0),
            Self::Parent => (96.0, 2.0),
        }
    }

    /// Numbers stand at the right.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Updates | Self::Top1 | Self::Top5 | Self::Loss)
    }

    /// The largest or the newest is looked for first.
    pub fn starts_descending(self) -> bool {
        matches!(self, Self::Updates | Self::Written)
    }

    fn key(self, entry: &RunEntry) -> Key {
        let number = |value: Option<f64>| value.filter(|v| v.is_finite()).map_or(Key::Unknown, Key::Number);
        let text = |value: Option<&str>| value.map_or(Key::Unknown, |text| Key::Text(text.to_lowercase()));
        let facts = entry.facts.as_deref();
        match self {
            Self::Run => Key::Text(entry.name.to_lowercase()),
            Self::State => Key::Text(entry.state.word().into()),
            Self::Network => text(facts.map(|facts| facts.network())),
            Self::Pictures => text(facts.map(|facts| facts.config.data.source.as_str())),
            Self::Updates => number(facts.map(|facts| facts.steps as f64)),
            Self::Top1 => number(facts.and_then(|facts| Some(facts.best?.top1_error))),
            Self::Top5 => number(facts.and_then(|facts| Some(facts.best?.top5_error))),
            Self::Loss => number(facts.and_then(|facts| facts.loss)),
            Self::Written => {
                let since = entry.written.and_then(|when| when.duration_since(SystemTime::UNIX_EPOCH).ok());
                number(since.map(|since| since.as_secs_f64()))
            }
            Self::Device => text(facts.and_then(|facts| facts.device.as_deref())),
            Self::Parent => text(facts.and_then(|facts| facts.parent_run()).as_deref()),
        }
    }

    /// What stands in the cell of a run; empty if it is not known.
    pub fn text(self, entry: &RunEntry, now: SystemTime) -> String {
        let facts = entry.facts.as_deref();
        let percent = |share: Option<f64>| share.map(format::percent);
        let text = match self {
            Self::Run => Some(entry.name.clone()),
            Self::State => Some(entry.state.word().to_owned()),
            Self::Network => facts.map(|facts| facts.network().to_owned()),
            Self::Pictures => facts.map(|facts| source_name(&facts.config.data.source)),
            Self::Updates => facts.map(|facts| format::count(facts.steps as usize)),
            Self::Top1 => percent(facts.and_then(|facts| Some(facts.best?.top1_error))),
            Self::Top5 => percent(facts.and_then(|facts| Some(facts.best?.top5_error))),
            Self::Loss => facts.and_then(|facts| facts.loss).map(format::loss),
            Self::Written => entry.written.map(|when| words::since(when, now)),
            Self::Device => facts.and_then(|facts| facts.device.clone()),
            Self::Parent => facts.and_then(|facts| facts.parent_run()),
        };
        text.unwrap_or_default()
    }
}

/// The last part of a data source, which tells most.
fn source_name(source: &str) -> String {
    let name = Path::new(source).file_name();
    name.map_or_else(|| source.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// All there is to say of a run, for a screen reader and for whoever points at it.
pub fn told(entry: &RunEntry, now: SystemTime) -> String {
    let mut parts = vec![format!("{}: {}", entry.name, entry.state.word())];
    if let RunState::Damaged(reason) = &entry.state {
        parts.push(reason.clone());
    }
    if let Some(facts) = &entry.facts {
        parts.push(format!("{} on {}", facts.network(), facts.config.data.source));
        parts.push(match facts.total_steps {
            Some(total) => format!("{} of {}", words::count(facts.steps), words::counted(total, "update")),
            None => words::counted(facts.steps, "update"),
        });
        if let Some(best) = facts.best {
            let (top1, top5) = (format::percent(best.top1_error), format::percent(best.top5_error));
            parts.push(format!("best top-1 error {top1} in epoch {:.1}, top-5 {top5}", best.epoch));
        }
        parts.extend(facts.loss.map(|loss| format!("loss {}", format::loss(loss))));
        parts.extend(facts.device.as_ref().map(|device| format!("on {device}")));
        parts.extend(facts.parent_run().map(|parent| format!("branch of {parent}")));
    }
    parts.extend(entry.written.map(|when| format!("written {}", words::since(when, now))));
    parts.join("; ")
}
