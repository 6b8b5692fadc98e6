//! `alexnet-lab train`: a run in the terminal.

use super::output::{self, Status};
use super::report::Report;
use super::session::Session;
use crate::engine::{Command, Event, StopReason};

/// Gives the order to train and reports until the run has ended.
pub(super) fn run(order: Command, json: bool) -> Status {
    let session = match Session::start(json, true) {
        Ok(session) => session,
        Err(status) => return status,
    };
    session.send(order);
    let mut report = Report::new(json);
    for event in session.events() {
        match event {
            Event::Stopped(summary) => {
                report.stopped(&summary);
                return match summary.reason {
                    _ if session.interrupted() => Status::Interrupted,
                    StopReason::Diverged => Status::Failed,
                    StopReason::Finished | StopReason::Asked => Status::Done,
                };
            }
            Event::Cancelled => {
                report.end();
                return output::cancelled("stopped before the training began; nothing was written", json);
            }
            Event::Failed { message, bad_input, saved, run_ended } => {
                report.end();
                let status = output::failure(&message, bad_input, json);
                if let Some(path) = saved {
                    output::note(&format!("what was learned so far is in `{}`", path.display()));
                    report.hint_at_resume();
                }
                if run_ended {
                    return status;
                }
            }
            event => report.event(&event),
        }
    }
    output::failure("the engine ended without a word", false, json)
}
