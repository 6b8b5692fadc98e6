//! Everything the window knows, as plain data. The engine's reports change it (`reports`), panels read it, and
//! none of it needs a window, so that all of it can be tested without one.

use super::curves::Curves;
use super::downloads::Downloads;
use super::gallery::Gallery;
use super::notice::Notices;
use crate::data::{Description, Refused};
use crate::device::{DeviceInfo, DeviceKind};
use crate::engine::{
    CheckpointInfo, InputStatistics, Interrupted, ModelInfo, Pace, Prediction, PresetInfo, RateFound,
    RunInfo, RunSummary, Stage,
};
use crate::vis::{FilterGrid, RatePoint, StepPoint};

/// Predictions kept in the strip; of more, the oldest go first.
const KEPT_PREDICTIONS: usize = 24;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    #[default]
    Idle,
    /// Asked for; the engine has not answered yet.
    Asked,
    /// `done` of `total` in the unit of the stage.
    Preparing {
        stage: Stage,
        done: usize,
        total: usize,
    },
    Training,
    Paused,
}

/// What is known of the data source.
#[derive(Clone, Debug, Default)]
pub enum Found {
    #[default]
    Nothing,
    /// Being looked at.
    Looking,
    /// What is there, and the name of the preset that fits.
    Ready(Description, &'static str),
    /// Why it cannot be used.
    Unusable(String),
}

/// The answer to one picture.
#[derive(Clone, Debug)]
pub enum Answer {
    Waiting,
    Ready(Prediction),
    Failed(String),
}

/// A picture that was given to the network.
#[derive(Clone, Debug)]
pub struct Classified {
    pub id: u64,
    pub name: String,
    pub answer: Answer,
    /// Which network answered and how far it was, for example "alexnet-64 after step 120".
    pub asked_of: String,
}

/// A device a run can be asked to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoice {
    /// The value of the setting `run.device`.
    pub value: String,
    pub label: String,
}

impl From<&DeviceInfo> for DeviceChoice {
    fn from(device: &DeviceInfo) -> Self {
        let name = &device.name;
        let label = match device.kind {
            DeviceKind::Cpu => format!("Processor: {name}"),
            DeviceKind::SoftwareGpu => format!("Software: {name} (slow, for tests)"),
            DeviceKind::DiscreteGpu | DeviceKind::IntegratedGpu | DeviceKind::VirtualGpu => {
                format!("Graphics card: {name} ({})", device.api)
            }
        };
        Self { value: device.id.clone(), label }
    }
}

/// A search for a learning rate.
#[derive(Clone, Debug, Default)]
pub struct RateSearch {
    pub points: Vec<RatePoint>,
    /// None while it goes on.
    pub found: Option<Box<RateFound>>,
}

/// The window's knowledge.
#[derive(Debug, Default)]
pub struct State {
    pub presets: Vec<PresetInfo>,
    /// Empty until the drivers have been asked.
    pub devices: Option<Vec<DeviceChoice>>,
    /// The source that `found` speaks of.
    pub source: String,
    pub found: Found,
    /// The source that is being opened; a run waits until it is known to be usable.
    pub looking: Option<String>,
    /// What the browser knows of its pictures.
    pub gallery: Gallery,
    pub phase: Phase,
    /// A stop was asked for and has not happened yet.
    pub stopping: bool,
    /// The window closes as soon as the run is saved.
    pub closing: bool,
    /// The run going on, or the last one.
    pub run: Option<Box<RunInfo>>,
    pub summary: Option<Box<RunSummary>>,
    /// The last checkpoint of the run.
    pub checkpoint: Option<CheckpointInfo>,
    /// A run of an earlier time that was interrupted, until it is resumed or dismissed.
    pub interrupted: Option<Interrupted>,
    pub curves: Curves,
    pub last: Option<StepPoint>,
    pub pace: Option<Pace>,
    /// The search for a learning rate going on, or the last one.
    pub search: Option<RateSearch>,
    /// Rate in force, from the last update or the last change.
    pub rate: Option<f64>,
    /// Pictures measured, and of how many, while a validation goes on.
    pub evaluating: Option<(usize, usize)>,
    pub filters: Option<FilterGrid>,
    /// Counts the filter grids seen, so that a texture is made only of a new one.
    pub filters_seen: u64,
    /// The network that answers predictions.
    pub model: Option<ModelInfo>,
    /// Oldest first.
    pub predictions: Vec<Classified>,
    pub shown_prediction: Option<u64>,
    pub notices: Notices,
    /// Data sets that are known by name, and the download going on.
    pub downloads: Downloads,
    next_prediction: u64,
}

impl State {
    pub fn new(presets: Vec<PresetInfo>) -> Self {
        Self { presets, ..Self::default() }
    }

    /// A run is being made ready, going on or paused.
    pub fn busy(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// A run has begun and its updates can be paused, stepped or stopped.
    pub fn running(&self) -> bool {
        matches!(self.phase, Phase::Training | Phase::Paused)
    }

    /// A search for a learning rate is going on.
    pub fn searching(&self) -> bool {
        self.search.as_ref().is_some_and(|search| search.found.is_none())
    }

    /// The preset of that name; for none, the one that fits the data.
    pub fn preset(&self, name: Option<&str>) -> Option<&PresetInfo> {
        let fitting = match &self.found {
            Found::Ready(_, fitting) => Some(*fitting),
            _ => None,
        };
        let name = name.or(fitting)?;
        self.presets.iter().find(|preset| preset.name == name)
    }

    /// Number of classes of the pictures, once they have been looked at.
    pub fn classes(&self) -> Option<usize> {
        match &self.found {
            Found::Ready(found, _) => Some(found.classes.len()),
            _ => None,
        }
    }

    /// Mean picture and colours of the last run, if it used the source that is chosen.
    pub fn inputs_of_run(&self) -> Option<&InputStatistics> {
        let run = self.run.as_ref().filter(|run| run.config.data.source == self.source);
        run.map(|run| &run.inputs)
    }

    /// Files that the last run left out, if it used the source that is chosen.
    pub fn refused_by_run(&self) -> &[Refused] {
        match &self.run {
            Some(run) if run.config.data.source == self.source => &run.refused,
            _ => &[],
        }
    }

    /// The prediction to show large: the chosen one, or else the newest.
    pub fn prediction_in_view(&self) -> Option<&Classified> {
        let chosen = self.shown_prediction.and_then(|id| self.predictions.iter().find(|p| p.id == id));
        chosen.or(self.predictions.last())
    }

    /// A source was chosen; the browser will be asked about it.
    pub fn chose_source(&mut self, source: &str) {
        source.clone_into(&mut self.source);
        self.found = Found::Looking;
    }

    /// A run was asked for.
    pub fn asked_to_start(&mut self) {
        self.phase = Phase::Asked;
        self.stopping = false;
        self.summary = None;
    }

    /// A search for a learning rate was asked for.
    pub fn asked_to_find(&mut self) {
        self.phase = Phase::Asked;
        self.stopping = false;
        self.search = Some(RateSearch::default());
    }

    /// A picture was handed to the engine; returns the id its answer will carry.
    pub fn asked_to_classify(&mut self, name: String) -> u64 {
        self.next_prediction += 1;
        let id = self.next_prediction;
        let asked_of = self.model_and_step();
        self.add_prediction(Classified { id, name, answer: Answer::Waiting, asked_of });
        id
    }

    fn model_and_step(&self) -> String {
        let name = self.model.as_ref().map_or("", |model| &model.name);
        match self.last {
            Some(point) if self.model.as_ref().is_some_and(|m| m.file.is_none()) => {
                format!("{name} after step {}", point.step)
            }
            _ => name.to_owned(),
        }
    }

    fn add_prediction(&mut self, classified: Classified) {
        self.shown_prediction = Some(classified.id);
        self.predictions.push(classified);
        let surplus = self.predictions.len().saturating_sub(KEPT_PREDICTIONS);
        self.predictions.drain(..surplus);
    }

    pub fn remove_prediction(&mut self, id: u64) {
        self.predictions.retain(|p| p.id != id);
        if self.shown_prediction == Some(id) {
            self.shown_prediction = None;
        }
    }
}
