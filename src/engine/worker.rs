//! The engine thread: serves commands while idle and hands over to a run when asked for one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::Receiver;

use super::control::{self, Control};
use super::desk::Desks;
use super::error::{RunError, finished};
use super::evaluate::measure;
use super::find;
use super::model::Model;
use super::outbox::Outbox;
use super::prepare;
use super::run;
use super::take_up::{self, Basis};
use super::{Command, Event, RateRange, Views};
use crate::config::{DataConfig, RunConfig};
use crate::device;
use crate::threads;
use crate::vis::Evaluation;
use crate::words;

/// Serves commands until told to shut down or until nobody can send any more.
pub(super) fn run(inbox: &Receiver<Command>, outbox: &Outbox) {
    threads::go_behind();
    let mut worker = Worker { inbox, outbox, model: None, desk: Desks::default() };
    loop {
        let mut training = false;
        // A driver or a library may still panic. The user gets a message and keeps the window.
        let served = catch_unwind(AssertUnwindSafe(|| {
            let Some(command) = worker.next_command() else { return End::ShutDown };
            training = matches!(command, Command::Start(_) | Command::TakeUp(_) | Command::FindRate { .. });
            worker.serve(command)
        }));
        match served {
            Ok(End::Idle) => {}
            Ok(End::ShutDown) => return,
            Err(panic) => {
                outbox.send(Event::Failed {
                    message: format!("something broke inside the program: {}", words::panic(&*panic)),
                    run_ended: training,
                    bad_input: false,
                    saved: None,
                });
                worker.desk.borrow_mut().abandon(outbox, words::panic(&*panic));
            }
        }
    }
}

/// Whether the engine goes on after a command.
enum End {
    Idle,
    ShutDown,
}

struct Worker<'a> {
    inbox: &'a Receiver<Command>,
    outbox: &'a Outbox,
    /// What predictions are made with while no run is going on.
    model: Option<Model>,
    /// Questions that take longer.
    desk: Desks,
}

impl Worker<'_> {
    fn next_command(&self) -> Option<Command> {
        control::next_command(self.inbox, self.outbox, &self.desk)
    }

    fn serve(&mut self, command: Command) -> End {
        match command {
            Command::Start(config) => return self.train(|_| Ok((*config, None))),
            Command::TakeUp(order) => {
                return self.train(|control| {
                    take_up::find(control, &order).map(|(config, basis)| (config, Some(basis)))
                });
            }
            Command::FindRate { config, range } => return self.find_rate(*config, range),
            Command::Load { path, device } => self.load(&path, &device),
            Command::Evaluate { data, views } => return self.evaluate(&data, views),
            Command::Predict { id, source, views, top } => {
                control::predict(self.outbox, self.model.as_ref().map(Model::view), id, source, views, top);
            }
            Command::Inspect(order) => {
                let model = self.model.as_ref().map(Model::view);
                self.desk.borrow_mut().look(self.outbox, model, *order);
            }
            Command::Inquire(inquiry) => {
                let model = self.model.as_ref().map(Model::view);
                self.desk.borrow_mut().serve(self.outbox, model, inquiry);
            }
            Command::Save(path) => control::save(self.outbox, self.model.as_ref().map(Model::view), &path),
            Command::ShowKernels(layer) => {
                control::show_kernels(self.outbox, self.model.as_ref().map(Model::view), &layer);
            }
            // The run that these were meant for has just ended.
            Command::Pause
            | Command::Resume
            | Command::Step
            | Command::Stop
            | Command::SetRate(_)
            | Command::Keep => {}
            Command::ShutDown => return End::ShutDown,
        }
        End::Idle
    }

    /// Makes a run with the settings that `find` gives.
    fn train(&mut self, find: impl FnOnce(&Control) -> Result<(RunConfig, Option<Basis>), RunError>) -> End {
        let mut control = Control::new(self.inbox, self.outbox, self.desk.clone());
        let found = find(&control);
        match found.and_then(|(config, basis)| run::train(&mut control, self.model.as_ref(), config, basis)) {
            Ok(Some((model, summary))) => {
                self.model = Some(model);
                self.outbox.send(Event::Stopped(Box::new(summary)));
            }
            Ok(None) => self.outbox.send(Event::Cancelled),
            Err(error) => self.fail(error),
        }
        if control.shut_down { End::ShutDown } else { End::Idle }
    }

    fn find_rate(&mut self, config: RunConfig, range: RateRange) -> End {
        let mut control = Control::new(self.inbox, self.outbox, self.desk.clone());
        match find::find_rate(&mut control, self.model.as_ref(), config, range) {
            Ok(Some(found)) => self.outbox.send(Event::RateFound(Box::new(found))),
            Ok(None) => self.outbox.send(Event::Cancelled),
            Err(error) => self.fail(error),
        }
        if control.shut_down { End::ShutDown } else { End::Idle }
    }

    fn load(&mut self, path: &Path, device: &str) {
        let model = device::open(device)
            .map_err(|e| e.to_string())
            .and_then(|device| Model::load(path, &device).map_err(|e| e.to_string()));
        match model {
            Ok((model, remark)) => {
                if let Some(remark) = remark {
                    self.outbox.send(Event::Warning(remark));
                }
                let info = Box::new(model.info.clone());
                if let Ok(Some(grid)) = model.view().filters() {
                    self.outbox.send(Event::Filters(grid));
                }
                self.model = Some(model);
                self.outbox.send(Event::Loaded(info));
            }
            Err(message) => self.fail(RunError::bad_input(message)),
        }
    }

    fn evaluate(&mut self, config: &DataConfig, views: Views) -> End {
        let mut control = Control::new(self.inbox, self.outbox, self.desk.clone());
        match self.measure(&mut control, config, views) {
            Ok(Some(evaluation)) => {
                self.outbox.send(Event::Evaluation(evaluation.point));
                self.outbox.send(Event::Evaluated(Arc::new(evaluation)));
            }
            Ok(None) => self.outbox.send(Event::Cancelled),
            Err(error) => self.fail(error),
        }
        if control.shut_down { End::ShutDown } else { End::Idle }
    }

    fn measure(
        &self,
        control: &mut Control,
        config: &DataConfig,
        views: Views,
    ) -> Result<Option<Evaluation>, RunError> {
        let Some(model) = &self.model else {
            return Err(RunError::bad_input("there is no model yet: train one, or open a model file"));
        };
        let view = model.view();
        let Some(dataset) = finished(prepare::scan(control, Some(view), config))? else {
            return Ok(None);
        };
        let found = &dataset.description().classes;
        if *found != model.classes {
            return Err(RunError::bad_input(format!(
                "the classes of `{}` are not those of the model: {}",
                config.source,
                class_difference(found, &model.classes)
            )));
        }
        let side = model.input.spec().stored_side;
        let Some(Some(store)) = finished(prepare::decode(control, Some(view), dataset, side, config))? else {
            return Ok(None);
        };
        let store = Arc::new(store);
        measure(control, view, &store, &config.source, views, usize::MAX)
    }

    fn fail(&self, error: RunError) {
        let RunError { message, bad_input, saved, .. } = error;
        self.outbox.send(Event::Failed { message, run_ended: true, bad_input, saved });
    }
}

/// How a model gets the names of the data.
const RENAME: &str = "if they are the same classes in the same order, give the network these names with \
    `alexnet-lab import FILE --classes NAMES.txt --out NEW.safetensors`";

/// What a data set and a model disagree on, in few words.
fn class_difference(found: &[String], wanted: &[String]) -> String {
    let missing = wanted.iter().find(|class| !found.contains(class));
    let surplus = found.iter().find(|class| !wanted.contains(class));
    match (missing, surplus) {
        (Some(missing), Some(surplus)) => {
            let difference = format!("`{missing}` is missing, `{surplus}` is unknown to the model");
            // A network from elsewhere may know the same classes by other names, or by none.
            if found.len() == wanted.len() { format!("{difference}; {RENAME}") } else { difference }
        }
        (Some(missing), None) => format!("`{missing}` is missing"),
        (None, Some(surplus)) => format!("`{surplus}` is unknown to the model"),
        (None, None) => "they stand in another order".into(),
    }
}
