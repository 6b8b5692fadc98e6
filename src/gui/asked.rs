//! What the network was asked besides single pictures: a folder, and the training pictures most like one.

use std::collections::HashMap;
use std::path::PathBuf;

use super::format::sentence;
use super::notice::Severity;
use super::state::State;
use crate::engine::{FolderAnswer, FolderScore, IndexInfo, InquiryEnd, InquiryNews, Nearest};
use crate::words;

/// A folder of pictures, or many files, with the answers so far.
#[derive(Debug)]
pub struct Album {
    pub id: u64,
    pub title: String,
    pub inputs: Vec<PathBuf>,
    /// Which network answers, and how far it was when it was asked.
    pub asked_of: String,
    /// Files to look at, once they have been counted.
    pub files: Option<usize>,
    /// In the order of the files.
    pub answers: Vec<FolderAnswer>,
    pub score: FolderScore,
    /// Answers about pictures that are taken for something else, and about files that cannot be used.
    pub wrong: Vec<usize>,
    pub unusable: Vec<usize>,
    /// How it ended; nothing while it goes on.
    pub end: Option<InquiryEnd>,
}

impl Album {
    fn take(&mut self, answers: Vec<FolderAnswer>) {
        for answer in answers {
            self.score.add(&answer);
            let index = self.answers.len();
            match &answer.result {
                Ok(classified) if classified.truth.as_ref().is_some_and(|truth| truth.rank > 0) => {
                    self.wrong.push(index);
                }
                Ok(_) => {}
                Err(_) => self.unusable.push(index),
            }
            self.answers.push(answer);
        }
    }
}

/// The index of training pictures.
#[derive(Debug, Default)]
pub enum Index {
    #[default]
    None,
    /// `done` of `total` pictures; a total of 0 is not known yet.
    Making {
        done: usize,
        total: usize,
    },
    Ready {
        info: IndexInfo,
        /// The network at hand is another one by now, or has learned on.
        outdated: bool,
    },
    Failed(String),
}

/// The training pictures most like a picture.
#[derive(Debug)]
pub enum Alike {
    Waiting,
    Found(Nearest),
    Failed(String),
}

/// The questions that take longer than one picture.
#[derive(Debug, Default)]
pub struct Asked {
    pub album: Option<Album>,
    albums: u64,
    pub index: Index,
    /// By the number of the prediction.
    pub alike: HashMap<u64, Alike>,
}

impl Asked {
    /// A network has come, or has learned: what the index knows is of an earlier one.
    pub(super) fn network_changed(&mut self, step: Option<u64>) {
        if let Index::Ready { info, outdated } = &mut self.index {
            *outdated |= step.is_none_or(|step| step > info.step);
        }
    }

    /// Whether a folder is being looked at.
    pub fn is_busy(&self) -> bool {
        self.album.as_ref().is_some_and(|album| album.end.is_none())
    }
}

impl State {
    /// Files and folders were handed to the engine; returns the number its answers will carry.
    pub fn asked_about_many(&mut self, inputs: Vec<PathBuf>) -> u64 {
        self.asked.albums += 1;
        let id = self.asked.albums;
        let title = match &inputs[..] {
            [one] => words::file_name(one),
            many => words::counted(many.len(), "file"),
        };
        let asked_of = self.model_and_step();
        self.asked.album = Some(Album {
            id,
            title,
            inputs,
            asked_of,
            files: None,
            answers: Vec::new(),
            score: FolderScore::default(),
            wrong: Vec::new(),
            unusable: Vec::new(),
            end: None,
        });
        id
    }

    /// The folder of that number, unless another has taken its place.
    fn album(&mut self, id: u64) -> Option<&mut Album> {
        self.asked.album.as_mut().filter(|album| album.id == id)
    }

    /// Takes in an answer. One about a folder that was given up changes nothing.
    pub(super) fn apply_inquiry(&mut self, news: InquiryNews) {
        match news {
            InquiryNews::FolderListed { id, files } => {
                if let Some(album) = self.album(id) {
                    album.files = Some(files);
                }
            }
            InquiryNews::FolderAnswers { id, answers } => {
                if let Some(album) = self.album(id) {
                    album.take(answers);
                }
            }
            InquiryNews::FolderEnded { id, end } => {
                if let Some(album) = self.album(id) {
                    album.end = Some(end.clone());
                    if let InquiryEnd::Failed(reason) = &end {
                        self.notices.push(Severity::Error, sentence(reason));
                    }
                }
            }
            InquiryNews::Indexing { done, total } => {
                if matches!(self.asked.index, Index::Making { .. }) {
                    self.asked.index = Index::Making { done, total };
                }
            }
            InquiryNews::Indexed(info) => {
                self.asked.alike.clear();
                self.asked.index = Index::Ready { info, outdated: false };
                self.asked.network_changed(self.last.map(|point| point.step).or(Some(0)));
            }
            InquiryNews::IndexEnded(end) => {
                self.asked.alike.clear();
                self.asked.index = match end {
                    InquiryEnd::Failed(reason) => Index::Failed(sentence(&reason)),
                    InquiryEnd::Done | InquiryEnd::Stopped => Index::None,
                };
            }
            InquiryNews::IndexDropped => {
                self.asked.alike.clear();
                self.asked.index = Index::None;
            }
            InquiryNews::Nearest { id, result } => {
                if let Some(alike) = self.asked.alike.get_mut(&id) {
                    *alike = match result {
                        Ok(found) => Alike::Found(found),
                        Err(reason) => Alike::Failed(sentence(&reason)),
                    };
                }
            }
        }
    }
}
