//! The tables of a run folder: rows are appended, and the sum of all bytes is kept, so that a checkpoint can say
//! up to where a table belongs to it. Rows that cannot be written wait in memory, byte for byte, until they can.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::train::checkpoint::Mark;
use crate::vis::{EvaluationPoint, History, StepPoint};

/// First row of `metrics.csv`.
pub(super) const METRICS: &str = "step,epoch,split,loss,top1_error,top5_error,lr";
/// First row of `timing.csv`.
pub(super) const TIMING: &str = "step,seconds,images_per_s,wait_for_data_s";

/// A table being written to.
pub(super) struct Table<F = File> {
    file: F,
    /// Bytes of all rows, those that wait included.
    bytes: u64,
    sum: crc32fast::Hasher,
    /// Rows, or the rest of one, that are not in the file yet.
    waiting: Vec<u8>,
}

impl<F: Write> Table<F> {
    fn new(file: F, header: &str) -> Self {
        let mut table = Self { file, bytes: 0, sum: crc32fast::Hasher::new(), waiting: Vec::new() };
        table.row(header);
        table
    }

    /// Appends a row. It is in the file after the next [`flush`](Self::flush) that succeeds.
    pub fn row(&mut self, row: &str) {
        let line = format!("{row}\n");
        self.sum.update(line.as_bytes());
        self.bytes += line.len() as u64;
        self.waiting.extend_from_slice(line.as_bytes());
    }

    /// Writes the rows that wait.
    ///
    /// # Errors
    /// What the file system says. What it did not take waits on, and nothing is written twice.
    pub fn flush(&mut self) -> io::Result<()> {
        let mut written = 0;
        let mut result = Ok(());
        while written < self.waiting.len() && result.is_ok() {
            match self.file.write(&self.waiting[written..]) {
                Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => result = Err(e),
            }
        }
        self.waiting.drain(..written);
        result
    }

    /// All rows so far. They are in the file after a [`flush`](Self::flush).
    pub fn mark(&self) -> Mark {
        Mark { bytes: self.bytes, crc32: self.sum.clone().finalize() }
    }
}

impl Table {
    /// A new table.
    pub fn create(path: &Path, header: &str) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut table = Self::new(file, header);
        table.flush()?;
        Ok(table)
    }

    /// Goes on after the rows up to `mark` and cuts off what stands behind them.
    pub fn go_on(path: &Path, mark: Mark) -> io::Result<Self> {
        let mut file = File::options().read(true).write(true).open(path)?;
        file.set_len(mark.bytes)?;
        file.seek(SeekFrom::End(0))?;
        let sum = crc32fast::Hasher::new_with_initial_len(mark.crc32, mark.bytes);
        Ok(Self { file, bytes: mark.bytes, sum, waiting: Vec::new() })
    }

    /// Takes the file at `path` in place of the one that was written to, which was removed or cannot be reached any
    /// more. If that holds other bytes, as after a loss of power, it is made [anew](Self::anew); true: that was so.
    ///
    /// # Errors
    /// Neither is possible; everything stays as it was then.
    pub fn restore(&mut self, path: &Path, told: impl FnOnce() -> Option<String>) -> io::Result<bool> {
        let written = self.written();
        if let Ok(mut file) = File::options().read(true).write(true).open(path)
            && self.read_from(&mut file).is_ok()
        {
            file.set_len(written)?;
            file.seek(SeekFrom::End(0))?;
            self.file = file;
            return Ok(false);
        }
        *self = self.anew(path, told)?;
        Ok(true)
    }

    /// Another table at `path` with all of these rows, those that wait included. What cannot be read any more, because
    /// the disk is gone, is `told` from memory: a whole table with its first row.
    pub fn anew(&mut self, path: &Path, told: impl FnOnce() -> Option<String>) -> io::Result<Self> {
        let create = || File::options().read(true).write(true).create(true).truncate(true).open(path);
        let read = self.file.try_clone().and_then(|mut file| self.read_from(&mut file));
        self.file.seek(SeekFrom::Start(self.written())).ok();
        let mut table = match read {
            Ok(rows) => {
                let mut file = create()?;
                file.write_all(&rows)?;
                let (sum, waiting) = (self.sum.clone(), self.waiting.clone());
                Self { file, bytes: self.bytes, sum, waiting }
            }
            Err(error) => {
                let rows = told().ok_or(error)?;
                Self::new(create()?, rows.trim_end_matches('\n'))
            }
        };
        table.flush()?;
        Ok(table)
    }

    /// Bytes that are in the file.
    fn written(&self) -> u64 {
        self.bytes - self.waiting.len() as u64
    }

    /// What was written, if it stands at the beginning of `file`. A file without a name can still be read where the
    /// system lets it be removed.
    fn read_from(&self, file: &mut File) -> io::Result<Vec<u8>> {
        let mut rows = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(self.written()).read_to_end(&mut rows)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(&rows);
        sum.update(&self.waiting);
        let whole = rows.len() as u64 == self.written() && sum.finalize() == self.mark().crc32;
        if whole { Ok(rows) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// A second handle on the file, to flush it to the disk elsewhere.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }
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

/// `metrics.csv` as the curves of a run tell it: byte for byte as long as they hold every point.
pub(super) fn metrics_from(history: &History) -> String {
    let mut text = format!("{METRICS}\n");
    let mut evaluations = history.evaluations.iter().peekable();
    let mut before = |step: u64, text: &mut String| {
        while let Some(point) = evaluations.next_if(|point| point.step < step) {
            text.push_str(&evaluation_row(point));
            text.push('\n');
        }
    };
    for point in history.steps.iter() {
        before(point.step, &mut text);
        text.push_str(&step_row(point));
        text.push('\n');
    }
    before(u64::MAX, &mut text);
    text
}

/// The path of a table in a run folder.
pub(super) fn metrics_of(run: &Path) -> PathBuf {
    run.join("metrics.csv")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file on a disk with room for so many bytes.
    struct Disk {
        room: usize,
        bytes: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room);
            if taken == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= taken;
            self.bytes.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_byte_is_lost_or_written_twice_wherever_a_disk_fills_up() {
        let rows = ["first", "the second", "3", "and the last one"];
        let whole = rows.iter().map(|row| format!("{row}\n")).collect::<String>();
        for room in 0..whole.len() {
            let mut table = Table::new(Disk { room, bytes: Vec::new() }, rows[0]);
            for row in &rows[1..] {
                let full = table.flush().is_err_and(|e| e.kind() == io::ErrorKind::StorageFull);
                assert_eq!(full, table.bytes > room as u64);
                table.row(row);
            }
            assert!(table.flush().is_err(), "{room}");
            assert_eq!(table.file.bytes, whole.as_bytes()[..room]);
            table.file.room = 1000;
            table.flush().expect("there is room");
            assert_eq!(table.file.bytes, whole.as_bytes(), "{room}");
            assert_eq!(table.mark(), Mark::of(whole.as_bytes()));
        }
    }

    #[test]
    fn a_table_that_was_removed_comes_back_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("table.csv");
        let mut table = Table::create(&path, "header").expect("it can be made");
        table.row("written");
        table.flush().expect("it can be written");
        table.row("waiting");
        let stays = fs::rename(&path, folder.path().join("elsewhere")).is_err();
        if !stays {
            assert!(table.restore(&path, || None).expect("it can be made again"));
        }
        table.flush().expect("it can be written");
        assert!(!table.restore(&path, || None).expect("it is there"));
        table.row("last");
        table.flush().expect("it can be written");
        let text = fs::read_to_string(&path).expect("it is there");
        assert_eq!(text, "header\nwritten\nwaiting\nlast\n");
        assert_eq!(table.mark(), Mark::of(text.as_bytes()));
        table.row("and one");
        let copy = folder.path().join("copy.csv");
        table.anew(&copy, || None).expect("it can be made");
        assert_eq!(fs::read_to_string(&copy).expect("it is there"), text + "and one\n");
    }

    #[test]
    fn a_table_whose_bytes_are_lost_is_told_from_memory() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("table.csv");
        let point = |step: u64| StepPoint {
            step,
            epoch: step as f64 / 2.0,
            loss: 2.25,
            top1_error: 0.5,
            top5_error: 0.25,
            lr: 0.01,
        };
        let evaluation = |step: u64| EvaluationPoint {
            step,
            epoch: step as f64 / 2.0,
            loss: 2.5,
            top1_error: 0.75,
            top5_error: 0.5,
            n: 10,
        };
        let mut history = History::default();
        let mut table = Table::create(&path, METRICS).expect("it can be made");
        for step in 1..=5 {
            table.row(&step_row(&point(step)));
            history.steps.push(point(step));
            if step % 2 == 0 {
                table.row(&evaluation_row(&evaluation(step)));
                history.evaluations.push(evaluation(step));
            }
            if step < 5 {
                table.flush().expect("it can be written");
            }
        }
        let mark = table.mark();
        // What a disk that was taken out may have in the place of what never reached it.
        fs::write(&path, vec![0; fs::metadata(&path).expect("it is there").len() as usize]).expect("written");
        assert!(table.restore(&path, || None).is_err());
        assert_eq!(table.mark(), mark, "everything stays");
        assert!(table.restore(&path, || Some(metrics_from(&history))).expect("it can be made"));
        assert_eq!(
            Mark::of(&fs::read(&path).expect("it is there")),
            mark,
            "every byte, those that waited as well"
        );
        table.row("last");
        table.flush().expect("it can be written");
        assert!(fs::read_to_string(&path).expect("it is there").ends_with("last\n"));
    }
}
