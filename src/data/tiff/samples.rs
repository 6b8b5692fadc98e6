//! From the rows of a TIFF to pixels: what its samples are, and what they mean.

use image::{DynamicImage, Rgb, RgbImage};

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Kind {
    Unsigned,
    Signed,
    Float,
}

/// What the samples of a pixel mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data) enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    /// Red, then green, then blue of every entry.
    Palette(Vec<u8>),
    Cmyk,
    YCbCr,
}

/// How the rows of a picture are to be understood.
pub(in crate::data) struct Samples {
    pub width: u32,
    pub height: u32,
    /// Samples a pixel, and bits a sample.
    pub samples: usize,
    pub bits: usize,
    pub kind: Kind,
    pub meaning: Meaning,
    /// Samples that say colours.
    pub colours: usize,
    /// Whether the next sample says how opaque they are, and is multiplied in already.
    pub alpha: Option<bool>,
    pub predictor: u64,
    /// Bytes of a row of a tile, or of a whole row.
    pub segment: usize,
    pub big_endian: bool,
    /// The library has unpacked samples of eight bits itself.
    pub is_jpeg: bool,
}

impl Samples {
    /// The picture in what the library made of the file that was described anew.
    ///
    /// # Errors
    /// The library made something else of it than was described.
    pub fn picture(self, decoded: DynamicImage) -> Result<RgbImage, String> {
        let unexpected = || "the TIFF is damaged: its pixels are not what it says".to_owned();
        if self.is_jpeg {
            let DynamicImage::ImageRgb8(mut picture) = decoded else { return Err(unexpected()) };
            picture.pixels_mut().for_each(|pixel| pixel.0 = from_ycbcr(pixel.0.map(f32::from)));
            return Ok(picture);
        }
        let DynamicImage::ImageLuma8(rows) = decoded else { return Err(unexpected()) };
        let row_length = rows.width() as usize;
        let mut bytes = rows.into_raw();
        if row_length * 8 < self.width as usize * self.samples * self.bits || row_length == 0 {
            return Err(unexpected());
        }
        for row in bytes.chunks_exact_mut(row_length) {
            for segment in row.chunks_mut(self.segment.max(1)) {
                self.undo_predictor(segment);
            }
        }
        let rows: Vec<&[u8]> = bytes.chunks_exact(row_length).collect();
        let range = self.range(&rows);
        Ok(RgbImage::from_fn(self.width, self.height, |x, y| match rows.get(y as usize) {
            Some(row) => self.pixel(row, x as usize, range),
            None => Rgb([0; 3]),
        }))
    }

    /// Values are differences to the pixel before, or were also sorted by the weight of their bytes.
    fn undo_predictor(&self, segment: &mut [u8]) {
        let size = self.bits / 8;
        match self.predictor {
            2 => {
                let stride = self.samples * size;
                for at in (stride..segment.len().saturating_sub(size - 1)).step_by(size) {
                    let before = self.raw(&segment[at - stride..at - stride + size]);
                    let value = self.raw(&segment[at..at + size]).wrapping_add(before);
                    let bytes = if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
                    let kept = if self.big_endian { &bytes[8 - size..] } else { &bytes[..size] };
                    segment[at..at + size].copy_from_slice(kept);
                }
            }
            3 => {
                for at in self.samples..segment.len() {
                    segment[at] = segment[at].wrapping_add(segment[at - self.samples]);
                }
                let sorted = segment.to_vec();
                let count = sorted.len() / size;
                for value in 0..count {
                    for weight in 0..size {
                        let place = if self.big_endian { weight } else { size - 1 - weight };
                        segment[value * size + place] = sorted[weight * count + value];
                    }
                }
            }
            _ => {}
        }
    }

    fn raw(&self, bytes: &[u8]) -> u64 {
        let join = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, join) } else { bytes.iter().rev().fold(0, join) }
    }

    /// Sample `index` of a row, counted over all pixels.
    fn sample(&self, row: &[u8], index: usize) -> f64 {
        if self.bits < 8 {
            let per_byte = 8 / self.bits;
            let Some(byte) = row.get(index / per_byte) else { return 0.0 };
            let shift = 8 - self.bits * (index % per_byte + 1);
            return f64::from(byte >> shift & ((1 << self.bits) - 1));
        }
        let size = self.bits / 8;
        let Some(bytes) = row.get(index * size..(index + 1) * size) else { return 0.0 };
        let raw = self.raw(bytes);
        match (self.kind, self.bits) {
            (Kind::Unsigned, _) => raw as f64,
            (Kind::Signed, bits) => ((raw << (64 - bits)) as i64 >> (64 - bits)) as f64,
            (Kind::Float, 16) => f64::from(half(raw as u16)),
            (Kind::Float, 32) => f64::from(f32::from_bits(raw as u32)),
            (Kind::Float, _) => f64::from_bits(raw),
        }
    }

    /// The values that stand for black and for white. Up to 16 bits these are all there are. Larger numbers mean many
    /// things: 0 to 1, to 255 or to 65535 if they all lie there, otherwise whatever lies between the least and the
    /// greatest.
    fn range(&self, rows: &[&[u8]]) -> (f64, f64) {
        if self.kind == Kind::Unsigned && self.bits <= 16 {
            return (0.0, (1_u32 << self.bits) as f64 - 1.0);
        }
        let (mut least, mut most) = (f64::MAX, f64::MIN);
        for row in rows {
            for pixel in 0..self.width as usize {
                for colour in 0..self.colours {
                    let value = self.sample(row, pixel * self.samples + colour);
                    if value.is_finite() {
                        (least, most) = (least.min(value), most.max(value));
                    }
                }
            }
        }
        let fits = [1.0, 255.0, 65_535.0].into_iter().skip(usize::from(self.kind != Kind::Float));
        match fits.into_iter().find(|&limit| least >= 0.0 && most <= limit) {
            Some(limit) => (0.0, limit),
            None => (least, most),
        }
    }

    fn pixel(&self, row: &[u8], x: usize, (least, most): (f64, f64)) -> Rgb<u8> {
        let scaled = |index: usize| {
            let share = (self.sample(row, x * self.samples + index) - least) / (most - least);
            if share.is_finite() { (share.clamp(0.0, 1.0) * 255.0) as f32 } else { 0.0 }
        };
        let colour = match &self.meaning {
            Meaning::WhiteIsZero => [255.0 - scaled(0); 3],
            Meaning::BlackIsZero => [scaled(0); 3],
            Meaning::Rgb => [0, 1, 2].map(scaled),
            Meaning::Cmyk => [0, 1, 2].map(|index| (255.0 - scaled(index)) * (255.0 - scaled(3)) / 255.0),
            Meaning::YCbCr => from_ycbcr([0, 1, 2].map(scaled)).map(f32::from),
            Meaning::Palette(colours) => {
                let (entry, count) = (self.sample(row, x * self.samples) as usize, colours.len() / 3);
                [0, 1, 2].map(|plane| f32::from(colours.get(plane * count + entry).copied().unwrap_or(0)))
            }
        };
        // What is transparent shows white.
        let on_white = match self.alpha {
            None => colour,
            Some(is_multiplied) => {
                let alpha = scaled(self.colours);
                colour.map(|value| if is_multiplied { value } else { value * alpha / 255.0 } + 255.0 - alpha)
            }
        };
        Rgb(on_white.map(|value| value.round().clamp(0.0, 255.0) as u8))
    }
}

/// JPEG's colours (ITU-R BT.601, full range) as red, green and blue.
fn from_ycbcr([y, cb, cr]: [f32; 3]) -> [u8; 3] {
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// A number of 16 bits with a point (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 1023) / 1024.0);
    sign * match exponent {
        0 => fraction * 2.0_f32.powi(-14),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction) * 2.0_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_with_a_point() {
        let known = [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x3800, 0.5),
            (0x7BFF, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0, 0.0),
        ];
        for (bits, value) in known {
            assert_eq!(half(bits), value, "{bits:x}");
        }
        assert!(half(0x7C00).is_infinite() && half(0x7C01).is_nan());
    }
}
