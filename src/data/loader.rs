//! Deals the stored pictures out in batches, on threads of its own.
//!
//! Each thread makes whole batches: it copies the stored squares as they are and draws what the network is to see of
//! them. A batch is known by its number in the run, and what it holds follows from the seed and that number;
//! [`Loader::recv_timeout`] hands the batches out in order. So the run is the same for any number of threads. Threads
//! that are too far ahead wait, which bounds the memory. Batches that come back through [`Loader::reuse`] are filled
//! again: to write into memory that is new to the program takes several times as long as the copy itself.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::augment::{Placement, central_placement, colour_normals, random_placement};
use super::sampler::epoch_order;
use super::store::worker_count;
use super::{HostBatch, PictureStore, Refused, Split};
use crate::threads;
use crate::words;

/// Memory of the batches made in advance, in bytes.
const QUEUE_BYTES: usize = 256 << 20;

/// How the training pictures of a run are dealt out.
#[derive(Clone, Debug)]
pub struct TrainPlan {
    /// Pictures a batch; the last batch of an epoch may hold fewer.
    pub batch: usize,
    /// Side of the crops, in pixels, at most the side of the store.
    pub crop: u32,
    /// Random crops and flips; otherwise the central crop.
    pub augment: bool,
    /// Whether every picture comes with its draws of the colour noise.
    pub colour: bool,
    pub seed: u64,
    pub epochs: usize,
    /// The batch to begin with, counted from 0 over all epochs.
    pub first_batch: u64,
    /// 0: one a core.
    pub threads: usize,
}

/// What [`Loader::recv_timeout`] found.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// The next batch. It holds no picture only when the few pictures of a last, short batch all vanished.
    Batch(HostBatch),
    /// Nothing yet.
    Pending,
    /// All batches have been handed out.
    End,
    /// No batch will come any more, for this reason.
    Failed(String),
}

/// Threads that make batches. Dropping it stops and joins them.
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    store: Arc<PictureStore>,
    job: Job,
    /// Batches that may be in the making or ready at a time.
    window: u64,
    /// Set while `state` is locked, so that no waiting thread misses it.
    stop: AtomicBool,
    state: Mutex<State>,
    /// Signalled when a batch is ready, taken, or everything ends.
    changed: Condvar,
}

/// Everything that decides what the batches hold.
struct Job {
    split: Split,
    plan: TrainPlan,
    batches_per_epoch: u64,
    total: u64,
}

#[derive(Default)]
struct State {
    /// The next batch that a thread may begin.
    to_begin: u64,
    /// The next batch to hand out.
    to_deliver: u64,
    ready: BTreeMap<u64, HostBatch>,
    /// Memory of batches that came back.
    spare: Vec<Vec<u8>>,
    failed: Option<String>,
    /// The last orders made, with their epochs.
    orders: Vec<(usize, Arc<Vec<u32>>)>,
    warnings: Vec<Refused>,
    warned: HashSet<usize>,
}

impl Loader {
    /// Deals out the training pictures for `plan.epochs` epochs, each in its own order.
    ///
    /// # Errors
    /// A batch of 0, a crop of 0 or larger than the stored pictures, or no thread can be started.
    pub fn train(store: Arc<PictureStore>, plan: TrainPlan) -> io::Result<Self> {
        Self::start(store, Split::Train, plan)
    }

    /// Deals out the validation pictures once, in their order, as central crops. Pictures that cannot be read any more
    /// are left out.
    ///
    /// # Errors
    /// As [`Loader::train`].
    pub fn validation(store: Arc<PictureStore>, batch: usize, crop: u32, threads: usize) -> io::Result<Self> {
        let plan = TrainPlan {
            batch,
            crop,
            augment: false,
            colour: false,
            seed: 0,
            epochs: 1,
            first_batch: 0,
            threads,
        };
        Self::start(store, Split::Validation, plan)
    }

    fn start(store: Arc<PictureStore>, split: Split, plan: TrainPlan) -> io::Result<Self> {
        if plan.batch == 0 || plan.crop == 0 || plan.crop > store.side() {
            let (batch, crop, side) = (plan.batch, plan.crop, store.side());
            let reason =
                format!("cannot make batches of {batch} with crops of {crop} pixels from squares of {side}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let count = worker_count(plan.threads);
        let batch_bytes = square_bytes(&store) * plan.batch.min(store.len(split));
        let batches_per_epoch = store.len(split).div_ceil(plan.batch) as u64;
        let total = batches_per_epoch.saturating_mul(plan.epochs as u64);
        let first = plan.first_batch;
        let state = State { to_begin: first, to_deliver: first, ..State::default() };
        let shared = Arc::new(Shared {
            store,
            job: Job { split, plan, batches_per_epoch, total },
            // While one is learned from, the next is made.
            window: (2 * count).min(QUEUE_BYTES / batch_bytes.max(1)).max(2) as u64,
            stop: AtomicBool::new(false),
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let mut loader = Self { shared, threads: Vec::new() };
        for number in 0..count.min(usize::try_from(total).unwrap_or(usize::MAX)) {
            let shared = loader.shared.clone();
            let builder = std::thread::Builder::new().name(format!("loader-{number}"));
            match builder.spawn(move || {
                threads::go_behind();
                shared.work();
            }) {
                Ok(thread) => loader.threads.push(thread),
                // Fewer threads than asked for are still enough.
                Err(_) if number > 0 => break,
                Err(reason) => return Err(reason),
            }
        }
        Ok(loader)
    }

    /// The next batch in order, waiting at most `timeout` for it.
    pub fn recv_timeout(&self, timeout: Duration) -> Next {
        let deadline = Instant::now() + timeout.min(Duration::from_secs(24 * 3600));
        let mut state = self.shared.lock();
        loop {
            let wanted = state.to_deliver;
            if let Some(batch) = state.ready.remove(&wanted) {
                state.to_deliver += 1;
                self.shared.changed.notify_all();
                return Next::Batch(batch);
            }
            if let Some(reason) = &state.failed {
                return Next::Failed(reason.clone());
            }
            if wanted >= self.shared.job.total {
                return Next::End;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Next::Pending;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes a batch back that is not needed any more, so that its memory can hold another.
    pub fn reuse(&self, batch: HostBatch) {
        let mut state = self.shared.lock();
        if (state.spare.len() as u64) < self.shared.window {
            state.spare.push(batch.pixels);
        }
    }

    /// Takes the pictures that were left out since the last call because they can no longer be read. Each is
    /// told once.
    pub fn warnings(&self) -> Vec<Refused> {
        std::mem::take(&mut self.shared.lock().warnings)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.stop(&self.shared.lock());
        for thread in self.threads.drain(..) {
            // A panic inside has been reported through `Next::Failed`.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// A panicking thread never holds the lock while its work is half done, so a poisoned lock is sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every thread to end. Takes the lock as proof that no thread is about to wait.
    fn stop(&self, _state: &MutexGuard<'_, State>) {
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Makes batches until there are none left to make.
    fn work(&self) {
        while let Some(seq) = self.begin() {
            let result = catch_unwind(AssertUnwindSafe(|| self.make(seq))).unwrap_or_else(|panic| {
                Err(format!("a thread that reads pictures failed: {}", words::panic(&*panic)))
            });
            let mut state = self.lock();
            match result {
                Ok(Some(batch)) => {
                    state.ready.insert(seq, batch);
                }
                Ok(None) => return,
                Err(reason) => {
                    state.failed.get_or_insert(reason);
                    self.stop(&state);
                }
            }
            self.changed.notify_all();
        }
    }

    /// The number of the next batch to make, once there is room for it.
    fn begin(&self) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if self.stop.load(Ordering::Relaxed) || state.to_begin >= self.job.total {
                return None;
            }
            if state.to_begin < state.to_deliver + self.window {
                state.to_begin += 1;
                return Some(state.to_begin - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Batch `seq`; `None` when the loader is being dropped.
    fn make(&self, seq: u64) -> Result<Option<HostBatch>, String> {
        let Job { split, plan, batches_per_epoch, .. } = &self.job;
        let epoch = usize::try_from(seq / batches_per_epoch).expect("epochs are counted in usize");
        let within = usize::try_from(seq % batches_per_epoch).expect("batches are fewer than pictures");
        let order = self.order(epoch);
        let start = within * plan.batch;
        let indices = &order[start..order.len().min(start + plan.batch)];
        let square = square_bytes(&self.store);
        let most = plan.batch.min(order.len()) * square;
        let spare = self.lock().spare.pop();
        let mut pixels = spare.unwrap_or_else(|| Vec::with_capacity(most));
        pixels.resize(indices.len() * square, 0);
        let mut placements = Vec::with_capacity(indices.len());
        let mut labels = Vec::with_capacity(indices.len());
        let mut readable = Vec::with_capacity(indices.len());
        let mut colour = Vec::new();
        let mut last_reason = String::new();
        for &index in indices {
            let index = index as usize;
            let place = &mut pixels[labels.len() * square..][..square];
            match self.store.copy_pixels(*split, index, place) {
                Ok(()) => {
                    placements.push(self.placement(epoch, index));
                    labels.push(self.store.label(*split, index));
                    readable.push(index as u32);
                    if plan.colour {
                        colour.push(colour_normals(plan.seed, epoch, index));
                    }
                }
                Err(reason) => {
                    self.warn(index, &reason);
                    last_reason = reason;
                }
            }
            // Pictures outside the memory budget may take long; a dropped loader must not wait for a batch.
            if self.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
        }
        pixels.truncate(labels.len() * square);
        if labels.is_empty() && indices.len() == plan.batch && *split == Split::Train {
            let count = plan.batch;
            return Err(format!("none of {count} pictures in a row can be read any more ({last_reason})"));
        }
        let ends_epoch = within as u64 + 1 == *batches_per_epoch;
        Ok(Some(HostBatch { seq, epoch, ends_epoch, pixels, placements, colour, labels, indices: readable }))
    }

    fn placement(&self, epoch: usize, index: usize) -> Placement {
        let (plan, stored) = (&self.job.plan, self.store.side());
        if plan.augment {
            random_placement(plan.seed, epoch, index, stored, plan.crop)
        } else {
            central_placement(stored, plan.crop)
        }
    }

    /// The order of the pictures in `epoch`, made once and kept while it is in use.
    fn order(&self, epoch: usize) -> Arc<Vec<u32>> {
        let mut state = self.lock();
        if let Some((_, order)) = state.orders.iter().find(|(e, _)| *e == epoch) {
            return order.clone();
        }
        let count = self.store.len(self.job.split);
        let order = Arc::new(match self.job.split {
            Split::Train => epoch_order(count, self.job.plan.seed, epoch),
            Split::Validation => (0..).take(count).collect(),
        });
        if state.orders.len() >= 2 {
            state.orders.remove(0);
        }
        state.orders.push((epoch, order.clone()));
        order
    }

    fn warn(&self, index: usize, reason: &str) {
        let name = self.store.name(self.job.split, index);
        let mut state = self.lock();
        if state.warned.insert(index) {
            state.warnings.push(Refused { name, reason: reason.to_owned() });
        }
    }
}

/// Bytes of a stored picture.
fn square_bytes(store: &PictureStore) -> usize {
    3 * (store.side() as usize).pow(2)
}
