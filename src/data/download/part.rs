//! A file while it is being downloaded: `NAME.part`, with a small note beside it of what it belongs to.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::DownloadError;
use crate::data::known::{KnownFile, md5sum, part_name};
use crate::files;

/// What a part belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Note {
    /// Sum of the whole file.
    pub md5: String,
    /// Where it came from, without any password.
    pub address: String,
    /// Bytes of the whole file as the server announced them.
    pub total: Option<u64>,
    /// What the server called this version of the file.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// A file on its way, with the running sum of what is there.
pub(super) struct Part {
    path: PathBuf,
    note_path: PathBuf,
    file: File,
    length: u64,
    hasher: Md5,
    note: Note,
    /// Whether it was put together from more than one answer.
    spliced: bool,
    expected: u64,
    published: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        // An empty part says nothing; nobody is harmed by one that cannot be removed.
        if self.length == 0 && !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Part {
    /// Opens the part in `folder`, or begins one. What lies there is kept if its note says that it belongs to
    /// this file; it is then read once for the sum. Nothing if `cancel` was set.
    pub fn open(
        folder: &Path,
        wanted: &KnownFile,
        cancel: &AtomicBool,
        tell: &mut dyn FnMut(u64),
    ) -> Result<Option<Self>, DownloadError> {
        let path = folder.join(part_name(wanted));
        let note_path = folder.join(format!("{}.part.json", wanted.name));
        let failed = |reason| DownloadError::disk(&path, wanted.bytes, reason);
        let mut file = files::open_to_write(&path).map_err(failed)?;
        let note: Option<Note> =
            fs::read(&note_path).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut hasher = Md5::new();
        let known = note.filter(|note| note.md5 == wanted.md5);
        let length = match &known {
            Some(_) => match md5sum::take_in(&mut file, &mut hasher, cancel, tell).map_err(failed)? {
                Some(length) => length,
                None => return Ok(None),
            },
            None => 0,
        };
        let fresh = Note { md5: wanted.md5.clone(), ..Note::default() };
        let spliced = length > 0;
        let note = known.unwrap_or(fresh);
        let mut part = Self {
            path,
            note_path,
            file,
            length,
            hasher,
            note,
            spliced,
            expected: wanted.bytes,
            published: false,
        };
        if length == 0 {
            part.reset()?;
        }
        Ok(Some(part))
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn note(&self) -> &Note {
        &self.note
    }

    pub fn spliced(&self) -> bool {
        self.spliced
    }

    /// Whether as much is there as the server announced.
    pub fn is_full(&self) -> bool {
        self.note.total == Some(self.length)
    }

    /// Throws away what is there.
    pub fn reset(&mut self) -> Result<(), DownloadError> {
        let emptied = match self.file.metadata() {
            Ok(found) if found.len() == 0 => Ok(()),
            _ => self.file.set_len(0),
        };
        emptied.map_err(|e| self.failed(e))?;
        (self.length, self.spliced) = (0, false);
        self.hasher = Md5::new();
        self.note = Note { md5: std::mem::take(&mut self.note.md5), ..Note::default() };
        match fs::remove_file(&self.note_path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.failed(e)),
            _ => Ok(()),
        }
    }

    /// Writes down what the bytes to come belong to. Without this note they are worth nothing later.
    pub fn begin(&mut self, mut note: Note) -> Result<(), DownloadError> {
        self.spliced |= self.length > 0;
        note.md5.clone_from(&self.note.md5);
        if note == self.note && self.note_path.exists() {
            return Ok(());
        }
        let text = serde_json::to_string_pretty(&note).expect("a note holds only plain values");
        files::replace(&self.note_path, text.as_bytes()).map_err(|e| self.failed(e))?;
        self.note = note;
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let before = self.length;
        let written = self.file.seek(SeekFrom::Start(before)).and_then(|_| self.file.write_all(bytes));
        if let Err(e) = written {
            // What was written of these bytes is not in the sum.
            let _ = self.file.set_len(before);
            return Err(self.failed(e));
        }
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Whether what is there is the whole file.
    pub fn is_right(&self) -> bool {
        md5sum::digits(self.hasher.clone()) == self.note.md5
    }

    /// Makes sure that it has reached the disk.
    pub fn seal(&self) -> Result<(), DownloadError> {
        self.file.sync_all().map_err(|e| self.failed(e))
    }

    /// Gives the file its name.
    pub fn publish(mut self, folder: &Path, name: &str) -> Result<(), DownloadError> {
        fs::rename(&self.path, folder.join(name)).map_err(|e| DownloadError::disk(&self.path, 0, e))?;
        self.published = true;
        // A note that stays behind belongs to nothing and harms nobody.
        let _ = fs::remove_file(&self.note_path);
        Ok(())
    }

    fn failed(&self, reason: io::Error) -> DownloadError {
        let total = self.note.total.unwrap_or(self.expected);
        DownloadError::disk(&self.path, total.saturating_sub(self.length), reason)
    }
}
