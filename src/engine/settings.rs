//! Blanks filled in: what a run really uses.

use crate::config::{ColourNoise, Mean, RunConfig};
use crate::model::{Preset, Variants};
use crate::train::SgdConfig;

/// The numbers of a run, with nothing left to a preset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub lr: f64,
    pub lr_drops: Vec<f64>,
    pub batch: usize,
    pub epochs: usize,
    pub sgd: SgdConfig,
    pub augment: bool,
    pub colour_noise: ColourNoise,
    pub mean: Mean,
    pub variants: Variants,
}

impl Settings {
    /// Fills the blanks of `config` from the preset, in the config too.
    pub fn resolve(config: &mut RunConfig, preset: &Preset) -> Self {
        let recipe = preset.recipe;
        config.model.preset = Some(preset.name.into());
        let epochs = *config.run.epochs.get_or_insert(recipe.epochs);
        let drops = || recipe.lr_drops.iter().map(|share| share * epochs as f64).collect();
        let optim = &mut config.optim;
        optim.bias_schedule.get_or_insert(recipe.bias_schedule);
        Self {
            variants: Variants::resolve(&mut config.model, &preset.variants),
            colour_noise: *config.data.colour_noise.get_or_insert(recipe.colour_noise),
            mean: *config.data.mean.get_or_insert(recipe.mean),
            augment: *config.data.augment.get_or_insert(recipe.augment),
            epochs,
            lr: *optim.lr.get_or_insert(recipe.lr),
            batch: *optim.batch.get_or_insert(recipe.batch),
            lr_drops: optim.lr_drops.get_or_insert_with(drops).clone(),
            sgd: SgdConfig {
                momentum: *optim.momentum.get_or_insert(recipe.momentum),
                weight_decay: *optim.weight_decay.get_or_insert(recipe.weight_decay),
                bias_lr_scale: *optim.bias_lr_scale.get_or_insert(recipe.bias_lr_scale),
            },
        }
    }
}
