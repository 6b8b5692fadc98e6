//! What an exported file says about itself, so that someone without this program can feed the network as it
//! was trained: spec, classes, preprocessing.

use serde::{Deserialize, Serialize};

use crate::model::file::ModelFile;
use crate::model::spec::ModelSpec;

/// Metadata keys. They differ from that of our own files, so that an export is never taken for one.
pub(super) const SPEC: &str = "alexnet-lab.spec";
pub(super) const CLASSES: &str = "alexnet-lab.classes";
pub(super) const PREPROCESSING: &str = "alexnet-lab.preprocessing";
pub(super) const STEP: &str = "alexnet-lab.step";

/// Where a reader finds the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mean {
    /// The graph subtracts it.
    InGraph,
    /// The reader has to subtract it, and finds it here.
    Listed,
}

/// How pictures become input, in words and numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Preprocessing {
    colour_order: String,
    value_range: [f32; 2],
    /// Side of the square to which pictures are brought.
    stored_side: usize,
    /// Side of the crop that the network takes.
    crop_side: usize,
    resize: String,
    crop: String,
    formula: String,
    /// Whether pixels of 0 to 255 go in as they are.
    done_by_the_file: bool,
    /// Of red, green, blue.
    channel_mean: [f32; 3],
    pub scale: [f32; 3],
    /// `[3, crop_side, crop_side]` row-major, where it differs from pixel to pixel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean_image: Option<Vec<f32>>,
}

impl Preprocessing {
    fn of(model: &ModelFile, place: Mean) -> Self {
        let input = &model.spec.input;
        let plane = input.side * input.side;
        let channel_mean = std::array::from_fn(|c| {
            let values = &model.mean[c * plane..][..plane];
            if values.iter().all(|v| *v == values[0]) {
                // Not the rounded sum: a reader gets the very number.
                return values[0];
            }
            (values.iter().map(|&v| f64::from(v)).sum::<f64>() / plane as f64) as f32
        });
        let uniform =
            model.mean.chunks_exact(plane).zip(channel_mean).all(|(p, m)| p.iter().all(|v| *v == m));
        Self {
            colour_order: "RGB".into(),
            value_range: [0.0, 255.0],
            stored_side: input.stored_side,
            crop_side: input.side,
            resize: "shorter side to stored_side (bicubic, antialiased), then the central square".into(),
            crop: "central crop_side x crop_side pixels".into(),
            formula: "(pixel - mean) * scale".into(),
            done_by_the_file: place == Mean::InGraph,
            channel_mean,
            scale: input.scale,
            mean_image: (place == Mean::Listed && !uniform).then(|| model.mean.clone()),
        }
    }

    /// Whether this is for crops of `side` pixels.
    pub fn fits(&self, side: usize) -> bool {
        let numbers = self.mean_image.as_ref().map(Vec::len);
        self.crop_side == side && numbers.is_none_or(|numbers| numbers == 3 * side * side)
    }

    /// `[3, crop_side, crop_side]`
    pub fn mean(&self) -> Vec<f32> {
        let plane = self.crop_side * self.crop_side;
        let uniform =
            || self.channel_mean.iter().flat_map(|&mean| std::iter::repeat_n(mean, plane)).collect();
        self.mean_image.clone().unwrap_or_else(uniform)
    }
}

/// The entries that every export has.
pub(super) fn common(model: &ModelFile, place: Mean) -> Vec<(&'static str, String)> {
    let json = |value: serde_json::Result<String>| value.expect("names and numbers can be written as JSON");
    vec![
        (SPEC, json(serde_json::to_string::<ModelSpec>(&model.spec))),
        (CLASSES, json(serde_json::to_string(&model.classes))),
        (PREPROCESSING, json(serde_json::to_string(&Preprocessing::of(model, place)))),
        (STEP, model.step.to_string()),
    ]
}
