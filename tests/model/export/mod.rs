//! Exports: every preset and variant leaves in both formats, agrees when read again, and a file that does not
//! agree is noticed. `fixture` holds what onnxruntime and PyTorch make of such files.

mod dropout;
mod fixture;
mod full;
mod onnx;
mod refusals;
mod torch;

use std::path::{Path, PathBuf};

use alexnet_lab::config::{Activation, Dropout, Norm, NormOrder, Pooling};
use alexnet_lab::model::{
    Family, LayerKind, ModelFile, ModelSpec, PRESETS, ParameterRole, Shapes, Variants, preset,
};

use super::network::noise;

/// Classes of the small copies.
const CLASSES: usize = 5;

/// Every preset as it stands, and the smallest of each family in every variant that it can have.
fn networks(classes: usize) -> Vec<(String, ModelSpec)> {
    let mut all: Vec<_> = PRESETS.iter().map(|p| (p.name.to_owned(), p.standard(classes))).collect();
    for name in ["alexnet-64", "alexnet-owt", "cifar-18pct"] {
        let preset = preset(name).unwrap();
        for (variant, variants) in variants(&preset.variants) {
            if let Ok(spec) = preset.spec(classes, &variants) {
                all.push((format!("{name} {variant}"), spec));
            } else {
                assert!(preset.family == Family::Cifar || name == "alexnet-owt", "{name} {variant}");
            }
        }
    }
    all
}

fn variants(standard: &Variants) -> Vec<(&'static str, Variants)> {
    let with = |change: fn(&mut Variants)| {
        let mut variants = standard.clone();
        change(&mut variants);
        variants
    };
    vec![
        ("tanh", with(|v| v.activation = Activation::Tanh)),
        ("norm author", with(|v| v.norm = Norm::Author)),
        ("norm off", with(|v| v.norm = Norm::Off)),
        ("norm batch", with(|v| v.norm = Norm::Batch)),
        ("norm before relu", with(|v| v.norm_order = NormOrder::BeforeRelu)),
        ("pooling plain", with(|v| v.pooling = Pooling::Plain)),
        ("one column", with(|v| v.columns = 1)),
        ("two columns", with(|v| v.columns = 2)),
        ("dropout off", with(|v| v.dropout = Dropout::Off)),
        ("dropout original", with(|v| v.dropout = Dropout::Original)),
        ("dropout inverted", with(|v| v.dropout = Dropout::Inverted)),
        ("without conv4", with(|v| v.without = vec!["conv4".into()])),
    ]
}

/// The same layers with a fraction of the channels.
fn narrow(mut spec: ModelSpec) -> ModelSpec {
    let last = spec.layers.len() - 1;
    for (index, layer) in spec.layers.iter_mut().enumerate() {
        match &mut layer.kind {
            LayerKind::Conv { out, .. } | LayerKind::Local { out, .. } => *out = (*out / 16).max(2) * 2,
            LayerKind::Linear { out, .. } if index < last => *out = (*out / 64).max(2) * 2,
            _ => {}
        }
    }
    spec
}

/// A model with weights under which every layer matters: pixels, biases and statistics of its own.
fn model(spec: ModelSpec) -> ModelFile {
    let shapes = Shapes::of(&spec).unwrap();
    let values = |(index, p): (usize, &alexnet_lab::model::ParameterShape)| {
        let count = p.shape.iter().product();
        let around = |middle: f32, spread: f32| -> Vec<f32> {
            noise(count, index as u32 + 1, spread).into_iter().map(|v| middle + v).collect()
        };
        match p.role {
            ParameterRole::Weight => around(0.0, (6.0 / p.fan_in as f32).sqrt()),
            ParameterRole::Bias => around(0.1, 0.2),
            ParameterRole::Gain => around(1.0, 0.5),
            ParameterRole::Statistic if p.name.ends_with("var") => around(1.0, 0.5),
            ParameterRole::Statistic => around(0.0, 0.3),
        }
    };
    let weights = shapes.parameters.iter().enumerate().map(values).collect();
    let classes = (0..shapes.classes).map(|class| format!("class {class}")).collect();
    let side = spec.input.side;
    let mean = noise(3 * side * side, 77, 20.0).into_iter().map(|v| 120.0 + v).collect();
    ModelFile { spec, classes, mean, weights, step: 7 }
}

/// Writes a model file into `folder`.
fn saved(model: &ModelFile, folder: &Path) -> PathBuf {
    let path = folder.join("model.safetensors");
    model.write(&path).unwrap();
    path
}
