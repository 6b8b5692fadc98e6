//! The folder of one checkpoint: filled under a temporary name, proved by its sums when it is read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::shelf;
use super::state::State;
use super::{Checkpoint, CheckpointError, Mark, tensors};
use crate::model::{ModelFile, Shapes, replace_file};

const MODEL: &str = "model.safetensors";
const TRAINING: &str = "training.safetensors";
const CONFIG: &str = "config.toml";
const STATE: &str = "state.json";
const SUMS: &str = "checksums.txt";
/// Every file but the sums.
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
        self.model.write(&part.join(MODEL)).map_err(|e| e.to_string())?;
        replace_file(&part.join(TRAINING), |path| tensors::write(self, &shapes, path), |e| e.to_string())?;
        let state = serde_json::to_string_pretty(&self.state).map_err(|e| e.to_string())?;
        let text = |name: &str, text: &str| {
            replace_file(&part.join(name), |path| fs::write(path, text), |e| e).map_err(|e| e.to_string())
        };
        text(CONFIG, &self.config)?;
        text(STATE, &state)?;
        let mut sums = String::new();
        let mut bytes = 0;
        for name in FILES {
            let mark = measure(&part.join(name)).map_err(|e| e.to_string())?;
            bytes += mark.bytes;
            sums += &format!("{:08x} {} {name}\n", mark.crc32, mark.bytes);
        }
        text(SUMS, &sums)?;
        Ok(bytes + sums.len() as u64)
    }

    /// Reads and checks the checkpoint at `path`.
    ///
    /// # Errors
    /// Every file that is missing, cut short or changed, by name; a newer version.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let damaged = |reason: String| CheckpointError::Damaged { path: path.into(), reason };
        let faults = faults(path);
        if !faults.is_empty() {
            return Err(damaged(faults.join("; ")));
        }
        let state = state_at(path)?;
        let model = ModelFile::read(&path.join(MODEL)).map_err(|e| damaged(e.to_string()))?;
        let shapes = Shapes::of(&model.spec).map_err(|e| damaged(e.to_string()))?;
        let bytes = fs::read(path.join(TRAINING)).map_err(|e| damaged(format!("{TRAINING}: {e}")))?;
        let (velocities, replay) = tensors::read(&bytes, &shapes, state.replay.pictures)
            .map_err(|reason| damaged(format!("{TRAINING}: {reason}")))?;
        let config = text_at(path, CONFIG).map_err(damaged)?;
        Ok(Self { state, config, model, velocities, replay })
    }
}

/// Reads where a run stood, and nothing else, from the checkpoint at `path`.
///
/// # Errors
/// A state that is missing, damaged or of a newer version.
pub fn read_state(path: &Path) -> Result<State, CheckpointError> {
    let fault = listed(path).and_then(|sums| fault_of(path, STATE, &sums).map_or(Ok(()), Err));
    fault.map_err(|reason| CheckpointError::Damaged { path: path.into(), reason })?;
    state_at(path)
}

fn state_at(path: &Path) -> Result<State, CheckpointError> {
    let damaged = |reason: String| CheckpointError::Damaged { path: path.into(), reason };
    let text = text_at(path, STATE).map_err(damaged)?;
    State::parse(&text).map_err(|fault| match fault {
        Some(reason) => damaged(reason),
        None => CheckpointError::Newer { path: path.into() },
    })
}

/// What is wrong with the files of a checkpoint, one sentence each.
fn faults(path: &Path) -> Vec<String> {
    match listed(path) {
        Err(reason) => vec![reason],
        Ok(sums) => FILES.iter().filter_map(|name| fault_of(path, name, &sums)).collect(),
    }
}

fn fault_of(path: &Path, name: &str, sums: &[(String, Mark)]) -> Option<String> {
    let Some((_, wanted)) = sums.iter().find(|(listed, _)| listed == name) else {
        return Some(format!("{SUMS} says nothing of {name}"));
    };
    match measure(&path.join(name)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Some(format!("{name} is missing")),
        Err(e) => Some(format!("{name} cannot be read ({e})")),
        Ok(found) if found.bytes != wanted.bytes => {
            Some(format!("{name} has {} bytes instead of {}", found.bytes, wanted.bytes))
        }
        Ok(found) if found.crc32 != wanted.crc32 => Some(format!("{name} has changed since it was written")),
        Ok(_) => None,
    }
}

/// The sums that were written down.
fn listed(path: &Path) -> Result<Vec<(String, Mark)>, String> {
    let text = text_at(path, SUMS)?;
    let parse = |line: &str| {
        let mut words = line.splitn(3, ' ');
        let crc32 = u32::from_str_radix(words.next()?, 16).ok()?;
        let bytes = words.next()?.parse().ok()?;
        Some((words.next()?.to_owned(), Mark { bytes, crc32 }))
    };
    text.lines()
        .map(|line| parse(line).ok_or_else(|| format!("{SUMS} has changed since it was written")))
        .collect()
}

fn text_at(path: &Path, name: &str) -> Result<String, String> {
    let file = File::open(path.join(name)).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("{name} is missing"),
        _ => format!("{name} cannot be read ({e})"),
    })?;
    let mut text = String::new();
    match file.take(TEXT_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(e) => Err(format!("{name} cannot be read ({e})")),
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

/// Flushes the names in a folder to the disk. Windows has no such thing and keeps them safe by itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
