//! What some pictures, spread over the training part, say about all of them: sizes, mean picture, colours.
//!
//! The exact figures need every picture to be decoded, which can take hours. A few hundred say nearly the same in
//! seconds, and the colour noise that is previewed needs them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use image::RgbImage;

use super::set::OpenSet;
use super::{Among, Place, Survey};
use crate::data::{ColourStatistics, Split, planes};

/// Pictures that are read.
const PICTURES: usize = 200;
/// Their side in pixels: enough for colours and a mean picture, and little memory.
const SIDE: u32 = 64;

/// The pictures read so far.
pub(super) struct Tally {
    /// How many are to be read.
    wanted: usize,
    begun: AtomicUsize,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    refused: usize,
    sides: Vec<u32>,
    /// `[3, SIDE, SIDE]` each.
    planes: Vec<Vec<u8>>,
}

impl Tally {
    /// For a training part of `train` pictures.
    pub fn new(train: usize) -> Self {
        Self { wanted: train.min(PICTURES), begun: AtomicUsize::new(0), read: Mutex::default() }
    }

    /// The next picture to read, if any is left.
    pub fn next(&self) -> Option<usize> {
        let position = self.begun.fetch_add(1, Ordering::Relaxed);
        (position < self.wanted).then_some(position)
    }
}

/// Reads the picture at `position`; the last one brings the result.
pub(super) fn read(set: &OpenSet, position: usize) -> Option<Survey> {
    let place = Place { split: Split::Train, among: Among::Mixed, position };
    let picture = set.reading(place, |index| set.dataset.read_measured(Split::Train, index, SIDE));
    let mut read = set.tally.read.lock().unwrap_or_else(PoisonError::into_inner);
    match picture {
        Ok((picture, (width, height))) => {
            read.sides.push(width.min(height));
            read.planes.push(planes(&picture));
        }
        Err(_) => read.refused += 1,
    }
    if read.refused + read.planes.len() < set.tally.wanted || read.planes.is_empty() {
        return None;
    }
    let read = std::mem::take(&mut *read);
    Some(survey(read, set.dataset.len(Split::Train)))
}

fn survey(mut read: Read, of: usize) -> Survey {
    // The order in which threads finish must not show in anything.
    read.sides.sort_unstable();
    let sides = [0, read.sides.len() / 2, read.sides.len() - 1].map(|place| read.sides[place]);
    Survey {
        pictures: read.planes.len(),
        of,
        refused: read.refused,
        sides,
        mean: mean(&read.planes),
        colours: ColourStatistics::of(read.planes.iter().map(Vec::as_slice)),
    }
}

fn mean(pictures: &[Vec<u8>]) -> RgbImage {
    let area = (SIDE * SIDE) as usize;
    let mut sums = vec![0_u32; 3 * area];
    for picture in pictures {
        sums.iter_mut().zip(picture).for_each(|(sum, &value)| *sum += u32::from(value));
    }
    let count = pictures.len() as u32;
    let at = |channel: usize, pixel: usize| ((sums[channel * area + pixel] + count / 2) / count) as u8;
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let pixel = (y * SIDE + x) as usize;
        image::Rgb([0, 1, 2].map(|channel| at(channel, pixel)))
    })
}
