//! The networks people can pick, each with settings that make it learn.

use super::spec::{InitSpec, InputSpec, LayerKind, LayerSpec, ModelSpec, Sides};
use crate::config::Init;

/// A named network with the settings that suit it.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    /// One line for a chooser.
    pub title: &'static str,
    pub recipe: Recipe,
    build: fn() -> (InputSpec, Vec<LayerSpec>),
}

/// How a preset is trained unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    pub lr: f64,
    pub batch: usize,
    pub epochs: usize,
    pub momentum: f64,
    pub weight_decay: f64,
    pub bias_lr_scale: f64,
    pub augment: bool,
    pub init: Init,
    /// When the rate is divided by 10, as shares of the run, so that a shorter run ends as calmly.
    pub lr_drops: &'static [f64],
}

/// A preset name that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no model preset `{name}`; choose one of: {known}")]
pub struct UnknownPreset {
    name: String,
    known: String,
}

/// All presets, the smallest input first.
pub static PRESETS: &[Preset] = &[
    Preset {
        name: "cifar-80sec",
        title: "32x32 pictures: the author's quick CIFAR-10 network (3 conv + 2 dense layers)",
        // `layer-params-80sec.cfg` of cuda-convnet: no augmentation, rates divided by 10 after 8 epochs.
        recipe: Recipe {
            lr: 0.001,
            batch: 128,
            epochs: 10,
            momentum: 0.9,
            weight_decay: 0.004,
            bias_lr_scale: 2.0,
            augment: false,
            init: Init::Paper,
            lr_drops: &[0.8],
        },
        build: cifar_80sec,
    },
    Preset {
        name: "alexnet-64",
        title: "64x64 pictures: AlexNet made small, trains in minutes without a graphics card",
        recipe: Recipe {
            lr: 0.01,
            batch: 32,
            epochs: 10,
            momentum: 0.9,
            weight_decay: 0.0005,
            bias_lr_scale: 2.0,
            augment: true,
            init: Init::FanIn,
            // Without the first one, a few hard pictures can undo a network that has learned the rest.
            lr_drops: &[0.5, 0.8],
        },
        build: alexnet_64,
    },
    Preset {
        name: "alexnet",
        title: "224x224 pictures: the network of the paper, 61 million parameters in two columns",
        // Paper section 5. The first weights are scaled to each layer's inputs because the paper's own
        // stay flat on small data sets; `model.init = "paper"` gives those.
        recipe: Recipe {
            lr: 0.01,
            batch: 128,
            epochs: 90,
            momentum: 0.9,
            weight_decay: 0.0005,
            bias_lr_scale: 2.0,
            augment: true,
            init: Init::FanIn,
            // Epochs 25, 51 and 79 of 90 in his run 145.
            lr_drops: &[25.0 / 90.0, 51.0 / 90.0, 79.0 / 90.0],
        },
        build: alexnet,
    },
];

/// The preset of that name.
///
/// # Errors
/// An unknown name; the message lists the known ones.
pub fn preset(name: &str) -> Result<&'static Preset, UnknownPreset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| UnknownPreset {
        name: name.into(),
        known: PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", "),
    })
}

/// The preset that suits pictures whose shorter side is `side` pixels and a run on a processor or an
/// unknown card: the small AlexNet unless the pictures are as small as CIFAR's.
pub fn fitting_preset(side: u32) -> &'static Preset {
    let name = if side < 48 { "cifar-80sec" } else { "alexnet-64" };
    preset(name).expect("both names stand in the table above")
}

impl Preset {
    /// The network with `classes` outputs, fed as its first weights expect: those of the paper take pixels of
    /// 0 to 255, weights scaled to each layer's inputs take pixels of deviation [`INPUT_DEVIATION`].
    pub fn spec(&self, classes: usize, init: Init) -> ModelSpec {
        let (mut input, mut layers) = (self.build)();
        input.scale = match init {
            Init::Paper => 1.0,
            Init::FanIn => INPUT_DEVIATION / PIXEL_DEVIATION,
        };
        if let Some(LayerSpec { kind: LayerKind::Linear { out, .. }, .. }) = layers.last_mut() {
            *out = classes;
        }
        ModelSpec { name: self.name.into(), input, layers }
    }

    /// Side of the input in pixels.
    pub fn input(&self) -> InputSpec {
        (self.build)().0
    }
}

/// About the standard deviation of photographs around their mean, in 0 to 255.
const PIXEL_DEVIATION: f32 = 64.0;

/// Standard deviation of the input under [`Init::FanIn`]. The first weights are smaller by this factor, so the
/// network begins as the same function, but its first layer learns by the square of it faster, as it does in
/// the paper, whose pixels have a deviation of 70: kernels soon show what was learned and not how they began.
pub(super) const INPUT_DEVIATION: f32 = 6.0;

/// Stands where the number of classes goes; [`Preset::spec`] replaces it.
const CLASSES: usize = 1000;

/// The paper's network (section 3.5) in two columns, with the author's right/bottom padding of conv1 that
/// makes 224 pixels give 55x55 maps.
fn alexnet() -> (InputSpec, Vec<LayerSpec>) {
    let conv1 = conv(96, 11, 4, Sides::right_bottom(3), 1, gauss(0.01, 0.0));
    (InputSpec { side: 224, stored_side: 256, scale: 1.0 }, paper_layers(conv1, [256, 384, 384, 256], 4096))
}

/// The paper's layers at a third of its width in the convolutions, for 64x64 crops of 72x72 pictures.
fn alexnet_64() -> (InputSpec, Vec<LayerSpec>) {
    let conv1 = conv(32, 7, 2, Sides::all(3), 1, gauss(0.01, 0.0));
    (InputSpec { side: 64, stored_side: 72, scale: 1.0 }, paper_layers(conv1, [96, 128, 128, 96], 384))
}

/// The eight layers of section 3.5, with deviations and biases as in the author's run 145. `maps` are the
/// channels of conv2 to conv5, `dense` the outputs of fc6 and fc7.
fn paper_layers(conv1: LayerKind, maps: [usize; 4], dense: usize) -> Vec<LayerSpec> {
    let lrn = LayerKind::Lrn { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0, groups: 2 };
    let half = LayerKind::Dropout { keep: 0.5 };
    vec![
        layer("conv1", conv1),
        layer("relu1", LayerKind::Relu),
        layer("lrn1", lrn.clone()),
        layer("pool1", max_pool(false)),
        layer("conv2", conv(maps[0], 5, 1, Sides::all(2), 2, gauss(0.01, 1.0))),
        layer("relu2", LayerKind::Relu),
        layer("lrn2", lrn),
        layer("pool2", max_pool(false)),
        layer("conv3", conv(maps[1], 3, 1, Sides::all(1), 1, gauss(0.03, 0.0))),
        layer("relu3", LayerKind::Relu),
        layer("conv4", conv(maps[2], 3, 1, Sides::all(1), 2, gauss(0.03, 1.0))),
        layer("relu4", LayerKind::Relu),
        layer("conv5", conv(maps[3], 3, 1, Sides::all(1), 2, gauss(0.03, 1.0))),
        layer("relu5", LayerKind::Relu),
        layer("pool5", max_pool(false)),
        layer("fc6", linear(dense, 2, gauss(0.01, 1.0))),
        layer("relu6", LayerKind::Relu),
        layer("dropout6", half.clone()),
        layer("fc7", linear(dense, 2, gauss(0.01, 1.0))),
        layer("relu7", LayerKind::Relu),
        layer("dropout7", half),
        layer("fc8", linear(CLASSES, 1, gauss(0.01, 0.0))),
    ]
}

/// `layers-80sec.cfg` of cuda-convnet: 26 % error on CIFAR-10 in 80 seconds of 2011.
fn cifar_80sec() -> (InputSpec, Vec<LayerSpec>) {
    let dense = |std| InitSpec { std, bias: 0.0, decay_scale: 7.5 }; // 0.03 against the convolutions' 0.004
    let avg_pool = || LayerKind::AvgPool { kernel: 3, stride: 2, ceil: true };
    let layers = vec![
        layer("conv1", conv(32, 5, 1, Sides::all(2), 1, gauss(0.0001, 0.0))),
        layer("pool1", max_pool(true)),
        layer("relu1", LayerKind::Relu),
        layer("conv2", conv(32, 5, 1, Sides::all(2), 1, gauss(0.01, 0.0))),
        layer("relu2", LayerKind::Relu),
        layer("pool2", avg_pool()),
        layer("conv3", conv(64, 5, 1, Sides::all(2), 1, gauss(0.01, 0.0))),
        layer("relu3", LayerKind::Relu),
        layer("pool3", avg_pool()),
        layer("fc64", linear(64, 1, dense(0.1))),
        layer("relu4", LayerKind::Relu),
        layer("fc10", linear(CLASSES, 1, dense(0.1))),
    ];
    (InputSpec { side: 32, stored_side: 32, scale: 1.0 }, layers)
}

fn layer(name: &str, kind: LayerKind) -> LayerSpec {
    LayerSpec { name: name.into(), kind }
}

const fn gauss(std: f64, bias: f64) -> InitSpec {
    InitSpec { std, bias, decay_scale: 1.0 }
}

const fn conv(
    out: usize,
    kernel: usize,
    stride: usize,
    padding: Sides,
    groups: usize,
    init: InitSpec,
) -> LayerKind {
    LayerKind::Conv { out, kernel, stride, padding, groups, init }
}

/// The paper's overlapping 3/2 pooling (section 3.4).
const fn max_pool(ceil: bool) -> LayerKind {
    LayerKind::MaxPool { kernel: 3, stride: 2, ceil }
}

const fn linear(out: usize, columns: usize, init: InitSpec) -> LayerKind {
    LayerKind::Linear { out, columns, init }
}
