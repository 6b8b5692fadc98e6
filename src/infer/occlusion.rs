//! What part of a picture a prediction hangs on: the probabilities while a patch covers one place after the other
//! (Zeiler and Fergus 2014).

use burn::tensor::{Tensor, TensorData};
use image::RgbImage;

use super::activations::{Muted, Silence, probabilities, seen};
use crate::model::{Input, Network, to_host};

/// The patch and the steps it makes, in pixels of the crop that the network sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    pub size: usize,
    pub stride: usize,
}

impl Patch {
    /// A sixth of the side in steps of half its size: coarse enough for a processor, fine enough to see what matters.
    pub fn usual(side: usize) -> Self {
        let size = (side.div_ceil(6)).max(2).min(side.max(1));
        Self { size, stride: (size / 2).max(1) }
    }

    /// First rows, and first columns, that the patch takes. The last one touches the edge.
    ///
    /// # Errors
    /// A patch that does not fit, or that stays where it is.
    pub fn places(self, side: usize) -> Result<Vec<usize>, String> {
        if self.size == 0 || self.size > side || self.stride == 0 {
            return Err(format!(
                "a patch of {} pixels in steps of {} cannot slide over a picture of {side} pixels: it must be at least \
                 one pixel, at most the picture, and move",
                self.size, self.stride
            ));
        }
        let end = side - self.size;
        let mut places: Vec<usize> = (0..=end).step_by(self.stride).collect();
        if places.last() != Some(&end) {
            places.push(end);
        }
        Ok(places)
    }
}

/// Probabilities with the patch at every place.
#[derive(Clone, Debug, PartialEq)]
pub struct Occlusion {
    /// What the network saw, uncovered.
    pub seen: RgbImage,
    pub patch: Patch,
    /// First rows, and likewise first columns, of the patch.
    pub places: Vec<usize>,
    pub classes: Vec<String>,
    /// Probability of each class, uncovered.
    pub uncovered: Vec<f32>,
    /// `[places, places, classes]`, by rows.
    pub covered: Vec<f32>,
}

impl Occlusion {
    /// `[side, side]`: how much of the probability of `class` is lost where the patch covers a pixel, as a mean over
    /// the patches that do. Negative: the class becomes more probable.
    pub fn loss(&self, class: usize) -> Vec<f32> {
        let side = self.seen.width() as usize;
        let classes = self.classes.len();
        let (mut sums, mut counts) = (vec![0.0; side * side], vec![0u32; side * side]);
        for (row, &top) in self.places.iter().enumerate() {
            for (column, &left) in self.places.iter().enumerate() {
                let place = row * self.places.len() + column;
                let lost = self.uncovered[class] - self.covered[place * classes + class];
                for y in top..top + self.patch.size {
                    for x in left..left + self.patch.size {
                        sums[y * side + x] += lost;
                        counts[y * side + x] += 1;
                    }
                }
            }
        }
        // A stride wider than the patch leaves pixels that nothing covers.
        sums.iter()
            .zip(counts)
            .map(|(sum, count)| if count == 0 { 0.0 } else { sum / count as f32 })
            .collect()
    }
}

/// An occlusion map in the making. It keeps the network as it was when it began.
pub struct OcclusionWork {
    network: Network,
    silence: Silence,
    /// `[3, side, side]`, ready for the network.
    picture: Vec<f32>,
    map: Occlusion,
}

impl OcclusionWork {
    /// # Errors
    /// A patch that cannot slide, a muted map that does not exist, a device that no longer answers.
    pub fn new(
        network: &Network,
        input: &Input,
        classes: &[String],
        picture: &RgbImage,
        muted: &[Muted],
        patch: Option<Patch>,
    ) -> Result<Self, String> {
        let patch = patch.unwrap_or_else(|| Patch::usual(input.spec().side));
        let places = patch.places(input.spec().side)?;
        let silence = Silence::of(network, muted)?;
        let (pictures, seen) = seen(network, input, picture);
        let uncovered = probabilities(network, pictures.clone(), &silence)?;
        let picture = to_host(pictures)?;
        let classes = classes.to_vec();
        let map = Occlusion { seen, patch, places, classes, uncovered, covered: Vec::new() };
        Ok(Self { network: network.clone(), silence, picture, map })
    }

    pub fn done(&self) -> usize {
        self.map.covered.len() / self.map.classes.len().max(1)
    }

    pub fn total(&self) -> usize {
        self.map.places.len() * self.map.places.len()
    }

    /// Makes the next places, `at_most` of them.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn advance(&mut self, at_most: usize) -> Result<(), String> {
        let next = self.done()..(self.done() + at_most).min(self.total());
        if next.is_empty() {
            return Ok(());
        }
        let side = self.map.seen.width() as usize;
        let values: Vec<f32> = next.clone().flat_map(|place| self.covered_at(place, side)).collect();
        let shape = [next.len(), 3, side, side];
        let pictures = Tensor::<4>::from_data(TensorData::new(values, shape), self.network.device());
        self.map.covered.extend(probabilities(&self.network, pictures, &self.silence)?);
        Ok(())
    }

    /// The picture with the patch at a place. 0 is the mean picture, the grey of the data.
    fn covered_at(&self, place: usize, side: usize) -> Vec<f32> {
        let Occlusion { places, patch, .. } = &self.map;
        let (top, left) = (places[place / places.len()], places[place % places.len()]);
        let mut picture = self.picture.clone();
        for row in picture.chunks_exact_mut(side).enumerate().filter(|(row, _)| {
            let row = row % side;
            (top..top + patch.size).contains(&row)
        }) {
            row.1[left..left + patch.size].fill(0.0);
        }
        picture
    }

    /// The whole map; nothing before all places have been made.
    pub fn finish(self) -> Option<Occlusion> {
        (self.done() == self.total()).then_some(self.map)
    }
}
