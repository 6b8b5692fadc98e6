//! The window's frame: takes in events, lets the panels draw, carries out what they ask.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use egui::{Context, Ui, ViewportCommand};

use super::action::Action;
use super::background::{Background, Done};
use super::data_view::preview;
use super::downloads::Downloader;
use super::draft::Draft;
use super::frame_times::FrameTimes;
use super::notice::Severity;
use super::panels::shortcuts;
use super::run_reader::RunReader;
use super::state::{DeviceChoice, Found, State};
use super::tab::Tab;
use super::view::View;
use super::{incoming, layers_view, layout, memory, theme};
use crate::config::RunConfig;
use crate::engine::{self, Among, BrowseNews, BrowseRequest, Browser, Command, Engine, Event, PresetInfo};

/// Key of the window's memory in the stored settings.
const VIEW: &str = "view";

/// Small pictures taken in at a time, so that a flood of them never holds up the window.
const AT_ONCE: usize = 48;

/// How often the memory is asked for.
const MEMORY_PAUSE: Duration = Duration::from_secs(2);

/// The window's ways to the engine and to the browser.
pub struct Port {
    commands: Sender<Command>,
    events: Receiver<Event>,
    browse: Box<dyn Fn(BrowseRequest)>,
    news: Receiver<BrowseNews>,
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
    port: Port,
    /// The share held back for validation that the data source was opened with.
    opened_share: f64,
    /// Orders for when the data source is known.
    waiting: VecDeque<Command>,
    /// When the memory was asked for last.
    memory_read: Instant,
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
        let mut data = self.draft.base.data.clone();
        if let Ok(drafted) = self.draft.config() {
            data.validation_share = drafted.data.validation_share;
        }
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

    fn send_waiting(&mut self) {
        while self.state.looking.is_none()
            && let Some(command) = self.waiting.pop_front()
        {
            self.send(command);
        }
    }

    /// Takes in what the engine and the background tasks have sent, and closes the window once all is saved.
    pub fn take_in(&mut self, ctx: &Context) {
        while let Ok(event) = self.port.events.try_recv() {
            self.state.apply(event);
        }
        self.go_on_afterwards();
        self.list_checkpoints();
        if self.memory_read.elapsed() > MEMORY_PAUSE {
            self.memory_read = Instant::now();
            (self.state.memory, self.state.free_memory) = (memory::taken(), memory::free());
        }
        if std::mem::take(&mut self.state.film.to_read)
            && let Some(run) = self.state.film.run.clone()
        {
            self.background.read_film(run);
        }
        self.take_in_pictures(ctx);
        self.take_in_picked();
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
        self.take_in_runs();
        for done in self.background.finished() {
            for action in self.take_in_done(done) {
                self.carry_out(action, ctx, None);
            }
        }
        self.close_politely(ctx);
    }

    /// Takes in what the browser has found; small pictures become textures.
    fn take_in_pictures(&mut self, ctx: &Context) {
        for _ in 0..AT_ONCE {
            match self.port.news.try_recv() {
                Ok(BrowseNews::Small { set, version, place, result }) => {
                    if version == layers_view::VERSION {
                        if set == self.state.gallery.order {
                            self.view.layers.thumbs.insert(ctx, place, version, result);
                        }
                        continue;
                    }
                    let of_data = place.among != Among::DataSet;
                    if set == self.state.gallery.order && (!of_data || self.view.data.wants(version)) {
                        let (data, evaluate) = (&mut self.view.data, &mut self.view.evaluate);
                        let thumbs = if of_data { &mut data.thumbs } else { &mut evaluate.thumbs };
                        thumbs.insert(ctx, place, version, result);
                    }
                }
                Ok(news) => {
                    let surveyed = matches!(news, BrowseNews::Surveyed { .. });
                    let refused = matches!(
                        news,
                        BrowseNews::RefusedKnown { .. } | BrowseNews::Checked { result: Ok(Some(_)), .. }
                    );
                    self.state.apply_browse(news);
                    if surveyed {
                        self.view.data.colours_known();
                    }
                    if refused {
                        self.view.data.refused_known();
                    }
                }
                Err(_) => return,
            }
        }
        // The rest comes with the next frame.
        ctx.request_repaint();
    }

    fn take_in_done(&mut self, done: Done) -> Vec<Action> {
        match done {
            Done::KnownSets(sets) => self.state.downloads.sets = Some(sets),
            Done::Devices(devices) => self.state.devices = Some(devices),
            Done::Interrupted(run) => self.state.interrupted = Some(run),
            Done::Problem(text) => self.state.notices.push(Severity::Error, text),
            Done::Wrote(path) => {
                self.state.notices.push(Severity::Info, format!("The list is in {}", path.display()));
            }
            Done::SmallPictures(pictures) => self.view.predict.take(pictures),
            Done::WroteKernels(path) => {
                self.state.notices.push(Severity::Info, format!("The kernels are in {}", path.display()));
            }
            Done::Film(run, Ok(frames)) => {
                self.state.film_read(&run, frames);
                self.view.film.frame = None;
            }
            // Of the run going on there is simply none yet.
            Done::Film(run, Err(reason)) => {
                if self.state.film.run.as_ref() != Some(&run) {
                    self.state.notices.push(Severity::Error, reason);
                }
            }
            Done::Checkpoints(run, kept) => {
                if self.branch_run().as_ref() == Some(&run) {
                    self.state.checkpoints = Some(kept);
                }
            }
            Done::WroteTables(folder) => {
                let text = format!("classes.csv, confusion.csv and pictures.csv are in {}", folder.display());
                self.state.notices.push(Severity::Info, text);
            }
            Done::LoadedRun(folder, run) => self.state.runs.loaded(&folder, run),
            Done::WroteReport(path) => {
                self.state.notices.push(Severity::Info, format!("The report is in {}", path.display()));
            }
            Done::GoBack(path, rate) => self.go_back(path, rate),
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
