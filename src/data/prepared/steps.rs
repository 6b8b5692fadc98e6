//! How far a preparation is, and whether it goes on.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::{Report, Watch};

/// How often a pause looks whether it is over.
const PAUSE: Duration = Duration::from_millis(50);

/// Counts what is done. Steps are pictures decoded and squares read; what need not be done counts as done.
pub(super) struct Steps<'a> {
    watch: Watch<'a>,
    done: usize,
    total: usize,
}

impl<'a> Steps<'a> {
    /// `left` of `total` steps are to be done. Says so, if there are any.
    pub fn new(watch: Watch<'a>, left: usize, total: usize) -> Self {
        let mut steps = Self { watch, done: total, total };
        if left > 0 {
            steps.again(left);
        }
        steps
    }

    /// So many steps are to be done from now on.
    pub fn again(&mut self, left: usize) {
        self.done = self.total.saturating_sub(left);
        self.tell();
    }

    pub fn step(&mut self) {
        self.done = (self.done + 1).min(self.total);
        self.tell();
    }

    fn tell(&self) {
        (self.watch.tell)(Report::Progress { done: self.done, total: self.total });
    }

    /// As [`Watch::goes_on`].
    pub fn goes_on(&self) -> bool {
        self.watch.goes_on()
    }

    /// As [`Watch::goes_on_after`].
    pub fn goes_on_after(&self, settle: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        self.watch.goes_on_after(settle)
    }
}

impl Watch<'_> {
    pub(super) fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Waits while paused, and tells whether to go on at all.
    pub(super) fn goes_on(&self) -> bool {
        self.goes_on_after(|| Ok(())).unwrap_or(true)
    }

    /// As [`Self::goes_on`], but begins a pause with `settle`, so that nothing is lost however the pause ends.
    pub(super) fn goes_on_after(&self, settle: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
        let mut settle = Some(settle);
        while self.pause.load(Ordering::Relaxed) && !self.cancelled() {
            settle.take().map_or(Ok(()), |settle| settle())?;
            thread::sleep(PAUSE);
        }
        Ok(!self.cancelled())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use super::*;

    #[test]
    fn what_cannot_be_made_safe_for_a_pause_is_told_and_done_no_more_than_once() {
        let (cancel, pause) = (AtomicBool::new(false), AtomicBool::new(false));
        let watch = Watch { tell: &|_| {}, cancel: &cancel, pause: &pause };
        let full = || Err(io::ErrorKind::StorageFull.into());
        assert!(watch.goes_on_after(full).is_ok_and(|goes_on| goes_on), "nobody pauses");
        pause.store(true, Ordering::Relaxed);
        let told = watch.goes_on_after(full).expect_err("the disk is full");
        assert_eq!(told.kind(), io::ErrorKind::StorageFull);

        let settled = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                watch.goes_on_after(|| {
                    settled.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                })
            });
            while settled.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            thread::sleep(3 * PAUSE);
            cancel.store(true, Ordering::Relaxed);
            let goes_on = waiting.join().expect("it does not panic").expect("all is safe");
            assert!(!goes_on, "a stop ends the pause");
        });
        assert_eq!(settled.into_inner(), 1);
    }
}
