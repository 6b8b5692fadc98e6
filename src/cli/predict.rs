//! `alexnet-lab predict`: the most probable classes of pictures, one by one or of whole folders.

use std::collections::VecDeque;
use std::path::Path;

use serde_json::{Value, json};

use super::PredictArgs;
use super::eval::split_of;
use super::output::{self, Status};
use super::progress;
use super::session::Session;
use crate::engine::{
    Classified, Command, Event, FolderAnswer, FolderScore, Inquiry, InquiryEnd, InquiryNews, Nearest,
    PictureSource, folder_table,
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
    let ask = |inquiry| session.send(Command::Inquire(inquiry));
    let folder = || Inquiry::Folder { id: ID, inputs: inputs.clone(), views, top: top.into() };
    session.send(Command::Load { path: model_file, device });
    let mut answers = Answers::new(json, index.is_some());
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
            Event::Inquiry(InquiryNews::FolderAnswers { answers: some, .. }) => {
                for answer in some {
                    if answers.want_neighbours(&answer) {
                        let source = PictureSource::File(answer.path.clone());
                        ask(Inquiry::Nearest { id: ID, source, count: NEIGHBOURS });
                    }
                    answers.take(answer);
                }
            }
            Event::Inquiry(InquiryNews::Nearest { result, .. }) => answers.take_neighbours(result),
            Event::Inquiry(InquiryNews::FolderEnded { end: InquiryEnd::Done, .. }) => answers.all_here = true,
            Event::Inquiry(
                InquiryNews::FolderEnded { end: InquiryEnd::Failed(reason), .. }
                | InquiryNews::IndexEnded(InquiryEnd::Failed(reason)),
            ) => return output::bad_input(&reason, json),
            Event::Warning(text) => output::note(&format!("note: {text}")),
            Event::Failed { message, bad_input, .. } => return output::failure(&message, bad_input, json),
            _ => {}
        }
        if answers.all_here && answers.waiting.is_empty() {
            return answers.end(csv.as_deref());
        }
    }
    output::failure("the engine ended without a word", false, json)
}

/// What has been answered so far. What is complete is told at once, in the order of the files.
struct Answers {
    json: bool,
    with_neighbours: bool,
    /// Those that neighbours are still missing for, and those behind them.
    waiting: VecDeque<(FolderAnswer, Option<Result<Nearest, String>>)>,
    told: Vec<FolderAnswer>,
    all_here: bool,
}

impl Answers {
    fn new(json: bool, with_neighbours: bool) -> Self {
        Self { json, with_neighbours, waiting: VecDeque::new(), told: Vec::new(), all_here: false }
    }

    fn want_neighbours(&self, answer: &FolderAnswer) -> bool {
        self.with_neighbours && answer.result.is_ok()
    }

    fn take(&mut self, answer: FolderAnswer) {
        self.waiting.push_back((answer, None));
        self.tell();
    }

    /// Takes the neighbours of the first picture that has none yet.
    fn take_neighbours(&mut self, found: Result<Nearest, String>) {
        let missing =
            |(answer, found): &&mut (FolderAnswer, Option<_>)| answer.result.is_ok() && found.is_none();
        if let Some((_, place)) = self.waiting.iter_mut().find(missing) {
            *place = Some(found);
        }
        self.tell();
    }

    fn tell(&mut self) {
        while let Some((answer, found)) = self.waiting.pop_front() {
            if self.want_neighbours(&answer) && found.is_none() {
                self.waiting.push_front((answer, found));
                return;
            }
            match (&answer.result, self.json) {
                (Ok(classified), true) => {
                    output::object(&object(&answer.path, classified, found.as_ref()));
                }
                (Ok(classified), false) => tell(&answer.path, classified, found.as_ref()),
                (Err(error), json) => {
                    output::note(&format!("error: {error}"));
                    if json {
                        output::object(&json!({ "event": "predict", "path": answer.path, "error": error }));
                    }
                }
            }
            self.told.push(answer);
        }
    }

    /// Writes the table, and the figures where classes are known.
    fn end(&self, csv: Option<&Path>) -> Status {
        let mut score = FolderScore::default();
        self.told.iter().for_each(|answer| score.add(answer));
        if let (Some(top1), Some(top5)) = (score.top1_error(), score.top5_error()) {
            if self.json {
                output::object(&json!({
                    "event": "score", "pictures": score.pictures, "labelled": score.labelled,
                    "unusable": score.unusable, "top1_error": top1, "top5_error": top5,
                }));
            } else {
                let (labelled, [top1, top5]) = (score.labelled, [top1, top5].map(|error| error * 100.0));
                output::note(&format!(
                    "top-1 error {top1:.2} %, top-5 error {top5:.2} % on {labelled} pictures whose folder names their \
                     class"
                ));
            }
        }
        if let Some(path) = csv {
            if let Err(reason) = std::fs::write(path, folder_table(self.told.iter())) {
                let text = format!("cannot write {}: {reason}; choose another place", path.display());
                return output::bad_input(&text, self.json);
            }
            output::note(&format!("table: {}", path.display()));
        }
        let bad_names = self.told.iter().any(|answer| answer.named && answer.result.is_err());
        if score.pictures > 0 && !bad_names { Status::Done } else { Status::BadInput }
    }
}

fn object(path: &Path, classified: &Classified, found: Option<&Result<Nearest, String>>) -> Value {
    let top: Vec<_> = classified.top.iter().map(|(class, p)| json!({ "class": class, "p": p })).collect();
    let mut object = json!({ "event": "predict", "path": path, "top": top });
    if let Some(truth) = &classified.truth {
        object["truth"] = json!({ "class": truth.class, "rank": truth.rank + 1, "p": truth.probability });
    }
    match found {
        Some(Ok(found)) => {
            let near = |one: &crate::engine::Neighbour| json!({ "name": one.name, "class": one.class, "distance": one.distance });
            object["nearest"] = found.neighbours.iter().map(near).collect();
        }
        Some(Err(error)) => object["nearest_error"] = json!(error),
        None => {}
    }
    object
}

fn tell(path: &Path, classified: &Classified, found: Option<&Result<Nearest, String>>) {
    output::line(&path.display().to_string());
    for (class, p) in &classified.top {
        let mark =
            classified.truth.as_ref().filter(|truth| truth.class == *class).map_or("", |_| "  <- it is");
        output::line(&format!("  {:5.1} %  {class}{mark}", p * 100.0));
    }
    match found {
        Some(Ok(found)) => {
            for near in &found.neighbours {
                output::line(&format!("  near {:8.3}  {}  ({})", near.distance, near.class, near.name));
            }
        }
        Some(Err(error)) => output::note(&format!("error: {error}")),
        None => {}
    }
}
