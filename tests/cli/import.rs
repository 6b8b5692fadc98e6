//! Networks from elsewhere on the command line: converting them, using them, training them further.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::tempdir;

use super::{call, events, objects, trained};
use crate::support::assert_close;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn import_writes_a_model_and_says_what_it_is() {
    let folder = tempdir().unwrap();
    let (file, picture) = (fixture("narrow-zip.pth"), fixture("picture.png"));
    fs::write(folder.path().join("names.txt"), (0..12).map(|i| format!("thing {i}\n")).collect::<String>())
        .unwrap();
    let args =
        ["import", text(&file), "--as", "alexnet-owt", "--out", "m", "--classes", "names.txt", "--json"];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    assert_eq!(objects.len(), 1);
    let report = &objects[0];
    assert_eq!((&report["event"], &report["model"]), (&Value::from("imported"), &Value::from("alexnet-owt")));
    assert_eq!((&report["classes"], &report["foreign"]), (&Value::from(12), &Value::from(true)));
    assert_eq!((&report["input_side"], &report["stored_side"]), (&Value::from(224), &Value::from(256)));
    assert!((report["mean"][2].as_f64().unwrap() - 255.0 * 0.406).abs() < 1e-4);
    assert!((report["scale"][0].as_f64().unwrap() - 1.0 / (255.0 * 0.229)).abs() < 1e-8);

    // The written file and the original give the same answer; the latter without names.
    let mut best = Vec::new();
    for model in ["m", text(&file)] {
        let args =
            ["predict", "--model-file", model, "--top", "1", "--device", "cpu", "--json", text(&picture)];
        let output = call(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        best.push(super::objects(&output)[0]["top"][0].clone());
    }
    assert_eq!(best[0]["p"], best[1]["p"]);
    assert_eq!((&best[0]["class"], &best[1]["class"]), (&Value::from("thing 4"), &Value::from("class 4")));

    // For people, and with a file that needs no conversion.
    let output = call(folder.path(), &["import", "m", "--out", "copy"]);
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("already") && told.contains("alexnet-owt") && told.contains("224"), "{told}");
    assert_eq!(fs::read(folder.path().join("m")).unwrap(), fs::read(folder.path().join("copy")).unwrap());
}

#[test]
fn what_cannot_be_imported_leaves_status_2_and_no_file() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("cut.pth"), &fs::read(fixture("narrow-zip.pth")).unwrap()[..9000]).unwrap();
    let whole = fixture("narrow-zip.pth");
    let cases = [
        (vec!["import", "cut.pth", "--out", "m"], "cut.pth"),
        (vec!["import", "none.pth", "--out", "m"], "none.pth"),
        (vec!["import", text(&whole), "--out", "m", "--as", "alexnet"], "alexnet-owt"),
        (vec!["import", text(&whole), "--out", "m", "--classes", "none.txt"], "none.txt"),
        (vec!["import", "cut.pth", "--out", "cut.pth"], "--out"),
    ];
    for (args, words) in cases {
        let output = call(folder.path(), &args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert!(told.starts_with("error:") && told.contains(words), "{args:?}: {told}");
        assert!(!folder.path().join("m").exists());
    }
}

#[test]
fn a_network_that_knows_the_classes_by_other_names_can_be_given_them() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    for class in 0..12 {
        let class = root.join(format!("data/thing {class:02}"));
        fs::create_dir_all(&class).unwrap();
        for i in 0..4 {
            image::RgbImage::from_pixel(16, 16, image::Rgb([40 * i, 9, 9]))
                .save(class.join(format!("{i}.png")))
                .unwrap();
        }
    }
    let eval = |file: &str| call(root, &["eval", "--model-file", file, "--data", "data", "--device", "cpu"]);
    let file = fixture("narrow-zip.pth");
    let output = eval(text(&file));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("`alexnet-lab import FILE --classes NAMES.txt --out NEW.safetensors`"), "{told}");
    // The advice helps.
    fs::write(root.join("names.txt"), (0..12).map(|i| format!("thing {i:02}\n")).collect::<String>())
        .unwrap();
    let output = call(root, &["import", text(&file), "--classes", "names.txt", "--out", "new"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let output = eval("new");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_model_is_trained_further() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let model = trained(root);
    let quick = ["--device", "cpu", "--batch", "16", "--json", "--set", "data.sample_train=64"];
    let quick = [&quick[..], &["--set", "data.sample_validation=30", "--max-steps", "1"]].concat();
    let train = |extra: &[&str]| call(root, &[&["train", "--data", "sample"], extra, &quick].concat());

    // The same classes: the last layer stays. At a rate that changes nothing, the file is the same after it.
    let output = train(&["--from", text(&model), "--out", "more", "--set", "optim.lr=1e-30"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(events(&objects(&output), "warning").is_empty());
    let weights = |path: &str| {
        let bytes = fs::read(root.join(path)).unwrap();
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let numbers = bytes[8 + header..].as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b)));
        numbers.collect::<Vec<_>>()
    };
    assert_close(
        "weights",
        &weights("more/model.safetensors"),
        &weights("run/model.safetensors"),
        0.0,
        1e-25,
    );
    // The settings that were written can be used again.
    let settings = fs::read_to_string(root.join("more/config.toml")).unwrap();
    assert!(settings.contains("from = ") && !settings.contains("preset"), "{settings}");
    let output = train(&["--config", "more/config.toml", "--out", "again"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    // Other classes: a fresh last layer, and it is said.
    for class in ["cat", "dog"] {
        fs::create_dir_all(root.join("pets").join(class)).unwrap();
        for i in 0..10 {
            let colour = image::Rgb([20 * i, 100, if class == "cat" { 0 } else { 200 }]);
            image::RgbImage::from_pixel(40, 40, colour)
                .save(root.join(format!("pets/{class}/{i}.png")))
                .unwrap();
        }
    }
    let from = format!("model.from={}", text(&model));
    let args = ["train", "--data", "pets", "--set", &from, "--out", "pets-run"];
    let output = call(root, &[&args[..], &quick].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let warning = events(&objects, "warning")[0]["message"].as_str().unwrap();
    assert!(warning.contains("fc10") && warning.contains("model.safetensors"), "{warning}");
    let lr = events(&objects, "step")[0]["lr"].as_f64().unwrap();
    assert!((lr - 0.0001).abs() < 1e-12, "a tenth of the preset's rate, not {lr}");
}

#[test]
fn a_network_from_pytorch_is_trained_further() {
    let folder = tempdir().unwrap();
    let file = fixture("narrow-legacy.pth");
    let args =
        ["train", "--data", "sample", "--from", text(&file), "--out", "run", "--device", "cpu", "--json"];
    let quick = ["--batch", "8", "--max-steps", "1", "--set", "data.sample_train=16"];
    let output = call(folder.path(), &[&args[..], &quick, &["--set", "data.sample_validation=10"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!events(&objects(&output), "warning").is_empty());
    let report = call(folder.path(), &["import", "run/model.safetensors", "--out", "copy", "--json"]);
    let report = &objects(&report)[0];
    assert_eq!((&report["model"], &report["classes"]), (&Value::from("alexnet-owt"), &Value::from(10)));
    assert!((report["mean"][0].as_f64().unwrap() - 255.0 * 0.485).abs() < 1e-4, "the mean is the file's");
}

#[test]
fn settings_that_contradict_the_file_are_named() {
    let folder = tempdir().unwrap();
    let file = format!("model.from={}", text(&fixture("narrow-zip.pth")));
    for (setting, words) in [
        ("model.norm=off", "model.norm "),
        ("model.columns=2", "model.columns "),
        ("model.without=[\"conv4\"]", "model.without "),
        ("data.mean=channel", "data.mean "),
        ("model.preset=alexnet", "model.preset is alexnet"),
        ("model.from=none.pth", "none.pth"),
    ] {
        let output = call(folder.path(), &["train", "--set", &file, "--set", setting, "--device", "cpu"]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{setting}: {told}");
        assert!(told.contains(words), "{setting}: {told}");
        assert!(
            !folder.path().join("runs").exists()
                || fs::read_dir(folder.path().join("runs")).unwrap().next().is_none()
        );
    }
    let output = call(folder.path(), &["train", "--from", "a.pth", "--model", "alexnet"]);
    assert_eq!(output.status.code(), Some(2));
}
