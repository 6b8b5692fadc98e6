//! Pictures that look alike: found across formats, sizes and light; different ones left alone.

use std::sync::atomic::AtomicBool;

use alexnet_lab::data::{Check, Split, check, open};
use image::imageops::{self, FilterType};
use image::{ImageFormat, Rgb, RgbImage};

use super::makers::{Files, open_folder};
use super::{config, encode};

/// A picture with soft forms that depend on `seed`.
fn scene(seed: u32, side: u32) -> RgbImage {
    let wave = |x: f64, y: f64, k: u32| {
        let a = f64::from((seed * 31 + k * 17) % 29) / 5.0;
        let b = f64::from((seed * 13 + k * 7) % 23) / 4.0;
        128.0 + 110.0 * (a * x + b * y + f64::from(seed + k)).sin()
    };
    RgbImage::from_fn(side, side, |x, y| {
        let (x, y) = (6.0 * f64::from(x) / f64::from(side), 6.0 * f64::from(y) / f64::from(side));
        Rgb([0, 1, 2].map(|k| wave(x, y, k) as u8))
    })
}

fn looked_at(files: &[(String, Vec<u8>)], near: Option<u32>) -> Check {
    let (dataset, _place) = open_folder(files);
    check(dataset.unwrap(), 64, 2, near, &|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap()
}

fn sets() -> Files {
    let mut files = Files::new();
    for number in 0..12 {
        let class = ["cat", "dog"][number as usize % 2];
        files.push((format!("train/{class}/{number:02}.png"), encode(&scene(number, 96), ImageFormat::Png)));
        files.push((
            format!("val/{class}/{number:02}.png"),
            encode(&scene(100 + number, 96), ImageFormat::Png),
        ));
    }
    files
}

#[test]
fn copies_that_were_changed_are_found_and_others_are_not() {
    assert_eq!(looked_at(&sets(), None).near, None, "only on request");
    let near = looked_at(&sets(), Some(4)).near.unwrap();
    assert_eq!((near.across, near.within, near.pairs.len()), (0, 0, 0), "{near:?}");

    let mut files = sets();
    let original = scene(4, 96);
    let smaller = imageops::resize(&original, 70, 70, FilterType::Triangle);
    let mut brighter = scene(5, 96);
    brighter.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|value| value.saturating_add(12)));
    files.push(("val/cat/smaller.jpg".into(), encode(&smaller, ImageFormat::Jpeg)));
    files.push(("val/dog/brighter.bmp".into(), encode(&brighter, ImageFormat::Bmp)));
    files.push(("train/cat/again.jpg".into(), encode(&scene(8, 96), ImageFormat::Jpeg)));
    // Equal pixels are a matter of their own.
    files.push(("val/cat/same.png".into(), encode(&scene(2, 96), ImageFormat::Png)));
    let found = looked_at(&files, Some(4));
    let near = found.near.unwrap();
    assert_eq!((near.across, near.within, near.incomplete), (2, 1, false), "{near:?}");
    let mut pairs: Vec<(&str, &str, bool)> =
        near.pairs.iter().map(|pair| (&*pair.first, &*pair.second, pair.across)).collect();
    assert!(pairs[0].2 && pairs[1].2 && !pairs[2].2, "across the parts first: {pairs:?}");
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        [
            ("train/cat/04.png", "val/cat/smaller.jpg", true),
            ("train/cat/08.png", "train/cat/again.jpg", false),
            ("train/dog/05.png", "val/dog/brighter.bmp", true),
        ]
    );
    assert!(near.pairs.iter().all(|pair| pair.distance <= 4));
    assert_eq!(found.duplicates.across, 1);
}

#[test]
fn sizes_are_told_as_they_were_before_scaling() {
    let mut files = sets();
    files.push(("train/cat/tiny.png".into(), super::png(5, 9, [1, 2, 3])));
    files.push(("train/cat/wide.png".into(), super::png(400, 64, [1, 2, 3])));
    let sizes = looked_at(&files, None).sizes.unwrap();
    assert_eq!((sizes.smallest, sizes.median, sizes.largest), ((5, 9), (96, 96), (400, 64)));
    assert_eq!(sizes.enlarged, 1, "only the tiny one is below 64 pixels");
}

#[test]
fn real_photographs_are_told_apart() {
    let Some(path) = crate::support::real_data("photos.tar") else { return };
    let dataset = open(&config(&path)).unwrap();
    assert!(dataset.len(Split::Train) > 1000);
    let found = check(dataset, 64, 0, Some(4), &|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap();
    let near = found.near.unwrap();
    // Photographs of ten subjects: a handful may be series of one scene, no more.
    assert!(near.across + near.within < 40, "{} and {}: {:?}", near.across, near.within, near.pairs);
}
