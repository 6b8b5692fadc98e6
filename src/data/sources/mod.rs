//! Places that hold files: a folder, a `.tar`, `.tar.gz` or `.zip` archive, or the files a list names.
//!
//! A source is listed once, then read by several threads at the same time. What kind of archive a file is shows
//! in its bytes, not in its name. Nothing is ever unpacked beside the user's files, so an entry cannot be written
//! anywhere; entries that are links or lead out of the archive are left out with a reason all the same.

mod bytes;
mod cut;
mod folder;
mod gzip;
mod mounts;
mod names;
mod tar;
mod unpacked;
mod zip;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::decode::picture_format;
use super::error::DataError;
use super::left_out::LeftOut;

pub(super) use bytes::{ReadAt, Region, Stamp};
pub(super) use cut::Cut;
pub(super) use folder::Folder;
pub(super) use gzip::gunzipped;
pub(super) use mounts::archive_ending;
pub(super) use names::{Part, is_for_tests, is_picture_name, is_wnid, part_name};

/// Files larger than this are not read: no picture needs it, and a film named .jpg would fill the memory.
pub(super) const MAX_FILE_BYTES: u64 = 256 << 20;
/// More than twice ImageNet; beyond it someone has chosen a whole disk.
const MAX_FILES: usize = 4_000_000;
/// Memory for the names of all files. ImageNet's take 50 MiB.
const MAX_NAME_BYTES: usize = 512 << 20;

/// A file or folder at a source.
pub(super) struct Entry {
    /// Path below the source, with `/` and without `.` or `..`.
    pub path: Box<str>,
    pub is_folder: bool,
    /// Where the source finds it; only the source knows what this means.
    place: u32,
}

impl Entry {
    /// Its place in the order in which archives are best read, one after the other; nothing for a plain file.
    pub fn place_in_archives(&self) -> Option<u64> {
        (!Folder::is_plain(self)).then_some(self.place.into())
    }
}

/// What is to blame where a picture cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its bytes can be had and are no usable picture: that stays so until the file is another one.
    Picture,
    /// Its bytes cannot be had from the archive around it: that stays so until the archive is another one.
    Archive,
    /// Its bytes cannot be read now, because of a disk, a permission or a file that is gone: another time they may be.
    Reading,
}

/// Reads what a [`Listing`] names.
pub(super) trait Source: Send + Sync {
    /// A file as a stretch of bytes that can be read in parts.
    fn region(&self, file: &Entry) -> Result<Region, String>;

    /// What tells whether a file is still the same, found out without reading it; nothing where nobody can say.
    fn stamp(&self, file: &Entry) -> Option<Stamp>;

    /// Bytes of a file, as the source tells it; not to be trusted for memory.
    fn size(&self, file: &Entry) -> Result<u64, String> {
        Ok(self.region(file)?.length())
    }

    /// All bytes of a file, or why they cannot be had, in the user's language.
    fn bytes(&self, file: &Entry) -> Result<Vec<u8>, String> {
        self.region(file)?.all()
    }

    /// The first bytes of a file, `count` or fewer, without unpacking more of it than that.
    fn start(&self, file: &Entry, count: usize) -> Result<Vec<u8>, String> {
        self.region(file)?.start(count).map_err(|e| format!("the file cannot be read ({e})"))
    }

    /// As [`Self::stamp`] of the archive around a file, where the file's own says nothing about it.
    fn stamp_around(&self, _file: &Entry) -> Option<Stamp> {
        None
    }

    /// What is to blame where a file was no usable picture. Reads it again, a little at a time.
    fn fault(&self, file: &Entry) -> Fault {
        self.region(file).map_or(Fault::Reading, |region| region.fault())
    }

    /// Where a file lies on this machine, if it is a file of its own.
    fn path(&self, _file: &Entry) -> Option<PathBuf> {
        None
    }
}

/// Refuses files above [`MAX_FILE_BYTES`].
fn check_size(bytes: u64) -> Result<usize, String> {
    match usize::try_from(bytes) {
        Ok(size) if bytes <= MAX_FILE_BYTES => Ok(size),
        _ => Err(format!("the file has {} MiB; more than {} is not read", bytes >> 20, MAX_FILE_BYTES >> 20)),
    }
}

/// Everything at a source, in the order of the names, folder by folder.
pub(super) struct Listing {
    pub entries: Vec<Entry>,
    pub left_out: LeftOut,
    /// Where an archive ends too early, if one does.
    pub cut: Option<Cut>,
}

/// A source and what it holds.
pub(super) struct Opened {
    pub source: Box<dyn Source>,
    pub listing: Listing,
}

/// What opening a source needs to know.
pub(super) struct Opening<'a> {
    /// The source as the user gave it.
    pub shown: &'a str,
    pub cancel: &'a AtomicBool,
    /// Files and folders found so far.
    pub found: &'a AtomicUsize,
}

impl Opening<'_> {
    fn unreadable(&self, reason: std::io::Error) -> DataError {
        DataError::Unreadable { path: self.shown.into(), reason }
    }

    pub fn check_cancelled(&self) -> Result<(), DataError> {
        if self.cancel.load(Ordering::Relaxed) { Err(DataError::Cancelled) } else { Ok(()) }
    }
}

/// What a single file given as a source is.
pub(super) enum SingleFile {
    Archive(Opened),
    /// Text; the caller decides whether it is a list of pictures.
    Text,
}

/// Opens the archive at `path`, told by content.
pub(super) fn open_file(path: &Path, opening: &Opening) -> Result<SingleFile, DataError> {
    open_file_as(path, opening, false)
}

/// As [`open_file`]. A plain tar is opened anew for each file that is read if it `is_one_of_many`, because systems
/// allow a few hundred open files.
fn open_file_as(path: &Path, opening: &Opening, is_one_of_many: bool) -> Result<SingleFile, DataError> {
    let file = File::open(path).map_err(|e| opening.unreadable(e))?;
    let region = Region::whole(Arc::new(file)).map_err(|e| opening.unreadable(e))?;
    let start = region.start(4096).map_err(|e| opening.unreadable(e))?;
    if picture_format(&start).is_ok() {
        return Err(DataError::SinglePicture { path: opening.shown.into() });
    }
    if let Some(kind) = packed_kind(&start) {
        return Err(DataError::Packed { path: opening.shown.into(), kind });
    }
    if start.starts_with(b"\x1f\x8b") {
        return gzip::open(&region, path, opening).map(SingleFile::Archive);
    }
    if start.starts_with(b"PK") {
        return zip::open(region, opening).map(SingleFile::Archive);
    }
    if start.is_empty() {
        return Err(DataError::PartOfSet {
            path: opening.shown.into(),
            what: "an empty file",
            remedy: "copy or download it again",
        });
    }
    if start.trim_ascii_start().starts_with(b"<") {
        return Err(DataError::PartOfSet {
            path: opening.shown.into(),
            what: "a web page, not an archive",
            remedy: "download it again, logged in if the page asks for that",
        });
    }
    if !tar::starts_like_tar(&start) && is_text(&start) {
        return Ok(SingleFile::Text);
    }
    let for_reading = if is_one_of_many { region.opened_anew(path) } else { region.clone() };
    tar::open(&region, for_reading, opening).map(SingleFile::Archive)
}

/// Opens the folder at `path`, and archives in it that stand for folders.
pub(super) fn open_folder(path: &Path, opening: &Opening) -> Result<Opened, DataError> {
    let (folder, listing) = folder::open(path, opening)?;
    mounts::mounted(folder, listing, opening)
}

/// Kinds of archive that are not read.
fn packed_kind(start: &[u8]) -> Option<&'static str> {
    [
        (&b"BZh"[..], "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!", "rar"),
    ]
    .into_iter()
    .find_map(|(magic, kind)| start.starts_with(magic).then_some(kind))
}

fn is_text(start: &[u8]) -> bool {
    !start.iter().any(|&b| b < 32 && !b.is_ascii_whitespace())
}

/// Collects a [`Listing`] within bounds.
#[derive(Default)]
struct Lister {
    entries: Vec<Entry>,
    name_bytes: usize,
    left_out: LeftOut,
    cut: Option<Cut>,
}

impl Lister {
    fn push(
        &mut self,
        path: Box<str>,
        is_folder: bool,
        place: u32,
        opening: &Opening,
    ) -> Result<(), DataError> {
        if names::holds_clutter(&path) {
            return Ok(());
        }
        self.name_bytes += path.len();
        if self.entries.len() >= MAX_FILES || self.name_bytes > MAX_NAME_BYTES {
            return Err(DataError::TooManyFiles { path: opening.shown.into(), limit: MAX_FILES });
        }
        self.entries.push(Entry { path, is_folder, place });
        opening.found.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn ignore(&mut self, name: impl Into<String>, reason: impl Into<String>) {
        self.left_out.add(names::printable(&name.into()), reason);
    }

    /// Notes that the archive `shown` ends here, too early, after the entries so far.
    fn ends_early(&mut self, shown: &str) {
        self.cut.get_or_insert_with(|| Cut::after(shown, &self.entries));
    }

    /// Sorts. An archive that was appended to may hold a path twice; the later entry counts.
    fn finish(mut self) -> Listing {
        self.entries.sort_by(|a, b| names::in_tree_order(&a.path, &b.path));
        self.entries.dedup_by(|later, kept| {
            let same = later.path == kept.path;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        self.entries.shrink_to_fit();
        Listing { entries: self.entries, left_out: self.left_out, cut: self.cut }
    }
}
