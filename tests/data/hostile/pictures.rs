//! Hostile pictures, read one by one and among good ones.

use alexnet_lab::data::{decode, dimensions, square};
use image::ImageFormat;

use super::super::makers::Place;
use super::super::{class_files, picture_file};
use super::formats::{Hostile, everything};
use super::{assert_sane, check_within, events, timed};

#[test]
fn no_picture_panics_or_takes_long() {
    let mut accepted = Vec::new();
    for Hostile { name, bytes, must_be_refused } in everything() {
        timed(&name, || {
            let _ = dimensions(&bytes);
            match decode(&bytes) {
                Ok(picture) => {
                    if must_be_refused {
                        accepted.push(format!("{name} as {:?}", picture.dimensions()));
                    }
                    assert_eq!(square(&picture, 32).dimensions(), (32, 32), "{name}");
                }
                Err(reason) => {
                    let fine = reason.len() > 15 && reason.len() < 250 && !reason.contains('\n');
                    assert!(fine, "{name}: {reason:?}");
                }
            }
        });
    }
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn pictures_take_no_more_memory_than_stated_and_each_is_named() {
    let mut files = class_files("", &["cat", "dog"], 4);
    let hostile = everything();
    files.extend(hostile.iter().map(|file| (format!("dog/{}", file.name), file.bytes.clone())));
    let place = Place::with(&files);
    // 1 GiB for pictures, and the program itself.
    let Some(output) = check_within(place.root(), 1024 + 600) else { return };
    assert_sane("pictures", &output);
    let refused = events(&output, "refused");
    let told = |name: &str| refused.iter().any(|file| file["name"] == format!("dog/{name}"));
    let missing: Vec<String> = hostile
        .into_iter()
        .filter(|file| file.must_be_refused && !told(&file.name))
        .map(|file| file.name)
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
    assert_eq!(events(&output, "check")[0]["usable"], true, "the good pictures are still good");
}

#[test]
fn extreme_shapes_are_read_and_cut() {
    for (width, height) in [(1, 5000), (5000, 1), (60_000, 1), (1, 60_000), (30_000, 2)] {
        for format in
            [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::Jpeg, ImageFormat::Gif]
        {
            timed("an extreme shape", || {
                let picture = decode(&picture_file(width, height, [10, 200, 30], format)).unwrap();
                assert_eq!(picture.dimensions(), (width, height), "{format:?}");
                let small = square(&picture, 256);
                let [red, green, _] = small.get_pixel(128, 128).0;
                assert!(red < 30 && green > 180, "{format:?}: {red} {green}");
            });
        }
    }
}
