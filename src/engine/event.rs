//! What the engine reports.

use std::path::PathBuf;

use crate::config::RunConfig;
use crate::data::{Description, Refused};
pub use crate::infer::Prediction;
use crate::vis::{EvaluationPoint, FilterGrid, StepPoint};

/// A report from the engine.
#[derive(Clone, Debug)]
pub enum Event {
    /// What is at a data source, and the preset that fits its pictures; or why it cannot be used.
    Described {
        source: String,
        result: Result<(Description, &'static str), String>,
    },
    /// A run was asked for and its data are being made ready. `done` of `total` in the unit of `stage`.
    Preparing {
        stage: Stage,
        done: usize,
        total: usize,
    },
    /// Data, model and device are ready; updates begin.
    Started(Box<RunInfo>),
    /// Stopped while being made ready; nothing was written.
    Cancelled,
    /// One update was made.
    Step(StepPoint, Pace),
    /// The validation split is being measured. `done` of `total` pictures.
    Evaluating {
        done: usize,
        total: usize,
    },
    /// The validation split was measured.
    Evaluation(EvaluationPoint),
    /// First-layer kernels as they are now. Sent about twice a second while training.
    Filters(FilterGrid),
    Paused {
        step: u64,
    },
    Resumed,
    /// The learning rate was set by hand; in force from `step` on.
    RateSet {
        step: u64,
        rate: f64,
    },
    /// A model for predictions is at hand, from a file.
    Loaded(Box<ModelInfo>),
    /// A model file was written.
    Saved {
        path: PathBuf,
    },
    Prediction {
        id: u64,
        name: String,
        result: Result<Prediction, String>,
    },
    /// Something the user should know; the run goes on.
    Warning(String),
    /// The run ended and everything is written.
    Stopped(Box<RunSummary>),
    /// A command could not be carried out. With `run_ended`, the run it belonged to is over;
    /// `saved` is what could be kept of it.
    Failed {
        message: String,
        run_ended: bool,
        bad_input: bool,
        saved: Option<PathBuf>,
    },
}

/// What is being made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looking for pictures.
    Scanning,
    /// Decoding pictures.
    Decoding,
    /// Opening the device and building the network.
    Model,
}

impl Stage {
    /// A phrase for a progress line.
    pub fn words(self) -> &'static str {
        match self {
            Self::Scanning => "Looking for pictures",
            Self::Decoding => "Decoding pictures",
            Self::Model => "Building the network",
        }
    }
}

/// A run as it begins.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The settings with every blank filled in.
    pub config: RunConfig,
    pub model: ModelInfo,
    pub data: Description,
    pub refused: Vec<Refused>,
    pub device: String,
    /// Why this device.
    pub device_reason: String,
    /// The run folder.
    pub folder: PathBuf,
    /// Updates an epoch.
    pub steps_per_epoch: u64,
    /// Updates in the whole run.
    pub total_steps: u64,
}

/// A network, as far as a person wants to see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelInfo {
    /// The preset's name.
    pub name: String,
    pub parameters: usize,
    /// Multiply-adds of one forward pass of one picture.
    pub multiply_adds: usize,
    /// Side of the square input in pixels.
    pub input_side: u32,
    pub classes: Vec<String>,
    /// The file it was loaded from, if any.
    pub file: Option<PathBuf>,
}

/// Wall-clock figures of a step. Kept apart from [`StepPoint`], which only the seed decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub images_per_s: f64,
    /// Seconds until the run ends at this pace, validation included.
    pub eta_s: f64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// All epochs or steps are done.
    Finished,
    /// Somebody asked for it.
    Asked,
    /// The loss is no longer a number.
    Diverged,
}

/// A run as it ended.
#[derive(Clone, Debug)]
pub struct RunSummary {
    pub reason: StopReason,
    pub step: u64,
    /// The last measurement of the validation split, if there was one.
    pub evaluation: Option<EvaluationPoint>,
    pub folder: PathBuf,
    /// The model file; none if no update was worth keeping.
    pub model_file: Option<PathBuf>,
    /// Pictures of the curves and of the first layer.
    pub figures: Vec<PathBuf>,
    pub seconds: f64,
}
