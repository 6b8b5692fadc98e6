//! Sums over the training pictures of a split, kept so that a start need not read all of them.
//!
//! ```text
//! b"ALEXSUMS", version u32, side u32, split u128, pictures u64, colours 10 x u64, pixels 3 x side x side x u64, CRC-32
//! ```
//! A split is known by the pictures it trains on. Numbers are little-endian.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::files;
use crate::data::colour::ColourSums;
use crate::data::store::picture_bytes;
use crate::data::sums::Sums;

const MAGIC: &[u8; 8] = b"ALEXSUMS";
const VERSION: u32 = 1;
/// Splits whose sums are kept; the oldest go first.
const SPLITS: usize = 8;
pub(super) const PREFIX: &str = "statistics-";

/// The sums of `split` in a store's `folder`; nothing if there are none that can be trusted.
pub(super) fn read(folder: &Path, side: u32, split: u128) -> Option<Sums> {
    let bytes = fs::read(path(folder, split)).ok()?;
    let (content, checksum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let numbers = content.strip_prefix(&start(side, split)[..])?;
    if numbers.len() != 8 * (11 + picture_bytes(side)) {
        return None;
    }
    let (words, _) = numbers.as_chunks::<8>();
    let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
    let pictures = words.next()?;
    let mut colours = [0; 10];
    colours.iter_mut().zip(&mut words).for_each(|(colour, word)| *colour = word);
    Some(Sums { pictures, colours: ColourSums::from_words(colours), pixels: words.collect() })
}

/// Keeps the sums of `split`. That they are not kept is no harm: they are added up again.
pub(super) fn write(folder: &Path, side: u32, split: u128, sums: &Sums) {
    let mut bytes = start(side, split);
    let words = [sums.pictures].into_iter().chain(sums.colours.to_words()).chain(sums.pixels.iter().copied());
    words.for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    if let Err(e) = files::replace(&path(folder, split), &bytes) {
        log::info!("statistics cannot be kept in {}: {e}", folder.display());
    }
    forget_oldest(folder);
}

fn forget_oldest(folder: &Path) {
    let mut all: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort();
    let surplus = all.len().saturating_sub(SPLITS);
    for (_, path) in &all[..surplus] {
        let _ = fs::remove_file(path);
    }
}

fn path(folder: &Path, split: u128) -> PathBuf {
    folder.join(format!("{PREFIX}{:016x}", split as u64))
}

fn start(side: u32, split: u128) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    [VERSION, side].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend(split.to_le_bytes());
    bytes
}
