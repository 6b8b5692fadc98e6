//! Files in folders on disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::{Region, Stamp};
use super::names::{as_text, is_clutter, printable};
use super::{Entry, Lister, Listing, Opening, Source};
use crate::data::error::DataError;

/// Folders below each other that are followed; deeper ones are no data set.
const MAX_DEPTH: usize = 16;
/// Links to folders that are followed on one path. Folders that link to each other would otherwise be walked through in
/// every order there is.
const MAX_LINKS_DEEP: usize = 2;
/// Links to folders that are followed in all; enough for one a class.
const MAX_LINKS: usize = 50_000;
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

    /// Whether the path of `file` is its name on the disk.
    pub fn is_plain(file: &Entry) -> bool {
        file.place == PLAIN
    }

    /// Places that entries of the folder may have, [`PLAIN`] apart.
    pub fn places(&self) -> u32 {
        self.odd.len() as u32
    }

    /// Where the file lies on the disk.
    pub fn path_of(&self, file: &Entry) -> PathBuf {
        self.odd.get(file.place as usize).cloned().unwrap_or_else(|| self.root.join(&*file.path))
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
    fn stamp(&self, file: &Entry) -> Option<Stamp> {
        Stamp::of(&fs::metadata(self.path_of(file)).ok()?)
    }

    fn region(&self, file: &Entry) -> Result<Region, String> {
        let path = self.path_of(file);
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

    fn path(&self, file: &Entry) -> Option<PathBuf> {
        Some(self.path_of(file))
    }
}

/// Lists the folder tree at `root`.
pub(super) fn open(root: &Path, opening: &Opening) -> Result<(Folder, Listing), DataError> {
    let folder = Folder::at(root);
    let mut walk = Walk {
        opening,
        path: String::new(),
        above: Vec::new(),
        links_deep: 0,
        links: 0,
        folder,
        lister: Lister::default(),
    };
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
    /// Links to folders on the way from the root to here, and followed so far.
    links_deep: usize,
    links: usize,
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

    /// A folder below another one.
    fn folder_or_link(&mut self, path: &Path, is_link: bool) -> Result<(), DataError> {
        if !is_link {
            return self.folder(path);
        }
        if self.links_deep >= MAX_LINKS_DEEP || self.links >= MAX_LINKS {
            self.lister
                .ignore(self.path.trim_end_matches('/'), "it is a link to a folder behind many other links");
            return Ok(());
        }
        self.links += 1;
        self.links_deep += 1;
        let result = self.folder(path);
        self.links_deep -= 1;
        result
    }

    fn entry(&mut self, entry: &fs::DirEntry) -> Result<(), DataError> {
        let raw = entry.file_name();
        let name = printable(&as_text(raw.as_encoded_bytes()));
        if is_clutter(&name) {
            return Ok(());
        }
        let length = self.path.len();
        self.path.push_str(&name);
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
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
                    self.folder_or_link(&entry.path(), is_link)?;
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
