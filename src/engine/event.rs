//! What the engine reports.

use std::path::PathBuf;
use std::sync::Arc;

use super::inquiry::InquiryNews;
use super::inspect::Inspected;
use super::memory::MemoryNeed;
use super::statistics::InputStatistics;
use crate::config::RunConfig;
use crate::data::{Description, Refused};
pub use crate::infer::{Prediction, Truth, Vote};
pub use crate::train::Suggestion;
use crate::vis::{Evaluation, EvaluationPoint, FilterGrid, History, LayerKernels, RatePoint, StepPoint};

/// A report from the engine.
#[derive(Clone, Debug)]
pub enum Event {
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
    /// The validation split was measured on request, picture by picture.
    Evaluated(Arc<Evaluation>),
    /// First-layer kernels as they are now. Sent about twice a second while training.
    Filters(FilterGrid),
    /// The same, kept as a frame of the run's [film](super::film).
    Film(FilterGrid),
    /// The kernels of a convolution, as asked for.
    Kernels(Box<LayerKernels>),
    Paused {
        step: u64,
    },
    Resumed,
    /// The learning rate was set by hand; in force from `step` on.
    RateSet {
        step: u64,
        rate: f64,
    },
    /// Something planned, or decided by a validation, is in force from `step` on.
    Changed {
        step: u64,
        epoch: f64,
        change: RunChange,
    },
    /// A search for a learning rate has tried one more.
    RateTried(RatePoint),
    /// A search for a learning rate has ended and everything is written.
    RateFound(Box<RateFound>),
    /// A model for predictions is at hand, from a file.
    Loaded(Box<ModelInfo>),
    /// A checkpoint was written.
    Checkpoint(CheckpointInfo),
    /// A model file was written.
    Saved {
        path: PathBuf,
    },
    Prediction {
        id: u64,
        name: String,
        result: Result<Prediction, String>,
    },
    /// A report about [`Command::Inspect`](super::Command::Inspect).
    Inspected(Box<Inspected>),
    /// An answer to an [`Inquiry`](super::Inquiry).
    Inquiry(InquiryNews),
    /// Something worth knowing; nothing is wrong.
    Note(String),
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
    /// Reading what an earlier run has left.
    Checkpoint,
    /// Looking for pictures.
    Scanning,
    /// Decoding pictures.
    Decoding,
    /// Opening the device and building the network.
    Model,
    /// Trying learning rates.
    FindingRate,
}

impl Stage {
    /// A phrase for a progress line.
    pub fn words(self) -> &'static str {
        match self {
            Self::Checkpoint => "Reading the checkpoint",
            Self::Scanning => "Looking for pictures",
            Self::Decoding => "Decoding pictures",
            Self::Model => "Building the network",
            Self::FindingRate => "Trying learning rates",
        }
    }
}

/// What has changed in the course of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunChange {
    /// The schedule has divided the weights' rate; now it is this.
    PlannedRate(f64),
    /// The validation error has stopped falling and the weights' rate was divided by 10; now it is this.
    PlateauRate(f64),
    /// These layers learn at this multiple of the rate; 0 is frozen.
    Layers { layers: Vec<String>, scale: f64 },
    /// Strength of the colour noise.
    ColourStrength(f64),
}

impl RunChange {
    /// A sentence for people, without its full stop.
    pub fn words(&self) -> String {
        match self {
            Self::PlannedRate(rate) => format!("the learning rate is {} now, as planned", short(*rate)),
            Self::PlateauRate(rate) => {
                format!("the validation error has stopped falling: the learning rate is {} now", short(*rate))
            }
            Self::Layers { layers, scale } => {
                let (names, one) = (layers.join(", "), layers.len() == 1);
                match (*scale, one) {
                    (0.0, true) => format!("{names} is frozen now"),
                    (0.0, false) => format!("{names} are frozen now"),
                    (1.0, true) => format!("{names} learns at the full rate now"),
                    (1.0, false) => format!("{names} learn at the full rate now"),
                    (scale, true) => format!("{names} learns at {} times the rate now", short(scale)),
                    (scale, false) => format!("{names} learn at {} times the rate now", short(scale)),
                }
            }
            Self::ColourStrength(0.0) => "there is no colour noise any more".into(),
            Self::ColourStrength(strength) => {
                format!("the colour noise has strength {} now", short(*strength))
            }
        }
    }
}

/// Three significant digits, without trailing zeros.
fn short(value: f64) -> String {
    let rounded = format!("{value:.2e}").parse::<f64>().unwrap_or(value);
    if rounded != 0.0 && !(1e-4..1e6).contains(&rounded.abs()) {
        format!("{rounded:e}")
    } else {
        rounded.to_string()
    }
}

/// A search for a learning rate as it ended.
#[derive(Clone, Debug)]
pub struct RateFound {
    /// Everything that was tried, in order.
    pub points: Vec<RatePoint>,
    /// A rate to start with; or why none can be told.
    pub suggestion: Result<Suggestion, String>,
    /// The rate at which the loss exploded, if it did.
    pub exploded: Option<f64>,
    pub folder: PathBuf,
    /// All points as CSV.
    pub table: PathBuf,
    /// The curve as a picture; none if it could not be drawn.
    pub figure: Option<PathBuf>,
}

/// A run as it begins.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The settings with every blank filled in.
    pub config: RunConfig,
    pub model: ModelInfo,
    pub data: Description,
    pub refused: Vec<Refused>,
    /// Mean picture and colours.
    pub inputs: InputStatistics,
    pub device: String,
    /// Why this device.
    pub device_reason: String,
    /// What it will take of the device's memory.
    pub memory: MemoryNeed,
    /// The run folder.
    pub folder: PathBuf,
    /// Updates an epoch.
    pub steps_per_epoch: u64,
    /// Updates in the whole run.
    pub total_steps: u64,
    /// What it goes on from, if it does not begin anew.
    pub taken_up: Option<TakenUp>,
}

/// A checkpoint that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// Updates made before it.
    pub step: u64,
    pub path: PathBuf,
    /// Space it takes.
    pub bytes: u64,
    /// Checkpoints of the run that are kept, and their space.
    pub kept: usize,
    pub total_bytes: u64,
}

/// How a run goes on with what an earlier one has left.
#[derive(Clone, Debug)]
pub struct TakenUp {
    /// Updates that had been made.
    pub step: u64,
    /// The checkpoint it goes on from; the run folder if there was none yet and the run begins again.
    pub from: PathBuf,
    /// Whether it is a branch, in a folder of its own.
    pub branch: bool,
    /// Largest difference of the kept batch's scores from what they were; 0 if they are identical. None if there
    /// was nothing to compare.
    pub replay_difference: Option<f64>,
    /// The curves so far.
    pub history: History,
}

/// The checkpoints of a run as it ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoints {
    /// The last one: its step and its folder.
    pub last: Option<(u64, PathBuf)>,
    /// The best by validation, if it is kept: its top-1 error and its folder.
    pub best: Option<(f64, PathBuf)>,
    /// How many are kept, and the space they take.
    pub kept: usize,
    pub bytes: u64,
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
    /// Side of the squares that pictures are brought to before the middle is cut out.
    pub stored_side: u32,
    pub classes: Vec<String>,
    /// Names of its convolutions, the first one first.
    pub convolutions: Vec<String>,
    /// The file it was loaded from, if any.
    pub file: Option<PathBuf>,
}

/// Wall-clock figures of a step. Kept apart from [`StepPoint`], which only the seed decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    pub images_per_s: f64,
    /// Seconds until the run ends at this pace, validation included.
    pub eta_s: f64,
    /// Share of the time that is spent waiting for pictures, 0 to 1.
    pub waiting: f64,
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
    /// Seconds from the beginning, earlier parts of the run included.
    pub seconds: f64,
    pub checkpoints: Checkpoints,
    /// Where a loss that is no number came from, if it was seen.
    pub trouble: Option<String>,
}
