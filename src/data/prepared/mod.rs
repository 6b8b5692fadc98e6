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
//! | [`build`] | decoding what is missing |
//! | [`writer`] | adding to a store so that it is sound at every moment |
//! | [`lock`], [`files`] | several programs at once; files that are whole or absent |
//!
//! Pictures are known by name, and by what shows whether their file has changed ([`Fingerprint`](super::Fingerprint)).
//! Labels, splits and limits are not kept: another split seed or another share to validate decodes nothing anew.
//!
//! Nothing on disk is trusted. The index carries checksums and is read up to the first that is wrong; the checksum of
//! every picture is compared when it is first read in a process, and a picture that is damaged is decoded again and
//! mended. What another version or another program wrote is made anew. If nothing can be written, a run goes on with
//! pictures in memory.
//!
//! # Why no memory map
//! Pictures are read with positional reads (`pread`). A map would need `unsafe`, and a file that is cut short or a disk
//! that fails would end the whole program with a signal instead of one picture with an error. The system's cache of
//! pages serves both alike; what a read costs more is one call and one copy, straight into the batch. That call shows
//! only where pictures are tiny, and then all of them are few bytes: a store of up to 256 MiB, such as CIFAR-10's, is
//! read into memory when it is opened.

mod build;
mod cabinet;
mod error;
mod files;
mod index;
mod lock;
mod pixels;
mod plan;
mod statistics;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use self::build::{Build, Built, Trouble, outcomes};
use self::cabinet::Place;
use self::index::{Found, Header, Record};
use self::lock::Lock;
use self::pixels::PixelFile;
use self::plan::{Matching, Plan};
use super::store::{Outcome, PictureStore, Pixels, picture_bytes};
use super::sums::Sums;
use super::{DataError, Dataset};

pub use cabinet::{Cabinet, KeptSource, Removal};
pub use error::KeptError;

/// Stores of up to so many bytes are read into memory.
const SMALL: usize = 256 << 20;
/// How often one who waits for another program looks again.
const WAIT: Duration = Duration::from_millis(200);
/// After so many looks it says that it waits; work that was just stopped is over before.
const SILENT_LOOKS: u32 = 3;

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
    /// Read every picture that is there and mend what is damaged, instead of when it is first used.
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

/// Pictures that are kept on disk, open to be read.
#[derive(Debug)]
pub struct Kept {
    folder: PathBuf,
    pixels: PixelFile,
    /// Pictures of the data set that were decoded this time.
    decoded: usize,
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
        match on_disk(&dataset, &home, cabinet, how) {
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
    PictureStore::prepare(dataset, how.side, how.memory, how.threads, &progress, how.watch.cancel)
}

/// Prepares on disk, after whoever is at it already.
fn on_disk(
    dataset: &Arc<dyn Dataset>,
    home: &Path,
    cabinet: &Cabinet,
    how: &Preparation,
) -> Result<Option<PictureStore>, Trouble> {
    let place = cabinet.place(home, how.side);
    let header = Header { side: how.side, source: home.to_string_lossy().into_owned() };
    let Some(plan) = Plan::of(&**dataset, how.side, how.watch.cancel)? else { return Ok(None) };
    let attempt = Attempt { dataset, cabinet, how, place: &place, header: &header, plan: &plan };
    let mut looks = 0;
    while !how.watch.cancelled() {
        match attempt.make()? {
            Attempted::Ready(store) => return Ok(Some(*store)),
            Attempted::Cancelled => return Ok(None),
            Attempted::Busy => {}
        }
        looks += 1;
        if looks == SILENT_LOOKS {
            let text = "waiting for another AlexNet Lab, which prepares the same pictures";
            (how.watch.tell)(Report::Note(text.into()));
        }
        std::thread::sleep(WAIT);
    }
    Ok(None)
}

/// One attempt at taking hold of a store.
struct Attempt<'a> {
    dataset: &'a Arc<dyn Dataset>,
    cabinet: &'a Cabinet,
    how: &'a Preparation<'a>,
    place: &'a Place,
    header: &'a Header,
    plan: &'a Plan,
}

/// What an attempt came to.
enum Attempted {
    Ready(Box<PictureStore>),
    /// Somebody else is at it.
    Busy,
    Cancelled,
}

/// A store as it was found.
struct Seen {
    records: Vec<Record>,
    matching: Matching,
    /// Why what lies there is made anew, if it is.
    remark: Option<&'static str>,
}

impl Attempt<'_> {
    fn make(&self) -> Result<Attempted, Trouble> {
        let folder = &self.place.folder;
        let writing = |e: io::Error| KeptError::writing(folder, e);
        let made = std::fs::create_dir_all(folder);
        if !folder.is_dir() {
            made.map_err(writing)?;
        }
        let gate = self.cabinet.gate();
        let reader = match lock::shared(&self.place.readers()) {
            Ok(Some(reader)) => Some(reader),
            Ok(None) => return Ok(Attempted::Busy),
            // A folder without locks that can only be read: what is there cannot change.
            Err(_) if self.place.index().exists() => None,
            Err(e) => return Err(writing(e).into()),
        };
        drop(gate);
        let seen = self.look()?;
        if let Some(sums) = self.sums(&seen) {
            let built =
                Built { outcomes: outcomes(self.plan, &seen.matching, &seen.records), sums, decoded: 0 };
            return self.open(built, reader);
        }
        drop((reader, seen));
        let gate = self.cabinet.gate();
        let Some(writer) = lock::alone(&self.place.writer()).map_err(writing)? else {
            return Ok(Attempted::Busy);
        };
        let alone = lock::alone(&self.place.readers()).map_err(writing)?;
        let reader = match &alone {
            Some(_) => None,
            None => lock::shared(&self.place.readers()).map_err(writing)?,
        };
        drop(gate);
        if alone.is_none() && reader.is_none() {
            return Ok(Attempted::Busy);
        }
        let built = match self.look().and_then(|seen| self.build(seen, alone.is_some())) {
            Ok(built) => built,
            Err(trouble) => {
                if let Some(alone) = alone.filter(|_| !self.place.index().exists()) {
                    let _gate = self.cabinet.gate();
                    let _ = self.place.remove((writer, alone));
                }
                return Err(trouble);
            }
        };
        drop(alone);
        let reader = reader.or(lock::shared(&self.place.readers()).ok().flatten());
        drop(writer);
        match built {
            Some(built) => self.open(built, reader),
            None => Ok(Attempted::Cancelled),
        }
    }

    /// Reads the index and holds it against the pictures of today.
    fn look(&self) -> Result<Seen, Trouble> {
        let reading = |e| KeptError::reading(&self.place.folder, e);
        let (records, remark) = match index::read(&self.place.index()).map_err(reading)? {
            Found::Nothing => (Vec::new(), None),
            Found::Unusable(reason) => (Vec::new(), Some(reason)),
            Found::Index(index) if index.header != *self.header => {
                (Vec::new(), Some("are those of another source"))
            }
            Found::Index(index) => (index.records, (!index.whole).then_some("")),
        };
        let length = std::fs::metadata(self.place.pixels()).map_or(0, |file| file.len());
        let slots = pixels::slots(length, picture_bytes(self.how.side));
        let matching = Matching::of(self.plan, &records, slots, self.how.whole);
        Ok(Seen { records, matching, remark: remark.filter(|remark| !remark.is_empty()) })
    }

    /// The sums over the training pictures if everything is there and nothing need be done.
    fn sums(&self, seen: &Seen) -> Option<Sums> {
        if seen.matching.missing > 0 || self.how.check {
            return None;
        }
        let outcomes = outcomes(self.plan, &seen.matching, &seen.records);
        statistics::read(&self.place.folder, self.how.side, split_of(self.plan, &outcomes))
    }

    fn build(&self, seen: Seen, alone: bool) -> Result<Option<Built>, Trouble> {
        if let Some(remark) = seen.remark {
            let folder = self.place.folder.display();
            let text = format!("the prepared pictures in `{folder}` {remark}; they are made anew");
            (self.how.watch.tell)(Report::Note(text));
        }
        let needed = seen.matching.missing as u64 * picture_bytes(self.how.side) as u64;
        self.cabinet.make_room(self.place, needed)?;
        let Seen { records, matching, .. } = seen;
        let Self { how, place, header, plan, .. } = *self;
        let built =
            Build { dataset: &**self.dataset, how, plan, place, header, records, matching, alone }.run()?;
        if let Some(built) = &built {
            let split = split_of(plan, &built.outcomes);
            statistics::write(&place.folder, how.side, split, &built.sums);
        }
        Ok(built)
    }

    fn open(&self, built: Built, reader: Option<Lock>) -> Result<Attempted, Trouble> {
        let reading = |e| KeptError::reading(&self.place.folder, e);
        let (square, memory) = (picture_bytes(self.how.side), self.how.memory.min(SMALL));
        let pixels = PixelFile::open(&self.place.pixels(), square, memory).map_err(reading)?;
        self.place.touch();
        let Built { outcomes, sums, decoded } = built;
        let kept = Kept { folder: self.place.folder.clone(), pixels, decoded, _reader: reader };
        PictureStore::assemble(self.dataset.clone(), self.how.side, outcomes, &sums, Some(kept))
            .map(|store| Attempted::Ready(Box::new(store)))
            .map_err(Trouble::Data)
    }
}

/// What the training pictures of a split are known by: names and contents of those that can be used.
fn split_of(plan: &Plan, outcomes: &[Outcome]) -> u128 {
    let mut bytes = Vec::new();
    for item in plan.items.iter().filter(|item| item.position < plan.train) {
        if matches!(outcomes[item.position], Ok(Pixels::Kept { .. })) {
            bytes.extend(item.fingerprint.name.to_le_bytes());
            bytes.extend(item.fingerprint.content.to_le_bytes());
        }
    }
    super::fingerprint::digest(&bytes)
}
