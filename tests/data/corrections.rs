//! Labels that a person has put right, and pictures that were left out: above the source, which is never touched.

use std::path::{Path, PathBuf};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{self, Correction, Corrections, Split};

use super::makers::Place;
use super::{class_files, contents};

fn corrected(config: &DataConfig, folder: &Path, list: &[(&str, Option<&str>)]) -> DataConfig {
    let mut corrections = Corrections::default();
    for (name, class) in list {
        let correction = class.map_or(Correction::LeaveOut, |class| Correction::Class(class.into()));
        corrections.set(name, Some(correction));
    }
    let file = folder.join("corrections.csv");
    corrections.write(&file, "pets").unwrap();
    DataConfig { corrections: Some(file), ..config.clone() }
}

#[test]
fn a_list_changes_labels_and_leaves_out_and_nothing_else() {
    let mut files = class_files("train", &["ant", "bee"], 4);
    files.extend(class_files("val", &["ant", "bee"], 2));
    let place = Place::with(&files);
    let plain = data::open(&place.config()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = [
        ("train/ant/001.png", Some("bee")),
        ("train/ant/002.png", None),
        ("val/bee/000.png", None),
        ("train/bee/003.png", Some("bee")),
        ("not/there.png", None),
    ];
    let config = corrected(&place.config(), folder.path(), &list);
    let found = data::open(&config).unwrap();
    let mut expected: Vec<_> = contents(&*plain, Split::Train, 6);
    let position = |name: &str| expected.iter().position(|(known, _, _)| known == name).unwrap();
    let (relabelled, left_out) = (position("train/ant/001.png"), position("train/ant/002.png"));
    expected[relabelled].1 = 1;
    expected.remove(left_out);
    assert_eq!(contents(&*found, Split::Train, 6), expected);
    assert_eq!(found.len(Split::Validation), 3);
    assert_eq!((found.description().train, found.description().validation), (7, 3));
    let sentence = &found.description().layout;
    assert!(sentence.ends_with("; 1 relabelled, 2 left out, as corrected"), "{sentence}");
    // Where a picture stands in the source is known as before.
    let places: Vec<u32> = (0..7).map(|index| found.place(Split::Train, index)).collect();
    assert_eq!(places, (0..8).filter(|place| *place as usize != left_out).collect::<Vec<_>>());
    assert_eq!(found.corrections().map(Corrections::len), Some(5));
    assert!(plain.corrections().is_none());
}

#[test]
fn a_list_that_cannot_be_used_is_refused_with_the_reason() {
    let place = Place::with(&class_files("", &["ant", "bee"], 5));
    let folder = tempfile::tempdir().unwrap();
    let refused = |config: &DataConfig, part: &str| {
        let reason = data::open(config).err().expect("it is refused").to_string();
        assert!(reason.contains("corrections.csv") && reason.contains(part), "{reason}");
    };
    let missing = DataConfig { corrections: Some(PathBuf::from("/no/corrections.csv")), ..place.config() };
    refused(&missing, "cannot be read");
    refused(&corrected(&place.config(), folder.path(), &[("ant/000.png", Some("wasp"))]), "`wasp`");
    let all: Vec<String> = (0..5).map(|number| format!("ant/{number:03}.png")).collect();
    let all: Vec<(&str, Option<&str>)> = all.iter().map(|name| (name.as_str(), None)).collect();
    refused(&corrected(&place.config(), folder.path(), &all), "no training picture of ant");
    std::fs::write(folder.path().join("corrections.csv"), "ant/000.png,might be,bee\n").unwrap();
    let config = DataConfig { corrections: Some(folder.path().join("corrections.csv")), ..place.config() };
    refused(&config, "line 1");
}

#[test]
fn the_built_in_sample_can_be_corrected_too() {
    let plain = DataConfig { sample_train: 40, sample_validation: 20, ..DataConfig::default() };
    let dataset = data::open(&plain).unwrap();
    let name = dataset.name(Split::Train, 3);
    let other = &dataset.description().classes[(dataset.label(Split::Train, 3) as usize + 1) % 10];
    let folder = tempfile::tempdir().unwrap();
    let found = data::open(&corrected(&plain, folder.path(), &[(&name, Some(other))])).unwrap();
    assert_eq!(&found.description().classes[found.label(Split::Train, 3) as usize], other);
}

#[test]
fn each_source_has_a_list_of_its_own() {
    let folder = Path::new("/lists");
    let places =
        ["sample", "/a/pets", "/b/pets", "/a/pets.zip"].map(|source| Corrections::place(folder, source));
    for (index, place) in places.iter().enumerate() {
        assert!(place.starts_with(folder) && !places[..index].contains(place), "{places:?}");
    }
}
