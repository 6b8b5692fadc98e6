//! What all training pictures come to: the mean picture and the colours, known once a run has prepared them or a
//! check has read them.

use image::{Rgb, RgbImage};

use crate::data::{ColourStatistics, Figures, PictureStore, Split};

/// Figures of all pictures to train on.
#[derive(Clone, Debug)]
pub struct InputStatistics {
    /// Usable training pictures, all of which were read.
    pub pictures: usize,
    /// The mean at each pixel of the stored squares (paper section 2), rounded.
    pub mean: RgbImage,
    pub colours: ColourStatistics,
}

impl InputStatistics {
    pub(super) fn of(store: &PictureStore) -> Self {
        Self {
            pictures: store.len(Split::Train),
            mean: rounded(store.mean_image(), store.side()),
            colours: *store.colours(),
        }
    }

    /// As a check has found them.
    pub(super) fn found(figures: &Figures) -> Self {
        let Figures { pictures, side, mean, colours } = figures;
        Self { pictures: *pictures, mean: rounded(mean, *side), colours: *colours }
    }
}

/// `[3, side, side]` planes of 0 to 255 as a picture.
fn rounded(planes: &[f32], side: u32) -> RgbImage {
    let area = side as usize * side as usize;
    RgbImage::from_fn(side, side, |x, y| {
        let pixel = (y * side + x) as usize;
        Rgb([0, 1, 2].map(|channel| planes[channel * area + pixel].round().clamp(0.0, 255.0) as u8))
    })
}
