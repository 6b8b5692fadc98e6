//! One program at a time writes into a run folder.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::folder::FolderError;

/// The file that is locked. It stays behind; the lock on it ends with the program, however that ends.
pub(super) const LOCK_FILE: &str = "run.lock";

/// Looking whether a folder is in use holds its lock for a moment: who wants it tries again so often, so far apart.
const LOOKS: u32 = 3;
const LOOK: Duration = Duration::from_millis(20);

/// Whether a run is going on in this folder. Nothing is made or changed by looking.
pub(super) fn is_held(folder: &Path) -> bool {
    let file = File::open(folder.join(LOCK_FILE));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Keeps other programs, and other runs of this one, out of a run folder until it is dropped.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the run folder.
    ///
    /// # Errors
    /// It is in use, or nothing can be written there.
    pub fn take(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(LOCK_FILE);
        let failed = |reason: io::Error| FolderError::Write { path: path.clone(), reason };
        let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(failed)?;
        let mut locked = file.try_lock();
        for _ in 0..LOOKS {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(LOOK);
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                // Who it is helps to find it; where locks keep readers out, too, it stays unsaid.
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                return Err(FolderError::InUse { path: folder.into(), owner: owner.trim().to_owned() });
            }
            // Some network drives know no locks; a run there is better than none.
            Err(TryLockError::Error(reason)) => log::warn!("`{}` cannot be locked: {reason}", path.display()),
        }
        // Only a hint for people; a full disk is told where it matters.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "process {}", std::process::id()));
        Ok(Self { _file: file })
    }
}
