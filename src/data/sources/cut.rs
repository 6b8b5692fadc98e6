//! Archives that end too early: a download that was cut off, a copy for which the disk had no room.
//!
//! Half an archive is often a data set that looks whole, with fewer classes or fewer pictures. So it is refused, with
//! what is there, unless somebody wants just that (`data.accept_cut`).

use super::{Entry, is_picture_name};
use crate::data::error::DataError;
use crate::words;

/// Where an archive ends too early.
#[derive(Clone, Debug)]
pub(in crate::data) struct Cut {
    /// The archive as the user knows it.
    archive: String,
    /// Whole files, and those among them that are called like pictures.
    files: usize,
    pictures: usize,
    /// The last whole file.
    last: Option<String>,
}

impl Cut {
    /// After the last of `entries`, in the order of the archive.
    pub(super) fn after(archive: &str, entries: &[Entry]) -> Self {
        let files = || entries.iter().filter(|entry| !entry.is_folder);
        Self {
            archive: archive.to_owned(),
            files: files().count(),
            pictures: files().filter(|entry| is_picture_name(&entry.path)).count(),
            last: files().next_back().map(|entry| entry.path.to_string()),
        }
    }

    pub fn error(&self) -> DataError {
        DataError::CutArchive { path: self.archive.clone(), whole: self.whole() }
    }

    /// To go behind the sentence about what is there.
    pub fn note(&self) -> String {
        format!("; `{}` is cut short {}", self.archive, self.whole())
    }

    /// "after 1,234 pictures (the last whole file is `cat/7.jpg`)".
    fn whole(&self) -> String {
        let what = match (self.pictures, self.files) {
            (0, files) => words::counted(files, "file"),
            (pictures, files) if pictures == files => words::counted(pictures, "picture"),
            (pictures, files) => {
                format!("{}, {} of them", words::counted(files, "file"), words::counted(pictures, "picture"))
            }
        };
        match &self.last {
            Some(last) => format!("after {what} (the last whole one is `{last}`)"),
            None => "before its first file ends".into(),
        }
    }
}
