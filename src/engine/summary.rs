//! A network layer by layer, before anything is allocated.

use serde::Serialize;

use super::memory::{self, MemoryNeed};
use crate::config::{ModelConfig, OptimConfig};
use crate::device::DeviceKind;
use crate::model::{LayerKind, ModelSpec, Preset, Shapes, Sides, Variants, preset};

/// What a network is and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkSummary {
    /// The preset's name.
    pub model: String,
    pub title: String,
    /// Side of the square input in pixels.
    pub input_side: usize,
    pub layers: Vec<LayerSummary>,
    /// Learned numbers.
    pub parameters: usize,
    /// Multiply-adds of one forward pass of one picture.
    pub multiply_adds: usize,
    /// Pictures an update.
    pub batch: usize,
    /// Pictures that pass through the network at once.
    pub pass: usize,
    /// Bytes that training takes at its peak: weights, gradients and velocities, and the maps of a pass with theirs.
    pub training_bytes: u64,
    /// The same beside the memory of this machine.
    pub memory: MemoryNeed,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerSummary {
    pub name: String,
    /// For example "5x5 convolution, padding 2, 2 columns".
    pub what: String,
    /// Shape of the output for one picture, for example "96x55x55".
    pub output: String,
    pub parameters: usize,
    /// Multiply-adds for one picture.
    pub multiply_adds: usize,
    /// Bytes of the output for a whole batch.
    pub output_bytes: usize,
}

/// Describes the network that `model` asks for, with `classes` outputs, and what it costs to train as `optim` says.
///
/// # Errors
/// No preset is named, or there is none of that name; a variant it cannot have; a layer that does not fit, by
/// name.
pub fn summary(model: &ModelConfig, classes: usize, optim: &OptimConfig) -> Result<NetworkSummary, String> {
    let name = model.preset.as_deref().ok_or("no preset is named")?;
    let preset = preset(name).map_err(|e| e.to_string())?;
    let variants = Variants::resolve(&mut model.clone(), &preset.variants);
    let spec = preset.spec(classes, &variants).map_err(|e| e.to_string())?;
    let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
    Ok(describe(preset, &spec, &shapes, optim))
}

/// What a network of that preset is and costs.
pub(super) fn describe(
    preset: &Preset,
    spec: &ModelSpec,
    shapes: &Shapes,
    optim: &OptimConfig,
) -> NetworkSummary {
    let batch = optim.batch.unwrap_or(preset.recipe.batch);
    let pass = match optim.micro_batch {
        0 => memory::pass(shapes, batch, DeviceKind::Cpu),
        pass => pass.min(batch),
    };
    let layers = spec.layers.iter().zip(&shapes.layers).map(|(layer, shape)| LayerSummary {
        name: layer.name.clone(),
        what: told(&layer.kind),
        output: shape.output.to_string(),
        parameters: shape.parameters,
        multiply_adds: shape.multiply_adds,
        output_bytes: 4 * batch * shape.output.len(),
    });
    let memory = MemoryNeed::new(shapes, batch, pass, DeviceKind::Cpu);
    NetworkSummary {
        model: preset.name.into(),
        title: preset.title.into(),
        input_side: spec.input.side,
        layers: layers.collect(),
        parameters: shapes.parameter_count(),
        multiply_adds: shapes.multiply_adds(),
        batch,
        pass,
        training_bytes: memory.bytes,
        memory,
    }
}

/// What a layer does, in a few words.
fn told(kind: &LayerKind) -> String {
    let step = |stride: usize| if stride == 1 { String::new() } else { format!(", stride {stride}") };
    let columns = |groups: usize| if groups == 1 { String::new() } else { format!(", {groups} columns") };
    match *kind {
        LayerKind::Conv { kernel, stride, padding, groups, .. } => {
            let Sides { top, bottom, left, right } = padding;
            let padding = if padding == Sides::all(top) {
                if top == 0 { String::new() } else { format!(", padding {top}") }
            } else if (top, left) == (0, 0) && bottom == right {
                format!(", padding {right} right and below")
            } else {
                format!(", padding {top} {right} {bottom} {left}")
            };
            format!("{kernel}x{kernel} convolution{}{padding}{}", step(stride), columns(groups))
        }
        LayerKind::Local { kernel, padding, .. } => {
            format!("{kernel}x{kernel} locally connected, padding {padding}")
        }
        LayerKind::Relu => "ReLU, max(0, x)".into(),
        LayerKind::Tanh => "tanh".into(),
        LayerKind::Lrn { size, alpha, beta, k, groups } => {
            let apart = columns(groups);
            format!(
                "local response normalisation (LRN) over {size} maps, alpha {alpha}, beta {beta}, k {k}{apart}"
            )
        }
        LayerKind::SpatialNorm { size, alpha, beta, k } => {
            format!("response normalisation over {size}x{size} pixels, alpha {alpha}, beta {beta}, k {k}")
        }
        LayerKind::BatchNorm { .. } => "batch normalisation".into(),
        LayerKind::MaxPool { kernel, stride, .. } => format!("{kernel}x{kernel} max pooling{}", step(stride)),
        LayerKind::AvgPool { kernel, stride, .. } => {
            format!("{kernel}x{kernel} average pooling{}", step(stride))
        }
        LayerKind::Linear { .. } => "fully connected".into(),
        LayerKind::Dropout { keep, inverted } => {
            let scaled = if inverted { "kept ones scaled up" } else { "all scaled down in use" };
            format!("dropout {}, {scaled}", 1.0 - keep)
        }
    }
}
