//! Tar archives, read in place.
//!
//! The headers are walked here, one block at a time, because nothing in them is to be believed: sizes are checked
//! against the archive before a byte is read, and no name may claim more memory than a name needs. A tar inside
//! the archive counts as a folder of its name, as in ImageNet's training archive of one tar a class.

use std::io;

use tar::{EntryType, Header};

use super::bytes::{Region, Stamp};
use super::names::entry_path;
use super::{Entry, Fault, Lister, Opened, Opening, Source};
use crate::data::error::DataError;

const BLOCK: u64 = 512;
/// Bytes a long name or a set of extended attributes may take.
const MAX_EXTENSION: u64 = 64 << 10;
/// More zeros than any program writes behind the last entry.
const LARGEST_FILLING: u64 = 16 << 20;

/// An open archive.
struct TarFile {
    archive: Region,
    /// Offset and size of each file. Neither is to be trusted: they come from the archive.
    extents: Vec<(u64, u64)>,
}

impl Source for TarFile {
    fn stamp(&self, file: &Entry) -> Option<Stamp> {
        let (offset, _) = self.extents[file.place as usize];
        // Also of what ends behind the archive, which is not looked at again before the archive is another one.
        self.archive.stamp().map(|stamp| Stamp { place: stamp.place.saturating_add(offset), ..stamp })
    }

    fn region(&self, file: &Entry) -> Result<Region, String> {
        let (offset, size) = self.extents[file.place as usize];
        self.archive.part(offset, size)
    }

    fn fault(&self, file: &Entry) -> Fault {
        self.region(file).map_or(Fault::Archive, |region| region.fault())
    }
}

/// Indexes the archive; what it holds is later read from `for_reading`, which has the same bytes.
pub(super) fn open(archive: &Region, for_reading: Region, opening: &Opening) -> Result<Opened, DataError> {
    let mut index = Index { archive, opening, extents: Vec::new(), lister: Lister::default() };
    index.walk(0, archive.length(), "")?;
    let (extents, listing) = (index.extents, index.lister.finish());
    Ok(Opened { source: Box::new(TarFile { archive: for_reading, extents }), listing })
}

/// Whether `start` begins with a header of a tar archive, or with the zeros of an empty one.
pub(super) fn starts_like_tar(start: &[u8]) -> bool {
    start.first_chunk::<512>().is_some_and(|block| block.iter().all(|&b| b == 0) || checksum_fits(block))
}

fn checksum_fits(block: &[u8; 512]) -> bool {
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(i, &b)| u32::from(if (148..156).contains(&i) { b' ' } else { b }))
        .sum();
    Header::from_byte_slice(block).cksum().is_ok_and(|told| told == sum)
}

struct Index<'a> {
    archive: &'a Region,
    opening: &'a Opening<'a>,
    extents: Vec<(u64, u64)>,
    lister: Lister,
}

/// What headers say about the entry that follows them.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Index<'_> {
    /// Lists what lies between `at` and `end`, under `folder` (empty, or with `/` at its end).
    fn walk(&mut self, mut at: u64, end: u64, folder: &str) -> Result<(), DataError> {
        let mut next = Extensions::default();
        let mut block = [0; BLOCK as usize];
        let mut count = 0_usize;
        while at.saturating_add(BLOCK) <= end {
            if count.is_multiple_of(4096) {
                self.opening.check_cancelled()?;
            }
            self.fill(&mut block, at)?;
            if block.iter().all(|&b| b == 0) {
                return self.look_behind_end(at, end);
            }
            if !checksum_fits(&block) {
                return Err(self.damaged(count, "a header is wrong"));
            }
            let header = Header::from_byte_slice(&block);
            let size = next.size.take().map_or_else(|| header.entry_size(), Ok);
            let size = size.map_err(|_| self.damaged(count, "a size is wrong"))?;
            let data = at + BLOCK;
            self.entry(header, (data, size, end), folder, &mut next)?;
            let padded = size.checked_next_multiple_of(BLOCK);
            at = padded.and_then(|size| data.checked_add(size)).unwrap_or(u64::MAX);
            count += 1;
        }
        // A whole archive ends with blocks of zeros.
        self.lister.ends_early(self.opening.shown);
        Ok(())
    }

    /// Behind the end mark at `at` lies nothing but what fills the archive up. Some programs give a file its full size
    /// before they have downloaded it: then gigabytes of zeros follow.
    fn look_behind_end(&mut self, at: u64, end: u64) -> Result<(), DataError> {
        if end - at > LARGEST_FILLING {
            let mut last = [0; BLOCK as usize];
            self.fill(&mut last, end - BLOCK)?;
            if last.iter().all(|&b| b == 0) {
                self.lister.ends_early(self.opening.shown);
            }
        }
        Ok(())
    }

    fn fill(&self, buffer: &mut [u8], at: u64) -> Result<(), DataError> {
        self.archive.fill(buffer, at).map_err(|e| self.opening.unreadable(e))
    }

    fn damaged(&self, entries: usize, reason: &str) -> DataError {
        let path = self.opening.shown.to_owned();
        match entries {
            0 if self.lister.entries.is_empty() => DataError::NotAnArchive { path },
            entries => DataError::DamagedArchive { path, entries, reason: reason.into() },
        }
    }

    /// Takes in one entry of `size` bytes at `data`, or what it says about the next. All is over at `end`.
    fn entry(
        &mut self,
        header: &Header,
        (data, size, end): (u64, u64, u64),
        folder: &str,
        next: &mut Extensions,
    ) -> Result<(), DataError> {
        let kind = header.entry_type();
        match kind {
            EntryType::GNULongName => {
                let name = self.extension(data, size).map_err(|e| self.opening.unreadable(e))?;
                next.path = name.map(|mut name| {
                    name.truncate(name.iter().position(|&b| b == 0).unwrap_or(name.len()));
                    name
                });
                return Ok(());
            }
            EntryType::XHeader => {
                let text = self.extension(data, size).map_err(|e| self.opening.unreadable(e))?;
                read_attributes(&text.unwrap_or_default(), next);
                return Ok(());
            }
            EntryType::XGlobalHeader | EntryType::GNULongLink => return Ok(()),
            _ => {}
        }
        let raw = next.path.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let shown = || String::from_utf8_lossy(&raw[..raw.len().min(200)]).into_owned();
        let reason = match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => None,
            EntryType::Symlink | EntryType::Link => Some("it is a link"),
            EntryType::GNUSparse => Some("it is a sparse file"),
            _ => Some("it is no plain file"),
        };
        let path = match (reason, entry_path(&raw)) {
            (None, Ok(path)) => path,
            (Some(reason), _) | (None, Err(reason)) => {
                self.lister.ignore(shown(), reason);
                return Ok(());
            }
        };
        if path.is_empty() {
            return Ok(());
        }
        let path: Box<str> = if folder.is_empty() { path } else { format!("{folder}{path}").into() };
        // Old archives mark folders by a slash alone.
        let is_folder = kind.is_dir() || raw.ends_with(b"/");
        let whole = data.checked_add(size).is_some_and(|entry_end| entry_end <= end);
        if folder.is_empty() && !is_folder && self.is_tar(&path, data) {
            let inner = format!("{}/", path.strip_suffix(".tar").unwrap_or(&path));
            return self.walk(data, if whole { data + size } else { end }, &inner);
        }
        if !whole && !is_folder {
            self.lister.ignore(path, "the archive is cut short here");
            return Ok(());
        }
        let place = u32::try_from(self.extents.len()).unwrap_or(u32::MAX);
        self.extents.push((data, size));
        self.lister.push(path, is_folder, place, self.opening)
    }

    /// Whether a file at `data` is a tar archive itself.
    fn is_tar(&self, path: &str, data: u64) -> bool {
        let mut block = [0; BLOCK as usize];
        path.ends_with(".tar") && self.archive.fill(&mut block, data).is_ok() && checksum_fits(&block)
    }

    /// The content of an entry that describes the next one; nothing if it is too large to be one.
    fn extension(&self, data: u64, size: u64) -> io::Result<Option<Vec<u8>>> {
        if size > MAX_EXTENSION || data.saturating_add(size) > self.archive.length() {
            return Ok(None);
        }
        let mut bytes = vec![0; size as usize];
        self.archive.fill(&mut bytes, data)?;
        Ok(Some(bytes))
    }
}

/// Path and size from the records of a POSIX extended header.
fn read_attributes(text: &[u8], next: &mut Extensions) {
    for attribute in tar::PaxExtensions::new(text).flatten() {
        match attribute.key_bytes() {
            b"path" => next.path = Some(attribute.value_bytes().to_vec()),
            b"size" => next.size = attribute.value().ok().and_then(|value| value.parse().ok()),
            _ => {}
        }
    }
}
