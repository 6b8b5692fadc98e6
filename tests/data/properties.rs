//! What must hold of every file of a kind: whatever is written is read back, and whatever is broken ends in a sentence.
//!
//! A failing input is shrunk and printed; it then gets a test of its own beside what broke.

use alexnet_lab::data::{Dataset, Split, decode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::makers::{
    Files, Place, cifar_10, cifar_100, gzip, idx_files, kaggle, mnist, named, open_at, open_bytes,
    open_folder, packed, record, tiny_imagenet, unreadable, zip_of,
};
use super::{class_files, png, tar_of};
use crate::support::fixture;

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        cases: count,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

/// A change to a file.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, Vec<u8>),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize, usize),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || {
        prop_oneof![vec(any::<u8>(), 1..9), Just(vec![0xFF; 4]), Just(vec![0; 8]), Just(b"-1,\n".to_vec())]
    };
    let place = any::<prop::sample::Index>;
    prop_oneof![
        4 => (place(), bytes()).prop_map(|(at, bytes)| Change::Set(at, bytes)),
        1 => (place(), bytes()).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        1 => (place(), 1..600_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (place(), 1..600_usize, 1..5_usize).prop_map(|(at, count, times)| Change::Repeat(at, count, times)),
        1 => place().prop_map(Change::Cut),
    ]
}

fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match change {
            Change::Set(at, new) => {
                let at = at.index(length);
                let count = new.len().min(length - at);
                bytes[at..at + count].copy_from_slice(&new[..count]);
            }
            Change::Insert(at, new) => {
                drop(bytes.splice(at.index(length)..at.index(length), new.iter().copied()))
            }
            Change::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..length.min(at + count));
            }
            Change::Repeat(at, count, times) => {
                let at = at.index(length);
                let part = bytes[at..length.min(at + count)].repeat(*times);
                drop(bytes.splice(at..at, part));
            }
            Change::Cut(at) => bytes.truncate(at.index(length)),
        }
    }
    bytes
}

/// A data set can be used up, or an error names the source in one line.
fn is_sane(opened: Result<std::sync::Arc<dyn Dataset>, String>, place: &Place) -> Result<(), TestCaseError> {
    match opened {
        Ok(dataset) => {
            for split in [Split::Train, Split::Validation] {
                let count = dataset.len(split);
                for index in (0..count).step_by(count.div_ceil(12).max(1)) {
                    prop_assert!(
                        (dataset.label(split, index) as usize) < dataset.description().classes.len()
                    );
                    match dataset.read(split, index, 8) {
                        Ok(picture) => prop_assert_eq!(picture.dimensions(), (8, 8)),
                        Err(reason) => {
                            prop_assert!(!reason.is_empty() && !reason.contains('\n'), "{}", reason)
                        }
                    }
                }
            }
        }
        Err(message) => {
            prop_assert!(message.contains(&place.root().display().to_string()), "{}", message);
            prop_assert!(!message.contains('\n'), "{:?}", message);
        }
    }
    Ok(())
}

/// Opens a set in which one file was changed.
fn survives(
    mut files: Files,
    which: &prop::sample::Index,
    wanted: &[&str],
    changes: &[Change],
) -> Result<(), TestCaseError> {
    let chosen: Vec<usize> =
        (0..files.len()).filter(|&i| wanted.iter().any(|part| files[i].0.contains(part))).collect();
    let file = chosen[which.index(chosen.len())];
    files[file].1 = changed(&files[file].1, changes);
    let (opened, place) = open_folder(&files);
    is_sane(opened, &place)
}

fn survives_archive(bytes: &[u8], changes: &[Change]) -> Result<(), TestCaseError> {
    let place = Place::with(&[("given".into(), changed(bytes, changes))]);
    is_sane(open_at(&place.path("given")), &place)
}

fn imagenet_kit() -> Files {
    let mut files = kaggle();
    files.retain(|(name, _)| !name.contains("LOC_val"));
    files.push(("kit/meta.mat".into(), fixture("meta-plain.mat")));
    files.push(("kit/ILSVRC2012_validation_ground_truth.txt".into(), b"1\n2\n3\n".to_vec()));
    files
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn changed_cifar_files_are_sane(which: prop::sample::Index, changes in vec(change(), 1..4)) {
        survives(cifar_10(2), &which, &[".bin", ".txt"], &changes)?;
        survives(cifar_100(), &which, &[".bin", ".txt"], &changes)?;
    }

    #[test]
    fn changed_idx_files_are_sane(which: prop::sample::Index, packed: bool, changes in vec(change(), 1..4)) {
        survives(mnist(packed), &which, &["ubyte"], &changes)?;
    }

    #[test]
    fn changed_lists_are_sane(which: prop::sample::Index, changes in vec(change(), 1..6)) {
        survives(super::makers::listed(super::makers::CATS_AND_DOGS), &which, &["labels.csv"], &changes)?;
        survives(tiny_imagenet(), &which, &[".txt"], &changes)?;
        survives(kaggle(), &which, &[".txt", ".csv"], &changes)?;
    }

    #[test]
    fn a_changed_development_kit_is_sane(which: prop::sample::Index, changes in vec(change(), 1..5)) {
        survives(imagenet_kit(), &which, &["meta.mat", "ground_truth"], &changes)?;
    }

    #[test]
    fn changed_archives_are_sane(changes in vec(change(), 1..5)) {
        let mut files = class_files("train", &["cat", "dog"], 2);
        files.extend(class_files("val", &["cat", "dog"], 1));
        for (_, bytes) in packed(&files) {
            survives_archive(&bytes, &changes)?;
        }
        // Behind an unbroken gzip stream, and a tar in a tar.
        survives_archive(&gzip(&changed(&tar_of(&files), &changes)), &[])?;
        survives_archive(&tar_of(&[("n01440764.tar".into(), changed(&tar_of(&files), &changes))]), &[])?;
    }

    #[test]
    fn changed_pictures_are_sane(format in 0..6_usize, changes in vec(change(), 1..5)) {
        use image::ImageFormat as F;
        let format = [F::Jpeg, F::Png, F::Gif, F::WebP, F::Bmp, F::Tiff][format];
        let picture = image::RgbImage::from_fn(33, 21, |x, y| image::Rgb([(x * 7) as u8, (y * 11) as u8, (x * y) as u8]));
        match decode(&changed(&super::encode(&picture, format), &changes)) {
            Ok(picture) => prop_assert!(picture.width() > 0 && picture.height() > 0),
            Err(reason) => prop_assert!(!reason.is_empty() && !reason.contains('\n')),
        }
    }

    #[test]
    fn records_are_read_back(labels in vec(0..10_u8, 2..20), shades in vec(any::<[u8; 3]>(), 20)) {
        let batch: Vec<u8> = labels.iter().zip(&shades).flat_map(|(label, shade)| record(&[*label], *shade)).collect();
        let mut files = cifar_10(1);
        super::kinds::replace(&mut files, "data_batch_1.bin", |bytes| *bytes = batch);
        let (dataset, _place) = open_folder(&files);
        let dataset = dataset.unwrap();
        prop_assert_eq!(dataset.len(Split::Train), labels.len());
        for (index, (label, shade)) in labels.iter().zip(&shades).enumerate() {
            prop_assert_eq!(dataset.label(Split::Train, index), u32::from(*label));
            let picture = dataset.read(Split::Train, index, 32).unwrap();
            prop_assert!(picture.pixels().all(|pixel| pixel.0 == *shade));
        }
    }

    #[test]
    fn idx_labels_are_read_back(train in vec(0..10_u8, 2..30), test in vec(0..10_u8, 1..30), packed: bool) {
        let used: std::collections::BTreeSet<u8> = train.iter().chain(&test).copied().collect();
        prop_assume!(used.len() > 1);
        let (dataset, _place) = open_folder(&idx_files(&train, &test, packed));
        let dataset = dataset.unwrap();
        for (split, labels) in [(Split::Train, &train), (Split::Validation, &test)] {
            let found: Vec<String> = named(&*dataset, split).into_iter().map(|(_, class)| class).collect();
            let wanted: Vec<String> = labels.iter().map(u8::to_string).collect();
            prop_assert_eq!(&found, &wanted);
        }
    }

    /// Names and classes of any letters, in every style of list.
    #[test]
    fn lists_are_read_back(
        classes in prop::collection::btree_set("[A-Za-z0-9äß東 ,;'()_-]{0,12}[A-Za-zß東]", 2..5),
        names in prop::collection::btree_set("[A-Za-zä東][A-Za-z0-9äß東 ,;'()_-]{0,14}", 8),
        separator in prop::sample::select(vec![',', ';', '\t']),
        ends in prop::sample::select(vec!["\n", "\r\n"]),
        mark: bool,
    ) {
        let lower: std::collections::BTreeSet<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
        prop_assume!(lower.len() == names.len());
        let classes: Vec<String> = classes.into_iter().map(|class| class.trim().to_owned()).collect();
        let quoted = |text: &str| format!("\"{text}\"");
        let mut list = format!("{}file{separator}class{ends}", if mark { "\u{feff}" } else { "" });
        let mut files = Files::new();
        let mut wanted = Vec::new();
        for (number, name) in (0..).zip(&names) {
            let class = &classes[number as usize % classes.len()];
            let name = format!("{}.png", name.trim());
            list += &format!("{}{separator}{}{ends}", quoted(&name), quoted(class));
            files.push((format!("p/{name}"), png(4, 4, [number, 1, 2])));
            wanted.push((format!("p/{name}"), class.clone()));
        }
        files.push(("p/all.csv".into(), list.into_bytes()));
        let (dataset, _place) = open_folder(&files);
        let dataset = dataset.unwrap();
        let mut found = named(&*dataset, Split::Train);
        found.extend(named(&*dataset, Split::Validation));
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
    }

    /// A folder, a tar, a packed tar and a zip of the same files are the same data set.
    #[test]
    fn archives_are_read_back(
        classes in prop::collection::btree_set("[A-Za-z0-9äß東][A-Za-z0-9äß東 ,;'()_-]{0,130}[a-z]", 2..4),
        counts in vec(2..5_u8, 4),
    ) {
        let lower: std::collections::BTreeSet<String> = classes.iter().map(|name| name.to_lowercase()).collect();
        let special = ["train", "training", "val", "valid", "validation", "test", "lost+found", "thumbs.db"];
        prop_assume!(lower.len() == classes.len() && !special.iter().any(|name| lower.contains(*name)));
        // What one file system or another does not take as a name.
        prop_assume!(classes.iter().all(|class| class.len() < 200));
        let mut files = Files::new();
        for (label, class) in classes.iter().enumerate() {
            files.extend((0..counts[label]).map(|i| (format!("{class}/{i}.png"), png(4, 4, [label as u8, i, 7]))));
        }
        let (folder, _place) = open_folder(&files);
        let folder = folder.unwrap();
        prop_assert_eq!(&folder.description().classes, &classes.iter().cloned().collect::<Vec<_>>());
        for bytes in [tar_of(&files), gzip(&tar_of(&files)), zip_of(&files)] {
            let archive = open_bytes(&bytes).unwrap();
            prop_assert_eq!(&archive.description().layout, &folder.description().layout);
            prop_assert_eq!(named(&*archive, Split::Validation), named(&*folder, Split::Validation));
            prop_assert_eq!(unreadable(&*archive), vec![]);
        }
    }
}
