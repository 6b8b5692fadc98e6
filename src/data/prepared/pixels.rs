//! The file of pixels: squares of one size, one after the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::data::sources::ReadAt;
use crate::files;

/// Squares that were mended and cannot be put back into the file are held up to so many bytes.
const MENDED: usize = 64 << 20;

/// Where a square lies in the file, and the CRC-32 of its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::data) struct Square {
    pub slot: u32,
    pub checksum: u32,
}

/// Squares that can be read by several threads at the same time.
#[derive(Debug)]
pub(in crate::data) struct PixelFile {
    path: PathBuf,
    squares: Squares,
    /// Bytes of a square.
    square: usize,
    /// One bit a slot: whether its checksum was found right since the file was opened. Nothing where others may
    /// write over what is read, or where a slot is read by several checksums; then each is compared every time.
    checked: Option<Vec<AtomicU64>>,
    /// Squares by their slots that were found damaged and made again, where `squares` goes on without them.
    mended: Mutex<BTreeMap<u32, Box<[u8]>>>,
}

#[derive(Debug)]
enum Squares {
    File(File),
    /// All of a small file.
    Memory(Vec<u8>),
}

impl PixelFile {
    /// Opens the squares of `square` bytes at `path`; a file of up to `memory` bytes is read at once. `locked`: nobody
    /// else writes over what is read.
    pub fn open(path: &Path, square: usize, memory: usize, locked: bool) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let checked = || (0..slots(length, square).div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let squares = if length <= memory as u64 {
            let mut bytes = Vec::with_capacity(length as usize);
            file.take(memory as u64).read_to_end(&mut bytes)?;
            Squares::Memory(bytes)
        } else {
            Squares::File(file)
        };
        // What is in memory is nobody else's.
        let checked = (locked || matches!(squares, Squares::Memory(_))).then(checked);
        Ok(Self { path: path.into(), squares, square, checked, mended: Mutex::default() })
    }

    /// Opens the squares of `square` bytes at `path` to read some of them once, by any checksum: of two pictures that
    /// have lain in one place after each other, only the later is sound.
    pub fn open_once(path: &Path, square: usize) -> io::Result<Self> {
        Self::open(path, square, 0, false)
    }

    /// Fills `into` with a square. If it cannot be read or its checksum is wrong, `again` makes the square, and it is
    /// written where it belongs.
    ///
    /// # Errors
    /// Those of `again`.
    pub fn read(
        &self,
        wanted: Square,
        into: &mut [u8],
        again: impl FnOnce() -> Result<Vec<u8>, String>,
    ) -> Result<(), String> {
        if self.read_sound(wanted, into) {
            return Ok(());
        }
        if let Some(mended) = self.mended().get(&wanted.slot) {
            into.copy_from_slice(mended);
            return Ok(());
        }
        let square = again()?;
        into.copy_from_slice(&square);
        // A picture that has changed since has another checksum: the next preparation takes care of it.
        if crc32fast::hash(&square) == wanted.checksum {
            self.mend(wanted.slot, square);
        }
        Ok(())
    }

    /// Fills `into` with a square and tells whether it is what was written there once.
    pub fn read_sound(&self, Square { slot, checksum }: Square, into: &mut [u8]) -> bool {
        let place = offset(slot, self.square);
        let filled = match &self.squares {
            Squares::File(file) => file.fill(into, place),
            Squares::Memory(bytes) => bytes.fill(into, place),
        };
        if filled.is_err() {
            return false;
        }
        let (word, bit) = (slot as usize / 64, 1 << (slot % 64));
        let checked = self.checked.as_ref().and_then(|checked| checked.get(word));
        if checked.is_some_and(|checked| checked.load(Ordering::Relaxed) & bit != 0) {
            return true;
        }
        let is_sound = crc32fast::hash(into) == checksum;
        if let Some(checked) = checked.filter(|_| is_sound) {
            checked.fetch_or(bit, Ordering::Relaxed);
        }
        is_sound
    }

    fn mend(&self, slot: u32, square: Vec<u8>) {
        let mended = File::options()
            .write(true)
            .open(&self.path)
            .and_then(|file| files::write_at(&file, &square, offset(slot, self.square)));
        match &mended {
            Ok(()) => log::info!("mended picture {slot} in `{}`", self.path.display()),
            Err(e) => log::info!("picture {slot} in `{}` is damaged, and stays so: {e}", self.path.display()),
        }
        let is_read_there = mended.is_ok() && matches!(self.squares, Squares::File(_));
        let mut held = self.mended();
        if !is_read_there && (held.len() + 1) * self.square <= MENDED {
            held.insert(slot, square.into());
        }
    }

    fn mended(&self) -> MutexGuard<'_, BTreeMap<u32, Box<[u8]>>> {
        self.mended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whole squares in a file of `length` bytes.
pub(super) fn slots(length: u64, square: usize) -> usize {
    usize::try_from(length / square as u64).unwrap_or(usize::MAX).min(u32::MAX as usize)
}

/// Where the square in `slot` begins.
pub(super) fn offset(slot: u32, square: usize) -> u64 {
    u64::from(slot) * square as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_pictures_in_one_place_only_the_later_is_sound() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("pixels");
        std::fs::write(&path, b"oldest secondthird.").expect("the file can be written");
        let square = |slot, bytes: &[u8]| Square { slot, checksum: crc32fast::hash(bytes) };
        let file = PixelFile::open_once(&path, 6).expect("the file is there");
        let mut into = [0; 6];
        for _ in 0..2 {
            assert!(file.read_sound(square(1, b" secon"), &mut into));
            assert!(!file.read_sound(square(1, b" first"), &mut into), "it lay there before");
            assert!(!file.read_sound(square(3, b"......"), &mut into), "it lies behind the end");
        }
    }
}
