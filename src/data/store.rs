//! The usable pictures of a data set, each decoded once, as 8-bit squares.
//!
//! Preparing finds out which files can be used, so that labels, counts, the mean image and the colour statistics are
//! true before the first step. Pixels are in memory here: those that fit the budget stay, the others are decoded again
//! when they are needed. [`super::prepare`] keeps them on disk instead, from one run to the next.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;

use super::colour::ColourStatistics;
use super::error::DataError;
use super::pool::{Pool, Taken};
use super::prepared::{Kept, Square};
use super::sums::Sums;
use super::{Corrections, Dataset, Description, Refused, Split};

/// Decoded pictures that wait for their turn, for each thread.
const AHEAD: usize = 16;

/// The usable pictures of a data set, as `[3, side, side]` RGB planes of 8-bit pixels.
pub struct PictureStore {
    dataset: Arc<dyn Dataset>,
    description: Description,
    side: u32,
    train: Vec<Usable>,
    validation: Vec<Usable>,
    refused: Vec<Refused>,
    mean: Vec<f32>,
    colours: ColourStatistics,
    /// Where [`Pixels::Kept`] are.
    kept: Option<Kept>,
}

/// A usable picture.
struct Usable {
    /// Its index in the data set, which counts refused pictures too.
    index: u32,
    label: u32,
    pixels: Pixels,
}

/// Where the pixels of a usable picture are.
pub(super) enum Pixels {
    Memory(Box<[u8]>),
    /// On disk.
    Kept(Square),
    /// Nowhere: they are decoded again. Their checksum, if they were decoded before.
    Nowhere(Option<u32>),
}

/// What decoding a picture came to.
pub(super) type Outcome = Result<Pixels, String>;

impl PictureStore {
    /// Decodes every picture on `threads` threads (0: one a core) to squares of `side` pixels and keeps those
    /// that fit `budget_bytes` in memory, training pictures first. `progress` is called on the calling thread with the
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
        let goes_on = || !cancel.load(Ordering::Relaxed);
        Self::prepare_while(dataset, side, budget_bytes, threads, progress, &goes_on)
    }

    /// As [`Self::prepare`], as long as `goes_on` says so, which may take its time to answer. It is asked after every
    /// picture, on the calling thread.
    pub(super) fn prepare_while(
        dataset: Arc<dyn Dataset>,
        side: u32,
        budget_bytes: usize,
        threads: usize,
        progress: &(dyn Fn(usize, usize) + Sync),
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, DataError> {
        let side = side.max(1);
        let train = dataset.len(Split::Train);
        let total = train + dataset.len(Split::Validation);
        let kept = budget_bytes / picture_bytes(side);
        let threads = worker_count(threads);
        let report_every = (total / 200).max(1);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(total);
        let (mut refused, mut stopped) = (0, false);
        let decode_one = |sums: &mut Sums, position: usize| -> Outcome {
            let (split, index) = locate(position, train);
            let planes = read(&*dataset, split, index, side)?;
            if split == Split::Train {
                sums.add(&planes);
            }
            if position < kept {
                return Ok(Pixels::Memory(planes.into()));
            }
            Ok(Pixels::Nowhere(Some(crc32fast::hash(&planes))))
        };
        let pool = Pool { threads, ahead: AHEAD * threads };
        let states = pool.run(
            total,
            || Sums::new(side),
            decode_one,
            |taken| {
                if let Taken::Result(outcome) = taken {
                    refused += usize::from(outcome.is_err());
                    outcomes.push(outcome);
                    let done = outcomes.len();
                    if done.is_multiple_of(report_every) || done == total {
                        progress(done, total);
                    }
                }
                stopped = !goes_on();
                // Beyond the limit, the rest cannot make it better.
                if stopped || refused > dataset.most_refused() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        let states =
            states.map_err(|unfinished| DataError::unfinished(unfinished, |job| name_of(&*dataset, job)))?;
        if stopped || !goes_on() {
            return Ok(None);
        }
        Self::assemble(dataset, side, outcomes, &joined(states, side), None).map(Some)
    }

    /// Sorts out what decoding has come to: `outcomes` of all training pictures, then all validation pictures, and
    /// the sums over the usable training pictures.
    ///
    /// # Errors
    /// Too few pictures are usable, as for [`Self::prepare`].
    pub(super) fn assemble(
        dataset: Arc<dyn Dataset>,
        side: u32,
        outcomes: Vec<Outcome>,
        sums: &Sums,
        kept: Option<Kept>,
    ) -> Result<Self, DataError> {
        if let Some(error) = too_many_refused(&*dataset, &outcomes) {
            return Err(error);
        }
        let train = dataset.len(Split::Train);
        let mut store = Self {
            description: dataset.description().clone(),
            dataset,
            side,
            train: Vec::new(),
            validation: Vec::new(),
            refused: Vec::new(),
            mean: sums.mean(),
            colours: sums.colour_statistics(),
            kept,
        };
        store.sort_out(train, outcomes);
        store.check()?;
        Ok(store)
    }

    fn sort_out(&mut self, train: usize, outcomes: Vec<Outcome>) {
        for (position, outcome) in outcomes.into_iter().enumerate() {
            let (split, index) = locate(position, train);
            match outcome {
                Ok(pixels) => {
                    let label = self.dataset.label(split, index);
                    let usable = Usable { index: index as u32, label, pixels };
                    match split {
                        Split::Train => self.train.push(usable),
                        Split::Validation => self.validation.push(usable),
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
        let mut has_pictures = vec![false; self.description.classes.len()];
        for usable in &self.train {
            has_pictures.get_mut(usable.label as usize).into_iter().for_each(|has| *has = true);
        }
        for (label, class) in self.description.classes.iter().enumerate() {
            if !has_pictures[label] {
                let (first, reason) = refusal(Split::Train, Some(label as u32));
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

    /// Place of usable picture `index` in the split as the source has it, which counts refused pictures and those that
    /// were left out by hand, too.
    pub fn place(&self, split: Split, index: usize) -> u32 {
        self.dataset.place(split, self.items(split)[index].index as usize)
    }

    /// File or entry name of usable picture `index`.
    pub fn name(&self, split: Split, index: usize) -> String {
        self.dataset.name(split, self.items(split)[index].index as usize)
    }

    /// The corrections that are laid over the source, if there are any.
    pub fn corrections(&self) -> Option<&Corrections> {
        self.dataset.corrections()
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

    /// Where the pictures are kept on disk, if they are.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// `[3, side, side]`: the pixels of usable picture `index`, from memory, from disk or decoded again.
    ///
    /// # Errors
    /// Why a picture that could be read before cannot be read now.
    pub fn pixels(&self, split: Split, index: usize) -> Result<Cow<'_, [u8]>, String> {
        if let Pixels::Memory(pixels) = &self.items(split)[index].pixels {
            return Ok(Cow::Borrowed(pixels));
        }
        let mut pixels = vec![0; picture_bytes(self.side)];
        self.copy_pixels(split, index, &mut pixels)?;
        Ok(Cow::Owned(pixels))
    }

    /// Writes the pixels of usable picture `index`, `[3, side, side]`, into a part of a batch of that length.
    ///
    /// A picture whose bytes on disk are damaged is decoded again, and mended there if possible.
    ///
    /// # Errors
    /// Why a picture that could be read before cannot be read now, or that it is another one now.
    pub fn copy_pixels(&self, split: Split, index: usize, into: &mut [u8]) -> Result<(), String> {
        let usable = &self.items(split)[index];
        let again = || read(&*self.dataset, split, usable.index as usize, self.side);
        match (&usable.pixels, &self.kept) {
            (Pixels::Memory(pixels), _) => into.copy_from_slice(pixels),
            (&Pixels::Kept(square), Some(kept)) => kept.pixels().read(square, into, again)?,
            (pixels, _) => {
                let planes = again()?;
                if let Pixels::Nowhere(Some(checksum)) = pixels
                    && crc32fast::hash(&planes) != *checksum
                {
                    return Err("it has changed since it was read first".into());
                }
                into.copy_from_slice(&planes);
            }
        }
        Ok(())
    }

    /// CRC-32 of the pixels of usable picture `index` as they were prepared; nothing if that is not known.
    pub fn checksum(&self, split: Split, index: usize) -> Option<u32> {
        match &self.items(split)[index].pixels {
            Pixels::Memory(pixels) => Some(crc32fast::hash(pixels)),
            Pixels::Kept(square) => Some(square.checksum),
            Pixels::Nowhere(checksum) => *checksum,
        }
    }

    fn items(&self, split: Split) -> &[Usable] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
        }
    }
}

/// Bytes of a picture of `side` pixels.
pub(super) fn picture_bytes(side: u32) -> usize {
    3 * side as usize * side as usize
}

/// Why a data set is not used of which more pictures are refused than it allows. `outcomes` may end early.
pub(super) fn too_many_refused(dataset: &dyn Dataset, outcomes: &[Outcome]) -> Option<DataError> {
    let train = dataset.len(Split::Train);
    let refused: Vec<Refused> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(position, outcome)| {
            let (split, index) = locate(position, train);
            let reason = outcome.as_ref().err()?.clone();
            Some(Refused { name: dataset.name(split, index), reason })
        })
        .collect();
    DataError::too_many(dataset, &refused)
}

/// Threads to start when `threads` are asked for; 0 leaves the choice to the number of cores.
pub(super) fn worker_count(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        n => n,
    }
}

/// Split and index of a position in "all training pictures, then all validation pictures".
pub(super) fn locate(position: usize, train: usize) -> (Split, usize) {
    if position < train { (Split::Train, position) } else { (Split::Validation, position - train) }
}

/// Name of the picture at a position in "all training pictures, then all validation pictures".
pub(super) fn name_of(dataset: &dyn Dataset, position: usize) -> String {
    let (split, index) = locate(position, dataset.len(Split::Train));
    dataset.name(split, index)
}

/// Decodes a picture to planes. A decoder that panics refuses that picture only.
pub(super) fn read(dataset: &dyn Dataset, split: Split, index: usize, side: u32) -> Result<Vec<u8>, String> {
    catch_unwind(AssertUnwindSafe(|| dataset.read(split, index, side).map(|picture| planes(&picture))))
        .unwrap_or_else(|_| Err("the program failed on this file; please report it".into()))
}

/// The sums of all threads.
pub(super) fn joined(parts: Vec<Sums>, side: u32) -> Sums {
    let mut whole = Sums::new(side);
    parts.iter().for_each(|part| whole.join(part));
    whole
}

/// `[H, W, 3]` pixels as `[3, H, W]` planes.
pub fn planes(picture: &RgbImage) -> Vec<u8> {
    let raw = picture.as_raw();
    let mut planes = vec![0; raw.len()];
    let (red, rest) = planes.split_at_mut(raw.len() / 3);
    let (green, blue) = rest.split_at_mut(raw.len() / 3);
    for (((pixel, red), green), blue) in raw.chunks_exact(3).zip(red).zip(green).zip(blue) {
        (*red, *green, *blue) = (pixel[0], pixel[1], pixel[2]);
    }
    planes
}
