//! The directory of a TIFF: which tags it has, and where their values lie. Nothing in it is believed: every place and
//! count is looked up in the bytes that are there.

use std::collections::BTreeMap;

use super::patched::Patched;

/// Entries of a directory that are looked at; real ones have a few dozen.
const MAX_ENTRIES: usize = 1000;
/// Numbers of one tag that are read.
const MAX_NUMBERS: u32 = 1 << 20;

pub(super) mod tag {
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const PACKING: u16 = 259;
    pub const MEANING: u16 = 262;
    pub const STRIP_PLACES: u16 = 273;
    pub const SAMPLES: u16 = 277;
    pub const STRIP_SIZES: u16 = 279;
    pub const PLANES: u16 = 284;
    pub const PREDICTOR: u16 = 317;
    pub const PALETTE: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_PLACES: u16 = 324;
    pub const TILE_SIZES: u16 = 325;
    pub const EXTRA: u16 = 338;
    pub const FORMAT: u16 = 339;
    pub const SUBSAMPLING: u16 = 530;
}

/// Kind, count, and the four bytes of value or place.
pub(super) type Entry = (u16, u32, [u8; 4]);

/// A directory.
pub(super) struct Directory<'a> {
    bytes: &'a [u8],
    pub big_endian: bool,
    pub entries: BTreeMap<u16, Entry>,
}

impl<'a> Directory<'a> {
    /// The first directory of a file.
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        let mut directory = Self { bytes, big_endian, entries: BTreeMap::new() };
        let start = directory.number(bytes.get(4..8)?) as usize;
        let count = directory.number(bytes.get(start..start.checked_add(2)?)?) as usize;
        for entry in bytes.get(start + 2..)?.chunks_exact(12).take(count.min(MAX_ENTRIES)) {
            let (tag, kind) = (directory.number(&entry[..2]) as u16, directory.number(&entry[2..4]) as u16);
            let count = directory.number(&entry[4..8]) as u32;
            directory.entries.insert(tag, (kind, count, [entry[8], entry[9], entry[10], entry[11]]));
        }
        Some(directory)
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let join = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }

    /// All whole numbers of a tag.
    pub fn all(&self, tag: u16) -> Option<Vec<u64>> {
        let (kind, count, value) = self.entries.get(&tag)?;
        let size = match kind {
            1 => 1,
            3 => 2,
            4 => 4,
            _ => return None,
        };
        // A strip for each row of the tallest picture is fewer.
        if *count > MAX_NUMBERS {
            return None;
        }
        let length = size * *count as usize;
        let bytes = if length <= 4 {
            &value[..length]
        } else {
            let start = self.number(value) as usize;
            self.bytes.get(start..start.checked_add(length)?)?
        };
        Some(bytes.chunks_exact(size).map(|bytes| self.number(bytes)).collect())
    }

    pub fn first(&self, tag: u16, otherwise: u64) -> u64 {
        self.all(tag).and_then(|values| values.first().copied()).unwrap_or(otherwise)
    }

    /// The same file with another directory behind its end, read without a copy of it.
    pub fn with_entries(&self, entries: &BTreeMap<u16, Entry>) -> Option<Patched<'a>> {
        let padding = self.bytes.len() % 2;
        let place = u32::try_from(self.bytes.len() + padding).ok()?;
        let is_big = self.big_endian;
        let short = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let long = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let start = [self.bytes.get(..4)?, &long(place)].concat();
        let mut end = vec![0; padding];
        end.extend(short(entries.len() as u16));
        for (tag, (kind, count, value)) in entries {
            end.extend(short(*tag));
            end.extend(short(*kind));
            end.extend(long(*count));
            end.extend(value);
        }
        end.extend([0; 4]);
        Some(Patched::new(self.bytes, start, end))
    }

    /// The largest width x height that a JPEG in a strip or tile claims.
    pub fn largest_jpeg(&self, frame: impl Fn(&[u8]) -> Option<u64>) -> u64 {
        let parts = |places, sizes| Some((self.all(places)?, self.all(sizes)?));
        let parts =
            parts(tag::STRIP_PLACES, tag::STRIP_SIZES).or_else(|| parts(tag::TILE_PLACES, tag::TILE_SIZES));
        let (places, sizes) = parts.unwrap_or_default();
        let pixels = places.iter().zip(sizes).filter_map(|(&place, size)| {
            let (start, size) = (usize::try_from(place).ok()?, usize::try_from(size).ok()?);
            frame(self.bytes.get(start..start.checked_add(size)?.min(self.bytes.len()))?)
        });
        pixels.max().unwrap_or(0)
    }
}
