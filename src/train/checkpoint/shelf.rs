//! The checkpoints of a run beside each other: which there are, which stay, what a crash has left.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folder `checkpoints` of a run. Only a run that holds the lock of its folder changes anything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    folder: PathBuf,
}

/// What a shelf holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub count: usize,
    pub bytes: u64,
}

const PREFIX: &str = "step-";
/// A checkpoint being written.
const PART: &str = ".part";
/// A checkpoint that is being replaced.
const OLD: &str = ".old";
/// A checkpoint that is being removed.
const GONE: &str = ".gone";

/// The name of the checkpoint after `step` updates.
pub(super) fn name(step: u64) -> String {
    format!("{PREFIX}{step:08}")
}

/// Its name while it is being written.
pub(super) fn part_name(step: u64) -> String {
    format!(".{}{PART}", name(step))
}

/// Gives a filled part folder its name. One that has that name already goes.
pub(super) fn put_in_place(part: &Path, path: &Path) -> io::Result<()> {
    let old = hidden(path, OLD);
    let replaced = path.exists();
    if replaced {
        let _ = fs::remove_dir_all(&old);
        fs::rename(path, &old)?;
    }
    if let Err(reason) = fs::rename(part, path) {
        if replaced {
            let _ = fs::rename(&old, path);
        }
        return Err(reason);
    }
    if replaced {
        // What cannot be removed now goes with the next clean-up.
        let _ = fs::remove_dir_all(&old);
    }
    Ok(())
}

fn hidden(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{ending}"))
}

impl Shelf {
    /// The shelf of the run in this folder.
    pub fn of_run(run: &Path) -> Self {
        Self { folder: run.join("checkpoints") }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The checkpoint after `step` updates, whether it exists or not.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(name(step))
    }

    /// Steps and folders of all checkpoints, oldest first. None if there is no such folder.
    pub fn list(&self) -> BTreeMap<u64, PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some((step_of(&entry.path())?, entry.path()))).collect()
    }

    /// How many there are, and the space they take.
    pub fn kept(&self) -> Kept {
        let sizes = self.list().into_values().map(|path| {
            let files = fs::read_dir(path).into_iter().flatten().flatten();
            files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>()
        });
        sizes.fold(Kept::default(), |kept, bytes| Kept { count: kept.count + 1, bytes: kept.bytes + bytes })
    }

    /// Makes the folder, and removes or puts right what a crash in the middle of a write has left.
    ///
    /// # Errors
    /// A folder that cannot be made or read.
    pub fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(name) = name.strip_prefix('.') else { continue };
            if let Some(name) = name.strip_suffix(OLD) {
                let place = self.folder.join(name);
                // It was about to be replaced, and the new one never came.
                if step_of(&place).is_some() && !place.exists() {
                    fs::rename(&path, &place)?;
                    continue;
                }
            }
            if name.starts_with(PREFIX) && [PART, OLD, GONE].iter().any(|ending| name.ends_with(ending)) {
                fs::remove_dir_all(&path)?;
            }
        }
        Ok(())
    }

    /// Keeps the last `count` checkpoints and the one after `best` updates; removes the others.
    pub fn prune(&self, count: usize, best: Option<u64>) {
        let all = self.list();
        let surplus = all.len().saturating_sub(count);
        for (step, path) in all.into_iter().take(surplus) {
            if best != Some(step) {
                remove(&path);
            }
        }
    }

    /// Removes the checkpoints after `step`: the run goes on from there.
    pub fn forget_after(&self, step: u64) {
        for path in self.list().into_iter().filter(|(found, _)| *found > step).map(|(_, path)| path) {
            remove(&path);
        }
    }
}

/// The step that the name of a checkpoint speaks of.
fn step_of(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    let plain = digits.len() >= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Renamed first, so that nobody takes half of it for a checkpoint. What cannot be removed only takes space.
fn remove(path: &Path) {
    let gone = hidden(path, GONE);
    let _ = fs::remove_dir_all(&gone);
    if fs::rename(path, &gone).is_ok()
        && let Err(e) = fs::remove_dir_all(&gone)
    {
        log::warn!("{} cannot be removed: {e}", gone.display());
    }
}
