//! Crops, ten views and the shrinking to squares, against numpy and Pillow (`tests/fixtures/make_views.py`).

use alexnet_lab::data::{decode, planes, square};
use alexnet_lab::infer::{Views, crops};
use alexnet_lab::model::{Crop, Input, InputSpec, to_host};
use burn::tensor::Device;
use image::{Rgb, RgbImage};
use serde::Deserialize;

use crate::support::{fixture, software_device};

#[derive(Deserialize)]
struct Size {
    stored: u32,
    side: u32,
    /// Checksums of the ten views.
    ten: Vec<String>,
    training: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    left: u32,
    top: u32,
    flip: bool,
    fnv: String,
}

fn sizes() -> Vec<Size> {
    serde_json::from_slice(&fixture("views/crops.json")).expect("the fixture is as its script writes it")
}

/// The generated picture `[3, side, side]` of the script.
fn stored_planes(side: u32) -> Vec<u8> {
    let value = |c: u32, x: u32, y: u32| ((x * x * (c + 1) + 3 * y * y + 5 * x * y + 17 * c) / 3 % 251) as u8;
    (0..3).flat_map(|c| (0..side).flat_map(move |y| (0..side).map(move |x| value(c, x, y)))).collect()
}

/// 64-bit FNV-1a.
fn fnv(bytes: &[u8]) -> String {
    let step = |value: u64, &byte: &u8| (value ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// What the first layer sees of the picture of the script, when nothing is subtracted or scaled: its pixels.
fn seen(spec: InputSpec, crops: &[Crop], device: &Device) -> Vec<Vec<u8>> {
    let input = Input::from_channel_means(spec, [0.0; 3]);
    let pictures = input.upload_crops(&stored_planes(spec.stored_side as u32), crops, 1.0, device);
    let pixels: Vec<u8> = to_host(pictures).unwrap().into_iter().map(|value| value as u8).collect();
    pixels.chunks_exact(3 * spec.side * spec.side).map(<[u8]>::to_vec).collect()
}

fn devices() -> impl Iterator<Item = Device> {
    std::iter::once(Device::flex()).chain(software_device())
}

impl Size {
    fn spec(&self) -> InputSpec {
        InputSpec { side: self.side as usize, stored_side: self.stored as usize, scale: [1.0; 3] }
    }

    fn views(&self, views: Views, device: &Device) -> Vec<Vec<u8>> {
        seen(self.spec(), &crops(1, self.spec(), views), device)
    }
}

#[test]
fn ten_views_are_pixel_exact() {
    let sizes = sizes();
    assert_eq!(sizes.iter().map(|s| (s.stored, s.side)).collect::<Vec<_>>(), [(256, 224), (32, 24)]);
    for device in devices() {
        for size in &sizes {
            let sums: Vec<String> = size.views(Views::Ten, &device).iter().map(|view| fnv(view)).collect();
            assert_eq!(sums, size.ten, "{} of {} on {device:?}", size.side, size.stored);
            let one = size.views(Views::One, &device);
            assert_eq!((one.len(), fnv(&one[0])), (1, size.ten[2].clone()), "one view is the central one");
        }
    }
    let bytes = sizes[1].views(Views::Ten, &Device::flex()).concat();
    let want = fixture("views/ten-24-of-32.bin");
    let wrong: Vec<usize> = (0..want.len()).filter(|&i| bytes.get(i) != Some(&want[i])).take(20).collect();
    assert!(bytes.len() == want.len() && wrong.is_empty(), "bytes {wrong:?} of {} differ", bytes.len());
}

#[test]
fn training_crops_are_pixel_exact() {
    for device in devices() {
        for size in sizes() {
            for Place { left, top, flip, fnv: want } in &size.training {
                let crop = Crop { left: *left, top: *top, flip: *flip, ..Crop::default() };
                let bytes = seen(size.spec(), &[crop], &device);
                assert_eq!(fnv(&bytes[0]), *want, "{} of {}: {crop:?} on {device:?}", size.side, size.stored);
            }
        }
    }
}

/// The smooth picture of the script.
fn waves(width: u32, height: u32) -> RgbImage {
    let triangle = |position: u32, period: u32| (position % (2 * period)).abs_diff(period) * 255 / period;
    RgbImage::from_fn(width, height, |x, y| {
        let red = (3 * triangle(x, 90) + 2 * triangle(y, 70) + triangle(x + y, 9)) / 6;
        let green = (3 * triangle(y, 110) + 2 * triangle(x + 2 * y, 60) + triangle(x, 7)) / 6;
        let blue = (3 * triangle(2 * x + y, 150) + 2 * triangle(x, 40) + triangle(y, 8)) / 6;
        Rgb([red as u8, green as u8, blue as u8])
    })
}

/// Largest and mean difference to Pillow's picture, in grey levels.
fn difference(filter: &str, width: u32, height: u32) -> (u8, f64) {
    let theirs = decode(&fixture(&format!("views/{filter}-{width}x{height}.png"))).expect("a PNG");
    let (ours, theirs) = (planes(&square(&waves(width, height), 64)), planes(&theirs));
    assert_eq!(ours.len(), theirs.len());
    let differences: Vec<u8> = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
    (differences.into_iter().max().unwrap_or(0), mean)
}

/// Our filter is Catmull-Rom, widened when shrinking, which Pillow calls bicubic.
///
/// We cut the square out before shrinking. Pillow, told to shrink first as the paper says, must round the longer side
/// and the place of the square to whole pixels, and so lies up to 0.7 pixels beside ours in pictures that are not
/// square; the fine waves of the test picture make the most of that.
#[test]
fn squares_are_pillows_within_a_few_grey_levels() {
    // Largest and mean difference in grey levels.
    let cases = [
        // Same filter, same place: only rounding differs.
        ("cut", 200, 200, 1, 0.25),
        ("cut", 150, 100, 1, 0.25),
        ("cut", 90, 200, 1, 0.25),
        ("cut", 40, 30, 1, 0.3),
        ("cut", 512, 384, 1, 0.25),
        ("cut", 500, 375, 1, 0.25),
        ("bicubic", 200, 200, 1, 0.25),
        ("bicubic", 150, 100, 1, 0.25),
        ("bicubic", 90, 200, 2, 0.3),
        ("bicubic", 40, 30, 6, 1.3),
        ("bicubic", 512, 384, 24, 8.0),
        ("bicubic", 500, 375, 22, 7.0),
        ("bilinear", 200, 200, 5, 1.5),
        ("bilinear", 150, 100, 3, 0.7),
        ("bilinear", 90, 200, 3, 0.6),
        ("bilinear", 40, 30, 5, 1.3),
        ("bilinear", 512, 384, 24, 8.0),
        ("bilinear", 500, 375, 22, 6.8),
    ];
    let mut wrong = Vec::new();
    for (filter, width, height, largest, mean) in cases {
        let (got_largest, got_mean) = difference(filter, width, height);
        if got_largest > largest || got_mean > mean {
            wrong.push(format!("{filter} {width}x{height}: largest {got_largest}, mean {got_mean:.3}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
