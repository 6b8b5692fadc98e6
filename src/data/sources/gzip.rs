//! Gzip: an archive inside (`.tar.gz`), or a single file.
//!
//! A gzip stream can only be read from its beginning, while training reads pictures in any order. So it is
//! unpacked once, when it is opened: into memory up to 64 MiB, beyond that into a temporary file that vanishes
//! with the program. That costs the unpacked size on disk for as long as the data set is open, however often it is, reads
//! each byte of the archive once, and keeps memory small whatever the archive holds.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::MultiGzDecoder;

use super::bytes::{Region, Spool};
use super::unpacked::{self, Content, Unpacking};
use super::{Cut, Opened, Opening, tar};
use crate::data::error::DataError;

/// Any stream may grow to this many bytes.
const ALWAYS_ALLOWED: u64 = 512 << 20;
/// Beyond that, it may be at most so many times what was read of it. Pictures reach 50, traps 1000.
const LARGEST_RATIO: u64 = 100;

/// Unpacks and indexes the `.tar.gz` at `where_it_is`.
pub(super) fn open(packed: &Region, where_it_is: &Path, opening: &Opening) -> Result<Opened, DataError> {
    let path = || opening.shown.to_owned();
    // A look at the beginning spares unpacking gigabytes of something else.
    let mut start = Vec::new();
    let look = MultiGzDecoder::new(packed.reader()).take(512).read_to_end(&mut start);
    if start.starts_with(&[0, 0, 8]) {
        return Err(DataError::PartOfSet {
            path: path(),
            what: "one file of an MNIST-like set",
            remedy: "choose the folder that holds the files of pictures and labels",
        });
    }
    if start.len() == 512 && start.iter().all(|&b| b == 0) {
        // An empty archive; what follows does not count, however much it is.
        return Err(DataError::Empty { path: path() });
    }
    if look.is_ok() && !tar::starts_like_tar(&start) {
        return Err(DataError::NotAnArchive { path: path() });
    }
    let unpacked = unpacked::shared(where_it_is, packed, opening.cancel, || unpack(packed, opening.cancel));
    let Content { region, is_whole } = unpacked.map_err(|e| match e {
        Unpacking::Cancelled => DataError::Cancelled,
        Unpacking::Failed(reason) => DataError::Unpacking { path: path(), reason },
    })?;
    let mut opened = tar::open(&region.clone(), region, opening)?;
    if !is_whole {
        let entries = &opened.listing.entries;
        opened.listing.cut.get_or_insert_with(|| Cut::after(opening.shown, entries));
    }
    Ok(opened)
}

/// The unpacked bytes of `file` if it is a gzip stream, `file` itself if not.
pub(in crate::data) fn gunzipped(file: Region, cancel: &AtomicBool) -> Result<Region, String> {
    let start = file.start(2).map_err(|e| format!("the file cannot be read ({e})"))?;
    if start != b"\x1f\x8b" {
        return Ok(file);
    }
    match unpack(&file, cancel) {
        Ok(Content { region, is_whole: true }) => Ok(region),
        Ok(Content { is_whole: false, .. }) => Err("it is cut short: copy or download it again".into()),
        Err(Unpacking::Cancelled) => Err("unpacking was cancelled".into()),
        Err(Unpacking::Failed(reason)) => Err(reason),
    }
}

/// What `packed` unpacks to.
fn unpack(packed: &Region, cancel: &AtomicBool) -> Result<Content, Unpacking> {
    let mut decoder = MultiGzDecoder::new(io::BufReader::with_capacity(1 << 18, packed.reader()));
    let mut spool = Spool::default();
    let mut buffer = vec![0; 1 << 18];
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(Unpacking::Cancelled);
        }
        let count = match decoder.read(&mut buffer) {
            Ok(0) => {
                return Ok(Content { region: spool.into_region().unpacked_from(packed), is_whole: true });
            }
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Content { region: spool.into_region().unpacked_from(packed), is_whole: false });
            }
            Err(e) => return Err(Unpacking::Failed(damage(&e))),
        };
        let read = decoder.get_ref().get_ref().position();
        if spool.length() > ALWAYS_ALLOWED.max(read.saturating_mul(LARGEST_RATIO)) {
            return Err(Unpacking::Failed(format!(
                "it grows to more than {LARGEST_RATIO} times its size, as no pictures do: unpack it yourself and choose the folder"
            )));
        }
        spool.write_all(&buffer[..count]).map_err(|e| Unpacking::Failed(no_room(&e)))?;
    }
}

fn damage(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            "it is damaged: copy or download it again".into()
        }
        _ => format!("it cannot be read: {error}"),
    }
}

fn no_room(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk with the cache folder is full: make room, or unpack it elsewhere and choose the folder"
                .into()
        }
        _ => format!("the temporary file cannot be written: {error}"),
    }
}
