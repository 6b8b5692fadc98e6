//! What the user wants while the engine is busy.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::desk::{Desks, GLANCE, Progress};
use super::memory::MemoryNeed;
use super::model::View;
use super::outbox::Outbox;
use super::{Command, Event, Views};

/// How long to wait for pictures before looking at commands again.
pub(super) const BATCH_WAIT: Duration = Duration::from_millis(20);

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
    /// Questions that take many passes.
    desk: Desks,
}

impl<'a> Control<'a> {
    pub fn new(inbox: &'a Receiver<Command>, outbox: &'a Outbox, desk: Desks) -> Self {
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
            desk,
        }
    }

    pub fn inbox(&self) -> &'a Receiver<Command> {
        self.inbox
    }

    /// Serves every command that is waiting, and goes on a little with the questions in hand. Predictions and saves are made
    /// with `model`.
    pub fn drain(&mut self, model: Option<View<'_>>) {
        while let Ok(command) = self.inbox.try_recv() {
            self.serve(command, model);
        }
        self.inquire();
    }

    /// A pass for a question in hand, if it is its turn beside the work going on.
    pub fn inquire(&self) {
        if !self.stop {
            self.desk.borrow_mut().advance(self.outbox, true);
        }
    }

    /// Gives back memory that a run with this need would miss, without a need all that can be given back, and says so.
    pub fn make_room(&self, need: Option<MemoryNeed>) {
        if self.desk.borrow_mut().make_room(self.outbox, need) {
            let text = "the values of the training pictures that Predict searches were given up: the run needs their \
                        memory";
            self.outbox.send(Event::Note(text.into()));
        }
    }

    /// Waits for a command and serves it. While there are questions in hand it goes on with them.
    pub fn wait(&mut self, model: Option<View<'_>>) {
        match next_command(self.inbox, self.outbox, &self.desk) {
            Some(command) => self.serve(command, model),
            None => self.end(),
        }
    }

    /// Waits for a command for so long at most, and serves it.
    pub fn wait_at_most(&mut self, time: Duration, model: Option<View<'_>>) {
        let worked = self.desk.borrow_mut().advance(self.outbox, false);
        let time = match worked {
            Progress::Nothing => time,
            Progress::Waiting => time.min(GLANCE),
            Progress::Worked => Duration::ZERO,
        };
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
            Command::Inspect(order) => self.desk.borrow_mut().look(self.outbox, model, *order),
            Command::Inquire(inquiry) => self.desk.borrow_mut().serve(self.outbox, model, inquiry),
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

/// The next command; until it comes, questions in hand are answered. Nothing: nobody can send any more.
pub(super) fn next_command(inbox: &Receiver<Command>, outbox: &Outbox, desk: &Desks) -> Option<Command> {
    loop {
        let time = match desk.borrow_mut().advance(outbox, false) {
            Progress::Nothing => return inbox.recv().ok(),
            Progress::Waiting => GLANCE,
            Progress::Worked => Duration::ZERO,
        };
        match inbox.recv_timeout(time) {
            Ok(command) => return Some(command),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
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
