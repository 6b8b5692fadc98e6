//! The order in which an epoch shows the pictures.

use super::rng::{Purpose, Stream};

/// The order of epoch `epoch`: every index below `count` once, as the seed and the epoch decide.
pub fn epoch_order(count: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let count = u32::try_from(count).expect("a data set has fewer than 2^32 pictures");
    let mut order: Vec<u32> = (0..count).collect();
    Stream::new(seed, Purpose::Order, epoch as u64, 0).shuffle(&mut order);
    order
}
