//! Zip archives, read in place: every file is packed by itself, so any of them can be had alone.

mod salvage;

use std::io::{self, Read};

use flate2::read::DeflateDecoder;
use flate2::{Crc, CrcReader};
use zip::{CompressionMethod, ZipArchive};

use super::bytes::{Region, Spool, Stamp};
use super::names::entry_path;
use super::{Entry, Fault, Lister, MAX_FILE_BYTES, Opened, Opening, Source, check_size};
use crate::data::error::DataError;

/// Bytes of a local header before the name.
const LOCAL_HEADER: u64 = 30;
/// Files read in parts are unpacked up to this size; the largest known (EMNIST's) has half of it.
const LARGEST_SPOOL: u64 = 1 << 30;
/// The end of a directory with the longest comment.
const LARGEST_END: u64 = 22 + 0xFFFF;
/// Deflate packs no byte tighter than this.
const LARGEST_RATIO: u64 = 1040;

/// An open archive.
struct ZipFile {
    archive: Region,
    packed: Vec<Packed>,
}

/// A file as the directory of the archive tells it. Nothing of it is to be trusted.
struct Packed {
    header: u64,
    packed: u64,
    unpacked: u64,
    checksum: u32,
    method: CompressionMethod,
    encrypted: bool,
}

impl ZipFile {
    /// The packed bytes of a file, behind a header that may differ in length from the directory's.
    fn packed(&self, file: &Packed) -> Result<Region, String> {
        if file.encrypted {
            return Err("it is encrypted: unpack the archive with its password and choose the folder".into());
        }
        let mut header = [0; LOCAL_HEADER as usize];
        let damaged = || "the archive is damaged here: copy or download it again".to_owned();
        self.archive.part(file.header, LOCAL_HEADER)?.fill(&mut header, 0).map_err(|_| damaged())?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(damaged());
        }
        let length = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let data = file.header + LOCAL_HEADER + length(26) + length(28);
        self.archive.part(data, file.packed)
    }

    /// Whether the bytes of a file can be had as its checksum says.
    fn is_sound(&self, file: &Packed) -> bool {
        let Ok(reader) = self.reader(file) else { return false };
        let mut summed = CrcReader::new(reader.take(file.unpacked.saturating_add(1)));
        let count = io::copy(&mut summed, &mut io::sink());
        count.is_ok_and(|count| count == file.unpacked) && summed.crc().sum() == file.checksum
    }

    fn reader(&self, file: &Packed) -> Result<Box<dyn Read>, String> {
        let packed = self.packed(file)?;
        match file.method {
            CompressionMethod::Stored => Ok(Box::new(packed.reader())),
            CompressionMethod::Deflated => Ok(Box::new(DeflateDecoder::new(packed.reader()))),
            other => Err(format!(
                "it is packed in a way that is not read ({other}): unpack the archive and choose the folder"
            )),
        }
    }
}

impl Source for ZipFile {
    /// The checksum tells the content, so that an archive to which something was added keeps the stamps of the rest.
    fn stamp(&self, file: &Entry) -> Option<Stamp> {
        let file = &self.packed[file.place as usize];
        Some(Stamp { length: file.unpacked, modified: file.checksum.into(), place: 0 })
    }

    fn stamp_around(&self, file: &Entry) -> Option<Stamp> {
        self.archive.stamp().map(|stamp| Stamp { place: self.packed[file.place as usize].header, ..stamp })
    }

    fn fault(&self, file: &Entry) -> Fault {
        let file = &self.packed[file.place as usize];
        let header = self.archive.part(file.header, LOCAL_HEADER);
        if header.is_ok_and(|header| header.fault() == Fault::Reading) {
            return Fault::Reading;
        }
        match self.packed(file) {
            Ok(packed) if packed.fault() == Fault::Reading => Fault::Reading,
            Ok(_) if check_size(file.unpacked).is_err() || self.is_sound(file) => Fault::Picture,
            _ => Fault::Archive,
        }
    }

    fn bytes(&self, file: &Entry) -> Result<Vec<u8>, String> {
        let file = &self.packed[file.place as usize];
        let size = check_size(file.unpacked)?;
        // What the directory claims is taken beforehand only as far as the packed bytes can hold it.
        let possible = file.packed.min(self.archive.length()).saturating_mul(LARGEST_RATIO);
        let mut bytes = Vec::with_capacity(size.min(usize::try_from(possible).unwrap_or(size)));
        let unpacked = self.reader(file)?.take(MAX_FILE_BYTES.min(file.unpacked) + 1).read_to_end(&mut bytes);
        let mut checksum = Crc::new();
        checksum.update(&bytes);
        if unpacked.is_err() || bytes.len() != size || checksum.sum() != file.checksum {
            return Err("the archive is damaged here: copy or download it again".into());
        }
        Ok(bytes)
    }

    fn start(&self, file: &Entry, count: usize) -> Result<Vec<u8>, String> {
        let mut start = Vec::new();
        let reader = self.reader(&self.packed[file.place as usize])?;
        let read = reader.take(count as u64).read_to_end(&mut start);
        read.map(|_| start).map_err(|e| format!("it cannot be unpacked ({e})"))
    }

    fn size(&self, file: &Entry) -> Result<u64, String> {
        Ok(self.packed[file.place as usize].unpacked)
    }

    fn region(&self, file: &Entry) -> Result<Region, String> {
        let packed = &self.packed[file.place as usize];
        if packed.method == CompressionMethod::Stored {
            return self.packed(packed);
        }
        // Only files of records are read in parts; they are few, and unpacked once.
        let mut spool = Spool::default();
        let possible = packed.packed.saturating_mul(LARGEST_RATIO).min(LARGEST_SPOOL);
        let limit = possible.min(packed.unpacked) + 1;
        io::copy(&mut self.reader(packed)?.take(limit), &mut spool)
            .map_err(|e| format!("it cannot be unpacked ({e})"))?;
        if spool.length() != packed.unpacked {
            return Err("the archive is damaged here: copy or download it again".into());
        }
        Ok(spool.into_region().unpacked_from(&self.archive))
    }
}

/// Indexes the archive.
pub(super) fn open(archive: Region, opening: &Opening) -> Result<Opened, DataError> {
    let reader = std::io::BufReader::new(archive.reader());
    let directory = match ZipArchive::new(reader) {
        Ok(directory) => directory,
        // The directory stands at the end, so it is the first thing that a cut archive lacks.
        Err(_) if has_no_end(&archive) => return salvage::open(archive, opening),
        Err(e) => {
            let reason = first_line(&e.to_string()).to_owned();
            return Err(DataError::Unpacking {
                path: opening.shown.into(),
                reason: format!("its directory cannot be read: {reason}; copy or download it again"),
            });
        }
    };
    let metadata = directory.metadata();
    let mut index = Index::default();
    for number in 0..metadata.len() {
        if number.is_multiple_of(4096) {
            opening.check_cancelled()?;
        }
        let Ok(entry) = metadata.entry(number) else { continue };
        if entry.is_symlink() {
            index.lister.ignore(shown(entry.name_raw()), "it is a link");
            continue;
        }
        let packed = Packed {
            header: entry.header_start(),
            packed: entry.compressed_size(),
            unpacked: entry.size(),
            checksum: entry.crc32(),
            method: entry.compression(),
            encrypted: entry.encrypted(),
        };
        index.push(entry.name_raw(), packed, opening)?;
    }
    Ok(index.finish(archive))
}

/// The entries found so far.
#[derive(Default)]
struct Index {
    packed: Vec<Packed>,
    lister: Lister,
}

impl Index {
    fn push(&mut self, raw: &[u8], packed: Packed, opening: &Opening) -> Result<(), DataError> {
        // Some programs for Windows write backslashes.
        let slashed: Vec<u8>;
        let name = if raw.contains(&b'/') || !raw.contains(&b'\\') {
            raw
        } else {
            slashed = raw.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect();
            &slashed
        };
        let path = match entry_path(name) {
            Ok(path) => path,
            Err(reason) => {
                self.lister.ignore(shown(raw), reason);
                return Ok(());
            }
        };
        if path.is_empty() {
            return Ok(());
        }
        let place = u32::try_from(self.packed.len()).unwrap_or(u32::MAX);
        self.packed.push(packed);
        self.lister.push(path, name.ends_with(b"/"), place, opening)
    }

    fn finish(self, archive: Region) -> Opened {
        Opened { source: Box::new(ZipFile { archive, packed: self.packed }), listing: self.lister.finish() }
    }
}

fn shown(raw: &[u8]) -> String {
    String::from_utf8_lossy(&raw[..raw.len().min(200)]).into_owned()
}

/// Whether the mark with which the directory ends is nowhere near the end.
fn has_no_end(archive: &Region) -> bool {
    let length = archive.length().min(LARGEST_END);
    let mut end = vec![0; length as usize];
    let is_read = archive.fill(&mut end, archive.length() - length).is_ok();
    is_read && !end.windows(4).any(|four| four == b"PK\x05\x06")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
