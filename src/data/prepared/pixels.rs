//! The file of pixels: squares of one size, one after the other.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::files;
use crate::data::sources::ReadAt;

/// Squares that can be read by several threads at the same time.
#[derive(Debug)]
pub(in crate::data) struct PixelFile {
    path: PathBuf,
    squares: Squares,
    /// Bytes of a square.
    square: usize,
    /// One bit a slot: whether its checksum was found right since the file was opened.
    checked: Vec<AtomicU64>,
}

#[derive(Debug)]
enum Squares {
    File(File),
    /// All of a small file.
    Memory(Vec<u8>),
}

impl PixelFile {
    /// Opens the squares of `square` bytes at `path`; a file of up to `memory` bytes is read at once.
    pub fn open(path: &Path, square: usize, memory: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let checked = (0..slots(length, square).div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let squares = if length <= memory as u64 {
            let mut bytes = Vec::with_capacity(length as usize);
            file.take(memory as u64).read_to_end(&mut bytes)?;
            Squares::Memory(bytes)
        } else {
            Squares::File(file)
        };
        Ok(Self { path: path.into(), squares, square, checked })
    }

    /// Fills `into` with the square in `slot`. If it cannot be read or its checksum is wrong, `again` makes the
    /// square, and it is written where it belongs.
    ///
    /// # Errors
    /// Those of `again`.
    pub fn read(
        &self,
        slot: u32,
        checksum: u32,
        into: &mut [u8],
        again: impl FnOnce() -> Result<Vec<u8>, String>,
    ) -> Result<(), String> {
        if self.read_sound(slot, checksum, into) {
            return Ok(());
        }
        let square = again()?;
        into.copy_from_slice(&square);
        // A picture that has changed since has another checksum: the next preparation takes care of it.
        if crc32fast::hash(&square) == checksum {
            self.mend(slot, &square);
        }
        Ok(())
    }

    /// Fills `into` with the square in `slot` and tells whether it is what was written there once.
    pub fn read_sound(&self, slot: u32, checksum: u32, into: &mut [u8]) -> bool {
        let place = offset(slot, self.square);
        let filled = match &self.squares {
            Squares::File(file) => file.fill(into, place),
            Squares::Memory(bytes) => bytes.fill(into, place),
        };
        if filled.is_err() {
            return false;
        }
        let (word, bit) = (slot as usize / 64, 1 << (slot % 64));
        let Some(checked) = self.checked.get(word) else { return crc32fast::hash(into) == checksum };
        if checked.load(Ordering::Relaxed) & bit == 0 {
            if crc32fast::hash(into) != checksum {
                return false;
            }
            checked.fetch_or(bit, Ordering::Relaxed);
        }
        true
    }

    fn mend(&self, slot: u32, square: &[u8]) {
        let mended = File::options()
            .write(true)
            .open(&self.path)
            .and_then(|file| files::write_at(&file, square, offset(slot, self.square)));
        match mended {
            Ok(()) => log::info!("mended picture {slot} in {}", self.path.display()),
            Err(e) => log::info!("picture {slot} in {} is damaged, and stays so: {e}", self.path.display()),
        }
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
