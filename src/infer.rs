//! From a picture to its most probable classes, and to what the layers make of it on the way.

mod activations;
mod exciting;
mod grad_cam;
mod occlusion;

use image::RgbImage;
use serde::{Deserialize, Serialize};

use crate::data;
use crate::model::{Crop, Input, InputSpec, Network};

pub use activations::{Activations, LayerActivations, Muted, Step, activations, ranked};
pub use exciting::{Candidate, Excites, Exciting, Search, Shown};
pub use grad_cam::{GradCam, grad_cam, usual_layer};
pub use occlusion::{Occlusion, OcclusionWork, Patch};

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
    let pictures = input.upload_crops(&planes, &crops(1, spec, views), 1.0, network.device());
    let scores = network.scores_of(pictures)?;
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

/// What the network sees of each of `pictures` stored pictures, all views of a picture in a row.
pub fn crops(pictures: usize, spec: InputSpec, views: Views) -> Vec<Crop> {
    let (stored, side) = (spec.stored_side as u32, spec.side as u32);
    let (middle, end) = ((stored - side) / 2, stored - side);
    let places: Vec<(u32, u32, bool)> = match views {
        Views::One => vec![(middle, middle, false)],
        Views::Ten => {
            let corners = [(0, 0), (end, 0), (middle, middle), (0, end), (end, end)];
            let five = |flip| corners.map(|(left, top)| (left, top, flip));
            [five(false), five(true)].concat()
        }
    };
    let of = |picture| places.iter().map(move |&(left, top, flip)| (picture, left, top, flip));
    let all = (0..pictures).flat_map(of);
    all.map(|(picture, left, top, flip)| Crop { picture, left, top, flip, shift: [0.0; 3] }).collect()
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
        let places = |views| {
            let all = crops(2, spec, views).into_iter();
            all.map(|crop| (crop.picture, crop.left, crop.top, crop.flip)).collect::<Vec<_>>()
        };
        let ten = places(Views::Ten);
        let five = [(0, 0), (2, 0), (1, 1), (0, 2), (2, 2)];
        for (number, &(left, top)) in five.iter().enumerate() {
            assert_eq!(ten[number], (0, left, top, false));
            assert_eq!(ten[number + 5], (0, left, top, true));
            assert_eq!(ten[number + 10], (1, left, top, false));
        }
        assert_eq!(ten.len(), 20);
        assert_eq!(places(Views::One), [(0, 1, 1, false), (1, 1, 1, false)]);
    }

    #[test]
    fn probabilities_are_averaged_not_scores() {
        let mean = mean_probabilities(&[0.0, 0.0, 100.0, 0.0], 2);
        assert!((mean[0] - 0.75).abs() < 1e-9 && (mean[1] - 0.25).abs() < 1e-9);
    }
}
