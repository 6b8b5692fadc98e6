//! What a source of pictures is good for, found out by reading all of it.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;

use super::prepare::loader_threads;
use crate::config::DataConfig;
use crate::data::{self, Refused};
use crate::model::fitting_preset;

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
    pub train_balance: Balance,
    pub validation_balance: Balance,
    /// Validation pictures that are among the training pictures too, pixel for pixel at the prepared side.
    pub duplicates_across: usize,
    pub duplicates_within_train: usize,
    pub duplicates_within_validation: usize,
    /// Repeated pictures that stand in two classes.
    pub duplicates_contradicting: usize,
    pub refused_count: usize,
    #[serde(skip)]
    pub classes: Vec<ClassPictures>,
    #[serde(skip)]
    pub refused: Vec<FileReason>,
    #[serde(skip)]
    pub left_out: Vec<FileReason>,
    #[serde(skip)]
    pub duplicates: Vec<DuplicatePair>,
}

/// How evenly pictures are spread over the classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Balance {
    pub min: usize,
    pub median: usize,
    pub max: usize,
}

impl Balance {
    fn of(counts: impl Iterator<Item = usize>) -> Self {
        let mut counts: Vec<usize> = counts.collect();
        counts.sort_unstable();
        let at = |place: usize| counts.get(place).copied().unwrap_or(0);
        Self { min: at(0), median: at(counts.len() / 2), max: at(counts.len().saturating_sub(1)) }
    }
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

/// A picture that is in both parts.
#[derive(Clone, Debug, Serialize)]
pub struct DuplicatePair {
    pub train: String,
    pub validation: String,
}

/// Reads all pictures of a source. `progress` is told how many of how many are done; nothing is returned when
/// `cancel` was set.
///
/// # Errors
/// Why the source cannot be opened, and what to do about it.
pub fn check(
    config: &DataConfig,
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
    let found = data::check(dataset, side as u32, loader_threads(config), progress, cancel);
    let Some(found) = found.map_err(|e| e.to_string())? else { return Ok(None) };
    let (train, validation) = found
        .classes
        .iter()
        .fold((0, 0), |(train, validation), class| (train + class.train, validation + class.validation));
    let train_balance = Balance::of(found.classes.iter().map(|class| class.train));
    let few = |train: usize| train < FEW || train * 5 < train_balance.median;
    let classes = found.classes.into_iter().map(|class| ClassPictures {
        few: few(class.train),
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
        validation_balance: Balance::of(classes.iter().map(|class| class.validation)),
        train_balance,
        duplicates_across: found.duplicates.across,
        duplicates_within_train: found.duplicates.within_train,
        duplicates_within_validation: found.duplicates.within_validation,
        duplicates_contradicting: found.duplicates.contradicting,
        refused_count: found.refused.len(),
        classes,
        refused: found.refused.into_iter().map(Into::into).collect(),
        left_out: found.left_out.into_iter().map(Into::into).collect(),
        duplicates: (found.duplicates.pairs.into_iter())
            .map(|(train, validation)| DuplicatePair { train, validation })
            .collect(),
    }))
}
