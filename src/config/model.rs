//! Which network, and its variants: each one setting.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which network, and how it departs from its preset. Empty fields: as the preset says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Name of a preset. Empty: the one that fits the size of the pictures.
    pub preset: Option<String>,
    /// A model file to start from instead of random weights. Its last layer is replaced when the classes
    /// differ; everything about the network comes from the file.
    pub from: Option<PathBuf>,
    /// First weights.
    pub init: Option<Init>,
    /// First biases of the last layer, for example -7 as in the author's network of 2014.
    pub last_bias: Option<f64>,
    /// The neuron.
    pub activation: Option<Activation>,
    /// Response normalisation.
    pub norm: Option<Norm>,
    /// Where the response normalisation stands.
    pub norm_order: Option<NormOrder>,
    /// Overlapping windows or not.
    pub pooling: Option<Pooling>,
    /// Columns of the convolutions: 2 as in the paper, or 1.
    pub columns: Option<usize>,
    pub dropout: Option<Dropout>,
    /// Convolutions to leave out, for example `["conv4"]` (paper section 7).
    #[serde(deserialize_with = "super::names")]
    pub without: Vec<String>,
}

/// How the first weights are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// As printed (section 5): deviation 0.01 everywhere, biases 1 in conv2, conv4, conv5 and the hidden
    /// linear layers. The CIFAR networks: as in the author's files.
    Paper,
    /// As in the author's files: 0.03 in conv3 to conv5 of run 145, otherwise as printed.
    Author,
    /// Deviation sqrt(2 / inputs of a unit), biases 0 (He et al. 2015), made up for what normalisation and
    /// dropout before the layer take away; pixels enter with a deviation of about 6.
    FanIn,
}

/// The neuron (paper section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    Relu,
    Tanh,
}

/// Response normalisation (paper section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// As printed: alpha multiplies the plain sum of squares.
    Printed,
    /// As the author's code ran it: alpha divided by the size of the window.
    Author,
    Off,
    /// Batch normalisation after every convolution instead (Ioffe and Szegedy 2015).
    Batch,
}

/// Where response normalisation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormOrder {
    /// As printed.
    AfterRelu,
    BeforeRelu,
    /// As in the author's run 145: before the neurons of conv1, after those of conv2.
    Author,
}

/// Windows of the maximum pooling (paper section 3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// 3x3 windows, 2 pixels apart.
    Overlapping,
    /// 2x2 windows side by side, with less padding in the convolutions so that the sizes stay the same.
    Plain,
}

/// Dropout (paper section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropout {
    Off,
    /// As in the paper: outputs are halved when the network is used.
    Original,
    /// As in later programs: the outputs that stay are doubled while training.
    Inverted,
}
