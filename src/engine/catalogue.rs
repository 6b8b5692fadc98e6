//! What there is to choose from: presets and devices.

use crate::config::{ColourNoise, Mean, ModelConfig, Schedule};
use crate::device::{self, DeviceInfo};
use crate::model::{PRESETS, Preset, Variants, middle_convolutions};

/// A preset and the settings it brings along.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetInfo {
    pub name: &'static str,
    /// One line for a chooser.
    pub title: &'static str,
    /// Side of the square input in pixels.
    pub input_side: u32,
    /// Side of the squares that pictures are kept at, in pixels; the network sees crops of them.
    pub stored_side: u32,
    pub lr: f64,
    pub batch: usize,
    pub epochs: usize,
    pub momentum: f64,
    pub weight_decay: f64,
    pub bias_lr_scale: f64,
    pub augment: bool,
    pub colour_noise: ColourNoise,
    pub mean: Mean,
    pub schedule: Schedule,
    /// Whether the biases' rate follows the schedule.
    pub bias_schedule: bool,
    /// Whether the run ends as the author's run 145 did.
    pub end_game: bool,
    /// The network when nobody asks for anything else, with no setting empty.
    pub standard: ModelConfig,
    /// Convolutions that can be left out.
    pub middle_convolutions: Vec<String>,
}

/// All presets, the smallest input first.
pub fn presets() -> Vec<PresetInfo> {
    let info = |preset: &'static Preset| PresetInfo {
        name: preset.name,
        title: preset.title,
        input_side: preset.input().side as u32,
        stored_side: preset.input().stored_side as u32,
        lr: preset.recipe.lr,
        batch: preset.recipe.batch,
        epochs: preset.recipe.epochs,
        momentum: preset.recipe.momentum,
        weight_decay: preset.recipe.weight_decay,
        bias_lr_scale: preset.recipe.bias_lr_scale,
        augment: preset.recipe.augment,
        colour_noise: preset.recipe.colour_noise,
        mean: preset.recipe.mean,
        schedule: preset.recipe.schedule,
        bias_schedule: preset.recipe.bias_schedule,
        end_game: preset.recipe.end_game,
        standard: standard(preset),
        middle_convolutions: middle_convolutions(&preset.standard(2).layers).map(Into::into).collect(),
    };
    PRESETS.iter().map(info).collect()
}

fn standard(preset: &Preset) -> ModelConfig {
    let mut config = ModelConfig { preset: Some(preset.name.into()), ..ModelConfig::default() };
    Variants::resolve(&mut config, &preset.variants);
    config
}

/// The processor and every adapter. Asks the drivers, which can take a second: not for the window's thread.
pub fn devices() -> Vec<DeviceInfo> {
    device::list()
}
