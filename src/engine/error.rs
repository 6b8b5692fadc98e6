//! Why a run could not begin or go on.

use std::path::PathBuf;

use super::folder::FolderError;
use super::prepare::Waited;
use crate::data::{DataError, Refused};

/// A run that could not begin or go on.
#[derive(Debug)]
pub(super) struct RunError {
    pub message: String,
    /// The user can mend it by asking for something else.
    pub bad_input: bool,
    /// The device failed; another may go on.
    pub device: bool,
    /// What was kept.
    pub saved: Option<PathBuf>,
    /// The pictures that cannot be used, if there are too many of them.
    pub refused: Vec<Refused>,
}

impl RunError {
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self { bad_input: true, ..Self::internal(message) }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), bad_input: false, device: false, saved: None, refused: Vec::new() }
    }

    /// A device that no longer answers, or whose answers cannot be trusted.
    pub fn device(message: impl Into<String>) -> Self {
        Self { device: true, ..Self::internal(message) }
    }
}

impl From<DataError> for RunError {
    fn from(error: DataError) -> Self {
        let (message, bad_input) = (error.to_string(), error.is_bad_input());
        let refused = match error {
            DataError::TooManyRefused { refused, .. } => refused,
            _ => Vec::new(),
        };
        Self { bad_input, refused, ..Self::internal(message) }
    }
}

impl From<FolderError> for RunError {
    fn from(error: FolderError) -> Self {
        let bad_input = !matches!(error, FolderError::Write { .. });
        Self { bad_input, ..Self::internal(error.to_string()) }
    }
}

/// Turns a background job's end into its value; nothing if it was stopped.
pub(super) fn finished<T>(waited: Waited<Result<T, DataError>>) -> Result<Option<T>, RunError> {
    match waited {
        Waited::Done(result) => Ok(Some(result?)),
        Waited::Stopped => Ok(None),
        Waited::Broken => {
            Err(RunError::internal("something broke inside the program while it read the pictures"))
        }
    }
}
