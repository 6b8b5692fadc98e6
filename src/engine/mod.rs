//! One thread owns the device, the model and the optimiser; everyone else sends commands and reads events.

mod catalogue;
mod command;
mod control;
mod error;
mod evaluate;
mod event;
mod folder;
mod handle;
mod model;
mod outbox;
mod pace;
mod plan;
mod prepare;
mod run;
mod settings;
mod summary;
mod worker;

pub use catalogue::{PresetInfo, devices, presets};
pub use command::{Command, PictureSource, Views};
pub use event::{Event, ModelInfo, Pace, Prediction, RunInfo, RunSummary, Stage, StopReason};
pub use handle::Engine;
pub use summary::{LayerSummary, NetworkSummary, summary};
