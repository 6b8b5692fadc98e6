//! The folder of one checkpoint: filled under a temporary name, proved by its sums when it is read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::shelf;
use super::state::State;
use super::{Checkpoint, CheckpointError, Mark, tensors};
use crate::files::sync_folder;
use crate::model::{ModelFile, Shapes, replace_file};

const MODEL: &str = "model.safetensors";
const TRAINING: &str = "training.safetensors";
const CONFIG: &str = "config.toml";
const STATE: &str = "state.json";
const SUMS: &str = "checksums.txt";
/// Every file but the sums, in their order.
const FILES: [&str; 4] = [MODEL, TRAINING, CONFIG, STATE];
/// Largest text that is read; nothing here comes near it.
const TEXT_BYTES: u64 = 16 << 20;

/// A checkpoint that has been written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    pub bytes: u64,
}

impl Checkpoint {
    /// The model file of the checkpoint at `path`.
    pub fn model_file(path: &Path) -> PathBuf {
        path.join(MODEL)
    }

    /// Reads and checks the checkpoint at `path`.
    ///
    /// # Errors
    /// Every file that is missing, cut short or changed, by name; a newer version.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.into(), reason };
        check(path, &FILES)?;
        let state = state_at(path)?;
        let model = ModelFile::read(&path.join(MODEL)).map_err(|e| damaged(e.to_string()))?;
        let shapes = Shapes::of(&model.spec).map_err(|e| damaged(e.to_string()))?;
        let bytes = fs::read(path.join(TRAINING)).map_err(|e| Fault::of(TRAINING, &e).into_error(path))?;
        let (velocities, replay) = tensors::read(&bytes, &shapes, state.replay.pictures)
            .map_err(|reason| damaged(format!("{TRAINING}: {reason}")))?;
        let config = text_at(path, CONFIG).map_err(|fault| fault.into_error(path))?;
        Ok(Self { state, config, model, velocities, replay })
    }
}

impl<W: AsRef<[f32]> + Sync> Checkpoint<W> {
    /// Writes the checkpoint into the folder `shelf`, which must exist. `tables` are flushed to the disk before
    /// the checkpoint, which speaks of their rows, gets its name. One of the same update is replaced.
    ///
    /// # Errors
    /// A folder that is gone or cannot be written, a full disk. What was there before is still there then.
    pub fn write(&self, shelf: &Path, tables: &[File]) -> Result<Written, CheckpointError> {
        let path = shelf.join(shelf::name(self.state.step));
        let failed = |reason: String| CheckpointError::Write { path: path.clone(), reason };
        let part = shelf.join(shelf::part_name(self.state.step));
        let result = self.fill(&part).and_then(|bytes| {
            let publish = || {
                tables.iter().try_for_each(File::sync_data)?;
                sync_folder(&part)?;
                shelf::put_in_place(&part, &path)?;
                sync_folder(shelf)
            };
            publish().map_err(|e| e.to_string())?;
            Ok(Written { path: path.clone(), bytes })
        });
        if result.is_err() {
            // The first error is the one worth telling; what is left behind is only our own part folder.
            let _ = fs::remove_dir_all(&part);
        }
        result.map_err(failed)
    }

    /// Returns the bytes of all files.
    fn fill(&self, part: &Path) -> Result<u64, String> {
        if part.exists() {
            fs::remove_dir_all(part).map_err(|e| e.to_string())?;
        }
        fs::create_dir(part).map_err(|e| e.to_string())?;
        let shapes = Shapes::of(&self.model.spec).map_err(|e| e.to_string())?;
        let state = serde_json::to_string_pretty(&self.state).map_err(|e| e.to_string())?;
        let measured = |name: &str| measure(&part.join(name)).map_err(|e| e.to_string());
        let model = || {
            self.model.write(&part.join(MODEL)).map_err(|e| e.to_string())?;
            measured(MODEL)
        };
        let training = || {
            let fill = |path: &Path| tensors::write(self, &shapes, path);
            replace_file(&part.join(TRAINING), fill, |e| e.to_string())?;
            measured(TRAINING)
        };
        let text = |name: &str, text: &str| {
            replace_file(&part.join(name), |path| fs::write(path, text), |e| e).map_err(|e| e.to_string())?;
            measured(name)
        };
        // The two large files at once: while the disk writes the one, the other is copied and added up.
        let (model, training) = rayon::join(model, training);
        let marks = [model?, training?, text(CONFIG, &self.config)?, text(STATE, &state)?];
        let line = |(name, mark): (&str, &Mark)| format!("{:08x} {} {name}\n", mark.crc32, mark.bytes);
        let sums: String = FILES.into_iter().zip(&marks).map(line).collect();
        text(SUMS, &sums)?;
        Ok(marks.iter().map(|mark| mark.bytes).sum::<u64>() + sums.len() as u64)
    }
}

/// Reads where a run stood, and nothing else, from the checkpoint at `path`.
///
/// # Errors
/// A state that is missing, damaged or of a newer version.
pub fn read_state(path: &Path) -> Result<State, CheckpointError> {
    check(path, &[STATE])?;
    state_at(path)
}

/// Whether the checkpoint at `path` is one of this program whose files are all there, as far as can be seen without
/// reading the large ones.
pub(super) fn looks_whole(path: &Path) -> bool {
    let Ok(sums) = listed(path) else { return false };
    let there = |&name: &&str| {
        let wanted = sums.iter().find(|(listed, _)| listed == name).map(|(_, mark)| mark.bytes);
        wanted.is_some() && wanted == fs::metadata(path.join(name)).ok().map(|file| file.len())
    };
    FILES.iter().all(there) && read_state(path).is_ok()
}

fn state_at(path: &Path) -> Result<State, CheckpointError> {
    let text = text_at(path, STATE).map_err(|fault| fault.into_error(path))?;
    State::parse(&text).map_err(|fault| match fault {
        Some(reason) => CheckpointError::Damaged { path: path.into(), reason },
        None => CheckpointError::Newer { path: path.into() },
    })
}

/// What is wrong with a file of a checkpoint.
struct Fault {
    reason: String,
    /// Of the disk and not of the file: another attempt may succeed.
    passing: bool,
}

impl Fault {
    fn lasting(reason: String) -> Self {
        Self { reason, passing: false }
    }

    /// What an error on reading `name` says of it.
    fn of(name: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::lasting(format!("{name} is missing")),
            // Bytes that are no text, for example.
            io::ErrorKind::InvalidData => Self::lasting(format!("{name} cannot be read ({error})")),
            _ => Self { reason: format!("{name} cannot be read ({error})"), passing: true },
        }
    }

    fn into_error(self, path: &Path) -> CheckpointError {
        let (path, reason) = (path.into(), self.reason);
        if self.passing {
            CheckpointError::Unreadable { path, reason }
        } else {
            CheckpointError::Damaged { path, reason }
        }
    }
}

/// Compares files of a checkpoint with their sums; tells of all that do not fit.
fn check(path: &Path, names: &[&str]) -> Result<(), CheckpointError> {
    let sums = listed(path).map_err(|fault| fault.into_error(path))?;
    let faults: Vec<Fault> = names.iter().filter_map(|name| fault_of(path, name, &sums)).collect();
    if faults.is_empty() {
        return Ok(());
    }
    let passing = faults.iter().any(|fault| fault.passing);
    let reasons: Vec<String> = faults.into_iter().map(|fault| fault.reason).collect();
    Err(Fault { reason: reasons.join("; "), passing }.into_error(path))
}

fn fault_of(path: &Path, name: &str, sums: &[(String, Mark)]) -> Option<Fault> {
    let Some((_, wanted)) = sums.iter().find(|(listed, _)| listed == name) else {
        return Some(Fault::lasting(format!("{SUMS} says nothing of {name}")));
    };
    match measure(&path.join(name)) {
        Err(e) => Some(Fault::of(name, &e)),
        Ok(found) if found.bytes != wanted.bytes => {
            Some(Fault::lasting(format!("{name} has {} bytes instead of {}", found.bytes, wanted.bytes)))
        }
        Ok(found) if found.crc32 != wanted.crc32 => {
            Some(Fault::lasting(format!("{name} has changed since it was written")))
        }
        Ok(_) => None,
    }
}

/// The sums that were written down.
fn listed(path: &Path) -> Result<Vec<(String, Mark)>, Fault> {
    let text = text_at(path, SUMS)?;
    let parse = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let crc32 = u32::from_str_radix(words.next()?, 16).ok()?;
        let bytes = words.next()?.parse().ok()?;
        Some((words.next()?.to_owned(), Mark { bytes, crc32 }))
    };
    text.lines()
        .map(|line| {
            parse(line).ok_or_else(|| Fault::lasting(format!("{SUMS} has changed since it was written")))
        })
        .collect()
}

fn text_at(path: &Path, name: &str) -> Result<String, Fault> {
    let file = File::open(path.join(name)).map_err(|e| Fault::of(name, &e))?;
    let mut text = String::new();
    match file.take(TEXT_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(e) => Err(Fault::of(name, &e)),
    }
}

/// Size and sum of a file.
fn measure(path: &Path) -> io::Result<Mark> {
    let mut file = File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Mark { bytes, crc32: hasher.finalize() }),
            read => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}
