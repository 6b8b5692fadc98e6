//! The kept batch: a few training pictures whose scores prove that a run goes on exactly where it was, on
//! pictures that are still the same.

use crate::data::{PictureStore, Split};
use crate::infer::{self, Views};
use crate::model::{Input, InputSpec, Network, Shapes};
use crate::train::checkpoint::Replay;

/// Pictures of a kept batch, at most.
const PICTURES: usize = 8;
/// Multiply-adds it may take: a large network replays fewer pictures, so that a checkpoint stays quick.
const MULTIPLY_ADDS: usize = 2_000_000_000;

/// The kept batch of a run.
pub(super) struct KeptBatch {
    /// Whole stored pictures, `[N, 3, stored, stored]`.
    squares: Vec<u8>,
    pub mark: Replay,
}

impl KeptBatch {
    /// As many pictures as a network can replay quickly, from all over the training split.
    pub fn new(shapes: &Shapes, input: InputSpec, store: &PictureStore) -> Self {
        let affordable = MULTIPLY_ADDS / shapes.multiply_adds().max(1);
        Self::of(PICTURES.min(affordable).clamp(1, store.len(Split::Train).max(1)), input, store)
    }

    /// This many pictures. One that cannot be read is black.
    pub fn of(pictures: usize, input: InputSpec, store: &PictureStore) -> Self {
        let all = store.len(Split::Train);
        let mut squares = vec![0; pictures * 3 * input.stored_side.pow(2)];
        for (number, square) in squares.chunks_exact_mut(3 * input.stored_side.pow(2)).enumerate() {
            if store.copy_pixels(Split::Train, number * all / pictures, square).is_err() {
                square.fill(0);
            }
        }
        let pixels_crc32 = crc32fast::hash(&squares);
        Self { squares, mark: Replay { pictures, pixels_crc32 } }
    }

    /// Scores `[N, classes]` with the network as it is.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn scores(&self, network: &Network, input: &Input) -> Result<Vec<f32>, String> {
        if self.mark.pictures == 0 {
            return Ok(Vec::new());
        }
        let crops = infer::crops(self.mark.pictures, input.spec(), Views::One);
        network.scores_of(input.upload_crops(&self.squares, &crops, 1.0, network.device()))
    }
}

/// The largest difference of two sets of scores; 0 only if they are the same bit for bit.
pub(super) fn difference(one: &[f32], other: &[f32]) -> f64 {
    if one.len() != other.len() {
        return f64::INFINITY;
    }
    let pairs = one.iter().zip(other).filter(|(a, b)| a.to_bits() != b.to_bits());
    // Zeros of either sign are no difference worth a word, but not the same bits either.
    pairs.map(|(a, b)| f64::from((a - b).abs()).max(f64::MIN_POSITIVE)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bits_are_identical() {
        assert_eq!(difference(&[1.0, f32::NAN, -0.0], &[1.0, f32::NAN, -0.0]), 0.0);
        assert!(difference(&[0.0], &[-0.0]) > 0.0);
        assert_eq!(difference(&[1.0, 2.0], &[1.5, 2.0]), 0.5);
        assert_eq!(difference(&[1.0], &[1.0, 2.0]), f64::INFINITY);
    }
}
