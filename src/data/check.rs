//! A look at every picture before anybody trains on them: what can be used, and what stands there twice.
//!
//! Pictures are read exactly as a run reads them, through [`PictureStore`], with no room to keep any. So what is
//! refused here is what a run will refuse, and memory stays small: 80 bytes a picture beside its name.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use image::RgbImage;

use super::error::DataError;
use super::near::{self, Look, Looks, NearDuplicates};
use super::store::PictureStore;
use super::{ColourStatistics, Corrected, Dataset, Description, Refused, Split};

/// Pairs of equal pictures that are listed one by one; the others are counted.
const MAX_PAIRS: usize = 1000;

/// What was found.
#[derive(Debug)]
pub struct Check {
    /// As the data set tells it, refused pictures included.
    pub description: Description,
    /// Usable pictures of each class, in label order.
    pub classes: Vec<ClassCount>,
    /// Pictures that cannot be used, in the order of the data set.
    pub refused: Vec<Refused>,
    /// Where those to train on stand in the source, corrected or not, in order.
    pub refused_to_train: Vec<u32>,
    /// What belongs to no class: the first thousand, and how much it is.
    pub left_out: Vec<Refused>,
    pub left_out_count: usize,
    /// How much of the list of corrections holds, if there is one.
    pub corrected: Option<Corrected>,
    /// How large the usable pictures are; nothing if there are none, or if they are drawn at any size.
    pub sizes: Option<Sizes>,
    /// What the usable training pictures come to; nothing if nobody can train on them.
    pub figures: Option<Figures>,
    pub duplicates: Duplicates,
    /// Pictures that look alike, if they were asked for.
    pub near: Option<NearDuplicates>,
    /// How long reading, decoding and scaling took, which is what preparing takes.
    pub reading: Duration,
    /// Why nobody can train on what is left; nothing if they can.
    pub problem: Option<DataError>,
}

/// What the training pictures come to, as a run that keeps squares of that side finds it.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Usable training pictures.
    pub pictures: usize,
    pub side: u32,
    /// `[3, side, side]`: the mean picture, 0 to 255.
    pub mean: Vec<f32>,
    pub colours: ColourStatistics,
}

impl Figures {
    fn of(store: &PictureStore) -> Self {
        Self {
            pictures: store.len(Split::Train),
            side: store.side(),
            mean: store.mean_image().to_vec(),
            colours: *store.colours(),
        }
    }
}

/// Width and height in pixels of the usable pictures, by the number of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub smallest: (u32, u32),
    pub median: (u32, u32),
    pub largest: (u32, u32),
    /// Pictures whose shorter side is below the side they were asked for: they are enlarged.
    pub enlarged: usize,
}

/// Usable pictures of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassCount {
    pub name: String,
    pub train: usize,
    pub validation: usize,
}

/// Pictures whose pixels are the same once they have been cut and scaled for training.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// Validation pictures that are among the training pictures too.
    pub across: usize,
    /// The first of them: the training picture, then the validation picture.
    pub pairs: Vec<(String, String)>,
    /// Training pictures that stand there again.
    pub within_train: usize,
    pub within_validation: usize,
    /// Repeated pictures of either kind whose two classes differ.
    pub contradicting: usize,
}

/// Reads every picture as squares of `side` pixels on `threads` threads (0: one a core). With `near`, pictures that look
/// alike are searched for: those that differ in at most so many bits of 64. `progress` and `cancel` as for
/// [`PictureStore::prepare`]; returns `None` when `cancel` was set.
///
/// # Errors
/// No thread can be started.
pub fn check(
    dataset: Arc<dyn Dataset>,
    side: u32,
    threads: usize,
    near: Option<u32>,
    progress: &(dyn Fn(usize, usize) + Sync),
    cancel: &AtomicBool,
) -> Result<Option<Check>, DataError> {
    let fresh = |split| (0..dataset.len(split)).map(|_| OnceLock::new()).collect();
    let watched = Arc::new(Watched {
        train: fresh(Split::Train),
        validation: fresh(Split::Validation),
        looks: near.is_some().then(Looks::new),
        dataset: dataset.clone(),
    });
    let started = Instant::now();
    let read = match PictureStore::prepare(watched.clone(), side, 0, threads, progress, cancel) {
        Ok(Some(store)) => Ok(Figures::of(&store)),
        Ok(None) => return Ok(None),
        Err(error @ DataError::Threads { .. }) => return Err(error),
        Err(error) => Err(error),
    };
    let reading = started.elapsed();
    let near = match near {
        Some(distance) => match watched.near(distance, cancel) {
            Some(found) => Some(found),
            None => return Ok(None),
        },
        None => None,
    };
    let refused = watched.refused();
    let (figures, problem) = match read {
        Ok(figures) => (Some(figures), None),
        Err(error) => (None, Some(error)),
    };
    Ok(Some(Check {
        description: dataset.description().clone(),
        classes: watched.class_counts(),
        problem: problem.or_else(|| DataError::too_many(&*dataset, &refused)),
        refused,
        refused_to_train: watched.refused_to_train(),
        left_out: dataset.left_out().to_vec(),
        left_out_count: dataset.left_out_count(),
        corrected: dataset.corrected(),
        sizes: if dataset.is_drawn() { None } else { watched.sizes(side) },
        figures,
        duplicates: watched.duplicates(),
        near,
        reading,
    }))
}

/// What is remembered of a picture.
#[derive(Clone, Copy)]
struct Seen {
    /// Its pixels in 128 bits.
    pixels: u128,
    /// Width and height before scaling.
    size: (u32, u32),
    /// What it looks like ([`Looks`]), if that is asked for.
    bits: u64,
}

/// What was seen, or why nothing was.
type Outcome = OnceLock<Result<Seen, String>>;

/// A data set that remembers how reading each picture went.
struct Watched {
    dataset: Arc<dyn Dataset>,
    train: Vec<Outcome>,
    validation: Vec<Outcome>,
    looks: Option<Looks>,
}

impl Watched {
    fn outcomes(&self, split: Split) -> &[Outcome] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
        }
    }

    /// Split, index and outcome of every picture, training pictures first.
    fn all(&self) -> impl Iterator<Item = (Split, usize, Result<Seen, &str>)> {
        [Split::Train, Split::Validation].into_iter().flat_map(move |split| {
            self.outcomes(split).iter().enumerate().map(move |(index, outcome)| {
                let outcome = match outcome.get() {
                    Some(Ok(seen)) => Ok(*seen),
                    Some(Err(reason)) => Err(reason.as_str()),
                    // Nothing is remembered of a picture on which a decoder panicked.
                    None => Err("the program failed on this file; please report it"),
                };
                (split, index, outcome)
            })
        })
    }

    fn refused(&self) -> Vec<Refused> {
        self.all()
            .filter_map(|(split, index, outcome)| {
                let reason = outcome.err()?.to_owned();
                Some(Refused { name: self.dataset.name(split, index), reason })
            })
            .collect()
    }

    fn refused_to_train(&self) -> Vec<u32> {
        let train = self.outcomes(Split::Train).iter().enumerate();
        let refused = train.filter(|(_, outcome)| !matches!(outcome.get(), Some(Ok(_))));
        refused.map(|(index, _)| self.dataset.place(Split::Train, index)).collect()
    }

    fn class_counts(&self) -> Vec<ClassCount> {
        let names = &self.dataset.description().classes;
        let mut counts: Vec<ClassCount> =
            names.iter().map(|name| ClassCount { name: name.clone(), train: 0, validation: 0 }).collect();
        for (split, index, _) in self.all().filter(|(_, _, outcome)| outcome.is_ok()) {
            let Some(class) = counts.get_mut(self.dataset.label(split, index) as usize) else { continue };
            match split {
                Split::Train => class.train += 1,
                Split::Validation => class.validation += 1,
            }
        }
        counts
    }

    fn sizes(&self, side: u32) -> Option<Sizes> {
        let mut sizes: Vec<(u32, u32)> =
            self.all().filter_map(|(_, _, outcome)| Some(outcome.ok()?.size)).collect();
        let pixels = |&(width, height): &(u32, u32)| (u64::from(width) * u64::from(height), width);
        sizes.sort_unstable_by_key(pixels);
        Some(Sizes {
            smallest: *sizes.first()?,
            median: sizes[sizes.len() / 2],
            largest: *sizes.last()?,
            enlarged: sizes.iter().filter(|(width, height)| (*width).min(*height) < side).count(),
        })
    }

    fn near(&self, distance: u32, cancel: &AtomicBool) -> Option<NearDuplicates> {
        let looks: Vec<Look> = self
            .all()
            .filter_map(|(split, index, outcome)| {
                let Seen { bits, pixels, .. } = outcome.ok()?;
                Some(Look { split, index, bits, pixels })
            })
            .collect();
        near::search(&looks, distance, |split, index| self.dataset.name(split, index), cancel)
    }

    fn duplicates(&self) -> Duplicates {
        let mut found = Duplicates::default();
        let mut first = HashMap::<u128, (Split, usize)>::new();
        for (split, index, outcome) in self.all() {
            let Ok(Seen { pixels, .. }) = outcome else { continue };
            let Some(&(first_split, first_index)) = first.get(&pixels) else {
                first.insert(pixels, (split, index));
                continue;
            };
            match (first_split, split) {
                (Split::Train, Split::Validation) => {
                    found.across += 1;
                    if found.pairs.len() < MAX_PAIRS {
                        let name = |split, index| self.dataset.name(split, index);
                        found.pairs.push((name(first_split, first_index), name(split, index)));
                    }
                }
                (_, Split::Train) => found.within_train += 1,
                (_, Split::Validation) => found.within_validation += 1,
            }
            let label = |split, index| self.dataset.label(split, index);
            found.contradicting += usize::from(label(first_split, first_index) != label(split, index));
        }
        found
    }
}

impl Dataset for Watched {
    fn description(&self) -> &Description {
        self.dataset.description()
    }

    fn len(&self, split: Split) -> usize {
        self.dataset.len(split)
    }

    fn label(&self, split: Split, index: usize) -> u32 {
        self.dataset.label(split, index)
    }

    fn name(&self, split: Split, index: usize) -> String {
        self.dataset.name(split, index)
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        let picture = self.dataset.read_measured(split, index, side);
        let outcome = picture.as_ref().map_err(Clone::clone).map(|(picture, size)| Seen {
            pixels: fingerprint(picture),
            size: *size,
            bits: self.looks.as_ref().map_or(0, |looks| looks.of(picture)),
        });
        // A picture read twice is the same both times.
        let _ = self.outcomes(split)[index].set(outcome);
        picture.map(|(picture, _)| picture)
    }
}

/// 128 bits of the pixels: two pictures of millions that differ never share them by accident.
fn fingerprint(picture: &RgbImage) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(picture.as_raw());
        u128::from(hasher.finish())
    };
    half(1) << 64 | half(2)
}
