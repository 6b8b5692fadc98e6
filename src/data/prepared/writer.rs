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
use super::{files, pixels};

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
        let index = File::options().append(true).open(place.index())?;
        let pixels = files::open_to_write(&place.pixels())?;
        let used = records.iter().filter_map(|record| match record.came_to {
            CameTo::Pixels { slot, .. } => Some(slot),
            CameTo::Refused(_) => None,
        });
        let behind_used = used.clone().max().map_or(0, |last| last + 1);
        let (mut free, mut next) = (Vec::new(), behind_used);
        if alone {
            let mut is_used = vec![false; behind_used as usize];
            used.for_each(|slot| is_used[slot as usize] = true);
            free.extend((0..behind_used).rev().filter(|&slot| !is_used[slot as usize]));
            pixels.set_len(pixels::offset(behind_used, square))?;
        } else {
            let length = pixels.metadata()?.len();
            next = next.max(u32::try_from(length.div_ceil(square as u64)).unwrap_or(u32::MAX));
        }
        files::sync_folder(&place.folder);
        let start = (index.metadata()?.len(), pixels.metadata()?.len(), records.len());
        Ok(Self {
            place,
            header,
            index,
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

    /// Adds a picture; returns its slot and checksum.
    pub fn add(&mut self, picture: Known, planes: &[u8]) -> io::Result<(u32, u32)> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.next == u32::MAX => return Err(io::ErrorKind::FileTooLarge.into()),
            None => {
                self.next += 1;
                self.next - 1
            }
        };
        self.put(picture, planes, slot, None)
    }

    /// Puts a picture that was found damaged back into its slot, of which the index says `checksum`.
    pub fn mend(
        &mut self,
        picture: Known,
        planes: &[u8],
        slot: u32,
        checksum: u32,
    ) -> io::Result<(u32, u32)> {
        self.mended = true;
        self.put(picture, planes, slot, Some(checksum))
    }

    fn put(
        &mut self,
        (name, content): Known,
        planes: &[u8],
        slot: u32,
        told: Option<u32>,
    ) -> io::Result<(u32, u32)> {
        let checksum = crc32fast::hash(planes);
        files::write_at(&self.pixels, planes, pixels::offset(slot, self.square))?;
        if told != Some(checksum) {
            self.push(Record { name, content, came_to: CameTo::Pixels { slot, checksum } }, planes.len())?;
        }
        Ok((slot, checksum))
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
            io::Write::write_all(&mut self.index, &index::block_bytes(added))?;
            self.index.sync_data()?;
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
            self.records = latest(self.records);
        }
        if self.mended || self.records.len() > self.start.2 {
            drop(self.index);
            index::replace(&self.place.index(), self.header, &self.records)?;
        }
        Ok(())
    }

    /// Takes back everything that was added, to give a full disk its room again. Returns whether nothing is left.
    pub fn take_back(self) -> bool {
        let (index, pixels, records) = self.start;
        let taken = self.index.set_len(index).and_then(|()| self.pixels.set_len(pixels));
        if let Err(e) = taken {
            log::info!("{} cannot be shortened: {e}", self.place.folder.display());
        }
        records == 0
    }
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
