//! The store: true labels, exact means, any budget, any number of threads.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alexnet_lab::data::{Dataset, PictureStore, Split, open};
use image::{Rgb, RgbImage};

use super::{Scripted, class_files, config, numbered, png, store_of, write_tree};

#[test]
fn pixels_are_planes_and_the_mean_image_is_exact() {
    let dataset = Scripted::new(4, 2, |split, index, side| {
        assert_eq!(side, 2);
        // Validation pictures must not count towards the mean.
        let base = if split == Split::Train { index as u8 * 10 } else { 255 };
        Ok(RgbImage::from_fn(2, 2, |x, y| Rgb([base, base / 2 + x as u8, y as u8 * 3])))
    });
    let store = store_of(dataset, 2, usize::MAX, 3);
    let pixels = store.pixels(Split::Train, 2).unwrap();
    assert_eq!(*pixels, [20, 20, 20, 20, 10, 11, 10, 11, 0, 0, 3, 3]);
    let expected = [15.0, 15.0, 15.0, 15.0, 7.5, 8.5, 7.5, 8.5, 0.0, 0.0, 3.0, 3.0];
    assert_eq!(store.mean_image(), expected);
}

#[test]
fn budget_and_threads_change_nothing() {
    let make = || Scripted::new(41, 17, |_, index, side| Ok(numbered(index, side)));
    let reference = store_of(make(), 9, usize::MAX, 1);
    for (budget, threads) in [(0, 4), (5000, 2), (243 * 41, 3), (usize::MAX, 8)] {
        let store = store_of(make(), 9, budget, threads);
        assert_eq!(store.mean_image(), reference.mean_image());
        for split in [Split::Train, Split::Validation] {
            assert_eq!(store.len(split), reference.len(split));
            for i in 0..store.len(split) {
                assert_eq!(store.pixels(split, i).unwrap(), reference.pixels(split, i).unwrap());
                assert_eq!(store.label(split, i), reference.label(split, i));
            }
        }
    }
}

#[test]
fn a_picture_that_has_changed_is_not_taken_for_itself() {
    let changed = Arc::new(AtomicBool::new(false));
    let now = changed.clone();
    let dataset = Scripted::new(4, 2, move |_, index, side| {
        let other = index == 1 && now.load(Ordering::Relaxed);
        Ok(numbered(if other { 77 } else { index }, side))
    });
    // Room for the first only: the others are decoded again whenever they are wanted.
    let store = store_of(dataset, 4, 48, 1);
    let before: Vec<_> = (0..4).map(|i| store.pixels(Split::Train, i).unwrap().into_owned()).collect();
    changed.store(true, Ordering::Relaxed);
    let message = store.pixels(Split::Train, 1).unwrap_err();
    assert!(message.contains("has changed"), "{message}");
    for index in [0, 2, 3] {
        assert_eq!(*store.pixels(Split::Train, index).unwrap(), before[index]);
    }
}

#[test]
fn each_picture_is_decoded_once_if_it_fits_and_again_if_not() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = reads.clone();
    let dataset = Scripted::new(10, 10, move |_, index, side| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(numbered(index, side))
    });
    // Room for 15 of 20.
    let store = store_of(dataset, 4, 15 * 48 + 47, 2);
    assert_eq!(reads.swap(0, Ordering::Relaxed), 20);
    for split in [Split::Train, Split::Validation] {
        (0..10).for_each(|i| drop(store.pixels(split, i).unwrap()));
    }
    assert_eq!(reads.load(Ordering::Relaxed), 5);
}

#[test]
fn refused_pictures_are_listed_and_labels_stay_true() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = class_files("train", &["ant", "bee"], 6);
    files.extend(class_files("val", &["ant", "bee"], 2));
    files.push(("train/ant/000a.jpg".into(), b"these are words".to_vec()));
    files.push(("train/bee/0.png".into(), Vec::new()));
    files.push(("train/bee/002cut.png".into(), png(6, 5, [1, 2, 3])[..40].to_vec()));
    files.push(("val/ant/page.jpg".into(), b"<html>".to_vec()));
    write_tree(folder.path(), &files);
    let store = store_of(open(&config(folder.path())).unwrap(), 5, usize::MAX, 4);
    let refused: Vec<&str> = store.refused().iter().map(|r| r.name.as_str()).collect();
    assert_eq!(
        refused,
        ["train/ant/000a.jpg", "train/bee/0.png", "train/bee/002cut.png", "val/ant/page.jpg"]
    );
    for (refused, reason) in store.refused().iter().zip(["text", "empty", "cut short", "web page"]) {
        assert!(refused.reason.contains(reason), "{refused:?}");
    }
    assert_eq!((store.description().train, store.description().validation), (12, 4));
    assert!(store.description().layout.ends_with("4 files cannot be used"));
    for split in [Split::Train, Split::Validation] {
        for i in 0..store.len(split) {
            // The red of a test picture tells its class.
            assert_eq!(u32::from(store.pixels(split, i).unwrap()[0]), store.label(split, i) * 20);
            let class = &store.description().classes[store.label(split, i) as usize];
            assert!(store.name(split, i).contains(class.as_str()));
        }
    }
}

fn failure(train: usize, refuse: impl Fn(Split, usize) -> bool + Send + Sync + 'static) -> String {
    let dataset = Scripted::new(train, 4, move |split, index, side| {
        if refuse(split, index) { Err("it is a brick".into()) } else { Ok(numbered(index, side)) }
    });
    let Err(error) = PictureStore::prepare(dataset, 4, 1 << 20, 2, &|_, _| {}, &AtomicBool::new(false))
    else {
        panic!("the store was prepared");
    };
    error.to_string()
}

#[test]
fn too_few_usable_pictures_are_an_error_that_names_them() {
    let message = failure(6, |split, _| split == Split::Train);
    assert!(message.contains("none of the 6 files to train on"), "{message}");
    assert!(message.contains("Train/0") && message.contains("it is a brick"), "{message}");
    let message = failure(6, |split, _| split == Split::Validation);
    assert!(message.contains("none of the 4 files to validate with"), "{message}");
    let message = failure(6, |split, index| split == Split::Train && index % 2 == 1);
    assert!(message.contains("class `odd`") && message.contains("Train/1"), "{message}");
}

#[test]
fn a_panic_while_reading_refuses_that_picture_only() {
    let dataset = Scripted::new(6, 4, |split, index, side| {
        assert!(
            !(split == Split::Train && index == 3),
            "a bug in a decoder (this panic is part of the test)"
        );
        Ok(numbered(index, side))
    });
    let store = store_of(dataset, 4, usize::MAX, 2);
    assert_eq!(store.refused().len(), 1);
    assert_eq!(store.refused()[0].name, "Train/3");
}

#[test]
fn progress_ends_at_the_total_and_never_goes_back() {
    let seen = Mutex::new(Vec::new());
    let dataset = Scripted::new(900, 100, |_, index, side| Ok(numbered(index, side)));
    let report = |done, total| seen.lock().unwrap().push((done, total));
    PictureStore::prepare(dataset, 3, usize::MAX, 4, &report, &AtomicBool::new(false)).unwrap().unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.last(), Some(&(1000, 1000)));
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert!((100..=400).contains(&seen.len()), "{} reports", seen.len());
}

#[test]
fn cancelling_ends_the_work_early() {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = reads.clone();
    let dataset: Arc<dyn Dataset> = Scripted::new(100_000, 100, move |_, index, side| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(numbered(index, side))
    });
    let cancel = AtomicBool::new(false);
    let stop_soon = |done, _| cancel.store(done >= 500, Ordering::Relaxed);
    let result = PictureStore::prepare(dataset, 3, usize::MAX, 4, &stop_soon, &cancel).unwrap();
    assert!(result.is_none());
    assert!(
        reads.load(Ordering::Relaxed) < 5000,
        "{} pictures were still read",
        reads.load(Ordering::Relaxed)
    );
}
