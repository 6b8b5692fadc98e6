//! Shapes, parameter counts and multiply-adds of a spec, worked out before anything is allocated.

use super::bounds;
use super::held::Held;
use super::spec::{LayerKind, LayerSpec, ModelSpec};
use crate::kernels::{LocalConfig, LrnConfig, SpatialNormConfig};

/// Shape of what flows between layers, for one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapShape {
    /// `[C, H, W]`
    Map { channels: usize, height: usize, width: usize },
    /// `[features]`
    Flat(usize),
}

impl MapShape {
    /// Values for one picture.
    pub fn len(self) -> usize {
        match self {
            Self::Map { channels, height, width } => channels * height * width,
            Self::Flat(features) => features,
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Display for MapShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Map { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
            Self::Flat(features) => write!(f, "{features}"),
        }
    }
}

/// Weights decay, biases do not, and biases learn faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterRole {
    Weight,
    Bias,
    /// Factors of a batch normalisation: they learn like weights, but do not decay.
    Gain,
    /// Running means and variances of a batch normalisation: measured, not learned.
    Statistic,
}

/// One block of numbers that belong to a network.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterShape {
    /// For example `conv1.weight`, or `fc6.1.bias` for the second column.
    pub name: String,
    pub role: ParameterRole,
    /// Convolution weights `[out, in / groups, kernel, kernel]`, linear weights `[out, in]`, biases `[out]`;
    /// locally connected weights `[H', W', out, in, kernel, kernel]` and biases `[out, H', W']`; batch
    /// normalisation `[channels]` four times: `weight`, `bias`, `running_mean`, `running_var`.
    pub shape: Vec<usize>,
    /// Inputs of one output unit.
    pub fan_in: usize,
    /// Index of its layer in the spec.
    pub layer: usize,
}

/// A layer with its output and its cost for one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerShape {
    pub name: String,
    pub output: MapShape,
    pub parameters: usize,
    /// Multiply-adds of convolutions and linear layers; 0 for the rest.
    pub multiply_adds: usize,
    /// What training holds of it.
    pub held: Held,
}

/// Everything about a spec that can be known without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapes {
    /// What the first layer sees.
    pub input: MapShape,
    pub layers: Vec<LayerShape>,
    pub parameters: Vec<ParameterShape>,
    /// Classes of the last layer.
    pub classes: usize,
}

/// A layer that does not fit its input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("layer {layer} of model {model} cannot work: {reason}")]
pub struct ShapeError {
    pub model: String,
    pub layer: String,
    pub reason: String,
}

impl Shapes {
    /// Walks through the layers of `spec`.
    ///
    /// # Errors
    /// The first layer that does not fit its input, by name.
    pub fn of(spec: &ModelSpec) -> Result<Self, ShapeError> {
        bounds::check(spec)?;
        let input = MapShape::Map { channels: 3, height: spec.input.side, width: spec.input.side };
        let mut walk = Walk { map: input, parameters: Vec::new() };
        let mut layers = Vec::with_capacity(spec.layers.len());
        for (index, layer) in spec.layers.iter().enumerate() {
            let failed = |reason| ShapeError { model: spec.name.clone(), layer: layer.name.clone(), reason };
            let (output, multiply_adds, parameters) = walk.layer(index, layer).map_err(failed)?;
            walk.map = output;
            let (name, held) = (layer.name.clone(), spec.held(index));
            layers.push(LayerShape { name, output, parameters, multiply_adds, held });
        }
        match walk.map {
            MapShape::Flat(classes) => Ok(Self { input, layers, parameters: walk.parameters, classes }),
            MapShape::Map { .. } => Err(ShapeError {
                model: spec.name.clone(),
                layer: spec.layers.last().map_or_else(|| "input".into(), |layer| layer.name.clone()),
                reason: "the last layer must be a linear layer that gives one number a class".into(),
            }),
        }
    }

    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of one forward pass of one picture.
    pub fn multiply_adds(&self) -> usize {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.multiply_adds))
    }

    /// Values of the largest map for one picture.
    pub fn largest_map(&self) -> usize {
        self.layers.iter().map(|layer| layer.output.len()).max().unwrap_or(0)
    }
}

struct Walk {
    map: MapShape,
    parameters: Vec<ParameterShape>,
}

impl Walk {
    /// Output, multiply-adds and parameters of a layer.
    fn layer(&mut self, index: usize, layer: &LayerSpec) -> Result<(MapShape, usize, usize), String> {
        match layer.kind {
            LayerKind::Conv { out, kernel, stride, padding, groups, .. } => {
                let (channels, height, width) = self.spatial()?;
                if groups == 0 || channels % groups != 0 || out % groups != 0 {
                    return Err(format!(
                        "{channels} input and {out} output channels do not split into {groups} groups"
                    ));
                }
                let rows = window_count(height + padding.top + padding.bottom, kernel, stride, false)?;
                let columns = window_count(width + padding.left + padding.right, kernel, stride, false)?;
                let fan_in = channels / groups * kernel * kernel;
                let shape = vec![out, channels / groups, kernel, kernel];
                let output = MapShape::Map { channels: out, height: rows, width: columns };
                bounds::check_map(output)?;
                let parameters = self.push(index, &layer.name, shape, vec![out], fan_in)?;
                Ok((output, output.len().saturating_mul(fan_in), parameters))
            }
            LayerKind::Local { out, kernel, padding, .. } => {
                let (channels, height, width) = self.spatial()?;
                LocalConfig { out, kernel, padding }
                    .check([channels, height, width])
                    .map_err(|e| e.reason)?;
                let rows = window_count(height + 2 * padding, kernel, 1, false)?;
                let columns = window_count(width + 2 * padding, kernel, 1, false)?;
                let fan_in = channels * kernel * kernel;
                let shape = vec![rows, columns, out, channels, kernel, kernel];
                let output = MapShape::Map { channels: out, height: rows, width: columns };
                bounds::check_map(output)?;
                let parameters = self.push(index, &layer.name, shape, vec![out, rows, columns], fan_in)?;
                Ok((output, output.len().saturating_mul(fan_in), parameters))
            }
            LayerKind::BatchNorm { epsilon, momentum } => {
                let (channels, _, _) = self.spatial()?;
                if !(epsilon > 0.0 && momentum > 0.0 && momentum <= 1.0) {
                    return Err(format!(
                        "epsilon is {epsilon} and momentum {momentum}; both must be above 0, momentum at most 1"
                    ));
                }
                let parameters = [
                    ("weight", ParameterRole::Gain),
                    ("bias", ParameterRole::Bias),
                    ("running_mean", ParameterRole::Statistic),
                    ("running_var", ParameterRole::Statistic),
                ];
                for (suffix, role) in parameters {
                    let name = format!("{}.{suffix}", layer.name);
                    let shape = vec![channels];
                    self.parameters.push(ParameterShape { name, role, shape, fan_in: 1, layer: index });
                }
                // As is usual, only what is learned is counted.
                Ok((self.map, 0, 2 * channels))
            }
            LayerKind::MaxPool { kernel, stride, ceil } | LayerKind::AvgPool { kernel, stride, ceil } => {
                let (channels, height, width) = self.spatial()?;
                let height = window_count(height, kernel, stride, ceil)?;
                let width = window_count(width, kernel, stride, ceil)?;
                Ok((MapShape::Map { channels, height, width }, 0, 0))
            }
            LayerKind::Lrn { size, alpha, beta, k, groups } => {
                let (channels, _, _) = self.spatial()?;
                LrnConfig { size, alpha, beta, k, groups }.check(channels).map_err(|e| e.reason)?;
                Ok((self.map, 0, 0))
            }
            LayerKind::SpatialNorm { size, alpha, beta, k } => {
                self.spatial()?;
                SpatialNormConfig { size, alpha, beta, k }.check().map_err(|e| e.reason)?;
                Ok((self.map, 0, 0))
            }
            LayerKind::Linear { out, columns, .. } => {
                if columns == 0 || columns > out {
                    return Err(format!("{out} outputs do not split into {columns} columns"));
                }
                let fan_in = self.map.len();
                let mut parameters = 0;
                for column in 0..columns {
                    let name =
                        if columns == 1 { layer.name.clone() } else { format!("{}.{column}", layer.name) };
                    // The first blocks are a row higher where the outputs do not divide evenly.
                    let rows = out / columns + usize::from(column < out % columns);
                    parameters += self.push(index, &name, vec![rows, fan_in], vec![rows], fan_in)?;
                }
                Ok((MapShape::Flat(out), out * fan_in, parameters))
            }
            LayerKind::Dropout { keep, .. } if !(keep > 0.0 && keep <= 1.0) => {
                Err(format!("the share of kept outputs is {keep}, but must be above 0 and at most 1"))
            }
            LayerKind::Relu | LayerKind::Tanh | LayerKind::Dropout { .. } => Ok((self.map, 0, 0)),
        }
    }

    fn spatial(&self) -> Result<(usize, usize, usize), String> {
        match self.map {
            MapShape::Map { channels, height, width } => Ok((channels, height, width)),
            MapShape::Flat(_) => Err("it needs a map, but comes after a linear layer".into()),
        }
    }

    /// Records a weight and its bias; returns how many numbers they hold.
    ///
    /// # Errors
    /// More numbers than any network has.
    fn push(
        &mut self,
        layer: usize,
        name: &str,
        shape: Vec<usize>,
        bias: Vec<usize>,
        fan_in: usize,
    ) -> Result<usize, String> {
        let count = bounds::count(&shape)? + bounds::count(&bias)?;
        let entry = |suffix: &str, role, shape| ParameterShape {
            name: format!("{name}.{suffix}"),
            role,
            shape,
            fan_in,
            layer,
        };
        self.parameters.push(entry("weight", ParameterRole::Weight, shape));
        self.parameters.push(entry("bias", ParameterRole::Bias, bias));
        Ok(count)
    }
}

/// How many windows fit along one side.
fn window_count(side: usize, kernel: usize, stride: usize, ceil: bool) -> Result<usize, String> {
    if kernel == 0 || stride == 0 {
        return Err("kernel and stride must be at least 1".into());
    }
    if side < kernel {
        return Err(format!("its {kernel}x{kernel} window is larger than the {side} pixels that reach it"));
    }
    let rest = side - kernel;
    // In ceil mode the last window may hang over the edge, but must begin inside the map.
    let count = if ceil { rest.div_ceil(stride) } else { rest / stride } + 1;
    Ok(if ceil && (count - 1) * stride >= side { count - 1 } else { count })
}
