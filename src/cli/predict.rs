//! `alexnet-lab predict`: the most probable classes of pictures.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::PredictArgs;
use super::output::{self, Status};
use super::session::Session;
use crate::engine::{Command, Event, PictureSource, Prediction};

/// A picture to classify.
struct Job {
    path: PathBuf,
    /// Named on the command line, not found in a folder: then it must be a picture.
    named: bool,
}

/// Loads the model, then classifies one picture after the other.
pub(super) fn run(args: PredictArgs) -> Status {
    let PredictArgs { model_file, views, top, device, json, inputs } = args;
    let jobs = match collect(&inputs) {
        Ok(jobs) => jobs,
        Err(message) => return output::bad_input(&message, json),
    };
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let ask = |index: usize| {
        if let Some(job) = jobs.get(index) {
            let source = PictureSource::File(job.path.clone());
            session.send(Command::Predict { id: index as u64, source, views, top: top.into() });
        }
    };
    session.send(Command::Load { path: model_file, device });
    let (mut good, mut bad_names) = (0, 0);
    for event in session.events() {
        if session.interrupted() {
            return Status::Interrupted;
        }
        match event {
            Event::Loaded(_) => ask(0),
            Event::Prediction { id, result, .. } => {
                let index = id as usize;
                let job = &jobs[index];
                match &result {
                    Ok(_) => good += 1,
                    Err(_) if job.named => bad_names += 1,
                    Err(_) => {}
                }
                report(&job.path, &result, json);
                if index + 1 == jobs.len() {
                    return if good > 0 && bad_names == 0 { Status::Done } else { Status::BadInput };
                }
                ask(index + 1);
            }
            Event::Warning(text) => output::note(&format!("note: {text}")),
            Event::Failed { message, bad_input, .. } => return output::failure(&message, bad_input, json),
            _ => {}
        }
    }
    output::failure("the engine ended without a word", false, json)
}

fn report(path: &Path, result: &Result<Prediction, String>, json: bool) {
    match result {
        Ok(prediction) if json => {
            let top: Vec<_> =
                prediction.top.iter().map(|(class, p)| json!({ "class": class, "p": p })).collect();
            output::object(&json!({ "event": "predict", "path": path, "top": top }));
        }
        Ok(prediction) => {
            output::line(&path.display().to_string());
            for (class, p) in &prediction.top {
                output::line(&format!("  {:5.1} %  {class}", p * 100.0));
            }
        }
        Err(error) => {
            output::note(&format!("error: {error}"));
            if json {
                output::object(&json!({ "event": "predict", "path": path, "error": error }));
            }
        }
    }
}

/// The files that were named, and all files of the folders that were named, in order of their names.
fn collect(inputs: &[PathBuf]) -> Result<Vec<Job>, String> {
    let mut jobs = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let before = jobs.len();
            walk(input, &mut jobs)?;
            if jobs.len() == before {
                return Err(format!("the folder {} has no files", input.display()));
            }
        } else {
            jobs.push(Job { path: input.clone(), named: true });
        }
    }
    Ok(jobs)
}

fn walk(folder: &Path, jobs: &mut Vec<Job>) -> Result<(), String> {
    let unreadable = |e: std::io::Error| format!("cannot read the folder {}: {e}", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Links to folders could lead round in a circle.
        if hidden || (path.is_symlink() && path.is_dir()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, jobs)?;
        } else {
            jobs.push(Job { path, named: false });
        }
    }
    Ok(())
}
