//! Known data sets for the window and the terminal: which there are, and a download that goes on beside a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};
use serde::Serialize;

use crate::data::download::{self, DownloadError};
use crate::data::known::{self, KnownSet, SetState, Shelf};
use crate::words;

pub use crate::data::download::{DownloadSettings, Progress, ProxyChoice};

/// A known data set, and how much of it is here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetInfo {
    /// What it is called as a source.
    pub name: String,
    pub title: String,
    pub about: String,
    pub good_for: String,
    /// The preset that suits it.
    pub preset: String,
    pub licence: String,
    pub bytes: u64,
    #[serde(flatten)]
    pub state: SetPresence,
    pub folder: PathBuf,
    /// What is opened: the archive, or the folder of several files.
    pub source: PathBuf,
    pub files: Vec<SetFile>,
    /// How to get it without this computer's network.
    #[serde(skip)]
    pub by_hand: String,
}

impl SetInfo {
    /// Whether a person who types `name` means this set.
    pub fn is_called(&self, name: &str) -> bool {
        known::means(name, &self.name)
    }
}

/// A file of a known data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetFile {
    pub name: String,
    pub bytes: u64,
    pub md5: String,
    /// For people: without the names and passwords in them.
    pub addresses: Vec<String>,
}

/// How much of a set is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SetPresence {
    Absent,
    /// A download was broken off.
    Begun {
        here: u64,
    },
    /// All files lie there, but were put there by somebody: they are checked when the set is first used.
    Unchecked,
    Present,
}

impl SetPresence {
    /// Whether it can be opened by its name.
    pub fn is_usable(self) -> bool {
        matches!(self, Self::Present | Self::Unchecked)
    }
}

/// The known data sets. `root` is the folder of data sets; without it, the user's own.
///
/// # Errors
/// No such folder on this system, or a list of further sets in it that cannot be read.
pub fn known_sets(root: Option<&Path>) -> Result<Vec<SetInfo>, String> {
    let shelf = shelf(root)?;
    let sets = shelf.sets().map_err(|e| e.to_string())?;
    Ok(sets.into_iter().map(|set| info(&shelf, set)).collect())
}

fn shelf(root: Option<&Path>) -> Result<Shelf, String> {
    root.map(Shelf::at).or_else(Shelf::standard).ok_or_else(|| {
        "this system has no folder for data: name one with --to, or in ALEXNET_LAB_DATASETS".to_owned()
    })
}

fn info(shelf: &Shelf, set: KnownSet) -> SetInfo {
    let state = match shelf.state(&set) {
        SetState::Absent => SetPresence::Absent,
        SetState::Begun(here) => SetPresence::Begun { here },
        SetState::Unchecked => SetPresence::Unchecked,
        SetState::Present => SetPresence::Present,
    };
    SetInfo {
        state,
        bytes: set.bytes(),
        folder: shelf.folder(&set),
        source: shelf.source(&set),
        by_hand: shelf.by_hand(&set),
        files: (set.files.into_iter())
            .map(|file| SetFile {
                name: file.name,
                bytes: file.bytes,
                md5: file.md5,
                addresses: file.addresses.iter().map(|address| words::address(address)).collect(),
            })
            .collect(),
        name: set.name,
        title: set.title,
        about: set.about,
        good_for: set.good_for,
        preset: set.preset,
        licence: set.licence,
    }
}

/// What to download.
#[derive(Clone, Debug, Default)]
pub struct DownloadRequest {
    /// Name of a known set.
    pub name: String,
    /// The folder of data sets; without it, the user's own.
    pub root: Option<PathBuf>,
    pub settings: DownloadSettings,
}

/// What a download reports. After one of the last three nothing follows.
#[derive(Clone, Debug)]
pub enum DownloadEvent {
    Progress(Progress),
    /// The set is here and right; `source` is the path to open.
    Done {
        source: PathBuf,
    },
    /// Stopped on request. What has come is kept.
    Stopped,
    Failed {
        message: String,
        /// Whether asking for something else is the remedy, rather than trying again.
        bad_input: bool,
        /// How to get the set without this computer's network; empty where that does not help.
        by_hand: String,
    },
}

/// A download on a thread of its own. Dropping it stops it; what has come is kept.
pub struct Download {
    cancel: Arc<AtomicBool>,
    events: Receiver<DownloadEvent>,
    thread: Option<JoinHandle<()>>,
}

impl Download {
    /// Starts it. `notify` is called after every event, for example to wake a window.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(request: DownloadRequest, notify: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let cancel = Arc::new(AtomicBool::new(false));
        let (outbox, events) = unbounded();
        let flag = cancel.clone();
        let thread = std::thread::Builder::new().name("download set".into()).spawn(move || {
            let last = run(&request, &flag, &outbox, &notify);
            // Fails only when nobody listens any more.
            let _ = outbox.send(last);
            notify();
        })?;
        Ok(Self { cancel, events, thread: Some(thread) })
    }

    /// Asks it to stop, which takes less than a second.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// The way to ask it to stop from elsewhere, for a signal handler.
    pub fn canceller(&self) -> Arc<AtomicBool> {
        self.cancel.clone()
    }

    /// What it reports, in order.
    pub fn events(&self) -> &Receiver<DownloadEvent> {
        &self.events
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread of a download ended in a panic");
        }
    }
}

fn run(
    request: &DownloadRequest,
    cancel: &AtomicBool,
    outbox: &Sender<DownloadEvent>,
    notify: &dyn Fn(),
) -> DownloadEvent {
    let bad_input = |message| DownloadEvent::Failed { message, bad_input: true, by_hand: String::new() };
    let shelf = match shelf(request.root.as_deref()) {
        Ok(shelf) => shelf,
        Err(message) => return bad_input(message),
    };
    let sets = match shelf.sets() {
        Ok(sets) => sets,
        Err(error) => return bad_input(error.to_string()),
    };
    let Some(set) = sets.iter().find(|set| set.is_called(&request.name)) else {
        let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        return bad_input(format!(
            "there is no known data set `{}`: choose one of {}, or add it to catalogue.toml in `{}`",
            request.name,
            names.join(", "),
            shelf.root().display()
        ));
    };
    let mut tell = |progress| {
        let _ = outbox.send(DownloadEvent::Progress(progress));
        notify();
    };
    match download::fetch(set, &shelf, &request.settings, cancel, &mut tell) {
        Ok(source) => DownloadEvent::Done { source },
        Err(DownloadError::Cancelled) => DownloadEvent::Stopped,
        Err(error) => {
            let network = matches!(error, DownloadError::Unavailable { .. });
            DownloadEvent::Failed {
                message: error.to_string(),
                bad_input: error.is_bad_input(),
                by_hand: if network { shelf.by_hand(set) } else { String::new() },
            }
        }
    }
}
