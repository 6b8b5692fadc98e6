//! The index of a store: which pictures it holds, where, and which files were refused why.
//!
//! A journal. Behind the header come blocks, each with its length and checksum, and each written only after the pixels
//! it speaks of are safely on disk. A program that is killed in the middle leaves at worst half a block at the end,
//! which the next reader overlooks. Numbers are little-endian.
//!
//! ```text
//! header   b"ALEXPICS", version u32, side u32, length u32, source (UTF-8), CRC-32 of all that
//! block    records u32, length u32, CRC-32 of both and of what follows, records
//! record   name 16 bytes, content u64, slot u32 (0xFFFFFFFF: refused), CRC-32 of the pixels u32
//!          or, refused, the length of the reason u32, reason (UTF-8)
//! ```

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::pixels::Square;
use crate::data::Fingerprint;
use crate::files;

const MAGIC: &[u8; 8] = b"ALEXPICS";
/// Counts up whenever the layout of the files or the way from a picture to its pixels changes. Stores of other
/// versions are made anew.
const VERSION: u32 = 1;
/// Slot of a refused file.
const REFUSED: u32 = u32::MAX;
/// An index of ten million pictures has half of it.
const LARGEST: u64 = 1 << 30;
const LONGEST_SOURCE: usize = 64 << 10;
const LONGEST_REASON: usize = 4096;
/// Records of a block in a finished index.
const BLOCK: usize = 4096;

/// What a store is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Side of the squares in pixels.
    pub side: u32,
    /// Path of the source.
    pub source: String,
}

/// A picture that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub name: u128,
    pub content: u64,
    pub came_to: CameTo,
}

impl Record {
    /// Whether it was made of the picture as it is today. A refusal may be the fault of the archive around it, and holds
    /// as long as that stays the same.
    pub fn is_of(&self, today: &Fingerprint) -> bool {
        let is_refused = matches!(self.came_to, CameTo::Refused(_));
        self.content == today.content || (is_refused && self.content == today.around)
    }
}

/// What became of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CameTo {
    /// Its pixels are kept.
    Pixels(Square),
    /// It cannot be used.
    Refused(Box<str>),
}

/// What lies where an index should be.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// Another program's file, another version's, or one that is damaged from the start; in words.
    Unusable(&'static str),
    Index(Index),
}

/// All that can be trusted of an index.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    pub header: Header,
    pub records: Vec<Record>,
    /// Whether nothing but these stands there: no half block at the end.
    pub whole: bool,
}

/// Reads the index at `path`.
///
/// # Errors
/// The disk's. What lies there may be anything.
pub(super) fn read(path: &Path) -> io::Result<Found> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(e) => return Err(e),
    };
    if file.metadata()?.len() > LARGEST {
        return Ok(Found::Unusable("are not in a file of this program"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(parse(&bytes))
}

/// Puts a whole index in the place of whatever is at `path`: all at once, or not at all.
pub(super) fn replace(path: &Path, header: &Header, records: &[Record]) -> io::Result<()> {
    let mut bytes = header_bytes(header);
    records.chunks(BLOCK).for_each(|records| bytes.extend(block_bytes(records)));
    files::replace(path, &bytes)
}

fn parse(bytes: &[u8]) -> Found {
    let mut at = Cursor { bytes };
    let (header, rest) = match parse_header(&mut at) {
        Ok(header) => (header, at),
        Err(reason) => return Found::Unusable(reason),
    };
    let mut rest = rest;
    let mut records = Vec::new();
    while !rest.bytes.is_empty() {
        match parse_block(&mut rest) {
            Some(block) => records.extend(block),
            None => return Found::Index(Index { header, records, whole: false }),
        }
    }
    Found::Index(Index { header, records, whole: true })
}

fn header_bytes(header: &Header) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let source = &header.source.as_bytes()[..header.source.len().min(LONGEST_SOURCE)];
    [VERSION, header.side, source.len() as u32].iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes.extend(source);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn parse_header(at: &mut Cursor) -> Result<Header, &'static str> {
    let foreign = "are not in a file of this program";
    let damaged = "are damaged";
    let all = at.bytes;
    if at.take(MAGIC.len()).ok_or(damaged)? != MAGIC {
        return Err(foreign);
    }
    if at.word().ok_or(damaged)? != VERSION {
        return Err("are those of another version of this program");
    }
    let side = at.word().ok_or(damaged)?;
    let length = at.word().ok_or(damaged)? as usize;
    if length > LONGEST_SOURCE {
        return Err(damaged);
    }
    let source = at.take(length).ok_or(damaged)?;
    let checksum = crc32fast::hash(&all[..all.len() - at.bytes.len()]);
    if at.word() != Some(checksum) {
        return Err(damaged);
    }
    Ok(Header { side, source: String::from_utf8_lossy(source).into_owned() })
}

/// Records as they are added to the end of an index.
pub(super) fn block_bytes(records: &[Record]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(records.len() * 32);
    for Record { name, content, came_to } in records {
        payload.extend(name.to_le_bytes());
        payload.extend(content.to_le_bytes());
        match came_to {
            CameTo::Pixels(Square { slot, checksum }) => {
                payload.extend(slot.to_le_bytes());
                payload.extend(checksum.to_le_bytes());
            }
            CameTo::Refused(reason) => {
                let reason = &reason[..reason.floor_char_boundary(LONGEST_REASON)];
                payload.extend(REFUSED.to_le_bytes());
                payload.extend((reason.len() as u32).to_le_bytes());
                payload.extend(reason.as_bytes());
            }
        }
    }
    let lengths = [(records.len() as u32).to_le_bytes(), (payload.len() as u32).to_le_bytes()].concat();
    let checksum = block_checksum(&lengths, &payload);
    [&lengths[..], &checksum.to_le_bytes(), &payload].concat()
}

fn block_checksum(lengths: &[u8], payload: &[u8]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(lengths);
    checksum.update(payload);
    checksum.finalize()
}

/// The records of the next block; nothing if it cannot be trusted.
fn parse_block(at: &mut Cursor) -> Option<Vec<Record>> {
    let lengths = at.take(8)?;
    let mut words = Cursor { bytes: lengths };
    let (count, length) = (words.word()?, words.word()?);
    let checksum = at.word()?;
    let payload = at.take(length as usize)?;
    if block_checksum(lengths, payload) != checksum {
        return None;
    }
    let mut inside = Cursor { bytes: payload };
    (0..count).map(|_| parse_record(&mut inside)).collect()
}

fn parse_record(at: &mut Cursor) -> Option<Record> {
    let name = u128::from_le_bytes(at.take(16)?.try_into().ok()?);
    let content = u64::from_le_bytes(at.take(8)?.try_into().ok()?);
    let (slot, word) = (at.word()?, at.word()?);
    let came_to = if slot == REFUSED {
        CameTo::Refused(std::str::from_utf8(at.take(word as usize)?).ok()?.into())
    } else {
        CameTo::Pixels(Square { slot, checksum: word })
    };
    Some(Record { name, content, came_to })
}

/// What is left of some bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn word(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

/// Whether the file at `path` begins as an index does, of whatever version.
pub(super) fn is_one(path: &Path) -> bool {
    let mut start = [0; MAGIC.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *MAGIC
}
