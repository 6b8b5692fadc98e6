//! The settings of the next run while they are being edited.
//!
//! A number is kept as the text a person typed, and only when it differs from what the preset says: choosing
//! another preset moves every number that was left alone. [`Draft::config`] turns the texts into a
//! [`RunConfig`], or says for each field what is wrong with it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use super::fields::{ADVANCED_FIELDS, Field, MAIN_FIELDS, RATE_FIELDS};
use crate::config::{DataConfig, ModelConfig, OptimConfig, RunConfig, Schedule};
use crate::engine::{self, PresetInfo, Sketch};

/// Classes in the paper.
const PAPER_CLASSES: usize = 1000;

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

    /// Where the pictures of the next run come from. What is typed wrong is told beside its field, and left out here.
    pub fn data(&self) -> DataConfig {
        self.config().map_or_else(|_| self.base.data.clone(), |config| config.data)
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
