//! Pictures in an uncompressed `.tar`, read in place.
//!
//! The archive is indexed once; pictures are then read by offset from several threads at the same time. Nothing
//! is ever written, so entries with `..`, absolute paths and links are simply not looked at.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::decode::picture_format;
use super::error::DataError;
use super::files::{FileDataset, FileSource, check_size};
use super::layout::Found;
use crate::config::DataConfig;

/// An open archive.
pub(super) struct TarFile {
    file: File,
}

/// Where an entry's bytes lie. Neither number is to be trusted: they come from the archive.
pub(super) struct Extent {
    offset: u64,
    size: u64,
}

impl FileSource for TarFile {
    type Locator = Extent;

    fn bytes(&self, extent: &Extent) -> Result<Vec<u8>, String> {
        let size = check_size(extent.size)?;
        let unreadable = |e: std::io::Error| format!("the archive cannot be read ({e})");
        let length = self.file.metadata().map_err(unreadable)?.len();
        if extent.offset.checked_add(extent.size).is_none_or(|end| end > length) {
            return Err("the archive ends before this file does: copy or download it again".into());
        }
        let mut bytes = vec![0; size];
        read_exact_at(&self.file, &mut bytes, extent.offset).map_err(unreadable)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !buffer.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}

/// Indexes the archive at `path`.
pub(super) fn open(path: &Path, config: &DataConfig) -> Result<FileDataset<TarFile>, DataError> {
    let shown = &config.source;
    let unreadable = |reason| DataError::Unreadable { path: shown.clone(), reason };
    let file = File::open(path).map_err(unreadable)?;
    let mut start = Vec::new();
    (&file).take(512).read_to_end(&mut start).map_err(unreadable)?;
    if picture_format(&start).is_ok() {
        return Err(DataError::SinglePicture { path: shown.clone() });
    }
    if let Some(kind) = packed_kind(&start) {
        return Err(DataError::Packed { path: shown.clone(), kind });
    }
    std::io::Seek::rewind(&mut &file).map_err(unreadable)?;
    let found = index(&file, shown)?;
    FileDataset::new(TarFile { file }, found, config)
}

fn packed_kind(start: &[u8]) -> Option<&'static str> {
    [
        (&b"\x1f\x8b"[..], "gzip"),
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06", "zip"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!", "rar"),
    ]
    .into_iter()
    .find_map(|(magic, kind)| start.starts_with(magic).then_some(kind))
}

fn index(file: &File, shown: &str) -> Result<Vec<Found<Extent>>, DataError> {
    let mut found = Vec::new();
    let mut archive = tar::Archive::new(file);
    let failed = |reason: std::io::Error, entries: usize| {
        if entries == 0 {
            DataError::NotAnArchive { path: shown.to_owned() }
        } else {
            DataError::DamagedArchive { path: shown.to_owned(), entries, reason: first_line(&reason) }
        }
    };
    for (count, entry) in archive.entries_with_seek().map_err(|e| failed(e, 0))?.enumerate() {
        let entry = entry.map_err(|e| failed(e, count))?;
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous() || kind.is_dir()) {
            continue;
        }
        let Some(path) = safe_path(&entry.path_bytes()) else { continue };
        let extent = Extent { offset: entry.raw_file_position(), size: entry.size() };
        found.push(Found { path, file: (!kind.is_dir()).then_some(extent) });
    }
    Ok(found)
}

/// The names of an entry's path, or `None` if it leads out of the archive or nowhere.
fn safe_path(path: &[u8]) -> Option<Vec<String>> {
    let path = String::from_utf8_lossy(path);
    if path.starts_with('/') || path.split('/').any(|name| name == "..") {
        return None;
    }
    let names: Vec<String> =
        path.split('/').filter(|name| !name.is_empty() && *name != ".").map(str::to_owned).collect();
    (!names.is_empty()).then_some(names)
}

fn first_line(error: &std::io::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
