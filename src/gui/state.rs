//! Everything the window knows, as plain data. The engine's reports change it (`reports`), panels read it, and
//! none of it needs a window, so that all of it can be tested without one.

use std::path::Path;

use super::asked::Asked;
use super::corrections::CorrectionList;
use super::curves::Curves;
use super::downloads::Downloads;
use super::film::Film;
use super::gallery::Gallery;
use super::layers::Layers;
use super::measured::Measured;
use super::notice::Notices;
use super::runs::Runs;
use crate::config::Init;
use crate::data::{Description, Refused};
use crate::device::{DeviceInfo, DeviceKind};
use crate::engine::{
    CheckpointInfo, Diagnosis, Finding, InputStatistics, Interrupted, KeptCheckpoint, ModelInfo, Pace,
    PictureSource, Prediction, PresetInfo, RateFound, RunInfo, RunSummary, Stage, TakeUp, diagnose,
};
use crate::vis::{FilterGrid, LayerKernels, RatePoint, StepPoint};

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

/// Whether the window is to be closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closing {
    #[default]
    No,
    /// There was a wish to, and a run goes on: the question is whether it is meant.
    Asked,
    /// As soon as the run is saved.
    Saving,
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
    /// The picture itself, to ask about it again.
    pub source: Option<PictureSource>,
}

/// A device a run can be asked to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceChoice {
    /// The value of the setting `run.device`.
    pub value: String,
    pub label: String,
    /// Its bare name.
    pub name: String,
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
        Self { value: device.id.clone(), label, name: name.clone() }
    }
}

/// A search for a learning rate.
#[derive(Clone, Debug, Default)]
pub struct RateSearch {
    pub points: Vec<RatePoint>,
    /// None while it goes on.
    pub found: Option<Box<RateFound>>,
}

/// What is done once the run going on has been saved.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Go on from a checkpoint, at this rate if one is given.
    TakeUp(TakeUp, Option<f64>),
    /// Begin a new run with the settings of the draft.
    Start,
    /// Search for a rate.
    FindRate,
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
    /// What a person has put right about them.
    pub corrections: CorrectionList,
    pub phase: Phase,
    /// A stop was asked for and has not happened yet.
    pub stopping: bool,
    pub closing: Closing,
    /// The run going on, or the last one.
    pub run: Option<Box<RunInfo>>,
    pub summary: Option<Box<RunSummary>>,
    /// The last checkpoint of the run.
    pub checkpoint: Option<CheckpointInfo>,
    /// A run of an earlier time that was interrupted, until it is resumed or dismissed.
    pub interrupted: Option<Interrupted>,
    pub curves: Curves,
    /// The curves of the run that the present one is a branch of.
    pub parent_curves: Option<Curves>,
    /// What ails the run, if anything, until it is dismissed.
    pub diagnosis: Option<Diagnosis>,
    /// A remedy that was dismissed is not offered again in the same run.
    pub(super) dismissed: Vec<std::mem::Discriminant<Finding>>,
    /// Updates after which the run is looked at again.
    pub(super) next_look: usize,
    /// The checkpoints of the run that the sheet is about, once somebody has asked for them.
    pub checkpoints: Option<Vec<KeptCheckpoint>>,
    /// What the engine goes on with as soon as the run going on has been saved.
    pub(super) afterwards: Option<Next>,
    pub last: Option<StepPoint>,
    pub pace: Option<Pace>,
    /// Memory that the program takes, and memory of the computer that is free, in bytes; where the system tells.
    pub memory: Option<u64>,
    pub free_memory: Option<u64>,
    /// The search for a learning rate going on, or the last one.
    pub search: Option<RateSearch>,
    /// Rate in force, from the last update or the last change.
    pub rate: Option<f64>,
    /// Pictures measured, and of how many, while a validation goes on.
    pub evaluating: Option<(usize, usize)>,
    /// The validation pictures are being measured on request.
    pub measuring: bool,
    /// The last measurement on request.
    pub measured: Option<Measured>,
    /// Counts the measurements, so that what is worked out of one is worked out once.
    pub measurements: u64,
    pub filters: Option<FilterGrid>,
    /// Counts the filter grids seen, so that a texture is made only of a new one.
    pub filters_seen: u64,
    /// How the first layer formed.
    pub film: Film,
    /// The film of another run that was opened; it is shown instead.
    pub opened_film: Option<Film>,
    films_opened: u64,
    /// Kernels of the convolution that was asked for last.
    pub kernels: Option<Box<LayerKernels>>,
    /// Counts the kernels seen, so that a texture is made only of new ones.
    pub kernels_seen: u64,
    /// The network that answers predictions.
    pub model: Option<ModelInfo>,
    /// Oldest first.
    pub predictions: Vec<Classified>,
    pub shown_prediction: Option<u64>,
    /// Folders, and training pictures most alike.
    pub asked: Asked,
    pub notices: Notices,
    /// The runs of a folder, to compare them.
    pub runs: Runs,
    /// What has been found out about the inside of the network.
    pub layers: Layers,
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

    /// The film to show.
    pub fn film_in_view(&self) -> &Film {
        self.opened_film.as_ref().unwrap_or(&self.film)
    }

    /// The film of a run was read from its folder.
    pub fn film_read(&mut self, run: &Path, frames: Vec<FilterGrid>) {
        if self.film.run.as_deref() == Some(run) {
            self.film.read(run, frames);
        } else {
            self.films_opened += 1;
            // Far from the numbers of the runs' own films.
            self.opened_film = Some(Film::opened(run, frames, self.films_opened << 16));
        }
    }

    /// Top-5 error says something: there are more than five classes.
    pub fn top5_counts(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.model.classes.len() > 5)
    }

    /// Looks for what ails the run.
    pub(super) fn look_after(&mut self) {
        let Some(run) = &self.run else { return };
        let mut course = self.curves.course();
        course.classes = run.model.classes.len();
        course.rate = self.rate.unwrap_or(course.rate);
        course.kept = self.checkpoint.is_some();
        course.weights_by_inputs =
            run.config.model.from.is_some() || run.config.model.init == Some(Init::FanIn);
        let found = diagnose(&course);
        self.diagnosis =
            found.filter(|diagnosis| !self.dismissed.contains(&std::mem::discriminant(&diagnosis.finding)));
    }

    /// The diagnosis was read; it is not shown again in this run.
    pub fn dismiss_diagnosis(&mut self) {
        if let Some(diagnosis) = self.diagnosis.take() {
            self.dismissed.push(std::mem::discriminant(&diagnosis.finding));
        }
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

    /// Classes of the pictures, once they have been looked at.
    pub fn found_classes(&self) -> Option<&Vec<String>> {
        match &self.found {
            Found::Ready(found, _) => Some(&found.classes),
            _ => None,
        }
    }

    /// Number of classes of the pictures, once they have been looked at.
    pub fn classes(&self) -> Option<usize> {
        self.found_classes().map(Vec::len)
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

    /// A measurement of the validation pictures was asked for.
    pub fn asked_to_measure(&mut self) {
        // The network of a paused run is measured without ending the pause.
        if !self.running() {
            self.phase = Phase::Asked;
            self.stopping = false;
        }
        self.measuring = true;
        self.evaluating = None;
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
        self.add_prediction(Classified { id, name, answer: Answer::Waiting, asked_of, source: None });
        id
    }

    /// A picture was handed to the engine again; its last answer stays until the new one comes. Nothing if the picture
    /// itself is not kept.
    pub fn asked_again(&mut self, id: u64) -> Option<PictureSource> {
        let asked_of = self.model_and_step();
        let entry = self.predictions.iter_mut().find(|p| p.id == id)?;
        let source = entry.source.clone()?;
        entry.asked_of = asked_of;
        Some(source)
    }

    /// The network that would answer now, and how far it is.
    pub fn model_and_step(&self) -> String {
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
        self.asked.alike.remove(&id);
        if self.shown_prediction == Some(id) {
            self.shown_prediction = None;
        }
    }
}
