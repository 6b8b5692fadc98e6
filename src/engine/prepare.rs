//! Slow work before a run, on a thread of its own, while the engine goes on answering.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{bounded, select};

use super::control::Control;
use super::event::{Event, Stage};
use super::model::View;
use super::outbox::Outbox;
use crate::config::DataConfig;
use crate::data::{self, Cabinet, DataError, Dataset, PictureStore, Preparation, Report, Watch};
use crate::device;

/// Progress is told at most this often.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// Questions to the model at hand are answered this often meanwhile.
const INQUIRY_PAUSE: Duration = Duration::from_millis(50);

/// How a background job ended.
pub(super) enum Waited<T> {
    Done(T),
    /// Somebody asked to stop.
    Stopped,
    /// The job panicked; the panic hook has logged where.
    Broken,
}

/// How a background job is steered.
#[derive(Default)]
pub(super) struct Steering {
    cancel: AtomicBool,
    pause: AtomicBool,
}

/// Runs `job` on a thread of its own and serves commands until it is done. A stop cancels the job and does not wait
/// for it.
pub(super) fn in_background<T: Send + 'static>(
    control: &mut Control,
    model: Option<View<'_>>,
    job: impl FnOnce(&Steering) -> T + Send + 'static,
) -> Waited<T> {
    let steering = Arc::new(Steering::default());
    let (done, result) = bounded(1);
    let flag = steering.clone();
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
            default(INQUIRY_PAUSE) => {}
        }
        control.inquire();
        steering.pause.store(control.paused && !control.stop, Ordering::Relaxed);
        if control.stop {
            steering.cancel.store(true, Ordering::Relaxed);
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
    in_background(control, model, move |steering| data::open_unless(&config, &steering.cancel))
}

/// Decodes every picture once, or finds that this was done before. A pause holds it up.
pub(super) fn decode(
    control: &mut Control,
    model: Option<View<'_>>,
    dataset: Arc<dyn Dataset>,
    side: usize,
    config: &DataConfig,
) -> Waited<Result<Option<PictureStore>, DataError>> {
    let cabinet = match config.prepared.then(|| Cabinet::of(config)).transpose() {
        Ok(cabinet) => cabinet,
        Err(error) => {
            control.outbox.send(Event::Warning(error.to_string()));
            None
        }
    };
    let teller = Teller { outbox: control.outbox.clone(), told: Mutex::new(None) };
    let threads = loader_threads(config);
    let memory = config.cache_mib << 20;
    let whole = names_everything(config);
    in_background(control, model, move |steering| {
        let watch =
            Watch { tell: &|report| teller.tell(report), cancel: &steering.cancel, pause: &steering.pause };
        let how = Preparation {
            side: side as u32,
            threads,
            memory,
            cabinet: cabinet.as_ref(),
            whole,
            check: false,
            or_in_memory: true,
            watch,
        };
        data::prepare(dataset, &how)
    })
}

/// Whether a data set opened with `config` names all pictures of its source.
pub(super) fn names_everything(config: &DataConfig) -> bool {
    config.max_per_class == 0 && config.min_per_class == 0 && config.corrections.is_none()
}

/// Threads that read pictures: as asked, or one a core.
pub(super) fn loader_threads(config: &DataConfig) -> usize {
    match config.loader_threads {
        0 => device::worker_threads(),
        threads => threads,
    }
}

/// Passes on what a preparation reports, but not every single picture.
struct Teller {
    outbox: Outbox,
    /// When progress was told last.
    told: Mutex<Option<Instant>>,
}

impl Teller {
    fn tell(&self, report: Report) {
        match report {
            Report::Note(text) => self.outbox.send(Event::Note(text)),
            Report::Warning(text) => self.outbox.send(Event::Warning(text)),
            Report::Progress { done, total } => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if done == total || told.is_none_or(|told| told.elapsed() >= PROGRESS_PAUSE) {
                    *told = Some(Instant::now());
                    self.outbox.send(Event::Preparing { stage: Stage::Decoding, done, total });
                }
            }
        }
    }
}
