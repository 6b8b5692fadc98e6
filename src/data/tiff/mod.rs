//! Kinds of TIFF that the image library refuses: palettes, 2 and 4 bits, 32-bit and 64-bit numbers, CMYK and further
//! samples, JPEG colours.
//!
//! The library unpacks strips and tiles of all of them; what it refuses is to say what the samples mean. So the file is
//! described to it anew, as a grey picture whose pixels are the bytes of the rows, and the samples are made out here.

mod directory;
mod patched;
mod samples;

use std::collections::BTreeMap;

use directory::{Directory, Entry, tag};
use samples::{Kind, Meaning};

pub(super) use patched::Patched;
pub(super) use samples::Samples;

/// Rows of bytes longer than this are no picture.
const MAX_ROW: u64 = 1 << 28;
const JPEG: u64 = 7;
/// None, LZW, deflate under both its numbers, PackBits: what gives back the bytes of the rows.
const BYTEWISE: [u64; 5] = [1, 5, 8, 32_946, 32_773];

/// A file described anew.
pub(super) struct Restated<'a> {
    file: Patched<'a>,
    samples: Samples,
}

impl<'a> Restated<'a> {
    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.samples.width, self.samples.height)
    }

    /// What to hand to the library, and what makes a picture of what it gives back.
    pub fn parts(self) -> (Patched<'a>, Samples) {
        (self.file, self.samples)
    }
}

/// Bytes that the JPEGs inside a TIFF make it take beyond its own pixels; none for other files.
pub(super) fn jpegs_inside(bytes: &[u8], frame: impl Fn(&[u8]) -> Option<u64>) -> u64 {
    let directory = Directory::of(bytes).filter(|directory| directory.first(tag::PACKING, 1) == JPEG);
    directory.map_or(0, |directory| directory.largest_jpeg(frame).saturating_mul(4))
}

/// Describes a file anew, if it is of a kind that is made out here.
pub(super) fn restate(bytes: &[u8]) -> Option<Restated<'_>> {
    let directory = Directory::of(bytes)?;
    let samples = samples(&directory)?;
    let file = directory.with_entries(&entries(&directory, &samples))?;
    Some(Restated { file, samples })
}

/// What the samples are, if it is here that they are made out.
fn samples(directory: &Directory) -> Option<Samples> {
    let side = |tag| u32::try_from(directory.first(tag, 0)).ok().filter(|&side| side > 0);
    let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
    let samples = usize::try_from(directory.first(tag::SAMPLES, 1)).ok().filter(|n| (1..=64).contains(n))?;
    let bits = directory.all(tag::BITS).unwrap_or_else(|| vec![1]);
    let bits = *bits.first().filter(|&&first| bits.iter().all(|&other| other == first))? as usize;
    let kind = match directory.first(tag::FORMAT, 1) {
        1 | 4 => Kind::Unsigned,
        2 => Kind::Signed,
        3 => Kind::Float,
        _ => return None,
    };
    let (meaning, colours) = match directory.first(tag::MEANING, 1) {
        0 => (Meaning::WhiteIsZero, 1),
        1 => (Meaning::BlackIsZero, 1),
        2 => (Meaning::Rgb, 3),
        3 => (Meaning::Palette(palette(directory, bits)?), 1),
        5 => (Meaning::Cmyk, 4),
        6 => (Meaning::YCbCr, 3),
        _ => return None,
    };
    let alpha = match directory.all(tag::EXTRA).unwrap_or_default().first() {
        Some(1) if samples > colours => Some(true),
        Some(2) if samples > colours => Some(false),
        _ => None,
    };
    let packing = directory.first(tag::PACKING, 1);
    let is_jpeg = packing == JPEG && meaning == Meaning::YCbCr && samples == 3 && bits == 8;
    let segment = match directory.first(tag::TILE_WIDTH, 0) {
        0 => row_bytes(width.into(), samples, bits)?,
        tile => row_bytes(tile, samples, bits)?,
    } as usize;
    let (predictor, big_endian) = (directory.first(tag::PREDICTOR, 1), directory.big_endian);
    let samples = Samples {
        width,
        height,
        samples,
        bits,
        kind,
        meaning,
        colours,
        alpha,
        predictor,
        segment,
        big_endian,
        is_jpeg,
    };
    let is_bytewise = BYTEWISE.contains(&packing) && are_whole_rows(directory, &samples);
    let is_ours = samples.samples >= colours && (is_jpeg || is_bytewise) && !is_read_by_library(&samples);
    is_ours.then_some(samples)
}

/// Bytes of a row of pixels.
fn row_bytes(pixels: u64, samples: usize, bits: usize) -> Option<u64> {
    Some(pixels.checked_mul((samples * bits) as u64)?.div_ceil(8)).filter(|&row| row <= MAX_ROW)
}

/// Whether the unpacked bytes are rows of pixels that can be made out.
fn are_whole_rows(directory: &Directory, samples: &Samples) -> bool {
    let Samples { kind, bits, segment, .. } = *samples;
    let row = row_bytes(samples.width.into(), samples.samples, bits).unwrap_or(0);
    let is_known_kind = match (kind, bits) {
        // Pixels of less than a byte stand for one sample each.
        (Kind::Unsigned, 1 | 2 | 4) => samples.samples == 1,
        (Kind::Float, 8) => false,
        (_, 8 | 16 | 32 | 64) => true,
        _ => false,
    };
    let is_known_predictor = match samples.predictor {
        1 => true,
        2 => bits >= 8 && kind != Kind::Float,
        // The bytes of a row are sorted by their weight, so a row must be whole.
        3 => kind == Kind::Float && segment > 0 && row.is_multiple_of(segment as u64),
        _ => false,
    };
    let subsampling = || directory.all(tag::SUBSAMPLING).is_some_and(|sides| sides == [1, 1]);
    is_known_kind
        && is_known_predictor
        && (samples.samples == 1 || directory.first(tag::PLANES, 1) == 1)
        && (samples.meaning != Meaning::YCbCr || (bits == 8 && subsampling()))
}

/// The directory that the library is given.
fn entries(directory: &Directory, samples: &Samples) -> BTreeMap<u16, Entry> {
    let mut entries = directory.entries.clone();
    for unwanted in [tag::PREDICTOR, tag::FORMAT, tag::EXTRA, tag::PALETTE, tag::SUBSAMPLING] {
        entries.remove(&unwanted);
    }
    let long = |value: u64| {
        let value = value as u32;
        (4, 1, if directory.big_endian { value.to_be_bytes() } else { value.to_le_bytes() })
    };
    if samples.is_jpeg {
        // As red, green and blue, the library hands out the samples as they are.
        entries.insert(tag::MEANING, long(2));
        return entries;
    }
    let row = row_bytes(samples.width.into(), samples.samples, samples.bits).unwrap_or(0);
    let grey = [(tag::WIDTH, row), (tag::BITS, 8), (tag::MEANING, 1), (tag::SAMPLES, 1), (tag::PLANES, 1)];
    entries.extend(grey.map(|(tag, value)| (tag, long(value))));
    if entries.contains_key(&tag::TILE_WIDTH) {
        entries.insert(tag::TILE_WIDTH, long(samples.segment as u64));
    }
    entries
}

/// What needs no help.
fn is_read_by_library(of: &Samples) -> bool {
    let Samples { kind, bits, samples, .. } = *of;
    match of.meaning {
        Meaning::WhiteIsZero | Meaning::BlackIsZero => {
            kind == Kind::Unsigned && matches!((bits, samples), (1, 1) | (8 | 16, 1 | 2))
        }
        // It would take every number with a point for one between 0 and 1.
        Meaning::Rgb => kind == Kind::Unsigned && matches!((bits, samples), (8 | 16, 3 | 4)),
        Meaning::Cmyk => kind == Kind::Unsigned && matches!((bits, samples), (8 | 16, 4)),
        Meaning::Palette(_) | Meaning::YCbCr => false,
    }
}

/// The colours of a palette in eight bits.
fn palette(directory: &Directory, bits: usize) -> Option<Vec<u8>> {
    let values = directory.all(tag::PALETTE)?;
    if bits > 8 || values.len() != 3 << bits {
        return None;
    }
    // Some programs write eight bits where sixteen are wanted.
    let shift = if values.iter().all(|&value| value < 256) { 0 } else { 8 };
    Some(values.iter().map(|&value| (value >> shift).min(255) as u8).collect())
}
