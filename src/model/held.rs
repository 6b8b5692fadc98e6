//! What training holds of each layer between its forward and its backward step.
//!
//! A backward step asks for the layer's input, its output, or something of its own. Two layers that ask for the map
//! between them hold it once.

use super::spec::{LayerKind, ModelSpec};

/// What training holds of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Whether the backward step asks for the input.
    pub input: bool,
    /// Whether it asks for the output.
    pub output: bool,
    /// How many times the size of the output it holds besides.
    pub more: usize,
    /// Whether the layer before does this one's work: there is no map between them.
    pub done_before: bool,
}

impl ModelSpec {
    /// Whether layer `index` does the rectified linear unit behind it, which saves passes over its output.
    pub fn does_relu(&self, index: usize) -> bool {
        let kinds = self.layers[index..].iter().map(|layer| &layer.kind).take(2).collect::<Vec<_>>();
        matches!(kinds[..], [LayerKind::Conv { .. } | LayerKind::Linear { .. }, LayerKind::Relu])
    }

    /// What training holds of layer `index`.
    pub(super) fn held(&self, index: usize) -> Held {
        if index > 0 && self.does_relu(index - 1) {
            return Held { done_before: true, ..Held::default() };
        }
        let relu = self.does_relu(index);
        match self.layers[index].kind {
            // Each block's output is held, and what flows on is a copy of all of them side by side.
            LayerKind::Linear { columns, .. } if columns > 1 => {
                Held { input: true, more: usize::from(relu), ..Held::default() }
            }
            LayerKind::Conv { .. } | LayerKind::Linear { .. } => {
                Held { input: true, output: relu, ..Held::default() }
            }
            LayerKind::Tanh => Held { output: true, ..Held::default() },
            // Where each maximum was; which outputs were kept.
            LayerKind::MaxPool { .. } | LayerKind::Dropout { .. } => Held { more: 1, ..Held::default() },
            // Distances from the mean, once for the variance and once for the output.
            LayerKind::BatchNorm { .. } => Held { more: 2, ..Held::default() },
            LayerKind::Local { .. }
            | LayerKind::Relu
            | LayerKind::Lrn { .. }
            | LayerKind::SpatialNorm { .. }
            | LayerKind::AvgPool { .. } => Held { input: true, ..Held::default() },
        }
    }
}
