//! Bytes that several threads can read at any place at the same time: a file, or what was unpacked.

use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::UNIX_EPOCH;

use super::{Fault, check_size};

/// Unpacked bytes up to this many stay in memory; more go to a temporary file.
const SPOOL_MEMORY: usize = 64 << 20;

/// What tells whether bytes are still those that were read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Stamp {
    /// Bytes of the file, or of the archive around it.
    pub length: u64,
    /// When it was last written, in nanoseconds since 1970; for files in a zip their checksum, which says more.
    pub modified: u64,
    /// Where the bytes begin in an archive; 0 for a file in a folder.
    pub place: u64,
}

impl Stamp {
    /// Of a file on disk, as a folder knows it.
    pub fn of(file: &Metadata) -> Option<Self> {
        let modified = match file.modified().ok()?.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as u64,
            Err(before) => (before.duration().as_nanos() as u64).wrapping_neg(),
        };
        Some(Self { length: file.len(), modified, place: 0 })
    }
}

/// Something that can be read at any place.
pub(in crate::data) trait ReadAt: Send + Sync {
    fn length(&self) -> io::Result<u64>;

    /// Fills `buffer` from `offset` on.
    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// The file's own stamp; nothing for bytes in memory.
    fn stamp(&self) -> Option<Stamp> {
        None
    }
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn stamp(&self) -> Option<Stamp> {
        Stamp::of(&self.metadata().ok()?)
    }

    #[cfg(unix)]
    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn fill(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(self, buffer, offset)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[count..];
            offset += count as u64;
        }
        Ok(())
    }
}

/// A file that is open only while it is read.
struct OpenedAnew {
    path: PathBuf,
    length: u64,
}

impl ReadAt for OpenedAnew {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        File::open(&self.path)?.fill(buffer, offset)
    }
}

/// A stretch of bytes: a file, or a part of an archive.
#[derive(Clone)]
pub(in crate::data) struct Region {
    bytes: Arc<dyn ReadAt>,
    start: u64,
    length: u64,
    /// Of the file on the user's disk that the bytes come from, packed or not.
    stamp: Option<Stamp>,
}

impl Region {
    pub fn whole(bytes: Arc<dyn ReadAt>) -> io::Result<Self> {
        let length = bytes.length()?;
        let stamp = bytes.stamp();
        Ok(Self { bytes, start: 0, length, stamp })
    }

    /// The same bytes, read from the file at `path` that is opened for each read.
    pub fn opened_anew(&self, path: &Path) -> Self {
        let bytes = OpenedAnew { path: path.into(), length: self.length };
        Self { bytes: Arc::new(bytes), start: self.start, length: self.length, stamp: self.stamp }
    }

    /// The same bytes, as long as somebody else has them.
    pub(super) fn downgrade(&self) -> WeakRegion {
        let Self { bytes, start, length, stamp } = self;
        WeakRegion { bytes: Arc::downgrade(bytes), start: *start, length: *length, stamp: *stamp }
    }

    /// The part of `length` bytes from `start` on, neither of which need be trusted.
    pub fn part(&self, start: u64, length: u64) -> Result<Self, String> {
        match start.checked_add(length) {
            Some(end) if end <= self.length => {
                Ok(Self { bytes: self.bytes.clone(), start: self.start + start, length, stamp: self.stamp })
            }
            _ => Err("the archive ends before this file does: copy or download it again".into()),
        }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// These bytes, which were unpacked from `packed`.
    pub fn unpacked_from(self, packed: &Self) -> Self {
        Self { stamp: packed.stamp, ..self }
    }

    /// What tells whether the bytes are still the same; nothing where the system cannot say.
    pub fn stamp(&self) -> Option<Stamp> {
        self.stamp.map(|stamp| Stamp { place: self.start, ..stamp })
    }

    /// Fills `buffer` from `offset` on; both must lie within the region.
    pub fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match offset.checked_add(buffer.len() as u64) {
            Some(end) if end <= self.length => self.bytes.fill(buffer, self.start + offset),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The first bytes, `count` or fewer.
    pub fn start(&self, count: usize) -> io::Result<Vec<u8>> {
        let mut start = vec![0; count.min(usize::try_from(self.length).unwrap_or(usize::MAX))];
        self.fill(&mut start, 0)?;
        Ok(start)
    }

    /// All bytes.
    ///
    /// # Errors
    /// They cannot be read, or are more than are ever read at once.
    pub fn all(&self) -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; check_size(self.length)?];
        self.fill(&mut bytes, 0).map_err(|e| format!("the file cannot be read ({e})"))?;
        Ok(bytes)
    }

    /// What is to blame where these bytes were no usable picture. Reads them, but keeps none.
    pub fn fault(&self) -> Fault {
        let can_be_read = || io::copy(&mut self.reader(), &mut io::sink()).is_ok();
        // What is too long is refused without a look.
        if check_size(self.length).is_err() || can_be_read() { Fault::Picture } else { Fault::Reading }
    }

    /// Reads from the first byte to the last.
    pub fn reader(&self) -> Reader {
        Reader { region: self.clone(), at: 0 }
    }
}

/// A [`Region`] that does not keep its bytes from going.
pub(super) struct WeakRegion {
    bytes: Weak<dyn ReadAt>,
    start: u64,
    length: u64,
    stamp: Option<Stamp>,
}

impl WeakRegion {
    pub fn upgrade(&self) -> Option<Region> {
        let Self { start, length, stamp, .. } = *self;
        Some(Region { bytes: self.bytes.upgrade()?, start, length, stamp })
    }

    pub fn is_in_use(&self) -> bool {
        self.bytes.strong_count() > 0
    }
}

/// Reads a [`Region`] in order, or from wherever it was set.
pub(in crate::data) struct Reader {
    region: Region,
    at: u64,
}

impl Reader {
    /// Bytes from the beginning to where it reads next.
    pub fn position(&self) -> u64 {
        self.at
    }
}

impl io::Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.region.length.saturating_sub(self.at);
        let count = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.region.fill(&mut buffer[..count], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl io::Seek for Reader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let at = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
            io::SeekFrom::End(by) => self.region.length.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Unpacked bytes: in memory while they are few, then in a temporary file without a name.
///
/// The file lies in the user's cache folder, because the usual place for temporary files is often itself kept in
/// memory. The system removes it when it is closed, also when the program is killed.
#[derive(Default)]
pub(super) struct Spool {
    memory: Vec<u8>,
    file: Option<File>,
    length: u64,
}

impl Spool {
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn into_region(self) -> Region {
        let length = self.length;
        match self.file {
            Some(file) => Region { bytes: Arc::new(file), start: 0, length, stamp: None },
            None => Region { bytes: Arc::new(self.memory), start: 0, length, stamp: None },
        }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write_all(bytes)?,
            None if self.memory.len() + bytes.len() <= SPOOL_MEMORY => self.memory.extend_from_slice(bytes),
            None => {
                let mut file = temporary_file()?;
                file.write_all(&self.memory)?;
                file.write_all(bytes)?;
                self.memory = Vec::new();
                self.file = Some(file);
            }
        }
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn temporary_file() -> io::Result<File> {
    let cache: Option<PathBuf> = dirs::cache_dir().map(|folder| folder.join("alexnet-lab"));
    if let Some(folder) = cache
        && std::fs::create_dir_all(&folder).is_ok()
        && let Ok(file) = tempfile::tempfile_in(&folder)
    {
        return Ok(file);
    }
    tempfile::tempfile()
}

impl ReadAt for Vec<u8> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let part = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(part);
        Ok(())
    }
}
