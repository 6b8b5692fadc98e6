//! Questions to the network at hand that take longer than one pass: a folder of pictures, the training pictures most
//! like one.
//!
//! ```text
//! Inquiry -> Inquiries -- threads read and decode --> passes between two pieces of the engine's work -> InquiryNews
//! ```
//! They are answered during training, too ([`Desk`](super::desk::Desk)).

mod files;
mod folder;
mod index;
mod table;

use std::path::PathBuf;

use image::RgbImage;

use super::command::PictureSource;
use super::desk::Progress;
use super::event::Event;
use super::memory::MemoryNeed;
use super::model::View;
use super::outbox::Outbox;
use crate::config::DataConfig;
use crate::infer::{Classified, Views};
use folder::FolderJob;
use index::{Index, IndexJob};

pub use files::small_picture;
pub use table::{FolderScore, folder_table};

/// What can be asked.
#[derive(Clone, Debug)]
pub enum Inquiry {
    /// Classify every picture of these files and folders; takes the place of the folder in hand. `id` comes back with
    /// all answers.
    Folder { id: u64, inputs: Vec<PathBuf>, asked: FolderQuestion },
    /// Give up the folder in hand; what was answered stays so.
    StopFolder,
    /// Keep the last hidden layer's values of the training pictures of a source, with the network as it is now.
    Index(Box<DataConfig>),
    /// Give up making the index.
    StopIndex,
    /// Forget the index, and give its memory back.
    DropIndex,
    /// The `count` training pictures of the index most like this one.
    Nearest { id: u64, source: PictureSource, count: usize },
}

/// What is asked of every picture of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderQuestion {
    pub views: Views,
    /// How many of the most probable classes.
    pub top: usize,
    /// How many of the training pictures most like it, for which there must be an index; 0: none.
    pub nearest: usize,
}

/// What is found.
#[derive(Clone, Debug)]
pub enum InquiryNews {
    /// The files of a folder have been listed.
    FolderListed {
        id: u64,
        files: usize,
    },
    /// Some of them have been classified, in their order.
    FolderAnswers {
        id: u64,
        answers: Vec<FolderAnswer>,
    },
    /// No more will come.
    FolderEnded {
        id: u64,
        end: InquiryEnd,
    },
    /// `done` of `total` training pictures are in the index that is being made; a total of 0 is not known yet.
    Indexing {
        done: usize,
        total: usize,
    },
    Indexed(IndexInfo),
    /// No index was made.
    IndexEnded(InquiryEnd),
    /// The index was forgotten and its memory given back, because somebody wished it or a run needs the memory.
    IndexDropped,
    Nearest {
        id: u64,
        result: Result<Nearest, String>,
    },
}

/// How a long question ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InquiryEnd {
    Done,
    /// Somebody asked for it.
    Stopped,
    Failed(String),
}

/// A file of a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct FolderAnswer {
    pub path: PathBuf,
    /// It was asked about by its own name, and not found in a folder.
    pub named: bool,
    /// What the network takes it for, or why it cannot be used.
    pub result: Result<Classified, String>,
    /// The training pictures most like it, without their pixels, the closest first; nothing where they were not asked
    /// for, or for a file that cannot be used.
    pub nearest: Option<Result<Vec<Neighbour>, String>>,
}

/// An index of training pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexInfo {
    /// Where the pictures come from.
    pub source: String,
    /// Pictures in the index, of how many; some could not be read, or there was no room for all.
    pub pictures: usize,
    pub of: usize,
    pub unreadable: usize,
    /// The hidden layer, and its values for one picture.
    pub layer: String,
    pub width: usize,
    /// Memory that its values take.
    pub bytes: usize,
    /// The network that it was made with, and the updates it had seen.
    pub network: String,
    pub step: u64,
}

/// The training pictures most like a picture.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The closest first.
    pub neighbours: Vec<Neighbour>,
    /// Updates that the network of the index had seen.
    pub step: u64,
}

/// A training picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    pub name: String,
    pub class: String,
    /// Euclidean distance of the last hidden layer.
    pub distance: f32,
    /// What the network sees of it: the middle. Nothing in a table, or if it can no longer be read.
    pub picture: Option<RgbImage>,
}

const NO_MODEL: &str = "there is no model yet: train one, or open a model file";
const NO_INDEX: &str = "there is no index of training pictures to search";

/// The inquiries in hand, and the index.
#[derive(Default)]
pub(super) struct Inquiries {
    folder: Option<FolderJob>,
    indexing: Option<IndexJob>,
    index: Option<Index>,
}

impl Inquiries {
    /// Takes a question up, or gives one up.
    pub fn serve(&mut self, outbox: &Outbox, model: Option<View<'_>>, inquiry: Inquiry) {
        let tell = |news| outbox.send(Event::Inquiry(news));
        match inquiry {
            Inquiry::Folder { id, inputs, asked } => {
                self.stop_folder(outbox);
                let job = match (model, &self.index) {
                    (None, _) => Err(NO_MODEL.to_owned()),
                    (_, None) if asked.nearest > 0 => Err(NO_INDEX.to_owned()),
                    (Some(model), _) => FolderJob::begin(id, inputs, asked, model),
                };
                match job {
                    Ok(job) => self.folder = Some(job),
                    Err(reason) => tell(InquiryNews::FolderEnded { id, end: InquiryEnd::Failed(reason) }),
                }
            }
            Inquiry::StopFolder => self.stop_folder(outbox),
            Inquiry::Index(config) => {
                self.index = None;
                let job = model.ok_or_else(|| NO_MODEL.to_owned());
                match job.and_then(|model| IndexJob::begin(*config, model)) {
                    Ok(job) => {
                        self.indexing = Some(job);
                        tell(InquiryNews::Indexing { done: 0, total: 0 });
                    }
                    Err(reason) => tell(InquiryNews::IndexEnded(InquiryEnd::Failed(reason))),
                }
            }
            Inquiry::StopIndex => {
                if self.indexing.take().is_some() {
                    tell(InquiryNews::IndexEnded(InquiryEnd::Stopped));
                }
            }
            Inquiry::DropIndex => {
                self.drop_index(outbox);
            }
            Inquiry::Nearest { id, source, count } => {
                let index = self.index.as_ref().ok_or_else(|| NO_INDEX.to_owned());
                let result = index.and_then(|index| index.nearest(source, count));
                tell(InquiryNews::Nearest { id, result });
            }
        }
    }

    /// Forgets the index if a run with this need would not have room beside it. False: there is none, or room for both.
    pub fn make_room(&mut self, outbox: &Outbox, need: MemoryNeed) -> bool {
        let crowded = self.index.as_ref().is_some_and(|index| !need.leaves(index.bytes()));
        crowded && self.drop_index(outbox)
    }

    /// Forgets the index. False: there is none.
    pub fn drop_index(&mut self, outbox: &Outbox) -> bool {
        let dropped = self.index.take().is_some();
        if dropped {
            outbox.send(Event::Inquiry(InquiryNews::IndexDropped));
        }
        dropped
    }

    fn stop_folder(&mut self, outbox: &Outbox) {
        if let Some(job) = self.folder.take() {
            let news = InquiryNews::FolderEnded { id: job.id, end: InquiryEnd::Stopped };
            outbox.send(Event::Inquiry(news));
        }
    }

    /// Gives everything up after a fault inside the program.
    pub fn abandon(&mut self, outbox: &Outbox, reason: &str) {
        let end = || InquiryEnd::Failed(format!("something broke inside the program: {reason}"));
        let folder = self.folder.take().map(|job| InquiryNews::FolderEnded { id: job.id, end: end() });
        let index = self.indexing.take().map(|_| InquiryNews::IndexEnded(end()));
        folder.into_iter().chain(index).for_each(|news| outbox.send(Event::Inquiry(news)));
        self.index = None;
    }

    pub fn is_busy(&self) -> bool {
        self.folder.is_some() || self.indexing.is_some()
    }

    /// One pass for an inquiry in hand.
    pub fn advance(&mut self, outbox: &Outbox) -> Progress {
        if self.folder.is_some() { self.advance_folder(outbox) } else { self.advance_index(outbox) }
    }

    fn advance_folder(&mut self, outbox: &Outbox) -> Progress {
        let Some(job) = &mut self.folder else { return Progress::Nothing };
        match job.advance(outbox, self.index.as_ref()) {
            Ok(progress) => progress,
            Err(end) => {
                outbox.send(Event::Inquiry(InquiryNews::FolderEnded { id: job.id, end }));
                self.folder = None;
                Progress::Worked
            }
        }
    }

    fn advance_index(&mut self, outbox: &Outbox) -> Progress {
        let Some(job) = &mut self.indexing else { return Progress::Nothing };
        match job.advance(outbox) {
            Ok(progress) => progress,
            Err(end) => {
                let made = self.indexing.take().filter(|_| end == InquiryEnd::Done);
                match made.map(IndexJob::finish) {
                    Some(Ok(index)) => {
                        outbox.send(Event::Inquiry(InquiryNews::Indexed(index.info.clone())));
                        self.index = Some(index);
                    }
                    Some(Err(reason)) => {
                        outbox.send(Event::Inquiry(InquiryNews::IndexEnded(InquiryEnd::Failed(reason))));
                    }
                    None => outbox.send(Event::Inquiry(InquiryNews::IndexEnded(end))),
                }
                Progress::Worked
            }
        }
    }
}
