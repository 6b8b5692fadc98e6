//! Files in folders on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::Region;
use super::names::{is_clutter, printable};
use super::{Entry, Lister, Listing, Opening, Source};
use crate::data::error::DataError;

/// Folders below each other that are followed; deeper ones are no data set.
const MAX_DEPTH: usize = 16;
/// The place of an entry whose path is its name; others have a name that is no text.
const PLAIN: u32 = u32::MAX;

/// A folder whose files are read.
pub(in crate::data) struct Folder {
    root: PathBuf,
    /// Paths that printable text cannot say exactly.
    odd: Vec<PathBuf>,
}

impl Folder {
    /// The folder at `root`, to read files that somebody else names.
    pub fn at(root: &Path) -> Self {
        Self { root: root.into(), odd: Vec::new() }
    }

    /// An entry for the file at `path`, below the folder or from the root of the disk.
    pub fn entry(path: &str) -> Entry {
        Entry { path: path.into(), is_folder: false, place: PLAIN }
    }

    /// Names of the files that lie directly in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.path().is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .take(10_000)
            .collect()
    }
}

impl Source for Folder {
    fn region(&self, file: &Entry) -> Result<Region, String> {
        let path = match self.odd.get(file.place as usize) {
            Some(path) => path.clone(),
            None => self.root.join(&*file.path),
        };
        let unreadable = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("the file cannot be read ({e})"),
        };
        // Opening a pipe would wait for somebody to write into it.
        if !fs::metadata(&path).map_err(unreadable)?.is_file() {
            return Err("it is no plain file".into());
        }
        Region::whole(Arc::new(File::open(&path).map_err(unreadable)?)).map_err(unreadable)
    }
}

/// Lists the folder tree at `root`.
pub(super) fn open(root: &Path, opening: &Opening) -> Result<(Folder, Listing), DataError> {
    let folder = Folder::at(root);
    let mut walk =
        Walk { opening, path: String::new(), above: Vec::new(), folder, lister: Lister::default() };
    walk.folder(root)?;
    Ok((walk.folder, walk.lister.finish()))
}

/// A walk through a folder tree.
struct Walk<'a> {
    opening: &'a Opening<'a>,
    /// Path from the root to here, empty or with `/` at its end.
    path: String,
    /// Real paths of the folders above, to notice links that lead back up.
    above: Vec<PathBuf>,
    folder: Folder,
    lister: Lister,
}

impl Walk<'_> {
    fn folder(&mut self, path: &Path) -> Result<(), DataError> {
        self.opening.check_cancelled()?;
        let unreadable = |reason| DataError::Unreadable { path: path.display().to_string(), reason };
        let real = path.canonicalize().map_err(unreadable)?;
        if self.above.contains(&real) || self.above.len() > MAX_DEPTH {
            return Ok(());
        }
        self.above.push(real);
        for entry in fs::read_dir(path).map_err(unreadable)? {
            self.entry(&entry.map_err(unreadable)?)?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry) -> Result<(), DataError> {
        let raw = entry.file_name();
        let name = printable(&raw.to_string_lossy());
        if is_clutter(&name) {
            return Ok(());
        }
        let length = self.path.len();
        self.path.push_str(&name);
        // Follows links.
        let kind = match entry.file_type() {
            Ok(kind) if !kind.is_symlink() => Ok((kind.is_dir(), kind.is_file())),
            _ => fs::metadata(entry.path()).map(|kind| (kind.is_dir(), kind.is_file())),
        };
        match kind {
            Ok((is_folder, true)) | Ok((is_folder @ true, _)) => {
                let place = if self.is_plain() {
                    PLAIN
                } else {
                    self.folder.odd.push(entry.path());
                    (self.folder.odd.len() - 1) as u32
                };
                self.lister.push(self.path.as_str().into(), is_folder, place, self.opening)?;
                if is_folder {
                    self.path.push('/');
                    self.folder(&entry.path())?;
                }
            }
            Ok(_) => self.lister.ignore(self.path.as_str(), "it is no plain file"),
            Err(_) => self.lister.ignore(self.path.as_str(), "it is a link that leads nowhere"),
        }
        self.path.truncate(length);
        Ok(())
    }

    /// Whether neither the file nor a folder above has a name that text cannot say.
    fn is_plain(&self) -> bool {
        !self.path.contains(char::REPLACEMENT_CHARACTER)
    }
}
