//! How the network learns.

use serde::{Deserialize, Serialize};

/// The paper's rule (section 5) and its constants. Empty fields: as the preset says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimConfig {
    /// Learning rate of the weights at the start.
    pub lr: Option<f64>,
    /// Pictures an update.
    pub batch: Option<usize>,
    /// Pictures that pass through the network at once; a batch is the sum of such passes, with the same gradient
    /// except where batch normalisation measures each pass. 0: automatic.
    pub micro_batch: usize,
    pub momentum: Option<f64>,
    /// Weight decay; never applied to biases.
    pub weight_decay: Option<f64>,
    /// The biases learn at this multiple of the rate (2 in the author's runs).
    pub bias_lr_scale: Option<f64>,
    /// How the rate changes over the run.
    pub schedule: Option<Schedule>,
    /// Schedule `steps`: epochs after which the rate is divided by 10, for example `[8]`.
    pub lr_drops: Option<Vec<f64>>,
    /// Epochs over which the rate rises evenly from 0 to its full value.
    pub warmup_epochs: f64,
    /// Schedule `plateau`: validations without a better top-1 error before the rate is divided by 10.
    pub plateau_patience: usize,
    /// Schedule `plateau`: how often the rate is divided (three times in the paper).
    pub plateau_drops: usize,
    /// Whether the biases' rate follows the schedule; it did not in the author's run 145.
    pub bias_schedule: Option<bool>,
    /// Layers whose weights stay as they are (a batch normalisation is a layer of its own, `bn1`, ...), for example `["conv1", "conv2"]`.
    #[serde(deserialize_with = "super::names")]
    pub freeze: Vec<String>,
    /// The end of the author's run 145: at 67/90 of the run no colour noise and a tenth of the rate for
    /// conv1, at 72/90 conv1 frozen.
    pub end_game: Option<bool>,
    /// Planned changes at certain epochs, for example `[{ epoch = 72, layer = "conv1", lr_scale = 0 }]`.
    pub changes: Vec<Change>,
}

impl Default for OptimConfig {
    fn default() -> Self {
        Self {
            lr: None,
            batch: None,
            micro_batch: 0,
            momentum: None,
            weight_decay: None,
            bias_lr_scale: None,
            schedule: None,
            lr_drops: None,
            warmup_epochs: 0.0,
            plateau_patience: 3,
            plateau_drops: 3,
            bias_schedule: None,
            freeze: Vec::new(),
            end_game: None,
            changes: Vec::new(),
        }
    }
}

/// How the rate changes over a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Only by hand.
    Constant,
    /// Divided by 10 at the epochs of `lr_drops`.
    Steps,
    /// Divided by 10 when the validation error stops falling (paper section 5).
    Plateau,
    /// The author's later schedule: four equal parts, from the rate down to 1/250 of it; biases in two
    /// (`lr.cu`, `layer-params-170.cfg`).
    Dexp,
    /// Half a cosine down to 0.
    Cosine,
}

/// Something planned for a certain moment of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// When: epochs gone by.
    pub epoch: f64,
    /// The layer that `lr_scale` is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// Multiple of the rate for the layer's weights and biases from then on; 0 freezes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_scale: Option<f64>,
    /// Strength of the colour noise from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour_strength: Option<f64>,
}
