//! The engine as a terminal task sees it: with a way to be interrupted.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Receiver;

use super::output::{self, Status};
use crate::engine::{Command, Engine, Event};

/// An engine that stops on Ctrl-C or a request of the system to end.
pub(super) struct Session {
    engine: Engine,
    interrupted: Arc<AtomicBool>,
}

impl Session {
    /// `saves` is whether a stop has something to save, for the message.
    pub fn start(json: bool, saves: bool) -> Result<Self, Status> {
        let engine = Engine::spawn(|| {})
            .map_err(|e| output::failure(&format!("the engine cannot be started: {e}"), false, json))?;
        let interrupted = Arc::new(AtomicBool::new(false));
        let (flag, commands) = (interrupted.clone(), engine.commands());
        let handler = ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::SeqCst) {
                // Asked twice: somebody does not want to wait for the save.
                process::exit(130);
            }
            let what = if saves { "stopping and saving" } else { "stopping" };
            output::note(&format!("\n{what}; press Ctrl-C again to end at once"));
            let _ = commands.send(Command::Stop);
        });
        if let Err(e) = handler {
            log::warn!("Ctrl-C will not save: {e}");
        }
        Ok(Self { engine, interrupted })
    }

    pub fn send(&self, command: Command) {
        self.engine.send(command);
    }

    pub fn events(&self) -> &Receiver<Event> {
        self.engine.events()
    }

    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}
