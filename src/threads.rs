//! Threads that compute let those that draw go first, so that the window answers at once while every processor trains.

use std::sync::atomic::{AtomicBool, Ordering};

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Whether there is a window to let go first.
static WINDOW: AtomicBool = AtomicBool::new(false);

/// Of 99, where a thread has about 50 by itself: niceness 9 on Linux, "below normal" on Windows. An idle window leaves
/// everything to such threads; one that draws gets nine tenths of a processor that it wants.
const BEHIND: u8 = 25;

/// From now on threads that compute go behind the window. Called once, before there is any of them.
pub fn put_window_first() {
    WINDOW.store(true, Ordering::Relaxed);
    let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| go_behind());
    if let Err(reason) = pool.build_global() {
        log::debug!("the threads of the kernels keep their priority: {reason}");
    }
}

/// Lets this thread, and on Linux those that it starts, go behind the window if there is one. Called at the beginning of
/// every thread that computes for long.
pub fn go_behind() {
    if WINDOW.load(Ordering::Relaxed)
        && let Err(reason) = lower()
    {
        log::debug!("a thread keeps its priority: {reason:?}");
    }
}

fn lower() -> Result<(), thread_priority::Error> {
    let value = ThreadPriorityValue::try_from(BEHIND).expect("a number from 0 to 99");
    set_current_thread_priority(ThreadPriority::Crossplatform(value))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The niceness of this thread, the 19th field of its line (`man 5 proc`).
    fn niceness() -> i32 {
        let line = std::fs::read_to_string("/proc/thread-self/stat").expect("the line of this thread");
        let (_, fields) = line.rsplit_once(") ").expect("a name in brackets");
        fields.split(' ').nth(16).and_then(|field| field.parse().ok()).expect("a number")
    }

    #[test]
    fn a_thread_steps_back_alone_and_takes_those_with_it_that_it_starts() {
        let before = niceness();
        let inside = std::thread::spawn(move || {
            lower().expect("any thread may step back");
            (niceness(), std::thread::spawn(niceness).join().expect("it ends"))
        });
        let (lowered, below) = inside.join().expect("it ends");
        assert!(lowered > before, "{lowered} after {before}");
        assert_eq!(below, lowered);
        assert_eq!(niceness(), before);
    }
}
