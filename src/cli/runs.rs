//! `alexnet-lab runs` and `alexnet-lab report`: what earlier runs were and how they went.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{self, Status};
use super::stop;
use crate::engine::{self, RunRecord};
use crate::words;

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// The folder that holds them
    #[arg(value_name = "FOLDER", default_value = "runs")]
    folder: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Run folders, or folders that hold several
    #[arg(value_name = "RUN_DIR", required = true)]
    runs: Vec<PathBuf>,
    /// The page to write: one HTML file with everything in it
    #[arg(long, value_name = "FILE.html", default_value = "report.html")]
    out: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// Lists the runs of a folder with their settings that differ.
pub(super) fn list(args: RunsArgs) -> Status {
    let RunsArgs { folder, json } = args;
    let records = match found(&[folder], json) {
        Ok(records) => records,
        Err(status) => return status,
    };
    if json {
        records.iter().for_each(object);
    } else {
        records.iter().for_each(|record| output::line(&sentence(record)));
        let configs: Vec<_> = records.iter().map(|record| &record.config).collect();
        for difference in engine::differences(&configs) {
            output::line(&format!("{}:", difference.setting));
            for (record, value) in records.iter().zip(difference.values) {
                output::line(&format!("  {}  {}", record.name(), value.as_deref().unwrap_or("–")));
            }
        }
    }
    Status::Done
}

/// Writes a page about some runs.
pub(super) fn report(args: ReportArgs) -> Status {
    let ReportArgs { runs, out, json } = args;
    let records = match found(&runs, json) {
        Ok(records) => records,
        Err(status) => return status,
    };
    if let Err(error) = engine::write_report(&records, &out) {
        return output::bad_input(&error.to_string(), json);
    }
    if json {
        output::object(&json!({ "event": "report", "path": out, "runs": records.len() }));
    } else {
        output::line(&format!("The report is in {}", out.display()));
    }
    Status::Done
}

/// The runs in some folders. What cannot be read is told; it is an error only if nothing else is left.
fn found(folders: &[PathBuf], json: bool) -> Result<Vec<RunRecord>, Status> {
    let cancel = stop::flag();
    let mut records: Vec<RunRecord> = Vec::new();
    for folder in folders {
        let (more, problems) = engine::runs(folder, &cancel)
            .map_err(|p| output::bad_input(&format!("{}: {}", p.folder.display(), p.reason), json))?;
        for problem in problems {
            output::note(&format!("left out: {}: {}", problem.folder.display(), problem.reason));
        }
        records.extend(more);
    }
    if records.is_empty() {
        let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let text = format!("no run was found in {}; `alexnet-lab train` makes one", names.join(", "));
        return Err(output::bad_input(&text, json));
    }
    Ok(records)
}

fn sentence(record: &RunRecord) -> String {
    let updates = words::counted(record.steps(), "update");
    let error = match (record.history.best(), record.history.evaluations.last()) {
        (Some(best), Some(last)) => format!(
            "best top-1 error {:.2} % in epoch {:.1}, last {:.2} %",
            best.top1_error * 100.0,
            best.epoch,
            last.top1_error * 100.0
        ),
        _ => "not validated".into(),
    };
    let model = record.config.model.preset.as_deref().unwrap_or("?");
    format!("{}  {model} on {}: {updates}, {error}", record.name(), record.config.data.source)
}

fn object(record: &RunRecord) {
    let error = |point: Option<&crate::vis::EvaluationPoint>| point.map(|point| point.top1_error);
    output::object(&json!({
        "event": "run", "folder": record.folder, "model": record.config.model.preset,
        "data": record.config.data.source, "steps": record.steps(),
        "best_top1_error": error(record.history.best()),
        "best_epoch": record.history.best().map(|point| point.epoch),
        "last_top1_error": error(record.history.evaluations.last()),
        "last_top5_error": record.history.evaluations.last().map(|point| point.top5_error),
        "model_file": record.model_file, "parent": record.parent,
        "settings": record.config.settings(),
    }));
}
