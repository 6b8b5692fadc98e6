//! A look at the pictures of a source, for people: classes with counts, small pictures by the page, one picture
//! large with what training makes of it, statistics, a check of every file.
//!
//! ```text
//! window -- BrowseRequest --> Desk (what is wanted now) --> threads -- BrowseNews --> window
//! ```
//! It opens the source for itself and shares nothing with the engine's run, so it works while a run goes on. The
//! desk holds what is wanted *now*: a picture that was scrolled away before its turn is never decoded. Nothing
//! decoded is kept here; whoever shows it decides how much to keep.

mod desk;
mod look;
mod set;
mod survey;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crossbeam_channel::{Receiver, Sender, unbounded};
use image::RgbImage;

use super::check::{Balance, ClassPictures, DataCheck, FileReason};
use crate::config::{ColourNoise, DataConfig};
use crate::data::augment::Placement;
use crate::data::{ColourStatistics, DataError, Description, Split};
use desk::Desk;
pub use look::window;

/// Side of the largest small picture, in pixels.
pub const SMALL_SIDE: u32 = 128;

/// The pictures of a split among which a place is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Among {
    /// All, classes mixed.
    Mixed,
    /// Those of a class, by its index.
    Class(u32),
    /// All, in the order of the data set.
    DataSet,
}

/// Where a picture stands in what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub split: Split,
    pub among: Among,
    pub position: usize,
}

/// What training does to a picture, as far as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preview {
    /// Side of the squares that pictures are kept at, and of the crops that the network sees, in pixels.
    pub stored_side: u32,
    pub crop_side: u32,
    /// Random crops and mirror images; otherwise the centre.
    pub augment: bool,
    pub colour_noise: ColourNoise,
    pub colour_strength: f64,
    pub seed: u64,
}

/// How small pictures are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// The whole square that is kept.
    Square,
    /// What the network gets to see of it in the epoch of that number.
    AsTrained(Preview, usize),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub enum BrowseRequest {
    /// Open a source. What was opened before is dropped, what is being opened is given up.
    Open {
        id: u64,
        config: Box<DataConfig>,
    },
    /// Give up opening.
    CancelOpening,
    /// The small pictures that are wanted now, the most wanted first, in place of those wanted before. `version`
    /// comes back with each.
    Show {
        set: u64,
        version: u64,
        places: Vec<Place>,
        look: Look,
    },
    /// One picture large, with what training makes of it in [`VARIATIONS`] epochs from `epoch` on.
    Enlarge {
        set: u64,
        place: Place,
        preview: Preview,
        epoch: usize,
    },
    /// Read every picture as a run would see it, with this list of corrections, as `data check` does; with `near`,
    /// search for pictures that look alike too.
    Check {
        set: u64,
        near: bool,
        corrections: Option<PathBuf>,
    },
    StopCheck,
    /// A run has refused these files of the set. Training counts only usable pictures, so chance deals differently
    /// once they are known.
    Refused {
        set: u64,
        names: Vec<String>,
    },
}

/// Variations of an enlarged picture.
pub const VARIATIONS: usize = 6;

/// What else there is to do about a source that cannot be used as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WayOut {
    #[default]
    None,
    /// It is an archive that was cut short, and can be used as far as it goes.
    AcceptCut,
    /// It holds these sources, which can be chosen.
    Choose(Vec<String>),
}

impl WayOut {
    fn of(error: &DataError) -> Self {
        match error {
            DataError::CutArchive { .. } => Self::AcceptCut,
            DataError::Several { sets, .. } => {
                Self::Choose(sets.iter().map(|set| set.path.clone()).collect())
            }
            _ => Self::None,
        }
    }
}

/// What is found.
#[derive(Clone, Debug)]
pub enum BrowseNews {
    /// Opening has begun; `found` counts files while it goes on.
    Opening {
        id: u64,
        found: Arc<AtomicUsize>,
    },
    Opened(Box<BrowseSet>),
    /// Why a source cannot be used, and what to do about it.
    Unusable {
        id: u64,
        source: String,
        reason: String,
        way_out: WayOut,
    },
    /// Opening was given up because somebody asked for it.
    Cancelled {
        id: u64,
    },
    Small {
        set: u64,
        version: u64,
        place: Place,
        result: Result<SmallPicture, PictureProblem>,
    },
    Large {
        set: u64,
        place: Place,
        epoch: usize,
        result: Result<Box<LargePicture>, PictureProblem>,
    },
    Surveyed {
        set: u64,
        survey: Box<Survey>,
    },
    /// The files of [`BrowseRequest::Refused`] are taken into account from now on.
    RefusedKnown {
        set: u64,
    },
    Checking {
        set: u64,
        done: usize,
        total: usize,
    },
    /// The outcome of a check; nothing if it was stopped.
    Checked {
        set: u64,
        result: Result<Option<Box<DataCheck>>, String>,
    },
}

/// A source that has been opened.
#[derive(Clone, Debug)]
pub struct BrowseSet {
    pub id: u64,
    pub description: Description,
    /// The preset that fits its pictures.
    pub preset: &'static str,
    /// In label order, with the pictures as listed: nothing has been decoded yet.
    pub classes: Vec<ClassPictures>,
    pub train_balance: Balance,
    pub validation_balance: Balance,
    /// What belongs to no class: the first thousand, and how much it is.
    pub left_out: Vec<FileReason>,
    pub left_out_count: usize,
    /// Whether the pictures are drawn at any size, and so have none of their own.
    pub is_drawn: bool,
}

/// A picture of a grid.
#[derive(Clone, Debug)]
pub struct SmallPicture {
    pub name: String,
    pub label: u32,
    /// Width and height of the file's picture.
    pub size: (u32, u32),
    /// At most [`SMALL_SIDE`] pixels on each side.
    pub picture: RgbImage,
}

/// A picture that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureProblem {
    pub name: String,
    pub reason: String,
}

/// One picture and what becomes of it.
#[derive(Clone, Debug)]
pub struct LargePicture {
    pub name: String,
    pub label: u32,
    /// Width and height of the file's picture.
    pub size: (u32, u32),
    /// The file on disk; none if it lies in an archive or among others in one file.
    pub path: Option<PathBuf>,
    /// The square that is kept.
    pub stored: RgbImage,
    /// What the network sees of it: chance at work for training, the centre for validation.
    pub variations: Vec<Variation>,
    /// Whether the colour noise that is asked for is missing because the colours are not known yet.
    pub noise_missing: bool,
}

/// One way in which the network sees a picture.
#[derive(Clone, Debug)]
pub struct Variation {
    pub placement: Placement,
    /// What was added to red, green and blue, in 0 to 255.
    pub shift: [f32; 3],
    pub picture: RgbImage,
}

/// What a few pictures say about all of them.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Training pictures that were read, and of how many.
    pub pictures: usize,
    pub of: usize,
    /// Those that could not be read.
    pub refused: usize,
    /// Shorter sides in pixels: smallest, median, largest.
    pub sides: [u32; 3],
    /// The mean of the pictures at each pixel (paper section 2), rounded.
    pub mean: RgbImage,
    pub colours: ColourStatistics,
}

/// Threads that look at pictures. Dropping it ends them as soon as what they are reading has been read.
pub struct Browser {
    desk: Arc<Desk>,
    news: Receiver<BrowseNews>,
}

/// Sends news and wakes whoever shows them.
#[derive(Clone)]
struct Outbox {
    sender: Sender<BrowseNews>,
    notify: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    fn send(&self, news: BrowseNews) {
        // A send fails only when nobody looks any more.
        let _ = self.sender.send(news);
        (self.notify)();
    }
}

impl Browser {
    /// Starts the threads. `notify` is called after every piece of news, for example to wake a window.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn spawn(notify: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (sender, news) = unbounded();
        let desk = Desk::start(Outbox { sender, notify: Arc::new(notify) })?;
        Ok(Self { desk, news })
    }

    /// Asks for something. Returns at once.
    pub fn send(&self, request: BrowseRequest) {
        self.desk.take(request);
    }

    /// A second way in.
    pub fn requests(&self) -> impl Fn(BrowseRequest) + Send + Sync + 'static {
        let desk = Arc::downgrade(&self.desk);
        move |request| {
            if let Some(desk) = desk.upgrade() {
                desk.take(request);
            }
        }
    }

    /// What was found, in order.
    pub fn news(&self) -> &Receiver<BrowseNews> {
        &self.news
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.desk.stop();
    }
}
