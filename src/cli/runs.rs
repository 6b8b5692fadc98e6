//! `alexnet-lab runs` and `alexnet-lab report`: what earlier runs were and how they went.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use clap::Args;
use serde_json::json;

use super::output::{self, Status};
use super::stop;
use crate::engine::{self, RunEntry, RunFacts, RunList, RunNews, RunRecord, RunState};
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
    let cancel = stop::flag();
    let mut entries = Vec::new();
    let looked = RunList::default().look(
        &folder,
        || !cancel.load(Ordering::Relaxed),
        |news| {
            if let RunNews::Entry(entry) = news {
                entries.push(*entry);
            }
        },
    );
    if let Err(problem) = looked {
        return output::bad_input(&format!("`{}`: {}", problem.folder.display(), problem.reason), json);
    }
    if entries.is_empty() {
        return no_runs(&[folder], json);
    }
    entries.sort_by(|a, b| a.folder.cmp(&b.folder));
    for entry in &entries {
        match (&entry.facts, &entry.state) {
            (Some(facts), _) if json => object(entry, facts),
            (Some(facts), _) => output::line(&sentence(entry, facts)),
            (None, RunState::Damaged(reason)) => {
                output::note(&format!("left out: `{}`: {reason}", entry.folder.display()));
            }
            (None, _) => output::note(&format!("left out: `{}`: it has just begun", entry.folder.display())),
        }
    }
    if !json {
        let readable: Vec<_> =
            entries.iter().filter_map(|entry| Some((&entry.name, entry.facts.as_ref()?))).collect();
        let settings: Vec<_> = readable.iter().map(|(_, facts)| facts.settings()).collect();
        for difference in engine::differences(&settings) {
            output::line(&format!("{}:", difference.setting));
            for ((name, _), value) in readable.iter().zip(difference.values) {
                output::line(&format!("  {name}  {}", value.as_deref().unwrap_or("–")));
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
        output::line(&format!("The report is in `{}`", out.display()));
    }
    Status::Done
}

/// The runs in some folders. What cannot be read is told; it is an error only if nothing else is left.
fn found(folders: &[PathBuf], json: bool) -> Result<Vec<RunRecord>, Status> {
    let cancel = stop::flag();
    let mut records: Vec<RunRecord> = Vec::new();
    for folder in folders {
        let (more, problems) = engine::runs(folder, &cancel)
            .map_err(|p| output::bad_input(&format!("`{}`: {}", p.folder.display(), p.reason), json))?;
        for problem in problems {
            output::note(&format!("left out: `{}`: {}", problem.folder.display(), problem.reason));
        }
        records.extend(more);
    }
    if records.is_empty() {
        return Err(no_runs(folders, json));
    }
    Ok(records)
}

fn no_runs(folders: &[PathBuf], json: bool) -> Status {
    let names: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
    let text = format!("no run was found in {}; `alexnet-lab train` makes one", names.join(", "));
    output::bad_input(&text, json)
}

fn sentence(entry: &RunEntry, facts: &RunFacts) -> String {
    let updates = words::counted(facts.steps, "update");
    let error = facts.best.map_or("not validated".into(), |best| {
        format!("best top-1 error {:.2} % in epoch {:.1}", best.top1_error * 100.0, best.epoch)
    });
    let state = match &entry.state {
        RunState::Damaged(reason) => format!("damaged ({reason})"),
        state => state.word().to_owned(),
    };
    let (name, network, source) = (&entry.name, facts.network(), &facts.config.data.source);
    format!("{name}  {network} on {source}: {state}, {updates}, {error}")
}

fn object(entry: &RunEntry, facts: &RunFacts) {
    let reason = match &entry.state {
        RunState::Damaged(reason) => Some(reason),
        _ => None,
    };
    output::object(&json!({
        "event": "run", "folder": entry.folder, "state": entry.state.word(), "reason": reason,
        "model": facts.config.model.preset, "data": facts.config.data.source,
        "steps": facts.steps, "total_steps": facts.total_steps, "loss": facts.loss,
        "best_top1_error": facts.best.map(|point| point.top1_error),
        "best_epoch": facts.best.map(|point| point.epoch),
        "last_top1_error": facts.last.map(|point| point.top1_error),
        "last_top5_error": facts.last.map(|point| point.top5_error),
        "device": facts.device, "model_file": facts.model_file, "parent": facts.parent,
        "settings": facts.config.settings(),
    }));
}
