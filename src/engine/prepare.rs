//! Slow work before a run, on a thread of its own, while the engine goes on answering.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crossbeam_channel::{bounded, select};

use super::control::Control;
use super::event::{Event, Stage};
use super::model::View;
use super::outbox::Outbox;
use crate::config::DataConfig;
use crate::data::{self, DataError, Dataset, PictureStore};
use crate::device;

/// How a background job ended.
pub(super) enum Waited<T> {
    Done(T),
    /// Somebody asked to stop.
    Stopped,
    /// The job panicked; the panic hook has logged where.
    Broken,
}

/// Runs `job` on a thread of its own and serves commands until it is done. A stop sets the flag that the
/// job is given and does not wait for the job.
pub(super) fn in_background<T: Send + 'static>(
    control: &mut Control,
    model: Option<View<'_>>,
    job: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Waited<T> {
    let cancel = Arc::new(AtomicBool::new(false));
    let (done, result) = bounded(1);
    let flag = cancel.clone();
    let thread = std::thread::Builder::new().name("prepare".into()).spawn(move || {
        // The receiver is gone when nobody waits for the result any more.
        let _ = done.send(job(&flag));
    });
    if let Err(e) = thread {
        log::error!("no thread could be started: {e}");
        return Waited::Broken;
    }
    loop {
        select! {
            recv(result) -> value => return value.map_or(Waited::Broken, Waited::Done),
            recv(control.inbox()) -> command => match command {
                Ok(command) => control.serve(command, model),
                Err(_) => control.stop = true,
            },
        }
        if control.stop {
            cancel.store(true, Ordering::Relaxed);
            return Waited::Stopped;
        }
    }
}

/// Finds the pictures of a source.
pub(super) fn scan(
    control: &mut Control,
    model: Option<View<'_>>,
    config: &DataConfig,
) -> Waited<Result<Arc<dyn Dataset>, DataError>> {
    control.outbox.send(Event::Preparing { stage: Stage::Scanning, done: 0, total: 0 });
    let config = config.clone();
    in_background(control, model, move |cancel| data::open_unless(&config, cancel))
}

/// Decodes every picture once.
pub(super) fn decode(
    control: &mut Control,
    model: Option<View<'_>>,
    dataset: Arc<dyn Dataset>,
    side: usize,
    config: &DataConfig,
) -> Waited<Result<Option<PictureStore>, DataError>> {
    let progress = Progress { outbox: control.outbox.clone(), told: AtomicUsize::new(0) };
    let threads = loader_threads(config);
    let budget = config.cache_mib << 20;
    in_background(control, model, move |cancel| {
        PictureStore::prepare(
            dataset,
            side as u32,
            budget,
            threads,
            &|done, total| progress.tell(done, total),
            cancel,
        )
    })
}

/// Threads that read pictures: as asked, or one a core.
pub(super) fn loader_threads(config: &DataConfig) -> usize {
    match config.loader_threads {
        0 => device::worker_threads(),
        threads => threads,
    }
}

/// Passes on progress, but not every single picture.
struct Progress {
    outbox: Outbox,
    /// Hundredths that were told.
    told: AtomicUsize,
}

impl Progress {
    fn tell(&self, done: usize, total: usize) {
        let hundredth = (done * 100).checked_div(total).unwrap_or(0);
        if hundredth > self.told.fetch_max(hundredth, Ordering::Relaxed) || done == total {
            self.outbox.send(Event::Preparing { stage: Stage::Decoding, done, total });
        }
    }
}
