//! Every picture decoded once, kept as an 8-bit square.
//!
//! Preparing finds out which files can be used, so that labels, counts, the mean image and the colour statistics are
//! true before the first step. Pictures that fit the budget stay in memory; the others are decoded again when they are needed.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::RgbImage;

use super::colour::{ColourStatistics, ColourSums};
use super::error::DataError;
use super::{Dataset, Description, Refused, Split};

/// The usable pictures of a data set, as `[3, side, side]` RGB planes of 8-bit pixels.
pub struct PictureStore {
    dataset: Arc<dyn Dataset>,
    description: Description,
    side: u32,
    train: Vec<Stored>,
    validation: Vec<Stored>,
    refused: Vec<Refused>,
    mean: Vec<f32>,
    colours: ColourStatistics,
}

/// A usable picture.
struct Stored {
    /// Its index in the data set, which counts refused pictures too.
    index: usize,
    label: u32,
    /// `None`: beyond the budget.
    pixels: Option<Box<[u8]>>,
}

/// What decoding a picture came to.
type Outcome = Result<Option<Box<[u8]>>, String>;

impl PictureStore {
    /// Decodes every picture on `threads` threads (0: one a core) to squares of `side` pixels and keeps those
    /// that fit `budget_bytes`, training pictures first. `progress` is called on the calling thread with the
    /// number done and the total. Returns `None` when `cancel` was set.
    ///
    /// # Errors
    /// No picture of a split, or no training picture of a class, can be used; or no thread can be started.
    pub fn prepare(
        dataset: Arc<dyn Dataset>,
        side: u32,
        budget_bytes: usize,
        threads: usize,
        progress: &(dyn Fn(usize, usize) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Option<Self>, DataError> {
        let side = side.max(1);
        let train = dataset.len(Split::Train);
        let work = Work {
            dataset: &*dataset,
            side,
            train,
            total: train + dataset.len(Split::Validation),
            kept: budget_bytes / picture_bytes(side),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        };
        let Some((outcomes, sums)) = work.run(worker_count(threads), progress, cancel)? else {
            return Ok(None);
        };
        let mut store = Self {
            description: dataset.description().clone(),
            dataset,
            side,
            train: Vec::new(),
            validation: Vec::new(),
            refused: Vec::new(),
            mean: Vec::new(),
            colours: sums.colours.statistics(),
        };
        store.sort_out(train, outcomes);
        store.check()?;
        // The order of the additions cannot matter: they are whole numbers.
        let count = store.train.len() as f64;
        store.mean = sums.pixels.iter().map(|&sum| (sum as f64 / count) as f32).collect();
        Ok(Some(store))
    }

    fn sort_out(&mut self, train: usize, outcomes: Vec<Outcome>) {
        for (position, outcome) in outcomes.into_iter().enumerate() {
            let (split, index) = locate(position, train);
            match outcome {
                Ok(pixels) => {
                    let stored = Stored { index, label: self.dataset.label(split, index), pixels };
                    match split {
                        Split::Train => self.train.push(stored),
                        Split::Validation => self.validation.push(stored),
                    }
                }
                Err(reason) => self.refused.push(Refused { name: self.dataset.name(split, index), reason }),
            }
        }
        self.description.train = self.train.len();
        self.description.validation = self.validation.len();
        match self.refused.len() {
            0 => {}
            1 => self.description.layout += "; 1 file cannot be used",
            count => self.description.layout += &format!("; {count} files cannot be used"),
        }
    }

    /// Whether enough is left to train with.
    fn check(&self) -> Result<(), DataError> {
        let path = || self.description.source.clone();
        let refusal = |split: Split, label: Option<u32>| {
            let index = (0..self.dataset.len(split))
                .find(|&i| label.is_none_or(|wanted| self.dataset.label(split, i) == wanted));
            let first = index.map(|i| self.dataset.name(split, i)).unwrap_or_default();
            let reason =
                self.refused.iter().find(|r| r.name == first).map(|r| r.reason.clone()).unwrap_or_default();
            (first, reason)
        };
        for (split, kept, purpose) in
            [(Split::Train, &self.train, "train on"), (Split::Validation, &self.validation, "validate with")]
        {
            if kept.is_empty() {
                let (first, reason) = refusal(split, None);
                let count = self.dataset.len(split);
                return Err(DataError::NoneUsable { path: path(), purpose, count, first, reason });
            }
        }
        for (label, class) in (0..).zip(&self.description.classes) {
            if !self.train.iter().any(|stored| stored.label == label) {
                let (first, reason) = refusal(Split::Train, Some(label));
                return Err(DataError::ClassUnusable { path: path(), class: class.clone(), first, reason });
            }
        }
        Ok(())
    }

    /// The data set, with the counts of usable pictures.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Side of the stored squares, in pixels.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Usable pictures of a split.
    pub fn len(&self, split: Split) -> usize {
        self.items(split).len()
    }

    /// Class of usable picture `index`.
    pub fn label(&self, split: Split, index: usize) -> u32 {
        self.items(split)[index].label
    }

    /// File or entry name of usable picture `index`.
    pub fn name(&self, split: Split, index: usize) -> String {
        self.dataset.name(split, self.items(split)[index].index)
    }

    /// The files that cannot be used, in the order of the data set.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// `[3, side, side]`: the mean of the training pictures at each pixel, 0 to 255 (paper section 2).
    pub fn mean_image(&self) -> &[f32] {
        &self.mean
    }

    /// Mean and principal components of the colours of all training pixels.
    pub fn colours(&self) -> &ColourStatistics {
        &self.colours
    }

    /// `[3, side, side]`: the pixels of usable picture `index`, from memory or decoded again.
    ///
    /// # Errors
    /// Why a picture that could be read before cannot be read now.
    pub fn pixels(&self, split: Split, index: usize) -> Result<Cow<'_, [u8]>, String> {
        let stored = &self.items(split)[index];
        match &stored.pixels {
            Some(pixels) => Ok(Cow::Borrowed(pixels)),
            None => Ok(Cow::Owned(planes(&self.dataset.read(split, stored.index, self.side)?))),
        }
    }

    fn items(&self, split: Split) -> &[Stored] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
        }
    }
}

fn picture_bytes(side: u32) -> usize {
    3 * side as usize * side as usize
}

/// Threads to start when `threads` are asked for; 0 leaves the choice to the number of cores.
pub(super) fn worker_count(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        n => n,
    }
}

/// Split and index of a position in "all training pictures, then all validation pictures".
fn locate(position: usize, train: usize) -> (Split, usize) {
    if position < train { (Split::Train, position) } else { (Split::Validation, position - train) }
}

/// `[H, W, 3]` pixels as `[3, H, W]` planes.
pub fn planes(picture: &RgbImage) -> Vec<u8> {
    let raw = picture.as_raw();
    let mut planes = Vec::with_capacity(raw.len());
    for channel in 0..3 {
        planes.extend(raw.iter().skip(channel).step_by(3));
    }
    planes
}

/// All outcomes by position, and the sums over the training pictures.
type Decoded = (Vec<Outcome>, Sums);

/// Exact sums over training pictures, which different threads can add up in any order.
struct Sums {
    /// `[3, side, side]`: at each pixel.
    pixels: Vec<u64>,
    colours: ColourSums,
}

impl Sums {
    fn new(side: u32) -> Self {
        Self { pixels: vec![0; picture_bytes(side)], colours: ColourSums::default() }
    }

    fn add(&mut self, planes: &[u8]) {
        self.pixels.iter_mut().zip(planes).for_each(|(sum, &value)| *sum += u64::from(value));
        self.colours.add(planes);
    }

    fn join(&mut self, other: &Self) {
        self.pixels.iter_mut().zip(&other.pixels).for_each(|(sum, part)| *sum += part);
        self.colours.join(&other.colours);
    }
}

/// What the threads that decode have in common.
struct Work<'a> {
    dataset: &'a dyn Dataset,
    side: u32,
    train: usize,
    total: usize,
    /// Positions below this one keep their pixels.
    kept: usize,
    next: AtomicUsize,
    stop: AtomicBool,
}

impl Work<'_> {
    /// Decodes everything; `None` if cancelled.
    fn run(
        &self,
        threads: usize,
        progress: &(dyn Fn(usize, usize) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Option<Decoded>, DataError> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        outcomes.resize_with(self.total, || Ok(None));
        let mut sums = Sums::new(self.side);
        let (sender, receiver) = crossbeam_channel::bounded::<(usize, Outcome)>(64);
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for number in 0..threads.min(self.total).max(1) {
                let sender = sender.clone();
                let builder = std::thread::Builder::new().name(format!("prepare-{number}"));
                match builder.spawn_scoped(scope, move || self.decode_some(&sender)) {
                    Ok(worker) => workers.push(worker),
                    // Fewer threads than asked for are still enough.
                    Err(_) if number > 0 => break,
                    Err(reason) => return Err(DataError::Threads { reason }),
                }
            }
            drop(sender);
            let report_every = (self.total / 200).max(1);
            let mut done = 0;
            for (position, outcome) in &receiver {
                outcomes[position] = outcome;
                done += 1;
                if done % report_every == 0 || done == self.total {
                    progress(done, self.total);
                }
                if cancel.load(Ordering::Relaxed) {
                    self.stop.store(true, Ordering::Relaxed);
                    break;
                }
            }
            // Without a receiver no worker can be left waiting for room in the channel.
            drop(receiver);
            for worker in workers {
                let partial = worker.join().expect("a worker catches the panics of decoders");
                sums.join(&partial);
            }
            Ok(())
        })?;
        let cancelled = self.stop.load(Ordering::Relaxed) || cancel.load(Ordering::Relaxed);
        Ok((!cancelled).then_some((outcomes, sums)))
    }

    /// Decodes the next pictures until none is left; returns the sums over the training pictures among
    /// them.
    fn decode_some(&self, sender: &crossbeam_channel::Sender<(usize, Outcome)>) -> Sums {
        let mut sums = Sums::new(self.side);
        while !self.stop.load(Ordering::Relaxed) {
            let position = self.next.fetch_add(1, Ordering::Relaxed);
            if position >= self.total {
                break;
            }
            let (split, index) = locate(position, self.train);
            let read = || self.dataset.read(split, index, self.side).map(|picture| planes(&picture));
            let pixels = catch_unwind(AssertUnwindSafe(read))
                .unwrap_or_else(|_| Err("the program failed on this file; please report it".into()));
            if let (Ok(pixels), Split::Train) = (&pixels, split) {
                sums.add(pixels);
            }
            let outcome = pixels.map(|p| (position < self.kept).then(|| p.into_boxed_slice()));
            if sender.send((position, outcome)).is_err() {
                break;
            }
        }
        sums
    }
}
