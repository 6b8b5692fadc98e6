//! First weights, the same on every device for the same seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::presets::INPUT_DEVIATION;
use super::shapes::{ParameterRole, ParameterShape, Shapes};
use super::spec::{InitSpec, LayerKind, LayerSpec, ModelSpec};
use crate::config::Init;

/// Values drawn from one random stream; streams are independent, so blocks can be drawn in parallel.
const BLOCK: usize = 1 << 16;

/// Growth of the root mean square by a 3x3 maximum over rectified maps: 2.3 if neighbours had nothing in
/// common, 1 if they were equal, and about this for maps of photographs.
const POOL_GROWTH: f64 = 1.5;

/// Draws the first values of every parameter, in the order of [`Shapes::parameters`].
pub fn first_weights(spec: &ModelSpec, shapes: &Shapes, init: Init, seed: u64) -> Vec<Vec<f32>> {
    let last = spec.layers.len() - 1;
    shapes
        .parameters
        .iter()
        .enumerate()
        .map(|(index, parameter)| {
            let (std, bias) = deviation(spec, parameter, init, parameter.layer == last);
            let count = parameter.shape.iter().product();
            match parameter.role {
                ParameterRole::Bias => vec![bias as f32; count],
                ParameterRole::Weight => gaussian(count, std, seed, index as u64),
            }
        })
        .collect()
}

/// Standard deviation of the weights and value of the biases.
fn deviation(spec: &ModelSpec, parameter: &ParameterShape, init: Init, is_last: bool) -> (f64, f64) {
    let paper = match spec.layers[parameter.layer].kind {
        LayerKind::Conv { init, .. } | LayerKind::Linear { init, .. } => init,
        _ => InitSpec { std: 0.0, bias: 0.0, decay_scale: 1.0 },
    };
    match init {
        Init::Paper => (paper.std, paper.bias),
        Init::FanIn => {
            // The last layer starts small, so that the first loss is near ln(classes).
            let scale = if is_last { 0.1 } else { 1.0 };
            let deviation = (2.0 / parameter.fan_in as f64).sqrt();
            (scale * deviation / incoming(&spec.layers[..parameter.layer]), 0.0)
        }
    }
}

/// Root mean square of what reaches a layer, to begin with, in units of what the weights before it give out.
/// Response normalisation scales it by k^-beta, dropout by sqrt(keep), the maximum of a window by
/// [`POOL_GROWTH`]. Linear layers of thousands of inputs learn far too fast where this is left out.
fn incoming(before: &[LayerSpec]) -> f64 {
    let weighted =
        |layer: &LayerSpec| matches!(layer.kind, LayerKind::Conv { .. } | LayerKind::Linear { .. });
    let last = before.iter().rposition(weighted);
    let start = if last.is_some() { 1.0 } else { f64::from(INPUT_DEVIATION) };
    let since = &before[last.map_or(0, |last| last + 1)..];
    let factors = since.iter().map(|layer| match layer.kind {
        LayerKind::Lrn { k, beta, .. } => f64::from(k).powf(-f64::from(beta)),
        LayerKind::Dropout { keep } => keep.sqrt(),
        LayerKind::MaxPool { .. } => POOL_GROWTH,
        _ => 1.0,
    });
    start * factors.product::<f64>()
}

fn gaussian(count: usize, std: f64, seed: u64, parameter: u64) -> Vec<f32> {
    let mut values = vec![0.0; count];
    values.par_chunks_mut(BLOCK).enumerate().for_each(|(block, chunk)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(parameter << 32 | block as u64);
        for value in chunk {
            *value = (rng.sample::<f64, _>(StandardNormal) * std) as f32;
        }
    });
    values
}
