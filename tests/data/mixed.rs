//! Folders as people have them: several data sets beside each other, files in no class, classes without pictures.

use std::fs;

use alexnet_lab::data::{Dataset, Split};

use super::kinds::assert_tells;
use super::makers::{
    CATS_AND_DOGS, Files, Place, cifar_10, imagenette, listed, mnist, named, open_at, open_bytes,
    open_folder, packed, refusal, tiny_imagenet, unreadable, zip_of,
};
use super::{class_files, png, tar_of};

fn below(folder: &str, files: Files) -> Files {
    files.into_iter().map(|(name, bytes)| (format!("{folder}/{name}"), bytes)).collect()
}

fn left_out(dataset: &dyn Dataset) -> Vec<(String, String)> {
    dataset.left_out().iter().map(|file| (file.name.clone(), file.reason.clone())).collect()
}

fn with_split() -> Files {
    let mut files = class_files("train", &["ant", "bee", "cat"], 4);
    files.extend(class_files("val", &["ant", "bee", "cat"], 2));
    files
}

#[test]
fn an_empty_class_folder_is_left_out_and_named() {
    // Without a split, with one, and on either side of it.
    let place = Place::with(&class_files("", &["ant", "bee"], 5));
    fs::create_dir(place.path("wasp")).unwrap();
    let dataset = open_at(place.root()).unwrap();
    assert_eq!(dataset.description().classes, ["ant", "bee"]);
    assert_eq!(left_out(&*dataset), [("wasp".into(), "a class folder without pictures".into())]);
    assert_tells(
        &dataset.description().layout,
        &["2 classes", "left out: `wasp` (a class folder without pictures)"],
    );

    let place = Place::with(&with_split());
    fs::create_dir(place.path("train/wasp")).unwrap();
    assert_eq!(open_at(place.root()).unwrap().description().classes, ["ant", "bee", "cat"]);
    fs::create_dir(place.path("val/wasp")).unwrap();
    assert_eq!(open_at(place.root()).unwrap().description().classes, ["ant", "bee", "cat"]);
    // A class of which there is nothing to train on, and one of which there is nothing to validate.
    fs::write(place.path("val/wasp/1.png"), png(6, 5, [1, 2, 3])).unwrap();
    for picture in fs::read_dir(place.path("val/bee")).unwrap() {
        fs::remove_file(picture.unwrap().path()).unwrap();
    }
    let dataset = open_at(place.root()).unwrap();
    assert_eq!(dataset.description().classes, ["ant", "bee", "cat"]);
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (12, 4));
    for (name, class) in named(&*dataset, Split::Validation) {
        assert!(name.contains(&format!("/{class}/")), "{name} is called {class}");
    }
    let told = left_out(&*dataset);
    assert!(told.contains(&("train/wasp".into(), "a class folder without pictures".into())), "{told:?}");
    assert!(
        told.contains(&("val/wasp".into(), "1 picture of a class that has none to train on".into())),
        "{told:?}"
    );
    assert_tells(&dataset.description().layout, &["nothing to validate of: bee"]);
}

#[test]
fn other_faults_are_told_beside_an_empty_class_folder() {
    let mut files = with_split();
    files.push(("train/ant/letter.png".into(), b"dear ant".to_vec()));
    let place = Place::with(&files);
    fs::create_dir(place.path("train/wasp")).unwrap();
    let dataset = open_at(place.root()).unwrap();
    assert_eq!(unreadable(&*dataset).len(), 1);
    // A class that is missing on one side altogether is still an error.
    fs::remove_dir_all(place.path("val/bee")).unwrap();
    assert_tells(&refusal(open_at(place.root())), &["only in train: bee"]);
}

#[test]
fn a_folder_of_other_things_is_no_class() {
    let mut files = class_files("", &["ant", "bee"], 5);
    files.push(("notes/read me.txt".into(), b"Written on a rainy day.".to_vec()));
    files.push(("models/net.safetensors".into(), vec![0; 900]));
    for (kind, bytes) in packed(&files) {
        let dataset = open_bytes(&bytes).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(dataset.description().classes, ["ant", "bee"]);
        let told = left_out(&*dataset);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|(_, reason)| reason == "a folder without pictures"), "{told:?}");
    }
    // Pictures whose names promise nothing are pictures all the same.
    let files: Files = class_files("", &["ant", "bee"], 3)
        .into_iter()
        .map(|(name, bytes)| (name.trim_end_matches(".png").to_owned(), bytes))
        .collect();
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!((dataset.description().classes.len(), left_out(&*dataset).len()), (2, 0));
}

#[test]
fn pictures_and_archives_beside_class_folders_are_listed() {
    let mut files = below("my set", with_split());
    for name in ["my set/loose.JPG", "my set/train/loose.jpeg", "my set/val/loose.gif", "top.png", "scan"] {
        files.push((name.into(), png(6, 5, [1, 1, 1])));
    }
    files.push(("my set/more.zip".into(), zip_of(&class_files("", &["x"], 1))));
    files.push(("my set.tar".into(), tar_of(&with_split())));
    files.push(("LICENSE".into(), b"Do as you like.".to_vec()));
    files.push(("my set/README.md".into(), b"# My set".to_vec()));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (12, 6));
    let mut told = left_out(&*dataset);
    told.sort();
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "my set.tar",
            "my set/loose.JPG",
            "my set/more.zip",
            "my set/train/loose.jpeg",
            "my set/val/loose.gif",
            "scan",
            "top.png"
        ]
    );
    assert_eq!(told[0].1, "an archive; the folder of its name is used instead");
    assert_eq!(told[1].1, "in no class folder");
    assert_tells(&told[2].1, &["choose it itself, or unpack it"]);
    assert_eq!(dataset.left_out_count(), 7);
}

#[test]
fn many_files_that_are_left_out_are_all_counted() {
    let mut files = class_files("", &["ant", "bee"], 3);
    files.extend((0..1200).map(|number| (format!("{number}.png"), vec![1])));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!((dataset.left_out().len(), dataset.left_out_count()), (1000, 1200));
    assert_tells(&dataset.description().layout, &["in no class folder", "and 200 more"]);
}

#[test]
fn several_data_sets_are_told_apart_and_named() {
    let mut downloads = imagenette();
    downloads.extend(cifar_10(5));
    downloads.push(("tiny-imagenet-200.zip".into(), zip_of(&tiny_imagenet())));
    downloads.extend(below("holiday", class_files("", &["beach", "hills"], 2)));
    let place = Place::with(&downloads);
    let message = refusal(open_at(place.root()));
    let root = place.root().display();
    for set in ["imagenette2", "cifar-10-batches-bin", "tiny-imagenet-200.zip"] {
        assert_tells(&message, &[&format!("`{root}/{set}`")]);
        if !set.ends_with("zip") {
            open_at(&place.path(set)).unwrap();
        }
    }
    assert_tells(&message, &["holds several: choose one of", "(CIFAR-10)", "(an archive)"]);
    // As torchvision lays MNIST and its kin.
    let mut files = below("MNIST", mnist(false));
    files.extend(below("FashionMNIST", mnist(false)));
    assert_tells(&refusal(open_folder(&files).0), &["/FashionMNIST/raw`", "/MNIST/raw`"]);
    // One data set among folders that would pass for classes.
    let mut files = below("pets", with_split());
    files.extend(below("holiday", class_files("", &["beach", "hills"], 2)));
    files.push(("letters/1.png".into(), png(6, 5, [1, 1, 1])));
    let message = refusal(open_folder(&files).0);
    assert_tells(&message, &["/pets` (with a train folder)", "/holiday` (folders)"]);
    assert!(!message.contains("letters"), "{message}");
    // Nothing but archives.
    let files: Files = vec![
        ("a.zip".into(), zip_of(&class_files("", &["x", "y"], 2))),
        ("b.tar".into(), tar_of(&class_files("", &["x", "y"], 2))),
        ("README.md".into(), b"# Two sets".to_vec()),
    ];
    assert_tells(&refusal(open_folder(&files).0), &["/a.zip` (an archive)", "/b.tar` (an archive)"]);
    assert_tells(&refusal(open_folder(&files[1..]).0), &["holds one: choose", "/b.tar`"]);
}

#[test]
fn folders_in_class_folders_are_explained() {
    let mut files = below("animals", class_files("", &["cat", "dog"], 4));
    files.extend(below("plants", class_files("", &["oak", "fir"], 4)));
    let (dataset, place) = open_folder(&files);
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes, ["animals", "plants"]);
    let path = place.path("animals").display().to_string();
    assert_tells(
        &dataset.description().layout,
        &[
            "`animals` holds folders of its own (cat, dog), which count as one class",
            &format!("choose `{path}`"),
        ],
    );
    assert_eq!(open_at(&place.path("animals")).unwrap().description().classes, ["cat", "dog"]);
}

#[test]
fn parts_without_class_folders_are_no_classes() {
    let mut files: Files = (0..6).map(|i| (format!("train/cat.{i}.png"), png(6, 5, [i, 1, 1]))).collect();
    files.extend((0..6).map(|i| (format!("test/{i}.png"), png(6, 5, [i, 2, 1]))));
    assert_tells(&refusal(open_folder(&files).0), &["lie in no class folder", "one folder for each class"]);
    // Pictures to find things in, with a text of boxes each.
    let mut files: Files = (0..5).map(|i| (format!("images/train/{i}.png"), png(6, 5, [i, 1, 1]))).collect();
    files.extend((0..5).map(|i| (format!("labels/train/{i}.txt"), b"0 0.5 0.5 0.1 0.1".to_vec())));
    assert_tells(&refusal(open_folder(&files).0), &["lie in no class folder"]);
    // The parts in the classes instead of the classes in the parts.
    let mut files = class_files("cat", &["train", "val"], 3);
    files.extend(class_files("dog", &["train", "val"], 3));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!(dataset.description().classes, ["cat", "dog"]);
    assert_tells(&dataset.description().layout, &["(train, val) are taken together"]);
}

#[test]
fn parts_have_many_names() {
    for (train, validation) in [
        ("training_set", "test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("Training", "Testing"),
        ("train/images", "dev"),
    ] {
        let mut files = class_files(train, &["ant", "bee"], 4);
        files.extend(class_files(validation, &["ant", "bee"], 2));
        let dataset = open_folder(&files).0.unwrap_or_else(|e| panic!("{train}: {e}"));
        assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (8, 4), "{train}");
        assert_tells(
            &dataset.description().layout,
            &["2 classes in folders, 8 pictures to train on, 4 to validate"],
        );
    }
}

#[test]
fn an_archive_of_archives_says_so() {
    let inner = zip_of(&class_files("", &["ant", "bee"], 3));
    let outer = zip_of(&[("pets.zip".into(), inner)]);
    assert_tells(&refusal(open_bytes(&outer)), &["an archive of archives", "unpack it"]);
    let place = Place::with(&[("outer.zip".into(), outer)]);
    assert_tells(&refusal(open_at(place.root())), &["an archive of archives"]);
}

#[test]
fn boxes_built_like_pictures_are_no_second_data_set() {
    let mut files = super::makers::kaggle();
    let boxes: Files = files
        .iter()
        .filter(|(name, _)| name.ends_with(".JPEG"))
        .map(|(name, _)| (name.replace("Data", "Annotations").replace(".JPEG", ".xml"), b"<box/>".to_vec()))
        .collect();
    files.extend(boxes);
    let dataset = open_folder(&files).0.unwrap();
    assert_tells(
        &dataset.description().layout,
        &["ImageNet: 3 classes, 9 pictures to train on, 3 to validate"],
    );
}

#[test]
fn validation_pictures_without_classes_are_not_used() {
    for name in ["test/images", "val/unknown", "test/all pictures"] {
        let mut files = class_files("train", &["ant", "bee"], 5);
        files.extend((0..3).map(|i| (format!("{name}/{i}.png"), png(6, 5, [9, i, 9]))));
        let dataset = open_folder(&files).0.unwrap();
        let part = name.split('/').next().unwrap();
        assert_tells(&dataset.description().layout, &["held back by seed 0", &format!("not used: {part}")]);
    }
}

#[test]
fn pictures_that_a_list_does_not_name_are_listed() {
    let mut files = listed(CATS_AND_DOGS);
    files.push(("set/images/stray.png".into(), png(6, 5, [1, 2, 3])));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!(left_out(&*dataset), [("set/images/stray.png".into(), "not named by the list".into())]);
}

#[test]
fn files_of_many_pictures_say_what_else_is_there_and_what_is_missing() {
    let mut files = mnist(true);
    files.push(("raw/digit.png".into(), png(28, 28, [3, 3, 3])));
    files.push(("notes.txt".into(), b"From the web".to_vec()));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!(left_out(&*dataset), [("raw/digit.png".into(), "no part of this data set".into())]);
    let mut files = cifar_10(5);
    files.retain(|(name, _)| !name.contains("batch_3") && !name.contains("test_batch"));
    let dataset = open_folder(&files).0.unwrap();
    assert_tells(&dataset.description().layout, &["missing: data_batch_3.bin, test_batch.bin"]);
}

#[test]
fn other_versions_of_cifar_are_told_from_the_one_that_is_read() {
    let with = |names: &[&str]| -> String {
        let files: Files = names.iter().map(|name| (format!("cifar/{name}"), vec![0x80, 2, b'x'])).collect();
        refusal(open_folder(&files).0)
    };
    assert_tells(
        &with(&["train", "test", "meta", "file.txt~"]),
        &["the Python version of CIFAR", "cifar-100-binary.tar.gz"],
    );
    assert_tells(&with(&["data_batch_1", "data_batch_2", "batches.meta"]), &["the Python version of CIFAR"]);
    assert_tells(
        &with(&["data_batch_1.mat", "test_batch.mat", "batches.meta.mat"]),
        &["the Matlab version of CIFAR"],
    );
    assert_tells(&with(&["train.mat", "test.mat", "meta.mat"]), &["the Matlab version of CIFAR"]);
}
