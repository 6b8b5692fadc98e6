//! The film of a run: the first layer's kernels at chosen updates, in `film.bin` of its folder.
//!
//! Which updates is decided by the length of the run alone, so that a film has at most [`FRAMES`] pictures however
//! long the run is, and so that a run that was interrupted gets the same film as one that was not. They stand
//! close together at the beginning, when the kernels change most: frame `i` is taken after `total (i / FRAMES)²`
//! updates.
//!
//! ```text
//! "kernel film 1\n"  kernels side columns (u32)  { step (u64)  weights (f32 ...)  crc32 of both (u32) } ...
//! ```
//! All numbers are little-endian. A frame that was cut off or damaged ends the film.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::vis::FilterGrid;

/// The film in a run folder.
pub(super) const FILM: &str = "film.bin";
/// Frames of a film at most, besides the first weights.
const FRAMES: u64 = 192;
const MAGIC: &[u8; 14] = b"kernel film 1\n";
const HEADER: u64 = MAGIC.len() as u64 + 12;
/// Weights of a frame that are believed; the paper's first layer has 34,848.
const MOST_WEIGHTS: usize = 4 << 20;
/// Bytes of frames that are kept in memory.
const KEPT_BYTES: usize = 64 << 20;

/// Updates after which the next frame is due, if `step` have been made of `total`. None at the end.
fn next_after(step: u64, total: u64) -> Option<u64> {
    let place = |i: u64| (total as f64 * (i as f64 / FRAMES as f64).powi(2)).ceil() as u64;
    let near = (FRAMES as f64 * (step as f64 / total.max(1) as f64).sqrt()) as u64;
    (near.saturating_sub(1)..=FRAMES).map(place).find(|&due| due > step && due <= total)
}

/// Takes the frames of a run. All of them stay in memory too (27 MB for the paper's network), so that a film whose disk
/// is full, was taken out or has died is whole again wherever it can be written next.
pub(super) struct Recorder {
    path: PathBuf,
    total: u64,
    /// When the next one is due.
    next: Option<u64>,
    /// None before the first frame, and after one that could not be written.
    file: Option<File>,
    /// Bytes of whole frames in the file, with what stands before them.
    whole: u64,
    frames: Vec<FilterGrid>,
    /// How many of these are in the file, and the update of the last one there.
    written: usize,
    last_written: Option<u64>,
}

impl Recorder {
    /// A recorder for the run in `folder`, of `total` updates. Of an earlier part of it, the frames up to `step`
    /// are kept.
    pub fn new(folder: &Path, step: u64, total: u64) -> Self {
        let path = folder.join(FILM);
        let kept = keep_until(&path, step).ok().flatten();
        let (file, whole, frames) =
            kept.map_or((None, 0, Vec::new()), |(file, end, kept)| (Some(file), end, kept));
        let last_written = frames.last().map(|grid| grid.step);
        // Every frame up to here was taken when it was due.
        let next = if last_written.is_some() { next_after(step, total) } else { Some(step) };
        let written = frames.len();
        let mut recorder = Self { path, total, next, file, whole, frames, written, last_written };
        recorder.forget();
        recorder
    }

    /// Whether a frame is due after `step` updates.
    pub fn due(&self, step: u64) -> bool {
        self.next.is_some_and(|next| step >= next)
    }

    /// Takes a frame, and writes it with those that wait.
    ///
    /// # Errors
    /// Why they could not be written; they go on waiting.
    pub fn take(&mut self, grid: &FilterGrid) -> io::Result<()> {
        self.next = next_after(grid.step, self.total);
        self.frames.push(grid.clone());
        self.write()
    }

    /// Writes the frames that wait, and all of them where the film was removed.
    ///
    /// # Errors
    /// Why they could not be written; they go on waiting.
    pub fn write(&mut self) -> io::Result<()> {
        let all_written = self.written == self.frames.len() && self.path.is_file();
        if self.frames.is_empty() || all_written {
            return Ok(());
        }
        let mut file = match self.file.take().filter(|_| self.path.is_file()) {
            Some(file) => file,
            None => self.open()?,
        };
        while let Some(grid) = self.frames.get(self.written) {
            let bytes = frame(grid);
            if let Err(error) = file.write_all(&bytes) {
                // Half a frame would end the film for whoever reads it. Opened again, the file is cut there as well.
                let _ = file.set_len(self.whole);
                return Err(error);
            }
            self.whole += bytes.len() as u64;
            self.last_written = Some(grid.step);
            self.written += 1;
        }
        self.file = Some(file);
        self.forget();
        Ok(())
    }

    /// Opens the film behind what has been written of it. One that does not hold all of that, or is not there, begins
    /// again with the frames in memory.
    fn open(&mut self) -> io::Result<File> {
        if let Some(last) = self.last_written
            && let Ok(Some((file, end, kept))) = keep_until(&self.path, last)
            && kept.last().is_some_and(|grid| grid.step == last)
        {
            self.whole = end;
            return Ok(file);
        }
        (self.written, self.last_written) = (0, None);
        self.whole = HEADER;
        begin(&self.path, &self.frames[0])
    }

    /// Of a first layer far larger than the paper's, the film is in its file alone.
    fn forget(&mut self) {
        let bytes: usize = self.frames.iter().map(|grid| size_of_val(grid.weights.as_slice())).sum();
        if bytes > KEPT_BYTES {
            self.frames.drain(..self.written);
            self.written = 0;
        }
    }

    /// Goes on in another folder, with all frames that are in memory.
    pub fn move_to(&mut self, folder: &Path) {
        (self.path, self.file) = (folder.join(FILM), None);
        (self.written, self.last_written) = (0, None);
        if let Err(error) = self.write() {
            log::info!("the film waits to be written to `{}`: {error}", self.path.display());
        }
    }
}

/// A frame as it stands in the file.
fn frame(grid: &FilterGrid) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12 + 4 * grid.weights.len());
    bytes.extend(grid.step.to_le_bytes());
    bytes.extend(grid.weights.iter().flat_map(|weight| weight.to_le_bytes()));
    let sum = crc32fast::hash(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// Makes an empty film for frames like `grid`, in place of what is there.
fn begin(path: &Path, grid: &FilterGrid) -> io::Result<File> {
    let mut header = MAGIC.to_vec();
    for number in [grid.kernels, grid.side, grid.columns] {
        header.extend((number as u32).to_le_bytes());
    }
    let mut file = File::create(path)?;
    file.write_all(&header)?;
    Ok(file)
}

/// Cuts a film after its last frame that is whole and not later than `step`, and opens it to go on. Returns its length
/// and its frames, too; nothing if there is no film.
fn keep_until(path: &Path, step: u64) -> io::Result<Option<(File, u64, Vec<FilterGrid>)>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut reader = Reader::open(path)?;
    let mut frames = Vec::new();
    while let Some(grid) = reader.next()?.filter(|grid| grid.step <= step) {
        frames.push(grid);
    }
    let end = HEADER + frames.len() as u64 * reader.frame_bytes();
    let mut file = File::options().write(true).open(path)?;
    file.set_len(end)?;
    file.seek(SeekFrom::End(0))?;
    Ok(Some((file, end, frames)))
}

struct Reader {
    file: BufReader<File>,
    kernels: usize,
    side: usize,
    columns: usize,
}

impl Reader {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        let mut number = || {
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes).map(|()| u32::from_le_bytes(bytes) as usize)
        };
        let (kernels, side, columns) = (number()?, number()?, number()?);
        let weights = kernels.checked_mul(3).and_then(|n| n.checked_mul(side.checked_mul(side)?));
        let sensible = weights.is_some_and(|n| (1..=MOST_WEIGHTS).contains(&n)) && columns > 0;
        if &magic != MAGIC || !sensible {
            return Err(io::Error::other("it is no film of kernels"));
        }
        Ok(Self { file, kernels, side, columns })
    }

    fn weights(&self) -> usize {
        self.kernels * 3 * self.side * self.side
    }

    fn frame_bytes(&self) -> u64 {
        12 + 4 * self.weights() as u64
    }

    /// The next whole frame.
    fn next(&mut self) -> io::Result<Option<FilterGrid>> {
        let mut bytes = vec![0; self.frame_bytes() as usize];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(e) => return Err(e),
        }
        let (content, sum) = bytes.split_at(bytes.len() - 4);
        if crc32fast::hash(content).to_le_bytes() != sum {
            return Ok(None);
        }
        let (step, weights) = content.split_at(8);
        Ok(Some(FilterGrid {
            step: u64::from_le_bytes(step.try_into().expect("eight bytes were split off")),
            weights: weights
                .chunks_exact(4)
                .map(|w| f32::from_le_bytes(w.try_into().expect("chunks of four bytes")))
                .collect(),
            kernels: self.kernels,
            side: self.side,
            columns: self.columns,
        }))
    }
}

/// The film in a run folder, oldest frame first. Reads the disk: not for the window's thread.
///
/// # Errors
/// There is none, or it cannot be read; with the file's name.
pub fn film(run: &Path) -> Result<Vec<FilterGrid>, String> {
    let path = run.join(FILM);
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => {
            format!(
                "there is no film in `{}`; choose the folder of a run that was made with this program",
                run.display()
            )
        }
        _ => format!("the film `{}` cannot be read: {e}", path.display()),
    };
    let mut reader = Reader::open(&path).map_err(failed)?;
    let mut frames = Vec::new();
    // A branch begins with a frame of its own, so that there can be one more.
    while frames.len() < FRAMES as usize + 2
        && let Some(grid) = reader.next().map_err(failed)?
    {
        frames.push(grid);
    }
    Ok(frames)
}

/// The newest kernels in the film of a run, read without the frames before them; none if there is no film or its last
/// frame is damaged. Reads the disk: not for the window's thread.
pub fn newest_kernels(run: &Path) -> Option<FilterGrid> {
    let mut reader = Reader::open(&run.join(FILM)).ok()?;
    let frames = reader.file.get_ref().metadata().ok()?.len().checked_sub(HEADER)? / reader.frame_bytes();
    let last = HEADER + frames.checked_sub(1)? * reader.frame_bytes();
    reader.file.seek(SeekFrom::Start(last)).ok()?;
    reader.next().ok()?
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn grid(step: u64) -> FilterGrid {
        FilterGrid { step, weights: vec![step as f32; 2 * 3 * 4], kernels: 2, side: 2, columns: 1 }
    }

    fn record(folder: &Path, from: u64, until: u64, total: u64) {
        let mut recorder = Recorder::new(folder, from, total);
        for step in from..=until {
            if recorder.due(step) {
                recorder.take(&grid(step)).unwrap();
            }
        }
    }

    fn steps(folder: &Path) -> Vec<u64> {
        film(folder).unwrap().iter().map(|grid| grid.step).collect()
    }

    #[test]
    fn a_film_is_short_dense_at_first_and_ends_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), 0, 50_000, 50_000);
        let steps = steps(folder.path());
        assert_eq!(steps.len() as u64, FRAMES + 1);
        assert_eq!((steps[0], *steps.last().unwrap()), (0, 50_000));
        assert!(steps[1] < 3 && steps[100] - steps[99] < steps[190] - steps[189], "{steps:?}");
        let last = film(folder.path()).unwrap().pop().unwrap();
        assert_eq!(last, grid(50_000));
        assert_eq!(newest_kernels(folder.path()), Some(last));
    }

    #[test]
    fn frames_that_cannot_be_written_wait_until_they_can() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("run");
        let mut recorder = Recorder::new(&home, 0, 9);
        // There is no such folder yet.
        for step in 0..3 {
            assert!(recorder.take(&grid(step)).is_err());
        }
        std::fs::create_dir(&home).unwrap();
        recorder.take(&grid(3)).unwrap();
        assert_eq!(steps(&home), [0, 1, 2, 3]);
        assert!(recorder.written == 4 && recorder.write().is_ok());
    }

    #[test]
    fn a_film_that_was_removed_or_whose_disk_has_died_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let [home, other] = ["home", "other"].map(|name| folder.path().join(name));
        for path in [&home, &other] {
            fs::create_dir(path).unwrap();
        }
        let mut recorder = Recorder::new(&home, 0, 9);
        recorder.take(&grid(0)).unwrap();
        // Where an open file cannot be removed, nothing has to be made again.
        let _ = fs::remove_file(home.join(FILM));
        recorder.take(&grid(1)).unwrap();
        assert_eq!(steps(&home), [0, 1]);
        fs::remove_dir_all(&home).unwrap();
        assert!(recorder.take(&grid(2)).is_err());
        recorder.move_to(&other);
        recorder.take(&grid(3)).unwrap();
        assert_eq!(steps(&other), [0, 1, 2, 3], "what its disk cannot be asked for any more is in memory");
        // A run that goes on has what came before it in memory as well.
        let mut recorder = Recorder::new(&other, 2, 9);
        fs::create_dir(&home).unwrap();
        recorder.move_to(&home);
        assert_eq!(steps(&home), [0, 1, 2]);
        recorder.take(&grid(4)).unwrap();
        assert_eq!(steps(&home), [0, 1, 2, 4]);
    }

    #[test]
    fn a_film_too_large_for_memory_goes_on_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let kernels = MOST_WEIGHTS / 12;
        let large = |step| FilterGrid { weights: vec![step as f32; kernels * 12], kernels, ..grid(step) };
        let mut recorder = Recorder::new(folder.path(), 0, 9);
        for step in 0..6 {
            recorder.take(&large(step)).unwrap();
        }
        assert!(recorder.frames.len() < 5);
        recorder.file = None;
        recorder.take(&large(6)).unwrap();
        assert_eq!(steps(folder.path()), [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_short_run_is_filmed_whole() {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), 0, 20, 20);
        assert_eq!(steps(folder.path()), (0..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_run_that_goes_on_has_the_film_of_one_that_was_not_interrupted() {
        let [whole, parts] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        record(whole.path(), 0, 900, 900);
        record(parts.path(), 0, 333, 900);
        // Back at an earlier checkpoint, which no frame was taken at.
        let expected = steps(whole.path());
        let begin = (200..).find(|step| !expected.contains(step)).unwrap();
        record(parts.path(), begin, 900, 900);
        assert_eq!(steps(parts.path()), expected);
    }

    #[test]
    fn a_film_cut_off_or_damaged_ends_there_and_nonsense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), 0, 5, 5);
        let path = folder.path().join(FILM);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        assert_eq!(steps(folder.path()), [0, 1, 2, 3, 4]);
        let mut damaged = whole.clone();
        damaged[HEADER as usize + 20] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        assert_eq!(steps(folder.path()), [0; 0]);
        std::fs::write(&path, [&whole[..14], &[255; 12]].concat()).unwrap();
        assert!(film(folder.path()).unwrap_err().contains("no film"));
    }
}
