//! Sums over the training pictures of a split, kept with the squares they were added up from. So a start need not read
//! all of them: where a few pictures were added, removed or changed, or where another split wants others, only those
//! are read by which the two differ.
//!
//! ```text
//! b"ALEXSUMS", version u32, side u32, squares u64, colours 10 x u64, pixels 3 x side x side x u64,
//! of every square its slot u32 and checksum u32, in order, CRC-32 of all that
//! ```
//! Numbers are little-endian.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::pixels::Square;
use crate::data::colour::ColourSums;
use crate::data::fingerprint::digest;
use crate::data::store::picture_bytes;
use crate::data::sums::Sums;
use crate::files;

const MAGIC: &[u8; 8] = b"ALEXSUMS";
const VERSION: u32 = 2;
/// Splits whose sums are kept; the oldest go first.
const SPLITS: usize = 8;
/// Ten million squares at the largest side have less.
const LARGEST: u64 = 1 << 30;
pub(super) const PREFIX: &str = "statistics-";

/// Sums that are known, and what must be taken from them and added to them to have those that are wanted.
#[derive(Debug)]
pub(super) struct Basis {
    pub sums: Sums,
    pub surplus: Vec<Square>,
    pub missing: Vec<Square>,
}

impl Basis {
    /// Nothing is known of the squares that are `wanted`.
    pub fn nothing(side: u32, wanted: &[Square]) -> Self {
        Self { sums: Sums::new(side), surplus: Vec::new(), missing: wanted.to_vec() }
    }

    /// Squares to be read.
    pub fn steps(&self) -> usize {
        self.surplus.len() + self.missing.len()
    }

    /// What is kept in a store's `folder` that is nearest to the squares that are `wanted`, in order.
    pub fn nearest(folder: &Path, side: u32, wanted: &[Square]) -> Self {
        let mut nearest = Self::nothing(side, wanted);
        let exact = path(folder, wanted);
        let others = kept_in(folder).into_iter().filter(|path| *path != exact);
        for path in [exact.clone()].into_iter().chain(others) {
            if nearest.steps() == 0 {
                break;
            }
            let Some((sums, squares)) = read(&path, side) else { continue };
            let (surplus, missing) = differences(&squares, wanted);
            if surplus.len() + missing.len() < nearest.steps() {
                nearest = Self { sums, surplus, missing };
            }
        }
        nearest
    }
}

/// Whether a store was complete once: sums are kept of nothing else.
pub(super) fn were_kept(folder: &Path) -> bool {
    !kept_in(folder).is_empty()
}

/// Keeps the sums of `squares`, which are in order. That they are not kept is no harm: they are added up again.
pub(super) fn write(folder: &Path, side: u32, squares: &[Square], sums: &Sums) {
    let mut bytes = MAGIC.to_vec();
    [VERSION, side].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    let words =
        [squares.len() as u64].into_iter().chain(sums.colours.to_words()).chain(sums.pixels.iter().copied());
    words.for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend(squares_bytes(squares));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let path = path(folder, squares);
    if let Err(e) = files::replace(&path, &bytes) {
        log::info!("statistics cannot be kept in `{}`: {e}", folder.display());
    }
    forget_oldest(folder, &path);
}

fn read(path: &Path, side: u32) -> Option<(Sums, Vec<Square>)> {
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let start = [&MAGIC[..], &VERSION.to_le_bytes(), &side.to_le_bytes()].concat();
    let (words, rest) = content.strip_prefix(&start[..])?.as_chunks::<8>();
    let (numbers, squares) = words.split_at_checked(11 + picture_bytes(side))?;
    let mut numbers = numbers.iter().map(|word| u64::from_le_bytes(*word));
    let count = numbers.next()?;
    if !rest.is_empty() || count != squares.len() as u64 {
        return None;
    }
    let mut colours = [0; 10];
    colours.iter_mut().zip(&mut numbers).for_each(|(colour, word)| *colour = word);
    let sums = Sums { pictures: count, colours: ColourSums::from_words(colours), pixels: numbers.collect() };
    let square = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        Square { slot: word as u32, checksum: (word >> 32) as u32 }
    };
    Some((sums, squares.iter().map(square).collect()))
}

/// What is in the first of two ordered lists and not in the second, and the other way round.
fn differences(had: &[Square], wanted: &[Square]) -> (Vec<Square>, Vec<Square>) {
    let (mut surplus, mut missing) = (Vec::new(), Vec::new());
    let (mut had, mut wanted) = (had.iter().peekable(), wanted.iter().peekable());
    loop {
        match (had.peek(), wanted.peek()) {
            (Some(a), Some(b)) if a == b => drop((had.next(), wanted.next())),
            (Some(a), b) if b.is_none_or(|b| a < b) => surplus.extend(had.next()),
            (_, Some(_)) => missing.extend(wanted.next()),
            (_, None) => return (surplus, missing),
        }
    }
}

/// All files with sums in a store's folder.
fn kept_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |name: &str| name.starts_with(PREFIX) && !name.ends_with(files::UNFINISHED);
    entries.filter(|entry| is_ours(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}

/// Removes the oldest sums but never those at `newest`, whatever the clock says, and what a program that was killed has
/// half written. Nobody else writes sums at the same time.
fn forget_oldest(folder: &Path, newest: &Path) {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in names.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX) && name.ends_with(files::UNFINISHED) {
            let _ = fs::remove_file(&path);
        }
    }
    let mut others: Vec<(SystemTime, PathBuf)> = kept_in(folder)
        .into_iter()
        .filter(|path| path != newest)
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    others.sort();
    let surplus = (others.len() + 1).saturating_sub(SPLITS);
    for (_, path) in &others[..surplus] {
        let _ = fs::remove_file(path);
    }
}

/// Sums are kept under a name that follows from the squares they were added up from.
fn path(folder: &Path, squares: &[Square]) -> PathBuf {
    folder.join(format!("{PREFIX}{:016x}", digest(&squares_bytes(squares)) as u64))
}

fn squares_bytes(squares: &[Square]) -> Vec<u8> {
    let word = |square: &Square| (u64::from(square.checksum) << 32 | u64::from(square.slot)).to_le_bytes();
    squares.iter().flat_map(word).collect()
}
