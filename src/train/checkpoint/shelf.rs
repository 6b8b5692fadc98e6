//! The checkpoints of a run beside each other: which there are, which stay, what a crash has left.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{looks_whole, read_state};

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
/// The folder of those that a run has gone back behind.
const ASIDE: &str = "aside";

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

    /// Keeps the last `count` checkpoints and the one after `best` updates; removes the others, and what was put aside
    /// and has been overtaken. If the best could not be written, the best of those that are there stays.
    pub fn prune(&self, count: usize, best: Option<u64>) {
        let all = self.list();
        let surplus = all.len().saturating_sub(count);
        let newest = all.keys().next_back().copied();
        let best = best.and_then(|best| if all.contains_key(&best) { Some(best) } else { best_of(&all) });
        for (step, path) in all.into_iter().take(surplus) {
            if best != Some(step) {
                remove(&path);
            }
        }
        self.clear_aside(newest);
    }

    /// Where the checkpoints lie that a run has gone back behind.
    pub fn aside(&self) -> PathBuf {
        self.folder.join(ASIDE)
    }

    /// Puts the checkpoints after `step` aside, because the run goes on from there. None is
    /// removed: they go one by one as the run overtakes them ([`Self::prune`]).
    ///
    /// # Errors
    /// One that cannot be moved.
    pub fn put_aside_after(&self, step: u64) -> io::Result<()> {
        let later = self.list().into_iter().filter(|(found, _)| *found > step);
        for (step, path) in later {
            fs::create_dir_all(self.aside())?;
            let free = |place: &PathBuf| !place.exists();
            let names = (1..).map(|number| match number {
                1 => name(step),
                number => format!("{}-{number}", name(step)),
            });
            let place = names.map(|name| self.aside().join(name)).find(free);
            fs::rename(&path, place.expect("there are more numbers than folders"))?;
        }
        Ok(())
    }

    /// Removes what lies aside and has been overtaken by the checkpoint after `newest` updates. What is damaged, or of
    /// a newer version of the program, stays: it may be of use to somebody who knows more.
    fn clear_aside(&self, newest: Option<u64>) {
        let entries = fs::read_dir(self.aside()).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let overtaken = aside_step(&path).is_some_and(|step| newest.is_some_and(|newest| step <= newest));
            if overtaken && looks_whole(&path) {
                remove(&path);
            }
        }
        // Only an empty folder can be removed so.
        let _ = fs::remove_dir(self.aside());
    }
}

/// The best of these checkpoints, as far as they speak of each other.
fn best_of(all: &BTreeMap<u64, PathBuf>) -> Option<u64> {
    let bests = all.values().filter_map(|path| read_state(path).ok()?.best);
    let there = bests.filter(|best| all.contains_key(&best.step));
    there.min_by(|a, b| a.top1_error.total_cmp(&b.top1_error)).map(|best| best.step)
}

/// The step of a checkpoint that lies aside, perhaps with a number of its own behind it.
fn aside_step(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    name.split('-').next()?.parse().ok()
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
        log::warn!("`{}` cannot be removed: {e}", gone.display());
    }
}
