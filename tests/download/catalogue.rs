//! The lists of known sets.

use std::collections::BTreeSet;
use std::fs;

use alexnet_lab::data::known::{Shelf, built_in};
use alexnet_lab::engine;
use tempfile::tempdir;

#[test]
fn every_set_that_comes_with_the_program_says_all_that_is_needed() {
    let sets = built_in();
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    for wanted in [
        "cifar-10",
        "cifar-100",
        "imagenette-160",
        "imagenette-320",
        "imagenette",
        "tiny-imagenet",
        "mnist",
        "fashion-mnist",
    ] {
        assert!(names.contains(&wanted), "{wanted} is missing");
    }
    let presets: BTreeSet<&str> = engine::presets().iter().map(|preset| preset.name).collect();
    let mut sums = BTreeSet::new();
    for set in &sets {
        assert!(presets.contains(&set.preset[..]), "{} wants the preset {}", set.name, set.preset);
        for text in [&set.title, &set.about, &set.good_for, &set.licence] {
            assert!(text.len() > 4, "{}", set.name);
        }
        for file in &set.files {
            assert!(!file.addresses.is_empty() && file.bytes > 1000, "{}", file.name);
            assert!(sums.insert(&file.md5), "two files have the sum {}", file.md5);
            assert!(file.addresses.iter().all(|address| address.ends_with(&format!("/{}", file.name))));
        }
    }
    assert_eq!(sets.iter().find(|set| set.name == "mnist").unwrap().files.len(), 4);
}

#[test]
fn people_call_sets_by_many_names() {
    let sets = built_in();
    let find = |name: &str| sets.iter().find(|set| set.is_called(name)).map(|set| set.name.as_str());
    assert_eq!(find("CIFAR10"), Some("cifar-10"));
    assert_eq!(find("Fashion MNIST"), Some("fashion-mnist"));
    assert_eq!(find("tiny_imagenet"), Some("tiny-imagenet"));
    for other in ["cifar", "./mnist", "mnist/", "/mnist", "data\\mnist", ""] {
        assert_eq!(find(other), None, "{other}");
    }
}

fn table(name: &str, file: &str, md5: &str, bytes: i64, address: &str) -> String {
    format!(
        "[[set]]\nname={name:?}\ntitle='T'\nabout='A'\ngood_for='G'\npreset='alexnet-64'\nlicence='L'\n\
         [[set.file]]\nname={file:?}\nbytes={bytes}\nmd5={md5:?}\naddresses=[{address:?}]\n"
    )
}

const SUM: &str = "d41d8cd98f00b204e9800998ecf8427e";

#[test]
fn a_list_of_ones_own_adds_sets_and_replaces_them() {
    let folder = tempdir().unwrap();
    let shelf = Shelf::at(folder.path());
    let own = table("flowers", "flowers.zip", SUM, 9, "http://192.168.0.1/flowers.zip")
        + &table("mnist", "mnist.zip", SUM, 9, "http://192.168.0.1/mnist.zip");
    fs::write(folder.path().join("catalogue.toml"), own).unwrap();
    let sets = shelf.sets().unwrap();
    assert_eq!(sets.len(), built_in().len() + 1);
    assert_eq!(shelf.find("flowers").unwrap().unwrap().files[0].name, "flowers.zip");
    assert_eq!(shelf.find("mnist").unwrap().unwrap().files[0].name, "mnist.zip");
}

#[test]
fn a_list_that_leads_out_of_its_folder_is_refused() {
    let web = "http://192.168.0.1/a";
    let bad = [
        table("../out", "a.zip", SUM, 9, web),
        table("Caps", "a.zip", SUM, 9, web),
        table("", "a.zip", SUM, 9, web),
        table("a", "../../.ssh/authorized_keys", SUM, 9, web),
        table("a", "/etc/passwd", SUM, 9, web),
        table("a", "c:\\x", SUM, 9, web),
        table("a", ".verified.json", SUM, 9, web),
        table("a", "a.zip", "short", 9, web),
        table("a", "a.zip", &SUM.to_uppercase(), 9, web),
        table("a", "a.zip", SUM, 0, web),
        table("a", "a.zip", SUM, -1, web),
        table("a", "a.zip", SUM, 9, "file:///etc/passwd"),
        "[[set]]\nname='a'\n".into(),
        "set = 3".into(),
        "\0".into(),
        table("a", "a.zip", SUM, 9, web).replace("licence", "license"),
    ];
    let folder = tempdir().unwrap();
    let shelf = Shelf::at(folder.path());
    for text in bad {
        fs::write(folder.path().join("catalogue.toml"), &text).unwrap();
        let error = shelf.sets().expect_err(&text).to_string();
        assert!(error.contains("catalogue.toml") && !error.contains('\n'), "{error}");
    }
    fs::write(folder.path().join("catalogue.toml"), "").unwrap();
    assert_eq!(shelf.sets().unwrap().len(), built_in().len());
}

#[test]
fn instructions_by_hand_name_everything() {
    let folder = tempdir().unwrap();
    let shelf = Shelf::at(folder.path());
    let set = shelf.find("mnist").unwrap().unwrap();
    let text = shelf.by_hand(&set);
    for file in &set.files {
        assert!(
            text.contains(&file.name) && text.contains(&file.md5) && text.contains(&file.addresses[0]),
            "{text}"
        );
    }
    assert!(text.contains(&shelf.folder(&set).display().to_string()), "{text}");
}
