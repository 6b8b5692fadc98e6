//! A network at work: a spec with its weights on a device.

use burn::tensor::{Device, Tensor, TensorData};

use super::file::ModelFile;
use super::input::Input;
use super::layer::{Blocks, Flow, Mode, apply};
use super::shapes::{ShapeError, Shapes};
use super::spec::{LayerKind, ModelSpec};
use crate::kernels::{HostValues, to_host};

/// A spec with its weights on a device.
///
/// Every parameter is one flat tensor; its shape is in [`Shapes::parameters`]. This keeps the optimiser,
/// files and gradients free of ranks. A clone shares the numbers until one of the two changes them.
#[derive(Clone)]
pub struct Network {
    spec: ModelSpec,
    shapes: Shapes,
    weights: Vec<Tensor<1>>,
    device: Device,
}

/// First-layer kernels on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstKernels {
    /// `[count, 3, side, side]`, RGB.
    pub weights: Vec<f32>,
    pub count: usize,
    pub side: usize,
    /// Groups that the next layer keeps apart: the paper's two columns.
    pub columns: usize,
}

/// Kernels of a convolution on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvKernels {
    /// `[outputs, inputs, side, side]`
    pub weights: Vec<f32>,
    pub outputs: usize,
    /// Inputs of one output.
    pub inputs: usize,
    pub side: usize,
    /// Groups of the convolution: the paper's two columns.
    pub columns: usize,
}

/// What a pass through the network gives.
pub struct Pass {
    /// `[N, classes]`
    pub logits: Tensor<2>,
    /// Means and variances that batch normalisations measured while training, with the index of the parameter
    /// that keeps their running value; [`Network::absorb`] takes them.
    pub statistics: Vec<(usize, Tensor<1>)>,
}

impl Network {
    /// Puts weights on a device. `weights` holds the values of [`Shapes::parameters`], in that order.
    ///
    /// # Errors
    /// A spec whose layers do not fit together.
    pub fn new(spec: ModelSpec, weights: &[Vec<f32>], device: &Device) -> Result<Self, ShapeError> {
        let shapes = Shapes::of(&spec)?;
        let weights = weights
            .iter()
            .map(|values| Tensor::from_data(TensorData::new(values.clone(), [values.len()]), device))
            .collect();
        Ok(Self { spec, shapes, weights, device: device.clone() })
    }

    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameters as flat tensors, in the order of [`Shapes::parameters`].
    pub fn weights(&self) -> &[Tensor<1>] {
        &self.weights
    }

    /// The same, for the optimiser.
    pub fn weights_mut(&mut self) -> &mut [Tensor<1>] {
        &mut self.weights
    }

    /// Scores `[N, classes]` on the host, without dropout. `pixels` is `[N, 3, side, side]` in 0 to 255.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn scores(&self, input: &Input, pixels: &[u8]) -> Result<Vec<f32>, String> {
        self.scores_of(input.upload(pixels, &self.device))
    }

    /// Scores `[N, classes]` on the host, without dropout, of what an [`Input`] has put on the network's device.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn scores_of(&self, pictures: Tensor<4>) -> Result<Vec<f32>, String> {
        to_host(self.forward(&self.weights, pictures, Mode::Inference).logits)
    }

    /// Copies the network to the host.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn to_file(
        &self,
        classes: &[String],
        mean: &[f32],
        step: u64,
    ) -> Result<ModelFile<HostValues>, String> {
        let weights = self.weights.iter().cloned().map(HostValues::of).collect::<Result<_, _>>()?;
        Ok(ModelFile {
            spec: self.spec.clone(),
            classes: classes.to_vec(),
            mean: mean.to_vec(),
            weights,
            step,
        })
    }

    /// The kernels of the first layer with parameters; none if that is no convolution.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn first_kernels(&self) -> Result<Option<FirstKernels>, String> {
        let Some(first) = self.shapes.parameters.first().map(|parameter| parameter.layer) else {
            return Ok(None);
        };
        let LayerKind::Conv { out: count, kernel: side, .. } = self.spec.layers[first].kind else {
            return Ok(None);
        };
        // Kernels that never meet in the next convolution form a column (section 3.5).
        let columns = self.spec.layers[first + 1..].iter().find_map(|layer| match layer.kind {
            LayerKind::Conv { groups, .. } => Some(groups),
            _ => None,
        });
        let columns = columns.unwrap_or(1);
        let weights = to_host(self.weights[0].clone())?;
        Ok(Some(FirstKernels { weights, count, side, columns }))
    }

    /// The kernels of the convolution of that name; none if there is no such convolution.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn kernels(&self, name: &str) -> Result<Option<ConvKernels>, String> {
        let Some(index) = self.spec.layers.iter().position(|layer| layer.name == name) else {
            return Ok(None);
        };
        let LayerKind::Conv { groups: columns, .. } = self.spec.layers[index].kind else { return Ok(None) };
        let weight = self.shapes.parameters.iter().position(|p| p.layer == index && p.shape.len() == 4);
        let Some(weight) = weight else { return Ok(None) };
        let &[outputs, inputs, side, _] = self.shapes.parameters[weight].shape.as_slice() else {
            return Ok(None);
        };
        let weights = to_host(self.weights[weight].clone())?;
        Ok(Some(ConvKernels { weights, outputs, inputs, side, columns }))
    }

    /// Passes pictures `[N, 3, side, side]` (mean already subtracted) through the layers with `weights`, which
    /// are [`Self::weights`] or tracked copies of them.
    pub fn forward(&self, weights: &[Tensor<1>], pictures: Tensor<4>, mode: Mode) -> Pass {
        let (flow, statistics) = self.through(self.spec.layers.len(), weights, pictures, mode);
        Pass { logits: flow.flat(), statistics }
    }

    /// As [`Self::forward`], through the first `layers` layers.
    pub(super) fn through(
        &self,
        layers: usize,
        weights: &[Tensor<1>],
        pictures: Tensor<4>,
        mode: Mode,
    ) -> (Flow, Vec<(usize, Tensor<1>)>) {
        let mut flow = Flow::Map(pictures);
        let mut statistics = Vec::new();
        let mut first = 0;
        for (index, layer) in self.spec.layers[..layers].iter().enumerate() {
            if index > 0 && self.spec.does_relu(index - 1) {
                continue;
            }
            let count = self.shapes.parameters[first..].iter().take_while(|p| p.layer == index).count();
            let blocks = Blocks { weights: &weights[first..first + count], relu: self.spec.does_relu(index) };
            let mut measured = Vec::new();
            flow = apply(index, &layer.kind, flow, &blocks, mode, &mut measured);
            // Running means and variances stand last among a layer's parameters.
            let kept = first + count - measured.len();
            statistics.extend(measured.into_iter().enumerate().map(|(i, value)| (kept + i, value)));
            first += count;
        }
        (flow, statistics)
    }

    /// Moves the running means and variances towards what a training pass has measured.
    pub fn absorb(&mut self, statistics: Vec<(usize, Tensor<1>)>) {
        for (index, measured) in statistics {
            let layer = self.shapes.parameters[index].layer;
            if let LayerKind::BatchNorm { momentum, .. } = self.spec.layers[layer].kind {
                let running = self.weights[index].clone();
                self.weights[index] = running * (1.0 - momentum) + measured * momentum;
            }
        }
    }
}
