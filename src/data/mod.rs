//! Pictures: found, decoded once, kept as 8-bit squares, dealt out in batches.
//!
//! ```text
//! sample, or source (folder, archive, list) and its layout
//!    -> Dataset -> PictureStore (8-bit squares, mean, colour statistics) -> Loader -> HostBatch
//!                       ^-- prepared: the squares on disk, from one run to the next
//! ```
//! A file that cannot be decoded is skipped, counted and listed with its reason; it never stops a run.
//! What a batch holds depends on the seed, the epoch and the index alone, never on how many threads made it.

pub mod augment;
mod budget;
mod check;
mod colour;
mod corrections;
mod decode;
pub mod download;
mod error;
mod fingerprint;
pub mod known;
mod labelled;
mod layouts;
mod left_out;
mod loader;
mod near;
mod pool;
mod prepared;
mod rng;
mod sample;
pub mod sampler;
mod sources;
mod store;
mod stream;
mod sums;
mod tiff;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use image::RgbImage;

use crate::config::DataConfig;
use augment::Placement;
use labelled::Labelled;
use layouts::Place;
use sources::{Opening, SingleFile};

pub use check::{Check, ClassCount, Duplicates, Figures, Sizes, check};
pub use colour::{ColourPca, ColourStatistics, Colouring};
pub use corrections::{Corrected, Correction, Corrections};
pub use decode::{decode, dimensions, square};
pub use error::{DataError, DataSetThere};
pub use fingerprint::Fingerprint;
pub use loader::{Loader, Next, TrainPlan};
pub use near::{LARGEST_DISTANCE, NearDuplicates, NearPair};
pub use prepared::{
    Cabinet, Kept, KeptError, KeptSource, Preparation, Removal, Report, Verified, Watch, prepare,
};
pub use sample::SampleDataset;
pub use sources::Fault;
pub use store::{PictureStore, planes};
pub use stream::{Stream, Streamed};

/// Opens the source that `config` names: `sample`, a folder, an archive (`.tar`, `.tar.gz`, `.zip`), a list of
/// paths and labels, or a known data set that was downloaded. A path goes before a known set of the same name. Indexes the files and reads a few headers, but decodes no picture.
///
/// # Errors
/// What is wrong with the source and what to do about it.
pub fn open(config: &DataConfig) -> Result<Arc<dyn Dataset>, DataError> {
    open_unless(config, &AtomicBool::new(false))
}

/// As [`open`], but gives up soon after `cancel` is set.
///
/// # Errors
/// As [`open`], and [`DataError::Cancelled`].
pub fn open_unless(config: &DataConfig, cancel: &AtomicBool) -> Result<Arc<dyn Dataset>, DataError> {
    open_counting(config, cancel, &AtomicUsize::new(0))
}

/// As [`open_unless`]; `found` counts the files and folders found so far, for those who wait.
///
/// # Errors
/// As [`open_unless`].
pub fn open_counting(
    config: &DataConfig,
    cancel: &AtomicBool,
    found: &AtomicUsize,
) -> Result<Arc<dyn Dataset>, DataError> {
    let original = open_original(config, cancel, found)?;
    match &config.corrections {
        Some(list) => corrections::corrected(original, list),
        None => Ok(original),
    }
}

/// The source as it is, without corrections.
fn open_original(
    config: &DataConfig,
    cancel: &AtomicBool,
    found: &AtomicUsize,
) -> Result<Arc<dyn Dataset>, DataError> {
    if config.source == "sample" {
        return Ok(Arc::new(SampleDataset::new(config.sample_train, config.sample_validation)));
    }
    let shown = config.source.as_str();
    let path = match expand_home(shown) {
        path if path.exists() => path,
        path => known_set(shown, cancel)?.unwrap_or(path),
    };
    let kind = std::fs::metadata(&path).map_err(|reason| match reason.kind() {
        std::io::ErrorKind::NotFound => DataError::Missing { path: shown.into() },
        _ => DataError::Unreadable { path: shown.into(), reason },
    })?;
    let opening = Opening { shown, cancel, found };
    let opened = if kind.is_dir() {
        sources::open_folder(&path, &opening)?
    } else if kind.is_file() {
        match sources::open_file(&path, &opening)? {
            SingleFile::Archive(opened) => opened,
            SingleFile::Text => {
                let (opened, layout) = layouts::list::open(&path, &opening, config)?;
                let layout = layouts::limited(layout, shown, config)?;
                return Ok(Arc::new(
                    Labelled::new(shown, opened, layout, config.max_refused_share)?.at(&path),
                ));
            }
        }
    } else {
        return Err(DataError::NotAnArchive { path: shown.into() });
    };
    if let Some(cut) = opened.listing.cut.as_ref().filter(|_| !config.accept_cut) {
        return Err(cut.error());
    }
    let place = Place { source: &*opened.source, listing: &opened.listing, opening: &opening, config };
    let layout = layouts::limited(layouts::recognise(&place)?, shown, config)?;
    Ok(Arc::new(Labelled::new(shown, opened, layout, config.max_refused_share)?.at(&path)))
}

/// The path of a known data set of that name; nothing if there is no such set.
fn known_set(name: &str, cancel: &AtomicBool) -> Result<Option<PathBuf>, DataError> {
    let Some(shelf) = known::Shelf::standard() else { return Ok(None) };
    match shelf.find(name)? {
        Some(set) => Ok(Some(shelf.locate(&set, cancel)?)),
        None => Ok(None),
    }
}

/// The name of the class that a folder of ImageNet's is named after by its WordNet number, as far as it is known here:
/// `n01440764` is a tench.
pub fn wordnet_name(folder: &str) -> Option<&'static str> {
    layouts::known_name(folder)
}

/// A leading `~` stands for the home folder also where no shell has replaced it: in the window and in files.
fn expand_home(source: &str) -> PathBuf {
    let below_home = source.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
    match (below_home, std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches(['/', '\\'])),
        _ => source.into(),
    }
}

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    Train,
    Validation,
}

/// What was found at a source, in words and numbers a person can check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// The source as the user gave it.
    pub source: String,
    /// One sentence, for example "10 classes in folders, 50000 pictures to train on, 10000 to validate".
    pub layout: String,
    /// Class names in label order.
    pub classes: Vec<String>,
    pub train: usize,
    pub validation: usize,
    /// The usual shorter side of the pictures, in pixels, from the headers of a few of them.
    pub typical_side: u32,
}

/// A picture that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, or the entry of an archive.
    pub name: String,
    /// Why, in the user's language.
    pub reason: String,
}

/// A labelled collection of pictures with a training and a validation split.
pub trait Dataset: Send + Sync {
    fn description(&self) -> &Description;

    fn len(&self, split: Split) -> usize;

    /// Class index of picture `index` of `split`.
    fn label(&self, split: Split, index: usize) -> u32;

    /// The file or entry name, for messages.
    fn name(&self, split: Split, index: usize) -> String;

    /// Decodes picture `index` of `split` to `side` x `side` pixels: shorter side to `side`, then the
    /// central square (paper section 2).
    ///
    /// # Errors
    /// Why the picture cannot be used, in the user's language, without its name.
    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String>;

    /// As [`read`](Self::read), with the width and height that the picture had before.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_measured(&self, split: Split, index: usize, side: u32) -> Result<(RgbImage, (u32, u32)), String> {
        self.read(split, index, side).map(|picture| {
            let size = picture.dimensions();
            (picture, size)
        })
    }

    /// How many pictures may turn out to be unusable before preparing gives up (`data.max_refused_share`).
    fn most_refused(&self) -> usize {
        usize::MAX
    }

    /// The file of picture `index` of `split`, if it is a file of its own on this machine.
    fn path(&self, _split: Split, _index: usize) -> Option<PathBuf> {
        None
    }

    /// The real path of the source, under which prepared pictures are kept on disk. Nothing for pictures that are
    /// not worth keeping because they are drawn.
    fn home(&self) -> Option<&Path> {
        None
    }

    /// What tells whether picture `index` of `split` is still the one that was prepared. Nothing if it cannot be
    /// told; then the picture is decoded anew each time.
    fn fingerprint(&self, _split: Split, _index: usize) -> Option<Fingerprint> {
        None
    }

    /// What is to blame that picture `index` of `split` was refused: the next attempt has better chances if a disk or a
    /// permission was the reason.
    fn fault(&self, _split: Split, _index: usize) -> Fault {
        Fault::Picture
    }

    /// Where picture `index` of `split` stands in the split as the source has it, before corrections left any out.
    fn place(&self, _split: Split, index: usize) -> u32 {
        index as u32
    }

    /// The corrections that are laid over the source.
    fn corrections(&self) -> Option<&Corrections> {
        None
    }

    /// How many of these hold.
    fn corrected(&self) -> Option<Corrected> {
        None
    }

    /// What lies at the source but belongs to no class, with the reason; a thousand at most.
    fn left_out(&self) -> &[Refused] {
        &[]
    }

    /// How much that is in all.
    fn left_out_count(&self) -> usize {
        self.left_out().len()
    }

    /// Whether the pictures are drawn at whatever side they are asked for, and so have no size of their own.
    fn is_drawn(&self) -> bool {
        false
    }
}

/// One batch on the host, ready to upload.
#[derive(Clone, Debug, PartialEq)]
pub struct HostBatch {
    /// Position in the run, from 0, over all epochs.
    pub seq: u64,
    /// Epoch, from 0.
    pub epoch: usize,
    /// Whether this batch is the last of its epoch.
    pub ends_epoch: bool,
    /// `[N, 3, stored, stored]`: whole stored pictures, RGB planes, 0 to 255.
    pub pixels: Vec<u8>,
    /// `[N]`: what the network sees of each.
    pub placements: Vec<Placement>,
    /// `[N]`: the draws of each picture's colour noise ([`Colouring::shift`]); empty when there is none.
    pub colour: Vec<[f32; 3]>,
    /// `[N]` class indices.
    pub labels: Vec<u32>,
    /// `[N]`: which usable picture of the split each is.
    pub indices: Vec<u32>,
}
