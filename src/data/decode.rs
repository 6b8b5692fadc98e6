//! From the bytes of a picture file to a square of pixels.
//!
//! Bytes that come from strangers' folders: the format is told by content, sizes are checked before memory is
//! taken, and whatever is wrong ends as a sentence, never as a panic.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

/// Memory one picture may take while it is decoded, in MiB. Enough for about 80 megapixels in 8-bit colour.
const DECODE_MIB: u64 = 256;

/// Decodes a picture: JPEG (also greyscale and CMYK), PNG, BMP, TIFF, and the first frame of a GIF or WebP.
///
/// Transparent parts are laid on white, 16-bit and greyscale pictures become 8-bit RGB, and the orientation a
/// camera noted (EXIF) is applied.
///
/// # Errors
/// Why the bytes are not a usable picture, in the user's language.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    let format = picture_format(bytes)?;
    // A decoder's own mistake on a strange file must not end a run over thousands of good ones.
    catch_unwind(AssertUnwindSafe(|| decode_as(bytes, format)))
        .unwrap_or_else(|_| Err(format!("the {} is damaged: the decoder gave up", name_of(format))))
}

/// Width and height in pixels as the picture will be seen, from the header alone.
///
/// # Errors
/// As [`decode`].
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), String> {
    let format = picture_format(bytes)?;
    catch_unwind(AssertUnwindSafe(|| {
        ImageReader::with_format(Cursor::new(bytes), format)
            .into_dimensions()
            .map_err(|e| plain_reason(format, &e))
    }))
    .unwrap_or_else(|_| Err(format!("the {} is damaged: the decoder gave up", name_of(format))))
}

/// The central square of a picture, `side` x `side` pixels: shorter side to `side`, then the central square
/// (paper section 2). A picture that has that size already is returned unchanged.
///
/// The square is cut out first: the result is the same, and a picture of 1 x 5000 pixels stays small.
pub fn square(picture: &RgbImage, side: u32) -> RgbImage {
    let side = side.max(1);
    let (width, height) = picture.dimensions();
    let short = width.min(height);
    if short == 0 {
        return RgbImage::new(side, side);
    }
    if (width, height) == (side, side) {
        return picture.clone();
    }
    let (left, top) = ((width - short) / 2, (height - short) / 2);
    // Averaging whole blocks down to between twice and thrice the side first makes large photos cheap and
    // loses nothing the filter below would keep.
    let block = short / (2 * side);
    let small = if block >= 2 {
        average_blocks(picture, left, top, short, block)
    } else {
        imageops::crop_imm(picture, left, top, short, short).to_image()
    };
    if small.width() == side {
        return small;
    }
    // Catmull-Rom (bicubic with a = -0.5, as in Pillow): sharp, widened by the image crate when shrinking so that nothing aliases, and a polynomial,
    // so every platform computes the same pixels.
    imageops::resize(&small, side, side, FilterType::CatmullRom)
}

/// Means over `block` x `block` pixels of the square of `short` pixels at (`left`, `top`). The few columns and
/// rows that fill no block are dropped evenly on both sides; they are less than half an output pixel.
fn average_blocks(picture: &RgbImage, left: u32, top: u32, short: u32, block: u32) -> RgbImage {
    let out = short / block;
    let (left, top) = (left + (short - out * block) / 2, top + (short - out * block) / 2);
    let row_bytes = picture.width() as usize * 3;
    let block_bytes = block as usize * 3;
    let mut result = RgbImage::new(out, out);
    let mut sums = vec![[0_u32; 3]; out as usize];
    for (row, target) in result.chunks_exact_mut(out as usize * 3).enumerate() {
        sums.fill([0; 3]);
        for line in 0..block as usize {
            let start = (top as usize + row * block as usize + line) * row_bytes + left as usize * 3;
            let pixels = &picture.as_raw()[start..start + out as usize * block_bytes];
            for (sum, group) in sums.iter_mut().zip(pixels.chunks_exact(block_bytes)) {
                for pixel in group.chunks_exact(3) {
                    for (total, &value) in sum.iter_mut().zip(pixel) {
                        *total += u32::from(value);
                    }
                }
            }
        }
        let count = block * block;
        for (value, sum) in target.iter_mut().zip(sums.as_flattened()) {
            *value = ((sum + count / 2) / count) as u8;
        }
    }
    result
}

fn decode_as(bytes: &[u8], format: ImageFormat) -> Result<RgbImage, String> {
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        // The decoder would fill the missing part with grey and say nothing.
        return Err("the JPEG is cut short: its end is missing".into());
    }
    let failed = |error: ImageError| plain_reason(format, &error);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_MIB << 20);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    // What the decoder returns, and the 8-bit RGB made of it where the two differ.
    let converted = if decoder.color_type() == image::ColorType::Rgb8 { 0 } else { pixels.saturating_mul(3) };
    let needed = decoder.total_bytes().saturating_add(converted);
    if pixels == 0 {
        return Err(format!("the {} is {width} x {height} pixels: there is nothing to see", name_of(format)));
    }
    if needed > DECODE_MIB << 20 {
        return Err(too_large(&format!("{width} x {height} pixels")));
    }
    limits.max_alloc = Some((DECODE_MIB << 20) - decoder.total_bytes());
    decoder.set_limits(limits).map_err(failed)?;
    // A broken orientation is no reason to refuse the picture it lies in.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

fn too_large(size: &str) -> String {
    format!("the picture is too large: {size} need more than {DECODE_MIB} MiB to decode")
}

/// 8-bit RGB; what is transparent shows white.
fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let mut result = RgbImage::new(rgba.width(), rgba.height());
    for (target, source) in result.pixels_mut().zip(rgba.pixels()) {
        let alpha = u32::from(source[3]);
        for (value, &colour) in target.0.iter_mut().zip(&source.0) {
            *value = ((u32::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    result
}

/// The format, told by content. Only formats that [`decode`] reads are returned.
pub(super) fn picture_format(bytes: &[u8]) -> Result<ImageFormat, String> {
    use ImageFormat as F;
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Err(match bytes.get(8..12) {
            Some(b"avif" | b"avis") => "AVIF pictures cannot be read: save it as JPEG or PNG".into(),
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1") => {
                "HEIC pictures cannot be read: save it as JPEG or PNG".into()
            }
            _ => "not a picture: it is a film".into(),
        });
    }
    match image::guess_format(bytes) {
        Ok(format @ (F::Jpeg | F::Png | F::Gif | F::WebP | F::Bmp | F::Tiff)) => Ok(format),
        Ok(other) => Err(format!("{} pictures cannot be read: save it as JPEG or PNG", name_of(other))),
        Err(_) => Err(what_else(bytes)),
    }
}

fn what_else(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(256)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => Some(text),
        // The cut at 256 bytes may split a character.
        Err(e) if e.valid_up_to() + 4 > start.len() && e.error_len().is_none() => {
            std::str::from_utf8(&start[..e.valid_up_to()]).ok()
        }
        Err(_) => None,
    };
    if start.iter().all(|&b| b == 0) {
        "not a picture: the file starts with zeros".into()
    } else if start.starts_with(b"%PDF") {
        "not a picture: it is a PDF".into()
    } else if text.is_some_and(|t| !t.chars().any(|c| c.is_control() && !c.is_whitespace())) {
        if text.is_some_and(|t| t.trim_start().starts_with('<')) {
            "not a picture: the file starts with the text of a web page or drawing".into()
        } else {
            "not a picture: the file starts with text".into()
        }
    } else {
        "not a picture this program knows (JPEG, PNG, GIF, WebP, BMP or TIFF)".into()
    }
}

/// Whether a JPEG's data reaches its end marker.
///
/// Walks the segments, because thumbnails and colour tables may hold the bytes of an end marker too.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Entropy-coded data never holds 0xFF before anything but 0x00, a restart marker or a real marker.
        let Some(found) = bytes.get(at..).and_then(|rest| rest.windows(2).position(is_marker)) else {
            return false;
        };
        at += found;
        match bytes[at + 1] {
            0xD9 => return true,
            0x01 | 0xD8 => at += 2,
            _ => {
                let Some(&[high, low]) = bytes.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
            }
        }
    }
}

fn is_marker(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF | 0xD0..=0xD7)
}

fn plain_reason(format: ImageFormat, error: &ImageError) -> String {
    let name = name_of(format);
    match error {
        ImageError::Limits(_) => too_large("its pixels"),
        ImageError::Unsupported(_) => {
            format!("this kind of {name} cannot be read: save it as a plain JPEG or PNG")
        }
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            format!("the {name} is cut short: its end is missing")
        }
        other => {
            let detail = other.to_string();
            let detail = detail.lines().next().unwrap_or_default().trim();
            format!("the {name} is damaged or cut short ({detail})")
        }
    }
}

fn name_of(format: ImageFormat) -> Cow<'static, str> {
    match format {
        ImageFormat::Jpeg => "JPEG".into(),
        ImageFormat::WebP => "WebP".into(),
        other => other.extensions_str().first().map_or("unknown".into(), |e| e.to_uppercase().into()),
    }
}
