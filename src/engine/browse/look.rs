//! Pictures as they are kept and as the network sees them: the same crops, mirror images and colour noise as in
//! training, made by the same code.

use image::{Rgb, RgbImage};

use super::set::OpenSet;
use super::{
    LargePicture, Look, PictureProblem, Place, Preview, SMALL_SIDE, SmallPicture, VARIATIONS, Variation,
};
use crate::config::ColourNoise;
use crate::data::augment::{Placement, central_placement, colour_normals, cut, random_placement};
use crate::data::{ColourStatistics, Colouring, Split, planes, square};

/// A picture of a grid.
pub(super) fn small(set: &OpenSet, place: Place, look: Look) -> Result<SmallPicture, PictureProblem> {
    set.reading(place, |index| {
        let dataset = &*set.dataset;
        let (picture, size) = match look {
            Look::Square => {
                // Small pictures are shown pixel for pixel, not blown up here.
                let side = SMALL_SIDE.min(dataset.description().typical_side.max(1));
                dataset.read_measured(place.split, index, side)?
            }
            Look::AsTrained(preview, epoch) => {
                let (stored, size) = dataset.read_measured(place.split, index, preview.stored_side)?;
                let seen = Seen { preview, colours: set.colours.get(), split: place.split };
                let number = set.number_in_training(place.split, index);
                let picture = seen.variation(&planes(&stored), number, epoch).picture;
                let side = preview.crop_side;
                (if side > SMALL_SIDE { square(&picture, SMALL_SIDE) } else { picture }, size)
            }
        };
        let (name, label) = (dataset.name(place.split, index), dataset.label(place.split, index));
        Ok(SmallPicture { name, label, size, picture })
    })
}

/// One picture large, and what becomes of it in some epochs from `epoch` on.
pub(super) fn large(
    set: &OpenSet,
    place: Place,
    preview: Preview,
    epoch: usize,
) -> Result<Box<LargePicture>, PictureProblem> {
    set.reading(place, |index| {
        let dataset = &*set.dataset;
        let (stored, size) = dataset.read_measured(place.split, index, preview.stored_side)?;
        let seen = Seen { preview, colours: set.colours.get(), split: place.split };
        let planes = planes(&stored);
        let number = set.number_in_training(place.split, index);
        let variation = |epoch| seen.variation(&planes, number, epoch);
        let count = if seen.is_random() { VARIATIONS } else { 1 };
        Ok(Box::new(LargePicture {
            name: dataset.name(place.split, index),
            label: dataset.label(place.split, index),
            size,
            path: set.path(place.split, index),
            variations: (epoch..epoch + count).map(variation).collect(),
            noise_missing: seen.has_noise() && seen.colours.is_none(),
            stored,
        }))
    })
}

/// How the network sees pictures of a split.
struct Seen<'a> {
    preview: Preview,
    colours: Option<&'a ColourStatistics>,
    split: Split,
}

impl Seen<'_> {
    fn has_noise(&self) -> bool {
        self.split == Split::Train && self.preview.colour_noise != ColourNoise::Off
    }

    /// Whether chance decides anything: only training pictures are changed.
    fn is_random(&self) -> bool {
        self.split == Split::Train && (self.preview.augment || self.has_noise())
    }

    /// What the network sees of `stored` (`[3, stored_side, stored_side]`) in an epoch; `number` is the picture's number
    /// in training.
    fn variation(&self, stored: &[u8], number: usize, epoch: usize) -> Variation {
        let Preview { stored_side, crop_side, augment, seed, .. } = self.preview;
        let crop_side = crop_side.min(stored_side);
        let placement = if augment && self.split == Split::Train {
            random_placement(seed, epoch, number, stored_side, crop_side)
        } else {
            central_placement(stored_side, crop_side)
        };
        let mut crop = Vec::new();
        cut(stored, stored_side, crop_side, placement, &mut crop);
        let noise = self.colours.filter(|_| self.has_noise()).map(|colours| {
            let Preview { colour_noise: noise, colour_strength: strength, .. } = self.preview;
            let colouring = Colouring { noise, pca: colours.pca, strength };
            (colouring.shift(colour_normals(seed, epoch, number)), colouring.divisor(), colours.means)
        });
        let (shift, divisor, means) = noise.unwrap_or(([0.0; 3], 1.0, [0.0; 3]));
        // The network gets (pixel - mean + shift) / divisor; with the mean added again people can see it.
        let seen = |value: u8, channel: usize| {
            let mean = means[channel] as f32;
            (mean + (f32::from(value) - mean + shift[channel]) / divisor).round().clamp(0.0, 255.0) as u8
        };
        Variation { placement, shift, picture: picture(&crop, crop_side, seen) }
    }
}

/// `[3, side, side]` planes as a picture, each value through `seen`.
fn picture(planes: &[u8], side: u32, seen: impl Fn(u8, usize) -> u8) -> RgbImage {
    let area = (side * side) as usize;
    RgbImage::from_fn(side, side, |x, y| {
        let pixel = (y * side + x) as usize;
        Rgb([0, 1, 2].map(|channel| seen(planes[channel * area + pixel], channel)))
    })
}

/// Part of the stored square that a crop covers, as left, top, width and height in 0 to 1.
pub fn window(placement: Placement, preview: &Preview) -> [f32; 4] {
    let stored = preview.stored_side.max(1) as f32;
    let crop = preview.crop_side.min(preview.stored_side) as f32 / stored;
    [placement.left as f32 / stored, placement.top as f32 / stored, crop, crop]
}
