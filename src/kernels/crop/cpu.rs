//! The twin of `shaders/crop.wgsl`.

use rayon::prelude::*;

use super::{Crop, CropConfig};

/// `[M, 3, side, side]` of pictures `[N, 3, stored, stored]`.
pub(super) fn forward(pixels: &[u8], crops: &[Crop], mean: &[f32], config: &CropConfig) -> Vec<f32> {
    let stored = 3 * config.stored * config.stored;
    let mut y = vec![0.0; crops.len() * mean.len()];
    y.par_chunks_mut(mean.len()).zip(crops).for_each(|(y, crop)| {
        let picture = &pixels[crop.picture * stored..][..stored];
        one(picture, crop, mean, config, y);
    });
    y
}

/// `[3, side, side]` of the picture `[3, stored, stored]`.
fn one(picture: &[u8], crop: &Crop, mean: &[f32], config: &CropConfig, y: &mut [f32]) {
    let CropConfig { stored, side, factor } = *config;
    let plane = side * side;
    let channels = y.chunks_exact_mut(plane).zip(mean.chunks_exact(plane));
    let channels = channels.zip(picture.chunks_exact(stored * stored));
    for (((y, mean), picture), (shift, factor)) in channels.zip(crop.shift.into_iter().zip(factor)) {
        let rows = picture.chunks_exact(stored).skip(crop.top as usize);
        let rows = rows.map(|row| &row[crop.left as usize..][..side]);
        for ((y, mean), row) in y.chunks_exact_mut(side).zip(mean.chunks_exact(side)).zip(rows) {
            let value = |pixel: u8, mean: f32| (f32::from(pixel) - mean + shift) * factor;
            let pairs = y.iter_mut().zip(mean);
            if crop.flip {
                pairs.zip(row.iter().rev()).for_each(|((y, &mean), &pixel)| *y = value(pixel, mean));
            } else {
                pairs.zip(row).for_each(|((y, &mean), &pixel)| *y = value(pixel, mean));
            }
        }
    }
}
