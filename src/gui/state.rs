//! Everything the window knows, as plain data. Events change it, panels read it, and none of it needs a
//! window, so that all of it can be tested without one.

use std::path::{Path, PathBuf};

use super::curves::Curves;
use super::format::{figures, sentence};
use super::notice::{Notices, Severity};
use crate::data::Description;
use crate::device::{DeviceInfo, DeviceKind};
use crate::engine::{
    Event, ModelInfo, Pace, Prediction, PresetInfo, RateFound, RunChange, RunInfo, RunSummary, Stage,
    StopReason,
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
    /// The source that the engine is looking at; it takes no other such order meanwhile.
    pub looking: Option<String>,
    pub phase: Phase,
    /// A stop was asked for and has not happened yet.
    pub stopping: bool,
    /// The window closes as soon as the run is saved.
    pub closing: bool,
    /// The run going on, or the last one.
    pub run: Option<Box<RunInfo>>,
    pub summary: Option<Box<RunSummary>>,
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

    /// The prediction to show large: the chosen one, or else the newest.
    pub fn prediction_in_view(&self) -> Option<&Classified> {
        let chosen = self.shown_prediction.and_then(|id| self.predictions.iter().find(|p| p.id == id));
        chosen.or(self.predictions.last())
    }

    /// A source was chosen; the engine will be asked about it.
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

    /// Takes in one report of the engine. Reports that do not fit the present phase change nothing.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Described { source, result } => self.described(&source, result),
            Event::Preparing { stage, done, total } => {
                // While idle it belongs to a look at a data source, which is no run.
                if matches!(self.phase, Phase::Asked | Phase::Preparing { .. }) {
                    self.phase = Phase::Preparing { stage, done, total };
                }
            }
            Event::Started(info) => self.started(info),
            Event::Step(point, pace) => self.stepped(point, pace),
            Event::Evaluating { done, total } => {
                if self.running() {
                    self.evaluating = Some((done, total));
                }
            }
            Event::Evaluation(point) => {
                self.evaluating = None;
                if self.run.is_some() {
                    self.curves.push_evaluation(point);
                }
            }
            Event::Filters(grid) => {
                if drawable(&grid) {
                    self.filters = Some(grid);
                    self.filters_seen += 1;
                }
            }
            Event::Paused { .. } => {
                if self.running() {
                    self.phase = Phase::Paused;
                }
            }
            Event::Resumed => {
                if self.running() {
                    self.phase = Phase::Training;
                }
            }
            Event::RateSet { rate, .. } => self.rate_set(rate),
            Event::Changed { epoch, change, .. } => self.changed(epoch, &change),
            Event::RateTried(point) => {
                if let Some(search) = self.search.as_mut().filter(|search| search.found.is_none()) {
                    search.points.push(point);
                }
            }
            Event::RateFound(found) => self.rate_found(found),
            Event::Loaded(model) => {
                self.notices.push(Severity::Info, format!("Opened the model {}.", describe_model(&model)));
                self.model = Some(*model);
                if !self.running() {
                    self.last = None;
                }
            }
            Event::Saved { path } => self.saved(&path),
            Event::Prediction { id, name, result } => self.predicted(id, name, result),
            Event::Warning(text) => self.notices.push(Severity::Warning, sentence(&text)),
            Event::Cancelled => self.ended(),
            Event::Stopped(summary) => self.stopped(summary),
            Event::Failed { message, run_ended, saved, .. } => {
                // A start that is refused before anything was made ready leaves no run either.
                if run_ended || self.phase == Phase::Asked {
                    self.ended();
                }
                let kept = saved.map(|path| format!(" What was learned is kept in {}.", path.display()));
                self.notices.push(Severity::Error, sentence(&message) + &kept.unwrap_or_default());
            }
        }
    }

    fn described(&mut self, source: &str, result: Result<(Description, &'static str), String>) {
        self.looking = None;
        // An answer about a source that is no longer chosen.
        if source != self.source {
            return;
        }
        self.found = match result {
            Ok((description, preset)) => Found::Ready(description, preset),
            Err(reason) => Found::Unusable(sentence(&reason)),
        };
    }

    fn started(&mut self, info: Box<RunInfo>) {
        self.phase = Phase::Training;
        self.curves = Curves::new(info.steps_per_epoch);
        self.last = None;
        self.pace = None;
        self.evaluating = None;
        self.filters = None;
        self.summary = None;
        self.rate = info.config.optim.lr;
        self.model = Some(info.model.clone());
        self.run = Some(info);
    }

    fn stepped(&mut self, point: StepPoint, pace: Pace) {
        if !self.running() {
            return;
        }
        self.evaluating = None;
        self.curves.push_step(&point);
        if self.last.is_none_or(|last| last.step < point.step) {
            self.rate = Some(point.lr);
            self.last = Some(point);
        }
        self.pace = Some(pace);
    }

    fn rate_set(&mut self, rate: f64) {
        if self.running() {
            self.rate = Some(rate);
            self.curves.rate_changes.push((self.last.map_or(0.0, |point| point.epoch), rate));
        }
    }

    fn changed(&mut self, epoch: f64, change: &RunChange) {
        if !self.running() {
            return;
        }
        if let RunChange::PlannedRate(rate) | RunChange::PlateauRate(rate) = *change {
            self.rate = Some(rate);
            self.curves.rate_changes.push((epoch, rate));
        }
        // What was planned for the rate stands in the plot; the rest would otherwise go unseen.
        if !matches!(change, RunChange::PlannedRate(_)) {
            let text = format!("Epoch {}: {}.", figures(epoch), change.words());
            self.notices.push(Severity::Info, text);
        }
    }

    fn rate_found(&mut self, found: Box<RateFound>) {
        if self.search.is_some() {
            self.search = Some(RateSearch { points: found.points.clone(), found: Some(found) });
            self.ended();
        }
    }

    fn predicted(&mut self, id: u64, name: String, result: Result<Prediction, String>) {
        let answer = match result {
            Ok(prediction) => Answer::Ready(prediction),
            Err(reason) => Answer::Failed(sentence(&reason)),
        };
        // An answer to a picture that was removed meanwhile is not wanted any more.
        if let Some(entry) = self.predictions.iter_mut().find(|p| p.id == id) {
            entry.name = name;
            entry.answer = answer;
        }
    }

    /// What a run writes into its own folder is told in its summary; only a save that was asked for is news.
    fn saved(&mut self, path: &Path) {
        if !self.run.as_ref().is_some_and(|run| path.starts_with(&run.folder)) {
            self.notices.push(Severity::Info, format!("Saved the model to {}", absolute(path).display()));
        }
    }

    fn stopped(&mut self, mut summary: Box<RunSummary>) {
        self.ended();
        summary.folder = absolute(&summary.folder);
        summary.model_file = summary.model_file.as_deref().map(absolute);
        if let (Some(point), true) = (summary.evaluation, self.run.is_some()) {
            self.curves.push_evaluation(point);
        }
        if summary.reason == StopReason::Diverged {
            self.notices.push(
                Severity::Error,
                "The loss is no longer a number: the network has diverged. Start again with a learning rate ten times \
                 smaller.",
            );
        }
        self.summary = Some(summary);
    }

    fn ended(&mut self) {
        self.phase = Phase::Idle;
        self.stopping = false;
        self.evaluating = None;
        self.pace = None;
        // A search that ended without a result leaves nothing to show.
        self.search = self.search.take().filter(|search| search.found.is_some());
    }
}

/// The whole path, which alone is of use once it is copied elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a grid holds as many weights as it says, so that it can be drawn.
fn drawable(grid: &FilterGrid) -> bool {
    let area = grid.kernels.checked_mul(3 * grid.side * grid.side);
    grid.kernels > 0 && grid.side > 0 && grid.columns > 0 && area == Some(grid.weights.len())
}

fn describe_model(model: &ModelInfo) -> String {
    match &model.file {
        Some(file) => format!("{} from {}", model.name, file.display()),
        None => model.name.clone(),
    }
}
