//! Thousands of broken files, the same ones every time: whatever the bytes are, opening and reading ends, and ends
//! without a panic.
//!
//! `ALEXNET_LAB_FUZZ_ROUNDS=N` tries N times as many. A longer run, over everything at once and for a stated time:
//! `ALEXNET_LAB_FUZZ_SECONDS=600 cargo test --release --test integration -- --ignored --nocapture data::fuzz`

use std::time::{Duration, Instant};

use alexnet_lab::data::{Dataset, Fault, Split};

use super::makers::{
    Files, caffe, cifar_10, cifar_100, kaggle, listed, mnist, open_bytes, open_folder, packed, tiny_imagenet,
};
use super::{class_files, tar_of};
use crate::mutator::Mutator;

/// Nothing may take longer.
const LONGEST: Duration = Duration::from_secs(10);

fn rounds(usual: usize) -> usize {
    let factor = std::env::var("ALEXNET_LAB_FUZZ_ROUNDS").ok().and_then(|n| n.parse::<usize>().ok());
    usual * factor.unwrap_or(1)
}

/// Reads some pictures of whatever was opened.
fn use_up(dataset: &dyn Dataset) {
    for split in [Split::Train, Split::Validation] {
        let count = dataset.len(split);
        for i in (0..count).step_by(count.div_ceil(30).max(1)) {
            assert!((dataset.label(split, i) as usize) < dataset.description().classes.len());
            assert!(!dataset.name(split, i).is_empty());
            match dataset.read(split, i, 8) {
                Ok(picture) => assert_eq!(picture.dimensions(), (8, 8)),
                Err(reason) => {
                    let fault = dataset.fault(split, i);
                    assert!(
                        fault != Fault::Reading || reason.contains("no such file"),
                        "{fault:?}: {reason}"
                    );
                }
            }
        }
    }
}

/// Changes one file of a set at a time and opens the folder.
fn shake(name: &str, files: &Files, wanted: &[&str], seed: u64, count: usize) {
    let mut mutator = Mutator::new(seed);
    let chosen: Vec<usize> =
        (0..files.len()).filter(|&i| wanted.iter().any(|part| files[i].0.contains(part))).collect();
    assert!(!chosen.is_empty());
    for round in 0..rounds(count) {
        let mut files = files.clone();
        let file = chosen[mutator.below(chosen.len())];
        mutator.change(&mut files[file].1);
        let started = Instant::now();
        if let (Ok(dataset), _place) = open_folder(&files) {
            use_up(&*dataset);
        }
        assert!(
            started.elapsed() < crate::support::in_time(LONGEST),
            "{name}, round {round} took {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn cifar_files() {
    shake("CIFAR-10", &cifar_10(2), &[".bin", ".txt"], 1, 60);
    shake("CIFAR-100", &cifar_100(), &[".bin", ".txt"], 2, 30);
}

#[test]
fn idx_files() {
    shake("MNIST", &mnist(false), &["ubyte"], 3, 150);
    shake("packed MNIST", &mnist(true), &["ubyte"], 4, 150);
}

#[test]
fn lists() {
    shake("list", &listed(super::makers::CATS_AND_DOGS), &["labels.csv"], 5, 100);
    shake("Tiny ImageNet", &tiny_imagenet(), &[".txt"], 6, 50);
    shake("Kaggle", &kaggle(), &[".txt", ".csv"], 7, 50);
    shake("Caffe", &caffe(), &[".txt"], 8, 50);
}

#[test]
fn archives() {
    let mut files = class_files("train", &["cat", "dog"], 2);
    files.extend(class_files("val", &["cat", "dog"], 1));
    files.push(("train/cat/".to_owned() + &"long".repeat(60) + ".png", super::png(4, 4, [1; 3])));
    for (kind, bytes) in packed(&files) {
        let mut mutator = Mutator::new(kind.len() as u64);
        for round in 0..rounds(400) {
            let mut bytes = bytes.clone();
            mutator.change(&mut bytes);
            let started = Instant::now();
            if let Ok(dataset) = open_bytes(&bytes) {
                use_up(&*dataset);
            }
            assert!(
                started.elapsed() < crate::support::in_time(LONGEST),
                "{kind}, round {round} took {:?}",
                started.elapsed()
            );
        }
    }
}

#[test]
fn headers_of_a_tar_with_checksums_that_fit() {
    let archive = tar_of(&class_files("", &["cat", "dog"], 2));
    let mut mutator = Mutator::new(9);
    for _ in 0..rounds(400) {
        let mut archive = archive.clone();
        let block = 512 * mutator.below(archive.len() / 512 - 2);
        for _ in 0..3 {
            let place = [0, 100, 124, 130, 156, 257, 345][mutator.below(7)] + mutator.below(8);
            archive[block + place] = mutator.below(256) as u8;
        }
        let sum: u32 = archive[block..block + 512]
            .iter()
            .enumerate()
            .map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u32::from(b) })
            .sum();
        archive[block + 148..block + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        if let Ok(dataset) = open_bytes(&archive) {
            use_up(&*dataset);
        }
    }
}

/// Something that is parsed: its name, its bytes, and how it is opened once they have changed.
type Subject = (String, Vec<u8>, Open);
type Open = Box<dyn Fn(&[u8])>;

fn subjects() -> Vec<Subject> {
    let mut all: Vec<Subject> = Vec::new();
    let in_folder = |all: &mut Vec<Subject>, what: &str, files: Files, wanted: &[&str]| {
        for (place, (name, bytes)) in files.iter().enumerate() {
            if !wanted.iter().any(|part| name.contains(part)) {
                continue;
            }
            let files = files.clone();
            let open = move |changed: &[u8]| {
                let mut files = files.clone();
                files[place].1 = changed.to_vec();
                if let (Ok(dataset), _place) = open_folder(&files) {
                    use_up(&*dataset);
                }
            };
            all.push((format!("{what}: {name}"), bytes.clone(), Box::new(open)));
        }
    };
    in_folder(&mut all, "CIFAR-10", cifar_10(1), &[".bin", ".txt"]);
    in_folder(&mut all, "CIFAR-100", cifar_100(), &["train.bin", ".txt"]);
    in_folder(&mut all, "MNIST", mnist(false), &["ubyte"]);
    in_folder(&mut all, "packed MNIST", mnist(true), &["ubyte"]);
    in_folder(&mut all, "list", listed(super::makers::CATS_AND_DOGS), &["labels.csv"]);
    in_folder(&mut all, "Tiny ImageNet", tiny_imagenet(), &[".txt"]);
    in_folder(&mut all, "Kaggle", kaggle(), &[".txt", ".csv"]);
    in_folder(&mut all, "Caffe", caffe(), &[".txt"]);
    let mut kit = caffe();
    kit.retain(|(name, _)| name != "val.txt");
    kit.push(("kit/ILSVRC2012_validation_ground_truth.txt".into(), b"1\n2\n3\n".to_vec()));
    for name in ["meta.mat", "meta-plain.mat"] {
        let mut files = kit.clone();
        files.push(("kit/meta.mat".into(), crate::support::fixture(name)));
        in_folder(&mut all, name, files, &["meta.mat", "ground_truth"]);
    }
    let mut files = class_files("train", &["cat", "dog"], 2);
    files.extend(class_files("val", &["cat", "dog"], 1));
    let archives = packed(&files).map(|(kind, bytes)| (kind.to_owned(), bytes));
    let nested = (
        "tar of tars".to_owned(),
        tar_of(&[("n01440764.tar".into(), tar_of(&files)), ("n2.tar".into(), tar_of(&files))]),
    );
    for (kind, bytes) in archives.into_iter().chain([nested]) {
        let open = |changed: &[u8]| {
            if let Ok(dataset) = open_bytes(changed) {
                use_up(&*dataset);
            }
        };
        all.push((kind, bytes, Box::new(open)));
    }
    for (name, bytes) in pictures() {
        let open = |changed: &[u8]| {
            let _ = alexnet_lab::data::dimensions(changed);
            if let Ok(picture) = alexnet_lab::data::decode(changed) {
                assert_eq!(alexnet_lab::data::square(&picture, 8).dimensions(), (8, 8));
            }
        };
        all.push((name, bytes, Box::new(open)));
    }
    all
}

fn pictures() -> Vec<(String, Vec<u8>)> {
    use image::ImageFormat as F;
    let picture =
        image::RgbImage::from_fn(40, 29, |x, y| image::Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
    let formats = [F::Jpeg, F::Png, F::Gif, F::WebP, F::Bmp, F::Tiff];
    let mut all: Vec<(String, Vec<u8>)> =
        formats.into_iter().map(|format| (format!("{format:?}"), super::encode(&picture, format))).collect();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiff");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        all.push((name.clone(), crate::support::fixture(&format!("tiff/{name}"))));
    }
    all.push(("red-cmyk.jpg".into(), include_bytes!("fixtures/red-cmyk.jpg").to_vec()));
    all
}

#[test]
#[ignore = "runs as long as ALEXNET_LAB_FUZZ_SECONDS says"]
fn everything_for_a_stated_time() {
    let seconds = std::env::var("ALEXNET_LAB_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10);
    let seed = std::env::var("ALEXNET_LAB_FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut mutator = Mutator::new(seed);
    let subjects = subjects();
    let started = Instant::now();
    let (mut executions, mut slowest) = (0_u64, (Duration::ZERO, String::new()));
    let mut findings = Vec::new();
    while started.elapsed() < Duration::from_secs(seconds) {
        let (name, bytes, open) = &subjects[mutator.below(subjects.len())];
        let mut changed = bytes.clone();
        mutator.change(&mut changed);
        let one = Instant::now();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open(&changed)));
        let took = one.elapsed();
        executions += 1;
        if took > slowest.0 {
            slowest = (took, name.clone());
        }
        if result.is_err() || took > crate::support::in_time(LONGEST) {
            let file = std::env::temp_dir().join(format!("alexnet-lab-finding-{seed}-{executions}"));
            std::fs::write(&file, &changed).unwrap();
            findings.push(format!("{name}, {took:?}: {}", file.display()));
        }
    }
    eprintln!("{executions} executions over {} subjects in {:?}", subjects.len(), started.elapsed());
    eprintln!("slowest: {:?} ({}); findings: {findings:#?}", slowest.0, slowest.1);
    assert!(findings.is_empty());
}
