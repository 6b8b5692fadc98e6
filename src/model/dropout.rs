//! The two scalings of dropout, and how to go from one to the other.
//!
//! The paper (section 4.2) leaves the kept outputs as they are while training and multiplies all of them by
//! the share of kept ones otherwise. Later programs, PyTorch among them, divide the kept ones by that share
//! while training and do nothing otherwise. What the following layer sees differs by that share alone, so its
//! weights can make up for it: the network computes the same, with and without dropping.

use super::shapes::{ParameterRole, ShapeError, Shapes};
use super::spec::{LayerKind, LayerSpec, ModelSpec};

/// A dropout layer whose scaling cannot move into a following layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropoutError {
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(
        "the scaling of dropout layer {layer} cannot be converted: {reason}; keep the scaling it was trained with"
    )]
    Stuck { layer: String, reason: String },
}

/// Changes every dropout layer of `spec` to the inverted scaling (`inverted`) or to the paper's, and the
/// weights of the layers that follow them so that the network's function stays the same. `weights` holds the
/// values of [`Shapes::parameters`], in that order. Returns whether anything had to change.
///
/// # Errors
/// A spec whose layers do not fit together, or a dropout layer that no layer with weights follows, or only
/// after a layer to which a factor matters. Then nothing has been changed.
pub fn convert_dropout(
    spec: &mut ModelSpec,
    weights: &mut [Vec<f32>],
    inverted: bool,
) -> Result<bool, DropoutError> {
    let shapes = Shapes::of(spec)?;
    let mut changes = Vec::new();
    for (index, layer) in spec.layers.iter().enumerate() {
        if let LayerKind::Dropout { keep, inverted: now } = layer.kind
            && now != inverted
        {
            let factor = if inverted { keep } else { 1.0 / keep };
            changes.push((index, follower(&spec.layers, index)?, factor as f32));
        }
    }
    for &(dropout, follower, factor) in &changes {
        if let LayerKind::Dropout { inverted: now, .. } = &mut spec.layers[dropout].kind {
            *now = inverted;
        }
        for (parameter, values) in shapes.parameters.iter().zip(weights.iter_mut()) {
            if parameter.layer == follower && parameter.role == ParameterRole::Weight {
                values.iter_mut().for_each(|value| *value *= factor);
            }
        }
    }
    Ok(!changes.is_empty())
}

/// Index of the layer whose weights can take up a factor of what leaves layer `dropout`.
fn follower(layers: &[LayerSpec], dropout: usize) -> Result<usize, DropoutError> {
    let stuck = |reason: String| DropoutError::Stuck { layer: layers[dropout].name.clone(), reason };
    for (index, layer) in layers.iter().enumerate().skip(dropout + 1) {
        match layer.kind {
            LayerKind::Conv { .. } | LayerKind::Local { .. } | LayerKind::Linear { .. } => return Ok(index),
            // A factor above 0 passes through these unchanged.
            LayerKind::Relu
            | LayerKind::MaxPool { .. }
            | LayerKind::AvgPool { .. }
            | LayerKind::Dropout { .. } => {}
            LayerKind::Tanh
            | LayerKind::Lrn { .. }
            | LayerKind::SpatialNorm { .. }
            | LayerKind::BatchNorm { .. } => {
                return Err(stuck(format!("layer {} stands between it and the next weights", layer.name)));
            }
        }
    }
    Err(stuck("no layer with weights follows it".into()))
}
