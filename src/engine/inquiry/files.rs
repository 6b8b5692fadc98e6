//! Which files there are to classify, and reading one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::data;

/// A file to classify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub path: PathBuf,
    /// Asked about by its own name, not found in a folder.
    pub named: bool,
}

/// The files that were named, and all files of the folders that were named, in the order of their names. Hidden ones are
/// passed over.
///
/// # Errors
/// A named folder that has no files, or a folder that cannot be read.
pub(super) fn collect(inputs: &[PathBuf], given_up: &AtomicBool) -> Result<Vec<Job>, String> {
    let mut jobs = Vec::new();
    for input in inputs {
        if input.is_dir() {
            let before = jobs.len();
            walk(input, &mut jobs, given_up)?;
            if jobs.len() == before {
                return Err(format!("the folder `{}` has no files", input.display()));
            }
        } else {
            jobs.push(Job { path: input.clone(), named: true });
        }
    }
    Ok(jobs)
}

fn walk(folder: &Path, jobs: &mut Vec<Job>, given_up: &AtomicBool) -> Result<(), String> {
    let unreadable = |e: std::io::Error| format!("cannot read the folder `{}`: {e}", folder.display());
    let mut entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .map_err(unreadable)?;
    entries.sort();
    for path in entries {
        if given_up.load(Ordering::Relaxed) {
            break;
        }
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // Links to folders could lead round in a circle.
        if hidden || (path.is_symlink() && path.is_dir()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, jobs, given_up)?;
        } else {
            jobs.push(Job { path, named: false });
        }
    }
    Ok(())
}

/// Side of a small picture of a file, in pixels.
const SMALL: u32 = 160;

/// The middle square of a picture file, small.
///
/// # Errors
/// Why the file cannot be used, with its name.
pub fn small_picture(path: &Path) -> Result<image::RgbImage, String> {
    crate::engine::model::open_file(path).map(|picture| data::square(&picture, SMALL))
}

/// The stored square `[3, side, side]` of a picture file.
///
/// # Errors
/// Why the file cannot be used, with its name.
pub(super) fn square(path: &Path, side: u32) -> Result<Vec<u8>, String> {
    let picture = crate::engine::model::open_file(path)?;
    Ok(data::planes(&data::square(&picture, side)))
}
