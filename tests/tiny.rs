//! The smallest network that is one: for runs of very many updates, and for checkpoints of a few kilobytes.

use std::path::{Path, PathBuf};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data;
use alexnet_lab::model::{
    InitSpec, InputSpec, LayerKind, LayerSpec, ModelFile, ModelSpec, Shapes, Sides, first_weights,
};

/// Side of its pictures.
pub const SIDE: usize = 8;

/// Writes the network for the built-in sample into a folder.
pub fn network_file(folder: &Path) -> PathBuf {
    let path = folder.join("tiny.safetensors");
    network().write(&path).unwrap();
    path
}

/// A convolution and a linear layer for the classes of the built-in sample.
pub fn network() -> ModelFile {
    let init = InitSpec { std: 0.05, bias: 0.0, decay_scale: 1.0 };
    let classes = data::open(&DataConfig::default()).unwrap().description().classes.clone();
    let layers = [
        ("conv1", LayerKind::Conv { out: 4, kernel: 3, stride: 1, padding: Sides::all(1), groups: 1, init }),
        ("relu1", LayerKind::Relu),
        ("pool1", LayerKind::MaxPool { kernel: 2, stride: 2, ceil: false }),
        ("fc2", LayerKind::Linear { out: classes.len(), columns: 1, init }),
    ];
    let layers = layers.map(|(name, kind)| LayerSpec { name: name.into(), kind }).to_vec();
    let input = InputSpec { side: SIDE, stored_side: SIDE, scale: [1.0 / 128.0; 3] };
    let spec = ModelSpec { name: "tiny".into(), input, layers };
    let shapes = Shapes::of(&spec).unwrap();
    let weights = first_weights(&spec, &shapes, 1);
    ModelFile { spec, classes, mean: vec![120.0; 3 * SIDE * SIDE], weights, step: 0 }
}

/// Writes the network for use elsewhere: `ALEXNET_LAB_TINY=FILE cargo test -- --ignored tiny::write`.
#[test]
#[ignore = "makes what fixtures are made of"]
fn write() {
    let path = std::env::var_os("ALEXNET_LAB_TINY").expect("ALEXNET_LAB_TINY names the file");
    network().write(Path::new(&path)).unwrap();
}
