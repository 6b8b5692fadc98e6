//! The course of a run for people and for scripts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use serde_json::json;

use super::{output, progress};
use crate::engine::{Event, Pace, RunChange, RunInfo, RunSummary, Stage, StopReason, TakenUp};
use crate::vis::{EvaluationPoint, StepPoint};
use crate::words::{self, bytes, count, counted, duration};

/// Without a terminal, a line about the training comes this often.
const QUIET_PAUSE: Duration = Duration::from_secs(10);

/// Prints what happens: JSON to standard output if asked, the rest to standard error.
pub(super) struct Report {
    json: bool,
    bar: ProgressBar,
    /// Whether standard error is a terminal that can show a moving bar.
    lively: bool,
    last_line: Instant,
    /// The folder of the run, once it is known.
    folder: Option<PathBuf>,
}

impl Report {
    pub fn new(json: bool) -> Self {
        let (lively, bar) = (progress::is_lively(), progress::bar("{msg}"));
        Self { json, bar, lively, last_line: Instant::now(), folder: None }
    }

    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Preparing { stage, done, total } => self.preparing(*stage, *done, *total),
            Event::Started(info) => self.started(info),
            Event::Step(point, pace) => self.step(point, pace),
            Event::Evaluating { done, total } => {
                self.bar.set_message(format!("validating {} of {}", count(*done), count(*total)));
            }
            Event::Evaluation(point) => self.evaluation(point),
            Event::Changed { step, epoch, change } => self.changed(*step, *epoch, change),
            Event::Warning(text) => {
                self.say(&format!("warning: {text}"));
                if self.json {
                    output::object(&json!({ "event": "warning", "message": text }));
                }
            }
            Event::Note(text) => {
                self.say(text);
                if self.json {
                    output::object(&json!({ "event": "note", "message": text }));
                }
            }
            Event::Checkpoint(info) if self.json => output::object(&json!({
                "event": "checkpoint", "step": info.step, "path": info.path, "bytes": info.bytes,
                "kept": info.kept, "total_bytes": info.total_bytes,
            })),
            Event::Saved { path } if self.json => output::object(&json!({ "event": "saved", "path": path })),
            _ => {}
        }
    }

    /// Says how a run that has failed is gone on with.
    pub fn hint_at_resume(&self) {
        if let Some(folder) = &self.folder {
            output::note(&format!("go on with: alexnet-lab train --resume {}", words::typed(folder)));
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    pub fn evaluation(&self, point: &EvaluationPoint) {
        let EvaluationPoint { step, epoch, loss, top1_error, top5_error, n } = *point;
        let (top1, top5) = (top1_error * 100.0, top5_error * 100.0);
        self.say(&format!(
            "epoch {epoch:.2}: validation loss {loss:.4}, top-1 error {top1:.2} %, top-5 error {top5:.2} % ({})",
            counted(n, "picture")
        ));
        if self.json {
            output::object(&json!({
                "event": "eval", "split": "validation", "step": step, "epoch": epoch, "loss": loss,
                "top1_error": top1_error, "top5_error": top5_error, "n": n,
            }));
        }
    }

    pub fn stopped(&self, summary: &RunSummary) {
        self.end();
        let RunSummary {
            reason,
            step,
            evaluation,
            folder,
            model_file,
            figures,
            seconds,
            checkpoints,
            trouble,
        } = summary;
        let (word, sentence) = match reason {
            StopReason::Finished => ("finished", "Training is done".to_owned()),
            StopReason::Asked => ("stopped", "Training was stopped".to_owned()),
            StopReason::Diverged => (
                "diverged",
                "Training was ended because the loss is no longer a number; try a smaller learning rate \
                 (for example --set optim.lr=0.001)"
                    .to_owned(),
            ),
        };
        if self.json {
            output::object(&json!({
                "event": "stopped", "reason": word, "step": step, "seconds": seconds, "folder": folder,
                "model_file": model_file, "figures": figures, "trouble": trouble,
                "checkpoint": checkpoints.last.as_ref().map(|(_, path)| path),
                "best_checkpoint": checkpoints.best.as_ref().map(|(_, path)| path),
                "checkpoints_kept": checkpoints.kept, "checkpoints_bytes": checkpoints.bytes,
            }));
            return;
        }
        output::line(&format!("{sentence}: {} in {}.", counted(*step, "update"), duration(*seconds)));
        if let Some(point) = evaluation {
            let (top1, top5) = (point.top1_error * 100.0, point.top5_error * 100.0);
            output::line(&format!("Validation: top-1 error {top1:.2} %, top-5 error {top5:.2} %"));
        }
        if let Some(trouble) = trouble {
            output::line(&format!("What was seen: {trouble}."));
        }
        if let (StopReason::Diverged, Some((good, path))) = (reason, &checkpoints.last) {
            output::line(&format!(
                "The last good state is that of update {}: `{}`",
                count(*good),
                path.display()
            ));
        }
        match model_file {
            Some(path) => output::line(&format!("Model:   {}", path.display())),
            None => output::line("No model was saved."),
        }
        for path in figures {
            output::line(&format!("Picture: {}", path.display()));
        }
        output::line(&format!("Figures of every update: {}", folder.join("metrics.csv").display()));
        if checkpoints.kept > 0 {
            let (kept, space) = (count(checkpoints.kept), bytes(checkpoints.bytes));
            let place = folder.join("checkpoints");
            output::line(&format!("Checkpoints: {kept} kept in {}, {space}", place.display()));
        }
        if let Some((error, path)) = &checkpoints.best {
            output::line(&format!("Best:    top-1 error {:.2} %, {}", error * 100.0, path.display()));
        }
        match (reason, &checkpoints.last) {
            (StopReason::Asked, Some(_)) => {
                output::line(&format!("Go on with: alexnet-lab train --resume {}", words::typed(folder)));
            }
            (StopReason::Diverged, Some((_, path))) => output::line(&format!(
                "Go on from there with a smaller rate: alexnet-lab train --branch {} --set optim.lr=...",
                words::typed(path)
            )),
            _ => {}
        }
    }

    fn preparing(&mut self, stage: Stage, done: usize, total: usize) {
        if total == 0 {
            self.say(&format!("{} …", stage.words()));
            return;
        }
        progress::restyle(&self.bar, "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}");
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(stage.words());
        if done == total {
            self.say(&format!("{}: {} done", stage.words(), count(total)));
        }
    }

    fn taken_up(&self, taken: &TakenUp) {
        let TakenUp { step, from, branch, replay_difference, .. } = taken;
        let what = if *branch { "Branch: " } else { "Resumed:" };
        if *step == 0 && !branch {
            self.say("Resumed: it was interrupted before its first checkpoint and begins again");
            return;
        }
        let replay = match replay_difference {
            Some(0.0) => "; the kept batch gives identical scores".into(),
            Some(difference) => format!("; the scores of the kept batch differ by up to {difference:.1e}"),
            None => String::new(),
        };
        self.say(&format!("{what} after update {}, from `{}`{replay}", count(*step), from.display()));
    }

    fn started(&mut self, info: &RunInfo) {
        // A run that goes on after a failure of its device was introduced before.
        let again = self.folder.replace(info.folder.clone()).is_some_and(|before| before == info.folder);
        if !again {
            self.introduce(info);
        }
        let memory = info.memory.words();
        self.say(&format!("Device:  {} ({}); {memory}", info.device, info.device_reason));
        if !again {
            self.say(&format!("Folder:  {}", info.folder.display()));
        }
        if let Some(taken) = &info.taken_up {
            self.taken_up(taken);
        }
        self.bar.reset();
        progress::restyle(&self.bar, "{human_pos}/{human_len} {wide_bar} {msg}");
        self.bar.set_length(info.total_steps);
        self.bar.set_position(info.taken_up.as_ref().map_or(0, |taken| taken.step));
        if self.json {
            output::object(&json!({
                "event": "started", "folder": info.folder, "model": info.model.name,
                "parameters": info.model.parameters, "multiply_adds": info.model.multiply_adds,
                "classes": info.data.classes, "train": info.data.train, "validation": info.data.validation,
                "refused": info.refused.len(), "device": info.device, "device_reason": info.device_reason,
                "memory": info.memory,
                "steps_per_epoch": info.steps_per_epoch, "total_steps": info.total_steps,
                "seed": info.config.run.seed,
                "taken_up": info.taken_up.as_ref().map(|taken| json!({
                    "step": taken.step, "from": taken.from, "branch": taken.branch,
                    "identical": taken.replay_difference.map(|difference| difference == 0.0),
                    "largest_difference": taken.replay_difference,
                })),
            }));
        }
    }

    /// The data and the network of a run.
    fn introduce(&self, info: &RunInfo) {
        self.say(&format!("Data:    {} — {}", info.data.source, info.data.layout));
        if !info.refused.is_empty() {
            let list = info.folder.join("refused.csv");
            let files = counted(info.refused.len(), "file");
            self.say(&format!("         {files} cannot be used; see `{}`", list.display()));
        }
        let (millions, adds) = (info.model.parameters as f64 / 1e6, info.model.multiply_adds as f64 / 1e6);
        self.say(&format!(
            "Model:   {}, {millions:.2} million parameters, {adds:.1} million multiply-adds a picture",
            info.model.name
        ));
    }

    fn step(&mut self, point: &StepPoint, pace: &Pace) {
        let StepPoint { step, epoch, loss, top1_error, top5_error, lr } = *point;
        let Pace { images_per_s, eta_s, .. } = *pace;
        if self.json {
            output::object(&json!({
                "event": "step", "step": step, "epoch": epoch, "loss": loss, "top1_error": top1_error,
                "top5_error": top5_error, "lr": lr, "images_per_s": images_per_s,
            }));
        }
        let left = duration(eta_s);
        let text = format!(
            "loss {loss:.3}, top-1 error {:.0} %, {images_per_s:.0} images/s, {left} left",
            top1_error * 100.0
        );
        self.bar.set_position(step);
        if self.lively {
            self.bar.set_message(text);
        } else if self.last_line.elapsed() > QUIET_PAUSE {
            self.last_line = Instant::now();
            output::note(&format!("epoch {epoch:.2}, update {}: {text}", count(step)));
        }
    }

    fn changed(&self, step: u64, epoch: f64, change: &RunChange) {
        let words = change.words();
        self.say(&format!("epoch {epoch:.2}: {words}"));
        if self.json {
            let mut object = json!({ "event": "changed", "step": step, "epoch": epoch, "message": words });
            match change {
                RunChange::PlannedRate(rate) | RunChange::PlateauRate(rate) => object["lr"] = json!(rate),
                RunChange::Layers { layers, scale } => {
                    object["layers"] = json!(layers);
                    object["lr_scale"] = json!(scale);
                }
                RunChange::ColourStrength(strength) => object["colour_strength"] = json!(strength),
            }
            output::object(&object);
        }
    }

    /// A line above the bar.
    fn say(&self, text: &str) {
        if self.lively {
            self.bar.println(text);
        } else {
            output::note(text);
        }
    }
}
