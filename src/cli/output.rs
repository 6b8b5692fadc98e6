//! Standard output, standard error, and the status a program leaves behind.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Done,
    Failed,
    /// Bad usage or bad input.
    BadInput,
    /// Stopped by a signal, with everything saved.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::BadInput => 2,
            Status::Interrupted => 130,
        })
    }
}

/// Writes a line to standard output. A reader that has gone away, as `head` does, is no error.
pub(super) fn line(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes the rows of a report to standard output: titles, empty where the last one goes on, and texts.
pub(super) fn rows(rows: &[(&str, String)]) {
    rows.iter().for_each(|(title, text)| line(&format!("{title:<12} {text}")));
}

/// Writes a line to standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes one JSON object.
pub(super) fn object(value: &Value) {
    line(&value.to_string());
}

/// Reports a failure to people and, if asked, to scripts.
pub(super) fn failure(message: &str, bad_input: bool, json: bool) -> Status {
    note(&format!("error: {message}"));
    if json {
        object(&json!({ "event": "failed", "message": message }));
    }
    if bad_input { Status::BadInput } else { Status::Failed }
}

/// Reports work that somebody stopped before there was anything to keep.
pub(super) fn cancelled(message: &str, json: bool) -> Status {
    note(message);
    if json {
        object(&json!({ "event": "stopped", "reason": "stopped" }));
    }
    Status::Interrupted
}

/// Reports input that cannot be used.
pub(super) fn bad_input(message: &str, json: bool) -> Status {
    failure(message, true, json)
}
