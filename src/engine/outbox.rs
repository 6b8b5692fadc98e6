//! The engine's end of the event channel.

use std::sync::Arc;

use crossbeam_channel::Sender;

use super::Event;

/// Sends events and wakes whoever shows them.
#[derive(Clone)]
pub(super) struct Outbox {
    sender: Sender<Event>,
    notify: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    pub fn new(sender: Sender<Event>, notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self { sender, notify: Arc::new(notify) }
    }

    pub fn send(&self, event: Event) {
        // A send fails only when nobody listens any more; the run folder still gets everything.
        let _ = self.sender.send(event);
        (self.notify)();
    }

    /// A command could not be carried out; whatever is going on goes on.
    pub fn refuse(&self, message: impl Into<String>) {
        self.send(Event::Failed { message: message.into(), run_ended: false, bad_input: false, saved: None });
    }
}
