//! From a picture to its most probable classes, to the votes of its views, to the pictures most like it, and to what
//! the layers make of it on the way.
//!
//! ```text
//! picture -> square -> crops -> network -> scores -> softmax, averaged over the views -> Prediction
//!                                       -> last hidden layer -> Features::nearest
//! ```

mod activations;
mod exciting;
mod grad_cam;
mod nearest;
mod occlusion;
mod truth;

use image::RgbImage;
use serde::{Deserialize, Serialize};

pub use activations::{Activations, LayerActivations, Muted, Step, activations, ranked};
pub use exciting::{Candidate, Excites, Exciting, Search, Shown};
pub use grad_cam::{GradCam, grad_cam, usual_layer};
pub use nearest::{Features, KEPT_BYTES, distance};
pub use occlusion::{Occlusion, OcclusionWork, Patch};
pub use truth::{Truth, class_of_path};

use crate::data;
use crate::model::{Crop, Input, InputSpec, Network};

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

impl Views {
    /// How many crops of a picture that is.
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Ten => 10,
        }
    }
}

/// Classes by probability, best first.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Class name and probability.
    pub top: Vec<(String, f32)>,
    /// The pixels of the central view, before mean subtraction: exactly what the network saw.
    pub seen: RgbImage,
    /// What it really is, where that is known.
    pub truth: Option<Truth>,
    /// What each view says by itself, in the order of [`crops`].
    pub votes: Vec<Vote>,
    /// The stored square that the views are cut out of; empty when there is one view only.
    pub square: RgbImage,
}

impl Prediction {
    /// How many views take the picture for what all of them together do.
    pub fn agreeing(&self) -> usize {
        let best = self.top.first().map(|(class, _)| class);
        self.votes.iter().filter(|vote| Some(&vote.class) == best).count()
    }
}

/// What one view of a picture says by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    /// Left and upper edge of the view in the stored square, in pixels.
    pub corner: [u32; 2],
    /// Whether it is mirrored.
    pub flip: bool,
    /// Its most probable class, and how probable.
    pub class: String,
    pub probability: f32,
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
    classify_known(network, input, classes, picture, views, top, None)
}

/// As [`classify`]; `truth` is the index of its class, where that is known.
///
/// # Errors
/// As [`classify`].
pub fn classify_known(
    network: &Network,
    input: &Input,
    classes: &[String],
    picture: &RgbImage,
    views: Views,
    top: usize,
    truth: Option<usize>,
) -> Result<Prediction, String> {
    let spec = input.spec();
    let square = data::square(picture, spec.stored_side as u32);
    let crops = crops(1, spec, views);
    let pictures = input.upload_crops(&data::planes(&square), &crops, 1.0, network.device());
    let scores = network.scores_of(pictures)?;
    let probabilities = mean_probabilities(&scores, classes.len());
    let side = spec.side as u32;
    let margin = (spec.stored_side as u32 - side) / 2;
    let seen = image::imageops::crop_imm(&square, margin, margin, side, side).to_image();
    let votes = match views {
        Views::One => Vec::new(),
        Views::Ten => votes(&crops, &scores, classes),
    };
    Ok(Prediction {
        top: most_probable(&probabilities, classes, top),
        seen,
        truth: truth.and_then(|class| Truth::of(class, &probabilities, classes)),
        square: if votes.is_empty() { RgbImage::new(0, 0) } else { square },
        votes,
    })
}

/// The most probable classes of each of some stored squares `[N, 3, stored_side, stored_side]`, with their truths:
/// [`classify`] for many.
///
/// # Errors
/// A device that no longer answers.
pub fn classify_squares(
    network: &Network,
    input: &Input,
    classes: &[String],
    squares: &[u8],
    truths: &[Option<usize>],
    views: Views,
    top: usize,
) -> Result<Vec<Classified>, String> {
    let crops = crops(truths.len(), input.spec(), views);
    let pictures = input.upload_crops(squares, &crops, 1.0, network.device());
    let scores = network.scores_of(pictures)?;
    let of_pictures = scores.chunks_exact(views.count() * classes.len());
    let answer = |(scores, truth): (&[f32], &Option<usize>)| {
        let probabilities = mean_probabilities(scores, classes.len());
        let truth = truth.and_then(|class| Truth::of(class, &probabilities, classes));
        Classified { top: most_probable(&probabilities, classes, top), truth }
    };
    Ok(of_pictures.zip(truths).map(answer).collect())
}

/// What the network takes a picture for, without pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// Class name and probability, best first.
    pub top: Vec<(String, f32)>,
    /// What it really is, where that is known.
    pub truth: Option<Truth>,
}

/// The `top` most probable classes, best first.
fn most_probable(probabilities: &[f64], classes: &[String], top: usize) -> Vec<(String, f32)> {
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    order.truncate(top);
    order.into_iter().map(|class| (classes[class].clone(), probabilities[class] as f32)).collect()
}

fn votes(crops: &[Crop], scores: &[f32], classes: &[String]) -> Vec<Vote> {
    let vote = |(crop, row): (&Crop, &[f32])| {
        let (class, probability) =
            most_probable(&mean_probabilities(row, classes.len()), classes, 1).pop()?;
        Some(Vote { corner: [crop.left, crop.top], flip: crop.flip, class, probability })
    };
    crops.iter().zip(scores.chunks_exact(classes.len())).filter_map(vote).collect()
}

/// The last hidden layer's values of the central view of each of `pictures` stored squares
/// `[N, 3, stored_side, stored_side]`; nothing if the network has no hidden layer.
///
/// # Errors
/// A device that no longer answers.
pub fn hidden_values(
    network: &Network,
    input: &Input,
    squares: &[u8],
    pictures: usize,
) -> Result<Option<Vec<f32>>, String> {
    let Some(hidden) = network.hidden() else { return Ok(None) };
    let crops = crops(pictures, input.spec(), Views::One);
    let pictures = input.upload_crops(squares, &crops, 1.0, network.device());
    network.hidden_values(&hidden, pictures).map(Some)
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
