//! What all figures need: the model in the engine, the folder, and a word for each file written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use indicatif::ProgressBar;
use serde_json::json;

use super::FiguresArgs;
use crate::cli::output::{self, Status};
use crate::cli::progress;
use crate::cli::report::Report;
use crate::cli::session::Session;
use crate::config::DataConfig;
use crate::engine::{
    self, Answer, Command, Event, Inspect, Inspected, ModelInfo, Question, RunRecord, Views,
};
use crate::vis::{Evaluation, FigureError, FilterGrid};

/// How often it is seen to that somebody has pressed Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// Draws for one run or model.
pub(super) struct Maker {
    pub args: FiguresArgs,
    /// The run, if it is one.
    pub run: Option<RunRecord>,
    pub model_file: PathBuf,
    pub model: ModelInfo,
    /// The first layer, if it is a convolution.
    pub filters: Option<FilterGrid>,
    session: Session,
    bar: ProgressBar,
    written: usize,
    folders: BTreeSet<String>,
    next: u64,
}

impl Maker {
    /// Finds out what was named and loads its model.
    pub fn open(args: FiguresArgs) -> Result<Self, Status> {
        let json = args.json;
        let (run, model_file) = found(&args.what).map_err(|reason| output::bad_input(&reason, json))?;
        std::fs::create_dir_all(&args.out).map_err(|reason| {
            let out = args.out.display();
            output::bad_input(
                &format!("cannot make the folder `{out}`: {reason}; choose another place"),
                json,
            )
        })?;
        let session = Session::start(json, false)?;
        session.send(Command::Load { path: model_file.clone(), device: args.device.clone() });
        let mut filters = None;
        let model = loop {
            match session.events().recv() {
                Ok(Event::Loaded(model)) => break *model,
                Ok(Event::Filters(grid)) => filters = Some(grid),
                Ok(Event::Warning(text)) => output::note(&text),
                Ok(Event::Failed { message, bad_input, .. }) => {
                    return Err(output::failure(&message, bad_input, json));
                }
                Ok(_) => {}
                Err(_) => return Err(output::failure("the engine ended without a word", false, json)),
            }
        };
        let bar = progress::bar("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
        let (written, folders, next) = (0, BTreeSet::new(), 0);
        Ok(Self { args, run, model_file, model, filters, session, bar, written, folders, next })
    }

    /// Files written so far.
    pub fn written(&self) -> usize {
        self.bar.finish_and_clear();
        self.written
    }

    pub fn bad_input(&self, reason: &str) -> Status {
        self.bar.finish_and_clear();
        output::bad_input(reason, self.args.json)
    }

    /// A path in the folder of the figures.
    pub fn path(&self, name: &str) -> PathBuf {
        self.args.out.join(name)
    }

    /// Makes a folder of that name, or with a number behind it if the name was given before.
    pub fn folder(&mut self, name: &str) -> Result<PathBuf, Status> {
        let mut unused = name.to_owned();
        let mut number = 1;
        while !self.folders.insert(unused.to_lowercase()) {
            number += 1;
            unused = format!("{name}-{number}");
        }
        let path = self.path(&unused);
        std::fs::create_dir_all(&path).map_err(|reason| {
            self.bad_input(&format!("cannot make the folder `{}`: {reason}", path.display()))
        })?;
        Ok(path)
    }

    /// Tells of a figure that was drawn.
    pub fn told(&mut self, kind: &str, path: &Path, result: Result<(), FigureError>) -> Result<(), Status> {
        result.map_err(|error| self.bad_input(&error.to_string()))?;
        self.written += 1;
        if self.args.json {
            output::object(&json!({ "event": "figure", "kind": kind, "path": path }));
        } else {
            self.bar.suspend(|| output::line(&format!("{kind}: {}", path.display())));
        }
        Ok(())
    }

    /// Writes a text file and tells of it.
    pub fn write(&mut self, kind: &str, path: &Path, text: &str) -> Result<(), Status> {
        std::fs::write(path, text)
            .map_err(|reason| self.bad_input(&format!("cannot write `{}`: {reason}", path.display())))?;
        self.told(kind, path, Ok(()))
    }

    /// Asks the engine and waits for the answer; `what` is said meanwhile. The inner error is the engine's reason.
    pub fn ask(&mut self, what: &str, question: Question) -> Result<Result<Answer, String>, Status> {
        self.next += 1;
        let id = self.next;
        self.session.send(Command::Inspect(Box::new(Inspect { id, question })));
        self.bar.reset();
        self.bar.set_message(what.to_owned());
        loop {
            match self.event()? {
                Event::Inspected(report) if report.id == id => {
                    let Inspected { answer, .. } = *report;
                    match answer {
                        Answer::Progress { done, total } => progress::show(&self.bar, done, total),
                        Answer::Failed(reason) => return Ok(Err(reason)),
                        answer => return Ok(Ok(answer)),
                    }
                }
                _ => {}
            }
        }
    }

    /// Measures the validation pictures.
    pub fn evaluate(&mut self, data: DataConfig) -> Result<Result<Box<Evaluation>, String>, Status> {
        self.bar.finish_and_clear();
        self.session.send(Command::Evaluate { data, views: Views::One });
        let mut report = Report::new(self.args.json);
        loop {
            match self.event()? {
                Event::Evaluated(evaluation) => {
                    report.end();
                    return Ok(Ok(Box::new((*evaluation).clone())));
                }
                Event::Failed { message, .. } => {
                    report.end();
                    return Ok(Err(message));
                }
                Event::Cancelled => {
                    report.end();
                    return Err(self.interrupted());
                }
                Event::Evaluation(_) => {}
                event => report.event(&event),
            }
        }
    }

    /// The next event; nothing once somebody has pressed Ctrl-C.
    fn event(&self) -> Result<Event, Status> {
        loop {
            match self.session.events().recv_timeout(LOOK) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Timeout) if self.session.interrupted() => {
                    return Err(self.interrupted());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(output::failure("the engine ended without a word", false, self.args.json));
                }
            }
        }
    }

    fn interrupted(&self) -> Status {
        self.bar.finish_and_clear();
        output::cancelled("stopped; the figures that are written stay", self.args.json)
    }

    /// The pictures to search and to measure: those that were named, or those of the run.
    pub fn data(&self) -> Option<DataConfig> {
        let of_run = self.run.as_ref().map(|run| run.config.data.clone());
        match &self.args.data {
            Some(source) => {
                let same = of_run.filter(|data| data.source == *source);
                Some(same.unwrap_or_else(|| DataConfig { source: source.clone(), ..DataConfig::default() }))
            }
            None => of_run,
        }
    }

    /// What could not be drawn for a reason: an error if it was asked for, else only a word.
    pub fn left_out(&self, asked: bool, what: &str, reason: &str) -> Result<(), Status> {
        if asked {
            return Err(self.bad_input(reason));
        }
        self.bar.suspend(|| output::note(&format!("{what} left out: {reason}")));
        Ok(())
    }
}

/// The run, if it is one, and the model file.
fn found(what: &Path) -> Result<(Option<RunRecord>, PathBuf), String> {
    if !what.exists() {
        return Err(format!(
            "`{}` does not exist; name a run folder (`alexnet-lab runs` lists them) or a model file",
            what.display()
        ));
    }
    if what.is_file() {
        return Ok((None, what.to_owned()));
    }
    let run = RunRecord::read(what).map_err(|p| format!("`{}`: {}", p.folder.display(), p.reason))?;
    let newest = || {
        let kept = engine::kept_checkpoints(what).into_iter().next_back();
        kept.map(|kept| kept.path.join("model.safetensors")).filter(|path| path.is_file())
    };
    let model = run.model_file.clone().or_else(newest);
    let model = model.ok_or_else(|| {
        format!(
            "`{}` holds no model and no checkpoint: the run was ended before it had learned",
            what.display()
        )
    })?;
    Ok((Some(run), model))
}
