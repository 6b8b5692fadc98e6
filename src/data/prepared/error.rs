//! Why prepared pictures cannot be kept on disk. A run can go on without them.

use std::io;
use std::path::Path;

/// Why prepared pictures cannot be kept on disk.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(
        "the disk with `{path}` is full, and what was half written there is removed again: make room, or set data.cache_dir to a folder on another disk"
    )]
    Full { path: String },
    #[error(
        "prepared pictures cannot be kept in `{path}` ({reason}): set data.cache_dir to a folder that can be written"
    )]
    Unwritable { path: String, reason: io::Error },
    #[error(
        "the prepared pictures in `{path}` cannot be read ({reason}): check the disk, or delete that folder"
    )]
    Unreadable { path: String, reason: io::Error },
    #[error(
        "the prepared pictures would take {needed}, but only {limit} are allowed: set data.prepared_gib higher, or choose fewer pictures with data.max_per_class"
    )]
    TooLarge { needed: String, limit: String },
    #[error(
        "the disk does not tell when the files of `{source_path}` were changed, so their prepared pictures cannot be kept: copy them to another disk"
    )]
    NoTimes { source_path: String },
    #[error("this system has no cache folder: set data.cache_dir to one")]
    NoFolder,
}

impl KeptError {
    pub(super) fn writing(path: &Path, reason: io::Error) -> Self {
        let path = path.display().to_string();
        match reason.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unwritable { path, reason },
        }
    }

    pub(super) fn reading(path: &Path, reason: io::Error) -> Self {
        Self::Unreadable { path: path.display().to_string(), reason }
    }
}
