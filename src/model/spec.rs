//! The language in which networks are written down.

use serde::{Deserialize, Serialize};

/// A network: its input and its layers in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The preset it was made from.
    pub name: String,
    pub input: InputSpec,
    pub layers: Vec<LayerSpec>,
}

/// What the first layer sees: RGB, `(pixel - mean) * scale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// Side of the square crop that enters the network, in pixels.
    pub side: usize,
    /// Side to which pictures are brought before cropping (256 in the paper, for crops of 224).
    pub stored_side: usize,
    /// Factor of each channel after mean subtraction. 1 in the paper, which feeds pixels of 0 to 255
    /// (section 2); torchvision's divides by 255 and by the channel's deviation.
    #[serde(deserialize_with = "one_or_three")]
    pub scale: [f32; 3],
}

/// Model files of version 0.1 hold one factor for all channels.
fn one_or_three<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<[f32; 3], D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Scale {
        One(f32),
        Three([f32; 3]),
    }
    Ok(match Scale::deserialize(deserializer)? {
        Scale::One(scale) => [scale; 3],
        Scale::Three(scales) => scales,
    })
}

/// A named layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// `conv1`, `lrn1`, `fc6`, ...: names weights in files and layers in messages.
    pub name: String,
    #[serde(flatten)]
    pub kind: LayerKind,
}

/// Zeros added around a map, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

impl Sides {
    pub const fn all(pixels: usize) -> Self {
        Self { top: pixels, bottom: pixels, left: pixels, right: pixels }
    }

    /// The author's ceil-sized first convolution reads this far past the right and bottom border, where
    /// it finds zeros (`layer.py`, `LocalLayerParser.parse`).
    pub const fn right_bottom(pixels: usize) -> Self {
        Self { top: 0, bottom: pixels, left: 0, right: pixels }
    }
}

/// First values of a layer's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitSpec {
    /// Standard deviation of the weights, mean 0.
    pub std: f64,
    /// Every bias.
    pub bias: f64,
    /// Multiplies the run's weight decay for this layer; 1 in the paper.
    #[serde(default = "one")]
    pub decay_scale: f64,
}

fn one() -> f64 {
    1.0
}

/// What a layer computes. Maps are `[N, C, H, W]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LayerKind {
    /// Convolution with square kernels. `groups` of 2 are the paper's two columns.
    Conv { out: usize, kernel: usize, stride: usize, padding: Sides, groups: usize, init: InitSpec },
    /// Like a convolution of stride 1, but every position has kernels and biases of its own (the author's
    /// CIFAR networks `conv-local-13pct` and `conv-local-11pct`). Zeros around keep the size when
    /// `padding` is half of an odd kernel.
    Local { out: usize, kernel: usize, padding: usize, init: InitSpec },
    /// max(0, x).
    Relu,
    /// The saturating neuron that the paper compares with (section 3.1).
    Tanh,
    /// Local response normalisation across channels (section 3.3). `alpha` multiplies the plain sum of
    /// squares, as printed in the paper; windows stay inside a group.
    Lrn { size: usize, alpha: f32, beta: f32, k: f32, groups: usize },
    /// Response normalisation over `size` x `size` pixels of the same map (`rnorm` in the author's files):
    /// `x * (k + alpha * sum of squares)^-beta`, zeros outside the map. `alpha` multiplies the plain sum.
    SpatialNorm { size: usize, alpha: f32, beta: f32, k: f32 },
    /// Batch normalisation of each channel (Ioffe and Szegedy 2015), the modern alternative: statistics of
    /// the pass while training, running ones otherwise. `momentum` is the share of a new pass in them.
    BatchNorm { epsilon: f64, momentum: f64 },
    /// Maximum over `kernel` x `kernel` windows; overlapping where `stride < kernel` (section 3.4).
    MaxPool { kernel: usize, stride: usize, ceil: bool },
    /// Mean over the in-picture pixels of each window.
    AvgPool { kernel: usize, stride: usize, ceil: bool },
    /// Fully connected. The weights are held in `columns` blocks of rows of nearly equal height, as the paper's two
    /// columns, so that no block exceeds the 128 MiB that every card binds.
    Linear { out: usize, columns: usize, init: InitSpec },
    /// Dropout (section 4.2): outputs are kept with probability `keep` while training. As in the paper the
    /// kept ones stay as they are and all are multiplied by `keep` otherwise; `inverted`, the later custom,
    /// divides the kept ones by `keep` while training and does nothing otherwise.
    Dropout {
        keep: f64,
        #[serde(default)]
        inverted: bool,
    },
}

impl LayerKind {
    /// First values of the layer's parameters, if it has weights.
    pub fn init(&self) -> Option<&InitSpec> {
        match self {
            Self::Conv { init, .. } | Self::Local { init, .. } | Self::Linear { init, .. } => Some(init),
            _ => None,
        }
    }

    /// The same, to change it.
    pub fn init_mut(&mut self) -> Option<&mut InitSpec> {
        match self {
            Self::Conv { init, .. } | Self::Local { init, .. } | Self::Linear { init, .. } => Some(init),
            _ => None,
        }
    }
}
