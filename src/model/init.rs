//! First weights, the same on every device for the same seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::presets::Family;
use super::shapes::{ParameterRole, ShapeError, Shapes};
use super::spec::{InputSpec, LayerKind, LayerSpec, ModelSpec};
use crate::config::Init;

/// Values drawn from one random stream; streams are independent, so blocks can be drawn in parallel.
const BLOCK: usize = 1 << 16;

/// The paper's deviation of all first weights (section 5).
const PRINTED_DEVIATION: f64 = 0.01;

/// About the standard deviation of photographs around their mean, in 0 to 255.
const PIXEL_DEVIATION: f32 = 64.0;

/// Standard deviation of the input under [`Init::FanIn`]. The first weights are smaller by this factor, so the
/// network begins as the same function, but its first layer learns by the square of it faster, as it does in
/// the paper, whose pixels have a deviation of 70 to 80: kernels soon show what was learned and not how they began.
const INPUT_DEVIATION: f32 = 6.0;

/// Growth of the root mean square by a 3x3 maximum over rectified maps: 2.3 if neighbours had nothing in
/// common, 1 if they were equal, and about this for maps of photographs.
const POOL_GROWTH: f64 = 1.5;

/// Writes into every layer of `spec` how its first values are drawn.
///
/// # Errors
/// A layer that does not fit: the number of its inputs is not known then.
pub(super) fn settle(
    spec: &mut ModelSpec,
    family: Family,
    init: Init,
    last_bias: Option<f64>,
) -> Result<(), ShapeError> {
    match init {
        Init::Author => {}
        Init::Paper if family == Family::AlexNet => {
            for init in spec.layers.iter_mut().filter_map(|layer| layer.kind.init_mut()) {
                init.std = PRINTED_DEVIATION;
            }
        }
        Init::Paper => {}
        Init::FanIn => scale_to_inputs(spec)?,
    }
    if let (Some(bias), Some(last)) = (last_bias, spec.layers.last_mut().and_then(|l| l.kind.init_mut())) {
        last.bias = bias;
    }
    Ok(())
}

/// Deviations of He et al. 2015, biases 0, and an input of deviation [`INPUT_DEVIATION`] where the preset has
/// pixels of 0 to 255.
fn scale_to_inputs(spec: &mut ModelSpec) -> Result<(), ShapeError> {
    if spec.input.scale == [1.0; 3] {
        spec.input.scale = [INPUT_DEVIATION / PIXEL_DEVIATION; 3];
    }
    let shapes = Shapes::of(spec)?;
    let last = spec.layers.len() - 1;
    let tanh = spec.layers.iter().any(|layer| layer.kind == LayerKind::Tanh);
    // A neuron that rectifies passes on half of what reaches it.
    let gain = if tanh { 1.0 } else { 2.0f64 };
    for parameter in shapes.parameters.iter().filter(|p| p.role == ParameterRole::Weight) {
        let index = parameter.layer;
        let reaching = incoming(&spec.input, &spec.layers[..index]);
        // The last layer starts small, so that the first loss is near ln(classes).
        let scale = if index == last { 0.1 } else { 1.0 };
        if let Some(init) = spec.layers[index].kind.init_mut() {
            init.std = scale * (gain / parameter.fan_in as f64).sqrt() / reaching;
            init.bias = 0.0;
        }
    }
    Ok(())
}

/// The same for the last layer alone, by [`Init::FanIn`]; everything else of `spec` stays as it is.
///
/// # Errors
/// As [`settle`].
pub(super) fn settle_last(spec: &mut ModelSpec) -> Result<(), ShapeError> {
    let mut fresh = spec.clone();
    scale_to_inputs(&mut fresh)?;
    if let (Some(last), Some(settled)) = (spec.layers.last_mut(), fresh.layers.pop()) {
        last.kind = settled.kind;
    }
    Ok(())
}

/// Draws the first values of every parameter, in the order of [`Shapes::parameters`].
pub fn first_weights(spec: &ModelSpec, shapes: &Shapes, seed: u64) -> Vec<Vec<f32>> {
    (0..shapes.parameters.len()).map(|index| first_values(spec, shapes, index, seed)).collect()
}

/// Draws the first values of one parameter.
pub(super) fn first_values(spec: &ModelSpec, shapes: &Shapes, index: usize, seed: u64) -> Vec<f32> {
    let parameter = &shapes.parameters[index];
    let count = parameter.shape.iter().product();
    let init = spec.layers[parameter.layer].kind.init();
    match (parameter.role, init) {
        (ParameterRole::Weight, Some(init)) => gaussian(count, init.std, seed, index as u64),
        (ParameterRole::Bias, Some(init)) => vec![init.bias as f32; count],
        // A batch normalisation begins by changing nothing but the deviation.
        (ParameterRole::Gain, _) => vec![1.0; count],
        (ParameterRole::Statistic, _) if parameter.name.ends_with("running_var") => vec![1.0; count],
        _ => vec![0.0; count],
    }
}

/// Root mean square of what reaches a layer, to begin with, in units of what the weights before it give out.
/// Response normalisation scales it by k^-beta, dropout by sqrt(keep), the maximum of a window by
/// [`POOL_GROWTH`]. Linear layers of thousands of inputs learn far too fast where this is left out.
fn incoming(input: &InputSpec, before: &[LayerSpec]) -> f64 {
    let last = before.iter().rposition(|layer| layer.kind.init().is_some());
    let start = if last.is_some() { 1.0 } else { f64::from(input.scale[0] * PIXEL_DEVIATION) };
    let since = &before[last.map_or(0, |last| last + 1)..];
    let factors = since.iter().map(|layer| match layer.kind {
        LayerKind::Lrn { k, beta, .. } | LayerKind::SpatialNorm { k, beta, .. } => {
            f64::from(k).powf(-f64::from(beta))
        }
        LayerKind::Dropout { keep, inverted: false } => keep.sqrt(),
        LayerKind::Dropout { keep, inverted: true } => 1.0 / keep.sqrt(),
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
