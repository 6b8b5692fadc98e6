//! Files for PyTorch: names, shapes, folding, and that the comparison sees every difference.

use std::collections::BTreeMap;
use std::path::Path;

use alexnet_lab::config::{Activation, Dropout, Pooling};
use alexnet_lab::model::export::torch::{keys, loads_into};
use alexnet_lab::model::export::{ExportFormat, compare, export};
use alexnet_lab::model::{ImportOptions, Input, LayerKind, ModelFile, Network, Variants, import, preset};
use burn::tensor::Device;
use safetensors::SafeTensors;
use tempfile::tempdir;

use super::{CLASSES, model, narrow, networks, noise, saved};

fn exported(model: &ModelFile, folder: &Path) -> Vec<u8> {
    let to = folder.join("out.torch.safetensors");
    export(&saved(model, folder), ExportFormat::TorchSafetensors, &to).unwrap();
    std::fs::read(to).unwrap()
}

fn shapes(bytes: &[u8]) -> BTreeMap<String, Vec<usize>> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    tensors.tensors().into_iter().map(|(name, view)| (name, view.shape().to_vec())).collect()
}

fn metadata(bytes: &[u8], key: &str) -> String {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    header.metadata().as_ref().unwrap()[key].clone()
}

#[test]
fn every_preset_and_variant_agrees_with_its_file() {
    let folder = tempdir().unwrap();
    for (name, spec) in networks(CLASSES) {
        let path = saved(&model(narrow(spec)), folder.path());
        let to = folder.path().join("out.safetensors");
        let exported =
            export(&path, ExportFormat::TorchSafetensors, &to).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(exported.largest_difference < 1e-5, "{name}: {exported:?}");
    }
}

/// The keys of `torchvision.models.alexnet`, with the shapes of a copy of a sixteenth of its width.
#[test]
fn torchvisions_network_has_torchvisions_keys() {
    let folder = tempdir().unwrap();
    let preset = preset("alexnet-owt").unwrap();
    let expected: BTreeMap<String, Vec<usize>> = [
        ("features.0", vec![8, 3, 11, 11]),
        ("features.3", vec![24, 8, 5, 5]),
        ("features.6", vec![48, 24, 3, 3]),
        ("features.8", vec![32, 48, 3, 3]),
        ("features.10", vec![32, 32, 3, 3]),
        ("classifier.1", vec![128, 1152]),
        ("classifier.4", vec![128, 128]),
        ("classifier.6", vec![5, 128]),
    ]
    .into_iter()
    .flat_map(|(key, shape)| [(format!("{key}.bias"), vec![shape[0]]), (format!("{key}.weight"), shape)])
    .collect();
    // Wherever dropout stands, torchvision has a place for it.
    for dropout in [Dropout::Inverted, Dropout::Original, Dropout::Off] {
        let spec = preset.spec(CLASSES, &Variants { dropout, ..preset.variants.clone() }).unwrap();
        let bytes = exported(&model(narrow(spec)), folder.path());
        assert_eq!(shapes(&bytes), expected, "{dropout:?}");
        assert_eq!(metadata(&bytes, "format"), "pt");
        // torchvision's class builds its own widths only.
        assert!(metadata(&bytes, "alexnet-lab.loads_into").contains("alexnet-lab.modules"));
    }
    let full = preset.standard(CLASSES);
    assert_eq!(loads_into(&full, CLASSES), "torchvision.models.alexnet(num_classes=5)");
    for name in ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"] {
        let mut wider = full.clone();
        let layer = wider.layers.iter_mut().find(|layer| layer.name == name).unwrap();
        if let LayerKind::Conv { out, .. } | LayerKind::Linear { out, .. } = &mut layer.kind {
            *out *= 2;
        }
        assert!(loads_into(&wider, CLASSES).contains("alexnet-lab.modules"), "{name}");
    }
    // The same keys and shapes, but another function.
    for change in
        [|v: &mut Variants| v.activation = Activation::Tanh, |v: &mut Variants| v.pooling = Pooling::Plain]
    {
        let mut variants = preset.variants.clone();
        change(&mut variants);
        let bytes = exported(&model(narrow(preset.spec(CLASSES, &variants).unwrap())), folder.path());
        assert!(metadata(&bytes, "alexnet-lab.loads_into").contains("alexnet-lab.modules"));
    }
}

#[test]
fn other_networks_are_numbered_in_the_same_way() {
    let keys = keys(&preset("alexnet").unwrap().standard(CLASSES));
    let expected: Vec<String> =
        (0..15).map(|i| format!("features.{i}")).chain((0..7).map(|i| format!("classifier.{i}"))).collect();
    assert_eq!(keys, expected);
    let modules_of = |name: &str| {
        let folder = tempdir().unwrap();
        let bytes = exported(&model(narrow(preset(name).unwrap().standard(CLASSES))), folder.path());
        serde_json::from_str::<Vec<String>>(&metadata(&bytes, "alexnet-lab.modules")).unwrap()
    };
    let modules = modules_of("alexnet");
    assert!(modules[0].contains("ZeroPad2d((0, 3, 0, 3)), Conv2d(3, 12, 11, stride=4"), "{}", modules[0]);
    assert!(modules[2].contains("LocalResponseNorm(5, alpha=0.0005"), "{}", modules[2]);
    assert!(modules[15].starts_with("classifier.0 (fc6): Flatten(), Linear("), "{}", modules[15]);
    assert_eq!(modules[17], "classifier.2 (dropout6): Dropout(0.5)");
    assert!(modules_of("cifar-80sec")[1].contains("ceil_mode=True"));
}

#[test]
fn columns_become_one_matrix_and_dropout_is_folded() {
    let folder = tempdir().unwrap();
    let model = model(narrow(preset("alexnet-64").unwrap().standard(CLASSES)));
    let bytes = exported(&model, folder.path());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        let view = tensors.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    };
    let spec_shapes = alexnet_lab::model::Shapes::of(&model.spec).unwrap();
    let ours = |name: &str| {
        let index = spec_shapes.parameters.iter().position(|p| p.name == name).unwrap();
        model.weights[index].clone()
    };
    let fc6 = [ours("fc6.0.weight"), ours("fc6.1.weight")].concat();
    assert_eq!(floats("classifier.0.weight"), fc6);
    assert_eq!(floats("classifier.0.bias"), [ours("fc6.0.bias"), ours("fc6.1.bias")].concat());
    // Dropout follows fc6, so fc7 sees doubled inputs in PyTorch; its biases do not change.
    let halved: Vec<f32> =
        [ours("fc7.0.weight"), ours("fc7.1.weight")].concat().iter().map(|w| 0.5 * w).collect();
    assert_eq!(floats("classifier.3.weight"), halved);
    assert_eq!(floats("classifier.3.bias"), [ours("fc7.0.bias"), ours("fc7.1.bias")].concat());
}

/// Torchvision's preprocessing is one number a channel; a mean image is told pixel by pixel.
#[test]
fn the_mean_is_in_the_metadata() {
    let folder = tempdir().unwrap();
    let mut model = model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES)));
    let preprocessing = |model: &ModelFile| -> serde_json::Value {
        let bytes = exported(model, folder.path());
        serde_json::from_str(&metadata(&bytes, "alexnet-lab.preprocessing")).unwrap()
    };
    let told = preprocessing(&model);
    assert_eq!(told["done_by_the_file"], false);
    let image: Vec<f32> = serde_json::from_value(told["mean_image"].clone()).unwrap();
    assert_eq!(image, model.mean);
    model.mean = [123.675, 116.28, 103.53].into_iter().flat_map(|m| vec![m; 32 * 32]).collect();
    let told = preprocessing(&model);
    assert!(told.get("mean_image").is_none());
    let mean: Vec<f32> = serde_json::from_value(told["channel_mean"].clone()).unwrap();
    assert_eq!(mean, [123.675, 116.28, 103.53]);
}

#[cfg(unix)]
#[test]
fn others_may_read_the_file_as_any_other() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    exported(&model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES))), folder.path());
    std::fs::write(folder.path().join("plain"), "x").unwrap();
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    for name in ["out.torch.safetensors", "model.safetensors"] {
        assert_eq!(mode(name), mode("plain"), "{name}");
    }
}

#[test]
fn an_export_is_never_taken_for_a_model_of_ours() {
    let folder = tempdir().unwrap();
    exported(&model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES))), folder.path());
    let message = ModelFile::read(&folder.path().join("out.torch.safetensors")).unwrap_err().to_string();
    assert!(message.contains("not a model of this program"), "{message}");
}

/// Preprocessing, class names and the scaling of dropout included, and the scores that follow.
#[test]
fn an_export_is_imported_as_the_model_that_it_was_made_of() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("out.torch.safetensors");
    let scores = |model: &ModelFile| {
        let network = Network::new(model.spec.clone(), &model.weights, &Device::flex()).unwrap();
        let side = model.spec.input.side;
        let pixels: Vec<u8> =
            noise(3 * side * side, 5, 127.0).into_iter().map(|v| (v + 128.0) as u8).collect();
        network.scores(&Input::new(model.spec.input, model.mean.clone()), &pixels).unwrap()
    };
    for (name, dropout) in [
        ("alexnet-owt", Dropout::Inverted),
        ("alexnet-owt", Dropout::Original),
        ("alexnet-64", Dropout::Original),
        ("cifar-11pct", Dropout::Off),
    ] {
        let preset = preset(name).unwrap();
        let spec = preset.spec(CLASSES, &Variants { dropout, ..preset.variants.clone() }).unwrap();
        let mut model = model(narrow(spec));
        model.spec.input.scale = [0.5, 0.25, 0.75];
        // Deviations of many digits come back from JSON with another last one.
        for layer in &mut model.spec.layers {
            if let Some(init) = layer.kind.init_mut() {
                init.std = 0.25;
            }
        }
        exported(&model, folder.path());
        let imported = import(&path, &ImportOptions::default()).unwrap();
        assert!(!imported.foreign && imported.notes.is_empty(), "{name}: {:?}", imported.notes);
        let file = &imported.file;
        assert_eq!((&file.spec, &file.classes, file.step), (&model.spec, &model.classes, 7), "{name}");
        assert!(file.mean == model.mean && file.weights == model.weights, "{name} {dropout:?}");
        assert_eq!(scores(&imported.file), scores(&model), "{name} {dropout:?}");
    }
    // One number a channel, and other names on demand.
    let mut model = model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES)));
    model.mean = [120.5, 110.25, 99.0].into_iter().flat_map(|m| vec![m; 32 * 32]).collect();
    exported(&model, folder.path());
    let list = folder.path().join("names.txt");
    std::fs::write(&list, "a\nb\nc\nd\ne\n").unwrap();
    let options = ImportOptions { classes: Some(list), ..ImportOptions::default() };
    let imported = import(&path, &options).unwrap().file;
    assert_eq!((imported.mean, imported.classes.concat()), (model.mean, "abcde".into()));
}

#[test]
fn an_export_that_was_tampered_with_is_refused() {
    let folder = tempdir().unwrap();
    let bytes = exported(&model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES))), folder.path());
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let text = String::from_utf8(bytes[8..start].to_vec()).unwrap();
    let path = folder.path().join("changed.safetensors");
    let refusal = |bytes: Vec<u8>| {
        std::fs::write(&path, bytes).unwrap();
        let message = import(&path, &ImportOptions::default()).unwrap_err().to_string();
        assert!(message.contains("changed.safetensors"), "{message}");
        message
    };
    for (from, to, words) in [
        ("\\\"crop_side\\\":32", "\\\"crop_side\\\":31", "alexnet-lab.preprocessing"),
        ("\\\"class 3\\\",", "", "4 classes"),
        ("features.3.bias", "features.5.bias", "features.3.bias"),
        ("alexnet-lab.classes", "alexnet-lab.glasses", "alexnet-lab.classes is missing"),
    ] {
        assert!(text.contains(from), "{from}");
        let to = format!("{to:width$}", width = from.len());
        let message = refusal([&bytes[..8], text.replace(from, &to).as_bytes(), &bytes[start..]].concat());
        assert!(message.contains(words), "{message}");
    }
    let mut infinite = bytes.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert!(refusal(infinite).contains("infinite"));
}

#[test]
fn a_file_that_computes_something_else_is_noticed() {
    let folder = tempdir().unwrap();
    let model = model(narrow(preset("cifar-80sec").unwrap().standard(CLASSES)));
    let bytes = exported(&model, folder.path());
    let format = ExportFormat::TorchSafetensors;
    assert!(compare(&model, format, &bytes).unwrap() < 1e-6);
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut rotated = bytes.clone();
    rotated[start..].rotate_left(4);
    assert!(compare(&model, format, &rotated).unwrap() > 1e-4);
    assert!(compare(&model, format, &bytes[..bytes.len() - 4]).is_err());
    // The header of the same length, with one tensor under another name.
    let text =
        String::from_utf8(bytes[8..start].to_vec()).unwrap().replace("features.3.bias", "features.5.bias");
    let renamed = [&bytes[..8], text.as_bytes(), &bytes[start..]].concat();
    let message = compare(&model, format, &renamed).unwrap_err();
    assert!(message.contains("features.3.bias"), "{message}");
}
