//! The settings of the next run while they are being edited.
//!
//! A number is kept as the text a person typed, and only when it differs from what the preset says: choosing
//! another preset moves every number that was left alone. [`Draft::config`] turns the texts into a
//! [`RunConfig`], or says for each field what is wrong with it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use crate::config::{ConfigError, ModelConfig, OptimConfig, RunConfig, Schedule};
use crate::engine::{self, PresetInfo, Sketch};

/// Classes in the paper.
const PAPER_CLASSES: usize = 1000;

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
    fn write(self, text: &str, config: &mut RunConfig) -> Result<(), String> {
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
    fn check(self, text: &str) -> Result<(), String> {
        let mut alone = RunConfig::default();
        self.write(text, &mut alone)?;
        alone.validate().map_err(|error| match error {
            ConfigError::Range { expected, .. } => format!("Must be {expected}"),
            other => other.to_string(),
        })
    }

    /// The text of this setting in a config, if it differs from the default.
    fn read(self, config: &RunConfig) -> Option<String> {
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

/// The settings of the next run.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Text of the path field; it becomes the source when it is confirmed.
    pub typed_source: String,
    /// Settings that are not numbers, and those the window does not show.
    pub base: RunConfig,
    /// Fields whose text differs from the standard one.
    changed: Vec<(Field, String)>,
    /// The networks asked for last, with what they were worked out from: several panels want them in each frame.
    drafted: RefCell<Vec<Drafted>>,
}

/// What a network is worked out from, and the network.
type Drafted = ((ModelConfig, usize, OptimConfig), Rc<Sketch>);
/// Networks kept: for the classes of the pictures, and for those of the paper.
const KEPT_DRAFTS: usize = 2;

impl Draft {
    pub fn new(config: RunConfig) -> Self {
        let changed = MAIN_FIELDS
            .into_iter()
            .chain(ADVANCED_FIELDS)
            .chain(RATE_FIELDS)
            .filter_map(|field| field.read(&config).map(|text| (field, text)))
            .collect();
        let typed_source =
            if config.data.source == "sample" { String::new() } else { config.data.source.clone() };
        Self { typed_source, base: config, changed, drafted: RefCell::default() }
    }

    pub fn is_changed(&self, field: Field) -> bool {
        self.changed.iter().any(|(f, _)| *f == field)
    }

    pub fn any_changed(&self) -> bool {
        !self.changed.is_empty()
            || self.base.data.augment.is_some()
            || self.base.data.colour_noise.is_some()
            || self.base.data.mean.is_some()
            || self.model_changed()
            || self.chosen_optim() != OptimConfig::default()
    }

    /// Whether the network departs from its preset.
    pub fn model_changed(&self) -> bool {
        self.base.model != self.plain_model()
    }

    /// Begins the next run with a model file, at a tenth of the rate of the preset that it was made from.
    pub fn start_from(&mut self, file: PathBuf, preset: Option<&PresetInfo>) {
        let name = preset.map(|preset| preset.name.into());
        self.base.model = ModelConfig { from: Some(file), preset: name, ..ModelConfig::default() };
        self.base.data.mean = None;
        if let Some(known) = preset {
            self.set(Field::LearningRate, &(known.lr / 10.0).to_string(), preset);
        }
    }

    /// Begins the next run with random weights.
    pub fn start_fresh(&mut self) {
        self.base.model = ModelConfig::default();
        self.reset(Field::LearningRate);
    }

    /// The network of the next run for pictures of so many classes (before they are known, the paper's 1000), or
    /// the preset's own with what is wrong.
    ///
    /// # Errors
    /// There is no such preset.
    pub fn sketch(&self, preset: &PresetInfo, classes: Option<usize>) -> Result<Rc<Sketch>, String> {
        let model = ModelConfig { preset: Some(preset.name.into()), from: None, ..self.base.model.clone() };
        // A number that cannot be used is told at its own field.
        let optim = self.config().map(|config| config.optim).unwrap_or_default();
        let key = (model, classes.unwrap_or(PAPER_CLASSES), optim);
        let mut drafted = self.drafted.borrow_mut();
        if let Some((_, sketch)) = drafted.iter().find(|(known, _)| *known == key) {
            return Ok(sketch.clone());
        }
        let sketch = Rc::new(engine::sketch(&key.0, key.1, &key.2)?);
        drafted.truncate(KEPT_DRAFTS - 1);
        drafted.insert(0, (key, sketch.clone()));
        Ok(sketch)
    }

    /// The same, if it can be built.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn network(&self, preset: &PresetInfo, classes: Option<usize>) -> Result<Rc<Sketch>, String> {
        let sketch = self.sketch(preset, classes)?;
        match &sketch.fault {
            Some(fault) => Err(fault.reason.clone()),
            None => Ok(sketch),
        }
    }

    /// The preset without variants.
    fn plain_model(&self) -> ModelConfig {
        ModelConfig { preset: self.base.model.preset.clone(), ..ModelConfig::default() }
    }

    /// The text to show.
    pub fn text(&self, field: Field, preset: Option<&PresetInfo>) -> String {
        let changed = self.changed.iter().find(|(f, _)| *f == field);
        changed.map_or_else(|| field.standard(preset), |(_, text)| text.clone())
    }

    /// Takes a typed text. The standard text counts as not changed; an empty one stands for the standard
    /// value, but is kept so that a field can be emptied before something else is typed.
    pub fn set(&mut self, field: Field, text: &str, preset: Option<&PresetInfo>) {
        self.reset(field);
        if text != field.standard(preset) {
            self.changed.push((field, text.to_owned()));
        }
    }

    pub fn reset(&mut self, field: Field) {
        self.changed.retain(|(f, _)| *f != field);
    }

    /// Forgets every change to the numbers, the treatment of the pictures and the network's variants.
    pub fn reset_all(&mut self) {
        self.changed.clear();
        self.base.data.augment = None;
        self.base.data.colour_noise = None;
        self.base.data.mean = None;
        self.base.model = self.plain_model();
        self.base.optim = OptimConfig::default();
    }

    /// The network as its preset says.
    pub fn reset_model(&mut self) {
        self.base.model = self.plain_model();
    }

    /// How the rate changes, as chosen or as the preset says.
    pub fn schedule(&self, preset: Option<&PresetInfo>) -> Schedule {
        self.base.optim.schedule.unwrap_or_else(|| preset.map_or(Schedule::Steps, |p| p.schedule))
    }

    pub fn set_schedule(&mut self, schedule: Schedule, preset: Option<&PresetInfo>) {
        self.base.optim.schedule = (preset.map(|p| p.schedule) != Some(schedule)).then_some(schedule);
    }

    /// Whether the biases' rate follows the schedule, as chosen or as the preset says.
    pub fn bias_schedule(&self, preset: Option<&PresetInfo>) -> bool {
        self.base.optim.bias_schedule.unwrap_or_else(|| preset.is_none_or(|p| p.bias_schedule))
    }

    pub fn set_bias_schedule(&mut self, on: bool, preset: Option<&PresetInfo>) {
        self.base.optim.bias_schedule = (preset.map(|p| p.bias_schedule) != Some(on)).then_some(on);
    }

    /// The author's end game, as chosen or as the preset says.
    pub fn end_game(&self, preset: Option<&PresetInfo>) -> bool {
        self.base.optim.end_game.unwrap_or_else(|| preset.is_some_and(|p| p.end_game))
    }

    pub fn set_end_game(&mut self, on: bool, preset: Option<&PresetInfo>) {
        self.base.optim.end_game = (preset.map(|p| p.end_game) != Some(on)).then_some(on);
    }

    /// What was chosen about learning that is no number.
    fn chosen_optim(&self) -> OptimConfig {
        let OptimConfig { schedule, bias_schedule, end_game, freeze, changes, .. } = self.base.optim.clone();
        OptimConfig { schedule, bias_schedule, end_game, freeze, changes, ..OptimConfig::default() }
    }

    /// Random crops and flips, as chosen or as the preset says.
    pub fn augment(&self, preset: Option<&PresetInfo>) -> bool {
        self.base.data.augment.unwrap_or_else(|| preset.is_none_or(|p| p.augment))
    }

    pub fn set_augment(&mut self, on: bool, preset: Option<&PresetInfo>) {
        self.base.data.augment = (preset.map(|p| p.augment) != Some(on)).then_some(on);
    }

    /// What is wrong with a field, if anything.
    pub fn error(&self, field: Field) -> Option<String> {
        let (_, text) = self.changed.iter().find(|(f, _)| *f == field)?;
        if text.trim().is_empty() { None } else { field.check(text).err() }
    }

    /// The fields that hold something unusable.
    pub fn errors(&self) -> Vec<(Field, String)> {
        self.changed.iter().filter_map(|(field, _)| self.error(*field).map(|e| (*field, e))).collect()
    }

    /// The settings to start with.
    ///
    /// # Errors
    /// The fields that hold something unusable, each with the reason.
    pub fn config(&self) -> Result<RunConfig, Vec<(Field, String)>> {
        let errors = self.errors();
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut config = self.base.clone();
        let standard = RunConfig::default();
        // What the numbers say counts alone: a field that was reset must not keep its first value.
        config.optim = self.chosen_optim();
        config.run.epochs = None;
        config.run.max_steps = None;
        config.run.seed = standard.run.seed;
        config.data.validation_share = standard.data.validation_share;
        config.data.colour_strength = standard.data.colour_strength;
        for (field, text) in self.changed.iter().filter(|(_, text)| !text.trim().is_empty()) {
            // Epochs typed for a schedule that was left again are kept for its return.
            let idle =
                *field == Field::RateDrops && config.optim.schedule.is_some_and(|s| s != Schedule::Steps);
            if !idle {
                field.write(text, &mut config).map_err(|reason| vec![(*field, reason)])?;
            }
        }
        Ok(config)
    }
}
