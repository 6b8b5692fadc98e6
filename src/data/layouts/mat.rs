//! MATLAB files of level 5, as far as ImageNet's `meta.mat` needs them: the struct array `synsets` with a number, a
//! wnid and names for each class.
//!
//! A file is a header of 128 bytes and elements, each a kind, a length and that many bytes; an element may hold a
//! packed one (zlib) or, for an array, further elements. No length is believed: every element is cut out of the
//! bytes that are there, and unpacking ends at a limit.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// Bytes of the header; the byte order stands in the last two.
const HEADER: usize = 128;
/// What a packed element may unpack to. ImageNet's takes 3 MiB.
const LARGEST_UNPACKED: u64 = 64 << 20;
/// Classes and subclasses together; ImageNet has 1860.
const MAX_SYNSETS: usize = 200_000;
const MAX_FIELDS: usize = 64;

/// Kinds of element.
const ARRAY: u32 = 14;
const PACKED: u32 = 15;
/// Classes of array.
const STRUCT: u8 = 2;
const CHARACTERS: u8 = 4;
const NUMBERS: std::ops::RangeInclusive<u8> = 6..=15;

/// A line of `synsets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Synset {
    /// `ILSVRC2012_ID`: 1 to 1000 for the classes, more for what stands above them.
    pub id: u32,
    pub wnid: String,
    /// All names, separated by commas.
    pub words: String,
}

/// The synsets in order of the file.
///
/// # Errors
/// Why the bytes are no such file, in the user's language.
pub(super) fn synsets(bytes: &[u8]) -> Result<Vec<Synset>, String> {
    let order = bytes.get(HEADER - 2..HEADER).ok_or("it is no MATLAB file")?;
    let big_endian = match order {
        b"IM" => false,
        b"MI" => true,
        _ => return Err("it is no MATLAB file of level 5".into()),
    };
    if bytes.starts_with(b"MATLAB 7.3") {
        return Err("it is a MATLAB file of version 7.3, not of level 5 as in the development kit".into());
    }
    let mut file = Elements { rest: &bytes[HEADER..], big_endian };
    while let Some((kind, data)) = file.next()? {
        let unpacked;
        let (kind, data) = if kind == PACKED {
            unpacked = unpack(data)?;
            let first = Elements { rest: &unpacked, big_endian }.next()?;
            first.ok_or_else(damaged)?
        } else {
            (kind, data)
        };
        if kind == ARRAY
            && let Some(found) = read_struct(Elements { rest: data, big_endian })?
        {
            return Ok(found);
        }
    }
    Err("it holds no array `synsets` with the numbers and wnids of classes".into())
}

fn damaged() -> String {
    "it is damaged or cut short: copy or download it again".into()
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed).take(LARGEST_UNPACKED + 1).read_to_end(&mut bytes).map_err(|_| damaged())?;
    if bytes.len() as u64 > LARGEST_UNPACKED {
        return Err(format!("it unpacks to more than {} MiB", LARGEST_UNPACKED >> 20));
    }
    Ok(bytes)
}

/// Elements one after the other.
struct Elements<'a> {
    rest: &'a [u8],
    big_endian: bool,
}

impl<'a> Elements<'a> {
    /// The next element's kind and bytes; nothing at the end.
    fn next(&mut self) -> Result<Option<(u32, &'a [u8])>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let word = |at: usize| Some(number(self.rest.get(at..at + 4)?, self.big_endian) as u32);
        let (Some(first), Some(second)) = (word(0), word(4)) else { return Err(damaged()) };
        // An element of four bytes or fewer lies in its own tag, with its length beside its kind.
        let (kind, start, length) = match first >> 16 {
            0 => (first, 8, second as usize),
            length => (first & 0xFFFF, 4, length as usize),
        };
        let end = start + length;
        let data = self.rest.get(start..end).filter(|_| start == 8 || length <= 4).ok_or_else(damaged)?;
        // Packed elements alone are not filled up to eight bytes.
        let next = if kind == PACKED { end } else { end.max(8).next_multiple_of(8) };
        self.rest = self.rest.get(next..).unwrap_or_default();
        Ok(Some((kind, data)))
    }

    fn expect(&mut self) -> Result<(u32, &'a [u8]), String> {
        self.next()?.ok_or_else(damaged)
    }

    /// What every array begins with: its class, and how many values it holds.
    fn array_header(&mut self) -> Result<(u8, usize), String> {
        let (_, flags) = self.expect()?;
        let flags = number(flags.get(..4).ok_or_else(damaged)?, self.big_endian);
        let (_, dimensions) = self.expect()?;
        let count = dimensions.chunks_exact(4).try_fold(1_usize, |count, size| {
            count.checked_mul(usize::try_from(number(size, self.big_endian)).ok()?)
        });
        let _name = self.expect()?;
        Ok((flags as u8, count.ok_or_else(damaged)?))
    }
}

/// Up to eight bytes as a whole number.
fn number(bytes: &[u8], big_endian: bool) -> u64 {
    let join = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
    if big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
}

/// The synsets, if the array is a struct that holds them.
fn read_struct(mut array: Elements) -> Result<Option<Vec<Synset>>, String> {
    let (class, count) = array.array_header()?;
    if class != STRUCT {
        return Ok(None);
    }
    let (_, length) = array.expect()?;
    let length = usize::try_from(number(length.get(..4).ok_or_else(damaged)?, array.big_endian));
    let length = length.ok().filter(|&length| length > 0).ok_or_else(damaged)?;
    let (_, names) = array.expect()?;
    let names: Vec<&[u8]> =
        names.chunks(length).map(|name| name.split(|&b| b == 0).next().unwrap_or(name)).collect();
    let field = |wanted: &[u8]| names.iter().position(|name| *name == wanted);
    let (Some(id), Some(wnid)) = (field(b"ILSVRC2012_ID"), field(b"WNID")) else { return Ok(None) };
    let words = field(b"words");
    if names.len() > MAX_FIELDS || count > MAX_SYNSETS {
        return Err(damaged());
    }
    let mut synsets = Vec::new();
    for _ in 0..count {
        let mut synset = Synset { id: 0, wnid: String::new(), words: String::new() };
        for place in 0..names.len() {
            let (kind, data) = array.expect()?;
            if kind != ARRAY {
                return Err(damaged());
            }
            let value = Elements { rest: data, big_endian: array.big_endian };
            if place == id {
                synset.id = whole_number(value)?.ok_or("a class in it has no number")?;
            } else if place == wnid {
                synset.wnid = text(value)?;
            } else if Some(place) == words {
                synset.words = text(value)?;
            }
        }
        synsets.push(synset);
    }
    Ok(Some(synsets))
}

/// The first value of an array of numbers, if it is a whole one.
fn whole_number(mut array: Elements) -> Result<Option<u32>, String> {
    if array.rest.is_empty() {
        return Ok(None);
    }
    let (class, count) = array.array_header()?;
    if !NUMBERS.contains(&class) || count == 0 {
        return Ok(None);
    }
    // Whatever the array's class, its values stand in the smallest kind that holds them.
    let (kind, data) = array.expect()?;
    let bits = |size: usize| data.get(..size).map(|bytes| number(bytes, array.big_endian));
    let value = match kind {
        1 | 2 => bits(1).map(|value| value as f64),
        3 | 4 => bits(2).map(|value| value as f64),
        5 | 6 => bits(4).map(|value| value as f64),
        7 => bits(4).map(|value| f64::from(f32::from_bits(value as u32))),
        9 => bits(8).map(f64::from_bits),
        12 | 13 => bits(8).map(|value| value as f64),
        _ => None,
    };
    Ok(value
        .filter(|value| value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(value))
        .map(|value| value as u32))
}

/// An array of characters; control characters are replaced.
fn text(mut array: Elements) -> Result<String, String> {
    if array.rest.is_empty() {
        return Ok(String::new());
    }
    let (class, _) = array.array_header()?;
    if class != CHARACTERS {
        return Ok(String::new());
    }
    let (kind, data) = array.expect()?;
    let text = match kind {
        4 | 17 => {
            let units: Vec<u16> =
                data.chunks_exact(2).map(|two| number(two, array.big_endian) as u16).collect();
            String::from_utf16_lossy(&units)
        }
        _ => String::from_utf8_lossy(data).into_owned(),
    };
    Ok(text.replace(char::is_control, "\u{FFFD}"))
}
