//! What a source of pictures is good for, found out by reading all of it.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use super::folder::refused_table;
use super::prepare::loader_threads;
use super::statistics::InputStatistics;
use crate::config::DataConfig;
use crate::data::{self, Corrected, NearPair, Refused};
use crate::model::fitting_preset;

pub use crate::data::LARGEST_DISTANCE;

/// Bits of 64 in which the hashes of pictures that look alike differ at most, when nobody says otherwise.
pub const NEAR_DISTANCE: u32 = 4;

/// Classes with fewer pictures to train on are pointed out.
const FEW: usize = 10;

/// A source of pictures after every file was read.
#[derive(Clone, Debug, Serialize)]
pub struct DataCheck {
    pub source: String,
    /// The sentence that the window shows too.
    pub layout: String,
    /// Whether a run can use it.
    pub usable: bool,
    /// Why it cannot.
    pub problem: Option<String>,
    /// Usable pictures.
    pub train: usize,
    pub validation: usize,
    /// The usual shorter side of the pictures in pixels.
    pub typical_side: u32,
    /// The preset that a run takes when none is asked for, and the side in pixels at which it keeps pictures.
    pub model: String,
    pub prepared_side: usize,
    /// Bytes of all usable pictures at that side.
    pub prepared_bytes: u64,
    /// How long reading took.
    pub seconds: f64,
    /// How long preparing will take on this machine: as long as reading the same pictures took.
    pub prepare_seconds: f64,
    /// Width and height in pixels of the usable pictures; nothing for pictures that are drawn at any size.
    pub sizes: Option<PictureSizes>,
    pub train_balance: Balance,
    pub validation_balance: Balance,
    /// Validation pictures that are among the training pictures too, pixel for pixel at the prepared side.
    pub duplicates_across: usize,
    pub duplicates_within_train: usize,
    pub duplicates_within_validation: usize,
    /// Repeated pictures that stand in two classes.
    pub duplicates_contradicting: usize,
    /// Pictures that look alike, if they were asked for.
    pub near: Option<NearCounts>,
    pub refused_count: usize,
    pub left_out_count: usize,
    /// How much of the list of corrections holds, if there is one.
    pub corrections: Option<CorrectionCounts>,
    /// Mean picture and colours of the usable training pictures, at the prepared side.
    #[serde(skip)]
    pub inputs: Option<InputStatistics>,
    /// Where the refused training pictures stand in the source, in order.
    #[serde(skip)]
    pub refused_to_train: Vec<u32>,
    #[serde(skip)]
    pub classes: Vec<ClassPictures>,
    #[serde(skip)]
    pub refused: Vec<FileReason>,
    #[serde(skip)]
    pub left_out: Vec<FileReason>,
    #[serde(skip)]
    pub duplicates: Vec<DuplicatePair>,
    #[serde(skip)]
    pub near_pairs: Vec<NearDuplicate>,
}

impl DataCheck {
    /// Writes the refused files with their reasons to `path`, as comma-separated values.
    ///
    /// # Errors
    /// Why the file cannot be written.
    pub fn write_refused(&self, path: &Path) -> Result<(), String> {
        write_refused(path, &self.refused)
    }
}

/// Writes files that cannot be used, with their reasons, to `path`, as comma-separated values.
///
/// # Errors
/// Why the file cannot be written.
pub fn write_refused(path: &Path, files: &[FileReason]) -> Result<(), String> {
    let table = refused_table(files.iter().map(|file| (&*file.name, &*file.reason)));
    std::fs::write(path, table).map_err(|e| format!("cannot write `{}` ({e})", path.display()))
}

/// Width and height in pixels, by the number of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PictureSizes {
    pub smallest: (u32, u32),
    pub median: (u32, u32),
    pub largest: (u32, u32),
    /// Pictures whose shorter side is below the prepared side: they are enlarged.
    pub enlarged: usize,
}

/// How many pictures look alike without being the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NearCounts {
    /// Most bits of 64 in which two hashes may differ.
    pub distance: u32,
    /// Validation pictures that look like a training picture.
    pub across: usize,
    /// Pictures that look like an earlier one of their own part.
    pub within: usize,
    /// Whether the search was given up before its end.
    pub incomplete: bool,
}

/// Two pictures that look alike.
#[derive(Clone, Debug, Serialize)]
pub struct NearDuplicate {
    pub first: String,
    pub second: String,
    pub distance: u32,
    /// Whether one is for training and the other for validation.
    pub across: bool,
}

/// How much of a list of corrections holds for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CorrectionCounts {
    /// Corrections in the list.
    pub listed: usize,
    /// Pictures that have another class by them.
    pub relabelled: usize,
    /// Pictures that are left out because of them.
    pub left_out: usize,
}

impl From<Corrected> for CorrectionCounts {
    fn from(Corrected { listed, relabelled, left_out }: Corrected) -> Self {
        Self { listed, relabelled, left_out }
    }
}

/// How evenly pictures are spread over the classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub min: usize,
    pub median: usize,
    pub max: usize,
}

impl Balance {
    pub(super) fn of(counts: impl Iterator<Item = usize>) -> Self {
        let mut counts: Vec<usize> = counts.collect();
        counts.sort_unstable();
        let at = |place: usize| counts.get(place).copied().unwrap_or(0);
        Self { min: at(0), median: at(counts.len() / 2), max: at(counts.len().saturating_sub(1)) }
    }
}

/// Whether a class has few pictures to train on, where `median` is what is usual.
pub(super) fn is_few(train: usize, median: usize) -> bool {
    train < FEW || train * 5 < median
}

/// A class with its usable pictures.
#[derive(Clone, Debug, Serialize)]
pub struct ClassPictures {
    pub class: String,
    pub train: usize,
    pub validation: usize,
    /// Fewer than ten to train on, or less than a fifth of what is usual here.
    pub few: bool,
}

/// A file that is not used.
#[derive(Clone, Debug, Serialize)]
pub struct FileReason {
    pub name: String,
    pub reason: String,
}

impl From<Refused> for FileReason {
    fn from(file: Refused) -> Self {
        Self { name: file.name, reason: file.reason }
    }
}

impl From<NearPair> for NearDuplicate {
    fn from(pair: NearPair) -> Self {
        let NearPair { first, second, distance, across } = pair;
        Self { first, second, distance, across }
    }
}

/// A picture that is in both parts.
#[derive(Clone, Debug, Serialize)]
pub struct DuplicatePair {
    pub train: String,
    pub validation: String,
}

/// Reads all pictures of a source as a run would see them: with the list of corrections that `config` names. With `near`, pictures that look alike are searched for, which differ in at most so
/// many bits of 64 ([`LARGEST_DISTANCE`]). `progress` is told how many of how many are done; nothing is returned when
/// `cancel` was set.
///
/// # Errors
/// Why the source or the list cannot be used, and what to do about it.
pub fn check(
    config: &DataConfig,
    near: Option<u32>,
    progress: &(dyn Fn(usize, usize) + Sync),
    cancel: &AtomicBool,
) -> Result<Option<DataCheck>, String> {
    let dataset = match data::open_unless(config, cancel) {
        Err(data::DataError::Cancelled) => return Ok(None),
        result => result.map_err(|e| e.to_string())?,
    };
    let preset = fitting_preset(dataset.description().typical_side);
    let side = preset.input().stored_side;
    let started = Instant::now();
    let found = data::check(dataset, side as u32, loader_threads(config), near, progress, cancel);
    let Some(found) = found.map_err(|e| e.to_string())? else { return Ok(None) };
    let (train, validation) = found
        .classes
        .iter()
        .fold((0, 0), |(train, validation), class| (train + class.train, validation + class.validation));
    let train_balance = Balance::of(found.classes.iter().map(|class| class.train));
    let classes = found.classes.into_iter().map(|class| ClassPictures {
        few: is_few(class.train, train_balance.median),
        class: class.name,
        train: class.train,
        validation: class.validation,
    });
    let classes: Vec<ClassPictures> = classes.collect();
    let problem = found.problem.map(|error| error.to_string());
    Ok(Some(DataCheck {
        source: found.description.source,
        layout: found.description.layout,
        usable: problem.is_none(),
        problem,
        train,
        validation,
        typical_side: found.description.typical_side,
        model: preset.name.into(),
        prepared_side: side,
        prepared_bytes: (train + validation) as u64 * 3 * (side * side) as u64,
        seconds: started.elapsed().as_secs_f64(),
        prepare_seconds: found.reading.as_secs_f64(),
        sizes: found.sizes.map(|sizes| PictureSizes {
            smallest: sizes.smallest,
            median: sizes.median,
            largest: sizes.largest,
            enlarged: sizes.enlarged,
        }),
        validation_balance: Balance::of(classes.iter().map(|class| class.validation)),
        train_balance,
        duplicates_across: found.duplicates.across,
        duplicates_within_train: found.duplicates.within_train,
        duplicates_within_validation: found.duplicates.within_validation,
        duplicates_contradicting: found.duplicates.contradicting,
        near: found.near.as_ref().map(|near| NearCounts {
            distance: near.distance,
            across: near.across,
            within: near.within,
            incomplete: near.incomplete,
        }),
        near_pairs: found.near.map_or_else(Vec::new, |near| near.pairs.into_iter().map(Into::into).collect()),
        refused_count: found.refused.len(),
        left_out_count: found.left_out_count,
        corrections: found.corrected.map(Into::into),
        inputs: found.figures.as_ref().map(InputStatistics::found),
        refused_to_train: found.refused_to_train,
        classes,
        refused: found.refused.into_iter().map(Into::into).collect(),
        left_out: found.left_out.into_iter().map(Into::into).collect(),
        duplicates: (found.duplicates.pairs.into_iter())
            .map(|(train, validation)| DuplicatePair { train, validation })
            .collect(),
    }))
}
