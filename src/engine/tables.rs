//! The tables of a run folder: rows are appended, and the sum of all bytes is kept, so that a checkpoint can say
//! up to where a table belongs to it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::train::checkpoint::Mark;
use crate::vis::{EvaluationPoint, History, StepPoint};

/// First row of `metrics.csv`.
pub(super) const METRICS: &str = "step,epoch,split,loss,top1_error,top5_error,lr";
/// First row of `timing.csv`.
pub(super) const TIMING: &str = "step,seconds,images_per_s,wait_for_data_s";

/// A table being written to.
pub(super) struct Table {
    file: BufWriter<File>,
    bytes: u64,
    sum: crc32fast::Hasher,
}

impl Table {
    /// A new table.
    pub fn create(path: &Path, header: &str) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let mut table = Self { file, bytes: 0, sum: crc32fast::Hasher::new() };
        table.row(header)?;
        Ok(table)
    }

    /// Goes on after the rows up to `mark` and cuts off what stands behind them.
    pub fn go_on(path: &Path, mark: Mark) -> io::Result<Self> {
        let mut file = File::options().write(true).open(path)?;
        file.set_len(mark.bytes)?;
        file.seek(SeekFrom::End(0))?;
        let sum = crc32fast::Hasher::new_with_initial_len(mark.crc32, mark.bytes);
        Ok(Self { file: BufWriter::new(file), bytes: mark.bytes, sum })
    }

    pub fn row(&mut self, row: &str) -> io::Result<()> {
        let line = format!("{row}\n");
        self.file.write_all(line.as_bytes())?;
        self.sum.update(line.as_bytes());
        self.bytes += line.len() as u64;
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// All rows so far. They are in the file after a [`flush`](Self::flush).
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes, crc32: self.sum.clone().finalize() }
    }

    /// A second handle on the file, to flush it to the disk elsewhere.
    pub fn handle(&self) -> io::Result<File> {
        self.file.get_ref().try_clone()
    }
}

/// Reads the beginning of a table up to `mark`, or says why it is not there any more.
pub(super) fn read_marked(path: &Path, mark: Mark) -> Result<String, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("{name} is missing"),
        _ => format!("{name} cannot be read ({e})"),
    })?;
    let mut bytes = Vec::new();
    file.take(mark.bytes).read_to_end(&mut bytes).map_err(|e| format!("{name} cannot be read ({e})"))?;
    if (bytes.len() as u64) < mark.bytes {
        return Err(format!("{name} has {} bytes instead of at least {}", bytes.len(), mark.bytes));
    }
    let changed = || format!("{name} has changed since it was written");
    if Mark::of(&bytes) != mark { Err(changed()) } else { String::from_utf8(bytes).map_err(|_| changed()) }
}

/// Whether a table holds no row besides its first.
pub(super) fn is_empty(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().count() <= 1)
}

/// The row of an update.
pub(super) fn step_row(point: &StepPoint) -> String {
    let StepPoint { step, epoch, loss, top1_error, top5_error, lr } = point;
    format!("{step},{epoch:.6},train,{loss:.8},{top1_error:.6},{top5_error:.6},{lr}")
}

/// The row of a validation.
pub(super) fn evaluation_row(point: &EvaluationPoint) -> String {
    let EvaluationPoint { step, epoch, loss, top1_error, top5_error, .. } = point;
    format!("{step},{epoch:.6},validation,{loss:.8},{top1_error:.6},{top5_error:.6},")
}

/// A row of `metrics.csv`.
pub(super) enum Row {
    Step(StepPoint),
    Evaluation(EvaluationPoint),
}

/// Reads a row of `metrics.csv`, with `pictures` in a validation; none if it makes no sense.
pub(super) fn row(line: &str, pictures: usize) -> Option<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    let [step, epoch, split, loss, top1_error, top5_error, lr] = fields[..] else { return None };
    let number = |text: &str| text.parse::<f64>().ok();
    let (step, epoch, loss) = (step.parse().ok()?, number(epoch)?, number(loss)?);
    let (top1_error, top5_error) = (number(top1_error)?, number(top5_error)?);
    match split {
        "train" => Some(Row::Step(StepPoint { step, epoch, loss, top1_error, top5_error, lr: number(lr)? })),
        "validation" => {
            let point = EvaluationPoint { step, epoch, loss, top1_error, top5_error, n: pictures };
            Some(Row::Evaluation(point))
        }
        _ => None,
    }
}

/// The curves that rows of `metrics.csv` tell of, with `pictures` in every validation. Rows that make no sense
/// are left out.
pub(super) fn history(text: &str, pictures: usize) -> History {
    let mut history = History::default();
    for row in text.lines().skip(1).filter_map(|line| row(line, pictures)) {
        match row {
            Row::Step(point) => history.steps.push(point),
            Row::Evaluation(point) => history.evaluations.push(point),
        }
    }
    history
}

/// The path of a table in a run folder.
pub(super) fn metrics_of(run: &Path) -> PathBuf {
    run.join("metrics.csv")
}
