//! What the window knows of the pictures to learn from, as plain data: the browser's news change it, the data panel
//! reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::format::sentence;
use super::state::{Found, State};
use crate::engine::{
    BrowseNews, BrowseSet, ClassPictures, DataCheck, LargePicture, PictureProblem, Place, Survey, WayOut,
};

/// A check of every picture.
#[derive(Debug, Default)]
pub enum CheckState {
    #[default]
    NotAsked,
    /// `total` is 0 until the pictures have been counted.
    Going {
        done: usize,
        total: usize,
        stopping: bool,
    },
    Done(Box<DataCheck>),
    Failed(String),
}

/// The answer to one picture that was asked for.
pub type Enlarged = Result<Box<LargePicture>, PictureProblem>;

/// What is known of the source.
#[derive(Debug, Default)]
pub struct Gallery {
    /// Counts the sources asked for, so that late news of another one is told apart.
    pub order: u64,
    /// Counts files while a source is being opened.
    counter: Option<Arc<AtomicUsize>>,
    pub set: Option<Box<BrowseSet>>,
    /// What else there is to do about a source that cannot be used.
    pub way_out: WayOut,
    pub survey: Option<Box<Survey>>,
    pub check: CheckState,
    /// The version of the list of corrections that it was made with.
    pub checked_with: u64,
    /// The picture shown large, with the epoch it was made for.
    pub large: Option<(Place, usize, Enlarged)>,
    /// Counts the large pictures, so that textures are made only of new ones.
    pub large_seen: u64,
}

impl Gallery {
    /// Another source was asked for; returns the number of the order.
    pub fn asked_to_open(&mut self) -> u64 {
        *self = Self { order: self.order + 1, large_seen: self.large_seen, ..Self::default() };
        self.order
    }

    /// Files found so far by a source that is being opened.
    pub fn found(&self) -> usize {
        self.counter.as_ref().map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    pub fn checking(&self) -> bool {
        matches!(self.check, CheckState::Going { .. })
    }

    /// A check was asked for, with this version of the list of corrections.
    pub fn asked_to_check(&mut self, corrections: u64) {
        self.checked_with = corrections;
        self.check = CheckState::Going { done: 0, total: 0, stopping: false };
    }

    pub fn asked_to_stop_check(&mut self) {
        if let CheckState::Going { stopping, .. } = &mut self.check {
            *stopping = true;
        }
    }

    /// The classes with their pictures: the usable ones once they have been checked, before that as they are listed.
    pub fn classes(&self) -> &[ClassPictures] {
        match (&self.check, &self.set) {
            (CheckState::Done(found), Some(set)) if found.classes.len() == set.classes.len() => {
                &found.classes
            }
            (_, Some(set)) => &set.classes,
            (_, None) => &[],
        }
    }

    /// Whether the pictures were checked with corrections that hold, so that the counts are those of a corrected run.
    pub fn is_corrected(&self) -> bool {
        let CheckState::Done(found) = &self.check else { return false };
        found.corrections.is_some_and(|counts| counts.relabelled + counts.left_out > 0)
    }

    /// The number of the set that is open, if its order is the last one.
    pub fn open_set(&self) -> Option<u64> {
        self.set.as_ref().map(|set| set.id)
    }
}

impl State {
    /// Takes in what the browser has found. Small pictures are none of it: they become textures.
    pub fn apply_browse(&mut self, news: BrowseNews) {
        let order = self.gallery.order;
        match news {
            BrowseNews::Opening { id, found } if id == order => self.gallery.counter = Some(found),
            BrowseNews::Opened(set) if set.id == order => {
                self.looking = None;
                self.found = Found::Ready(set.description.clone(), set.preset);
                self.gallery.counter = None;
                self.gallery.set = Some(set);
            }
            BrowseNews::Unusable { id, reason, way_out, .. } if id == order => {
                self.looking = None;
                self.gallery.way_out = way_out;
                self.found = Found::Unusable(sentence(&reason));
                self.gallery.counter = None;
            }
            BrowseNews::Cancelled { id } if id == order => {
                self.looking = None;
                self.found = Found::Nothing;
                self.gallery.counter = None;
            }
            BrowseNews::Large { set, place, epoch, result } if set == order => {
                self.gallery.large = Some((place, epoch, result));
                self.gallery.large_seen += 1;
            }
            BrowseNews::Surveyed { set, survey } if set == order => self.gallery.survey = Some(survey),
            BrowseNews::Checking { set, done, total } if set == order => {
                if let CheckState::Going { stopping, .. } = self.gallery.check {
                    self.gallery.check = CheckState::Going { done, total, stopping };
                }
            }
            BrowseNews::Checked { set, result } if set == order => {
                self.gallery.check = match result {
                    Ok(Some(found)) => CheckState::Done(found),
                    Ok(None) => CheckState::NotAsked,
                    Err(reason) => CheckState::Failed(sentence(&reason)),
                };
            }
            // Of a source that is no longer chosen, or a small picture.
            _ => {}
        }
    }
}
