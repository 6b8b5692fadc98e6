//! Folders that hold several data sets, as a folder of downloads does. Taken together they are none: each of them would
//! pass for a class.

use std::collections::{BTreeMap, BTreeSet};

use super::split::{is_train, validation_rank};
use super::tree::Folder;
use super::{Place, loose};
use crate::data::error::{DataError, DataSetThere};
use crate::data::sources::{is_picture_name, is_wnid};

/// Folders below each other in which data sets are looked for.
const MAX_DEPTH: usize = 6;

/// Data sets below each other count as the outermost.
pub(super) struct Sets {
    /// What each is, by its path.
    found: BTreeMap<String, &'static str>,
}

impl Sets {
    /// Finds what can be nothing but a data set.
    pub fn of(place: &Place) -> Self {
        let mut marks = Marks::default();
        let mut last = "";
        for entry in place.listing.entries.iter().filter(|entry| !entry.is_folder) {
            let (above, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            marks.file(above, name);
            // Files of one folder follow each other. Folders of boxes and notes are built like those of pictures.
            if above != last && is_picture_name(name) {
                marks.folder(above);
                last = above;
            }
        }
        marks.into_sets()
    }

    /// # Errors
    /// There are two or more.
    pub fn check_single(&self, place: &Place) -> Result<(), DataError> {
        if self.found.len() < 2 { Ok(()) } else { Err(self.error(place, &[])) }
    }

    /// # Errors
    /// A data set lies among the folders of `home`, which would pass for classes.
    pub fn check_home(&self, place: &Place, home: Folder) -> Result<(), DataError> {
        let is_beside = |path: &String| {
            let below = path.strip_prefix(home.path());
            below.is_some_and(|below| !below.is_empty() && (home.path().is_empty() || below.starts_with('/')))
        };
        if self.found.keys().any(is_beside) {
            return Err(self.error(place, &home.folders()));
        }
        Ok(())
    }

    /// What there is to choose from, if anything, where there are no class folders.
    pub fn instead(&self, place: &Place) -> Option<DataError> {
        if place.listing.entries.iter().any(|entry| is_picture_name(&entry.path)) {
            return None;
        }
        if !self.found.is_empty() || outer_archives(place).next().is_some() {
            return Some(self.error(place, &[]));
        }
        loose::archives(place).next().map(|_| DataError::PartOfSet {
            path: place.shown(),
            what: "an archive of archives",
            remedy: "unpack it, then choose the folder or the archive in it that holds the pictures",
        })
    }

    fn error(&self, place: &Place, folders: &[Folder]) -> DataError {
        let named = |path: &str, what| DataSetThere { path: place.below(path), what };
        let mut sets: Vec<DataSetThere> = self.found.iter().map(|(path, what)| named(path, what)).collect();
        let is_set = |folder: &&Folder| {
            folder.folders().len() > 1 && !self.found.keys().any(|path| path.starts_with(folder.path()))
        };
        sets.extend(folders.iter().filter(is_set).map(|folder| named(folder.path(), "folders")));
        sets.extend(outer_archives(place).map(|path| named(path, "an archive")));
        DataError::Several { path: place.shown(), sets }
    }
}

/// Archives that are files themselves: those inside others cannot be chosen.
fn outer_archives<'a>(place: &'a Place) -> impl Iterator<Item = &'a str> {
    let archives = loose::archives(place).filter(|entry| place.source.path(entry).is_some());
    archives.map(|entry| &*entry.path)
}

/// What hints at data sets.
#[derive(Default)]
struct Marks<'a> {
    records: BTreeMap<&'a str, &'static str>,
    train: BTreeSet<&'a str>,
    validation: BTreeSet<&'a str>,
    wnids: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Marks<'a> {
    fn file(&mut self, above: &'a str, name: &str) {
        let what = if name.starts_with("data_batch_") && name.ends_with(".bin") {
            "CIFAR-10"
        } else if name == "fine_label_names.txt" {
            "CIFAR-100"
        } else if name.starts_with("train-images-idx3") {
            "idx files like MNIST's"
        } else {
            return;
        };
        self.records.insert(above, what);
    }

    /// A folder that holds pictures itself.
    fn folder(&mut self, path: &'a str) {
        let mut start = 0;
        let depth = path.split('/').count();
        for (number, name) in path.split('/').take(MAX_DEPTH).enumerate() {
            let above = path[..start].trim_end_matches('/');
            start += name.len() + 1;
            // A class may be called `train` as well, but holds its pictures itself.
            if is_train(name) && number + 1 < depth {
                self.train.insert(above);
            } else if validation_rank(name).is_some() {
                self.validation.insert(above);
            } else if is_wnid(name) {
                let parts = |folder: &str| is_train(folder) || validation_rank(folder).is_some();
                let set = match above.rsplit_once('/') {
                    Some((outer, part)) if parts(part) => outer,
                    None if parts(above) => "",
                    _ => above,
                };
                self.wnids.entry(set).or_default().insert(name);
            }
            if start > path.len() {
                break;
            }
        }
    }

    fn into_sets(self) -> Sets {
        let mut all: BTreeMap<&str, &'static str> = BTreeMap::new();
        let wnids = self.wnids.iter().filter(|(_, names)| names.len() > 1);
        all.extend(wnids.map(|(path, _)| (*path, "classes of ImageNet")));
        all.extend(self.train.intersection(&self.validation).map(|path| (*path, "with a train folder")));
        all.extend(self.records);
        let is_inside = |path: &str| {
            all.keys().any(|other| {
                *other != path
                    && (other.is_empty()
                        || path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/')))
            })
        };
        let outermost = all.iter().filter(|(path, _)| !is_inside(path));
        Sets { found: outermost.map(|(path, what)| ((*path).to_owned(), *what)).collect() }
    }
}
