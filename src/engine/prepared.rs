//! Preparing pictures without a run, and looking after what is kept of them on disk.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::check::FileReason;
use super::prepare::{loader_threads, names_everything};
use crate::config::DataConfig;
use crate::data::{self, Cabinet, DataError, Dataset, Preparation, Removal, Report, Split, Watch};
use crate::model::{fitting_preset, preset};

/// The size that pictures are prepared at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreparedSide {
    /// As the preset that fits the pictures needs them.
    Fitting,
    /// As this preset needs them.
    Preset(String),
    /// Pixels.
    Pixels(u32),
}

/// A source whose pictures are prepared.
#[derive(Clone, Debug, Serialize)]
pub struct Prepared {
    pub source: String,
    pub layout: String,
    /// Of the squares, in pixels.
    pub side: u32,
    /// Where they are; nothing for the built-in sample, which is drawn anew each time.
    pub folder: Option<PathBuf>,
    /// Usable pictures.
    pub train: usize,
    pub validation: usize,
    /// Pictures that were decoded this time; the others were there.
    pub decoded: usize,
    /// What a comparison with the source came to, if one was wanted.
    pub verified: Option<Verified>,
    pub refused_count: usize,
    /// Of all files in the folder.
    pub bytes: u64,
    pub seconds: f64,
    #[serde(skip)]
    pub refused: Vec<FileReason>,
}

/// What came of comparing prepared pictures with their source. What was wrong has been mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Prepared pictures that were compared with their files.
    pub compared: usize,
    /// Of these, how many were damaged on disk.
    pub damaged: usize,
    /// And how many were sound, but not what their files hold now.
    pub differing: usize,
    /// Prepared pictures whose files cannot be read now.
    pub unread: usize,
}

/// Why pictures could not be prepared.
#[derive(Clone, Debug)]
pub struct PrepareError {
    pub message: String,
    /// The user can mend it by asking for something else.
    pub bad_input: bool,
    /// The files that cannot be used, if there are too many of them.
    pub refused: Vec<FileReason>,
}

impl PrepareError {
    fn new(message: impl Into<String>, bad_input: bool) -> Self {
        Self { message: message.into(), bad_input, refused: Vec::new() }
    }
}

impl From<DataError> for PrepareError {
    fn from(error: DataError) -> Self {
        let plain = Self::new(error.to_string(), error.is_bad_input());
        match error {
            DataError::TooManyRefused { refused, .. } => {
                Self { refused: refused.into_iter().map(Into::into).collect(), ..plain }
            }
            _ => plain,
        }
    }
}

impl From<data::Verified> for Verified {
    fn from(verified: data::Verified) -> Self {
        let data::Verified { compared, damaged, differing, unread } = verified;
        Self { compared, damaged, differing, unread }
    }
}

/// Prepares all pictures of a source on disk. With `verify`, every picture is decoded again and compared with what is
/// there, and what is not the same is mended. Nothing is returned when `cancel` was set; what was done until then is
/// there the next time.
///
/// # Errors
/// The source cannot be used, or nothing can be kept on disk.
pub fn prepare(
    config: &DataConfig,
    side: &PreparedSide,
    verify: bool,
    tell: &(dyn Fn(Report) + Sync),
    cancel: &AtomicBool,
) -> Result<Option<Prepared>, PrepareError> {
    let started = Instant::now();
    if !config.prepared {
        let message = "data.prepared is false, so no prepared pictures are kept and there is nothing to do: leave \
                       that setting out to prepare them";
        return Err(PrepareError::new(message, true));
    }
    let dataset = match data::open_unless(config, cancel) {
        Err(DataError::Cancelled) => return Ok(None),
        result => result?,
    };
    let side = pixels(side, &*dataset)?;
    let cabinet = Cabinet::of(config).map_err(DataError::Kept)?;
    let how = Preparation {
        side,
        threads: loader_threads(config),
        memory: 0,
        cabinet: Some(&cabinet),
        whole: names_everything(config),
        check: verify,
        or_in_memory: false,
        watch: Watch { tell, cancel, pause: &AtomicBool::new(false) },
    };
    let source = dataset.description().source.clone();
    let Some(store) = data::prepare(dataset, &how)? else { return Ok(None) };
    let folder = store.kept().map(|kept| kept.folder().to_owned());
    let stored = cabinet.list().into_iter().find(|stored| Some(&stored.folder) == folder.as_ref());
    Ok(Some(Prepared {
        source,
        layout: store.description().layout.clone(),
        side,
        folder,
        train: store.len(Split::Train),
        validation: store.len(Split::Validation),
        decoded: store.kept().map_or(0, |kept| kept.decoded()),
        verified: store.kept().and_then(|kept| kept.verified()).map(Into::into),
        refused_count: store.refused().len(),
        bytes: stored.map_or(0, |stored| stored.bytes),
        seconds: started.elapsed().as_secs_f64(),
        refused: store.refused().iter().cloned().map(Into::into).collect(),
    }))
}

fn pixels(side: &PreparedSide, dataset: &dyn Dataset) -> Result<u32, PrepareError> {
    let input = match side {
        PreparedSide::Pixels(side) => return Ok(*side),
        PreparedSide::Preset(name) => {
            preset(name).map_err(|e| PrepareError::new(e.to_string(), true))?.input()
        }
        PreparedSide::Fitting => fitting_preset(dataset.description().typical_side).input(),
    };
    Ok(input.stored_side as u32)
}

/// The prepared pictures of all sources.
#[derive(Clone, Debug, Serialize)]
pub struct PreparedCache {
    pub folder: PathBuf,
    pub bytes: u64,
    /// Bytes that all of it may take.
    pub limit: u64,
    /// The least recently used first.
    #[serde(skip)]
    pub stores: Vec<PreparedStore>,
}

/// The prepared pictures of one source at one side.
#[derive(Clone, Debug, Serialize)]
pub struct PreparedStore {
    pub folder: PathBuf,
    /// Empty if it cannot be told any more.
    pub source: String,
    pub side: u32,
    pub pictures: usize,
    pub refused: usize,
    pub bytes: u64,
    /// Seconds since 1970.
    pub last_used: Option<u64>,
    pub in_use: bool,
    /// Removed just now.
    pub removed: bool,
}

/// Lists what is kept of prepared pictures. With `clean`, all of it is removed that nobody uses.
///
/// # Errors
/// There is no folder for it, or something cannot be removed.
pub fn prepared_cache(config: &DataConfig, clean: bool) -> Result<PreparedCache, PrepareError> {
    let failed = |message: String| PrepareError::new(message, false);
    let cabinet = Cabinet::of(config).map_err(|e| failed(e.to_string()))?;
    let mut stores = Vec::new();
    for store in &cabinet.list() {
        let removed = clean
            && cabinet.remove(store).map(|removal| removal == Removal::Removed).map_err(|e| {
                failed(format!(
                    "`{}` cannot be removed ({e}): delete that folder by hand",
                    store.folder.display()
                ))
            })?;
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        stores.push(PreparedStore {
            folder: store.folder.clone(),
            source: store.source.clone(),
            side: store.side,
            pictures: store.pictures,
            refused: store.refused,
            bytes: store.bytes,
            last_used: store.last_used.and_then(seconds),
            in_use: store.in_use,
            removed,
        });
    }
    let bytes = stores.iter().filter(|store| !store.removed).map(|store| store.bytes).sum();
    Ok(PreparedCache { folder: cabinet.folder, bytes, limit: cabinet.limit, stores })
}
