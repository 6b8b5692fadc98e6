//! The networks people can pick, each with settings that make it learn.

mod alexnet;
mod cifar;

use std::sync::LazyLock;

use super::blocks::fit_blocks;
use super::shapes::{ShapeError, Shapes};
use super::spec::{InitSpec, InputSpec, LayerKind, LayerSpec, ModelSpec, Sides};
use super::variants::{VariantError, Variants};
use crate::config::{Activation, ColourNoise, Dropout, Init, Mean, Norm, NormOrder, Pooling, Schedule};

/// A named network with the settings that suit it.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    /// One line for a chooser.
    pub title: &'static str,
    pub family: Family,
    /// What the network is when nobody asks for anything else.
    pub variants: Variants,
    pub recipe: Recipe,
    build: fn() -> (InputSpec, Vec<LayerSpec>),
}

/// Networks that can be varied in the same ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// One or two columns, dropout, response normalisation.
    AlexNet,
    /// The author's CIFAR-10 networks.
    Cifar,
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
    /// Whether the biases' rate follows the schedule.
    pub bias_schedule: bool,
    /// Whether the run ends as the author's run 145 did ([`OptimConfig::end_game`](crate::config::OptimConfig)).
    pub end_game: bool,
    pub augment: bool,
    pub colour_noise: ColourNoise,
    pub mean: Mean,
    /// How the rate changes over the run.
    pub schedule: Schedule,
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

/// A network that cannot be built as asked.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error(transparent)]
    Variant(#[from] VariantError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

/// The paper's training (section 5) with the rates of the author's run 145: epochs 25, 51 and 79 of 90.
const PAPER_RECIPE: Recipe = Recipe {
    lr: 0.01,
    batch: 128,
    epochs: 90,
    momentum: 0.9,
    weight_decay: 0.0005,
    bias_lr_scale: 2.0,
    bias_schedule: true,
    end_game: false,
    augment: true,
    colour_noise: ColourNoise::Author,
    mean: Mean::Image,
    schedule: Schedule::Steps,
    lr_drops: &[25.0 / 90.0, 51.0 / 90.0, 79.0 / 90.0],
};

/// `layer-params-*.cfg` of cuda-convnet.
const CIFAR_RECIPE: Recipe = Recipe {
    lr: 0.001,
    batch: 128,
    epochs: 10,
    momentum: 0.9,
    weight_decay: 0.004,
    bias_lr_scale: 2.0,
    bias_schedule: true,
    end_game: false,
    augment: false,
    colour_noise: ColourNoise::Off,
    mean: Mean::Image,
    schedule: Schedule::Steps,
    lr_drops: &[],
};

/// The paper's network, but with first weights scaled to each layer's inputs: the paper's own stay flat on
/// small data sets, and `model.init = "paper"` gives those.
const PAPER_VARIANTS: Variants = Variants {
    init: Init::FanIn,
    last_bias: None,
    activation: Activation::Relu,
    norm: Norm::Printed,
    norm_order: NormOrder::AfterRelu,
    pooling: Pooling::Overlapping,
    columns: 2,
    dropout: Dropout::Original,
    without: Vec::new(),
};

/// The author's files divide the alpha of every normalisation by the size of its window.
const CIFAR_VARIANTS: Variants = Variants {
    init: Init::Author,
    last_bias: None,
    activation: Activation::Relu,
    norm: Norm::Author,
    norm_order: NormOrder::AfterRelu,
    pooling: Pooling::Overlapping,
    columns: 1,
    dropout: Dropout::Off,
    without: Vec::new(),
};

/// All presets, the smallest input first.
pub static PRESETS: LazyLock<[Preset; 10]> = LazyLock::new(table);

fn table() -> [Preset; 10] {
    [
        Preset {
            name: "cifar-80sec",
            title: "32x32 pictures: the author's quick CIFAR-10 network (3 conv + 2 dense layers)",
            family: Family::Cifar,
            variants: Variants { norm: Norm::Off, ..CIFAR_VARIANTS },
            // Rates divided by 10 after 8 epochs.
            recipe: Recipe { lr_drops: &[0.8], ..CIFAR_RECIPE },
            build: cifar::eighty_seconds,
        },
        Preset {
            name: "cifar-18pct",
            title: "32x32 pictures: the author's CIFAR-10 network with 18 % error, no augmentation",
            family: Family::Cifar,
            variants: CIFAR_VARIANTS,
            // 120 epochs, then twice 10 at a tenth.
            recipe: Recipe { epochs: 140, lr_drops: &[120.0 / 140.0, 130.0 / 140.0], ..CIFAR_RECIPE },
            build: cifar::eighteen_percent,
        },
        Preset {
            name: "cifar-13pct",
            title: "32x32 pictures, 24x24 crops: 13 % error, with two locally connected layers",
            family: Family::Cifar,
            variants: Variants { norm: Norm::Off, ..CIFAR_VARIANTS },
            // 140 epochs, then twice 10 at a tenth.
            recipe: Recipe {
                epochs: 160,
                augment: true,
                lr_drops: &[140.0 / 160.0, 150.0 / 160.0],
                ..CIFAR_RECIPE
            },
            build: cifar::thirteen_percent,
        },
        Preset {
            name: "cifar-11pct",
            title: "32x32 pictures, 24x24 crops: 11 % error, with response normalisation across maps",
            family: Family::Cifar,
            variants: CIFAR_VARIANTS,
            // 500 epochs, then twice 10 at a tenth.
            recipe: Recipe {
                epochs: 520,
                augment: true,
                lr_drops: &[500.0 / 520.0, 510.0 / 520.0],
                ..CIFAR_RECIPE
            },
            build: cifar::eleven_percent,
        },
        Preset {
            name: "alexnet-64",
            title: "64x64 pictures: AlexNet made small, trains in minutes without a graphics card",
            family: Family::AlexNet,
            variants: PAPER_VARIANTS,
            recipe: Recipe {
                // With batches of 32 the paper's rate stands at the edge of what can be learned with: of five seeds, two
                // lost on the built-in sample what they had learned.
                lr: 0.005,
                batch: 32,
                epochs: 10,
                colour_noise: ColourNoise::Off,
                // Without the first one, a few hard pictures can undo a network that has learned the rest.
                lr_drops: &[0.5, 0.8],
                ..PAPER_RECIPE
            },
            build: alexnet::alexnet_64,
        },
        Preset {
            name: "alexnet-one-gpu",
            title: "224x224 pictures: the paper's net for one card, half the kernels, one column",
            family: Family::AlexNet,
            variants: Variants { columns: 1, ..PAPER_VARIANTS },
            recipe: PAPER_RECIPE,
            build: alexnet::one_gpu,
        },
        Preset {
            name: "alexnet",
            title: "224x224 pictures: the network of the paper, 61 million parameters in two columns",
            family: Family::AlexNet,
            variants: PAPER_VARIANTS,
            recipe: PAPER_RECIPE,
            build: alexnet::alexnet,
        },
        Preset {
            name: "alexnet-as-run",
            title: "224x224 pictures: as the author's code ran it (run 145 of his release)",
            family: Family::AlexNet,
            variants: Variants {
                init: Init::Author,
                norm: Norm::Author,
                norm_order: NormOrder::Author,
                ..PAPER_VARIANTS
            },
            recipe: Recipe { bias_schedule: false, end_game: true, ..PAPER_RECIPE },
            build: alexnet::as_run,
        },
        Preset {
            name: "alexnet-6conv",
            title: "224x224 pictures: the paper's net with a sixth convolution, for very many classes",
            family: Family::AlexNet,
            variants: PAPER_VARIANTS,
            recipe: PAPER_RECIPE,
            build: alexnet::six_conv,
        },
        Preset {
            name: "alexnet-owt",
            title: "224x224 pictures: the single-column AlexNet of torchvision (\"one weird trick\")",
            family: Family::AlexNet,
            variants: Variants { norm: Norm::Off, columns: 1, dropout: Dropout::Inverted, ..PAPER_VARIANTS },
            // torchvision's reference script, which has batches of 256 over eight cards: divided by 10 every 30 of 90
            // epochs, decay 0.0001, no colour noise.
            recipe: Recipe {
                weight_decay: 0.0001,
                bias_lr_scale: 1.0,
                colour_noise: ColourNoise::Off,
                mean: Mean::Channel,
                lr_drops: &[1.0 / 3.0, 2.0 / 3.0],
                ..PAPER_RECIPE
            },
            build: alexnet::owt,
        },
    ]
}

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
    /// The network with `classes` outputs, varied as asked.
    ///
    /// # Errors
    /// A variant that this preset does not have; a layer that no longer fits, by name.
    pub fn spec(&self, classes: usize, variants: &Variants) -> Result<ModelSpec, SpecError> {
        let (input, mut layers) = (self.build)();
        if let Some(LayerSpec { kind: LayerKind::Linear { out, .. }, .. }) = layers.last_mut() {
            *out = classes;
        }
        let mut spec = ModelSpec { name: self.name.into(), input, layers };
        variants.apply(&mut spec, self.family)?;
        Shapes::of(&spec)?;
        fit_blocks(&mut spec);
        Ok(spec)
    }

    /// The network as the preset stands for it.
    pub fn standard(&self, classes: usize) -> ModelSpec {
        self.spec(classes, &self.variants).expect("every preset fits together with its own variants")
    }

    /// What the first layer sees.
    pub fn input(&self) -> InputSpec {
        (self.build)().0
    }
}

/// Stands where the number of classes goes; [`Preset::spec`] replaces it.
const CLASSES: usize = 1000;

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
