//! What is refused, in words that name the file, and that nothing is left behind.

use std::fs;
use std::path::Path;

use alexnet_lab::model::export::{ExportFormat, export};
use alexnet_lab::model::{LayerKind, ModelFile, preset};
use tempfile::tempdir;

use super::{CLASSES, model, narrow, saved};

const FORMATS: [ExportFormat; 2] = [ExportFormat::TorchSafetensors, ExportFormat::Onnx];

fn small() -> ModelFile {
    model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES)))
}

/// The message of a refusal, which names one of the files.
fn refusal(from: &Path, format: ExportFormat, to: &Path) -> (String, bool) {
    let error = export(from, format, to).unwrap_err();
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    (message, error.is_bad_input())
}

#[test]
fn bad_input_is_named() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    let good = saved(&small(), root);
    fs::write(root.join("letter.safetensors"), "dear professor").unwrap();
    fs::write(root.join("file"), "x").unwrap();
    fs::create_dir(root.join("folder")).unwrap();
    let cases = [
        ("none.safetensors", "out", "none.safetensors"),
        ("letter.safetensors", "out", "letter.safetensors"),
        ("model.safetensors", "folder/../model.safetensors", "another name"),
        ("model.safetensors", "nowhere/out", "nowhere"),
        ("model.safetensors", "file/out", "file"),
        ("model.safetensors", "folder", "folder"),
    ];
    let before = fs::read(&good).unwrap();
    for format in FORMATS {
        for (from, to, word) in cases {
            let (message, bad_input) = refusal(&root.join(from), format, &root.join(to));
            assert!(message.contains(word) && bad_input, "{message}");
        }
    }
    let pth = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import/narrow-zip.pth");
    let (message, bad_input) = refusal(&pth, FORMATS[0], &root.join("out"));
    assert!(message.contains("`alexnet-lab import`") && bad_input, "{message}");
    assert_eq!(fs::read(&good).unwrap(), before);
    assert_eq!(fs::read_dir(root).unwrap().count(), 4, "something was left behind");
}

#[test]
fn numbers_that_are_none_are_refused_by_tensor() {
    let folder = tempdir().unwrap();
    for value in [f32::NAN, f32::INFINITY] {
        let mut model = small();
        model.weights[2][5] = value;
        let path = saved(&model, folder.path());
        for format in FORMATS {
            let (message, bad_input) = refusal(&path, format, &folder.path().join("out"));
            assert!(message.contains("conv2.weight") && message.contains("model.safetensors"), "{message}");
            assert!(bad_input);
        }
    }
    // Finite weights that give infinite scores.
    let mut model = small();
    let last = model.weights.len() - 1;
    model.weights[last].fill(f32::MAX);
    model.weights[last - 1].fill(f32::MAX);
    let (message, _) = refusal(&saved(&model, folder.path()), ExportFormat::Onnx, &folder.path().join("out"));
    assert!(message.contains("infinite"), "{message}");
}

/// Weights of a million that cancel to nearly nothing: single precision leaves rounding errors only, which
/// depend on the order of the sums. No other program can be promised to agree.
#[test]
fn an_export_that_differs_is_not_kept() {
    let folder = tempdir().unwrap();
    let mut model = model(preset("cifar-80sec").unwrap().standard(CLASSES));
    let last = model.weights.len() - 1;
    model.weights[last].fill(0.0);
    let inputs = model.weights[last - 1].len() / CLASSES;
    for layer in ["fc64.weight", "fc64.bias"] {
        let shapes = alexnet_lab::model::Shapes::of(&model.spec).unwrap();
        let index = shapes.parameters.iter().position(|p| p.name == layer).unwrap();
        let value = if layer.ends_with("bias") { 0.1 } else { 0.0 };
        model.weights[index].fill(value);
    }
    let row: Vec<f32> = super::noise(inputs, 9, 1e6);
    for weights in model.weights[last - 1].chunks_exact_mut(inputs) {
        weights.copy_from_slice(&row);
        // Added up in double precision, the row is nothing but the rounding of its last weight.
        let sum: f64 = weights[..inputs - 1].iter().map(|&w| f64::from(w)).sum();
        weights[inputs - 1] = -sum as f32;
    }
    let path = saved(&model, folder.path());
    let to = folder.path().join("out.onnx");
    fs::write(&to, "an older file").unwrap();
    let (message, bad_input) = refusal(&path, ExportFormat::Onnx, &to);
    assert!(message.contains("out.onnx") && message.contains("differs"), "{message}");
    assert!(!bad_input);
    assert_eq!(fs::read_to_string(&to).unwrap(), "an older file");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "a part file was left behind");
}

#[test]
fn layers_that_onnx_lacks_are_named() {
    let folder = tempdir().unwrap();
    let mut model = model(narrow(preset("alexnet-64").unwrap().standard(CLASSES)));
    for layer in &mut model.spec.layers {
        if let LayerKind::Lrn { size, .. } = &mut layer.kind {
            *size = 4;
        }
    }
    let path = saved(&model, folder.path());
    let (message, bad_input) = refusal(&path, ExportFormat::Onnx, &folder.path().join("out"));
    assert!(message.contains("lrn1") && message.contains('4') && bad_input, "{message}");
    export(&path, ExportFormat::TorchSafetensors, &folder.path().join("out")).unwrap();
}
