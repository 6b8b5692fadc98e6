//! Locks between programs, which end with the program that holds them, also when it is killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for a lock that others hold for moments only.
    pub fn wait(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        file.lock()?;
        Ok(Self { _file: file })
    }

    /// A lock that nobody else may hold; nothing if somebody holds one.
    pub fn alone(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        Self::held(file.try_lock(), file)
    }

    /// A lock that others may share; nothing if somebody wants to be alone.
    pub fn shared(path: &Path) -> io::Result<Option<Self>> {
        let file = open(path)?;
        Self::held(file.try_lock_shared(), file)
    }

    fn held(locked: Result<(), TryLockError>, file: File) -> io::Result<Option<Self>> {
        match locked {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

/// In a folder that can only be read, as a teacher may share one, a lock that is there can still be held.
fn open(path: &Path) -> io::Result<File> {
    let writable = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    writable.or_else(|reason| match reason.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            File::open(path).map_err(|_| reason)
        }
        _ => Err(reason),
    })
}
