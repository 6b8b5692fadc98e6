//! The window's frame: takes in events, lets the panels draw, carries out what they ask.

use std::collections::VecDeque;
use std::time::Instant;

use egui::{Context, Ui, ViewportCommand};

use super::background::{Background, Done};
use super::data_view::preview;
use super::downloads::Downloader;
use super::draft::Draft;
use super::frame_times::FrameTimes;
use super::notice::Severity;
use super::panels::shortcuts;
use super::port::Port;
use super::run_reader::RunReader;
use super::state::{Closing, DeviceChoice, State};
use super::tab::Tab;
use super::view::View;
use super::{incoming, layout, memory, theme, told_to_end};
use crate::config::RunConfig;
use crate::engine::{self, BrowseRequest, Command, PresetInfo};

/// Key of the window's memory in the stored settings.
const VIEW: &str = "view";

/// The program behind the window.
pub struct App {
    pub state: State,
    pub draft: Draft,
    pub view: View,
    pub downloader: Downloader,
    pub(super) background: Background,
    /// Looks at the folder of runs, once somebody has asked for it.
    pub(super) runs: Option<RunReader>,
    frame_times: Option<FrameTimes>,
    pub(super) port: Port,
    /// The share held back for validation that the data source was opened with.
    opened_share: f64,
    /// Orders for when the data source is known.
    waiting: VecDeque<Command>,
    /// When the memory was asked for last.
    pub(super) memory_read: Instant,
}

impl App {
    /// Sets the look of the window and asks what is at the data source.
    pub fn new(ctx: &Context, port: Port, initial: RunConfig, presets: Vec<PresetInfo>) -> Self {
        theme::install(ctx);
        let mut app = Self {
            state: State::new(presets),
            draft: Draft::new(initial),
            view: View::default(),
            downloader: Downloader::default(),
            background: Background::new(ctx.clone()),
            runs: None,
            frame_times: None,
            port,
            opened_share: 0.0,
            waiting: VecDeque::new(),
            memory_read: Instant::now(),
        };
        (app.state.memory, app.state.free_memory) = (memory::taken(), memory::free());
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

    /// Writes down how long frames take, if that was asked for.
    pub fn measure_frames(&mut self) {
        self.frame_times = FrameTimes::asked_for();
    }

    /// Looks for a run of an earlier time that was interrupted, on a thread of its own.
    pub fn look_for_interrupted_run(&self) {
        let last = self.view.last_run.clone();
        self.background.spawn("interrupted run", move || {
            engine::interrupted_run(last.as_deref()).map(Done::Interrupted)
        });
    }

    /// Sends a command to the engine; one that has ended is reported.
    pub(super) fn send(&mut self, command: Command) {
        if self.port.commands.send(command).is_err() {
            let text = "The engine has ended. Please restart the program; everything saved so far is kept.";
            self.state.notices.push(Severity::Error, text);
        }
    }

    /// Opens the data source to look at. What was being opened before is given up.
    pub(super) fn describe(&mut self) {
        let mut data = self.draft.data();
        self.open_corrections();
        // The pictures are shown as the source has them; what was said of them is shown beside.
        data.corrections = None;
        self.state.chose_source(&data.source);
        if self.state.looking.as_ref() == Some(&data.source) {
            return;
        }
        self.state.looking = Some(data.source.clone());
        self.opened_share = data.validation_share;
        self.view.data.forget();
        let id = self.state.gallery.asked_to_open();
        self.browse(BrowseRequest::Open { id, config: Box::new(data) });
    }

    /// Opens the data source again when another share is to be held back, once it has been typed to its end.
    fn follow_share(&mut self, ctx: &Context) {
        let fixed = self.state.busy() || self.state.source == "sample" || ctx.text_edit_focused();
        if !fixed
            && self.state.gallery.set.is_some()
            && let Ok(config) = self.draft.config()
            && config.data.validation_share != self.opened_share
        {
            self.describe();
        }
    }

    /// Asks the browser for something.
    pub(super) fn browse(&self, request: BrowseRequest) {
        (self.port.browse)(request);
    }

    /// Sends an order that needs to know the data source: while it is being opened, the order waits.
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

    pub(super) fn send_waiting(&mut self) {
        while self.state.looking.is_none()
            && let Some(command) = self.waiting.pop_front()
        {
            self.send(command);
        }
    }

    /// A wish to close a window in which a run goes on brings up a question. What is agreed to, or wished once more, is
    /// done as soon as the run is saved; a wish after that closes at once, and the engine saves while the program ends.
    /// The system does not answer questions: when it wants the program to end, it is as if they had been.
    pub(super) fn close_politely(&mut self, ctx: &Context) {
        let wished = ctx.input(|input| input.viewport().close_requested());
        let busy = self.state.busy();
        match self.state.closing {
            Closing::No if wished && busy && self.state.running() && !told_to_end(ctx) => {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.state.closing = Closing::Asked;
                ctx.request_repaint();
            }
            Closing::No | Closing::Asked if wished && busy => {
                ctx.send_viewport_cmd(ViewportCommand::CancelClose);
                self.save_and_close();
                ctx.request_repaint();
            }
            Closing::Asked | Closing::Saving if !busy && !wished => {
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            _ => {}
        }
    }

    /// Stops the run; the window closes once that is saved.
    pub(super) fn save_and_close(&mut self) {
        self.state.closing = Closing::Saving;
        self.stop();
    }

    /// Draws the window and carries out what is asked in it.
    pub fn draw(&mut self, ui: &mut Ui, frame: Option<&eframe::Frame>) {
        let ctx = ui.ctx().clone();
        let mut actions = incoming::read_input(&ctx, &self.state);
        shortcuts::read_keys(&ctx, &self.state, &self.draft, &self.view, &mut actions);
        layout::window_ui(ui, &self.state, &mut self.draft, &mut self.view, &mut actions);
        let asked = !actions.is_empty();
        for action in actions {
            self.carry_out(action, &ctx, frame);
        }
        if asked {
            // What they change is to be seen at once: this frame, which does not show it yet, is not painted, because that
            // takes long where the processor paints. The panels are drawn anew instead.
            ctx.request_discard("something was asked for");
            ctx.request_repaint();
        }
        self.follow_share(&ctx);
        self.watch_runs(&ctx);
        let look = (self.view.tab == Tab::Data).then(|| preview(&self.state, &self.draft)).flatten();
        let measured = self.state.measured.as_ref();
        if let Some(request) = self.view.evaluate.request(&self.state.gallery, measured) {
            self.browse(request);
        }
        if let Some(request) = self.view.layers.request(&self.state.gallery) {
            self.browse(request);
        }
        self.ask_about_layers(&ctx);
        if self.view.tab == Tab::Predict
            && let Some(paths) = self.view.predict.wanted(self.state.asked.album.as_ref())
        {
            self.background.read_small(paths);
        }
        let refused = self.view.data.refused_news(&self.state);
        for request in refused.into_iter().chain(self.view.data.requests(&self.state.gallery, look)) {
            self.browse(request);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_in(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(times) = &mut self.frame_times {
            times.begin(ui.ctx());
        }
        // What is asked for in this frame may change the view of the next.
        let view = self.view.tab;
        self.draw(ui, Some(frame));
        if let Some(times) = &mut self.frame_times {
            times.end(ui.ctx(), view, frame.info().cpu_usage);
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        if let Some(run) = &self.state.run {
            self.view.last_run = std::path::absolute(&run.folder).ok();
        }
        eframe::set_value(storage, VIEW, &self.view.remembered());
    }
}
