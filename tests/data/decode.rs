//! Files of every kind: read, or refused with a reason; never a panic.

use alexnet_lab::data::{decode, dimensions, square};
use image::{DynamicImage, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use super::{encode, picture_file, png};

fn refusal(bytes: &[u8]) -> String {
    decode(bytes).expect_err("this is no usable picture")
}

fn encode_any(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn close(actual: [u8; 3], expected: [u8; 3], tolerance: u8) -> bool {
    actual.iter().zip(expected).all(|(a, e)| a.abs_diff(e) <= tolerance)
}

/// A PNG written chunk by chunk, for what the encoder cannot make. `scanlines` holds the filter bytes too.
fn raw_png(
    width: u32,
    height: u32,
    depth: u8,
    colour_type: u8,
    extra: &[(&[u8; 4], &[u8])],
    scanlines: &[u8],
) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, colour_type, 0, 0, 0]);
    let mut zlib = vec![0x78, 0x01, 0x01];
    let length = scanlines.len() as u16;
    zlib.extend(length.to_le_bytes());
    zlib.extend((!length).to_le_bytes());
    zlib.extend(scanlines);
    let (mut a, mut b) = (1_u32, 0_u32);
    for &byte in scanlines {
        a = (a + u32::from(byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    zlib.extend(((b << 16) | a).to_be_bytes());
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let chunks = std::iter::once((b"IHDR", header.as_slice()))
        .chain(extra.iter().copied())
        .chain([(b"IDAT", zlib.as_slice()), (b"IEND", &[])]);
    for (kind, data) in chunks {
        file.extend((data.len() as u32).to_be_bytes());
        let body = [kind.as_slice(), data].concat();
        let crc = body.iter().fold(u32::MAX, |crc, &byte| {
            (0..8)
                .fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 })
        });
        file.extend(body);
        file.extend((!crc).to_be_bytes());
    }
    file
}

#[test]
fn every_promised_format_is_read_by_content() {
    let colour = [200, 40, 30];
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        let picture = decode(&picture_file(20, 10, colour, format)).unwrap();
        assert_eq!(picture.dimensions(), (20, 10), "{format:?}");
        assert!(close(picture.get_pixel(7, 3).0, colour, 6), "{format:?}: {:?}", picture.get_pixel(7, 3));
        assert_eq!(dimensions(&picture_file(20, 10, colour, format)), Ok((20, 10)), "{format:?}");
    }
}

#[test]
fn cmyk_and_greyscale_jpegs_become_rgb() {
    let cmyk = decode(include_bytes!("fixtures/red-cmyk.jpg")).unwrap();
    assert!(close(cmyk.get_pixel(8, 8).0, [0xC8, 0x28, 0x1E], 12), "{:?}", cmyk.get_pixel(8, 8));
    let grey = encode_any(GrayImage::from_pixel(9, 9, Luma([77])), ImageFormat::Jpeg);
    assert!(close(decode(&grey).unwrap().get_pixel(4, 4).0, [77; 3], 3));
}

#[test]
fn deep_small_and_palette_pngs_become_8_bit_rgb() {
    let deep: ImageBuffer<Rgb<u16>, _> = ImageBuffer::from_pixel(3, 3, Rgb([65_535, 32_768, 0]));
    assert_eq!(decode(&encode_any(deep, ImageFormat::Png)).unwrap().get_pixel(1, 1).0, [255, 128, 0]);
    // One bit a pixel: 0b10100000 is white, black, white.
    let bits = raw_png(3, 1, 1, 0, &[], &[0, 0b1010_0000]);
    let bits = decode(&bits).unwrap();
    assert_eq!([0, 1, 2].map(|x| bits.get_pixel(x, 0).0[0]), [255, 0, 255]);
    // Palette of red and green; green is transparent and so shows white.
    let palette =
        raw_png(2, 1, 8, 3, &[(b"PLTE", &[255, 0, 0, 0, 255, 0]), (b"tRNS", &[255, 0])], &[0, 0, 1]);
    let palette = decode(&palette).unwrap();
    assert_eq!([palette.get_pixel(0, 0).0, palette.get_pixel(1, 0).0], [[255, 0, 0], [255, 255, 255]]);
}

#[test]
fn transparency_lies_on_white() {
    let mut picture = RgbaImage::from_pixel(3, 1, Rgba([10, 20, 30, 255]));
    picture.put_pixel(1, 0, Rgba([10, 20, 30, 0]));
    picture.put_pixel(2, 0, Rgba([0, 0, 0, 51]));
    let picture = decode(&encode_any(picture, ImageFormat::Png)).unwrap();
    let pixels: Vec<[u8; 3]> = picture.pixels().map(|p| p.0).collect();
    assert_eq!(pixels, [[10, 20, 30], [255; 3], [204; 3]]);
}

#[test]
fn the_first_frame_of_a_gif_is_read() {
    let mut bytes = Vec::new();
    {
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for colour in [[250, 0, 0, 255], [0, 0, 250, 255]] {
            encoder.encode_frame(image::Frame::new(RgbaImage::from_pixel(4, 4, Rgba(colour)))).unwrap();
        }
    }
    assert!(close(decode(&bytes).unwrap().get_pixel(2, 2).0, [250, 0, 0], 6));
}

#[test]
fn the_orientation_a_camera_noted_is_applied() {
    // Left half black, right half white; orientation 6 turns the picture clockwise by a quarter.
    let picture = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 0 } else { 255 }; 3]));
    let jpeg = encode(&picture, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    let mut segment = vec![0xFF, 0xE1];
    segment.extend((exif.len() as u16 + 2).to_be_bytes());
    segment.append(&mut exif);
    let turned = [&jpeg[..2], &segment, &jpeg[2..]].concat();
    let turned = decode(&turned).unwrap();
    assert_eq!(turned.dimensions(), (16, 32));
    assert!(turned.get_pixel(8, 4).0[0] < 20 && turned.get_pixel(8, 28).0[0] > 235);
}

#[test]
fn what_is_no_picture_is_refused_with_its_reason() {
    let cases: [(&[u8], &str); 9] = [
        (b"", "empty"),
        (b"This is a shopping list, not a picture.\n", "starts with text"),
        ("Ein paar W\u{f6}rter \u{2026}".as_bytes(), "starts with text"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "web page"),
        (b"%PDF-1.7\n", "PDF"),
        (&[0; 600], "zeros"),
        (&[0x42, 0x9C, 0x03, 0x80, 0xF1, 0x00, 0x7E], "JPEG, PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0", "ICO"),
    ];
    for (bytes, expected) in cases {
        let reason = refusal(bytes);
        assert!(reason.contains(expected), "{reason:?} does not say {expected:?}");
        assert!(!reason.contains('\n'), "{reason:?}");
        assert!(dimensions(bytes).is_err());
    }
}

#[test]
fn files_cut_anywhere_are_refused_never_a_panic() {
    let picture = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 4) as u8, (y * 5) as u8, (x * y) as u8]));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp]
    {
        let whole = encode(&picture, format);
        decode(&whole).unwrap();
        for cut in [1, 2, 5, 17, 30, 100, whole.len() / 2, whole.len() - 20] {
            assert!(decode(&whole[..cut]).is_err(), "{format:?} cut after {cut} of {} bytes", whole.len());
        }
    }
    let jpeg = encode(&picture, ImageFormat::Jpeg);
    assert!(refusal(&jpeg[..jpeg.len() / 2]).contains("cut short"));
}

#[test]
fn damaged_bytes_never_panic() {
    let picture = RgbImage::from_fn(40, 40, |x, y| Rgb([(x * 6) as u8, (y * 6) as u8, 128]));
    for format in
        [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff]
    {
        let whole = encode(&picture, format);
        for position in (0..whole.len()).step_by(3) {
            let mut damaged = whole.clone();
            damaged[position] ^= 0xFF;
            // Either answer is right; coming back is the point.
            let _ = decode(&damaged);
        }
    }
}

#[test]
fn huge_declared_sizes_are_refused_before_memory_is_taken() {
    for (width, height) in [(60_000, 60_000), (1 << 30, 1 << 30), (0x7FFF_FFFF, 1)] {
        let reason = refusal(&raw_png(width, height, 8, 2, &[], &[0, 1, 2, 3]));
        assert!(reason.contains("too large") && reason.contains("512 MiB"), "{reason}");
    }
    // The same promise in a JPEG's frame header: 65535 x 65535 pixels.
    let mut jpeg = picture_file(16, 16, [9, 9, 9], ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    assert!(refusal(&jpeg).contains("512 MiB"), "{}", refusal(&jpeg));
}

#[test]
fn the_central_square_is_taken() {
    // Three vertical bands; the middle one is exactly the central square.
    let wide = RgbImage::from_fn(30, 10, |x, _| Rgb([if (10..20).contains(&x) { 200 } else { 10 }; 3]));
    for side in [1, 4, 10, 33] {
        let result = square(&wide, side);
        assert_eq!(result.dimensions(), (side, side));
        assert!(result.pixels().all(|p| p.0 == [200; 3]), "side {side}");
    }
    let tall = image::imageops::rotate90(&wide);
    assert!(square(&tall, 5).pixels().all(|p| p.0 == [200; 3]));
}

#[test]
fn a_picture_of_the_asked_size_is_left_alone() {
    let picture = RgbImage::from_fn(17, 17, |x, y| Rgb([(x * 15) as u8, (y * 15) as u8, (x ^ y) as u8]));
    assert_eq!(square(&picture, 17), picture);
}

#[test]
fn shrinking_averages_instead_of_picking() {
    // A fine checkerboard is grey from afar; picking single pixels would give black, white or moire.
    for size in [64, 200, 513, 1000] {
        let board = RgbImage::from_fn(size, size, |x, y| Rgb([if (x + y) % 2 == 0 { 255 } else { 0 }; 3]));
        let small = square(&board, 16);
        let (low, high) = small.pixels().fold((255, 0), |(l, h), p| (p.0[0].min(l), p.0[0].max(h)));
        assert!(low >= 110 && high <= 145, "size {size}: {low} to {high}");
    }
}

#[test]
fn extreme_shapes_stay_small() {
    for (width, height) in [(1, 5000), (5000, 1), (1, 1), (2, 3)] {
        let picture = decode(&png(width, height, [1, 2, 3])).unwrap();
        let result = square(&picture, 224);
        assert_eq!(result.dimensions(), (224, 224));
        assert_eq!(result.get_pixel(100, 100).0, [1, 2, 3]);
    }
}

/// Weights of the Catmull-Rom filter for `from` pixels that become `to`, as 16-bit whole numbers: the first pixel and
/// the weights of each result, and by how many bits their sums are too large.
fn whole_weights(from: u32, to: u32) -> (Vec<(usize, Vec<i32>)>, u32) {
    let scale = f64::from(from) / f64::from(to);
    let wide = scale.max(1.0);
    let filter = |x: f64| match x.abs() {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        _ => 0.0,
    };
    let exact: Vec<(usize, Vec<f64>)> = (0..to)
        .map(|x| {
            let centre = (f64::from(x) + 0.5) * scale;
            let first = (centre - 2.0 * wide).floor().max(0.0) as u32;
            let behind = ((centre + 2.0 * wide).ceil() as u32).min(from);
            let weights: Vec<f64> =
                (first..behind).map(|i| filter((f64::from(i) - (centre - 0.5)) * (1.0 / wide))).collect();
            let sum: f64 = weights.iter().sum();
            (first as usize, weights.into_iter().map(|weight| weight / sum).collect())
        })
        .collect();
    let largest = exact.iter().flat_map(|(_, weights)| weights).fold(0.0_f64, |a, &b| a.max(b));
    let bits = (0..22).find(|bits| (largest * f64::from(1 << (bits + 1))).round() >= 32768.0).unwrap_or(21);
    let whole = |weight: &f64| (weight * f64::from(1 << bits)).round() as i32;
    (exact.iter().map(|(first, weights)| (*first, weights.iter().map(whole).collect())).collect(), bits)
}

/// The arithmetic that [`square`] promises, written plainly: columns, then rows, in whole numbers.
fn plain_square(picture: &RgbImage, side: u32) -> RgbImage {
    let short = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - short) / 2, (picture.height() - short) / 2);
    let cut = image::imageops::crop_imm(picture, left, top, short, short).to_image();
    let (weights, bits) = whole_weights(short, side);
    let scaled = |along: &dyn Fn(usize) -> [u8; 3], to: u32| {
        let (first, weights) = &weights[to as usize];
        [0, 1, 2].map(|channel| {
            let products = weights.iter().enumerate().map(|(i, w)| w * i32::from(along(first + i)[channel]));
            ((products.sum::<i32>() + (1 << (bits - 1))) >> bits).clamp(0, 255) as u8
        })
    };
    let flat = RgbImage::from_fn(short, side, |x, y| Rgb(scaled(&|i| cut.get_pixel(x, i as u32).0, y)));
    RgbImage::from_fn(side, side, |x, y| Rgb(scaled(&|i| flat.get_pixel(i as u32, y).0, x)))
}

/// Prepared pictures are kept for years and shared between machines, so their pixels must not depend on the processor.
/// If this fails after an update of a library, the version of the store must be counted up.
#[test]
fn scaling_is_exact_whole_number_arithmetic_on_every_processor() {
    let mut state = 1_u32;
    for (width, height, side) in
        [(500, 375, 64), (375, 500, 224), (40, 30, 64), (200, 200, 7), (1000, 999, 33), (3, 9, 32)]
    {
        let picture = RgbImage::from_fn(width, height, |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Noise beside hard edges, where the filter overshoots.
            if (x / 20 + y / 30) % 2 == 0 {
                Rgb([(state >> 24) as u8; 3])
            } else {
                Rgb([255, 0, (x % 256) as u8])
            }
        });
        let (fast, plain) = (square(&picture, side), plain_square(&picture, side));
        let wrong = fast.as_raw().iter().zip(plain.as_raw()).filter(|(a, b)| a != b).count();
        assert_eq!(wrong, 0, "{width}x{height} to {side}: values that differ");
    }
}
