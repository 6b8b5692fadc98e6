//! Good data sets as people really have them: wrapped, cluttered, renamed, copied between systems.

use std::fs;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Split, open};
use tempfile::tempdir;

use super::class_files;
use super::kinds::{assert_tells, replace};
use super::makers::{
    CATS_AND_DOGS, Files, caffe, every_layout, kaggle, listed, named, open_bytes, open_folder, packed,
    tiny_imagenet, unreadable,
};

/// Labels with the last part of every name, which no oddity here changes.
fn pictures(dataset: &dyn Dataset) -> Vec<(Split, String, String)> {
    let mut all = Vec::new();
    for split in [Split::Train, Split::Validation] {
        for (name, class) in named(dataset, split) {
            let last: Vec<&str> = name.rsplit('/').take(2).collect();
            all.push((split, last.join("/").to_lowercase(), class));
        }
    }
    all.sort_by(|a, b| (a.0 == Split::Train, &a.1).cmp(&(b.0 == Split::Train, &b.1)));
    all
}

/// Every layout, made odd by `change`, is still read as it was: as a folder and from archives.
#[track_caller]
fn stays_the_same(what: &str, change: impl Fn(&mut Files)) {
    for (mut files, sentence) in every_layout() {
        let (plain, _plain_place) = open_folder(&files);
        let plain = plain.unwrap();
        change(&mut files);
        let (changed, _place) = open_folder(&files);
        let changed = changed.unwrap_or_else(|e| panic!("{what}: {sentence}: {e}"));
        let check = |dataset: &dyn Dataset, kind: &str| {
            assert_eq!(
                dataset.description().classes,
                plain.description().classes,
                "{what}, {kind}: {sentence}"
            );
            assert!(
                pictures(dataset) == pictures(&*plain),
                "{what}, {kind}: {sentence} became {}",
                dataset.description().layout
            );
            assert_eq!(unreadable(dataset), [], "{what}, {kind}: {sentence}");
        };
        check(&*changed, "folder");
        for (kind, bytes) in packed(&files) {
            check(&*open_bytes(&bytes).unwrap_or_else(|e| panic!("{what}, {kind}: {sentence}: {e}")), kind);
        }
    }
}

#[test]
fn wrapping_folders_with_spaces_and_letters_of_all_kinds() {
    for wrap in ["my data (copy 2)", "Übung/東京 🐈", "a.b/c d/e"] {
        stays_the_same(wrap, |files| {
            files.iter_mut().for_each(|(name, _)| *name = format!("{wrap}/{name}"));
        });
    }
}

#[test]
fn what_systems_leave_behind_is_overlooked_everywhere() {
    stays_the_same("clutter", |files| {
        let mut folders: Vec<String> =
            files.iter().filter_map(|(name, _)| Some(name.rsplit_once('/')?.0.to_owned())).collect();
        folders.push(String::new());
        folders.sort();
        folders.dedup();
        let at = |folder: &str, name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        let copies: Files = files
            .iter()
            .map(|(name, _)| (format!("__MACOSX/{}", with_dot(name)), vec![0, 5, 22, 7]))
            .collect();
        files.extend(copies);
        for folder in folders {
            for name in
                [".DS_Store", "Thumbs.db", "desktop.ini", "._x.png", ".ipynb_checkpoints/a-checkpoint.png"]
            {
                files.push((at(&folder, name), b"clutter".to_vec()));
            }
        }
    });
}

/// The name under which another system keeps a file's properties beside it.
fn with_dot(name: &str) -> String {
    match name.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/._{name}"),
        None => format!("._{name}"),
    }
}

#[test]
fn folders_in_capitals() {
    stays_the_same("capitals", |files| {
        for (name, _) in files {
            for part in ["train/", "val/", "images/", "ILSVRC/", "Data/", "raw/", "cifar-10-batches-bin/"] {
                *name = name.replace(&format!("/{part}"), &format!("/{}", part.to_uppercase()));
                if name.starts_with(part) {
                    name.replace_range(..part.len(), &part.to_uppercase());
                }
            }
        }
    });
}

#[test]
fn lists_saved_on_other_systems() {
    stays_the_same("Windows", |files| {
        for (name, bytes) in
            files.iter_mut().filter(|(name, _)| name.ends_with(".txt") || name.ends_with(".csv"))
        {
            let text = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r\n");
            // CIFAR's names have no mark even when they were saved anew.
            let mark = if name.contains("cifar") { "" } else { "\u{feff}" };
            *bytes = format!("{mark}{text}").into_bytes();
        }
    });
    // The same with old line ends and in UTF-16, for every kind of list.
    for mut files in [tiny_imagenet(), kaggle(), caffe()] {
        let plain = pictures(&*open_folder(&files).0.unwrap());
        for (_, bytes) in
            files.iter_mut().filter(|(name, _)| name.ends_with(".txt") || name.ends_with(".csv"))
        {
            let text = String::from_utf8(bytes.clone()).unwrap().replace('\n', "\r");
            *bytes = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        }
        assert!(pictures(&*open_folder(&files).0.unwrap()) == plain);
    }
}

#[test]
fn lists_with_quotes_commas_spaces_and_letters_of_all_kinds() {
    let names = ["a, b.png", "my \"cat\".png", "東京 1.png", "plain.png"];
    let classes = ["big, grey", "Katze (groß)", "big, grey", "Katze (groß)"];
    let mut list = String::from("file,class\r\n");
    let mut files = Files::new();
    for (number, (name, class)) in (0..).zip(names.into_iter().zip(classes)) {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        list += &format!("{},{}\r\n", quoted(name), quoted(class));
        files.push((format!("my pictures/{name}"), super::png(6, 5, [number * 50, 1, 2])));
    }
    files.push(("my pictures/list of all.csv".into(), list.into_bytes()));
    let (dataset, _place) = open_folder(&files);
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes, ["Katze (groß)", "big, grey"]);
    assert_eq!(unreadable(&*dataset), []);
    let mut found: Vec<(String, String)> = named(&*dataset, Split::Train);
    found.extend(named(&*dataset, Split::Validation));
    for (name, class) in names.into_iter().zip(classes) {
        assert!(found.contains(&(format!("my pictures/{name}"), class.to_owned())), "{name}: {found:?}");
    }
    // Backslashes between folders, capitals in the ending of the list.
    let mut files = listed("");
    let list = CATS_AND_DOGS.replace("\n", "\r\n").replace(".png", ".PNG");
    let body: String =
        list.lines().skip(1).map(|line| format!("images\\{}\n", line.replace(".PNG", ".png"))).collect();
    files.retain(|(name, _)| name.ends_with(".png"));
    files.push(("set/LABELS.CSV".into(), body.into_bytes()));
    assert_eq!(open_folder(&files).0.unwrap().description().classes, ["cat", "dog"]);
    // A path that leads from the root of a Windows disk names a file by its last part.
    let body: String = CATS_AND_DOGS.lines().skip(1).map(|line| format!("C:\\data\\{line}\n")).collect();
    let mut files = listed("");
    replace(&mut files, "labels.csv", |bytes| *bytes = body.into_bytes());
    assert_eq!(unreadable(&*open_folder(&files).0.unwrap()), []);
}

#[test]
fn classes_that_differ_by_their_case_alone_are_told_apart_and_hinted_at() {
    let mut files = class_files("train", &["Cat", "dog"], 2);
    files.extend(class_files("val", &["cat", "dog"], 2));
    let message = super::makers::refusal(open_folder(&files).0);
    assert_tells(&message, &["only in train: Cat", "only in val: cat", "capital"]);
}

#[cfg(unix)]
#[test]
fn links_of_every_kind_end() {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

    let mut files = class_files("train", &["cat", "dog"], 2);
    files.extend(class_files("val", &["cat", "dog"], 2));
    let place = super::makers::Place::with(&files);
    symlink("itself.png", place.path("train/cat/itself.png")).unwrap();
    symlink(".", place.path("train/dog/here")).unwrap();
    symlink("../../val", place.path("train/cat/val")).unwrap();
    // Twelve folders that all link to each other: 12! ways through them.
    for a in 0..12 {
        let folder = place.path(&format!("train/dog/{a}"));
        std::fs::create_dir(&folder).unwrap();
        for b in 0..12 {
            symlink(format!("../{b}"), folder.join(format!("to {b}"))).unwrap();
        }
    }
    let started = Instant::now();
    let dataset = super::makers::open_at(place.root()).unwrap();
    assert!(started.elapsed() < crate::support::in_time(Duration::from_secs(5)), "{:?}", started.elapsed());
    assert_eq!(dataset.description().classes, ["cat", "dog"]);
    assert_eq!(dataset.len(Split::Train), 4 + 4, "the four of val are linked into a class");
    assert_eq!(dataset.len(Split::Validation), 4);
    assert_tells(&dataset.description().layout, &["left out"]);
    // A set made of links, as people make to have two sets of the same pictures.
    let links = super::makers::Place::with(&[("note.txt".into(), b"about".to_vec())]);
    for part in ["train", "val"] {
        std::fs::create_dir(links.path(part)).unwrap();
        for class in ["cat", "dog"] {
            symlink(place.path(&format!("val/{class}")), links.path(&format!("{part}/{class}"))).unwrap();
        }
    }
    let dataset = super::makers::open_at(links.root()).unwrap();
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (4, 4));
    assert_eq!(unreadable(&*dataset), []);
}

/// What the folder holds, opened with the settings that a beginner has.
fn opened(folder: &std::path::Path) -> std::sync::Arc<dyn Dataset> {
    let source = folder.display().to_string();
    open(&DataConfig { source, ..DataConfig::default() }).unwrap()
}

#[test]
fn a_file_of_the_same_name_in_another_folder_is_no_substitute() {
    let folder = tempdir().unwrap();
    fs::create_dir_all(folder.path().join("shots/old")).unwrap();
    let list = "file,class\nshots/1.png,cat\nshots/2.png,cat\nshots/3.png,dog\nshots/4.png,dog\n";
    fs::write(folder.path().join("labels.csv"), list).unwrap();
    for (number, name) in (0..).zip(["shots/2.png", "shots/old/1.png", "shots/3.png", "shots/4.png"]) {
        fs::write(folder.path().join(name), super::png(6, 5, [number * 50, 1, 2])).unwrap();
    }
    let missing = unreadable(&*opened(folder.path()));
    assert!(missing.len() == 1 && missing[0].0.contains("shots/1.png"), "{missing:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn names_in_no_known_encoding_stay_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempdir().unwrap();
    let names = [("cat", &b"caf\xE9.png"[..]), ("cat", b"caf\xE8.png"), ("dog", b"1.png"), ("dog", b"2.png")];
    for (number, (class, name)) in (0..).zip(names) {
        let class = folder.path().join(class);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join(OsStr::from_bytes(name)), super::png(6, 5, [number * 50, 1, 2])).unwrap();
    }
    let dataset = opened(folder.path());
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), 4);
    assert_eq!(unreadable(&*dataset), []);
}
