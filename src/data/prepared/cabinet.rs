//! The folder that holds the prepared pictures of all sources: what is there, how large it is, and what goes when it
//! becomes too large.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::KeptError;
use super::index::{self, CameTo, Found};
use super::statistics;
use crate::config::DataConfig;
use crate::data::fingerprint::digest;
use crate::files::{self, Lock};
use crate::words;

/// Held by whoever takes hold of a store or removes one, for moments.
const GATE: &str = "lock";
/// Longest part of a source's name in that of its store.
const LONGEST_NAME: usize = 40;

/// The folder for the prepared pictures of all sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cabinet {
    pub folder: PathBuf,
    /// Bytes that all of it may take.
    pub limit: u64,
}

/// The prepared pictures of one source at one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSource {
    pub folder: PathBuf,
    /// The source's path; empty if it cannot be told any more.
    pub source: String,
    /// Of the squares, in pixels.
    pub side: u32,
    pub pictures: usize,
    /// Files that were found to be unusable.
    pub refused: usize,
    pub bytes: u64,
    pub last_used: Option<SystemTime>,
    /// Somebody reads or writes it just now.
    pub in_use: bool,
}

/// What became of a store that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    Removed,
    InUse,
}

impl Cabinet {
    /// As `config` says: in its folder, or in the user's cache folder.
    ///
    /// # Errors
    /// The system has no cache folder.
    pub fn of(config: &DataConfig) -> Result<Self, KeptError> {
        let standard = || dirs::cache_dir().map(|folder| folder.join("alexnet-lab"));
        let cache = config.cache_dir.clone().or_else(standard).ok_or(KeptError::NoFolder)?;
        Ok(Self { folder: cache.join("prepared"), limit: config.prepared_gib.saturating_mul(1 << 30) })
    }

    /// Everything that is kept, the least recently used first.
    pub fn list(&self) -> Vec<KeptSource> {
        // Looking whether a store is in use locks it for a moment, which nobody else shall see.
        let _gate = self.folder.exists().then(|| self.gate());
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<KeptSource> = entries.filter_map(|entry| describe(&entry.path())).collect();
        all.sort_by(|a, b| (a.last_used, &a.folder).cmp(&(b.last_used, &b.folder)));
        all
    }

    /// Removes a store unless it is in use. Files in its folder that are not ours stay.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, store: &KeptSource) -> io::Result<Removal> {
        let place = Place { folder: store.folder.clone() };
        let _gate = self.gate();
        // Whoever was here first has removed it.
        if !place.folder.exists() {
            return Ok(Removal::Removed);
        }
        let Some(writer) = Lock::alone(&place.writer())? else { return Ok(Removal::InUse) };
        let Some(readers) = Lock::alone(&place.readers())? else { return Ok(Removal::InUse) };
        place.remove((writer, readers))?;
        Ok(Removal::Removed)
    }

    /// Removes stores, the least recently used first and never one in use, until `needed` bytes more than `place`
    /// has now fit in.
    pub(super) fn make_room(&self, place: &Place, needed: u64) -> Result<(), KeptError> {
        if needed == 0 {
            return Ok(());
        }
        let all = self.list();
        let fixed = all.iter().filter(|store| store.folder == place.folder || store.in_use);
        let fixed = fixed.fold(needed, |total, store| total.saturating_add(store.bytes));
        if fixed > self.limit {
            // Before anything is removed in vain.
            let (needed, limit) = (words::bytes(fixed), words::bytes(self.limit));
            return Err(KeptError::TooLarge { needed, limit });
        }
        let mut total = all.iter().fold(needed, |total, store| total.saturating_add(store.bytes));
        for store in all.iter().filter(|store| store.folder != place.folder) {
            if total <= self.limit {
                break;
            }
            if self.remove(store).is_ok_and(|removal| removal == Removal::Removed) {
                log::info!("removed `{}` to make room for others", store.folder.display());
                total -= store.bytes;
            }
        }
        if total > self.limit {
            return Err(KeptError::TooLarge { needed: words::bytes(total), limit: words::bytes(self.limit) });
        }
        Ok(())
    }

    /// Where the pictures of the source at `home` are kept as squares of `side` pixels.
    pub(super) fn place(&self, home: &Path, side: u32) -> Place {
        let name: String = home
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
            .take(LONGEST_NAME)
            .collect();
        let hash = digest(home.as_os_str().as_encoded_bytes()) as u32;
        Place { folder: self.folder.join(format!("{name}-{side}px-{hash:08x}")) }
    }

    /// Keeps others from removing or taking hold of stores. Where it cannot be had nothing can be removed either.
    pub(super) fn gate(&self) -> Option<Lock> {
        Lock::wait(&self.folder.join(GATE)).ok()
    }
}

/// The folder of one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub folder: PathBuf,
}

impl Place {
    pub fn index(&self) -> PathBuf {
        self.folder.join("index")
    }

    pub fn pixels(&self) -> PathBuf {
        self.folder.join("pixels")
    }

    /// Locked by everybody who reads, and alone by who moves things about. Its time is that of the last use.
    pub fn readers(&self) -> PathBuf {
        self.folder.join("readers.lock")
    }

    /// Locked by the one who adds pictures.
    pub fn writer(&self) -> PathBuf {
        self.folder.join("writer.lock")
    }

    /// Notes that the store was used now.
    pub fn touch(&self) {
        let touched = files::open_to_write(&self.readers()).and_then(|f| f.set_modified(SystemTime::now()));
        if let Err(e) = touched {
            log::debug!("`{}` cannot be marked as used: {e}", self.folder.display());
        }
    }

    /// Removes all files of ours, the index first: without it the rest is nothing. Both locks are held until then.
    pub fn remove(&self, locks: (Lock, Lock)) -> io::Result<()> {
        let present = |result: io::Result<()>| match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        present(fs::remove_file(self.index()))?;
        files::sync_folder_if_possible(&self.folder);
        present(fs::remove_file(self.pixels()))?;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(statistics::PREFIX) || name.ends_with(files::UNFINISHED) {
                present(fs::remove_file(entry.path()))?;
            }
        }
        drop(locks);
        present(fs::remove_file(self.writer()))?;
        present(fs::remove_file(self.readers()))?;
        // A folder that holds files of others stays.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// The store in `folder`; nothing if there is none of ours.
fn describe(folder: &Path) -> Option<KeptSource> {
    let place = Place { folder: folder.into() };
    // A preparation that was killed right at its beginning leaves locks alone.
    if !index::is_one(&place.index()) && !place.writer().exists() {
        return None;
    }
    let (source, side, records) = match index::read(&place.index()) {
        Ok(Found::Index(index)) => (index.header.source, index.header.side, index.records),
        _ => (String::new(), 0, Vec::new()),
    };
    let pictures = records.iter().filter(|r| matches!(r.came_to, CameTo::Pixels(_))).count();
    let files = fs::read_dir(folder).ok()?.flatten();
    let free = |path: PathBuf| Lock::alone(&path).is_ok_and(|lock| lock.is_some());
    Some(KeptSource {
        source,
        side,
        pictures,
        refused: records.len() - pictures,
        bytes: files.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum(),
        last_used: fs::metadata(place.readers()).and_then(|file| file.modified()).ok(),
        in_use: !free(place.writer()) || !free(place.readers()),
        folder: folder.into(),
    })
}
