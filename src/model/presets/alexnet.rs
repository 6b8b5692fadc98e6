//! The AlexNets: as in the paper, as the author ran them, as torchvision has them, and a small one.
//!
//! Every function writes down two columns, overlapping pooling, rectifying neurons, response normalisation
//! with the printed alpha, and the deviations of the author's files. [`Variants`](crate::model::Variants)
//! makes of it what is asked for; what a preset stands for without being asked is in its table entry.

use super::{CLASSES, conv, gauss, layer, linear, max_pool};
use crate::model::spec::{InputSpec, LayerKind, LayerSpec, Sides};

/// Crops of 224 from pictures of 256, pixels of 0 to 255 (sections 2 and 4.1).
const PAPER_INPUT: InputSpec = InputSpec { side: 224, stored_side: 256, scale: [1.0; 3] };

/// What torchvision divides each channel by, for pixels of 0 to 1 (`transforms/_presets.py`).
const TORCHVISION_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// The paper's network (section 3.5). The right/bottom padding of conv1 is the author's: it makes 224 pixels
/// give 55x55 maps.
pub(super) fn alexnet() -> (InputSpec, Vec<LayerSpec>) {
    (PAPER_INPUT, Widths { conv: [96, 256, 384, 384, 256], dense: 4096 }.layers(paper_conv1))
}

/// Half of the kernels in conv1 to conv4 (section 3.2 and its footnote; `layers-145-half.cfg`).
pub(super) fn one_gpu() -> (InputSpec, Vec<LayerSpec>) {
    (PAPER_INPUT, Widths { conv: [48, 128, 192, 192, 256], dense: 4096 }.layers(paper_conv1))
}

/// The network with a sixth convolution over the last pooling, which sees both columns (section 6;
/// `layers-146-2009.cfg`).
pub(super) fn six_conv() -> (InputSpec, Vec<LayerSpec>) {
    let (input, mut layers) = alexnet();
    let after = 1 + position(&layers, "pool5");
    let conv6 = conv(256, 3, 1, Sides::all(1), 1, gauss(0.03, 1.0));
    layers.splice(after..after, [layer("conv6", conv6), layer("relu6", LayerKind::Relu)]);
    for (old, new) in [("fc8", "fc9"), ("fc7", "fc8"), ("fc6", "fc7")] {
        let at = position(&layers, old);
        layers[at].name = new.into();
    }
    // conv6 has taken the sixth place.
    let first = position(&layers, "fc7");
    for layer in &mut layers[first..] {
        layer.name = match layer.name.as_str() {
            "relu7" => "relu8".into(),
            "relu6" => "relu7".into(),
            "dropout7" => "dropout8".into(),
            "dropout6" => "dropout7".into(),
            name => name.into(),
        };
    }
    (input, layers)
}

/// Config 145 of the author's release, whose logs are the paper's figures: LRN before the neurons of conv1,
/// a second, spatial normalisation after that of conv2, pooling before the neurons of conv1 and conv5.
pub(super) fn as_run() -> (InputSpec, Vec<LayerSpec>) {
    let (input, mut layers) = alexnet();
    let lrn1 = position(&layers, "lrn1");
    layers.swap(lrn1 - 1, lrn1);
    for (neuron, pool) in [("relu1", "pool1"), ("relu5", "pool5")] {
        let (neuron, pool) = (position(&layers, neuron), position(&layers, pool));
        layers.swap(neuron, pool);
    }
    let after = 1 + position(&layers, "lrn2");
    let spatial = LayerKind::SpatialNorm { size: 5, alpha: 1e-3, beta: 0.75, k: 1.0 };
    layers.insert(after, layer("rnorm2", spatial));
    (input, layers)
}

/// torchvision's network, the single column of Krizhevsky's "One weird trick" (2014): symmetric padding in
/// conv1 and dropout before the hidden linear layers (`models/alexnet.py`).
pub(super) fn owt() -> (InputSpec, Vec<LayerSpec>) {
    let conv1 = |out| conv(out, 11, 4, Sides::all(2), 1, gauss(0.01, 0.0));
    let mut layers = Widths { conv: [64, 192, 384, 256, 256], dense: 4096 }.layers(conv1);
    for (dropout, linear) in [("dropout6", "fc6"), ("dropout7", "fc7")] {
        let moved = layers.remove(position(&layers, dropout));
        let before = position(&layers, linear);
        layers.insert(before, moved);
    }
    let scale = TORCHVISION_DEVIATION.map(|deviation| 1.0 / (255.0 * deviation));
    (InputSpec { scale, ..PAPER_INPUT }, layers)
}

/// The paper's layers at a third of its width in the convolutions, for 64x64 crops of 72x72 pictures.
pub(super) fn alexnet_64() -> (InputSpec, Vec<LayerSpec>) {
    let conv1 = |out| conv(out, 7, 2, Sides::all(3), 1, gauss(0.01, 0.0));
    let layers = Widths { conv: [32, 96, 128, 128, 96], dense: 384 }.layers(conv1);
    (InputSpec { side: 64, stored_side: 72, scale: [1.0; 3] }, layers)
}

fn paper_conv1(out: usize) -> LayerKind {
    conv(out, 11, 4, Sides::right_bottom(3), 1, gauss(0.01, 0.0))
}

/// Kernels of the five convolutions, outputs of the hidden linear layers.
struct Widths {
    conv: [usize; 5],
    dense: usize,
}

impl Widths {
    /// The eight layers of section 3.5.
    fn layers(&self, conv1: impl FnOnce(usize) -> LayerKind) -> Vec<LayerSpec> {
        let [first, second, third, fourth, fifth] = self.conv;
        let lrn = LayerKind::Lrn { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 2 };
        let half = LayerKind::Dropout { keep: 0.5, inverted: false };
        vec![
            layer("conv1", conv1(first)),
            layer("relu1", LayerKind::Relu),
            layer("lrn1", lrn.clone()),
            layer("pool1", max_pool(false)),
            layer("conv2", conv(second, 5, 1, Sides::all(2), 2, gauss(0.01, 1.0))),
            layer("relu2", LayerKind::Relu),
            layer("lrn2", lrn),
            layer("pool2", max_pool(false)),
            layer("conv3", conv(third, 3, 1, Sides::all(1), 1, gauss(0.03, 0.0))),
            layer("relu3", LayerKind::Relu),
            layer("conv4", conv(fourth, 3, 1, Sides::all(1), 2, gauss(0.03, 1.0))),
            layer("relu4", LayerKind::Relu),
            layer("conv5", conv(fifth, 3, 1, Sides::all(1), 2, gauss(0.03, 1.0))),
            layer("relu5", LayerKind::Relu),
            layer("pool5", max_pool(false)),
            layer("fc6", linear(self.dense, 2, gauss(0.01, 1.0))),
            layer("relu6", LayerKind::Relu),
            layer("dropout6", half.clone()),
            layer("fc7", linear(self.dense, 2, gauss(0.01, 1.0))),
            layer("relu7", LayerKind::Relu),
            layer("dropout7", half),
            layer("fc8", linear(CLASSES, 1, gauss(0.01, 0.0))),
        ]
    }
}

fn position(layers: &[LayerSpec], name: &str) -> usize {
    layers.iter().position(|layer| layer.name == name).expect("these lists of layers are written above")
}
