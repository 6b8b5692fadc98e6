//! TIFFs of the kinds that the image library refuses, written by other programs (`tests/fixtures/make_tiff.py`) and by
//! hand.

use alexnet_lab::data::{decode, dimensions};
use image::RgbImage;

use super::hostile::tiff;
use crate::support::fixture;

/// The pixel that every fixture shows.
fn expected(x: u32, y: u32) -> [u8; 3] {
    [12 * x, 20 * y, x * y].map(|value| value as u8)
}

#[track_caller]
fn assert_shows(name: &str, tolerance: u8, expected: impl Fn(u32, u32) -> [u8; 3]) {
    let bytes = fixture(&format!("tiff/{name}"));
    let picture = decode(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(picture.dimensions(), (20, 12), "{name}");
    assert_eq!(dimensions(&bytes), Ok((20, 12)), "{name}");
    compare(name, &picture, tolerance, expected);
}

#[track_caller]
fn compare(name: &str, picture: &RgbImage, tolerance: u8, expected: impl Fn(u32, u32) -> [u8; 3]) {
    for (x, y, pixel) in picture.enumerate_pixels() {
        let wanted = expected(x, y);
        let close = pixel.0.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= tolerance);
        assert!(close, "{name} at {x}, {y}: {:?} instead of {wanted:?}", pixel.0);
    }
}

#[test]
fn kinds_that_other_programs_write() {
    let grey = |x, y| [expected(x, y)[0]; 3];
    for order in ["little", "big"] {
        assert_shows(&format!("float32-predictor-{order}.tif"), 0, grey);
        assert_shows(&format!("int32-predictor-{order}.tif"), 0, grey);
    }
    assert_shows("float16.tif", 0, grey);
    assert_shows("float64.tif", 0, grey);
    assert_shows("float32-rgb-tiles.tif", 0, expected);
    assert_shows("uint32-rgb.tif", 0, expected);
    assert_shows("rgb-five-samples.tif", 0, expected);
    assert_shows("palette-lzw.tif", 0, |x, _| [12 * x as u8, 100, 255 - 12 * x as u8]);
    // From -100 to 128: what lies between the least and the greatest.
    assert_shows("int16.tif", 1, |x, _| [(12.0 * f64::from(x) * 255.0 / 228.0).round() as u8; 3]);
    let blurred = decode(&fixture("tiff/ycbcr-jpeg.tif")).unwrap();
    assert_eq!(blurred.dimensions(), (80, 48));
    let middles = RgbImage::from_fn(20, 12, |x, y| *blurred.get_pixel(4 * x + 2, 4 * y + 2));
    compare("ycbcr-jpeg.tif", &middles, 24, expected);
}

/// Width, height, bits, meaning, samples; further entries, then pixels behind the directory and `before`.
fn by_hand(
    [width, height, bits, meaning, samples]: [u32; 5],
    extra: &[(u16, u16, u32, u32)],
    before: &[u8],
    pixels: &[u8],
) -> Vec<u8> {
    let count = 9 + extra.len() as u32;
    let behind = 8 + 2 + 12 * count + 4;
    // A tag whose value is a place says so by 0.
    let place = |value| if value == 0 { behind } else { value };
    let mut entries = vec![
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 4, 1, bits),
        (259, 4, 1, 1),
        (262, 4, 1, meaning),
        (273, 4, 1, behind + before.len() as u32),
        (277, 4, 1, samples),
        (278, 4, 1, height),
        (279, 4, 1, pixels.len() as u32),
    ];
    entries.extend(extra.iter().map(|&(tag, kind, count, value)| (tag, kind, count, place(value))));
    entries.sort_unstable();
    tiff(&entries, 0, &[before, pixels].concat())
}

#[test]
fn few_bits_further_samples_and_other_colours() {
    let pixels =
        |bytes: &[u8]| -> Vec<[u8; 3]> { decode(bytes).unwrap().pixels().map(|pixel| pixel.0).collect() };
    // Two bits: 0b00_01_10_11, then one pixel of the next row's byte.
    let two = by_hand([5, 1, 2, 1, 1], &[], &[], &[0b0001_1011, 0b1000_0000]);
    assert_eq!(pixels(&two), [0, 85, 170, 255, 170].map(|grey| [grey; 3]));
    let four = by_hand([3, 1, 4, 0, 1], &[], &[], &[0x0F, 0x50]);
    assert_eq!(pixels(&four), [255, 0, 170].map(|grey| [grey; 3]), "white is 0");
    // A palette of two: entries of 16 bits, and of 8 as some write them.
    for (scale, name) in [(257_u16, "16 bits"), (1, "8 bits")] {
        let colours: Vec<u8> =
            [10, 200, 20, 210, 30, 220].iter().flat_map(|&v: &u16| (v * scale).to_le_bytes()).collect();
        let one = by_hand([3, 1, 1, 3, 1], &[(320, 3, 6, 0)], &colours, &[0b0100_0000]);
        assert_eq!(pixels(&one), [[10, 20, 30], [200, 210, 220], [10, 20, 30]], "{name}");
    }
    // CMYK with a fifth sample; red, green and blue with opacity and one more.
    let cmyk = by_hand([2, 1, 8, 5, 5], &[], &[], &[0, 255, 255, 0, 9, 0, 0, 0, 255, 9]);
    assert_eq!(pixels(&cmyk), [[255, 0, 0], [0, 0, 0]]);
    let opaque = |kind| {
        let extra = [(338, 3, 2, kind)];
        pixels(&by_hand([2, 1, 8, 2, 5], &extra, &[], &[100, 50, 0, 255, 7, 100, 50, 0, 51, 7]))
    };
    assert_eq!(opaque(2), [[100, 50, 0], [224, 214, 204]], "opacity apart");
    assert_eq!(opaque(1), [[100, 50, 0], [255, 254, 204]], "opacity multiplied in");
    // Numbers that are none, and numbers beyond all bounds.
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let float = |values: &[f32]| {
        pixels(&by_hand([values.len() as u32, 1, 32, 1, 1], &[(339, 4, 1, 3)], &[], &floats(values)))
    };
    assert_eq!(float(&[f32::NAN, 0.5, f32::INFINITY, 1.0])[1], [128; 3]);
    assert_eq!(float(&[-1000.0, 0.0, 1000.0]), [0, 128, 255].map(|grey| [grey; 3]));
    assert_eq!(float(&[0.0, 0.0]), [[0; 3]; 2]);
    let colours = by_hand([1, 1, 8, 6, 3], &[(530, 3, 2, 0x0001_0001)], &[], &[76, 85, 255]);
    assert!(pixels(&colours)[0].iter().zip([254, 0, 0]).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 3), "red");
}

#[test]
fn damaged_files_of_these_kinds_never_panic() {
    for name in [
        "palette-lzw.tif",
        "float32-predictor-big.tif",
        "float32-rgb-tiles.tif",
        "ycbcr-jpeg.tif",
        "rgb-five-samples.tif",
    ] {
        let whole = fixture(&format!("tiff/{name}"));
        for position in 0..whole.len().min(1500) {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut damaged = whole.clone();
                damaged[position] = value;
                let _ = (decode(&damaged), dimensions(&damaged));
            }
        }
        for cut in 0..whole.len() {
            let _ = decode(&whole[..cut]);
        }
    }
}
