//! The pictures of a run: what its checkpoints know them by, and in which way they are others now.
//!
//! A checkpoint holds one sum over all pixels; which pictures have changed is told by the sums of each, which lie once
//! in the run folder.

use std::path::Path;

use super::folder::{FolderError, RunFolder};
use crate::data::{PictureStore, Split};
use crate::train::checkpoint::DataMark;
use crate::words;

/// The CRC-32 of the pixels of every picture in four bytes, little-endian, training pictures first; 0 where it is not
/// known.
pub(super) const SUMS: &str = "pictures.crc32";

/// Names of changed pictures that are told.
const NAMED: usize = 3;

const SPLITS: [Split; 2] = [Split::Train, Split::Validation];

/// What the pictures of a run are known by.
pub(super) struct Pictures {
    pub mark: DataMark,
    sums: Vec<u8>,
}

/// In which way pictures are not those of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Others, or others in number or order. A run of other pictures is another run.
    Set(String),
    /// The same ones by name and class, but some look different.
    Pixels(String),
}

impl Pictures {
    pub fn of(store: &PictureStore) -> Self {
        let mut labels = crc32fast::Hasher::new();
        let mut sums = Vec::new();
        for split in SPLITS {
            for index in 0..store.len(split) {
                labels.update(&store.label(split, index).to_le_bytes());
                sums.extend(store.checksum(split, index).unwrap_or(0).to_le_bytes());
            }
        }
        let description = store.description();
        let mark = DataMark {
            source: description.source.clone(),
            classes: description.classes.clone(),
            train: store.len(Split::Train),
            validation: store.len(Split::Validation),
            side: store.side(),
            labels_crc32: labels.finalize(),
            pixels_crc32: Some(crc32fast::hash(&sums)),
        };
        Self { mark, sums }
    }

    /// Writes the sums of each picture into the folder of the run.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &RunFolder) -> Result<(), FolderError> {
        folder.file(SUMS, &self.sums)
    }

    /// In which way these are not the pictures that a checkpoint of the run in `folder` knows; nothing if they are.
    /// Where they lie does not matter.
    pub fn difference(&self, before: &DataMark, folder: &Path, store: &PictureStore) -> Option<Difference> {
        if let Some(difference) = set_difference(before, &self.mark) {
            return Some(Difference::Set(difference));
        }
        if before.pixels_crc32.is_none() || before.pixels_crc32 == self.mark.pixels_crc32 {
            return None;
        }
        let sums = std::fs::read(folder.join(SUMS)).unwrap_or_default();
        if before.pixels_crc32 != Some(crc32fast::hash(&sums)) || sums.len() != self.sums.len() {
            return Some(Difference::Pixels("some of them have changed".into()));
        }
        self.changed_since(&sums, store).map(Difference::Pixels)
    }

    /// How many pictures have changed, and the names of the first.
    fn changed_since(&self, before: &[u8], store: &PictureStore) -> Option<String> {
        let (before, now) = (before.as_chunks::<4>().0, self.sums.as_chunks::<4>().0);
        let unknown = [0; 4];
        let differs =
            |(before, now): (&[u8; 4], &[u8; 4])| before != now && *before != unknown && *now != unknown;
        let changed: Vec<usize> =
            before.iter().zip(now).enumerate().filter(|(_, pair)| differs(*pair)).map(|(at, _)| at).collect();
        let name = |&at: &usize| match at.checked_sub(self.mark.train) {
            None => store.name(Split::Train, at),
            Some(at) => store.name(Split::Validation, at),
        };
        let names: Vec<String> = changed.iter().take(NAMED).map(name).collect();
        let told = |count: usize| words::count(count);
        let others = changed.len().saturating_sub(NAMED);
        let others = if others > 0 { format!(" and {} more", told(others)) } else { String::new() };
        let has = if changed.len() == 1 { "has" } else { "have" };
        let count = (told(changed.len()), told(self.mark.train + self.mark.validation));
        (!changed.is_empty())
            .then(|| format!("{} of {} {has} changed ({}{others})", count.0, count.1, names.join(", ")))
    }
}

fn set_difference(before: &DataMark, now: &DataMark) -> Option<String> {
    if before.classes != now.classes {
        let missing = before.classes.iter().find(|class| !now.classes.contains(class));
        return Some(match missing {
            Some(class) => format!("the class `{class}` is missing"),
            None => format!("there are {} classes instead of {}", now.classes.len(), before.classes.len()),
        });
    }
    for (what, before, now) in [
        ("training pictures", before.train, now.train),
        ("validation pictures", before.validation, now.validation),
        ("pixels a side", before.side as usize, now.side as usize),
    ] {
        if before != now {
            return Some(format!("there are {now} {what} instead of {before}"));
        }
    }
    (before.labels_crc32 != now.labels_crc32)
        .then(|| "the pictures have other classes or another order".into())
}
