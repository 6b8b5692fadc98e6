//! What the user wants while the engine is busy.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::inspect::{self, Chores};
use super::model::View;
use super::outbox::Outbox;
use super::{Command, Event, Views};

/// How long to wait for what a chore needs.
pub(super) const CHORE_PAUSE: Duration = Duration::from_millis(10);

/// Serves commands between two pieces of work and remembers those that change its course.
pub(super) struct Control<'a> {
    inbox: &'a Receiver<Command>,
    pub outbox: &'a Outbox,
    pub paused: bool,
    /// One update is wanted although paused.
    pub single: bool,
    /// The run should end.
    pub stop: bool,
    /// The engine should end after it.
    pub shut_down: bool,
    /// A rate set by hand that is not in force yet.
    pub rate: Option<f64>,
    /// A checkpoint is wanted now.
    pub keep: bool,
    /// A paused run waits for commands, so that its network can be measured.
    pub at_rest: bool,
    /// A measurement of the validation pictures is wanted now.
    pub measure: Option<Views>,
    /// Looks into the network that take many passes.
    pub chores: Chores,
}

impl<'a> Control<'a> {
    pub fn new(inbox: &'a Receiver<Command>, outbox: &'a Outbox, chores: Chores) -> Self {
        Self {
            inbox,
            outbox,
            paused: false,
            single: false,
            stop: false,
            shut_down: false,
            rate: None,
            keep: false,
            at_rest: false,
            measure: None,
            chores,
        }
    }

    pub fn inbox(&self) -> &'a Receiver<Command> {
        self.inbox
    }

    /// Serves every command that is waiting, and goes on a little with the chores. Predictions and saves are made
    /// with `model`.
    pub fn drain(&mut self, model: Option<View<'_>>) {
        while let Ok(command) = self.inbox.try_recv() {
            self.serve(command, model);
        }
        if !self.stop {
            self.chores.work(self.outbox);
        }
    }

    /// Waits for a command and serves it. While there are chores it does not wait but goes on with them.
    pub fn wait(&mut self, model: Option<View<'_>>) {
        if !self.chores.is_empty() {
            let pause = if self.chores.work(self.outbox) { Duration::ZERO } else { CHORE_PAUSE };
            return self.wait_at_most(pause, model);
        }
        match self.inbox.recv() {
            Ok(command) => self.serve(command, model),
            // Nobody can send any more: the handle is gone.
            Err(_) => self.end(),
        }
    }

    /// Waits for a command for so long at most, and serves it.
    pub fn wait_at_most(&mut self, time: Duration, model: Option<View<'_>>) {
        match self.inbox.recv_timeout(time) {
            Ok(command) => self.serve(command, model),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.end(),
        }
    }

    /// Serves one command.
    pub fn serve(&mut self, command: Command, model: Option<View<'_>>) {
        match command {
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Step => self.single = self.paused,
            Command::Stop => self.stop = true,
            Command::ShutDown => self.end(),
            Command::SetRate(rate) if rate.is_finite() && rate > 0.0 => self.rate = Some(rate),
            Command::SetRate(rate) => {
                self.outbox.refuse(format!("the learning rate {rate} cannot be used: it must be above 0"));
            }
            Command::Predict { id, source, views, top } => {
                predict(self.outbox, model, id, source, views, top)
            }
            Command::Inspect(order) => inspect::inspect(self.outbox, &mut self.chores, model, *order),
            Command::Save(path) => save(self.outbox, model, &path),
            Command::Keep => self.keep = true,
            Command::ShowKernels(layer) => show_kernels(self.outbox, model, &layer),
            Command::Start(_) | Command::TakeUp(_) => {
                self.outbox.refuse("a run is going on; stop it before you start another")
            }
            Command::Evaluate { views, .. } if self.at_rest => self.measure = Some(views),
            Command::Evaluate { .. } => {
                self.outbox.refuse("a run is going on; pause it to measure its network, or stop it first");
            }
            Command::Load { .. } | Command::FindRate { .. } => {
                self.outbox.refuse("a run is going on; stop it first");
            }
        }
    }

    /// Whether a pause is over, for one update or for good.
    pub fn leaves_pause(&self) -> bool {
        !self.paused || self.stop || self.single
    }

    fn end(&mut self) {
        self.stop = true;
        self.shut_down = true;
    }
}

/// Answers a request to classify a picture.
pub(super) fn predict(
    outbox: &Outbox,
    model: Option<View<'_>>,
    id: u64,
    source: super::PictureSource,
    views: super::Views,
    top: usize,
) {
    let (name, result) = match model {
        Some(model) => model.predict(source, views, top),
        None => ("picture".into(), Err("there is no model yet: train one, or open a model file".into())),
    };
    outbox.send(Event::Prediction { id, name, result });
}

/// Answers a request for the kernels of a convolution. One that the network does not have is no news.
pub(super) fn show_kernels(outbox: &Outbox, model: Option<View<'_>>, layer: &str) {
    match model.map(|model| model.kernels(layer)) {
        Some(Ok(Some(kernels))) => outbox.send(Event::Kernels(Box::new(kernels))),
        Some(Err(message)) => outbox.refuse(message),
        Some(Ok(None)) | None => {}
    }
}

/// Answers a request to write a model file.
pub(super) fn save(outbox: &Outbox, model: Option<View<'_>>, path: &std::path::Path) {
    match model {
        Some(model) => match model.save(path) {
            Ok(()) => outbox.send(Event::Saved { path: path.into() }),
            Err(message) => outbox.refuse(message),
        },
        None => outbox.refuse("there is no model to save yet"),
    }
}
