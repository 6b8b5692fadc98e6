//! Bad input: one line that names the thing and the remedy, status 2, no panic, nothing written.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use super::{QUICK, call, events, objects, trained};

/// Expects status 2 and one line on standard error with all of `words`.
fn refused(folder: &Path, args: &[&str], words: &[&str]) {
    let output = call(folder, args);
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    for word in words {
        assert!(errors[0].contains(word), "`{word}` is missing in: {}", errors[0]);
    }
    assert!(!text.contains("panicked"), "{text}");
    if args.contains(&"--json") {
        assert_eq!(events(&objects(&output), "failed").len(), 1);
    }
    assert!(!folder.join("runs").exists() || fs::read_dir(folder.join("runs")).unwrap().next().is_none());
}

fn train<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    [&["train", "--json"], extra, QUICK].concat()
}

fn save_picture(path: &Path) {
    image::RgbImage::from_pixel(40, 40, image::Rgb([200, 10, 90])).save(path).unwrap();
}

#[test]
fn sources_that_are_no_data_set() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    refused(root, &train(&["--data", "nowhere"]), &["nowhere"]);

    fs::create_dir(root.join("empty")).unwrap();
    refused(root, &train(&["--data", "empty"]), &["empty"]);

    fs::create_dir_all(root.join("single/cat")).unwrap();
    save_picture(&root.join("single/cat/1.png"));
    refused(root, &train(&["--data", "single"]), &["single", "cat"]);

    for class in ["cat", "dog"] {
        fs::create_dir_all(root.join("texts").join(class)).unwrap();
        for i in 0..5 {
            fs::write(root.join("texts").join(class).join(format!("{i}.jpg")), "a letter, no picture")
                .unwrap();
        }
    }
    refused(root, &train(&["--data", "texts"]), &["texts"]);

    fs::write(root.join("note.txt"), "hello").unwrap();
    refused(root, &train(&["--data", "note.txt"]), &["note.txt"]);
}

#[test]
fn a_text_named_jpg_is_left_out_and_listed() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    for class in ["cat", "dog"] {
        fs::create_dir_all(root.join("pets").join(class)).unwrap();
        for i in 0..6 {
            save_picture(&root.join("pets").join(class).join(format!("{i}.png")));
        }
    }
    fs::write(root.join("pets/cat/letter.jpg"), "dear cat").unwrap();
    let output = call(root, &train(&["--data", "pets", "--max-steps", "1", "--out", "run"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(events(&objects(&output), "started")[0]["refused"], 1);
    let list = fs::read_to_string(root.join("run/refused.csv")).unwrap();
    assert!(list.contains("letter.jpg"), "{list}");
}

#[test]
fn settings_that_do_not_exist_or_fit() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    refused(root, &["train", "--model", "lenet"], &["`lenet`", "alexnet-64"]);
    // Which of the two it is, no card at all or no hundredth one, depends on the machine.
    refused(root, &["train", "--device", "gpu:99"], &["--device cpu"]);
    refused(root, &["train", "--set", "optim.speed=3"], &["optim.speed", "lr"]);
    refused(root, &["train", "--set", "speed=3"], &["speed"]);
    refused(root, &["train", "--set", "optim.lr=fast"], &["optim.lr=fast", "a number"]);
    refused(root, &["train", "--set", "optim.lr=-1"], &["optim.lr", "-1"]);
    refused(root, &["train", "--batch", "0"], &["optim.batch", "0"]);
    refused(
        root,
        &train(&["--set", "optim.freeze=conv9"]),
        &["optim.freeze", "`conv9`", "conv1, conv2, conv3"],
    );
    let change = "optim.changes=[{epoch=1,layer=\"relu1\",lr_scale=0}]";
    refused(root, &train(&["--set", change]), &["optim.changes", "`relu1`", "fc10"]);
    refused(root, &train(&["--set", "optim.changes=[{epoch=1,lr_scale=0}]"]), &["no layer"]);
    refused(root, &train(&["--set", "optim.changes=[{epoch=1}]"]), &["changes nothing"]);
    refused(root, &train(&["--set", "optim.changes=[{layer=\"conv1\"}]"]), &["epoch"]);
    refused(root, &train(&["--set", "optim.schedule=stairs"]), &["stairs", "cosine"]);
    let drops = ["--set", "optim.schedule=cosine", "--set", "optim.lr_drops=[8]"];
    refused(root, &train(&drops), &["optim.lr_drops", "steps"]);
    refused(root, &train(&["--set", "optim.warmup_epochs=-1"]), &["optim.warmup_epochs", "at least 0"]);
    fs::write(root.join("c.toml"), "[run]\nepoch = 3\n").unwrap();
    refused(root, &["train", "--config", "c.toml"], &["c.toml", "epoch"]);
    refused(root, &["train", "--config", "none.toml"], &["none.toml"]);
    fs::write(root.join("broken.toml"), "[run\n").unwrap();
    refused(root, &["train", "--config", "broken.toml"], &["broken.toml"]);
}

#[test]
fn searches_over_nothing() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let find = |extra: &[&'static str]| [&["find-lr", "--json"], extra, QUICK].concat();
    refused(root, &find(&["--lowest", "0"]), &["above 0"]);
    refused(root, &find(&["--lowest", "1", "--highest", "2"]), &["ten times"]);
    refused(root, &find(&["--updates", "3"]), &["3 updates"]);
    refused(root, &find(&["--data", "nowhere"]), &["nowhere"]);
    refused(root, &find(&["--set", "optim.freeze=conv9"]), &["`conv9`"]);
}

#[test]
fn folders_that_cannot_be_written() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    refused(folder.path(), &train(&["--out", "file/run"]), &["file", "--out"]);
}

#[test]
fn model_files_and_pictures_that_are_none() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    fs::write(root.join("fake.safetensors"), "nothing").unwrap();
    refused(root, &["predict", "--model-file", "fake.safetensors", "x.png"], &["fake.safetensors"]);
    refused(root, &["predict", "--model-file", "none.safetensors", "x.png"], &["none.safetensors"]);
    refused(root, &["eval", "--model-file", "none.safetensors", "--data", "sample"], &["none.safetensors"]);
    let model = trained(root);
    let model = model.to_str().unwrap();
    refused(root, &["predict", "--model-file", model, "--device", "cpu", "missing.png"], &["missing.png"]);
    fs::create_dir(root.join("void")).unwrap();
    refused(root, &["predict", "--model-file", model, "void"], &["void"]);
    for class in ["cat", "dog"] {
        fs::create_dir_all(root.join("pets").join(class)).unwrap();
        save_picture(&root.join("pets").join(class).join("1.png"));
        save_picture(&root.join("pets").join(class).join("2.png"));
    }
    refused(root, &["eval", "--model-file", model, "--device", "cpu", "--data", "pets"], &["pets", "cat"]);
}
