//! Blanks filled in: what a run really uses.

use super::error::RunError;
use crate::config::{ColourNoise, Mean, OptimConfig, RunConfig, Schedule};
use crate::model::{ModelSpec, Preset, Recipe, Shapes, Variants};
use crate::train::{ChangePlan, Course, Rate, RatePlan, SgdConfig};

/// The numbers of a run, with nothing left to a preset.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub lr: f64,
    pub course: Course,
    pub warmup_epochs: f64,
    pub biases_follow: bool,
    pub batch: usize,
    pub epochs: usize,
    pub sgd: SgdConfig,
    pub augment: bool,
    pub colour_noise: ColourNoise,
    pub mean: Mean,
    pub variants: Variants,
}

impl Settings {
    /// The same for a run that begins with a model file. The network and its input come from the file, so
    /// their settings stay empty; the rate is a tenth, so that what was learned is not washed away.
    pub fn resolve_for_file(config: &mut RunConfig, preset: &Preset) -> Self {
        let (model, mean) = (config.model.clone(), config.data.mean);
        config.optim.lr.get_or_insert(preset.recipe.lr / 10.0);
        let settings = Self::resolve(config, preset);
        (config.model, config.data.mean) = (model, mean);
        settings
    }

    /// Fills the blanks of `config` from the preset, in the config too.
    pub fn resolve(config: &mut RunConfig, preset: &Preset) -> Self {
        let recipe = preset.recipe;
        config.model.preset = Some(preset.name.into());
        let epochs = *config.run.epochs.get_or_insert(recipe.epochs);
        let optim = &mut config.optim;
        optim.end_game.get_or_insert(recipe.end_game);
        Self {
            variants: Variants::resolve(&mut config.model, &preset.variants),
            colour_noise: *config.data.colour_noise.get_or_insert(recipe.colour_noise),
            mean: *config.data.mean.get_or_insert(recipe.mean),
            augment: *config.data.augment.get_or_insert(recipe.augment),
            epochs,
            lr: *optim.lr.get_or_insert(recipe.lr),
            batch: *optim.batch.get_or_insert(recipe.batch),
            course: course(optim, &recipe, epochs as f64),
            warmup_epochs: optim.warmup_epochs,
            biases_follow: *optim.bias_schedule.get_or_insert(recipe.bias_schedule),
            sgd: SgdConfig {
                momentum: *optim.momentum.get_or_insert(recipe.momentum),
                weight_decay: *optim.weight_decay.get_or_insert(recipe.weight_decay),
                bias_lr_scale: *optim.bias_lr_scale.get_or_insert(recipe.bias_lr_scale),
            },
        }
    }

    /// The rate of a run with this many updates an epoch.
    pub fn rate(&self, steps_per_epoch: u64) -> Rate {
        let plan = RatePlan {
            course: self.course.clone(),
            epochs: self.epochs as f64,
            warmup_epochs: self.warmup_epochs,
            update: 1.0 / steps_per_epoch.max(1) as f64,
            biases_follow: self.biases_follow,
        };
        Rate::new(self.lr, plan)
    }
}

/// What is planned besides the rate, checked against the layers of the network. `optim` has no blanks left.
///
/// # Errors
/// A layer that does not exist; a strength of a colour noise that is off; a plan that makes no sense.
pub(super) fn planned_changes(
    optim: &OptimConfig,
    settings: &Settings,
    spec: &ModelSpec,
) -> Result<ChangePlan, RunError> {
    let coloured = optim.changes.iter().any(|change| change.colour_strength.is_some());
    if coloured && settings.colour_noise == ColourNoise::Off {
        return Err(RunError::bad_input(
            "optim.changes sets colour_strength, but data.colour_noise is off; set data.colour_noise=author, or \
             take colour_strength out of optim.changes",
        ));
    }
    let shapes = Shapes::of(spec).map_err(|e| RunError::bad_input(e.to_string()))?;
    let epochs = settings.epochs as f64;
    ChangePlan::new(optim, epochs, spec, &shapes).map_err(|e| RunError::bad_input(e.to_string()))
}

/// The schedule, with its blanks filled in. Epochs given without a schedule ask for `steps`.
fn course(optim: &mut OptimConfig, recipe: &Recipe, epochs: f64) -> Course {
    let standard = if optim.lr_drops.is_some() { Schedule::Steps } else { recipe.schedule };
    match *optim.schedule.get_or_insert(standard) {
        Schedule::Constant => Course::Constant,
        Schedule::Steps => {
            let drops = || recipe.lr_drops.iter().map(|share| share * epochs).collect();
            Course::Steps(optim.lr_drops.get_or_insert_with(drops).clone())
        }
        Schedule::Plateau => Course::Plateau { patience: optim.plateau_patience, drops: optim.plateau_drops },
        Schedule::Dexp => Course::Dexp,
        Schedule::Cosine => Course::Cosine,
    }
}
