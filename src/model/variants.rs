//! The paper's comparisons, each as one setting: neuron, normalisation, pooling, columns, dropout, depth.
//!
//! [`Variants::apply`] changes the list of layers of a preset; nothing else in the program knows of variants.

use super::init;
use super::presets::Family;
use super::shapes::ShapeError;
use super::spec::{LayerKind, LayerSpec, ModelSpec, Sides};
use crate::config::{Activation, Dropout, Init, ModelConfig, Norm, NormOrder, Pooling};

/// Every choice made; [`ModelConfig`] holds them as settings that may be empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    pub init: Init,
    /// First biases of the last layer, if not those of `init`.
    pub last_bias: Option<f64>,
    pub activation: Activation,
    pub norm: Norm,
    pub norm_order: NormOrder,
    pub pooling: Pooling,
    /// 1 or 2.
    pub columns: usize,
    pub dropout: Dropout,
    /// Convolutions left out.
    pub without: Vec<String>,
}

/// A variant that a preset does not have.
#[derive(Debug, thiserror::Error)]
#[error("model {model} cannot have {setting}: {reason}")]
pub struct VariantError {
    pub model: String,
    /// The setting with its value, as `--set` takes it.
    pub setting: String,
    pub reason: String,
}

impl Variants {
    /// Fills the empty settings of `config` from a preset's own, in the config too.
    pub fn resolve(config: &mut ModelConfig, standard: &Self) -> Self {
        Self {
            init: *config.init.get_or_insert(standard.init),
            last_bias: config.last_bias.or(standard.last_bias),
            activation: *config.activation.get_or_insert(standard.activation),
            norm: *config.norm.get_or_insert(standard.norm),
            norm_order: *config.norm_order.get_or_insert(standard.norm_order),
            pooling: *config.pooling.get_or_insert(standard.pooling),
            columns: *config.columns.get_or_insert(standard.columns),
            dropout: *config.dropout.get_or_insert(standard.dropout),
            without: config.without.clone(),
        }
    }

    /// Changes a preset's layers, which are written with every normalisation in place, two columns, rectifying
    /// neurons and overlapping pooling, and sets the first values of their weights.
    ///
    /// # Errors
    /// A variant that makes no sense for this network; a layer that no longer fits.
    pub(super) fn apply(&self, spec: &mut ModelSpec, family: Family) -> Result<(), super::SpecError> {
        let model = spec.name.clone();
        let refuse = |setting: String, reason: &str| {
            Err(super::SpecError::Variant(VariantError {
                model: model.clone(),
                setting,
                reason: reason.into(),
            }))
        };
        let layers = &mut spec.layers;
        for (index, name) in self.without.iter().enumerate() {
            if self.without[..index].contains(name) {
                continue;
            }
            if let Err(reason) = leave_out(layers, name) {
                return refuse(format!("model.without={name}"), &reason);
            }
        }
        match (family, self.columns) {
            (_, 1) => set_columns(layers, 1),
            (Family::AlexNet, columns) => set_columns(layers, columns),
            (Family::Cifar, columns) => {
                return refuse(format!("model.columns={columns}"), "it was made as one column");
            }
        }
        if self.pooling == Pooling::Plain {
            pool_side_by_side(layers, family);
        }
        match self.norm {
            Norm::Printed => {}
            Norm::Author => divide_alpha(layers),
            Norm::Off | Norm::Batch => layers.retain(|layer| !is_norm(&layer.kind)),
        }
        match self.norm {
            Norm::Printed | Norm::Author if !layers.iter().any(|layer| is_norm(&layer.kind)) => {
                return refuse(
                    format!("model.norm={}", if self.norm == Norm::Author { "author" } else { "printed" }),
                    "it has no response normalisation; choose off or batch",
                );
            }
            Norm::Batch => add_batch_norm(layers),
            _ => order_norms(layers, self.norm_order),
        }
        let has_dropout = layers.iter().any(|layer| matches!(layer.kind, LayerKind::Dropout { .. }));
        match self.dropout {
            Dropout::Off => layers.retain(|layer| !matches!(layer.kind, LayerKind::Dropout { .. })),
            kind if has_dropout => scale_dropout(layers, kind == Dropout::Inverted),
            kind => {
                let name = if kind == Dropout::Inverted { "inverted" } else { "original" };
                return refuse(format!("model.dropout={name}"), "it has no dropout; choose off");
            }
        }
        if self.activation == Activation::Tanh {
            for layer in layers.iter_mut().filter(|layer| layer.kind == LayerKind::Relu) {
                layer.kind = LayerKind::Tanh;
                layer.name = layer.name.replacen("relu", "tanh", 1);
            }
        }
        init::settle(spec, family, self.init, self.last_bias).map_err(ShapeError::into)
    }
}

fn is_norm(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Lrn { .. } | LayerKind::SpatialNorm { .. })
}

fn is_neuron(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Relu | LayerKind::Tanh)
}

fn is_convolution(kind: &LayerKind) -> bool {
    matches!(kind, LayerKind::Conv { .. } | LayerKind::Local { .. })
}

fn has_weights(kind: &LayerKind) -> bool {
    is_convolution(kind) || matches!(kind, LayerKind::Linear { .. })
}

/// Names of the convolutions that can be left out: all but the first.
pub fn middle_convolutions(layers: &[LayerSpec]) -> impl Iterator<Item = &str> {
    layers.iter().filter(|layer| is_convolution(&layer.kind)).skip(1).map(|layer| layer.name.as_str())
}

/// Takes out a convolution with its neurons and its normalisation; its pooling stays.
fn leave_out(layers: &mut Vec<LayerSpec>, name: &str) -> Result<(), String> {
    if !middle_convolutions(layers).any(|known| known == name) {
        let known: Vec<&str> = middle_convolutions(layers).collect();
        return Err(format!("only a middle convolution can be left out: {}", known.join(", ")));
    }
    let first = layers.iter().position(|layer| layer.name == name).unwrap_or(0);
    let end = layers[first + 1..]
        .iter()
        .position(|layer| has_weights(&layer.kind))
        .map_or(layers.len(), |after| first + 1 + after);
    let mut at = 0;
    layers.retain(|layer| {
        at += 1;
        let index = at - 1;
        let its_own = is_neuron(&layer.kind) || is_norm(&layer.kind);
        index != first && !(first < index && index < end && its_own)
    });
    Ok(())
}

/// Groups of the convolutions that have two, and of the normalisation.
fn set_columns(layers: &mut [LayerSpec], columns: usize) {
    for layer in layers {
        match &mut layer.kind {
            LayerKind::Conv { groups, .. } | LayerKind::Lrn { groups, .. } if *groups > 1 => {
                *groups = columns
            }
            _ => {}
        }
    }
}

/// Windows of 2x2 that do not overlap. In the AlexNets conv2 and conv5 lose one pixel of padding, as in the
/// author's `layers-147.cfg`, so that the linear layers see as many values as before.
fn pool_side_by_side(layers: &mut [LayerSpec], family: Family) {
    for layer in layers {
        match &mut layer.kind {
            LayerKind::MaxPool { kernel, stride, ceil } | LayerKind::AvgPool { kernel, stride, ceil } => {
                (*kernel, *stride, *ceil) = (2, 2, true);
            }
            LayerKind::Conv { padding, .. }
                if family == Family::AlexNet && ["conv2", "conv5"].contains(&layer.name.as_str()) =>
            {
                *padding = Sides::all(padding.top - 1);
            }
            _ => {}
        }
    }
}

/// `scale /= size` (maps) and `scale /= size^2` (pixels) in the author's `layer.py`.
fn divide_alpha(layers: &mut [LayerSpec]) {
    for layer in layers {
        match &mut layer.kind {
            LayerKind::Lrn { alpha, size, .. } => *alpha /= *size as f32,
            LayerKind::SpatialNorm { alpha, size, .. } => *alpha /= (*size * *size) as f32,
            _ => {}
        }
    }
}

/// A batch normalisation after every convolution.
fn add_batch_norm(layers: &mut Vec<LayerSpec>) {
    let old = std::mem::take(layers);
    for layer in old {
        let norm = is_convolution(&layer.kind).then(|| LayerSpec {
            name: format!("bn{}", layer.name.trim_start_matches(|c: char| !c.is_ascii_digit())),
            kind: LayerKind::BatchNorm { epsilon: 1e-5, momentum: 0.1 },
        });
        layers.push(layer);
        layers.extend(norm);
    }
}

/// Moves every normalisation across maps to its side of the neurons of its convolution.
fn order_norms(layers: &mut Vec<LayerSpec>, order: NormOrder) {
    let names: Vec<String> = layers
        .iter()
        .filter(|layer| matches!(layer.kind, LayerKind::Lrn { .. }))
        .map(|layer| layer.name.clone())
        .collect();
    for (number, name) in names.iter().enumerate() {
        let before = match order {
            NormOrder::AfterRelu => false,
            NormOrder::BeforeRelu => true,
            NormOrder::Author => number == 0,
        };
        let at = layers.iter().position(|layer| layer.name == *name).unwrap_or(0);
        let start = layers[..at].iter().rposition(|layer| has_weights(&layer.kind)).unwrap_or(0);
        let end = layers[at..]
            .iter()
            .position(|layer| has_weights(&layer.kind))
            .map_or(layers.len(), |after| at + after);
        let Some(neuron) = (start..end).find(|&index| is_neuron(&layers[index].kind)) else { continue };
        if before != (at < neuron) {
            let norm = layers.remove(at);
            // Taking it out has moved the neuron one place down if the norm stood before it.
            layers.insert(neuron, norm);
        }
    }
}

fn scale_dropout(layers: &mut [LayerSpec], to: bool) {
    for layer in layers {
        if let LayerKind::Dropout { inverted, .. } = &mut layer.kind {
            *inverted = to;
        }
    }
}
