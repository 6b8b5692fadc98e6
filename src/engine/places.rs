//! Where runs are kept that were given no folder of their own, and how their folders are numbered.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::folder::FolderError;

/// The folder of all runs, where the program was started.
const RUNS: &str = "runs";
/// Where the user's documents are, for runs that cannot be kept where the program was started.
fn among_documents() -> Option<PathBuf> {
    dirs::document_dir().or_else(dirs::home_dir).map(|folder| folder.join("alexnet-lab-runs"))
}

/// The folders in which runs are kept that were given none of their own.
pub(super) fn usual_roots() -> Vec<PathBuf> {
    [Some(PathBuf::from(RUNS)), among_documents()].into_iter().flatten().collect()
}

/// `runs` where the program was started, or in the user's documents if that place cannot be written.
pub(super) fn runs_root() -> Result<PathBuf, FolderError> {
    let here = PathBuf::from(RUNS);
    let Err(reason) = fs::create_dir_all(&here) else { return Ok(here) };
    match among_documents() {
        Some(folder) if fs::create_dir_all(&folder).is_ok() => Ok(folder),
        _ => Err(FolderError::Make { path: here, reason }),
    }
}

/// The number that the name of a run begins with.
pub(super) fn number_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.split('-').next()?.parse().ok()
}

/// The next free number, as in `runs/0007-alexnet-64-sample`.
pub(super) fn numbered(root: &Path, model: &str, source: &str) -> Result<PathBuf, FolderError> {
    let failed = |reason| FolderError::Make { path: root.into(), reason };
    let taken = fs::read_dir(root).map_err(failed)?.flatten().filter_map(|entry| number_of(&entry.path()));
    let mut number = taken.max().unwrap_or(0) + 1;
    let source = Path::new(source).file_stem().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let source: String =
        source.chars().map(|c| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
    loop {
        let path = root.join(format!("{number:04}-{model}-{source}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Another program was quicker.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(reason) => return Err(failed(reason)),
        }
    }
}
