//! `alexnet-lab eval`: how well a model file does on a data set.

use super::EvalArgs;
use super::output::{self, Status};
use super::report::Report;
use super::session::Session;
use crate::config::DataConfig;
use crate::engine::{Command, Event};

/// Loads the model, measures, reports.
pub(super) fn run(args: EvalArgs) -> Status {
    let EvalArgs { model_file, data, views, device, json } = args;
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    session.send(Command::Load { path: model_file, device });
    let mut report = Report::new(json);
    for event in session.events() {
        match event {
            Event::Loaded(_) => {
                let data = DataConfig { source: data.clone(), ..DataConfig::default() };
                session.send(Command::Evaluate { data, views });
            }
            Event::Evaluation(point) => {
                report.end();
                if json {
                    report.evaluation(&point);
                } else {
                    output::line(&format!(
                        "loss {:.4}, top-1 error {:.2} %, top-5 error {:.2} % on {} validation pictures of {data}",
                        point.loss,
                        point.top1_error * 100.0,
                        point.top5_error * 100.0,
                        point.n
                    ));
                }
                return Status::Done;
            }
            Event::Cancelled => {
                report.end();
                return Status::Interrupted;
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
