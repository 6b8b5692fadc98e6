//! Giving up in the middle of a pass: what a thread still has to compute is left out.
//!
//! Convolutions, linear layers and normalisations take most of the time of a pass on a processor, and a pass whose batch
//! was given up would keep every core from those who want to save. Its results are zeros from then on, which nobody reads.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    static FLAG: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Lets this thread leave out what is costly once `flag` is set. Only for a thread whose results are not used then.
pub fn abandon_when(flag: Arc<AtomicBool>) {
    FLAG.set(Some(flag));
}

/// Does costly work that fills so many values; zeros if this thread is to give up.
pub(super) fn unless_abandoned(values: usize, work: impl FnOnce() -> Vec<f32>) -> Vec<f32> {
    let abandoned = FLAG.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)));
    if abandoned { vec![0.0; values] } else { work() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_thread_that_was_told_gives_up() {
        let flag = Arc::new(AtomicBool::new(false));
        let work = || unless_abandoned(2, || vec![1.0; 2]);
        let shared = flag.clone();
        let thread = std::thread::spawn(move || {
            abandon_when(shared.clone());
            let before = work();
            shared.store(true, Ordering::Relaxed);
            (before, work())
        });
        assert_eq!(thread.join().expect("it ends"), (vec![1.0; 2], vec![0.0; 2]));
        assert!(flag.load(Ordering::Relaxed));
        assert_eq!(work(), [1.0; 2]);
    }
}
