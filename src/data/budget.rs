//! Memory that all threads together may take while they read and decode pictures.
//!
//! One picture is limited by [`decode`](super::decode::decode) itself. With one thread a core, a folder of huge
//! pictures would still take that many times as much; so each thread asks for its share first and waits while others
//! have too much. A thread never waits while it holds a share, so none can wait for ever.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What all threads may take together for the bytes of files and the pictures decoded from them, in MiB. More than
/// the largest file and the largest picture together need.
pub(super) const TOTAL_MIB: u64 = 1024;

/// The program's budget.
pub(super) static PICTURES: Budget = Budget::new(TOTAL_MIB << 20);

/// An amount of memory that is shared out.
pub(super) struct Budget {
    limit: u64,
    taken: Mutex<u64>,
    freed: Condvar,
}

/// What a thread has been given; given back on drop.
pub(super) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub const fn new(limit: u64) -> Self {
        Self { limit, taken: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until `bytes` are free. More than all there is counts as all there is.
    pub fn take(&self, bytes: u64) -> Share<'_> {
        let bytes = bytes.min(self.limit);
        let mut taken = self.lock();
        while *taken + bytes > self.limit {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Share { budget: self, bytes }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share<'_> {
    /// Takes `more` bytes if they are free now.
    pub fn grow(&mut self, more: u64) -> bool {
        let mut taken = self.budget.lock();
        let fits = taken.saturating_add(more) <= self.budget.limit;
        if fits {
            *taken += more;
            self.bytes += more;
        }
        fits
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        *self.budget.lock() -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn threads_never_take_more_than_there_is() {
        let budget = Budget::new(100);
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8_u64 {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = 10 + (thread * 7 + round) % 50;
                        let _share = budget.take(bytes);
                        let sum = now.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(sum, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        let most = most.into_inner();
        assert!((50..=100).contains(&most), "{most}");
        assert_eq!(*budget.lock(), 0, "everything was given back");
    }

    #[test]
    fn a_share_grows_only_into_what_is_free() {
        let budget = Budget::new(100);
        let mut first = budget.take(60);
        let second = budget.take(30);
        assert!(!first.grow(11) && first.grow(10));
        drop(second);
        assert!(first.grow(30) && !first.grow(1));
        drop(first);
        assert_eq!(budget.take(1000).bytes, 100, "what is too much waits for everything");
    }
}
