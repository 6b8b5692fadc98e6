//! Where a run stands, as plain data: `state.json` of a checkpoint.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::train::{RateMemory, exact};

/// Version of the state. Raised when an older program could misread it; older ones are brought up to date in
/// [`State::parse`].
const FORMAT: u32 = 1;

/// Pictures of a kept batch that a file may claim; none of ours has as many.
const MAX_REPLAYED: usize = 64;
/// Updates or batches that a file may claim.
const MAX_COUNT: u64 = 1 << 48;

/// Where a run stands between two updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub format: u32,
    /// Version of the program that wrote it.
    pub program: String,
    /// Updates made.
    pub step: u64,
    /// The batch that comes next, counted from 0 over all epochs. Not always [`Self::step`]: a batch whose
    /// pictures have all vanished makes no update.
    pub next_batch: u64,
    /// Updates an epoch.
    pub steps_per_epoch: u64,
    /// Updates of the whole run as it was planned.
    pub total_steps: u64,
    /// An epoch has ended and its validation has not been made.
    pub validation_due: bool,
    pub seed: u64,
    pub rate: RateMemory,
    pub best: Option<Best>,
    /// The rows of `metrics.csv` and `timing.csv` up to here.
    pub metrics: Mark,
    pub timing: Mark,
    pub data: DataMark,
    pub replay: Replay,
    /// The device that computed.
    pub device: String,
    /// Seconds the run has taken so far.
    #[serde(with = "exact")]
    pub seconds: f64,
    /// Where the run comes from, if it is a branch.
    pub parent: Option<Parent>,
}

/// The best validation so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Updates made before it.
    pub step: u64,
    #[serde(with = "exact")]
    pub top1_error: f64,
}

/// The beginning of a table: so many bytes with this sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub bytes: u64,
    pub crc32: u32,
}

/// What the pictures of a run are known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataMark {
    pub source: String,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// Usable pictures.
    pub train: usize,
    pub validation: usize,
    /// Side of the stored squares in pixels.
    pub side: u32,
    /// Sum over all labels in order, training pictures first.
    pub labels_crc32: u32,
    /// Sum over the sums of all pictures' pixels, in the same order: that of the file `pictures.crc32` of the run.
    /// Checkpoints of version 0.1 may lack it.
    #[serde(default)]
    pub pixels_crc32: Option<u32>,
}

/// The batch that is kept to prove that a run goes on exactly: some training pictures, of which
/// the network sees the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    pub pictures: usize,
    /// Sum over their pixels.
    pub pixels_crc32: u32,
}

/// The checkpoint that a branch began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub checkpoint: PathBuf,
    pub step: u64,
    /// The settings that were changed, as `key=value`.
    pub changes: Vec<String>,
}

impl State {
    /// The format that this program writes.
    pub const FORMAT: u32 = FORMAT;

    /// Reads a state of this or an older format.
    ///
    /// # Errors
    /// None for a newer format, or what is wrong with the text.
    pub(super) fn parse(text: &str) -> Result<Self, Option<String>> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |e: serde_json::Error| Some(format!("state.json cannot be read ({e})"));
        // First, because a newer version may have things that this one has no words for.
        let Version { format } = serde_json::from_str(text).map_err(unreadable)?;
        match format {
            // The first format. One that comes later turns this one's text into its own here.
            FORMAT => {
                let state: Self = serde_json::from_str(text).map_err(unreadable)?;
                if state.is_possible() {
                    Ok(state)
                } else {
                    Err(Some("state.json holds numbers that no run comes to".into()))
                }
            }
            newer if newer > FORMAT => Err(None),
            unknown => Err(Some(format!("state.json has the format {unknown}, which never was"))),
        }
    }

    /// Whether all of it are numbers that a run can come to.
    fn is_possible(&self) -> bool {
        let Self { step, next_batch, steps_per_epoch, total_steps, best, replay, .. } = self;
        let best_step = best.map_or(0, |best| best.step);
        let counts = [*step, *next_batch, *steps_per_epoch, *total_steps, best_step];
        counts.into_iter().all(|count| count <= MAX_COUNT)
            && *steps_per_epoch > 0
            && replay.pictures <= MAX_REPLAYED
            && self.seconds.is_finite()
            && best.is_none_or(|best| best.top1_error.is_finite())
            && self.rate.is_possible()
    }

    /// Where a run of `steps_per_epoch` updates an epoch goes on from here: updates made, and the next batch. With
    /// other batches than before, a branch begins at the same part of the epoch.
    pub fn position(&self, steps_per_epoch: u64) -> (u64, u64) {
        if self.steps_per_epoch == steps_per_epoch {
            return (self.step, self.next_batch);
        }
        let before = self.steps_per_epoch.max(1);
        let (epoch, within) = (self.next_batch / before, self.next_batch % before);
        let batch = epoch
            .saturating_mul(steps_per_epoch)
            .saturating_add(within.saturating_mul(steps_per_epoch) / before);
        (batch, batch)
    }

    /// Epochs gone by.
    pub fn epoch(&self) -> f64 {
        self.step as f64 / self.steps_per_epoch.max(1) as f64
    }

    /// Whether the run has made all of its updates and the validation after them.
    pub fn finished(&self) -> bool {
        self.step >= self.total_steps && !self.validation_due
    }
}

impl Mark {
    /// The mark of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, crc32: crc32fast::hash(bytes) }
    }
}
