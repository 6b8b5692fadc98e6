//! The window's frame: takes in events, lets the panels draw, carries out what they ask.

use std::collections::VecDeque;

use crossbeam_channel::{Receiver, Sender};
use egui::{Context, Ui, ViewportCommand};

use super::action::Action;
use super::background::{Background, Done};
use super::downloads::Downloader;
use super::draft::Draft;
use super::notice::Severity;
use super::panels::shortcuts;
use super::state::{DeviceChoice, Found, State};
use super::view::View;
use super::{incoming, layout, theme};
use crate::config::RunConfig;
use crate::engine::{self, Command, Engine, Event, PresetInfo};

/// Key of the window's memory in the stored settings.
const VIEW: &str = "view";

/// The window's way to the engine.
pub struct Port {
    commands: Sender<Command>,
    events: Receiver<Event>,
    /// Kept alive here; dropping it saves a run in hand.
    _engine: Option<Engine>,
}

impl Port {
    /// The port of a running engine.
    pub fn of(engine: Engine) -> Self {
        Self { commands: engine.commands(), events: engine.events().clone(), _engine: Some(engine) }
    }

    /// A port made of bare channels, for example in a test.
    pub fn bare(commands: Sender<Command>, events: Receiver<Event>) -> Self {
        Self { commands, events, _engine: None }
    }
}

/// The program behind the window.
pub struct App {
    pub state: State,
    pub draft: Draft,
    pub view: View,
    pub downloader: Downloader,
    pub(super) background: Background,
    port: Port,
    /// Orders for when the engine is done looking at a data source.
    waiting: VecDeque<Command>,
}

impl App {
    /// Sets the look of the window and asks the engine what is at the data source.
    pub fn new(ctx: &Context, port: Port, initial: RunConfig, presets: Vec<PresetInfo>) -> Self {
        theme::install(ctx);
        let mut app = Self {
            state: State::new(presets),
            draft: Draft::new(initial),
            view: View::default(),
            downloader: Downloader::default(),
            background: Background::new(ctx.clone()),
            port,
            waiting: VecDeque::new(),
        };
        app.describe();
        app
    }

    /// Brings back what was remembered of the last time. Theme, zoom and panel sizes are egui's own to keep.
    pub fn restore(&mut self, storage: Option<&dyn eframe::Storage>) {
        if let Some(remembered) = storage.and_then(|storage| eframe::get_value(storage, VIEW)) {
            self.view.restore(remembered);
        }
    }

    /// Asks the drivers for devices, on a thread of its own.
    pub fn list_devices(&self) {
        self.background.spawn("list devices", || {
            let devices = engine::devices();
            Some(Done::Devices(devices.iter().map(DeviceChoice::from).collect()))
        });
    }

    /// Looks for a run of an earlier time that was interrupted, on a thread of its own.
    pub fn look_for_interrupted_run(&self) {
        self.background.spawn("interrupted run", || engine::interrupted_run().map(Done::Interrupted));
    }

    /// Sends a command to the engine; one that has ended is reported.
    pub(super) fn send(&mut self, command: Command) {
        if self.port.commands.send(command).is_err() {
            let text = "The engine has ended. Please restart the program; everything saved so far is kept.";
            self.state.notices.push(Severity::Error, text);
        }
    }

    /// Asks what is at the data source. The engine refuses that during a run, so it is not asked then.
    pub(super) fn describe(&mut self) {
        if self.state.busy() {
            return;
        }
        let data = self.draft.base.data.clone();
        self.state.chose_source(&data.source);
        match &self.state.looking {
            Some(source) if *source == data.source => return,
            // What was chosen before need not be looked at to the end.
            Some(_) => self.send(Command::Stop),
            None => {}
        }
        self.waiting.retain(|command| !matches!(command, Command::Describe(_)));
        self.send_when_free(Command::Describe(data));
    }

    /// Sends an order that the engine refuses while it looks at a data source: such a one waits its turn.
    pub(super) fn send_when_free(&mut self, command: Command) {
        self.waiting.push_back(command);
        self.send_waiting();
    }

    /// Forgets a start, or a search for a rate, that has not been sent yet. Returns whether there was one.
    pub(super) fn take_back_start(&mut self) -> bool {
        let before = self.waiting.len();
        let starts = |command: &Command| {
            matches!(command, Command::Start(_) | Command::TakeUp(_) | Command::FindRate { .. })
        };
        self.waiting.retain(|command| !starts(command));
        self.waiting.len() < before
    }

    fn send_waiting(&mut self) {
        while self.state.looking.is_none()
            && let Some(command) = self.waiting.pop_front()
        {
            if let Command::Describe(data) = &command {
                self.state.looking = Some(data.source.clone());
            }
            self.send(command);
        }
    }

    /// Takes in what the engine and the background tasks have sent, and closes the window once all is saved.
    pub fn take_in(&mut self, ctx: &Context) {
        while let Ok(event) = self.port.events.try_recv() {
            self.state.apply(event);
        }
        match self.state.found {
            Found::Ready(..) => self.view.remember_source(&self.state.source),
            Found::Unusable(_) => {
                if self.take_back_start() {
                    self.state.apply(Event::Cancelled);
                }
            }
            Found::Nothing | Found::Looking => {}
        }
        self.send_waiting();
        self.take_in_download();
        for done in self.background.finished() {
            for action in self.take_in_done(done) {
                self.carry_out(action, ctx, None);
            }
        }
        self.close_politely(ctx);
    }

    fn take_in_done(&mut self, done: Done) -> Vec<Action> {
        match done {
            Done::KnownSets(sets) => self.state.downloads.sets = Some(sets),
            Done::Devices(devices) => self.state.devices = Some(devices),
            Done::Interrupted(run) => self.state.interrupted = Some(run),
            Done::Problem(text) => self.state.notices.push(Severity::Error, text),
            other => return incoming::actions_for(other),
        }
        Vec::new()
    }

    /// The first wish to close a busy window stops the run and waits until it is saved; a second one closes
    /// at once, and the engine saves while the program ends.
    fn close_politely(&mut self, ctx: &Context) {
        let wished = ctx.input(|input| input.viewport().close_requested());
        if wished && self.state.busy() && !self.state.closing {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.state.closing = true;
            self.carry_out(Action::Stop, ctx, None);
            ctx.request_repaint();
        } else if self.state.closing && !self.state.busy() && !wished {
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
    }

    /// Draws the window and carries out what is asked in it.
    pub fn draw(&mut self, ui: &mut Ui, frame: Option<&eframe::Frame>) {
        let ctx = ui.ctx().clone();
        let mut actions = incoming::read_input(&ctx, &self.state);
        shortcuts::read_keys(&ctx, &self.state, &self.draft, &self.view, &mut actions);
        layout::window_ui(ui, &self.state, &mut self.draft, &mut self.view, &mut actions);
        for action in actions {
            self.carry_out(action, &ctx, frame);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.draw(ui, Some(frame));
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, VIEW, &self.view.remembered());
    }
}
