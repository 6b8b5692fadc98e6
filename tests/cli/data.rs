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
        "1 to validate is among those to train on",
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
fn a_source_is_checked_as_it_is_corrected() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    half_broken(root, 6, 1);
    let whole = call(root, &["data", "check", "pets", "--json"]);
    let whole = objects(&whole);
    let refused = events(&whole, "refused")[0]["name"].as_str().unwrap().to_owned();
    fs::write(root.join("list.csv"), format!("\"{}\",\"leave out\",\"\"\n", refused.replace('"', "\"\"")))
        .unwrap();
    let corrected = call(root, &["data", "check", "pets", "--json", "--corrections", "list.csv"]);
    assert_eq!(corrected.status.code(), Some(0));
    let found = objects(&corrected);
    let found = events(&found, "check")[0];
    assert_eq!(found["refused_count"], 0);
    assert_eq!(found["corrections"], serde_json::json!({ "listed": 1, "relabelled": 0, "left_out": 1 }));
    let text = String::from_utf8(call(root, &["data", "check", "pets", "--corrections", "list.csv"]).stdout);
    assert!(text.unwrap().contains("1 of 1 holds: 0 relabelled, 1 left out\n"));
    assert_eq!(events(&whole, "check")[0]["corrections"], serde_json::Value::Null);
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

/// Class folders with `good` pictures each, and `bad` files that are none among the dogs.
fn half_broken(root: &std::path::Path, good: u8, bad: u8) {
    for (shade, class) in [(0, "cat"), (100, "dog")] {
        let folder = root.join("pets").join(class);
        fs::create_dir_all(&folder).unwrap();
        for number in 0..good {
            let colour = image::Rgb([number * 9, shade, 90]);
            image::RgbImage::from_pixel(40, 40, colour).save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
    for number in 0..bad {
        fs::write(root.join(format!("pets/dog/letter, \"{number}\".png")), "dear dog").unwrap();
    }
}

#[test]
fn refused_files_are_written_to_a_table_on_request() {
    let folder = tempdir().unwrap();
    half_broken(folder.path(), 4, 2);
    let output = call(folder.path(), &["data", "check", "pets", "--refused", "bad.csv"]);
    assert_eq!(output.status.code(), Some(0));
    let table = fs::read_to_string(folder.path().join("bad.csv")).unwrap();
    let mut lines: Vec<&str> = table.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines[2], "file,reason");
    assert!(lines[0].starts_with("\"dog/letter, \"\"0\"\".png\",\"not a picture"), "{table}");
    let output = call(folder.path(), &["data", "check", "pets", "--refused", "no folder/bad.csv"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no folder/bad.csv"));
}

#[test]
fn too_many_refused_files_stop_a_run_with_their_list() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    half_broken(root, 5, 12);
    let train = |share: &'static str, out: &'static str| {
        let args = ["train", "--data", "pets", "--max-steps", "1", "--out", out, "--json"];
        call(root, &[&args[..], &["--set", share], super::QUICK].concat())
    };
    // 12 of 22 are more than half.
    for (share, stops) in [
        ("data.max_refused_share=0.5", true),
        ("data.max_refused_share=0", true),
        ("data.max_refused_share=0.6", false),
        ("data.max_refused_share=1", false),
    ] {
        let out = if stops { "stopped" } else { "done" };
        let _ = fs::remove_dir_all(root.join(out));
        let output = train(share, out);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(if stops { 2 } else { 0 }), "{share}: {text}");
        let table = fs::read_to_string(root.join(out).join("refused.csv")).unwrap();
        if stops {
            for words in
                ["of the 22 files in `pets`", "data.max_refused_share", "dog/letter", "stopped/refused.csv"]
            {
                assert!(text.contains(words), "{share}: {words:?} is missing in {text}");
            }
            assert!(table.contains("dog/letter"), "{table}");
        } else {
            assert_eq!(table.lines().count(), 13, "{table}");
        }
    }
    // The check reads on and lists all, but says that a run would stop.
    let output = call(root, &["data", "check", "pets", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let objects = objects(&output);
    assert_eq!(events(&objects, "refused").len(), 12);
    let problem = events(&objects, "check")[0]["problem"].as_str().unwrap().to_owned();
    assert!(problem.contains("12 of the 22 files"), "{problem}");
    let output = call(root, &["data", "check", "pets", "--set", "data.max_refused_share=1"]);
    assert_eq!(output.status.code(), Some(0));
    let output = call(root, &["data", "check", "pets", "--set", "data.max_refused_share=2"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("data.max_refused_share"));
}

#[test]
fn pictures_that_look_alike_and_sizes_are_told() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let scene = |seed: u32, side: u32| {
        image::RgbImage::from_fn(side, side, |x, y| {
            let (x, y) = (x * 64 / side, y * 64 / side);
            image::Rgb([(x * seed * 7 + y * 3) as u8, (x * y * seed) as u8, ((x + seed) * (y + 5)) as u8])
        })
    };
    for (name, seed, side) in [
        ("train/cat/1", 1, 128),
        ("train/dog/2", 2, 128),
        ("val/cat/3", 3, 128),
        ("val/dog/4", 4, 128),
        ("val/dog/like 2", 2, 120),
    ] {
        let path = root.join("pets").join(name).with_extension("png");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        scene(seed, side).save(path).unwrap();
    }
    let output = call(root, &["data", "check", "--near", "pets"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for words in [
        "120x120 to 128x128 pixels, median 128x128",
        "1 to validate looks like one to train on; 0 like another",
        "train/dog/2.png ~ val/dog/like 2.png (",
        "preparing takes about",
    ] {
        assert!(text.contains(words), "{words:?} is missing in\n{text}");
    }
    let found = objects(&call(root, &["data", "check", "pets", "--near=8", "--json"]));
    let whole = events(&found, "check")[0];
    assert_eq!(whole["near"]["distance"], 8);
    assert_eq!(whole["sizes"]["median"], serde_json::json!([128, 128]));
    assert!(whole["prepare_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(events(&found, "near_duplicate")[0]["across"], true);
    assert_eq!(call(root, &["data", "check", "pets", "--near=9"]).status.code(), Some(2));
    let without = objects(&call(root, &["data", "check", "pets", "--json"]));
    assert!(events(&without, "check")[0]["near"].is_null());
}

#[cfg(unix)]
#[test]
fn an_interrupted_check_says_so() {
    use std::process::Stdio;

    let folder = tempdir().unwrap();
    let mut child = super::program(folder.path())
        .args(["data", "check", "sample", "--json", "--set", "data.sample_train=1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    super::contract::until_it_listens(&child);
    super::contract::interrupt(&child);
    let started = std::time::Instant::now();
    let status = child.wait().unwrap();
    assert!(
        started.elapsed() < crate::support::in_time(std::time::Duration::from_secs(5)),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(status.code(), Some(130));
    let output = child.wait_with_output().unwrap();
    let objects = objects(&output);
    let last = objects.last().unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&"stopped".into(), &"stopped".into()));
    assert!(last["read"].as_u64().unwrap() < 1_000_000);
}

#[test]
fn half_an_archive_is_refused_everywhere_and_taken_on_request() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    half_broken(root, 12, 0);
    let mut builder = tar::Builder::new(Vec::new());
    // Cats and dogs in turn, so that both are in the half that is there.
    for number in 0..12 {
        for class in ["cat", "dog"] {
            let name = format!("{class}/{number}.png");
            builder.append_path_with_name(root.join("pets").join(&name), name).unwrap();
        }
    }
    let tar = builder.into_inner().unwrap();
    fs::write(root.join("half.tar"), &tar[..tar.len() / 2]).unwrap();
    let accept = ["--set", "data.accept_cut=true"];
    let train: Vec<&str> =
        [&["train", "--data", "half.tar", "--max-steps", "1", "--out", "run"], super::QUICK].concat();
    for args in [&["data", "check", "half.tar"][..], &["data", "prepare", "half.tar"], &train] {
        let output = call(root, args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        for words in [
            "error: `half.tar` is cut short after",
            "pictures (the last whole one is `",
            "data.accept_cut=true",
        ] {
            assert!(text.contains(words), "{args:?}: {words:?} is missing in {text}");
        }
        let output = call(root, &[args, &accept].concat());
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args:?}: {text}");
        assert!(text.contains("`half.tar` is cut short after"), "{args:?}: {text}");
    }
}
