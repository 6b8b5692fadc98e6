//! The two ends of the engine: a sender of commands and a receiver of events.

use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::outbox::Outbox;
use super::{Command, Event, worker};

/// A running engine. Dropping it shuts the engine down: a run in hand is saved first.
pub struct Engine {
    commands: Sender<Command>,
    events: Receiver<Event>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the engine thread. `notify` is called after every event, for example to wake a window.
    pub fn spawn(notify: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (outbox, events) = unbounded();
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || worker::run(&inbox, &Outbox::new(outbox, notify)))?;
        Ok(Self { commands, events, thread: Some(thread) })
    }

    /// Asks for something. The answer comes as events; a request to an engine that has ended is dropped.
    pub fn send(&self, command: Command) {
        // A send fails only after the thread has ended, and then nobody is left to tell.
        let _ = self.commands.send(command);
    }

    /// A second way in, for a signal handler.
    pub fn commands(&self) -> Sender<Command> {
        self.commands.clone()
    }

    /// What the engine reports, in order.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.send(Command::ShutDown);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the engine thread ended in a panic");
        }
    }
}
