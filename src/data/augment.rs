//! Which part of a stored picture the network sees, and what chance does to its colours: crops, horizontal flips and
//! the draws of the colour noise (paper section 4.1).
//!
//! Pictures are `[3, side, side]`, RGB planes of 8-bit pixels.

use super::rng::{Purpose, Stream};

/// A crop of a stored picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Columns left of the crop.
    pub left: u32,
    /// Rows above the crop.
    pub top: u32,
    /// Whether the crop is mirrored, left to right.
    pub flip: bool,
}

/// The random crop of `crop` x `crop` pixels that picture `index` gets in `epoch`: every offset from 0 to
/// `stored - crop` and both mirrorings are equally likely. `crop` must not exceed `stored`.
pub fn random_placement(seed: u64, epoch: usize, index: usize, stored: u32, crop: u32) -> Placement {
    let mut stream = Stream::new(seed, Purpose::Augment, epoch as u64, index as u64);
    let offsets = stored - crop + 1;
    let left = stream.below(offsets);
    let top = stream.below(offsets);
    Placement { left, top, flip: stream.below(2) == 1 }
}

/// The draws of the colour noise for picture `index` in `epoch`: independent, standard normal, one for each principal
/// component. They share nothing with the crops, so switching the noise on or off changes no crop.
pub fn colour_normals(seed: u64, epoch: usize, index: usize) -> [f32; 3] {
    let mut stream = Stream::new(seed, Purpose::Colour, epoch as u64, index as u64);
    let [first, second] = stream.normals();
    let [third, _] = stream.normals();
    [first, second, third]
}

/// The central crop, not mirrored: for validation. `crop` must not exceed `stored`.
pub fn central_placement(stored: u32, crop: u32) -> Placement {
    let offset = (stored - crop) / 2;
    Placement { left: offset, top: offset, flip: false }
}

/// Appends the crop of `planes` (`[3, stored, stored]`) to `out` as `[3, crop, crop]`.
pub fn cut(planes: &[u8], stored: u32, crop: u32, placement: Placement, out: &mut Vec<u8>) {
    let (stored, crop) = (stored as usize, crop as usize);
    let (left, top) = (placement.left as usize, placement.top as usize);
    for plane in planes.chunks_exact(stored * stored) {
        for row in plane.chunks_exact(stored).skip(top).take(crop) {
            let row = &row[left..left + crop];
            if placement.flip {
                out.extend(row.iter().rev());
            } else {
                out.extend_from_slice(row);
            }
        }
    }
}
