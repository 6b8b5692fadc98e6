//! The list of corrections to the open source: pictures that are something else, and pictures to leave out. Every change
//! is written down at once, and can be undone and done again.

use std::path::{Path, PathBuf};

use crate::data::{Correction, Corrections};

/// A picture with what the list said of it before and says after.
type Said = (String, Option<Correction>, Option<Correction>);

/// The list and its history.
#[derive(Debug, Default)]
pub struct CorrectionList {
    /// Where the lists of all sources are kept; nowhere in a test.
    pub folder: Option<PathBuf>,
    /// The source that the list is of, and its file.
    source: String,
    file: Option<PathBuf>,
    list: Corrections,
    /// Counts the changes, so that what was found with an earlier list can be told to be old.
    version: u64,
    done: Vec<Vec<Said>>,
    undone: Vec<Vec<Said>>,
}

impl CorrectionList {
    /// Takes up the list of a source: from `file` if one is named, otherwise the one that is kept for it.
    ///
    /// # Errors
    /// A list that cannot be used, in words. The list is empty then, and is not written, so that nothing is lost.
    pub fn open(&mut self, source: &str, file: Option<&Path>) -> Result<(), String> {
        let place = || self.folder.as_deref().map(|folder| Corrections::place(folder, source));
        let file = file.map(Path::to_owned).or_else(place);
        if self.source == source && self.file == file {
            return Ok(());
        }
        let read = match &file {
            Some(file) if file.exists() => Corrections::read(file).map_err(|e| e.to_string()),
            _ => Ok(Corrections::default()),
        };
        let (folder, version) = (self.folder.take(), self.version + 1);
        let file = if read.is_ok() { file } else { None };
        let (list, problem) = read.map_or_else(|e| (Corrections::default(), Err(e)), |list| (list, Ok(())));
        *self = Self { folder, source: source.into(), file, list, version, ..Self::default() };
        problem
    }

    pub fn list(&self) -> &Corrections {
        &self.list
    }

    /// The file that a run is to use; none if there is nothing in it.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref().filter(|_| !self.list.is_empty())
    }

    /// The number of changes made so far.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Says what a picture is, or takes back what was said of it.
    ///
    /// # Errors
    /// The list cannot be written, in words.
    pub fn correct(&mut self, name: &str, correction: Option<Correction>) -> Result<(), String> {
        self.change(vec![(name.into(), correction)])
    }

    /// Takes in another list; of pictures in both, it is right.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub fn take_in(&mut self, other: &Corrections) -> Result<(), String> {
        self.change(other.iter().map(|(name, said)| (name.to_owned(), Some(said.clone()))).collect())
    }

    fn change(&mut self, changes: Vec<(String, Option<Correction>)>) -> Result<(), String> {
        let mut said = Vec::new();
        for (name, after) in changes {
            let before = self.list.set(&name, after);
            let after = self.list.get(&name).cloned();
            if before != after {
                said.push((name, before, after));
            }
        }
        if said.is_empty() {
            return Ok(());
        }
        self.done.push(said);
        self.undone.clear();
        self.write()
    }

    /// Takes the last change back.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub fn undo(&mut self) -> Result<(), String> {
        let Some(said) = self.done.pop() else { return Ok(()) };
        for (name, before, _) in said.iter().rev() {
            self.list.set(name, before.clone());
        }
        self.undone.push(said);
        self.write()
    }

    /// Makes the change again that was taken back last.
    ///
    /// # Errors
    /// As [`Self::correct`].
    pub fn redo(&mut self) -> Result<(), String> {
        let Some(said) = self.undone.pop() else { return Ok(()) };
        for (name, _, after) in &said {
            self.list.set(name, after.clone());
        }
        self.done.push(said);
        self.write()
    }

    /// The list as a text.
    pub fn text(&self) -> String {
        self.list.to_text(&self.source)
    }

    fn write(&mut self) -> Result<(), String> {
        self.version += 1;
        let Some(file) = &self.file else { return Ok(()) };
        self.list.write(file, &self.source).map_err(|e| e.to_string())
    }
}
