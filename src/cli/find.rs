//! `alexnet-lab find-lr`: a search for a learning rate in the terminal.

use serde_json::json;

use super::output::{self, Status};
use super::report::Report;
use super::session::Session;
use crate::config::RunConfig;
use crate::engine::{Command, Event, RateFound, RateRange};

/// Searches and reports what was found.
pub(super) fn run(config: RunConfig, range: RateRange, json: bool) -> Status {
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    session.send(Command::FindRate { config: Box::new(config), range });
    let mut report = Report::new(json);
    for event in session.events() {
        match event {
            Event::RateFound(found) => {
                report.end();
                return tell(&found, json);
            }
            Event::RateTried(point) if json => {
                output::object(&json!({
                    "event": "rate_tried", "rate": point.rate, "loss": point.loss, "smoothed_loss": point.smooth,
                }));
            }
            Event::Cancelled => {
                report.end();
                return output::cancelled("stopped before the search was done; nothing was written", json);
            }
            Event::Failed { message, bad_input, .. } => {
                report.end();
                return output::failure(&message, bad_input, json);
            }
            event => report.event(&event),
        }
    }
    output::failure("the engine ended without a word", false, json)
}

/// Status 1 when no rate can be suggested, so that a script does not go on without one.
fn tell(found: &RateFound, json: bool) -> Status {
    let RateFound { suggestion, exploded, folder, table, figure, points } = found;
    if json {
        let (rate, reason) = match suggestion {
            Ok(suggestion) => (Some(suggestion.rate), &suggestion.reason),
            Err(reason) => (None, reason),
        };
        output::object(&json!({
            "event": "rate_found", "rate": rate, "reason": reason, "exploded": exploded, "tried": points.len(),
            "folder": folder, "table": table, "figure": figure,
        }));
    } else {
        if let Ok(suggestion) = suggestion {
            output::line(&format!("Suggested learning rate: {}", suggestion.rate));
            output::line(&suggestion.reason);
            output::line(&format!("Train with it: --set optim.lr={}", suggestion.rate));
        }
        if let Some(path) = figure {
            output::line(&format!("Picture: {}", path.display()));
        }
        output::line(&format!("Figures of every rate: {}", table.display()));
    }
    match suggestion {
        Ok(_) => Status::Done,
        Err(reason) => {
            output::note(&format!("error: no rate can be suggested: {reason}"));
            Status::Failed
        }
    }
}
