//! Reading `metrics.csv` back: whether it is still as it was written, and the curves that it tells of.
//!
//! All of it is compared with its sum, which takes as long as reading it; its rows are not all taken apart,
//! so that a run of a million updates opens almost as fast as one of a thousand.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::tables::METRICS;
use crate::train::checkpoint::Mark;
use crate::vis::{EvaluationPoint, History, StepPoint};

/// Why the beginning of a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableFault {
    pub reason: String,
    /// Of the disk and not of the table: another attempt may succeed.
    pub passing: bool,
}

/// Rows of a long table that are looked at for its curves; of more, every so many-th.
const ROWS_READ: u64 = 1 << 16;
/// Length of a row, about.
const ROW_BYTES: u64 = 56;
/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Checks that the beginning of a table up to `mark` is there as it was written.
pub(super) fn check(path: &Path, mark: Mark) -> Result<(), TableFault> {
    scan(path, mark, |_| {})
}

/// Checks the rows of `metrics.csv` up to `mark`, and returns the curves that they tell of, with `pictures` in every
/// validation. A long table is not read row by row: of a million updates, some ten thousand make the same curve.
pub(super) fn history(path: &Path, mark: Mark, pictures: usize) -> Result<History, TableFault> {
    let mut curves = Curves::of(mark.bytes, pictures);
    scan(path, mark, |chunk| curves.take(chunk))?;
    Ok(curves.end())
}

/// The curves that the rows of `metrics.csv` tell of, as many as are there: its run may be going on. A last row that
/// is being written is left out.
pub(super) fn so_far(path: &Path, pictures: usize) -> io::Result<History> {
    let mut file = File::open(path)?;
    let mut curves = Curves::of(file.metadata()?.len(), pictures);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(curves.end()),
            read => curves.take(&chunk[..read]),
        }
    }
}

/// Hands the beginning of a table up to `mark` to `take`, piece by piece, and compares its sum at the end.
fn scan(path: &Path, mark: Mark, mut take: impl FnMut(&[u8])) -> Result<(), TableFault> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lasting = |reason| TableFault { reason, passing: false };
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => lasting(format!("{name} is missing")),
        _ => TableFault { reason: format!("{name} cannot be read ({e})"), passing: true },
    };
    let mut file = File::open(path).map_err(unreadable)?.take(mark.bytes);
    let (mut found, mut sum) = (0, crc32fast::Hasher::new());
    let mut chunk = vec![0; CHUNK.min(usize::try_from(mark.bytes).unwrap_or(CHUNK)).max(1)];
    loop {
        let read = file.read(&mut chunk).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        found += read as u64;
        sum.update(&chunk[..read]);
        take(&chunk[..read]);
    }
    if found < mark.bytes {
        return Err(lasting(format!("{name} has {found} bytes instead of at least {}", mark.bytes)));
    }
    if sum.finalize() != mark.crc32 {
        return Err(lasting(format!("{name} has changed since it was written")));
    }
    Ok(())
}

/// Curves in the making.
struct Curves {
    history: History,
    pictures: usize,
    /// Of the updates, every so many-th is looked at.
    every: u64,
    row: u64,
    /// The row that the last piece ended in.
    half: Vec<u8>,
    /// The last update if it was not looked at.
    passed_by: Vec<u8>,
}

impl Curves {
    /// Those of a table of so many bytes, with `pictures` in every validation.
    fn of(bytes: u64, pictures: usize) -> Self {
        Self {
            history: History::default(),
            pictures,
            every: (bytes / ROW_BYTES / ROWS_READ).max(1),
            row: 0,
            half: Vec::new(),
            passed_by: Vec::new(),
        }
    }

    fn take(&mut self, chunk: &[u8]) {
        let Some(end) = chunk.iter().rposition(|&byte| byte == b'\n') else {
            self.half.extend(chunk);
            return;
        };
        let half = std::mem::take(&mut self.half);
        let mut rows = chunk[..end].split(|&byte| byte == b'\n');
        if let Some(rest) = rows.next() {
            self.row(&[half.as_slice(), rest].concat());
        }
        rows.for_each(|row| self.row(row));
        self.half = chunk[end + 1..].to_vec();
    }

    /// Rows that make no sense are left out.
    fn row(&mut self, row: &[u8]) {
        // A validation has no rate: the last field of its row is empty.
        let validation = row.ends_with(b",");
        if !validation {
            self.row += 1;
        }
        if validation || self.row.is_multiple_of(self.every) {
            self.add(row);
        }
        if !validation {
            self.passed_by.clear();
            if !self.row.is_multiple_of(self.every) {
                self.passed_by.extend(row);
            }
        }
    }

    fn add(&mut self, line: &[u8]) {
        match std::str::from_utf8(line).ok().and_then(|line| row(line, self.pictures)) {
            Some(Row::Step(point)) => self.history.steps.push(point),
            Some(Row::Evaluation(point)) => self.history.evaluations.push(point),
            None => {}
        }
    }

    fn end(mut self) -> History {
        let last = std::mem::take(&mut self.passed_by);
        self.add(&last);
        self.history
    }
}

/// A row of `metrics.csv`.
pub(super) enum Row {
    Step(StepPoint),
    Evaluation(EvaluationPoint),
}

/// Reads a row of `metrics.csv`, with `pictures` in a validation; none if it makes no sense.
pub(super) fn row(line: &str, pictures: usize) -> Option<Row> {
    let mut fields = line.split(',');
    let mut next = || fields.next();
    let (step, epoch, split) = (next()?.parse().ok()?, next()?, next()?);
    let number = |text: &str| text.parse::<f64>().ok();
    let (epoch, loss) = (number(epoch)?, number(next()?)?);
    let (top1_error, top5_error, lr) = (number(next()?)?, number(next()?)?, number(next()?));
    match (split, lr) {
        ("train", Some(lr)) => Some(Row::Step(StepPoint { step, epoch, loss, top1_error, top5_error, lr })),
        ("validation", _) => {
            let point = EvaluationPoint { step, epoch, loss, top1_error, top5_error, n: pictures };
            Some(Row::Evaluation(point))
        }
        _ => None,
    }
}

/// Whether a table holds no row besides its first.
pub(super) fn is_empty(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2 * METRICS.len() as u64).read_to_end(&mut start));
    read.is_ok() && start.split(|&byte| byte == b'\n').filter(|row| !row.is_empty()).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tables;

    fn table(path: &Path, updates: u64) -> Mark {
        let mut text = format!("{}\n", tables::METRICS);
        for step in 1..=updates {
            let epoch = step as f64 / 10.0;
            let point = StepPoint { step, epoch, loss: 2.5, top1_error: 0.5, top5_error: 0.25, lr: 0.01 };
            text += &(tables::step_row(&point) + "\n");
            if step % 10 == 0 {
                let (loss, top1_error) = (2.0, 1.0 - step as f64 / 1e6);
                let point = EvaluationPoint { step, epoch, loss, top1_error, top5_error: 0.1, n: 7 };
                text += &(tables::evaluation_row(&point) + "\n");
            }
        }
        std::fs::write(path, &text).expect("it can be written");
        Mark::of(text.as_bytes())
    }

    #[test]
    fn rows_come_back_as_curves() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.csv");
        let mark = table(&path, 100);
        let curves = history(&path, mark, 7).expect("it was just written");
        assert_eq!(curves.steps.iter().map(|p| p.step).collect::<Vec<_>>(), (1..=100).collect::<Vec<_>>());
        assert_eq!((curves.evaluations.len(), curves.evaluations[9].step), (10, 100));
        assert_eq!((curves.steps[4].loss, curves.steps[4].lr, curves.evaluations[0].n), (2.5, 0.01, 7));
        // Rows behind the mark belong to nobody.
        std::fs::write(&path, [std::fs::read(&path).expect("a table"), b"101,1,t".to_vec()].concat())
            .expect("it can be written");
        assert_eq!(history(&path, mark, 7).expect("the beginning is as it was"), curves);
        assert_eq!(so_far(&path, 7).expect("it is there"), curves, "half a row is none");
        let cut = Mark { bytes: mark.bytes + 100, ..mark };
        assert!(history(&path, cut, 7).expect_err("it is too short").reason.contains("instead of"));
        let other = Mark { crc32: mark.crc32 ^ 1, ..mark };
        assert!(history(&path, other, 7).expect_err("it has changed").reason.contains("has changed"));
        let missing = history(&folder.path().join("none"), mark, 7).expect_err("there is none");
        assert!(!missing.passing && missing.reason.contains("missing"));
    }

    #[test]
    fn a_long_table_gives_its_whole_curve_and_every_tenth_validation_stays_the_best() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("metrics.csv");
        let mark = table(&path, 300_000);
        let curves = history(&path, mark, 7).expect("it was just written");
        assert!(curves.steps.len() > 1000 && curves.steps.len() <= crate::vis::MAX_POINTS);
        assert!(curves.steps[0].step < 200 && curves.steps.last().is_some_and(|last| last.step == 300_000));
        assert_eq!(curves.best().map(|best| best.step), Some(300_000));
    }
}
