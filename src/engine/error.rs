//! Why a run could not begin or go on.

use std::path::PathBuf;

use super::folder::FolderError;
use super::prepare::Waited;
use crate::data::DataError;

/// A run that could not begin or go on.
#[derive(Debug)]
pub(super) struct RunError {
    pub message: String,
    /// The user can mend it by asking for something else.
    pub bad_input: bool,
    /// What was kept.
    pub saved: Option<PathBuf>,
}

impl RunError {
    pub fn bad_input(message: impl Into<String>) -> Self {
        Self { message: message.into(), bad_input: true, saved: None }
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self { message: message.into(), bad_input: false, saved: None }
    }
}

impl From<DataError> for RunError {
    fn from(error: DataError) -> Self {
        Self::bad_input(error.to_string())
    }
}

impl From<FolderError> for RunError {
    fn from(error: FolderError) -> Self {
        let bad_input = !matches!(error, FolderError::Write { .. });
        Self { message: error.to_string(), bad_input, saved: None }
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
