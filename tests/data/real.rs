//! Real pictures, where they are at hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use alexnet_lab::data::{Loader, Next, PictureStore, Split, TrainPlan, open};

use super::{config, store_of};

fn archive(name: &str) -> Option<PathBuf> {
    crate::support::real_data(name)
}

#[test]
fn cifar_10_is_read_from_its_archive() {
    let Some(path) = archive("cifar10-images.tar") else { return };
    let dataset = open(&config(&path)).unwrap();
    let description = dataset.description().clone();
    assert_eq!((description.train, description.validation, description.typical_side), (50_000, 10_000, 32));
    let expected = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    assert_eq!(description.classes, expected);
    let mut counts = [0; 10];
    (0..50_000).for_each(|i| counts[dataset.label(Split::Train, i) as usize] += 1);
    assert_eq!(counts, [5000; 10]);
    let name = dataset.name(Split::Validation, 1000);
    assert_eq!((name.as_str(), dataset.label(Split::Validation, 1000)), ("test/automobile/0000.jpg", 1));

    let store = Arc::new(store_of(dataset, 32, 1 << 30, 0));
    assert!(store.refused().is_empty());
    // The known channel means of CIFAR-10: 0.4914, 0.4822, 0.4465.
    let channels: Vec<f64> = store
        .mean_image()
        .chunks(1024)
        .map(|c| c.iter().map(|&v| f64::from(v)).sum::<f64>() / 1024.0 / 255.0)
        .collect();
    for (mean, known) in channels.iter().zip([0.4914, 0.4822, 0.4465]) {
        assert!((mean - known).abs() < 0.003, "{channels:?}");
    }
    let plan = TrainPlan {
        batch: 128,
        crop: 28,
        augment: true,
        colour: false,
        seed: 1,
        epochs: 1,
        first_batch: 0,
        threads: 2,
    };
    let loader = Loader::train(store, plan).unwrap();
    let mut pictures = 0;
    while let Next::Batch(batch) = loader.recv_timeout(Duration::from_secs(120)) {
        pictures += batch.labels.len();
    }
    assert_eq!(pictures, 50_000);
}

#[test]
fn photos_are_read_from_their_archive() {
    let Some(path) = archive("photos.tar") else { return };
    let dataset = open(&config(&path)).unwrap();
    let description = dataset.description();
    assert_eq!((description.train, description.validation, description.typical_side), (1500, 400, 256));
    assert_eq!(description.classes.len(), 10);
    // Every tenth picture, greyscale ones among them.
    for index in (0..1500).step_by(10) {
        let picture = dataset.read(Split::Train, index, 72).unwrap();
        assert_eq!(picture.dimensions(), (72, 72));
    }
}

#[test]
fn tiny_imagenet_is_read_with_its_list_of_validation_classes() {
    let Some(path) = archive("tiny-imagenet-20.tar") else { return };
    let dataset = open(&config(&path)).unwrap();
    let description = dataset.description();
    assert_eq!(
        description.layout,
        "Tiny ImageNet: 20 classes, 2,000 pictures to train on, 1,000 to validate; not used: test"
    );
    assert_eq!(description.typical_side, 64);
    assert_eq!(description.classes[..2], ["goldfish", "European fire salamander"]);
    let mut counts = [[0; 20]; 2];
    for (split, counts) in [Split::Train, Split::Validation].into_iter().zip(&mut counts) {
        (0..dataset.len(split)).for_each(|i| counts[dataset.label(split, i) as usize] += 1);
    }
    assert_eq!(counts, [[100; 20], [50; 20]]);
    // Every file decodes, so the tables of boxes are not taken for pictures.
    let store = store_of(dataset, 16, 1 << 30, 0);
    assert!(store.refused().is_empty(), "{:?}", store.refused());
}

#[test]
fn preparing_real_photos_can_be_cancelled() {
    let Some(path) = archive("photos.tar") else { return };
    let dataset = open(&config(&path)).unwrap();
    let result = PictureStore::prepare(dataset, 72, 1 << 30, 2, &|_, _| {}, &AtomicBool::new(true));
    assert!(result.unwrap().is_none());
}
