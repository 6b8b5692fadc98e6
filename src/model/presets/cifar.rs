//! The author's CIFAR-10 networks of 2011, from the configuration files of cuda-convnet.
//!
//! All pooling windows are 3x3, 2 apart, and may hang over the edge. `decay` is the weight decay of the file
//! over 0.004, which is that of most layers.

use super::{CLASSES, conv, layer, max_pool};
use crate::model::spec::{InitSpec, InputSpec, LayerKind, LayerSpec, Sides};

/// Whole pictures.
const WHOLE: InputSpec = InputSpec { side: 32, stored_side: 32, scale: [1.0; 3] };
/// Crops with a border of 4.
const CROPPED: InputSpec = InputSpec { side: 24, stored_side: 32, scale: [1.0; 3] };

/// `layers-80sec.cfg`: 26 % error in 80 seconds of 2011.
pub(super) fn eighty_seconds() -> (InputSpec, Vec<LayerSpec>) {
    let layers = vec![
        layer("conv1", conv5x5(32, 0.0001, 1.0)),
        layer("pool1", max_pool(true)),
        layer("relu1", LayerKind::Relu),
        layer("conv2", conv5x5(32, 0.01, 1.0)),
        layer("relu2", LayerKind::Relu),
        layer("pool2", avg_pool()),
        layer("conv3", conv5x5(64, 0.01, 1.0)),
        layer("relu3", LayerKind::Relu),
        layer("pool3", avg_pool()),
        layer("fc64", dense(64, 0.1, 7.5)),
        layer("relu4", LayerKind::Relu),
        layer("fc10", dense(CLASSES, 0.1, 7.5)),
    ];
    (WHOLE, layers)
}

/// `layers-18pct.cfg`: 18 % error without augmentation, with response normalisation inside each map.
pub(super) fn eighteen_percent() -> (InputSpec, Vec<LayerSpec>) {
    let rnorm = || LayerKind::SpatialNorm { size: 3, alpha: 5e-5, beta: 0.75, k: 1.0 };
    let layers = vec![
        layer("conv1", conv5x5(32, 0.0001, 1.0)),
        layer("pool1", max_pool(true)),
        layer("relu1", LayerKind::Relu),
        layer("rnorm1", rnorm()),
        layer("conv2", conv5x5(32, 0.01, 1.0)),
        layer("relu2", LayerKind::Relu),
        layer("pool2", avg_pool()),
        layer("rnorm2", rnorm()),
        layer("conv3", conv5x5(64, 0.01, 1.0)),
        layer("relu3", LayerKind::Relu),
        layer("pool3", avg_pool()),
        layer("fc10", dense(CLASSES, 0.01, 250.0)),
    ];
    (WHOLE, layers)
}

/// `layers-conv-local-13pct.cfg`: crops and flips, two locally connected layers.
pub(super) fn thirteen_percent() -> (InputSpec, Vec<LayerSpec>) {
    let layers = vec![
        layer("conv1", conv5x5(64, 0.0001, 0.0)),
        layer("relu1", LayerKind::Relu),
        layer("pool1", max_pool(true)),
        layer("conv2", conv5x5(64, 0.01, 0.0)),
        layer("relu2", LayerKind::Relu),
        layer("pool2", max_pool(true)),
        layer("local3", local3x3(32)),
        layer("relu3", LayerKind::Relu),
        layer("local4", local3x3(32)),
        layer("relu4", LayerKind::Relu),
        layer("fc10", dense(CLASSES, 0.01, 1.0)),
    ];
    (CROPPED, layers)
}

/// `layers-conv-local-11pct.cfg`: the same with response normalisation across nine maps and a wider local3.
pub(super) fn eleven_percent() -> (InputSpec, Vec<LayerSpec>) {
    let cmrnorm = || LayerKind::Lrn { size: 9, alpha: 1e-3, beta: 0.75, k: 1.0, groups: 1 };
    let layers = vec![
        layer("conv1", conv5x5(64, 0.0001, 0.0)),
        layer("relu1", LayerKind::Relu),
        layer("pool1", max_pool(true)),
        layer("lrn1", cmrnorm()),
        layer("conv2", conv5x5(64, 0.01, 0.0)),
        layer("relu2", LayerKind::Relu),
        layer("lrn2", cmrnorm()),
        layer("pool2", max_pool(true)),
        layer("local3", local3x3(64)),
        layer("relu3", LayerKind::Relu),
        layer("local4", local3x3(32)),
        layer("relu4", LayerKind::Relu),
        layer("fc10", dense(CLASSES, 0.01, 2.5)),
    ];
    (CROPPED, layers)
}

fn conv5x5(out: usize, std: f64, decay: f64) -> LayerKind {
    conv(out, 5, 1, Sides::all(2), 1, InitSpec { std, bias: 0.0, decay_scale: decay })
}

fn local3x3(out: usize) -> LayerKind {
    let init = InitSpec { std: 0.04, bias: 0.0, decay_scale: 1.0 };
    LayerKind::Local { out, kernel: 3, padding: 1, init }
}

fn dense(out: usize, std: f64, decay: f64) -> LayerKind {
    LayerKind::Linear { out, columns: 1, init: InitSpec { std, bias: 0.0, decay_scale: decay } }
}

fn avg_pool() -> LayerKind {
    LayerKind::AvgPool { kernel: 3, stride: 2, ceil: true }
}
