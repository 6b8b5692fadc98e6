//! From the bytes of a picture file to a square of pixels.
//!
//! Bytes that come from strangers' folders: the format is told by content, sizes are checked before memory is
//! taken, and whatever is wrong ends as a sentence, never as a panic.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, RgbImage};

use super::tiff::{self, Restated};

/// Memory one picture may take while it is decoded, the decoder's own included, in MiB. Enough for a baseline JPEG of
/// 170 megapixels or a progressive one of 60.
const DECODE_MIB: u64 = 512;

/// Why there is no picture.
pub(super) enum Undecoded {
    /// The bytes are no usable picture, in the user's language.
    Refused(String),
    /// There is no room for the bytes it needs now.
    NoRoom(u64),
}

/// Decodes a picture: JPEG (also greyscale and CMYK), PNG, BMP, TIFF, and the first frame of a GIF or WebP.
///
/// Transparent parts are laid on white, 16-bit and greyscale pictures become 8-bit RGB, and the orientation a
/// camera noted (EXIF) is applied.
///
/// # Errors
/// Why the bytes are not a usable picture, in the user's language.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, String> {
    decode_if(bytes, &mut |_| true).map_err(|undecoded| match undecoded {
        Undecoded::Refused(reason) => reason,
        Undecoded::NoRoom(bytes) => too_large(&format!("{} MiB", bytes >> 20)),
    })
}

/// As [`decode`], but asks `has_room` for the bytes that decoding needs before it takes them.
pub(super) fn decode_if(bytes: &[u8], has_room: &mut dyn FnMut(u64) -> bool) -> Result<RgbImage, Undecoded> {
    let format = picture_format(bytes).map_err(Undecoded::Refused)?;
    // A decoder's own mistake on a strange file must not end a run over thousands of good ones.
    catch_unwind(AssertUnwindSafe(|| decode_as(bytes, format, has_room))).unwrap_or_else(|_| {
        Err(Undecoded::Refused(format!("the {} is damaged: the decoder gave up", name_of(format))))
    })
}

/// Width and height in pixels as the picture will be seen, from the header alone.
///
/// # Errors
/// As [`decode`].
pub fn dimensions(bytes: &[u8]) -> Result<(u32, u32), String> {
    let format = picture_format(bytes)?;
    if format == ImageFormat::Tiff
        && let Some(restated) = tiff::restate(bytes)
    {
        return Ok(restated.size());
    }
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
///
/// The filter is Catmull-Rom (bicubic with a = -0.5, as in Pillow): sharp, and widened when shrinking so that nothing
/// aliases. Its weights are polynomials rounded to 16-bit whole numbers, and the sums of 8-bit pixels times these are
/// whole numbers in 32 bits, which no order of additions can change. So the vector units of every processor, and the
/// plain code where there are none, make the same pixels to the last bit.
pub fn square(picture: &RgbImage, side: u32) -> RgbImage {
    let side = side.max(1);
    let (width, height) = picture.dimensions();
    let short = width.min(height);
    let mut result = RgbImage::new(side, side);
    if short == 0 {
        return result;
    }
    if (width, height) == (side, side) {
        return picture.clone();
    }
    let (left, top) = ((width - short) / 2, (height - short) / 2);
    let fits = "both pictures have three bytes a pixel, and the square lies inside";
    let whole = TypedImageRef::<U8x3>::from_buffer(width, height, picture.as_raw()).expect(fits);
    let cut = TypedCroppedImage::from_ref(&whole, left, top, short, short).expect(fits);
    let mut target = TypedImage::<U8x3>::from_buffer(side, side, &mut result).expect(fits);
    let filter = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    Resizer::new().resize_typed(&cut, &mut target, &filter).expect(fits);
    result
}

fn decode_as(
    bytes: &[u8],
    format: ImageFormat,
    has_room: &mut dyn FnMut(u64) -> bool,
) -> Result<RgbImage, Undecoded> {
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        // The decoder would fill the missing part with grey and say nothing.
        return Err(Undecoded::Refused("the JPEG is cut short: its end is missing".into()));
    }
    if format == ImageFormat::Tiff
        && let Some(restated) = tiff::restate(bytes)
    {
        return decode_restated(restated, bytes, has_room);
    }
    let (mut picture, orientation) = decode_plainly(Cursor::new(bytes), bytes, format, 0, has_room)?;
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

/// Decodes a kind of TIFF that the image library does not know by name.
fn decode_restated(
    restated: Restated,
    bytes: &[u8],
    has_room: &mut dyn FnMut(u64) -> bool,
) -> Result<RgbImage, Undecoded> {
    let (width, height) = restated.size();
    let pixels = u64::from(width) * u64::from(height);
    // Beside what the library takes: the picture made out, perhaps turned.
    let extra = pixels.saturating_mul(6);
    let (file, samples) = restated.parts();
    let (rows, orientation) = decode_plainly(file, bytes, ImageFormat::Tiff, extra, has_room)?;
    let picture = samples.picture(rows).map_err(Undecoded::Refused)?;
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// What the image library makes of a `file`, not turned yet. Its `bytes` say what it will need, and `extra` more are
/// needed.
fn decode_plainly(
    file: impl BufRead + Seek,
    bytes: &[u8],
    format: ImageFormat,
    extra: u64,
    has_room: &mut dyn FnMut(u64) -> bool,
) -> Result<(DynamicImage, Orientation), Undecoded> {
    let failed = |error: ImageError| Undecoded::Refused(plain_reason(format, &error));
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_MIB << 20);
    let mut reader = ImageReader::with_format(file, format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        let reason = format!("the {} is {width} x {height} pixels: there is nothing to see", name_of(format));
        return Err(Undecoded::Refused(reason));
    }
    // A broken orientation is no reason to refuse the picture it lies in.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let needed = memory_needed(bytes, format, &decoder, orientation).saturating_add(extra);
    if needed > DECODE_MIB << 20 {
        return Err(Undecoded::Refused(too_large(&format!("{width} x {height} pixels"))));
    }
    if !has_room(needed) {
        return Err(Undecoded::NoRoom(needed));
    }
    limits.max_alloc = Some((DECODE_MIB << 20) - decoder.total_bytes());
    decoder.set_limits(limits).map_err(failed)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    Ok((picture, orientation))
}

/// Bytes that decoding takes at its peak.
fn memory_needed(
    bytes: &[u8],
    format: ImageFormat,
    decoder: &impl ImageDecoder,
    orientation: Orientation,
) -> u64 {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let decoded = decoder.total_bytes();
    let while_decoding = match format {
        // The decoder copies the file, and keeps the coefficients of all scans of a progressive one: two bytes each.
        ImageFormat::Jpeg => {
            let colours =
                if jpeg_has_four_colours(bytes) { 4 } else { decoder.color_type().channel_count().into() };
            let kept = if jpeg_is_progressive(bytes) { pixels.saturating_mul(2 * colours) } else { 0 };
            decoded.saturating_add(kept).saturating_add(bytes.len() as u64)
        }
        // A frame beside the canvas, or the planes of the coded picture.
        ImageFormat::Gif | ImageFormat::WebP => decoded.saturating_mul(2),
        // What JPEGs inside claim to be is believed by the library.
        ImageFormat::Tiff => {
            let frame = |jpeg: &[u8]| {
                let (_, at) = jpeg_frame(jpeg)?;
                let side =
                    |at: usize| Some(u64::from(u16::from_be_bytes([*jpeg.get(at)?, *jpeg.get(at + 1)?])));
                Some(side(at + 5)? * side(at + 7)?)
            };
            decoded.saturating_mul(2).saturating_add(tiff::jpegs_inside(bytes, frame))
        }
        _ => decoded,
    };
    let turned = match orientation {
        Orientation::NoTransforms
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical
        | Orientation::Rotate180 => 0,
        _ => decoded,
    };
    // The 8-bit RGB made of what was decoded, where the two differ.
    let converted = match decoder.color_type() {
        image::ColorType::Rgb8 => 0,
        // By way of 8-bit RGBA.
        colour if colour.has_alpha() => pixels.saturating_mul(7),
        _ => pixels.saturating_mul(3),
    };
    while_decoding.max(decoded.saturating_add(turned)).max(decoded.saturating_add(converted))
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
    jpeg_segments(bytes).any(|(marker, _)| marker == 0xD9)
}

fn jpeg_is_progressive(bytes: &[u8]) -> bool {
    jpeg_frame(bytes).is_some_and(|(marker, _)| matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE))
}

fn jpeg_has_four_colours(bytes: &[u8]) -> bool {
    jpeg_frame(bytes).is_some_and(|(_, at)| bytes.get(at + 9) == Some(&4))
}

/// The first frame header (SOF): its marker and where it begins.
fn jpeg_frame(bytes: &[u8]) -> Option<(u8, usize)> {
    jpeg_segments(bytes)
        .find(|(marker, _)| matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC))
}

/// The markers of a JPEG in order, with their places.
fn jpeg_segments(bytes: &[u8]) -> impl Iterator<Item = (u8, usize)> {
    let mut at = 2;
    std::iter::from_fn(move || {
        // Entropy-coded data never holds 0xFF before anything but 0x00, a restart marker or a real marker.
        let found = at + bytes.get(at..)?.windows(2).position(is_marker)?;
        let marker = bytes[found + 1];
        at = match marker {
            0x01 | 0xD8 | 0xD9 => found + 2,
            _ => {
                let length = bytes.get(found + 2..found + 4)?;
                found + 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2)
            }
        };
        Some((marker, found))
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that decoding asks for.
    fn asked_for(file: &[u8]) -> u64 {
        let mut asked = 0;
        let picture = decode_if(file, &mut |bytes| {
            asked = bytes;
            true
        });
        assert!(picture.is_ok_and(|picture| picture.dimensions() == (20, 12)));
        asked
    }

    #[test]
    fn a_tiff_that_is_described_anew_is_not_copied() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiff");
        for name in ["palette-lzw.tif", "float32-rgb-tiles.tif", "uint32-rgb.tif"] {
            let mut file = std::fs::read(folder.join(name)).expect("the fixture is there");
            assert!(tiff::restate(&file).is_some(), "{name} is not read by the library alone");
            let asked = asked_for(&file);
            file.resize(file.len() + (1 << 20), 0);
            assert_eq!(asked_for(&file), asked, "{name}: what is long need not be taken twice");
        }
    }
}
