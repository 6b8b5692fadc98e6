//! Looking at every picture before training: counts, refused files, duplicates.

use std::sync::atomic::{AtomicBool, Ordering};

use alexnet_lab::data::{Check, SampleDataset, check};

use super::makers::{Files, Place, open_at, open_folder};
use super::{Scripted, class_files, numbered, picture_file, png};

fn checked(files: &[(String, Vec<u8>)]) -> Check {
    let (dataset, _place) = open_folder(files);
    check(dataset.unwrap(), 16, 2, None, &|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap()
}

fn pets() -> Files {
    let mut files = class_files("train", &["cat", "dog"], 4);
    files.extend(class_files("val", &["cat", "dog"], 0));
    files.extend((0..2).map(|i| (format!("val/cat/{i}.png"), png(6, 5, [90, i, 1]))));
    files.extend((0..3).map(|i| (format!("val/dog/{i}.png"), png(6, 5, [140, i, 1]))));
    files
}

#[test]
fn classes_are_counted_and_refused_files_named() {
    let mut files = pets();
    files.push(("train/dog/letter.png".into(), b"dear dog".to_vec()));
    let found = checked(&files);
    let counts: Vec<(&str, usize, usize)> =
        found.classes.iter().map(|class| (class.name.as_str(), class.train, class.validation)).collect();
    assert_eq!(counts, [("cat", 4, 2), ("dog", 4, 3)]);
    assert_eq!(found.refused.len(), 1);
    assert_eq!(found.refused[0].name, "train/dog/letter.png");
    assert!(found.refused[0].reason.contains("text"));
    assert!(found.problem.is_none());
    assert_eq!(found.duplicates, Default::default());
}

#[test]
fn equal_pictures_are_found_whatever_their_format() {
    let mut files = pets();
    let bmp = picture_file(6, 5, [0, 1, 200], image::ImageFormat::Bmp);
    files.push(("val/cat/again.bmp".into(), bmp.clone()));
    files.push(("val/dog/wrong.bmp".into(), bmp.clone()));
    files.push(("train/cat/twice.bmp".into(), bmp));
    files.push(("val/dog/0 again.png".into(), png(6, 5, [140, 0, 1])));
    let found = checked(&files).duplicates;
    let pair = |name: &str| ("train/cat/001.png".to_owned(), format!("val/{name}"));
    assert_eq!(found.pairs, [pair("cat/again.bmp"), pair("dog/wrong.bmp")]);
    assert_eq!((found.across, found.within_train, found.within_validation), (2, 1, 1));
    assert_eq!(found.contradicting, 1, "the same picture is a cat and a dog");
}

#[test]
fn what_cannot_be_trained_on_is_told_with_every_refused_file() {
    let mut files = pets();
    files
        .iter_mut()
        .filter(|(name, _)| name.starts_with("train/cat"))
        .for_each(|(_, bytes)| bytes.truncate(20));
    let found = checked(&files);
    assert!(found.problem.is_some_and(|e| e.to_string().contains("class `cat`")));
    assert_eq!(found.refused.len(), 4);
    assert_eq!(found.classes[0].train, 0);
}

#[test]
fn a_check_can_be_cancelled_and_tells_how_far_it_is() {
    let cancel = AtomicBool::new(false);
    let progress = |done: usize, _: usize| cancel.store(done > 20, Ordering::Relaxed);
    let dataset = Scripted::new(300, 20, |_, index, side| Ok(numbered(index, side)));
    assert!(check(dataset, 8, 2, None, &progress, &cancel).unwrap().is_none());
    let set = std::sync::Arc::new(SampleDataset::new(30, 20));
    let found = check(set, 16, 1, None, &|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap();
    assert_eq!(found.classes.iter().map(|class| class.train).sum::<usize>(), 30);
}

#[test]
fn opening_a_packed_archive_can_be_cancelled() {
    let place = Place::with(&[("a.tar.gz".into(), super::makers::gzip(&super::tar_of(&pets())))]);
    let path = place.path("a.tar.gz");
    assert!(open_at(&path).is_ok());
    let stopped = alexnet_lab::data::open_unless(&super::config(&path), &AtomicBool::new(true));
    assert!(matches!(stopped, Err(alexnet_lab::data::DataError::Cancelled)));
}
