//! The tables of a run folder: rows are appended, and the sum of all bytes is kept, so that a checkpoint can say
//! up to where a table belongs to it. Rows that cannot be written wait in memory, byte for byte, until they can.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::train::checkpoint::Mark;
use crate::vis::{EvaluationPoint, StepPoint};

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
    /// more. If there is none, one is made with everything that was written so far, as far as that can still be read.
    ///
    /// # Errors
    /// Neither is possible; everything stays as it was then.
    pub fn restore(&mut self, path: &Path) -> io::Result<()> {
        let written = self.bytes - self.waiting.len() as u64;
        let there = File::options().read(true).write(true).open(path);
        let whole = there.ok().filter(|file| file.metadata().is_ok_and(|found| found.len() >= written));
        let mut file = match whole {
            Some(file) => {
                file.set_len(written)?;
                file
            }
            None => {
                let rows = self.written(written)?;
                let mut file =
                    File::options().read(true).write(true).create(true).truncate(true).open(path)?;
                file.write_all(&rows)?;
                file
            }
        };
        file.seek(SeekFrom::End(0))?;
        self.file = file;
        Ok(())
    }

    /// The first bytes of the file. One without a name can still be read where the system lets it be removed.
    fn written(&mut self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut rows = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        let read = (&self.file).take(bytes).read_to_end(&mut rows);
        self.file.seek(SeekFrom::End(0))?;
        if read? as u64 == bytes { Ok(rows) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Another table at `path` with all of these rows, those that wait included.
    pub fn copy(&mut self, path: &Path) -> io::Result<Self> {
        let mut rows = self.written(self.bytes - self.waiting.len() as u64)?;
        rows.extend_from_slice(&self.waiting);
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        file.write_all(&rows)?;
        Ok(Self { file, bytes: self.bytes, sum: self.sum.clone(), waiting: Vec::new() })
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
            table.restore(&path).expect("it can be made again");
        }
        table.flush().expect("it can be written");
        table.restore(&path).expect("it is there");
        table.row("last");
        table.flush().expect("it can be written");
        let text = fs::read_to_string(&path).expect("it is there");
        assert_eq!(text, "header\nwritten\nwaiting\nlast\n");
        assert_eq!(table.mark(), Mark::of(text.as_bytes()));
        table.row("and one");
        let copy = folder.path().join("copy.csv");
        table.copy(&copy).expect("it can be made");
        assert_eq!(fs::read_to_string(&copy).expect("it is there"), text + "and one\n");
    }
}
