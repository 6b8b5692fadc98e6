//! The window's ways to the engine and to the browser.

use crossbeam_channel::{Receiver, Sender};

use crate::engine::{BrowseNews, BrowseRequest, Browser, Command, Engine, Event};

/// The window's ways to the engine and to the browser.
pub struct Port {
    pub(super) commands: Sender<Command>,
    pub(super) events: Receiver<Event>,
    pub(super) browse: Box<dyn Fn(BrowseRequest)>,
    pub(super) news: Receiver<BrowseNews>,
    _browser: Option<Browser>,
    /// Kept alive here; dropping it saves a run in hand.
    _engine: Option<Engine>,
}

impl Port {
    /// The port of a running engine and a browser.
    pub fn of(engine: Engine, browser: Browser) -> Self {
        Self {
            commands: engine.commands(),
            events: engine.events().clone(),
            browse: Box::new(browser.requests()),
            news: browser.news().clone(),
            _browser: Some(browser),
            _engine: Some(engine),
        }
    }

    /// A port made of bare channels, for example in a test.
    pub fn bare(
        commands: Sender<Command>,
        events: Receiver<Event>,
        requests: Sender<BrowseRequest>,
        news: Receiver<BrowseNews>,
    ) -> Self {
        let browse = Box::new(move |request| {
            // Fails only when nobody browses any more.
            let _ = requests.send(request);
        });
        Self { commands, events, browse, news, _browser: None, _engine: None }
    }
}
