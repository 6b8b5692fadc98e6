//! Prepared pictures on disk, from one run to the next: each picture decoded and scaled once, as the paper did
//! (section 2).
//!
//! ```text
//! alexnet-lab/prepared/                 in the user's cache folder, or in data.cache_dir
//!   pets.zip-256px-1f3a92c4/            one folder a source and a side: its name, its side, a hash of its path
//!     index                             which pictures there are, and what was refused why ([`index`])
//!     pixels                            [3, side, side] bytes a picture, one after the other ([`pixels`])
//!     statistics-...                    sums over the training pictures of a split ([`statistics`])
//! ```
//!
//! | module | subject |
//! |---|---|
//! | [`cabinet`] | all stores: where, how large, removing them |
//! | [`plan`] | today's pictures beside what a store holds |
//! | [`attempt`] | taking hold of a store while other programs may be at it |
//! | [`build`], [`work`] | decoding what is missing |
//! | [`adding`] | adding up the training pictures that are there |
//! | [`keeping`], [`writer`] | adding to a store so that it is sound at every moment |
//! | [`steps`] | how far it is, pauses and stops |
//!
//! Several programs at once are kept apart by locks, and files are whole or absent: [`crate::files`].
//!
//! Pictures are known by name, and by what shows whether their file has changed ([`Fingerprint`](super::Fingerprint)).
//! Labels, splits and limits are not kept: another split seed or another share to validate decodes nothing anew.
//!
//! Nothing on disk is trusted. The index carries checksums and is read up to the first that is wrong; the checksum of
//! every picture is compared when it is first read in a process, and a picture that is damaged is decoded again and
//! mended. What another version or another program wrote is made anew. If nothing can be written, a run goes on with
//! what is there, and has the other pictures in memory.
//!
//! What cannot be used is kept too, as the reason why, so that nobody reads it again until its file, or the archive
//! around it, is another one. Only what a disk or a permission kept from being read is tried again at each start.
//!
//! # Why no memory map
//! Pictures are read with positional reads (`pread`). A map would need `unsafe`, and a file that is cut short or a disk
//! that fails would end the whole program with a signal instead of one picture with an error. The system's cache of
//! pages serves both alike; what a read costs more is one call and one copy, straight into the batch. That call shows
//! only where pictures are tiny, and then all of them are few bytes: a store of up to 256 MiB, such as CIFAR-10's, is
//! read into memory when it is opened.

mod adding;
mod attempt;
mod build;
mod cabinet;
mod error;
mod index;
mod keeping;
mod pixels;
mod plan;
mod statistics;
mod steps;
mod work;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::build::Trouble;
use self::pixels::PixelFile;
use super::store::PictureStore;
use super::{DataError, Dataset};
use crate::files::Lock;

pub use cabinet::{Cabinet, KeptSource, Removal};
pub use error::KeptError;
pub(super) use pixels::Square;

/// How pictures are to be prepared.
#[derive(Clone, Copy)]
pub struct Preparation<'a> {
    /// Of the squares, in pixels.
    pub side: u32,
    /// 0: one a core.
    pub threads: usize,
    /// Bytes of pictures kept in memory where none are kept on disk; a small store that fits is read into memory too.
    pub memory: usize,
    /// Where pictures are kept on disk; nowhere if empty.
    pub cabinet: Option<&'a Cabinet>,
    /// Whether the data set names everything at its source. If not, pictures that it does not name may be wanted
    /// another time.
    pub whole: bool,
    /// Decode every picture again, compare it with what is kept, and mend what is not the same.
    pub check: bool,
    /// Go on in memory where nothing can be kept on disk.
    pub or_in_memory: bool,
    pub watch: Watch<'a>,
}

/// How a preparation is watched and steered.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    pub tell: &'a (dyn Fn(Report) + Sync),
    /// What is done is kept, and the work ends.
    pub cancel: &'a AtomicBool,
    /// The work waits while this is set.
    pub pause: &'a AtomicBool,
}

/// What a preparation reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Pictures done, those of earlier attempts included.
    Progress { done: usize, total: usize },
    /// Something worth knowing.
    Note(String),
    /// The pictures are not kept on disk, for this reason.
    Warning(String),
}

/// What came of comparing prepared pictures with their source. All that was wrong has been mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Prepared pictures that were compared with their files.
    pub compared: usize,
    /// Of these, how many were damaged on disk.
    pub damaged: usize,
    /// And how many were sound, but not what their files hold now.
    pub differing: usize,
    /// Prepared pictures whose files cannot be read now, and that were left as they are.
    pub unread: usize,
}

/// Pictures that are kept on disk, open to be read.
#[derive(Debug)]
pub struct Kept {
    folder: PathBuf,
    pixels: PixelFile,
    /// Pictures of the data set that were decoded this time.
    decoded: usize,
    verified: Option<Verified>,
    /// Keeps others from removing the store.
    _reader: Option<Lock>,
}

impl Kept {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Pictures that were decoded this time; the others were there.
    pub fn decoded(&self) -> usize {
        self.decoded
    }

    /// What a comparison with the source came to, if one was wanted.
    pub fn verified(&self) -> Option<Verified> {
        self.verified
    }

    pub(super) fn pixels(&self) -> &PixelFile {
        &self.pixels
    }
}

/// Prepares every picture of a data set, on disk if possible. Nothing if it was cancelled; what was done until then is
/// there the next time.
///
/// # Errors
/// As [`PictureStore::prepare`]; and [`DataError::Kept`] if nothing can be kept on disk and memory is not wanted
/// instead.
pub fn prepare(dataset: Arc<dyn Dataset>, how: &Preparation) -> Result<Option<PictureStore>, DataError> {
    let how = &Preparation { side: how.side.max(1), ..*how };
    if let (Some(cabinet), Some(home)) = (how.cabinet, dataset.home().map(Path::to_owned)) {
        match attempt::on_disk(&dataset, &home, cabinet, how) {
            Ok(store) => return Ok(store),
            Err(Trouble::Data(error)) => return Err(error),
            Err(Trouble::Kept(error)) if !how.or_in_memory => return Err(error.into()),
            Err(Trouble::Kept(error)) => {
                let text =
                    format!("{error}. This run goes on without: pictures are prepared anew at each start");
                (how.watch.tell)(Report::Warning(text));
            }
        }
    }
    let progress = |done, total| (how.watch.tell)(Report::Progress { done, total });
    let goes_on = || how.watch.goes_on();
    PictureStore::prepare_while(dataset, how.side, how.memory, how.threads, &progress, &goes_on)
}
