//! Files that are whole or absent, whatever happens in between, and locks between programs.

mod lock;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

pub(crate) use lock::Lock;

/// Ending of a file that is being written.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Puts `bytes` in the place of whatever is at `path`. Whoever looks, also after a loss of power, finds either what was
/// there or what is there now. Of two programs that do it at the same time, the caller sees to it that only one does.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(UNFINISHED);
    let written = File::create(&unfinished).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(e) = written.and_then(|()| fs::rename(&unfinished, path)) {
        let _ = fs::remove_file(&unfinished);
        return Err(e);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder_if_possible(folder.unwrap_or(Path::new(".")));
    Ok(())
}

/// Makes sure that new names in a folder survive a loss of power. Windows has no such call and does it by itself.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// As [`sync_folder`] where a failure does no harm: some systems cannot do it, and then a loss of power may bring back
/// what was there before.
pub(crate) fn sync_folder_if_possible(folder: &Path) {
    if let Err(e) = sync_folder(folder) {
        log::debug!("`{}` cannot be synced: {e}", folder.display());
    }
}

/// Opens a file to be written at any place; it is made if it is not there.
pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Writes all of `bytes` from `offset` on.
#[cfg(unix)]
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all of `bytes` from `offset` on.
#[cfg(windows)]
pub(crate) fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}
