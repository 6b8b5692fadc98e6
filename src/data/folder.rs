//! Pictures in folders on disk.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::files::{FileDataset, FileSource, check_size};
use super::layout::{Found, is_clutter};
use crate::config::DataConfig;

/// Folders below each other that are followed; deeper ones are no data set.
const MAX_DEPTH: usize = 16;
/// More than twice ImageNet; beyond it someone has chosen a whole disk.
const MAX_FILES: usize = 4_000_000;

pub(super) struct Folder;

impl FileSource for Folder {
    type Locator = PathBuf;

    fn bytes(&self, file: &PathBuf) -> Result<Vec<u8>, String> {
        read(file).map_err(|e| format!("the file cannot be read ({e})"))?
    }
}

fn read(path: &Path) -> std::io::Result<Result<Vec<u8>, String>> {
    let file = File::open(path)?;
    let size = match check_size(file.metadata()?.len()) {
        Ok(size) => size,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut bytes = Vec::with_capacity(size);
    // The file may grow meanwhile; what was measured is what is taken.
    file.take(size as u64).read_to_end(&mut bytes)?;
    Ok(Ok(bytes))
}

/// Reads the folder tree at `root`.
pub(super) fn open(root: &Path, config: &DataConfig) -> Result<FileDataset<Folder>, DataError> {
    let mut walk = Walk { source: &config.source, names: Vec::new(), above: Vec::new(), found: Vec::new() };
    walk.folder(root)?;
    FileDataset::new(Folder, walk.found, config)
}

/// A walk through a folder tree.
struct Walk<'a> {
    source: &'a str,
    /// Names from the root to here.
    names: Vec<String>,
    /// Real paths of the folders above, to notice links that lead back up.
    above: Vec<PathBuf>,
    found: Vec<Found<PathBuf>>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path) -> Result<(), DataError> {
        let unreadable = |reason| DataError::Unreadable { path: path.display().to_string(), reason };
        let real = path.canonicalize().map_err(unreadable)?;
        if self.above.contains(&real) || self.names.len() > MAX_DEPTH {
            return Ok(());
        }
        self.above.push(real);
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Follows links. A link to nowhere is left out like a file that was never there.
            let Ok(kind) = entry
                .metadata()
                .and_then(|own| if own.is_symlink() { fs::metadata(entry.path()) } else { Ok(own) })
            else {
                continue;
            };
            if is_clutter(&name) || !(kind.is_dir() || kind.is_file()) {
                continue;
            }
            if self.found.len() >= MAX_FILES {
                return Err(DataError::TooManyFiles { path: self.source.into(), limit: MAX_FILES });
            }
            self.names.push(name);
            let file = kind.is_file().then(|| entry.path());
            self.found.push(Found { path: self.names.clone(), file });
            if kind.is_dir() {
                self.folder(&entry.path())?;
            }
            self.names.pop();
        }
        self.above.pop();
        Ok(())
    }
}
