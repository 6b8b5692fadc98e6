//! A source that is open: which pictures each class has, and where they are.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::survey::Tally;
use super::{Among, BrowseSet, PictureProblem, Place};
use crate::config::DataConfig;
use crate::data::{ColourStatistics, Dataset, Split};
use crate::engine::check::{Balance, ClassPictures, FileReason, is_few};
use crate::model::fitting_preset;

/// An open source. Pictures are found by class and position.
pub(super) struct OpenSet {
    pub id: u64,
    pub config: DataConfig,
    /// Where the source lies; nothing if its pictures are drawn.
    root: Option<PathBuf>,
    pub dataset: Arc<dyn Dataset>,
    train: Groups,
    validation: Groups,
    /// Known once some pictures have been read.
    pub colours: OnceLock<ColourStatistics>,
    pub tally: Tally,
    /// Indices of training pictures that are known to be unusable, in order.
    refused: Mutex<Vec<u32>>,
}

/// The pictures of a split, class by class.
struct Groups {
    /// Indices of pictures, sorted by class.
    indices: Vec<u32>,
    /// Where each class begins in `indices`, and the end.
    starts: Vec<usize>,
    /// Walks through all pictures in an order that mixes the classes.
    stride: usize,
}

impl Groups {
    fn of(dataset: &dyn Dataset, split: Split, classes: usize) -> Self {
        let labels: Vec<u32> = (0..dataset.len(split)).map(|index| dataset.label(split, index)).collect();
        let mut starts = vec![0; classes + 1];
        for &label in &labels {
            starts[label as usize + 1] += 1;
        }
        for class in 0..classes {
            starts[class + 1] += starts[class];
        }
        let mut free = starts.clone();
        let mut indices = vec![0; labels.len()];
        for (index, &label) in (0..).zip(&labels) {
            indices[free[label as usize]] = index;
            free[label as usize] += 1;
        }
        Self { stride: stride(indices.len()), indices, starts }
    }

    fn count(&self, class: usize) -> usize {
        self.starts[class + 1] - self.starts[class]
    }

    fn index(&self, among: Among, position: usize) -> Option<usize> {
        match among {
            Among::Class(class) => {
                let range = *self.starts.get(class as usize)?..*self.starts.get(class as usize + 1)?;
                self.indices.get(range)?.get(position).map(|&index| index as usize)
            }
            _ if position >= self.indices.len() => None,
            Among::Mixed => Some(self.mixed(position)),
            Among::DataSet => Some(position),
        }
    }

    /// Picture `position` of all, classes mixed.
    fn mixed(&self, position: usize) -> usize {
        // In 128 bits, because the product can exceed a word on small machines.
        (position as u128 * self.stride as u128 % self.indices.len() as u128) as usize
    }
}

/// A number near the golden section of `count` without a common divisor: its multiples visit every picture once and
/// spread evenly on the way.
fn stride(count: usize) -> usize {
    let divisor = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let wanted = (count as f64 * 0.618).round() as usize;
    (wanted..count).find(|&stride| divisor(stride, count) == 1).unwrap_or(1)
}

impl OpenSet {
    pub fn new(id: u64, config: DataConfig, dataset: Arc<dyn Dataset>) -> Self {
        let classes = dataset.description().classes.len();
        let groups = |split| Groups::of(&*dataset, split, classes);
        let (train, validation) = (groups(Split::Train), groups(Split::Validation));
        let tally = Tally::new(train.indices.len());
        let root = dataset.home().map(Path::to_owned);
        let (colours, refused) = (OnceLock::new(), Mutex::default());
        Self { root, id, config, train, validation, dataset, colours, tally, refused }
    }

    /// What there is to tell before any picture is read.
    pub fn summary(&self) -> BrowseSet {
        let description = self.dataset.description().clone();
        let counts = |groups: &Groups| (0..description.classes.len()).map(|c| groups.count(c)).collect();
        let (train, validation): (Vec<usize>, Vec<usize>) = (counts(&self.train), counts(&self.validation));
        let train_balance = Balance::of(train.iter().copied());
        let classes =
            description.classes.iter().zip(train).zip(&validation).map(|((class, train), &validation)| {
                ClassPictures {
                    class: class.clone(),
                    train,
                    validation,
                    few: is_few(train, train_balance.median),
                }
            });
        BrowseSet {
            id: self.id,
            preset: fitting_preset(description.typical_side).name,
            classes: classes.collect(),
            validation_balance: Balance::of(validation.iter().copied()),
            train_balance,
            left_out: self.dataset.left_out().iter().cloned().map(FileReason::from).collect(),
            left_out_count: self.dataset.left_out_count(),
            is_drawn: self.dataset.is_drawn(),
            description,
        }
    }

    fn groups(&self, split: Split) -> &Groups {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
        }
    }

    /// The data set's index of the picture at a place.
    pub fn index(&self, place: Place) -> Option<usize> {
        self.groups(place.split).index(place.among, place.position)
    }

    /// Takes note of the training pictures that cannot be used, by their indices in order.
    pub fn set_refused(&self, indices: Vec<u32>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = indices;
    }

    /// As [`Self::set_refused`], of the pictures of these names.
    pub fn set_refused_names(&self, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        let is_refused = |index: &usize| names.contains(self.dataset.name(Split::Train, *index).as_str());
        let indices = (0..self.dataset.len(Split::Train)).filter(is_refused);
        self.set_refused(indices.map(|index| index as u32).collect());
    }

    /// The number under which training deals chances to a picture: it counts the usable ones alone, as far as the
    /// others are known.
    pub fn number_in_training(&self, split: Split, index: usize) -> usize {
        match split {
            Split::Train => {
                let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
                index - refused.partition_point(|&refused| (refused as usize) < index)
            }
            Split::Validation => index,
        }
    }

    /// Runs `read` on a picture of this set; what goes wrong comes back with the picture's name.
    pub fn reading<T>(
        &self,
        place: Place,
        read: impl FnOnce(usize) -> Result<T, String>,
    ) -> Result<T, PictureProblem> {
        let Some(index) = self.index(place) else {
            return Err(PictureProblem { name: String::new(), reason: "there is no such picture".into() });
        };
        let result = catch_unwind(AssertUnwindSafe(|| read(index)))
            .unwrap_or_else(|_| Err("the program failed on this file; please report it".into()));
        result.map_err(|reason| PictureProblem {
            name: self.dataset.name(place.split, index),
            reason: self.vanished().unwrap_or(reason),
        })
    }

    /// What to say when the source itself has gone.
    fn vanished(&self) -> Option<String> {
        let source = &self.config.source;
        let gone = self.root.as_ref().is_some_and(|root| !root.exists());
        gone.then(|| format!("`{source}` is no longer there: plug its disk in again, or choose it anew"))
    }

    pub fn path(&self, split: Split, index: usize) -> Option<PathBuf> {
        self.dataset.path(split, index).map(|path| std::path::absolute(&path).unwrap_or(path))
    }
}
