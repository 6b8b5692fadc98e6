//! What is known about files that lie in place: `.verified.json` holds, for each file whose sum was found right,
//! the size and time it had then. A file that has changed since is summed again.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::UNIX_EPOCH;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::KnownFile;
use super::md5sum;
use crate::files;

const FILE: &str = ".verified.json";

/// What lies where a file of a set belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Found {
    Nothing,
    /// The file, with the right sum.
    Right,
    /// Something else under its name.
    Wrong,
}

/// What a file was like when its sum was right.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Receipt {
    bytes: u64,
    /// Nanoseconds since 1970; 0 where the system keeps no time.
    modified: u64,
    md5: String,
}

impl Receipt {
    fn of(file: &KnownFile, found: &Metadata) -> Self {
        let since = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.map_or(0, |since| since.as_nanos() as u64);
        Self { bytes: found.len(), modified, md5: file.md5.clone() }
    }
}

/// Looks whether the file lies in `folder` as it should, summing it only if that was not done before. Nothing if
/// `cancel` was set. `tell` hears of the bytes summed.
pub(in crate::data) fn examine(
    folder: &Path,
    file: &KnownFile,
    cancel: &AtomicBool,
    tell: &mut dyn FnMut(u64),
) -> io::Result<Option<Found>> {
    let path = folder.join(&file.name);
    let found = match fs::metadata(&path) {
        Ok(found) if found.is_file() => found,
        Ok(_) => return Ok(Some(Found::Wrong)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Some(Found::Nothing)),
        Err(e) => return Err(e),
    };
    if is_recorded(folder, file, &found) {
        return Ok(Some(Found::Right));
    }
    let mut hasher = Md5::new();
    if md5sum::take_in(&mut File::open(&path)?, &mut hasher, cancel, tell)?.is_none() {
        return Ok(None);
    }
    if md5sum::digits(hasher) != file.md5 {
        return Ok(Some(Found::Wrong));
    }
    record(folder, file);
    Ok(Some(Found::Right))
}

/// Whether the file was found right before and has not changed since.
pub(super) fn is_recorded(folder: &Path, file: &KnownFile, found: &Metadata) -> bool {
    read(folder).get(&file.name).is_some_and(|receipt| *receipt == Receipt::of(file, found))
}

/// Writes down that the file in `folder` is right. In a folder that cannot be written it is summed again next
/// time, which costs only time.
pub(in crate::data) fn record(folder: &Path, file: &KnownFile) {
    let Ok(found) = fs::metadata(folder.join(&file.name)) else { return };
    let mut receipts = read(folder);
    receipts.insert(file.name.clone(), Receipt::of(file, &found));
    let text = serde_json::to_string_pretty(&receipts).expect("receipts hold only plain values");
    if let Err(e) = files::replace(&folder.join(FILE), text.as_bytes()) {
        log::info!("cannot note in `{}` that {} is right: {e}", folder.display(), file.name);
    }
}

fn read(folder: &Path) -> BTreeMap<String, Receipt> {
    let text = fs::read(folder.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}
