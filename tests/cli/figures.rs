//! `figures`: what the window shows of a run or a model, as files.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::{call, events, objects, trained};

fn picture(folder: &Path, name: &str) -> String {
    let picture = image::RgbImage::from_fn(48, 40, |x, y| image::Rgb([(x * 5) as u8, (y * 6) as u8, 60]));
    picture.save(folder.join(name)).unwrap();
    name.to_owned()
}

#[test]
fn everything_of_a_run_is_drawn_and_told() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    trained(root);
    let picture = picture(root, "ramp.png");
    let args = ["figures", "run", "--out", "drawn", "--picture", &picture, "--picture", &picture];
    let output = call(root, &[&args[..], &["--evaluate", "--device", "cpu", "--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let told: Vec<String> = events(&objects, "figure")
        .iter()
        .map(|figure| figure["path"].as_str().unwrap().replace('\\', "/"))
        .collect();
    for name in [
        "filters.png",
        "filters.svg",
        "film.gif",
        "curves.png",
        "loss.svg",
        "error.svg",
        "confusion.png",
        "exciting-relu3.png",
        "exciting-relu3.csv",
        "ramp/seen.png",
        "ramp/01-conv1.png",
        "ramp/occlusion.png",
        "ramp/grad-cam.png",
        "ramp-2/seen.png",
    ] {
        assert!(told.contains(&format!("drawn/{name}")), "{name} is missing in {told:?}");
    }
    for path in &told {
        let bytes = fs::read(root.join(path)).unwrap();
        assert!(!bytes.is_empty(), "{path}");
        if path.ends_with(".png") || path.ends_with(".gif") {
            image::load_from_memory(&bytes).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
    }
    let layers = told.iter().filter(|path| path.starts_with("drawn/ramp/")).count();
    assert_eq!(layers, 3 + 12, "the twelve layers of the network, and three more: {told:?}");
    let end = events(&objects, "figures");
    assert_eq!(end[0]["written"], Value::from(told.len()));
    let table = fs::read_to_string(root.join("drawn/exciting-relu3.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 64 * 9, "nine pictures for each of 64 maps");
}

#[test]
fn a_model_alone_has_fewer_figures_and_an_earlier_measurement_is_drawn() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    trained(root);
    fs::create_dir(root.join("alone")).unwrap();
    fs::copy(root.join("run/model.safetensors"), root.join("alone/net.safetensors")).unwrap();
    fs::write(root.join("alone/confusion.csv"), "\"true class\",\"a\",\"b\"\n\"a\",3,1\n\"b\",0,4\n")
        .unwrap();
    let output = call(root, &["figures", "alone/net.safetensors", "--out", "drawn", "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.ends_with("3 figures in `drawn`\n"), "{text}");
    assert!(root.join("drawn/confusion.png").is_file() && root.join("drawn/filters.svg").is_file());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--picture") && said.contains("--data"), "it says how to get the rest: {said}");
}

#[test]
fn what_cannot_be_drawn_is_said_with_the_way_out() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    trained(root);
    let picture = picture(root, "ramp.png");
    fs::write(root.join("taken"), "a file").unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["nowhere", "--out", "drawn"], "`nowhere` does not exist"),
        (&["empty", "--out", "drawn"], "is this the folder of a run"),
        (&["run", "--out", "taken"], "cannot make the folder `taken`"),
        (&["run", "--out", "drawn", "--picture", "missing.png"], "missing.png"),
        (&["run", "--out", "drawn", "--picture", &picture, "--class", "unicorn"], "no class `unicorn`"),
        (&["run", "--out", "drawn", "--layer", "conv9"], "no layer `conv9`"),
    ];
    for (args, wanted) in cases {
        let output = call(root, &[&["figures"], args, &["--device", "cpu"]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(wanted), "{args:?}: {said}");
    }
}
