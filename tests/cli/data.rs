//! `data check` from outside.

use std::fs;

use tempfile::tempdir;

use super::{call, events, objects};

#[test]
fn a_source_is_explained_for_people_and_for_scripts() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    for (number, name) in
        ["train/cat/1", "train/cat/2", "train/dog/1", "val/cat/1", "val/dog/1"].iter().enumerate()
    {
        let path = root.join("pets").join(name).with_extension("png");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(40, 40, image::Rgb([number as u8 * 30, 10, 90])).save(path).unwrap();
    }
    fs::copy(root.join("pets/train/dog/1.png"), root.join("pets/val/dog/2.png")).unwrap();
    fs::write(root.join("pets/train/cat/letter.jpg"), "dear cat").unwrap();

    let output = call(root, &["data", "check", "pets"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "2 classes in folders, 4 pictures to train on, 3 to validate",
        "3 pictures to train on, 3 to validate",
        "1 to 2 a class, median 2",
        "few to train on: cat (2), dog (1)",
        "train/cat/letter.jpg: not a picture",
        "1 to validate are among those to train on",
        "train/dog/1.png = val/dog/2.png",
        "usable",
    ] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }

    let output = call(root, &["data", "check", "pets", "--json"]);
    let objects = objects(&output);
    let whole = events(&objects, "check")[0];
    assert_eq!(whole["usable"], true);
    assert_eq!((&whole["train"], &whole["validation"]), (&3.into(), &3.into()));
    assert_eq!(whole["refused_count"], 1);
    assert_eq!(whole["duplicates_across"], 1);
    assert_eq!(whole["prepared_bytes"], whole["prepared_side"].as_u64().unwrap().pow(2) * 3 * 6);
    assert_eq!(events(&objects, "class")[1]["class"], "dog");
    assert_eq!(events(&objects, "refused")[0]["name"], "train/cat/letter.jpg");
    assert_eq!(events(&objects, "duplicate")[0]["validation"], "val/dog/2.png");
}

#[test]
fn what_cannot_be_used_ends_with_status_2() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let failed = |source: &str, words: &str| {
        for json in [&[][..], &["--json"]] {
            let output = call(root, &[&["data", "check", source], json].concat());
            assert_eq!(output.status.code(), Some(2));
            let text = String::from_utf8(output.stderr).unwrap();
            let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error:")).collect();
            assert!(errors.len() == 1 && errors[0].contains(words), "{text}");
        }
    };
    failed("nowhere", "nowhere");
    // Every picture of one class is broken: the files are listed all the same.
    for (class, bytes) in [("cat", &b"dear cat"[..]), ("dog", b"")] {
        for number in 0..3 {
            let path = root.join(format!("pets/{class}/{number}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, bytes).unwrap();
            if bytes.is_empty() {
                image::RgbImage::from_pixel(9, 9, image::Rgb([number, 1, 1])).save(path).unwrap();
            }
        }
    }
    failed("pets", "cat");
    let objects = objects(&call(root, &["data", "check", "pets", "--json"]));
    assert_eq!(events(&objects, "refused").len(), 3);
    assert_eq!(events(&objects, "check")[0]["usable"], false);
}
