//! What other programs make of our files, as `tests/fixtures/make_export.py` recorded it.
//!
//! The exports are stored beside the answers. A model that is exported again must give the same file, so the
//! answers of onnxruntime and PyTorch hold for what the program writes today.

use std::path::{Path, PathBuf};

use alexnet_lab::model::export::onnx::evaluate::{Tensor, Values, evaluate};
use alexnet_lab::model::export::onnx::{build, decode};
use alexnet_lab::model::export::{ExportFormat, export};
use alexnet_lab::model::{Input, ModelFile, Network};
use burn::tensor::Device;
use safetensors::SafeTensors;
use tempfile::tempdir;

use crate::support::assert_close;

const NAMES: [&str; 3] = ["paper", "cifar", "modern"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/export").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

/// Pixels `[2, 3, side, side]` and logits by program.
struct Expected {
    bytes: Vec<u8>,
}

impl Expected {
    fn of(name: &str) -> Self {
        Self { bytes: read(&format!("{name}.expected.safetensors")) }
    }

    fn pixels(&self) -> Vec<u8> {
        SafeTensors::deserialize(&self.bytes).unwrap().tensor("pixels").unwrap().data().to_vec()
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.bytes).unwrap();
        let view = tensors.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// Differences of 1e-5 of the largest value.
#[track_caller]
fn assert_agree(name: &str, got: &[f32], want: &[f32]) {
    let largest = want.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max);
    assert!(largest > 0.1, "{name}: scores of {largest} prove nothing");
    assert_close(name, got, want, 0.0, 1e-5 * largest);
}

#[test]
fn our_evaluator_agrees_with_onnxruntime() {
    for name in NAMES {
        let expected = Expected::of(name);
        let file = decode(&read(&format!("{name}.onnx"))).unwrap();
        let pixels = expected.pixels();
        let side = (pixels.len() as f64 / 6.0).sqrt() as usize;
        let pixels = pixels.into_iter().map(f32::from).collect();
        let outputs = evaluate(&file, Tensor::floats(vec![2, 3, side, side], pixels)).unwrap();
        for (output, kind) in outputs.iter().zip(["logits", "probabilities"]) {
            let Values::Floats(values) = &output.values else { panic!("{name}: no floats") };
            assert_agree(name, values, &expected.floats(&format!("onnxruntime.{kind}")));
        }
    }
}

#[test]
fn a_model_is_still_exported_as_the_file_that_onnxruntime_ran() {
    for name in NAMES {
        let built = build(&ModelFile::read(&fixture(&format!("{name}.safetensors"))).unwrap()).unwrap();
        let stored = decode(&read(&format!("{name}.onnx"))).unwrap();
        assert_eq!(built.opset_import, stored.opset_import, "{name}");
        assert!(
            built.graph == stored.graph,
            "{name}: the graph has changed; run tests/fixtures/make_export.py again"
        );
    }
}

#[test]
fn a_model_is_still_exported_as_the_tensors_that_pytorch_loaded() {
    let folder = tempdir().unwrap();
    for name in NAMES {
        let to = folder.path().join(name);
        export(&fixture(&format!("{name}.safetensors")), ExportFormat::TorchSafetensors, &to).unwrap();
        let (now, stored) = (std::fs::read(to).unwrap(), read(&format!("{name}.torch.safetensors")));
        let (now, stored) =
            (SafeTensors::deserialize(&now).unwrap(), SafeTensors::deserialize(&stored).unwrap());
        let names = |tensors: &SafeTensors| {
            let mut names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
            names.sort();
            names
        };
        assert_eq!(names(&now), names(&stored), "{name}");
        for tensor in names(&now) {
            assert_eq!(now.tensor(&tensor).unwrap(), stored.tensor(&tensor).unwrap(), "{name}: {tensor}");
        }
    }
}

#[test]
fn the_network_itself_agrees_with_both() {
    for name in NAMES {
        let expected = Expected::of(name);
        let model = ModelFile::read(&fixture(&format!("{name}.safetensors"))).unwrap();
        let network = Network::new(model.spec.clone(), &model.weights, &Device::flex()).unwrap();
        let input = Input::new(model.spec.input, model.mean.clone());
        let scores = network.scores(&input, &expected.pixels()).unwrap();
        for program in ["onnxruntime", "torch"] {
            assert_agree(name, &scores, &expected.floats(&format!("{program}.logits")));
        }
    }
}
