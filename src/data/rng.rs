//! Random numbers that depend on what they are for, and on nothing else.
//!
//! Every draw of the data layer comes from a stream named by (seed, purpose, two numbers), so it is the same on
//! every machine, for any number of threads and in any order of work. The few distributions needed are written
//! out here because those of a library may change their values between versions.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is for. Two purposes never share numbers, even under the same seed.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Sample = 1,
    Split = 2,
    Order = 3,
    Augment = 4,
    Colour = 5,
}

/// A stream of random numbers.
pub(super) struct Stream(ChaCha8Rng);

impl Stream {
    pub(super) fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A whole number in `0..bound`, each equally likely. `bound` must not be 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // Lemire 2019, "Fast random integer generation in an interval": multiply, and reject the few low
        // products that would favour some numbers.
        let reject_under = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.bits()) * u64::from(bound);
            if product as u32 >= reject_under {
                return (product >> 32) as u32;
            }
        }
    }

    /// A number in `[0, 1)`, a multiple of 2^-24, which an `f32` holds exactly.
    pub(super) fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / 16_777_216.0
    }

    /// A number in `[low, high)`.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Two independent numbers of the standard normal distribution (Box and Muller 1958). Rounded to `f32`, so that the
    /// last digit of a platform's logarithm or cosine does not show.
    pub(super) fn normals(&mut self) -> [f32; 2] {
        // In (0, 1], for the logarithm of 0 is no number.
        let radius = (-2.0 * (1.0 - self.fine_unit()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * self.fine_unit()).sin_cos();
        [(radius * cosine) as f32, (radius * sine) as f32]
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    fn fine_unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let bound = u32::try_from(last + 1).expect("a data set has fewer than 2^32 pictures");
            items.swap(last, self.below(bound) as usize);
        }
    }
}
