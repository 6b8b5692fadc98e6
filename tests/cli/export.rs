//! `export` from outside: its line, its object, its status.

use std::fs;

use alexnet_lab::model::ModelFile;
use tempfile::tempdir;

use super::{call, events, objects, trained};

#[test]
fn a_trained_model_leaves_in_both_formats() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let model = trained(root);
    let model = model.to_str().unwrap();
    for (format, out) in [("onnx", "net.onnx"), ("torch-safetensors", "net.safetensors")] {
        let output = call(root, &["export", model, "--format", format, "--out", out, "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let all = objects(&output);
        let [exported] = events(&all, "exported")[..] else { panic!("{all:?}") };
        assert_eq!(exported["path"], out);
        assert_eq!(exported["format"], format);
        assert_eq!(exported["bytes"], fs::metadata(root.join(out)).unwrap().len());
        assert!(exported["largest_difference"].as_f64().unwrap() <= 1e-4, "{exported}");
        let plain = call(root, &["export", model, "--format", format, "--out", out]);
        let text = String::from_utf8(plain.stdout).unwrap();
        assert!(plain.status.success() && text.contains(out) && text.lines().count() == 2, "{text}");
    }
    refusals(root, model);
}

/// Bad input: one line that names the thing, status 2, nothing written.
fn refusals(root: &std::path::Path, model: &str) {
    let refused = |args: &[&str], word: &str| {
        let output = call(root, &[&["export"], args, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains(word) && !text.contains("panicked"), "`{word}` is missing in: {text}");
    };
    refused(&[model, "--format", "caffe", "--out", "x"], "torch-safetensors");
    refused(&[model, "--format", "onnx", "--out", "nowhere/x.onnx"], "nowhere");
    refused(&[model, "--format", "onnx", "--out", model], "another name");
    refused(&["none.safetensors", "--format", "onnx", "--out", "x"], "none.safetensors");
    refused(&["net.onnx", "--format", "onnx", "--out", "x"], "net.onnx");
    // What was exported for PyTorch is no model file of this program.
    refused(&["net.safetensors", "--format", "onnx", "--out", "x"], "net.safetensors");
    let mut broken = ModelFile::read(model.as_ref()).unwrap();
    broken.weights[0][0] = f32::NAN;
    broken.write(&root.join("broken.safetensors")).unwrap();
    refused(&["broken.safetensors", "--format", "onnx", "--out", "x"], "conv1.weight");
    assert!(!root.join("x").exists() && !root.join("x.part").exists());
}
