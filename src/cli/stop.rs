//! Ctrl-C, and a request of the system to end, for work that asks a flag whether to go on.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that is set by Ctrl-C; the second one ends the program at once.
pub(super) fn flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    sets(stop.clone());
    stop
}

/// Lets Ctrl-C set `stop`; the second one ends the program at once.
pub(super) fn sets(stop: Arc<AtomicBool>) {
    let handler = ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::SeqCst) {
            process::exit(130);
        }
    });
    if let Err(e) = handler {
        log::warn!("Ctrl-C will end at once: {e}");
    }
}
