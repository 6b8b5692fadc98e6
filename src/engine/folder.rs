//! The run folder: what a run leaves on disk.
//!
//! `metrics.csv` holds only what the seed decides, so that two runs can be compared byte for byte;
//! wall-clock figures go to `timing.csv`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::film::FILM;
use super::lock::{LOCK_FILE, Lock};
use super::pictures;
use super::places::{numbered, runs_root};
use super::tables::{self, Table};
use crate::config::RunConfig;
use crate::data::Refused;
use crate::model::replace_file;
use crate::train::checkpoint::{Mark, Shelf};
use crate::vis::{EvaluationPoint, History, RatePoint, StepPoint};
use crate::words::quoted;

/// Rows reach the disk at least this often.
const FLUSH: Duration = Duration::from_secs(1);

/// A folder being written to by a run.
pub(super) struct RunFolder {
    path: PathBuf,
    metrics: Table,
    timing: Table,
    flushed: Instant,
    _lock: Lock,
}

/// The folder of an earlier run that is about to go on. Nothing in it changes before
/// [`RunFolder::go_on`].
pub(super) struct HeldFolder {
    pub path: PathBuf,
    pub lock: Lock,
    /// The rows that belong to what the run goes on from; none if it begins again.
    pub marks: Option<Marks>,
}

impl HeldFolder {
    /// What is to be told of the checkpoints that are put aside when the run goes on; nothing if there are none.
    pub fn told_aside(&self) -> Option<String> {
        let (marks, shelf) = (self.marks?, Shelf::of_run(&self.path));
        let later: Vec<u64> = shelf.list().into_keys().filter(|step| *step > marks.step).collect();
        let which = match later[..] {
            [] => return None,
            [one] => format!("the checkpoint of update {one} was"),
            [first, .., last] => format!("the {} checkpoints of updates {first} to {last} were", later.len()),
        };
        let place = shelf.aside();
        Some(format!(
            "{which} put aside in `{}`: those that are whole go when the run has come past them",
            place.display()
        ))
    }
}

/// Up to where the tables of a run belong to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub step: u64,
    pub metrics: Mark,
    pub timing: Mark,
}

/// A run folder that cannot be made or written to.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error(
        "the folder `{path}` already holds a run or a file of that name ({name}); choose another one, or remove it first"
    )]
    Occupied { path: PathBuf, name: &'static str },
    #[error("cannot make the run folder `{path}`: {reason}; choose another place with --out")]
    Make { path: PathBuf, reason: io::Error },
    #[error("cannot write `{path}`: {reason}{}", remedy(reason))]
    Write { path: PathBuf, reason: io::Error },
    #[error(
        "the run folder {path} is in use by another program{}; wait until it ends, or stop it first",
        if owner.is_empty() { String::new() } else { format!(" ({owner})") }
    )]
    InUse { path: PathBuf, owner: String },
}

impl FolderError {
    /// What has happened, without what to do about it.
    pub fn what(&self) -> String {
        match self {
            Self::Write { path, reason } => format!("cannot write `{}`: {reason}", path.display()),
            other => other.to_string(),
        }
    }
}

/// What a person can do about an error of the file system.
fn remedy(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space on that disk",
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "; this place cannot be written to"
        }
        _ => "",
    }
}

/// Everything that a run or a search writes; none of it may replace what is there.
const OWN_FILES: [&str; 15] = [
    FILM,
    "metrics.csv",
    "timing.csv",
    "config.toml",
    "inputs.json",
    "refused.csv",
    "model.safetensors",
    "curves.png",
    "filters.png",
    "rates.csv",
    "rates.png",
    "checkpoints",
    PARENT,
    pictures::SUMS,
    CORRECTIONS,
];

/// The settings of a run.
pub(super) const CONFIG: &str = "config.toml";
/// The list of corrections that a run began with.
pub(super) const CORRECTIONS: &str = "corrections.csv";
/// What a branch says of where it comes from.
pub(super) const PARENT: &str = "parent.json";

/// Files with reasons as comma-separated values, every field in quotes.
pub fn refused_table<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let rows = files.map(|(name, reason)| format!("{},{}\n", quoted(name), quoted(reason)));
    format!("file,reason\n{}", rows.collect::<String>())
}

impl RunFolder {
    /// Makes the folder at `out`, or a new numbered one named after the model and the data.
    pub fn create(out: Option<&Path>, model: &str, source: &str) -> Result<Self, FolderError> {
        let path = match out {
            Some(path) => {
                if let Some(name) = OWN_FILES.into_iter().find(|name| path.join(name).exists()) {
                    return Err(FolderError::Occupied { path: path.into(), name });
                }
                fs::create_dir_all(path).map_err(|reason| FolderError::Make { path: path.into(), reason })?;
                path.to_owned()
            }
            None => numbered(&runs_root()?, model, source)?,
        };
        let lock = Lock::take(&path)?;
        Self::fresh(path, lock)
    }

    fn fresh(path: PathBuf, lock: Lock) -> Result<Self, FolderError> {
        let table = |name: &str, header: &str| {
            let path = path.join(name);
            Table::create(&path, header).map_err(|reason| FolderError::Make { path, reason })
        };
        let metrics = table("metrics.csv", tables::METRICS)?;
        let timing = table("timing.csv", tables::TIMING)?;
        Ok(Self { path, metrics, timing, flushed: Instant::now(), _lock: lock })
    }

    /// Goes on with an earlier run: cuts the rows that were written after what it goes on from, and puts the
    /// checkpoints after it aside.
    pub fn go_on(held: HeldFolder) -> Result<Self, FolderError> {
        let HeldFolder { path, lock, marks } = held;
        let Some(marks) = marks else { return Self::fresh(path, lock) };
        let shelf = Shelf::of_run(&path);
        let aside = shelf.put_aside_after(marks.step);
        aside.map_err(|reason| FolderError::Write { path: shelf.aside(), reason })?;
        let metrics_path = tables::metrics_of(&path);
        let metrics = Table::go_on(&metrics_path, marks.metrics)
            .map_err(|reason| FolderError::Write { path: metrics_path, reason })?;
        let timing_path = path.join("timing.csv");
        // Wall-clock figures decide nothing; a table that was lost begins anew.
        let timing = match fs::metadata(&timing_path) {
            Ok(file) if file.len() >= marks.timing.bytes => Table::go_on(&timing_path, marks.timing),
            _ => Table::create(&timing_path, tables::TIMING),
        };
        let timing = timing.map_err(|reason| FolderError::Write { path: timing_path, reason })?;
        Ok(Self { path, metrics, timing, flushed: Instant::now(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn model_file(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Where the list of refused pictures lies.
    pub fn refused_file(&self) -> PathBuf {
        self.path.join("refused.csv")
    }

    /// Writes the settings with every blank filled in, and the list of refused pictures if there are any.
    pub fn describe(&self, config: &RunConfig, refused: &[Refused]) -> Result<(), FolderError> {
        self.file(CONFIG, config.to_toml())?;
        if refused.is_empty() {
            return Ok(());
        }
        let rows = refused.iter().map(|file| (file.name.as_str(), file.reason.as_str()));
        self.file("refused.csv", refused_table(rows))
    }

    /// The row of an update, to be written by the next flush.
    pub fn step(&mut self, point: &StepPoint) {
        self.metrics.row(&tables::step_row(point));
    }

    /// The row of a validation, to be written by the next flush.
    pub fn evaluation(&mut self, point: &EvaluationPoint) {
        self.metrics.row(&tables::evaluation_row(point));
    }

    /// The wall-clock figures of an update, to be written by the next flush.
    pub fn timing(&mut self, step: u64, took: Duration, images: usize, waited: Duration) {
        let seconds = took.as_secs_f64();
        let speed = images as f64 / seconds.max(1e-9);
        self.timing.row(&format!("{step},{seconds:.6},{speed:.1},{:.6}", waited.as_secs_f64()));
    }

    /// Whether rows have waited long enough.
    pub fn flush_due(&self) -> bool {
        self.flushed.elapsed() > FLUSH
    }

    /// Writes the rows of both tables. If they were removed, or the whole folder, or hold other bytes, they are made
    /// again, from `history` where nothing else is left; true: that was so, and other files may be gone, too.
    ///
    /// # Errors
    /// The folder cannot be written. The rows wait in memory.
    pub fn flush(&mut self, history: &History) -> Result<bool, FolderError> {
        self.flushed = Instant::now();
        let mut remade = self.is_gone();
        if remade {
            self.restore(history).map_err(|reason| self.failed(reason))?;
        }
        let written = self.write_rows().or_else(|reason| match reason.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Err(reason),
            // A disk that was taken out and is back needs its files opened again.
            _ => self.restore(history).and_then(|anew| {
                remade |= anew;
                self.write_rows()
            }),
        });
        written.map_err(|reason| self.failed(reason))?;
        Ok(remade)
    }

    /// Whether the folder was removed, or tables in it.
    pub fn is_gone(&self) -> bool {
        ["metrics.csv", "timing.csv"].iter().any(|name| !self.path.join(name).exists())
    }

    fn write_rows(&mut self) -> io::Result<()> {
        self.metrics.flush()?;
        self.timing.flush()
    }

    /// Makes the folder and the tables again, as far as they are missing. True: figures had to be written again.
    fn restore(&mut self, history: &History) -> io::Result<bool> {
        fs::create_dir_all(&self.path)?;
        let told = || Some(tables::metrics_from(history));
        let anew = self.metrics.restore(&self.path.join("metrics.csv"), told)?;
        let timing = self.path.join("timing.csv");
        if self.timing.restore(&timing, || None).is_err() {
            // Wall-clock figures decide nothing; a table that was lost begins anew.
            self.timing = Table::create(&timing, tables::TIMING)?;
        }
        if !self.path.join(LOCK_FILE).exists()
            && let Ok(lock) = Lock::take(&self.path)
        {
            self._lock = lock;
        }
        Ok(anew)
    }

    /// Writes the tables with all of their rows into the new folder `path` and goes on there. Figures that cannot be
    /// read any more are those of `history`.
    ///
    /// # Errors
    /// It cannot be made or written; everything stays as it was then.
    pub fn move_to(&mut self, path: PathBuf, history: &History) -> Result<(), FolderError> {
        let failed = |reason| FolderError::Make { path: path.clone(), reason };
        fs::create_dir_all(&path).map_err(failed)?;
        let moved = Lock::take(&path).and_then(|lock| {
            let told = || Some(tables::metrics_from(history));
            let metrics = self.metrics.anew(&path.join("metrics.csv"), told).map_err(failed)?;
            let timing = path.join("timing.csv");
            let timing =
                self.timing.anew(&timing, || None).or_else(|_| Table::create(&timing, tables::TIMING));
            Ok((lock, metrics, timing.map_err(failed)?))
        });
        match moved {
            Ok((lock, metrics, timing)) => {
                *self = Self { path, metrics, timing, flushed: Instant::now(), _lock: lock };
                Ok(())
            }
            Err(error) => {
                // Ours alone, and of no use.
                let _ = fs::remove_dir_all(&path);
                Err(error)
            }
        }
    }

    /// Goes back to the rows of a checkpoint, or to none, and forgets those that wait.
    pub fn go_back(self, marks: Option<Marks>) -> Result<Self, FolderError> {
        let Self { path, metrics, timing, _lock: lock, .. } = self;
        drop((metrics, timing));
        Self::go_on(HeldFolder { path, lock, marks })
    }

    /// The rows of both tables so far, with handles to flush them to the disk.
    ///
    /// # Errors
    /// The folder cannot be written. The rows wait in memory.
    pub fn marks(&mut self, step: u64) -> Result<(Marks, Vec<File>), FolderError> {
        let handles = self.metrics.handle().and_then(|metrics| Ok(vec![metrics, self.timing.handle()?]));
        let handles = handles.map_err(|reason| self.failed(reason))?;
        Ok((Marks { step, metrics: self.metrics.mark(), timing: self.timing.mark() }, handles))
    }

    /// Writes the rates that a search has tried to `rates.csv`, and returns its path.
    pub fn rates(&self, points: &[RatePoint]) -> Result<PathBuf, FolderError> {
        let row = |p: &RatePoint| format!("{:e},{:.8},{:.8}\n", p.rate, p.loss, p.smooth);
        self.file(
            "rates.csv",
            format!("rate,loss,smoothed_loss\n{}", points.iter().map(row).collect::<String>()),
        )?;
        Ok(self.path.join("rates.csv"))
    }

    /// Takes back the tables of updates, because none were made, and leaves the rest of the folder.
    pub fn without_tables(self) -> PathBuf {
        let Self { path, metrics, timing, _lock, .. } = self;
        drop((metrics, timing, _lock));
        for name in ["metrics.csv", "timing.csv", LOCK_FILE] {
            // What cannot be removed is an empty file that harms nobody.
            let _ = fs::remove_file(path.join(name));
        }
        path
    }

    /// Takes back a folder in which nothing happened. One that holds anything else stays.
    pub fn discard(self) {
        let path = self.without_tables();
        for name in [CONFIG, CORRECTIONS] {
            let _ = fs::remove_file(path.join(name));
        }
        let _ = fs::remove_dir(path);
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let result = replace_file(&path, |part| fs::write(part, content), |reason| reason);
        result.map_err(|reason| FolderError::Write { path, reason })
    }

    fn failed(&self, reason: io::Error) -> FolderError {
        FolderError::Write { path: self.path.clone(), reason }
    }
}
