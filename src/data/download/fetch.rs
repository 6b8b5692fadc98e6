//! A whole set: one download at a time in its folder, file by file, and names only at the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::error::DownloadError;
use super::part::Part;
use super::progress::Progress;
use super::settings::DownloadSettings;
use super::transfer::Course;
use crate::data::known::{Found, KnownFile, KnownSet, Shelf, examine, record};
use crate::files::{self, Lock};

/// Held by whoever downloads into the folder. The file stays; only the lock counts.
const LOCK: &str = ".download.lock";

/// Downloads what is missing of `set` into its folder on `shelf` and returns the path to open. Set `cancel` to
/// stop: that takes less than a second, and what has come is kept for the next call.
///
/// # Errors
/// Settings that make no sense, a folder that cannot be used, a full disk, another program at work, no address
/// that gives the file, or a stop.
pub fn fetch(
    set: &KnownSet,
    shelf: &Shelf,
    settings: &DownloadSettings,
    cancel: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<PathBuf, DownloadError> {
    settings.check()?;
    let folder = shelf.folder(set);
    fs::create_dir_all(&folder).map_err(|e| DownloadError::disk(&folder.join(LOCK), set.bytes(), e))?;
    let _lock = lock(&folder)?;
    let missing = missing(set, &folder, cancel, tell)?;
    let mut course = Course::new(settings, cancel, tell, set.bytes());
    course.done = set.bytes() - missing.iter().map(|file| file.bytes).sum::<u64>();
    let mut whole = Vec::new();
    for file in missing {
        let mut checking = |done| {
            let (file, total) = (file.name.clone(), file.bytes);
            (course.tell)(Progress::Checking { file, done, total });
        };
        let part = Part::open(&folder, file, cancel, &mut checking)?;
        let mut part = part.ok_or(DownloadError::Cancelled)?;
        course.complete(set, file, &mut part)?;
        part.seal()?;
        // The announced length may differ from the reported one; the whole must add up all the same.
        course.total = course.total - file.bytes + part.length();
        course.done += part.length();
        whole.push((part, file));
    }
    for (part, file) in whole {
        part.publish(&folder, &file.name)?;
        record(&folder, file);
    }
    files::sync_folder_if_possible(&folder);
    Ok(shelf.source(set))
}

/// The files that are not there yet.
fn missing<'a>(
    set: &'a KnownSet,
    folder: &Path,
    cancel: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Vec<&'a KnownFile>, DownloadError> {
    let mut missing = Vec::new();
    for file in &set.files {
        let mut checking =
            |done| tell(Progress::Checking { file: file.name.clone(), done, total: file.bytes });
        let path = folder.join(&file.name);
        let found = examine(folder, file, cancel, &mut checking);
        let found = found.map_err(|reason| DownloadError::Disk { path: path.clone(), reason })?;
        match found.ok_or(DownloadError::Cancelled)? {
            Found::Right => {}
            Found::Nothing => missing.push(file),
            Found::Wrong => return Err(DownloadError::Occupied { path }),
        }
    }
    Ok(missing)
}

/// Keeps other programs from downloading into the folder.
fn lock(folder: &Path) -> Result<Option<Lock>, DownloadError> {
    let path = folder.join(LOCK);
    match Lock::alone(&path) {
        Ok(Some(lock)) => Ok(Some(lock)),
        Ok(None) => Err(DownloadError::Busy { folder: folder.into() }),
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {
            log::warn!(
                "`{}` cannot be locked; do not download into it twice at the same time",
                folder.display()
            );
            Ok(None)
        }
        Err(e) => Err(DownloadError::disk(&path, 0, e)),
    }
}
