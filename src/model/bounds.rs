//! What a description may claim. Files come from strangers: a few bytes of text must not ask for more memory than
//! there is, nor for numbers with which sizes can no longer be worked out. Every bound is far beyond the networks that
//! this program is for.

use super::shapes::{MapShape, ShapeError};
use super::spec::{InputSpec, LayerKind, LayerSpec, ModelSpec};

/// Numbers of a whole network (the paper's has 61 million), and so of any part of it.
pub(super) const MAX_PARAMETERS: usize = 1 << 30;
const MAX_LAYERS: usize = 1024;
const MAX_NAME: usize = 256;
/// Sides of pictures, kernels and borders, in pixels.
const MAX_SIDE: usize = 4096;
/// Channels, outputs, groups.
const MAX_CHANNELS: usize = 1 << 20;
/// Values of a map for one picture (the paper's largest has 290,400).
const MAX_MAP: usize = 1 << 26;

/// Refuses a spec with numbers that no network has.
///
/// # Errors
/// The first layer, by name, or the input.
pub(super) fn check(spec: &ModelSpec) -> Result<(), ShapeError> {
    let failed =
        |layer: &str, reason: String| ShapeError { model: shown(&spec.name), layer: shown(layer), reason };
    check_input(&spec.input).map_err(|reason| failed("input", reason))?;
    if spec.layers.len() > MAX_LAYERS {
        return Err(failed("last", format!("there are more than {MAX_LAYERS} layers")));
    }
    let mut names = std::collections::BTreeSet::new();
    for layer in &spec.layers {
        if layer.name.is_empty() || layer.name.len() > MAX_NAME {
            return Err(failed(&layer.name, format!("its name must have 1 to {MAX_NAME} letters")));
        }
        if !names.insert(&layer.name) {
            return Err(failed(&layer.name, "another layer has the same name".into()));
        }
        check_layer(layer).map_err(|reason| failed(&layer.name, reason))?;
    }
    Ok(())
}

/// Refuses a map that is too large to be worked with.
pub(super) fn check_map(map: MapShape) -> Result<(), String> {
    let factors = match map {
        MapShape::Map { channels, height, width } => [channels, height, width],
        MapShape::Flat(features) => [features, 1, 1],
    };
    at_most(&factors, MAX_MAP)
        .map(|_| ())
        .ok_or_else(|| format!("its output of {map} is larger than any that is needed"))
}

/// How many numbers a parameter of this shape holds.
pub(super) fn count(shape: &[usize]) -> Result<usize, String> {
    at_most(shape, MAX_PARAMETERS).ok_or_else(|| "it asks for more than a thousand million parameters".into())
}

fn at_most(factors: &[usize], limit: usize) -> Option<usize> {
    let product = factors.iter().try_fold(1_usize, |product, &factor| product.checked_mul(factor))?;
    (product <= limit).then_some(product)
}

fn check_input(input: &InputSpec) -> Result<(), String> {
    let InputSpec { side, stored_side, scale } = *input;
    if side == 0 || side > stored_side || stored_side > MAX_SIDE {
        return Err(format!(
            "crops of {side} pixels from squares of {stored_side} cannot be made; squares may have {MAX_SIDE}"
        ));
    }
    if scale.iter().all(|scale| scale.is_finite()) { Ok(()) } else { Err("its scale is no number".into()) }
}

fn check_layer(layer: &LayerSpec) -> Result<(), String> {
    let bounded = |what: &str, value: usize, limit: usize| {
        if value <= limit {
            Ok(())
        } else {
            Err(format!("its {what} is {value}, but may be {limit} at most"))
        }
    };
    if let LayerKind::Conv { out: 0, .. } | LayerKind::Linear { out: 0, .. } = layer.kind {
        return Err("it has no outputs".into());
    }
    match layer.kind {
        LayerKind::Conv { out, kernel, stride, padding, groups, .. } => {
            bounded("number of outputs", out, MAX_CHANNELS)?;
            bounded("number of groups", groups, MAX_CHANNELS)?;
            for side in [kernel, stride, padding.top, padding.bottom, padding.left, padding.right] {
                bounded("kernel, stride or padding", side, MAX_SIDE)?;
            }
        }
        LayerKind::Local { out, kernel, padding, .. } => {
            bounded("number of outputs", out, MAX_CHANNELS)?;
            bounded("kernel", kernel, MAX_SIDE)?;
            bounded("padding", padding, MAX_SIDE)?;
        }
        LayerKind::MaxPool { kernel, stride, .. } | LayerKind::AvgPool { kernel, stride, .. } => {
            bounded("kernel", kernel, MAX_SIDE)?;
            bounded("stride", stride, MAX_SIDE)?;
        }
        LayerKind::Lrn { size, groups, .. } => {
            bounded("size", size, MAX_CHANNELS)?;
            bounded("number of groups", groups, MAX_CHANNELS)?;
        }
        LayerKind::SpatialNorm { size, .. } => bounded("size", size, MAX_SIDE)?,
        LayerKind::Linear { out, columns, .. } => {
            bounded("number of outputs", out, MAX_CHANNELS)?;
            bounded("number of columns", columns, MAX_CHANNELS)?;
        }
        LayerKind::Relu | LayerKind::Tanh | LayerKind::BatchNorm { .. } | LayerKind::Dropout { .. } => {}
    }
    Ok(())
}

/// Letters of a sentence about a file that are shown.
const MAX_SENTENCE: usize = 400;

/// A sentence that may hold names from a file, fit to be shown: names can be long and can hold anything.
pub fn plain(text: &str) -> String {
    let mut letters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let shown: String = letters.by_ref().take(MAX_SENTENCE).collect();
    if letters.next().is_some() { shown + "…" } else { shown }
}

/// The beginning of a name, for a message.
fn shown(name: &str) -> String {
    name.chars().take(60).collect()
}
