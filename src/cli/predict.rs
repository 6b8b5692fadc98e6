//! `alexnet-lab predict`: the most probable classes of pictures, one by one or of whole folders.

use std::path::Path;

use serde_json::{Value, json};

use super::PredictArgs;
use super::eval::split_of;
use super::output::{self, Status};
use super::progress;
use super::session::Session;
use crate::engine::{
    Classified, Command, Event, FolderAnswer, FolderQuestion, FolderScore, Inquiry, InquiryEnd, InquiryNews,
    Neighbour, folder_table,
};

/// Training pictures shown with each picture, as in the paper's Figure 4.
const NEIGHBOURS: usize = 6;
/// The number of the only folder that is asked about.
const ID: u64 = 1;

/// Loads the model, then classifies everything.
pub(super) fn run(args: PredictArgs) -> Status {
    let PredictArgs { model_file, views, top, csv, nearest, device, json, inputs } = args;
    let session = match Session::start(json, false) {
        Ok(session) => session,
        Err(status) => return status,
    };
    let index = nearest.map(|source| Box::new(split_of(&model_file, &source)));
    let nearest = if index.is_some() { NEIGHBOURS } else { 0 };
    let asked = FolderQuestion { views, top: top.into(), nearest };
    let ask = |inquiry| session.send(Command::Inquire(inquiry));
    let folder = || Inquiry::Folder { id: ID, inputs: inputs.clone(), asked };
    session.send(Command::Load { path: model_file, device });
    let mut told = Vec::new();
    let bar = progress::bar("{msg} {wide_bar} {pos}/{len}");
    for event in session.events() {
        if session.interrupted() {
            return Status::Interrupted;
        }
        match event {
            Event::Loaded(_) => match &index {
                Some(config) => ask(Inquiry::Index(config.clone())),
                None => ask(folder()),
            },
            Event::Inquiry(InquiryNews::Indexing { done, total }) => {
                bar.set_message("Looking at the training pictures");
                progress::show(&bar, done, total);
            }
            Event::Inquiry(InquiryNews::Indexed(_)) => {
                bar.finish_and_clear();
                ask(folder());
            }
            Event::Inquiry(InquiryNews::FolderAnswers { answers, .. }) => {
                answers.iter().for_each(|answer| tell(answer, json));
                told.extend(answers);
            }
            Event::Inquiry(InquiryNews::FolderEnded { end: InquiryEnd::Done, .. }) => {
                return end(&told, csv.as_deref(), json);
            }
            Event::Inquiry(
                InquiryNews::FolderEnded { end: InquiryEnd::Failed(reason), .. }
                | InquiryNews::IndexEnded(InquiryEnd::Failed(reason)),
            ) => return output::bad_input(&reason, json),
            Event::Warning(text) => output::note(&format!("note: {text}")),
            Event::Failed { message, bad_input, .. } => return output::failure(&message, bad_input, json),
            _ => {}
        }
    }
    output::failure("the engine ended without a word", false, json)
}

/// What is answered about a file.
fn tell(answer: &FolderAnswer, json: bool) {
    match &answer.result {
        Ok(classified) => {
            let nearest = answer.nearest.as_ref();
            if json {
                output::object(&object(&answer.path, classified, nearest));
            } else {
                lines(&answer.path, classified, nearest);
            }
        }
        Err(error) => {
            output::note(&format!("error: {error}"));
            if json {
                output::object(&json!({ "event": "predict", "path": answer.path, "error": error }));
            }
        }
    }
}

/// Writes the table, and the figures where classes are known.
fn end(told: &[FolderAnswer], csv: Option<&Path>, json: bool) -> Status {
    let mut score = FolderScore::default();
    told.iter().for_each(|answer| score.add(answer));
    if let (Some(top1), Some(top5)) = (score.top1_error(), score.top5_error()) {
        if json {
            output::object(&json!({
                "event": "score", "pictures": score.pictures, "labelled": score.labelled,
                "unusable": score.unusable, "top1_error": top1, "top5_error": top5,
            }));
        } else {
            let (labelled, [top1, top5]) = (score.labelled, [top1, top5].map(|error| error * 100.0));
            output::note(&format!(
                "top-1 error {top1:.2} %, top-5 error {top5:.2} % on {labelled} pictures whose folder names their class"
            ));
        }
    }
    if let Some(path) = csv {
        if let Err(reason) = std::fs::write(path, folder_table(told.iter())) {
            let text = format!("cannot write `{}`: {reason}; choose another place", path.display());
            return output::bad_input(&text, json);
        }
        output::note(&format!("table: {}", path.display()));
    }
    let bad_names = told.iter().any(|answer| answer.named && answer.result.is_err());
    if score.pictures > 0 && !bad_names { Status::Done } else { Status::BadInput }
}

fn object(path: &Path, classified: &Classified, nearest: Option<&Result<Vec<Neighbour>, String>>) -> Value {
    let top: Vec<_> = classified.top.iter().map(|(class, p)| json!({ "class": class, "p": p })).collect();
    let mut object = json!({ "event": "predict", "path": path, "top": top });
    if let Some(truth) = &classified.truth {
        object["truth"] = json!({ "class": truth.class, "rank": truth.rank + 1, "p": truth.probability });
    }
    match nearest {
        Some(Ok(found)) => {
            let near =
                |one: &Neighbour| json!({ "name": one.name, "class": one.class, "distance": one.distance });
            object["nearest"] = found.iter().map(near).collect();
        }
        Some(Err(error)) => object["nearest_error"] = json!(error),
        None => {}
    }
    object
}

fn lines(path: &Path, classified: &Classified, nearest: Option<&Result<Vec<Neighbour>, String>>) {
    output::line(&path.display().to_string());
    for (class, p) in &classified.top {
        let mark =
            classified.truth.as_ref().filter(|truth| truth.class == *class).map_or("", |_| "  <- it is");
        output::line(&format!("  {:5.1} %  {class}{mark}", p * 100.0));
    }
    match nearest {
        Some(Ok(found)) => {
            for near in found {
                output::line(&format!("  near {:8.3}  {}  ({})", near.distance, near.class, near.name));
            }
        }
        Some(Err(error)) => output::note(&format!("error: {error}")),
        None => {}
    }
}
