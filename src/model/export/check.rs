//! Whether an exported file computes what the network computes.

use burn::tensor::Device;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::onnx::evaluate::{Tensor, Values};
use super::{ExportFormat, onnx, torch};
use crate::model::file::ModelFile;
use crate::model::input::Input;
use crate::model::network::Network;

/// Sides of the squares of equal colour in the pictures: noise, and two coarser patterns, because a network
/// answers hardly at all to noise alone.
const SQUARES: [usize; 3] = [1, 4, 16];
const SEED: u64 = 2012;

/// Pictures with the network's own answer to them.
pub(super) struct Reference {
    /// `[pictures, 3, side, side]`
    pixels: Vec<u8>,
    side: usize,
    classes: usize,
    /// `[pictures, classes]`
    scores: Vec<f32>,
}

impl Reference {
    /// Runs the network on the processor.
    pub fn of(model: &ModelFile) -> Result<Self, String> {
        let side = model.spec.input.side;
        let pixels = SQUARES.iter().flat_map(|&square| picture(side, square)).collect::<Vec<u8>>();
        let scores = scores(model, &pixels)?;
        if scores.iter().any(|score| !score.is_finite()) {
            return Err(
                "its scores are infinite or not numbers at all; train it again with a lower rate".into()
            );
        }
        Ok(Self { pixels, side, classes: model.classes.len(), scores })
    }

    /// Largest difference between the network and the bytes of an export.
    pub fn difference(&self, format: ExportFormat, bytes: &[u8]) -> Result<f64, String> {
        match format {
            ExportFormat::TorchSafetensors => {
                Ok(self.of_scores(&scores(&torch::read(bytes)?, &self.pixels)?))
            }
            ExportFormat::Onnx => self.of_onnx(bytes),
        }
    }

    /// The larger of the difference of the logits and that of the probabilities.
    fn of_onnx(&self, bytes: &[u8]) -> Result<f64, String> {
        let model = onnx::decode(bytes)?;
        let shape = vec![SQUARES.len(), 3, self.side, self.side];
        let pixels = self.pixels.iter().copied().map(f32::from).collect();
        let outputs = onnx::evaluate::evaluate(&model, Tensor::floats(shape, pixels))?;
        let rows = [SQUARES.len(), self.classes];
        let floats: Vec<&Vec<f32>> = outputs
            .iter()
            .filter_map(|output| match &output.values {
                Values::Floats(values) if output.shape == rows => Some(values),
                _ => None,
            })
            .collect();
        let [logits, probabilities] = floats.as_slice() else {
            return Err("it does not give logits and probabilities for every picture and class".into());
        };
        // Of the file's own logits: those are compared by themselves, and large ones would magnify what is left.
        let expected: Vec<f32> = logits.chunks_exact(self.classes).flat_map(softmax).collect();
        let pairs = probabilities.iter().zip(&expected);
        let probabilities = pairs.map(|(got, want)| f64::from((got - want).abs())).fold(0.0, larger);
        Ok(larger(self.of_scores(logits), probabilities))
    }

    /// As a share of the largest score.
    fn of_scores(&self, scores: &[f32]) -> f64 {
        let largest =
            self.scores.iter().map(|s| f64::from(s.abs())).fold(f64::from(f32::MIN_POSITIVE), larger);
        let pairs = scores.iter().zip(&self.scores);
        let difference = pairs.map(|(got, want)| f64::from((got - want).abs())).fold(0.0, larger);
        if scores.len() == self.scores.len() { difference / largest } else { f64::NAN }
    }
}

fn scores(model: &ModelFile, pixels: &[u8]) -> Result<Vec<f32>, String> {
    let network =
        Network::new(model.spec.clone(), &model.weights, &Device::flex()).map_err(|e| e.to_string())?;
    network.scores(&Input::new(model.spec.input, model.mean.clone()), pixels)
}

/// The maximum, or NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = row.iter().map(|&score| f64::from(score - best).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

/// `[3, side, side]` in squares of random colours.
fn picture(side: usize, square: usize) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED + square as u64);
    let across = side.div_ceil(square);
    let colours: Vec<u8> = (0..3 * across * across).map(|_| rng.next_u32() as u8).collect();
    (0..3 * side * side)
        .map(|i| {
            let (channel, row, column) = (i / (side * side), i / side % side, i % side);
            colours[(channel * across + row / square) * across + column / square]
        })
        .collect()
}
