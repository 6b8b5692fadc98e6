//! Model files come back as they were written, and damaged ones are refused by name.

use std::fs;
use std::path::Path;

use alexnet_lab::model::{ModelFile, Shapes, first_weights, preset};
use serde_json::Value;
use tempfile::tempdir;

fn model() -> ModelFile {
    let spec = preset("cifar-80sec").unwrap().standard(3);
    let shapes = Shapes::of(&spec).unwrap();
    let weights = first_weights(&spec, &shapes, 3);
    let mean = (0..3 * 32 * 32).map(|i| i as f32 / 12.0).collect();
    ModelFile {
        spec,
        classes: vec!["cat".into(), "a \"dog\"".into(), "日本".into()],
        mean,
        weights,
        step: 42,
    }
}

fn refusal(path: &Path) -> String {
    let message = ModelFile::read(path).unwrap_err().to_string();
    assert!(message.contains(&path.display().to_string()), "the file is not named: {message}");
    assert!(!message.contains('\n'), "more than one line: {message}");
    message
}

#[test]
fn what_is_written_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let model = model();
    model.write(&path).unwrap();
    assert_eq!(ModelFile::read(&path).unwrap(), model);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a part file was left behind");
}

#[test]
fn a_failed_write_keeps_the_older_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    model().write(&path).unwrap();
    let before = fs::read(&path).unwrap();
    // The part file cannot be made where a folder of its name stands.
    fs::create_dir(folder.path().join("m.safetensors.part")).unwrap();
    let message = model().write(&path).unwrap_err().to_string();
    assert!(message.contains("m.safetensors"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn files_that_are_none_of_ours_are_refused() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    assert!(refusal(&path).contains("cannot read"));
    for bytes in [&b""[..], b"hello", &[255; 64], b"\x02\0\0\0\0\0\0\0{}"] {
        fs::write(&path, bytes).unwrap();
        refusal(&path);
    }
}

#[test]
fn cut_and_flipped_files_never_pass_for_whole() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let model = model();
    model.write(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        fs::write(&path, &whole[..length]).unwrap();
        refusal(&path);
    }
    // A flipped bit in the header must be noticed or leave a model of the same make; it must not panic.
    let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    for position in 0..header {
        let mut bytes = whole.clone();
        bytes[position] ^= 1 << (position % 8);
        fs::write(&path, &bytes).unwrap();
        if let Ok(read) = ModelFile::read(&path) {
            let shapes = Shapes::of(&read.spec).unwrap();
            assert_eq!(read.weights.len(), shapes.parameters.len());
            assert_eq!(read.classes.len(), shapes.classes);
        }
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let whole = {
        model().write(&path).unwrap();
        fs::read(&path).unwrap()
    };
    let edit = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        let text = String::from_utf8(whole[..header][8..].to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        let mut bytes = whole[..8].to_vec();
        bytes.extend(text.replace(from, to).into_bytes());
        bytes.extend(&whole[header..]);
        fs::write(&path, bytes).unwrap();
        refusal(&path)
    };
    assert!(edit("\"conv2.bias\"", "\"conv9.bias\"").contains("conv9.bias"));
    assert!(edit("[32,32,5,5]", "[32,5,5,32]").contains("conv2.weight"));
    assert!(edit("\\\"out\\\":3", "\\\"out\\\":4").contains("3 classes"));
}

/// Writes `whole` again with another description.
fn described_otherwise(path: &Path, whole: &[u8], change: impl FnOnce(&mut Value)) {
    let start = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&whole[8..start]).unwrap();
    let entry = &mut header["__metadata__"]["alexnet-lab"];
    let mut description: Value = serde_json::from_str(entry.as_str().unwrap()).unwrap();
    change(&mut description);
    *entry = Value::from(description.to_string());
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    fs::write(path, [&length, header.as_bytes(), &whole[start..]].concat()).unwrap();
}

#[test]
fn older_files_are_read_and_newer_ones_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("m.safetensors");
    let spec = preset("alexnet-64").unwrap().standard(3);
    let weights = first_weights(&spec, &Shapes::of(&spec).unwrap(), 3);
    let mut model = ModelFile { spec, weights, mean: vec![100.0; 3 * 64 * 64], ..model() };
    model.spec.input.scale = [0.5; 3];
    // Deviations of many digits come back from JSON with another last one.
    for layer in &mut model.spec.layers {
        if let Some(init) = layer.kind.init_mut() {
            init.std = 0.25;
        }
    }
    model.write(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    // Format 1: one scale for all channels, and no word on how dropout scales.
    described_otherwise(&path, &whole, |description| {
        assert_eq!(description["format"], 2);
        description["format"] = Value::from(1);
        description["spec"]["input"]["scale"] = Value::from(0.5);
        let layers = description["spec"]["layers"].as_array_mut().unwrap();
        let said = layers.iter_mut().filter_map(|layer| layer.as_object_mut().unwrap().remove("inverted"));
        assert_eq!(said.count(), 2);
    });
    let read = ModelFile::read(&path).unwrap();
    assert_eq!(read.spec, model.spec);
    assert!(read == model);
    // A later version may have layers that this one does not know.
    let unknown = |description: &mut Value| description["spec"]["layers"][1]["kind"] = Value::from("mish");
    described_otherwise(&path, &whole, |description| {
        unknown(description);
        description["format"] = Value::from(3);
    });
    assert!(refusal(&path).contains("newer version"));
    described_otherwise(&path, &whole, unknown);
    let message = refusal(&path);
    assert!(message.contains("mish") && !message.contains("newer"), "{message}");
}
