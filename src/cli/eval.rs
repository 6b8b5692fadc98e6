//! `alexnet-lab eval`: how well a model file does on a data set.

use std::path::Path;

use super::EvalArgs;
use super::output::{self, Status};
use super::report::Report;
use super::session::Session;
use crate::config::{DataConfig, RunConfig};
use crate::engine::{Command, Event};

/// Loads the model, measures, reports.
pub(super) fn run(args: EvalArgs) -> Status {
    let EvalArgs { model_file, data, views, device, json } = args;
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let settings = split_of(&model_file, &data);
    session.send(Command::Load { path: model_file, device });
    let mut report = Report::new(json);
    for event in session.events() {
        match event {
            Event::Loaded(_) => {
                session.send(Command::Evaluate { data: settings.clone(), views });
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
                return output::cancelled("stopped before the measurement was done", json);
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

/// How the pictures of `source` are divided: as in the run that made the model, if it lies in its run folder and
/// was trained on the same source, so that what is measured was held back then too.
fn split_of(model_file: &Path, source: &str) -> DataConfig {
    let standard = DataConfig { source: source.into(), ..DataConfig::default() };
    let config = model_file.with_file_name("config.toml");
    match RunConfig::load(Some(&config), &[]) {
        Ok(run) if run.data.source == source => {
            if run.data != standard {
                output::note(&format!("pictures are held back as in {}", config.display()));
            }
            run.data
        }
        _ => standard,
    }
}
