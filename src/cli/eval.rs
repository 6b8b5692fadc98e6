//! `alexnet-lab eval`: how well a model file does on a data set.

use std::cmp::Ordering;
use std::path::Path;

use serde_json::json;

use super::EvalArgs;
use super::output::{self, Status};
use super::report::Report;
use super::session::Session;
use crate::config::{DataConfig, RunConfig};
use crate::engine::{self, Command, Event};
use crate::vis::{ClassResult, Evaluation};

/// Classes, and kinds of mistakes, that are named.
const SHOWN: usize = 5;

/// Loads the model, measures, reports.
pub(super) fn run(args: EvalArgs) -> Status {
    let EvalArgs { model_file, data, corrections, views, tables, device, json } = args;
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let mut settings = split_of(&model_file, &data);
    settings.corrections = corrections.or(settings.corrections);
    session.send(Command::Load { path: model_file, device });
    let mut report = Report::new(json);
    for event in session.events() {
        match event {
            Event::Loaded(_) => {
                session.send(Command::Evaluate { data: settings.clone(), views });
            }
            // What is wanted is the whole of it, which follows.
            Event::Evaluation(_) => {}
            Event::Evaluated(evaluation) => {
                report.end();
                return tell(&evaluation, &report, tables.as_deref(), json);
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

/// Prints what was measured and writes the tables.
fn tell(evaluation: &Evaluation, report: &Report, tables: Option<&Path>, json: bool) -> Status {
    if json {
        report.evaluation(&evaluation.point);
    } else {
        sentences(evaluation).iter().for_each(|line| output::line(line));
    }
    let Some(folder) = tables else { return Status::Done };
    match engine::write_evaluation(evaluation, folder) {
        Ok(paths) if json => output::object(&json!({ "event": "tables", "paths": paths })),
        Ok(paths) => paths.iter().for_each(|path| output::line(&format!("table: {}", path.display()))),
        Err(error) => return output::failure(&error.to_string(), true, json),
    }
    Status::Done
}

/// The figures of the whole, then the classes that fare worst and the mistakes made most often.
fn sentences(evaluation: &Evaluation) -> Vec<String> {
    let point = &evaluation.point;
    let percent = |share: f64| share * 100.0;
    let mut lines = vec![format!(
        "loss {:.4}, top-1 error {:.2} %, top-5 error {:.2} % on {} validation pictures of {}",
        point.loss,
        percent(point.top1_error),
        percent(point.top5_error),
        point.n,
        evaluation.source
    )];
    let mut classes: Vec<(&String, ClassResult)> =
        evaluation.classes.iter().zip(evaluation.class_results()).collect();
    classes.retain(|(_, result)| result.right < result.pictures);
    classes.sort_by(|(_, a), (_, b)| b.top1_error().partial_cmp(&a.top1_error()).unwrap_or(Ordering::Equal));
    for (class, result) in classes.iter().take(SHOWN) {
        let wrong = result.pictures - result.right;
        let error = percent(result.top1_error().unwrap_or_default());
        lines.push(format!("  {class}: {wrong} of {} wrong, top-1 error {error:.1} %", result.pictures));
    }
    for (label, best, times) in evaluation.confusions().into_iter().take(SHOWN) {
        let name = |class: u32| &evaluation.classes[class as usize];
        let times = if times == 1 { "once".into() } else { format!("{times} times") };
        lines.push(format!("  {} taken for {}, {times}", name(label), name(best)));
    }
    lines
}

/// How the pictures of `source` are divided: as in the run that made the model, if it lies in its run folder and
/// was trained on the same source, so that what is measured was held back then too.
pub(super) fn split_of(model_file: &Path, source: &str) -> DataConfig {
    let standard = DataConfig { source: source.into(), ..DataConfig::default() };
    let config = model_file.with_file_name("config.toml");
    match RunConfig::load(Some(&config), &[]) {
        Ok(mut run) if run.data.source == source => {
            // The run's own list lies beside it, also where its folder was moved.
            let list =
                run.data.corrections.map(|named| (model_file.with_file_name("corrections.csv"), named));
            run.data.corrections = list.map(|(own, named)| if own.exists() { own } else { named });
            if run.data != standard {
                output::note(&format!("pictures are held back as in `{}`", config.display()));
            }
            run.data
        }
        _ => standard,
    }
}
