//! Md5 sums: what the authors of data sets publish to tell whole files from damaged ones. They are no defence
//! against forgery, only against broken transfers.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use md5::{Digest, Md5};

/// A sum as 32 digits.
pub(in crate::data) fn digits(hasher: Md5) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes in all that `source` holds and returns how many bytes that were; nothing if `cancel` was set.
/// `tell` hears of the bytes done so far.
pub(in crate::data) fn take_in(
    source: &mut dyn Read,
    hasher: &mut Md5,
    cancel: &AtomicBool,
    tell: &mut dyn FnMut(u64),
) -> io::Result<Option<u64>> {
    let mut buffer = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let count = match source.read(&mut buffer) {
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if count == 0 {
            return Ok(Some(done));
        }
        hasher.update(&buffer[..count]);
        done += count as u64;
        tell(done);
    }
}
