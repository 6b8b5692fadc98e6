//! What was unpacked and is in use, shared by everybody in the program who opens the same file: the window looks at an
//! archive while a run trains on it, and its gigabytes are unpacked once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bytes::{Region, Stamp, WeakRegion};

/// How often one who waits for another's unpacking looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(50);

static UNPACKED: Unpacked = Unpacked { files: Mutex::new(Vec::new()), changed: Condvar::new() };

struct Unpacked {
    files: Mutex<Vec<(Key, State)>>,
    changed: Condvar,
}

/// A packed file as it was when it was opened.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    path: PathBuf,
    stamp: Stamp,
}

enum State {
    /// Somebody is unpacking it.
    Coming,
    There {
        region: WeakRegion,
        is_whole: bool,
    },
}

/// What a packed file holds.
#[derive(Clone)]
pub(super) struct Content {
    pub region: Region,
    /// That is all of it: a stream that was cut short is unpacked up to there.
    pub is_whole: bool,
}

/// Why nothing was unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacking {
    Cancelled,
    /// In the user's language.
    Failed(String),
}

/// What `unpack` makes of the file at `path`, opened as `packed`; or what it made for somebody who still has it.
pub(super) fn shared(
    path: &Path,
    packed: &Region,
    cancel: &AtomicBool,
    unpack: impl FnOnce() -> Result<Content, Unpacking>,
) -> Result<Content, Unpacking> {
    // Where nobody can say whether the file is the same, it is not taken for the same.
    let (Ok(path), Some(stamp)) = (path.canonicalize(), packed.stamp()) else { return unpack() };
    let key = Key { path, stamp };
    if let Some(content) = UNPACKED.find(&key, cancel)? {
        return Ok(content);
    }
    let coming = Coming { key };
    let content = unpack()?;
    coming.arrived(&content);
    Ok(content)
}

impl Unpacked {
    /// What is there, after whoever is at it. Nothing if it is the caller's turn to unpack.
    fn find(&self, key: &Key, cancel: &AtomicBool) -> Result<Option<Content>, Unpacking> {
        let mut files = self.lock();
        loop {
            files.retain(|(_, state)| match state {
                State::Coming => true,
                State::There { region, .. } => region.is_in_use(),
            });
            match files.iter().find(|(known, _)| known == key) {
                Some((_, State::There { region, is_whole })) => {
                    if let Some(region) = region.upgrade() {
                        return Ok(Some(Content { region, is_whole: *is_whole }));
                    }
                }
                Some((_, State::Coming)) => {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(Unpacking::Cancelled);
                    }
                    let waited = self.changed.wait_timeout(files, LOOK);
                    files = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                None => {
                    files.push((key.clone(), State::Coming));
                    return Ok(None);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, State)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that the caller unpacks. Others wait until this is dropped, and then try it themselves if it failed.
struct Coming {
    key: Key,
}

impl Coming {
    fn arrived(&self, content: &Content) {
        let mut files = UNPACKED.lock();
        if let Some((_, state)) = files.iter_mut().find(|(key, _)| *key == self.key) {
            *state = State::There { region: content.region.downgrade(), is_whole: content.is_whole };
        }
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        UNPACKED.lock().retain(|(key, state)| *key != self.key || matches!(state, State::There { .. }));
        UNPACKED.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::time::SystemTime;

    use super::*;

    fn packed(path: &Path) -> Region {
        Region::whole(Arc::new(File::open(path).expect("the file is there"))).expect("it has a length")
    }

    fn content(bytes: &[u8]) -> Content {
        let region = Region::whole(Arc::new(bytes.to_vec())).expect("bytes have a length");
        Content { region, is_whole: true }
    }

    fn file() -> tempfile::NamedTempFile {
        tempfile::NamedTempFile::new().expect("a temporary file can be made")
    }

    #[test]
    fn a_file_is_unpacked_once_as_long_as_somebody_has_it() {
        let file = file();
        let (count, never) = (AtomicUsize::new(0), AtomicBool::new(false));
        let open = || {
            shared(file.path(), &packed(file.path()), &never, || {
                count.fetch_add(1, Ordering::Relaxed);
                Ok(content(b"unpacked"))
            })
        };
        let (first, second) = (open().expect("unpacks"), open().expect("unpacks"));
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop(first);
        assert_eq!(second.region.all().expect("memory can be read"), b"unpacked");
        let third = open().expect("unpacks");
        assert_eq!(count.load(Ordering::Relaxed), 1);
        drop((second, third));
        let _fourth = open().expect("unpacks");
        assert_eq!(count.load(Ordering::Relaxed), 2, "nobody had it any more");
        let later = SystemTime::now() + Duration::from_secs(10);
        file.as_file().set_modified(later).expect("the time can be set");
        let _fifth = open().expect("unpacks");
        assert_eq!(count.load(Ordering::Relaxed), 3, "it is another file now");
    }

    #[test]
    fn of_many_at_once_one_unpacks_and_a_failure_leaves_it_to_the_next() {
        let file = file();
        let (count, never) = (AtomicUsize::new(0), AtomicBool::new(false));
        let open = || {
            shared(file.path(), &packed(file.path()), &never, || {
                std::thread::sleep(Duration::from_millis(30));
                match count.fetch_add(1, Ordering::Relaxed) {
                    0 => Err(Unpacking::Failed("no room".into())),
                    _ => Ok(content(b"unpacked")),
                }
            })
        };
        let results: Vec<Result<Content, Unpacking>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn waiting_for_another_can_be_cancelled_and_a_panic_frees_the_next() {
        let file = file();
        let never = AtomicBool::new(false);
        let panicked = std::panic::catch_unwind(|| {
            shared(file.path(), &packed(file.path()), &AtomicBool::new(false), || {
                let waiting = shared(file.path(), &packed(file.path()), &AtomicBool::new(true), || {
                    Ok(content(b"too early"))
                });
                assert_eq!(waiting.err(), Some(Unpacking::Cancelled));
                panic!("the unpacker fails");
            })
        });
        assert!(panicked.is_err());
        let next = shared(file.path(), &packed(file.path()), &never, || Ok(content(b"unpacked")));
        assert_eq!(next.expect("it is free").region.length(), 8);
    }
}
