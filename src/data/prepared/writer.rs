//! Adds pictures to a store so that it is sound at every moment.
//!
//! Pixels are written first and synced; only then a block of the index speaks of them, and is synced too. That happens
//! a few times a second, so a program that is killed loses that much work and nothing else. In the end the index is
//! replaced by one without seams: a store that was made in ten attempts is, byte for byte, the one that was made in one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::io;
use std::time::{Duration, Instant};

use super::cabinet::Place;
use super::index::{self, CameTo, Header, Record};
use super::pixels::{self, Square};
use crate::files;

/// Work that a kill may cost.
const BETWEEN_COMMITS: Duration = Duration::from_millis(250);
/// On a slow disk it may cost more: a commit follows after so many times what the last one took.
const RARITY: u32 = 10;
/// The same in bytes, so that no commit takes long.
const BYTES_BETWEEN_COMMITS: usize = 64 << 20;

/// An open store to which pictures are added. Nobody else may write to it.
pub(super) struct Writer<'a> {
    place: &'a Place,
    header: &'a Header,
    index: File,
    /// Where the next block of it goes.
    index_end: u64,
    pixels: File,
    /// Bytes of a square.
    square: usize,
    /// Everything that the store holds.
    records: Vec<Record>,
    /// Of these, the last ones of which the index does not speak yet.
    uncommitted: usize,
    bytes_uncommitted: usize,
    committed: Instant,
    /// Time until the next commit.
    patience: Duration,
    /// Slots that can be used, the next one last.
    free: Vec<u32>,
    /// The first slot behind all others.
    next: u32,
    /// Lengths of both files in the beginning, and the records there were.
    start: (u64, u64, usize),
    /// Some squares were written again.
    mended: bool,
}

/// Name and content of a picture.
type Known = (u128, u64);

impl<'a> Writer<'a> {
    /// Opens the store at `place`, which is to hold `records` and nothing else. `alone`: nobody reads it, so squares
    /// of which no record speaks can be overwritten.
    pub fn open(
        place: &'a Place,
        header: &'a Header,
        square: usize,
        records: Vec<Record>,
        alone: bool,
    ) -> io::Result<Self> {
        index::replace(&place.index(), header, &records)?;
        let index = files::open_to_write(&place.index())?;
        let pixels = files::open_to_write(&place.pixels())?;
        let behind_used = used(records.iter()).max().map_or(0, |last| last + 1);
        let (mut free, mut next) = (Vec::new(), behind_used);
        if alone {
            let mut is_used = vec![false; behind_used as usize];
            used(records.iter()).for_each(|slot| is_used[slot as usize] = true);
            free.extend((0..behind_used).rev().filter(|&slot| !is_used[slot as usize]));
            pixels.set_len(pixels::offset(behind_used, square))?;
        } else {
            let length = pixels.metadata()?.len();
            next = next.max(u32::try_from(length.div_ceil(square as u64)).unwrap_or(u32::MAX));
        }
        files::sync_folder_if_possible(&place.folder);
        let index_end = index.metadata()?.len();
        let start = (index_end, pixels.metadata()?.len(), records.len());
        Ok(Self {
            place,
            header,
            index,
            index_end,
            pixels,
            square,
            records,
            uncommitted: 0,
            bytes_uncommitted: 0,
            committed: Instant::now(),
            patience: BETWEEN_COMMITS,
            free,
            next,
            start,
            mended: false,
        })
    }

    /// Adds a picture; returns where it is.
    pub fn add(&mut self, (name, content): Known, planes: &[u8]) -> io::Result<Square> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.next == u32::MAX => return Err(io::ErrorKind::FileTooLarge.into()),
            None => {
                self.next += 1;
                self.next - 1
            }
        };
        let square = Square { slot, checksum: crc32fast::hash(planes) };
        files::write_at(&self.pixels, planes, pixels::offset(slot, self.square))?;
        self.push(Record { name, content, came_to: CameTo::Pixels(square) }, planes.len())?;
        Ok(square)
    }

    /// Puts a picture that was found damaged back where it was. If it has become another one since, it is put elsewhere:
    /// somebody may read what was there.
    pub fn mend(&mut self, picture: Known, planes: &[u8], was: Square) -> io::Result<Square> {
        self.mended = true;
        if crc32fast::hash(planes) != was.checksum {
            return self.add(picture, planes);
        }
        files::write_at(&self.pixels, planes, pixels::offset(was.slot, self.square))?;
        Ok(was)
    }

    /// Remembers a file that cannot be used.
    pub fn refuse(&mut self, (name, content): Known, reason: &str) -> io::Result<()> {
        self.push(Record { name, content, came_to: CameTo::Refused(reason.into()) }, 0)
    }

    fn push(&mut self, record: Record, bytes: usize) -> io::Result<()> {
        self.records.push(record);
        self.uncommitted += 1;
        self.bytes_uncommitted += bytes;
        if self.bytes_uncommitted >= BYTES_BETWEEN_COMMITS || self.committed.elapsed() >= self.patience {
            self.commit()?;
        }
        Ok(())
    }

    /// Makes sure that everything added so far survives whatever happens next.
    pub fn commit(&mut self) -> io::Result<()> {
        let began = Instant::now();
        if self.uncommitted > 0 {
            self.pixels.sync_data()?;
            let added = &self.records[self.records.len() - self.uncommitted..];
            let block = index::block_bytes(added);
            files::write_at(&self.index, &block, self.index_end)?;
            self.index.sync_data()?;
            self.index_end += block.len() as u64;
        }
        (self.uncommitted, self.bytes_uncommitted, self.committed) = (0, 0, Instant::now());
        self.patience = BETWEEN_COMMITS.max(began.elapsed() * RARITY);
        Ok(())
    }

    /// The store holds everything it should.
    pub fn finish(mut self) -> io::Result<()> {
        self.commit()?;
        if self.mended {
            self.pixels.sync_data()?;
        }
        if self.records.len() > self.start.2 {
            drop(self.index);
            index::replace(&self.place.index(), self.header, &latest(self.records))?;
        }
        Ok(())
    }

    /// Takes back everything that was added, to give a full disk its room again. Returns whether nothing is left.
    pub fn take_back(self) -> bool {
        let (index, pixels, records) = self.start;
        let taken = self.index.set_len(index).and_then(|()| self.pixels.set_len(pixels));
        if let Err(e) = taken {
            log::info!("`{}` cannot be shortened: {e}", self.place.folder.display());
        }
        records == 0
    }
}

/// Bytes by which the file of pixels grows from `length` when so many `more` pictures are added to `records`. See
/// [`Writer::open`] for `alone`.
pub(super) fn growth<'a>(
    records: impl Iterator<Item = &'a Record> + Clone,
    length: u64,
    more: usize,
    square: usize,
    alone: bool,
) -> u64 {
    let behind_used = used(records.clone()).max().map_or(0, |last| u64::from(last) + 1);
    let taken = if alone {
        behind_used.max((used(records).count() + more) as u64)
    } else {
        behind_used.max(length.div_ceil(square as u64)) + more as u64
    };
    (taken * square as u64).saturating_sub(length)
}

/// Slots in which pictures are.
fn used<'a>(records: impl Iterator<Item = &'a Record>) -> impl Iterator<Item = u32> {
    records.filter_map(|record| match record.came_to {
        CameTo::Pixels(square) => Some(square.slot),
        CameTo::Refused(_) => None,
    })
}

/// The last record of each name, at the place of the first.
fn latest(records: Vec<Record>) -> Vec<Record> {
    let mut places = HashMap::<u128, usize>::with_capacity(records.len());
    let mut latest = Vec::<Record>::with_capacity(records.len());
    for record in records {
        match places.entry(record.name) {
            Entry::Occupied(place) => latest[*place.get()] = record,
            Entry::Vacant(place) => {
                place.insert(latest.len());
                latest.push(record);
            }
        }
    }
    latest
}

/// Removes what an attempt that failed at once may have left of a store that holds nothing.
pub(super) fn remove_empty(place: &Place) {
    for path in [place.index(), place.index().with_extension(files::UNFINISHED), place.pixels()] {
        let _ = fs::remove_file(path);
    }
}
