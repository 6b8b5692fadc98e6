//! Checkpoints: everything that a run needs to go on as if nothing had happened, in one folder on disk.
//!
//! ```text
//! RUN/checkpoints/step-00001234/
//!     model.safetensors     the network: an ordinary model file
//!     training.safetensors  momentum (`velocity.*`) and the scores of the kept batch (`replay.logits`)
//!     config.toml           the settings with every blank filled in
//!     state.json            where the run stands
//!     checksums.txt         CRC-32, size and name of each of the others
//! ```
//! Random numbers need no place here: dropout, order, crops and colour noise follow from the seed, the update
//! and the picture alone.
//!
//! A checkpoint is filled under a temporary name, flushed file by file, and renamed ([`Checkpoint::write`]): a
//! reader never sees half of one. Reading believes nothing: sizes and sums are compared first, and every tensor
//! is checked against the network.

mod files;
mod shelf;
mod state;
mod tensors;

use std::path::PathBuf;

pub use files::{Written, read_state};
pub use shelf::{Kept, Shelf};
pub use state::{Best, DataMark, Mark, Parent, Replay, State};

use super::Velocities;
use crate::model::{ModelFile, plain};

/// Everything that a run needs to go on. `W` holds the values of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<W = Vec<f32>> {
    pub state: State,
    /// The settings as TOML.
    pub config: String,
    pub model: ModelFile<W>,
    pub velocities: Velocities<W>,
    /// Scores `[pictures, classes]` of the kept batch ([`State::replay`]).
    pub replay: Vec<f32>,
}

/// A checkpoint that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint `{path}` is damaged: {}", plain(.reason))]
    Damaged { path: PathBuf, reason: String },
    #[error("the checkpoint `{path}` was written by a newer version of this program; please update")]
    Newer { path: PathBuf },
    /// The disk does not answer now; that says nothing of the checkpoint.
    #[error("the checkpoint `{path}` cannot be read just now: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("cannot write the checkpoint `{path}`: {reason}")]
    Write { path: PathBuf, reason: String },
}
