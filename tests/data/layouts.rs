//! How pictures lie in folders and archives, and what is said when they lie otherwise.

use std::collections::HashSet;
use std::path::Path;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Split, open};
use tempfile::TempDir;

use super::{class_files, config, contents, png, tar_of, write_tree};

type Files = Vec<(String, Vec<u8>)>;

fn folder_with(files: &[(String, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_tree(folder.path(), files);
    folder
}

fn names(path: &Path, split: Split) -> Vec<String> {
    let dataset = open(&config(path)).unwrap();
    (0..dataset.len(split)).map(|i| dataset.name(split, i)).collect()
}

fn error_of(path: &Path) -> String {
    let Err(error) = open(&config(path)) else { panic!("{} was accepted", path.display()) };
    error.to_string()
}

/// One line that names the source and every one of `words`.
fn assert_tells(message: &str, words: &[&str]) {
    assert!(!message.contains('\n'), "{message:?} has more than one line");
    for word in words {
        assert!(message.contains(word), "{message:?} does not name {word:?}");
    }
}

fn with_split(validation: &str) -> Files {
    let mut files = class_files("train", &["cat", "ant", "bee"], 4);
    files.extend(class_files(validation, &["cat", "ant", "bee"], 2));
    files
}

#[test]
fn train_and_validation_folders_are_found_under_all_their_names() {
    for name in ["val", "valid", "validation", "test", "Val"] {
        let folder = folder_with(&with_split(name));
        let dataset = open(&config(folder.path())).unwrap();
        let description = dataset.description();
        assert_eq!(description.classes, ["ant", "bee", "cat"], "classes are in order of their names");
        assert_eq!((description.train, description.validation), (12, 6), "{name}");
        assert_eq!(description.typical_side, 5, "the shorter side of 6x5 pixels");
        assert!(description.layout.contains("3 classes in folders, 12 pictures to train on, 6"));
        for split in [Split::Train, Split::Validation] {
            for i in 0..dataset.len(split) {
                let class = &description.classes[dataset.label(split, i) as usize];
                assert!(dataset.name(split, i).contains(&format!("/{class}/")));
            }
        }
    }
}

#[test]
fn val_goes_before_test_and_the_rest_is_named() {
    let mut files = with_split("val");
    files.extend(class_files("test", &["cat", "ant", "bee"], 1));
    files.extend(class_files("extra", &["x"], 1));
    let folder = folder_with(&files);
    let dataset = open(&config(folder.path())).unwrap();
    assert_eq!(dataset.len(Split::Validation), 6);
    assert!(
        dataset.description().layout.ends_with("not used: extra, test"),
        "{}",
        dataset.description().layout
    );
}

#[test]
fn a_folder_and_an_archive_of_it_hold_the_same() {
    for files in [with_split("val"), class_files("", &["cat", "ant"], 9)] {
        let folder = folder_with(&files);
        // The archive has its entries in another order.
        let reversed: Files = files.iter().rev().cloned().collect();
        let archive = folder_with(&[("set.tar".into(), tar_of(&reversed))]);
        let from_folder = open(&config(folder.path())).unwrap();
        let from_tar = open(&config(&archive.path().join("set.tar"))).unwrap();
        assert_eq!(from_folder.description().classes, from_tar.description().classes);
        assert_eq!(from_folder.description().layout, from_tar.description().layout);
        for split in [Split::Train, Split::Validation] {
            assert_eq!(contents(&*from_folder, split, 6), contents(&*from_tar, split, 6));
        }
    }
}

#[test]
fn wrapping_folders_are_looked_through() {
    for wrap in ["photos", "a/b"] {
        for files in [with_split("val"), class_files("", &["cat", "ant", "bee"], 4)] {
            let mut wrapped: Files =
                files.iter().map(|(name, b)| (format!("{wrap}/{name}"), b.clone())).collect();
            wrapped.push(("README.txt".into(), b"about".to_vec()));
            wrapped.push((format!("{wrap}/list.csv"), b"1,2".to_vec()));
            let folder = folder_with(&wrapped);
            let dataset = open(&config(folder.path())).unwrap();
            assert_eq!(dataset.description().classes, ["ant", "bee", "cat"]);
            assert!(dataset.len(Split::Train) >= 9);
        }
    }
}

#[test]
fn clutter_is_overlooked() {
    let mut files = with_split("val");
    let plain = folder_with(&files);
    for name in [
        ".DS_Store",
        "README.txt",
        "train/.DS_Store",
        "train/labels.csv",
        "train/cat/Thumbs.db",
        "train/cat/.hidden.png",
        "val/ant/desktop.ini",
        "__MACOSX/train/cat/._000.png",
        ".git/config",
    ] {
        files.push((name.into(), b"clutter".to_vec()));
    }
    let cluttered = folder_with(&files);
    for split in [Split::Train, Split::Validation] {
        assert_eq!(names(cluttered.path(), split), names(plain.path(), split));
    }
}

#[test]
fn pictures_deeper_in_a_class_folder_belong_to_it() {
    let mut files = class_files("train", &["cat"], 2);
    files.push(("train/dog/images/large/a.png".into(), png(9, 9, [1, 1, 1])));
    files.push(("train/dog/images/b.png".into(), png(9, 9, [2, 1, 1])));
    let folder = folder_with(&files);
    let dataset = open(&config(folder.path())).unwrap();
    assert_eq!(dataset.description().classes, ["cat", "dog"]);
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (2, 2));
}

#[test]
fn a_class_may_be_called_train() {
    let folder = folder_with(&class_files("", &["bus", "car", "train"], 5));
    assert_eq!(open(&config(folder.path())).unwrap().description().classes, ["bus", "car", "train"]);
}

#[test]
fn a_seed_splits_every_class_by_its_share() {
    let mut files = class_files("", &["big"], 100);
    files.extend(class_files("", &["small"], 3));
    files.extend(class_files("", &["tiny"], 1));
    let folder = folder_with(&files);
    let split = |seed, share| {
        let settings = DataConfig { split_seed: seed, validation_share: share, ..config(folder.path()) };
        let dataset = open(&settings).unwrap();
        let of = |s| (0..dataset.len(s)).map(|i| dataset.name(s, i)).collect::<Vec<_>>();
        (of(Split::Train), of(Split::Validation))
    };
    let (train, validation) = split(1, 0.2);
    let count = |names: &[String], class: &str| names.iter().filter(|n| n.starts_with(class)).count();
    assert_eq!((count(&train, "big"), count(&validation, "big")), (80, 20));
    assert_eq!((count(&train, "small"), count(&validation, "small")), (2, 1));
    assert_eq!(
        (count(&train, "tiny"), count(&validation, "tiny")),
        (1, 0),
        "the only picture is for training"
    );
    let all: HashSet<&String> = train.iter().chain(&validation).collect();
    assert_eq!(all.len(), files.len(), "no picture is in both, none is lost");
    assert_eq!(split(1, 0.2), (train, validation.clone()), "the same seed, the same split");
    assert_ne!(split(2, 0.2).1, validation, "another seed, another split");
    // Extreme shares leave something on both sides.
    assert_eq!(count(&split(1, 0.001).1, "big"), 1);
    assert_eq!(count(&split(1, 0.999).0, "big"), 1);
}

#[test]
fn sources_that_cannot_be_used_are_named_with_a_remedy() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("nowhere");
    assert_tells(&error_of(&missing), &["nowhere", "check the path", "sample"]);

    let empty = folder_with(&[]);
    assert_tells(&error_of(empty.path()), &[empty.path().to_str().unwrap(), "no pictures"]);
    let cluttered = folder_with(&[(".DS_Store".into(), vec![1]), ("cat/.x.png".into(), vec![1])]);
    assert_tells(&error_of(cluttered.path()), &["no pictures"]);

    let loose = folder_with(&[("a.png".into(), png(3, 3, [0; 3])), ("b.png".into(), png(3, 3, [1; 3]))]);
    assert_tells(
        &error_of(loose.path()),
        &[loose.path().to_str().unwrap(), "no class folder", "make one folder"],
    );

    let single = folder_with(&class_files("", &["cat"], 3));
    assert_tells(&error_of(single.path()), &["only one class", "`cat`", "at least two"]);
    let single = folder_with(&class_files("train", &["cat"], 3));
    assert_tells(&error_of(single.path()), &["only one class", "`cat`", "train", "at least two"]);

    let hollow = folder_with(&with_split("val"));
    std::fs::remove_dir_all(hollow.path().join("train")).unwrap();
    std::fs::create_dir_all(hollow.path().join("train/dog")).unwrap();
    assert_tells(&error_of(hollow.path()), &["/train`", "no pictures"]);

    let mut files = with_split("test");
    files.extend(class_files("test", &["zebra"], 1));
    files.extend(class_files("train", &["yak"], 1));
    let differing = folder_with(&files);
    assert_tells(
        &error_of(differing.path()),
        &["`train`", "`test`", "only in train: yak", "only in test: zebra", "same class folders"],
    );

    let lonely = folder_with(&class_files("", &["a", "b"], 1));
    assert_tells(&error_of(lonely.path()), &["nothing to validate with"]);

    let texts: Files =
        (0..30).map(|i| (format!("{}/{i}.jpg", ["a", "b"][i % 2]), b"text".to_vec())).collect();
    let texts = folder_with(&texts);
    assert_tells(&error_of(texts.path()), &["none of the 24 files", "a/", "starts with text"]);
}

#[test]
fn a_home_folder_is_not_taken_literally() {
    let path = "~/no such folder as this one";
    let error = open(&DataConfig { source: path.into(), ..DataConfig::default() }).err().unwrap();
    assert_tells(&error.to_string(), &[path]);
    if std::env::home_dir().is_some_and(|home| home.is_dir()) {
        // The home folder itself is found: whatever is wrong with it, it is not missing.
        let result = open(&DataConfig { source: "~/.".into(), ..DataConfig::default() });
        assert!(!result.err().is_some_and(|e| e.to_string().contains("no file or folder")));
    }
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end() {
    let folder = folder_with(&class_files("", &["cat", "dog"], 3));
    std::os::unix::fs::symlink(folder.path(), folder.path().join("cat/up")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("dog/broken.png")).unwrap();
    let elsewhere = folder_with(&class_files("", &["eel"], 4));
    std::os::unix::fs::symlink(elsewhere.path().join("eel"), folder.path().join("eel")).unwrap();
    let dataset = open(&config(folder.path())).unwrap();
    assert_eq!(dataset.description().classes, ["cat", "dog", "eel"]);
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), 10);
}
