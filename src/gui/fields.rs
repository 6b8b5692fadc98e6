//! The numbers of a run that can be edited: what they are called, what they do, and how a typed text becomes a setting.

use crate::config::{ConfigError, RunConfig};
use crate::engine::PresetInfo;

/// A number that can be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    LearningRate,
    Batch,
    Epochs,
    Momentum,
    WeightDecay,
    BiasRate,
    Seed,
    MicroBatch,
    MaxSteps,
    RateDrops,
    Patience,
    PlateauDrops,
    WarmUp,
    ValidationShare,
    ColourStrength,
}

/// Fields a student meets first.
pub const MAIN_FIELDS: [Field; 2] = [Field::Batch, Field::Epochs];

/// Fields behind "Advanced".
pub const ADVANCED_FIELDS: [Field; 8] = [
    Field::Momentum,
    Field::WeightDecay,
    Field::BiasRate,
    Field::Seed,
    Field::MaxSteps,
    Field::ValidationShare,
    Field::MicroBatch,
    Field::ColourStrength,
];

/// Fields about the rate and how it changes.
pub const RATE_FIELDS: [Field; 5] =
    [Field::LearningRate, Field::RateDrops, Field::Patience, Field::PlateauDrops, Field::WarmUp];

impl Field {
    pub fn label(self) -> &'static str {
        match self {
            Self::LearningRate => "Learning rate",
            Self::Batch => "Batch size",
            Self::Epochs => "Epochs",
            Self::Momentum => "Momentum",
            Self::WeightDecay => "Weight decay",
            Self::BiasRate => "Bias rate factor",
            Self::Seed => "Seed",
            Self::MicroBatch => "Micro-batch",
            Self::MaxSteps => "Stop after steps",
            Self::RateDrops => "Divide at epochs",
            Self::Patience => "Patience",
            Self::PlateauDrops => "Divide at most",
            Self::WarmUp => "Warm-up epochs",
            Self::ValidationShare => "Validation share",
            Self::ColourStrength => "Colour noise strength",
        }
    }

    /// What it does, in plain words.
    pub fn help(self) -> &'static str {
        match self {
            Self::LearningRate => {
                "How far the weights move at each update. Too large and the loss jumps or explodes; too small and \
                 nothing seems to happen. You can change it while training."
            }
            Self::Batch => {
                "How many pictures are averaged for one update. The paper uses 128. A small batch makes many noisy \
                 updates, a large one few calm ones."
            }
            Self::Epochs => {
                "How often the whole training set is gone through. The paper took about 90 rounds."
            }
            Self::Momentum => {
                "How much of the last movement is kept in the next one, like a heavy ball rolling downhill. The paper \
                 uses 0.9."
            }
            Self::WeightDecay => {
                "Pulls every weight a little towards zero at each update. The paper uses 0.0005 and found that it \
                 helps the network learn, not only generalise. Biases are left alone."
            }
            Self::BiasRate => {
                "Biases learn at this multiple of the learning rate. The author's own runs used 2."
            }
            Self::Seed => {
                "Decides everything that is drawn by chance: the first weights, the order of the pictures, crops and \
                 flips. The same seed gives the same run."
            }
            Self::MicroBatch => {
                "How many pictures pass through the network at once; a batch is the sum of such passes and the result \
                 is the same, except with batch normalisation, which measures each pass. Smaller needs less memory. 0 lets the program choose."
            }
            Self::MaxSteps => {
                "Ends the run after this many updates, even if epochs are left. Leave empty for no limit."
            }
            Self::RateDrops => {
                "Epochs after which the learning rate is divided by 10, for example 8, 12. Leave empty to do as the \
                 network's preset says."
            }
            Self::Patience => {
                "The rate is divided by 10 after this many validations in a row without a better top-1 error. There is \
                 one validation after each epoch."
            }
            Self::PlateauDrops => {
                "How often the rate is divided by 10 in the whole run. The paper's authors did it three times."
            }
            Self::WarmUp => {
                "Over this many epochs the rate rises evenly from 0 to its full value; 0.5 is half an epoch. Helps large \
                 rates over the first shaky updates. The paper has none."
            }
            Self::ValidationShare => {
                "Part of the pictures held back to test the network when the data have no validation set of their \
                 own: 0.2 is one picture in five."
            }
            Self::ColourStrength => {
                "How far the colour noise below shifts the colours of a training picture; the paper uses 0.1. Without \
                 colour noise it does nothing."
            }
        }
    }

    /// What an empty field shows.
    pub fn hint(self) -> &'static str {
        match self {
            Self::MaxSteps => "no limit",
            Self::RateDrops => "as preset",
            _ => "automatic",
        }
    }

    /// The text when nobody has changed it. Empty when that is not known yet, or means "automatic".
    pub fn standard(self, preset: Option<&PresetInfo>) -> String {
        let of = |value: fn(&PresetInfo) -> String| preset.map(value).unwrap_or_default();
        let config = RunConfig::default();
        match self {
            Self::LearningRate => of(|p| p.lr.to_string()),
            Self::Batch => of(|p| p.batch.to_string()),
            Self::Epochs => of(|p| p.epochs.to_string()),
            Self::Momentum => of(|p| p.momentum.to_string()),
            Self::WeightDecay => of(|p| p.weight_decay.to_string()),
            Self::BiasRate => of(|p| p.bias_lr_scale.to_string()),
            Self::Seed => config.run.seed.to_string(),
            Self::MicroBatch => config.optim.micro_batch.to_string(),
            Self::Patience => config.optim.plateau_patience.to_string(),
            Self::PlateauDrops => config.optim.plateau_drops.to_string(),
            Self::WarmUp => config.optim.warmup_epochs.to_string(),
            Self::ValidationShare => config.data.validation_share.to_string(),
            Self::ColourStrength => config.data.colour_strength.to_string(),
            Self::MaxSteps | Self::RateDrops => String::new(),
        }
    }

    /// Writes the value that `text` stands for into `config`.
    pub(super) fn write(self, text: &str, config: &mut RunConfig) -> Result<(), String> {
        match self {
            Self::LearningRate => config.optim.lr = Some(decimal(text)?),
            Self::Batch => config.optim.batch = Some(whole(text)?),
            Self::Epochs => config.run.epochs = Some(whole(text)?),
            Self::Momentum => config.optim.momentum = Some(decimal(text)?),
            Self::WeightDecay => config.optim.weight_decay = Some(decimal(text)?),
            Self::BiasRate => config.optim.bias_lr_scale = Some(decimal(text)?),
            Self::Seed => config.run.seed = whole(text)?,
            Self::MicroBatch => config.optim.micro_batch = whole(text)?,
            Self::MaxSteps => config.run.max_steps = Some(whole(text)?),
            Self::Patience => config.optim.plateau_patience = whole(text)?,
            Self::PlateauDrops => config.optim.plateau_drops = whole(text)?,
            Self::WarmUp => config.optim.warmup_epochs = decimal(text)?,
            Self::RateDrops => {
                let drops: Result<Vec<f64>, String> = text
                    .split([';', ' ', ','])
                    .filter(|part| !part.is_empty())
                    .map(|part| {
                        part.parse().map_err(|_| "Epochs separated by commas, for example 8, 12".into())
                    })
                    .collect();
                config.optim.lr_drops = Some(drops?);
            }
            Self::ValidationShare => config.data.validation_share = decimal(text)?,
            Self::ColourStrength => config.data.colour_strength = decimal(text)?,
        }
        Ok(())
    }

    /// Checks a text without regard to the other fields.
    pub(super) fn check(self, text: &str) -> Result<(), String> {
        let mut alone = RunConfig::default();
        self.write(text, &mut alone)?;
        alone.validate().map_err(|error| match error {
            ConfigError::Range { expected, .. } => format!("Must be {expected}"),
            other => other.to_string(),
        })
    }

    /// The text of this setting in a config, if it differs from the default.
    pub(super) fn read(self, config: &RunConfig) -> Option<String> {
        let text = match self {
            Self::LearningRate => config.optim.lr.map(|v| v.to_string()),
            Self::Batch => config.optim.batch.map(|v| v.to_string()),
            Self::Epochs => config.run.epochs.map(|v| v.to_string()),
            Self::Momentum => config.optim.momentum.map(|v| v.to_string()),
            Self::WeightDecay => config.optim.weight_decay.map(|v| v.to_string()),
            Self::BiasRate => config.optim.bias_lr_scale.map(|v| v.to_string()),
            Self::Seed => Some(config.run.seed.to_string()),
            Self::MicroBatch => Some(config.optim.micro_batch.to_string()),
            Self::MaxSteps => config.run.max_steps.map(|v| v.to_string()),
            Self::Patience => Some(config.optim.plateau_patience.to_string()),
            Self::PlateauDrops => Some(config.optim.plateau_drops.to_string()),
            Self::WarmUp => Some(config.optim.warmup_epochs.to_string()),
            Self::RateDrops => config
                .optim
                .lr_drops
                .as_ref()
                .map(|drops| drops.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Self::ValidationShare => Some(config.data.validation_share.to_string()),
            Self::ColourStrength => Some(config.data.colour_strength.to_string()),
        };
        text.filter(|text| *text != self.standard(None))
    }
}

fn decimal(text: &str) -> Result<f64, String> {
    // Many people write a decimal comma.
    text.trim().replace(',', ".").parse().map_err(|_| "Must be a number, for example 0.01".into())
}

fn whole<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "Must be a whole number".into())
}
