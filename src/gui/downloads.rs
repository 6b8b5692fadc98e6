//! Data sets that are known by name, as the window sees them: the list, and one download beside whatever else
//! goes on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egui::Context;

use super::app::App;
use super::background::Done;
use super::format::sentence;
use super::notice::Severity;
use crate::engine::{
    self, Download, DownloadEvent, DownloadRequest, DownloadSettings, Progress, ProxyChoice, SetInfo,
};

/// How long progress may wait until it is drawn: drawing can take time from a run.
const REDRAW: Duration = Duration::from_millis(200);

/// A wish about the known sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownAction {
    Open,
    Close,
    /// Download the set of that name.
    Get(String),
    Stop,
    /// Take the set of that name as the data source.
    Use(String),
}

/// What the window knows.
#[derive(Debug, Default)]
pub struct Downloads {
    /// Whether the list is in sight.
    pub open: bool,
    /// The sets, or why there is no list. Empty until they have been looked up.
    pub sets: Option<Result<Vec<SetInfo>, String>>,
    pub active: Option<Active>,
    /// What became of the last download if it failed.
    pub failed: Option<Failure>,
}

/// The download going on.
#[derive(Debug)]
pub struct Active {
    pub name: String,
    /// The last report, unless it was a mere note.
    pub progress: Option<Progress>,
    /// It was asked to stop and has not stopped yet.
    pub stopping: bool,
}

/// A download that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub name: String,
    pub message: String,
    /// How to get the set without this computer's network; empty where that does not help.
    pub by_hand: String,
}

impl Failure {
    /// All of it, for the clipboard.
    pub fn text(&self) -> String {
        [self.message.as_str(), &self.by_hand].join("\n").trim_end().to_owned()
    }
}

impl Downloads {
    pub fn set(&self, name: &str) -> Option<&SetInfo> {
        self.sets.as_ref()?.as_ref().ok()?.iter().find(|set| set.name == name)
    }
}

/// The window's way to downloads.
#[derive(Default)]
pub struct Downloader {
    /// The folder of data sets; without it, the user's own.
    pub root: Option<PathBuf>,
    /// How patient downloads are; mirror and proxy come from the window's own fields. Empty: as usual.
    pub settings: Option<DownloadSettings>,
    download: Option<Download>,
}

impl App {
    pub(super) fn carry_out_known(&mut self, action: KnownAction, ctx: &Context) {
        match action {
            KnownAction::Open => {
                self.state.downloads.open = true;
                self.look_up_sets();
            }
            KnownAction::Close => self.state.downloads.open = false,
            KnownAction::Get(name) => self.download(name, ctx),
            KnownAction::Stop => {
                if let (Some(download), Some(active)) =
                    (&self.downloader.download, &mut self.state.downloads.active)
                {
                    download.cancel();
                    active.stopping = true;
                }
            }
            KnownAction::Use(name) => {
                if let Some(source) = self.known_source(&name) {
                    self.use_source(source);
                    self.state.downloads.open = false;
                }
            }
        }
    }

    /// Asks the disk which sets are here, on a thread of its own.
    fn look_up_sets(&self) {
        let root = self.downloader.root.clone();
        self.background
            .spawn("known sets", move || Some(Done::KnownSets(engine::known_sets(root.as_deref()))));
    }

    fn download(&mut self, name: String, ctx: &Context) {
        if self.downloader.download.is_some() {
            return;
        }
        let mut settings = self.downloader.settings.clone().unwrap_or_else(DownloadSettings::standard);
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        settings.mirror = given(&self.view.mirror).or(settings.mirror);
        if let Some(proxy) = given(&self.view.proxy) {
            settings.proxy = if proxy.eq_ignore_ascii_case("none") {
                ProxyChoice::Direct
            } else {
                ProxyChoice::Address(proxy)
            };
        }
        let request = DownloadRequest { name: name.clone(), root: self.downloader.root.clone(), settings };
        let waker = ctx.clone();
        self.state.downloads.failed = None;
        match Download::start(request, move || waker.request_repaint_after(REDRAW)) {
            Ok(download) => {
                self.downloader.download = Some(download);
                self.state.downloads.active = Some(Active { name, progress: None, stopping: false });
            }
            Err(reason) => {
                let message = format!("The system refused to start a thread: {reason}");
                self.state.downloads.failed = Some(Failure { name, message, by_hand: String::new() });
            }
        }
    }

    /// Takes in what the download reports.
    pub(super) fn take_in_download(&mut self) {
        let Some(download) = &self.downloader.download else { return };
        let events: Vec<DownloadEvent> = download.events().try_iter().collect();
        for event in events {
            if let DownloadEvent::Progress(progress) = event {
                if let Some(active) = &mut self.state.downloads.active
                    && !matches!(progress, Progress::Note(_))
                {
                    active.progress = Some(progress);
                }
                continue;
            }
            self.downloader.download = None;
            let name = self.state.downloads.active.take().map_or_else(String::new, |active| active.name);
            self.ended(name, event);
            self.look_up_sets();
        }
    }

    fn ended(&mut self, name: String, event: DownloadEvent) {
        let title = self.state.downloads.set(&name).map_or(name.clone(), |set| set.title.clone());
        match event {
            DownloadEvent::Done { .. } => {
                let text = format!("{title} is downloaded. Open \"Known data sets…\" to use it.");
                self.state.notices.push(Severity::Info, text);
            }
            DownloadEvent::Failed { message, by_hand, .. } => {
                let message = sentence(&message);
                // Where the list is out of sight, so would be the reason.
                if !self.state.downloads.open {
                    self.state.notices.push(Severity::Error, format!("{title}: {message}"));
                }
                self.state.downloads.failed = Some(Failure { name, message, by_hand });
            }
            DownloadEvent::Progress(_) | DownloadEvent::Stopped => {}
        }
    }

    /// What names a set as a data source: its name, or its path where the name would mean something else.
    fn known_source(&self, name: &str) -> Option<String> {
        let set = self.state.downloads.set(name)?;
        let plain = self.downloader.root.is_none() && !Path::new(name).exists();
        Some(if plain { name.to_owned() } else { set.source.display().to_string() })
    }
}
