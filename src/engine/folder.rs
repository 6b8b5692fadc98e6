//! The run folder: what a run leaves on disk.
//!
//! `metrics.csv` holds only what the seed decides, so that two runs can be compared byte for byte;
//! wall-clock figures go to `timing.csv`.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::RunConfig;
use crate::data::Refused;
use crate::vis::{EvaluationPoint, RatePoint, StepPoint};

/// Rows reach the disk at least this often.
const FLUSH: Duration = Duration::from_secs(1);

/// A folder being written to by a run.
pub(super) struct RunFolder {
    path: PathBuf,
    metrics: BufWriter<File>,
    timing: BufWriter<File>,
    flushed: Instant,
}

/// A run folder that cannot be made or written to.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error(
        "the folder {path} already holds a run or a file of that name ({name}); choose another one, or remove it first"
    )]
    Occupied { path: PathBuf, name: &'static str },
    #[error("cannot make the run folder {path}: {reason}; choose another place with --out")]
    Make { path: PathBuf, reason: io::Error },
    #[error("cannot write {path}: {reason}")]
    Write { path: PathBuf, reason: io::Error },
}

/// Everything that a run or a search writes; none of it may replace what is there.
const OWN_FILES: [&str; 10] = [
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
];

/// Files with reasons as comma-separated values, every field in quotes.
pub(super) fn refused_table<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
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
        let mut metrics = create(&path.join("metrics.csv"))?;
        let mut timing = create(&path.join("timing.csv"))?;
        let header = |file: &mut BufWriter<File>, text: &str| writeln!(file, "{text}");
        header(&mut metrics, "step,epoch,split,loss,top1_error,top5_error,lr")
            .and_then(|()| header(&mut timing, "step,seconds,images_per_s,wait_for_data_s"))
            .map_err(|reason| FolderError::Write { path: path.clone(), reason })?;
        Ok(Self { path, metrics, timing, flushed: Instant::now() })
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
        self.file("config.toml", &config.to_toml())?;
        if refused.is_empty() {
            return Ok(());
        }
        let rows = refused.iter().map(|file| (file.name.as_str(), file.reason.as_str()));
        self.file("refused.csv", &refused_table(rows))
    }

    pub fn step(&mut self, point: &StepPoint) -> Result<(), FolderError> {
        let StepPoint { step, epoch, loss, top1_error, top5_error, lr } = point;
        let row = format!("{step},{epoch:.6},train,{loss:.8},{top1_error:.6},{top5_error:.6},{lr}");
        writeln!(self.metrics, "{row}").map_err(|reason| self.failed(reason))
    }

    pub fn evaluation(&mut self, point: &EvaluationPoint) -> Result<(), FolderError> {
        let EvaluationPoint { step, epoch, loss, top1_error, top5_error, .. } = point;
        let row = format!("{step},{epoch:.6},validation,{loss:.8},{top1_error:.6},{top5_error:.6},");
        writeln!(self.metrics, "{row}").map_err(|reason| self.failed(reason))?;
        self.flush()
    }

    pub fn timing(
        &mut self,
        step: u64,
        took: Duration,
        images: usize,
        waited: Duration,
    ) -> Result<(), FolderError> {
        let seconds = took.as_secs_f64();
        let speed = images as f64 / seconds.max(1e-9);
        let row = format!("{step},{seconds:.6},{speed:.1},{:.6}", waited.as_secs_f64());
        writeln!(self.timing, "{row}").map_err(|reason| self.failed(reason))?;
        if self.flushed.elapsed() > FLUSH { self.flush() } else { Ok(()) }
    }

    pub fn flush(&mut self) -> Result<(), FolderError> {
        self.flushed = Instant::now();
        self.metrics.flush().and_then(|()| self.timing.flush()).map_err(|reason| self.failed(reason))
    }

    /// Writes the rates that a search has tried to `rates.csv`, and returns its path.
    pub fn rates(&self, points: &[RatePoint]) -> Result<PathBuf, FolderError> {
        let row = |p: &RatePoint| format!("{:e},{:.8},{:.8}\n", p.rate, p.loss, p.smooth);
        self.file(
            "rates.csv",
            &format!("rate,loss,smoothed_loss\n{}", points.iter().map(row).collect::<String>()),
        )?;
        Ok(self.path.join("rates.csv"))
    }

    /// Takes back the tables of updates, because none were made, and leaves the rest of the folder.
    pub fn without_tables(self) -> PathBuf {
        let Self { path, metrics, timing, .. } = self;
        drop((metrics, timing));
        for name in ["metrics.csv", "timing.csv"] {
            // What cannot be removed is an empty file that harms nobody.
            let _ = fs::remove_file(path.join(name));
        }
        path
    }

    /// Takes back a folder in which nothing happened. One that holds anything else stays.
    pub fn discard(self) {
        let _ = fs::remove_dir(self.without_tables());
    }

    /// Writes a text file into the folder.
    pub fn file(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        fs::write(&path, text).map_err(|reason| FolderError::Write { path, reason })
    }

    fn failed(&self, reason: io::Error) -> FolderError {
        FolderError::Write { path: self.path.clone(), reason }
    }
}

fn create(path: &Path) -> Result<BufWriter<File>, FolderError> {
    match File::create(path) {
        Ok(file) => Ok(BufWriter::new(file)),
        Err(reason) => Err(FolderError::Make { path: path.into(), reason }),
    }
}

/// `runs` where the program was started, or in the user's documents if that place cannot be written.
fn runs_root() -> Result<PathBuf, FolderError> {
    let here = PathBuf::from("runs");
    let Err(reason) = fs::create_dir_all(&here) else { return Ok(here) };
    let elsewhere =
        dirs::document_dir().or_else(dirs::home_dir).map(|folder| folder.join("alexnet-lab-runs"));
    match elsewhere {
        Some(folder) if fs::create_dir_all(&folder).is_ok() => Ok(folder),
        _ => Err(FolderError::Make { path: here, reason }),
    }
}

/// The next free number, as in `runs/0007-alexnet-64-sample`.
fn numbered(root: &Path, model: &str, source: &str) -> Result<PathBuf, FolderError> {
    let failed = |reason| FolderError::Make { path: root.into(), reason };
    let taken = fs::read_dir(root)
        .map_err(failed)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().split('-').next()?.parse::<u32>().ok());
    let mut number = taken.max().unwrap_or(0) + 1;
    let source = Path::new(source).file_stem().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let source: String =
        source.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
    loop {
        let path = root.join(format!("{number:04}-{model}-{source}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Another program was quicker.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(reason) => return Err(failed(reason)),
        }
    }
}
