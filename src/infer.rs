//! From a picture to its most probable classes.

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::data;
use crate::data::augment::{Placement, central_placement, cut};
use crate::model::{Input, InputSpec, Network};

/// How often a picture is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Views {
    /// The central crop.
    #[default]
    One,
    /// The four corners, the centre and their mirror images; their probabilities are averaged (paper
    /// section 4.1; for 24x24 crops of CIFAR-10 likewise, `convdata.py` of cuda-convnet).
    Ten,
}

/// Classes by probability, best first.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class name and probability.
    pub top: Vec<(String, f32)>,
    /// The pixels of the central view, before mean subtraction: exactly what the network saw.
    pub seen: RgbImage,
}

/// Classifies a picture.
///
/// # Errors
/// A device that no longer answers.
pub fn classify(
    network: &Network,
    input: &Input,
    classes: &[String],
    picture: &RgbImage,
    views: Views,
    top: usize,
) -> Result<Prediction, String> {
    let spec = input.spec();
    let stored = data::square(picture, spec.stored_side as u32);
    let planes = data::planes(&stored);
    let scores = network.scores(input, &crops(&planes, spec, views))?;
    let probabilities = mean_probabilities(&scores, classes.len());
    let mut ranked: Vec<(String, f32)> =
        classes.iter().cloned().zip(probabilities.iter().map(|&p| p as f32)).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(top);
    let margin = ((spec.stored_side - spec.side) / 2) as u32;
    let side = spec.side as u32;
    let seen = image::imageops::crop_imm(&stored, margin, margin, side, side).to_image();
    Ok(Prediction { top: ranked, seen })
}

/// Views `[views, 3, side, side]` of one stored picture `[3, stored_side, stored_side]`.
pub fn crops(planes: &[u8], spec: InputSpec, views: Views) -> Vec<u8> {
    let (stored, side) = (spec.stored_side as u32, spec.side as u32);
    let (middle, end) = ((stored - side) / 2, stored - side);
    let placements: Vec<Placement> = match views {
        Views::One => vec![central_placement(stored, side)],
        Views::Ten => {
            let corners = [(0, 0), (end, 0), (middle, middle), (0, end), (end, end)];
            let five = |flip| corners.map(|(left, top)| Placement { left, top, flip });
            [five(false), five(true)].concat()
        }
    };
    let mut out = Vec::with_capacity(placements.len() * 3 * spec.side * spec.side);
    for placement in placements {
        cut(planes, stored, side, placement, &mut out);
    }
    out
}

/// Softmax of each row of `[views, classes]`, averaged over the views.
pub fn mean_probabilities(scores: &[f32], classes: usize) -> Vec<f64> {
    let mut mean = vec![0.0; classes];
    let views = scores.len() / classes;
    for row in scores.chunks_exact(classes) {
        let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = row.iter().map(|s| f64::from(s - best).exp()).collect();
        let sum: f64 = powers.iter().sum();
        for (mean, power) in mean.iter_mut().zip(powers) {
            *mean += power / sum / views as f64;
        }
    }
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_views_are_corners_centre_and_mirrors() {
        let spec = InputSpec { side: 2, stored_side: 4, scale: [1.0; 3] };
        let planes: Vec<u8> = (0..48).collect();
        let views = crops(&planes, spec, Views::Ten);
        let red: Vec<&[u8]> = views.chunks_exact(12).map(|view| &view[..4]).collect();
        assert_eq!(red[0], [0, 1, 4, 5]);
        assert_eq!(red[1], [2, 3, 6, 7]);
        assert_eq!(red[2], [5, 6, 9, 10]);
        assert_eq!(red[3], [8, 9, 12, 13]);
        assert_eq!(red[4], [10, 11, 14, 15]);
        assert_eq!(red[5], [1, 0, 5, 4]);
        assert_eq!(red[9], [11, 10, 15, 14]);
        assert_eq!(crops(&planes, spec, Views::One)[..4], [5, 6, 9, 10]);
    }

    #[test]
    fn probabilities_are_averaged_not_scores() {
        let mean = mean_probabilities(&[0.0, 0.0, 100.0, 0.0], 2);
        assert!((mean[0] - 0.75).abs() < 1e-9 && (mean[1] - 0.25).abs() < 1e-9);
    }
}
