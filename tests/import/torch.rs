//! State dicts with torchvision's names, in every container that PyTorch has written.

use std::collections::HashMap;
use std::fs;

use alexnet_lab::model::{ImportOptions, ModelFile, Shapes};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::tempdir;

use super::{assert_agrees, fixture, open, refusal, refusal_with};

#[test]
fn every_container_gives_torchvisions_probabilities() {
    let zip = open(&fixture("narrow-zip.pth"));
    assert_agrees(&zip.file, "narrow.json", "plain");
    for name in ["narrow-legacy.pth", "narrow-tar.pth", "narrow.safetensors"] {
        let other = open(&fixture(name));
        assert_eq!(other.file, zip.file, "{name}");
        assert_ne!(other.origin, zip.origin);
        assert!(other.foreign);
    }
    let shapes = Shapes::of(&zip.file.spec).unwrap();
    let state = SafeTensorsFile::read();
    assert_eq!(shapes.parameter_count(), state.count(), "every number of the file is used once");
    assert_eq!(zip.file.spec.name, "alexnet-owt");
    assert_eq!(zip.file.classes[11], "class 11");
}

#[test]
fn a_checkpoint_of_several_cards_in_half_precision() {
    let imported = open(&fixture("narrow-checkpoint.pth"));
    assert_agrees(&imported.file, "narrow.json", "half");
    assert!(imported.notes.iter().any(|note| note.contains("state_dict")), "{:?}", imported.notes);
}

#[test]
fn an_imported_model_is_written_and_read_like_any_other() {
    let folder = tempdir().unwrap();
    let imported = open(&fixture("narrow-zip.pth")).file;
    let path = folder.path().join("named by nobody");
    imported.write(&path).unwrap();
    assert_eq!(ModelFile::read(&path).unwrap(), imported);
    let again = open(&path);
    assert!(!again.foreign);
    assert_eq!(again.file, imported);
}

#[test]
fn double_and_brain_precision_are_converted() {
    let state = SafeTensorsFile::read();
    let plain = open(&fixture("narrow.safetensors")).file;
    let double = state.write(|_, values| (Dtype::F64, bytes(values, |v| f64::from(v).to_le_bytes())));
    assert_eq!(open(&double.1).file.weights, plain.weights);
    let brain =
        state.write(|_, values| (Dtype::BF16, bytes(values, |v| ((v.to_bits() >> 16) as u16).to_le_bytes())));
    for (found, wanted) in open(&brain.1).file.weights.iter().flatten().zip(plain.weights.iter().flatten()) {
        assert!((found - wanted).abs() <= wanted.abs() / 128.0, "{found} {wanted}");
    }
}

#[test]
fn everything_that_does_not_fit_is_named_at_once() {
    let mut state = SafeTensorsFile::read();
    state.0.remove("features.3.weight");
    state.0.remove("classifier.6.bias");
    state.0.insert("features.13.weight".into(), (vec![2], vec![0.0; 2]));
    let (shape, _) = state.0.get_mut("classifier.4.weight").unwrap();
    *shape = vec![24, 20];
    let (_folder, path) = state.write(|name, values| match name {
        "features.6.bias" => (Dtype::I32, bytes(values, |v| (v as i32).to_le_bytes())),
        _ => (Dtype::F32, bytes(values, f32::to_le_bytes)),
    });
    let message = refusal(&path);
    let wanted = [
        "features.3.weight is missing (its shape would be [8, 6, 5, 5])",
        "classifier.6.bias is missing",
        "features.13.weight [2] has no place",
        "classifier.4.weight has shape [24, 20]",
        "features.6.bias holds I32",
    ];
    for words in wanted {
        assert!(message.contains(words), "`{words}` is missing in {message}");
    }
    assert_eq!(message.matches("features.8").count(), 0, "blamed without cause: {message}");
}

#[test]
fn numbers_that_are_none_and_other_networks_are_refused() {
    let mut state = SafeTensorsFile::read();
    state.0.get_mut("features.8.bias").unwrap().1[3] = f32::NAN;
    let (_folder, path) = state.write(|_, values| (Dtype::F32, bytes(values, f32::to_le_bytes)));
    assert!(refusal(&path).contains("features.8.bias holds 1 numbers"), "{}", refusal(&path));

    let mut other = SafeTensorsFile(HashMap::new());
    other.0.insert("layer1.0.conv1.weight".into(), (vec![2, 2], vec![0.0; 4]));
    other.0.insert("fc.bias".into(), (vec![2], vec![0.0; 2]));
    let (_folder, path) = other.write(|_, values| (Dtype::F32, bytes(values, f32::to_le_bytes)));
    let message = refusal(&path);
    assert!(message.contains("layer1.0.conv1.weight") && message.contains("2 tensors"), "{message}");
}

#[test]
fn what_is_said_about_the_file_must_be_true() {
    let folder = tempdir().unwrap();
    let path = fixture("narrow-zip.pth");
    let list = folder.path().join("names.txt");
    fs::write(&list, "cat\ndog\n").unwrap();
    let options = ImportOptions { classes: Some(list.clone()), ..ImportOptions::default() };
    let error = alexnet_lab::model::import(&path, &options).unwrap_err().to_string();
    assert!(error.contains("names.txt") && error.contains("2 classes") && error.contains("12"), "{error}");
    fs::write(&list, (0..12).map(|i| format!("thing {i}\n")).collect::<String>()).unwrap();
    let named = alexnet_lab::model::import(&path, &options).unwrap();
    assert_eq!(named.file.classes[11], "thing 11");

    let options = ImportOptions { preset: Some("alexnet".into()), ..ImportOptions::default() };
    assert!(refusal_with(&path, &options).contains("alexnet-owt"));
    let options = ImportOptions { mean: Some(list), ..ImportOptions::default() };
    assert!(refusal_with(&path, &options).contains("--mean"));
}

/// The tensors of `narrow.safetensors`, to be changed and written again.
struct SafeTensorsFile(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl SafeTensorsFile {
    fn read() -> Self {
        let bytes = fs::read(fixture("narrow.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let values = |data: &[u8]| data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        Self(
            file.iter()
                .map(|(name, view)| (name.into(), (view.shape().to_vec(), values(view.data()))))
                .collect(),
        )
    }

    fn count(&self) -> usize {
        self.0.values().map(|(_, values)| values.len()).sum()
    }

    fn write(
        &self,
        encode: impl Fn(&str, &[f32]) -> (Dtype, Vec<u8>),
    ) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("changed.bin");
        let encoded: Vec<_> = self
            .0
            .iter()
            .map(|(name, (shape, values))| (name, shape.clone(), encode(name, values)))
            .collect();
        let views = encoded.iter().map(|(name, shape, (dtype, data))| {
            (*name, TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        safetensors::serialize_to_file(views, None, &path).unwrap();
        (folder, path)
    }
}

fn bytes<const N: usize>(values: &[f32], encode: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| encode(value)).collect()
}
