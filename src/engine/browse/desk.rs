//! What is wanted now, and the threads that see to it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::set::OpenSet;
use super::{BrowseNews, BrowseRequest, Look, Outbox, Place, Preview, WayOut, look, survey};
use crate::config::DataConfig;
use crate::data::{self, DataError};
use crate::device;
use crate::engine::check;

/// Threads that read pictures at most: a run that goes on needs the processor more.
const THREADS: usize = 4;
/// Least time between two reports of how far a check is.
const REPORT_EVERY: Duration = Duration::from_millis(100);

/// The wishes of the moment.
pub(super) struct Desk {
    wishes: Mutex<Wishes>,
    /// Signalled when there may be something to do.
    changed: Condvar,
    outbox: Outbox,
}

#[derive(Default)]
struct Wishes {
    stop: bool,
    set: Option<Arc<OpenSet>>,
    /// Flags that end what goes on in threads of its own.
    opening: Option<Arc<AtomicBool>>,
    checking: Option<Arc<AtomicBool>>,
    large: Option<(Place, Preview, usize)>,
    small: VecDeque<Place>,
    look: Option<(u64, Look)>,
    /// Small pictures that threads are reading, with their version.
    in_hand: Vec<(Place, u64)>,
}

/// One thing to read.
enum Job {
    Large(Place, Preview, usize),
    Small(Place, u64, Look),
    Survey(usize),
}

impl Desk {
    /// A desk with its threads.
    pub fn start(outbox: Outbox) -> std::io::Result<Arc<Self>> {
        let desk = Arc::new(Self { wishes: Mutex::default(), changed: Condvar::new(), outbox });
        for number in 0..device::worker_threads().clamp(1, THREADS) {
            let own = desk.clone();
            let builder = std::thread::Builder::new().name(format!("browse-{number}"));
            // Not joined: a thread may hang in a read from a disk that does not answer, and that must not keep the
            // program open.
            match builder.spawn(move || own.work()) {
                Ok(_) => {}
                // Fewer threads are enough.
                Err(_) if number > 0 => break,
                Err(reason) => return Err(reason),
            }
        }
        Ok(desk)
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything as soon as possible.
    pub fn stop(&self) {
        let mut wishes = self.wishes();
        wishes.stop = true;
        wishes.give_up_opening();
        wishes.give_up_check();
        self.changed.notify_all();
    }

    pub fn take(self: &Arc<Self>, request: BrowseRequest) {
        let mut wishes = self.wishes();
        match request {
            BrowseRequest::Open { id, config } => {
                *wishes = Wishes {
                    opening: wishes.opening.take(),
                    checking: wishes.checking.take(),
                    ..Wishes::default()
                };
                wishes.give_up_opening();
                wishes.give_up_check();
                let cancel = Arc::new(AtomicBool::new(false));
                wishes.opening = Some(cancel.clone());
                let desk = self.clone();
                self.spawn("browse-open", move || desk.open(id, *config, &cancel));
            }
            BrowseRequest::CancelOpening => wishes.give_up_opening(),
            BrowseRequest::Show { set, version, places, look } => {
                if wishes.is_current(set) {
                    let in_hand = |place: &Place| wishes.in_hand.contains(&(*place, version));
                    wishes.small = places.into_iter().filter(|place| !in_hand(place)).collect();
                    wishes.look = Some((version, look));
                }
            }
            BrowseRequest::Enlarge { set, place, preview, epoch } => {
                if wishes.is_current(set) {
                    wishes.large = Some((place, preview, epoch));
                }
            }
            BrowseRequest::Check { set, near, corrections } => {
                if let Some(open) = wishes.set.clone().filter(|open| open.id == set) {
                    wishes.give_up_check();
                    let cancel = Arc::new(AtomicBool::new(false));
                    wishes.checking = Some(cancel.clone());
                    let desk = self.clone();
                    self.spawn("browse-check", move || {
                        let config = DataConfig { corrections, ..open.config.clone() };
                        desk.check(&open, &config, near, &cancel);
                    });
                }
            }
            BrowseRequest::StopCheck => wishes.give_up_check(),
            BrowseRequest::Refused { set, names } => {
                if let Some(open) = wishes.set.clone().filter(|open| open.id == set) {
                    let desk = self.clone();
                    self.spawn("browse-refused", move || {
                        open.set_refused_names(&names);
                        desk.outbox.send(BrowseNews::RefusedKnown { set });
                    });
                }
            }
        }
        self.changed.notify_all();
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) {
        if let Err(reason) = std::thread::Builder::new().name(name.into()).spawn(work) {
            log::error!("the thread {name} cannot be started: {reason}");
        }
    }

    fn open(&self, id: u64, config: DataConfig, cancel: &Arc<AtomicBool>) {
        let found = Arc::new(AtomicUsize::new(0));
        self.outbox.send(BrowseNews::Opening { id, found: found.clone() });
        let source = config.source.clone();
        let opened = data::open_counting(&config, cancel, &found);
        let news = match opened {
            Ok(dataset) => {
                let set = Arc::new(OpenSet::new(id, config, dataset));
                let summary = set.summary();
                let mut wishes = self.wishes();
                // Another source may have been chosen while the last one answered.
                if cancel.load(Ordering::Relaxed) {
                    BrowseNews::Cancelled { id }
                } else {
                    wishes.set = Some(set);
                    BrowseNews::Opened(Box::new(summary))
                }
            }
            Err(DataError::Cancelled) => BrowseNews::Cancelled { id },
            Err(_) if cancel.load(Ordering::Relaxed) => BrowseNews::Cancelled { id },
            Err(error) => {
                let way_out = WayOut::of(&error);
                BrowseNews::Unusable { id, source, reason: error.to_string(), way_out }
            }
        };
        self.outbox.send(news);
        self.changed.notify_all();
    }

    fn check(&self, set: &OpenSet, config: &DataConfig, near: bool, cancel: &AtomicBool) {
        let id = set.id;
        let told = Mutex::new(None::<Instant>);
        let progress = |done: usize, total: usize| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if done == total || told.is_none_or(|at| at.elapsed() >= REPORT_EVERY) {
                *told = Some(Instant::now());
                self.outbox.send(BrowseNews::Checking { set: id, done, total });
            }
        };
        let near = near.then_some(check::NEAR_DISTANCE);
        let result = check::check(config, near, &progress, cancel);
        if let Ok(Some(found)) = &result {
            set.set_refused(found.refused_to_train.clone());
        }
        self.outbox.send(BrowseNews::Checked { set: id, result: result.map(|found| found.map(Box::new)) });
    }

    fn work(&self) {
        while let Some((set, job)) = self.next() {
            let id = set.id;
            match job {
                Job::Large(place, preview, epoch) => {
                    let result = look::large(&set, place, preview, epoch);
                    self.outbox.send(BrowseNews::Large { set: id, place, epoch, result });
                }
                Job::Small(place, version, look) => {
                    let result = look::small(&set, place, look);
                    self.wishes().in_hand.retain(|hand| *hand != (place, version));
                    self.outbox.send(BrowseNews::Small { set: id, version, place, result });
                }
                Job::Survey(position) => {
                    if let Some(survey) = survey::read(&set, position) {
                        // Set once: there is one last picture.
                        let _ = set.colours.set(survey.colours);
                        self.outbox.send(BrowseNews::Surveyed { set: id, survey: Box::new(survey) });
                    }
                }
            }
        }
    }

    /// Waits for something to do; nothing when all is to end.
    fn next(&self) -> Option<(Arc<OpenSet>, Job)> {
        let mut wishes = self.wishes();
        loop {
            if wishes.stop {
                return None;
            }
            if let Some(job) = wishes.next() {
                return Some(job);
            }
            wishes = self.changed.wait(wishes).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Wishes {
    fn is_current(&self, set: u64) -> bool {
        self.set.as_ref().is_some_and(|open| open.id == set)
    }

    fn give_up_opening(&mut self) {
        if let Some(cancel) = self.opening.take() {
            cancel.store(true, Ordering::Relaxed);
        }
    }

    fn give_up_check(&mut self) {
        if let Some(cancel) = self.checking.take() {
            cancel.store(true, Ordering::Relaxed);
        }
    }

    /// What a person waits for comes first.
    fn next(&mut self) -> Option<(Arc<OpenSet>, Job)> {
        let set = self.set.clone()?;
        let job = if let Some((place, preview, epoch)) = self.large.take() {
            Job::Large(place, preview, epoch)
        } else if let (Some((version, look)), Some(place)) = (self.look, self.small.pop_front()) {
            self.in_hand.push((place, version));
            Job::Small(place, version, look)
        } else {
            Job::Survey(set.tally.next()?)
        };
        Some((set, job))
    }
}
