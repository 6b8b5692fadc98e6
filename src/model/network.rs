//! A network at work: a spec with its weights on a device.

use burn::tensor::activation::{relu, tanh};
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::file::ModelFile;
use super::input::Input;
use super::shapes::{ShapeError, Shapes};
use super::spec::{LayerKind, ModelSpec};
use crate::kernels::{
    ConvConfig, HostValues, LocalConfig, LrnConfig, MaxPoolConfig, SpatialNormConfig, convolve, linear,
    locally_connected, lrn, max_pool2d, spatial_norm, to_host,
};

/// What dropout and batch normalisation do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout layers drop, decided by the seed; batch normalisation measures the pass.
    Training(DropoutSeed),
    /// Dropout layers as in the paper scale; batch normalisation uses its running values.
    Inference,
}

/// Decides which outputs a dropout layer drops: the same on every device and for every micro-batch size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutSeed {
    /// Seed of the run.
    pub seed: u64,
    /// Update, from 0.
    pub step: u64,
    /// Position in the batch of the first picture of this pass.
    pub first_row: usize,
}

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

/// What flows between layers.
#[derive(Clone)]
pub enum Flow {
    /// `[N, C, H, W]`
    Map(Tensor<4>),
    /// `[N, features]`
    Flat(Tensor<2>),
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

/// The parameters of one layer.
pub(super) struct Blocks<'a> {
    pub weights: &'a [Tensor<1>],
    /// Whether a rectified linear unit follows that this layer does.
    pub relu: bool,
}

impl Blocks<'_> {
    /// The flat weights and the biases that follow them, from parameter `index` on.
    fn weight_and_bias(&self, index: usize) -> [Tensor<1>; 2] {
        [index, index + 1].map(|index| self.weights[index].clone())
    }
}

/// Runs one layer. Batch normalisations put what they measure while training into `measured`.
pub(super) fn apply(
    index: usize,
    kind: &LayerKind,
    flow: Flow,
    blocks: &Blocks,
    mode: Mode,
    measured: &mut Vec<Tensor<1>>,
) -> Flow {
    match *kind {
        LayerKind::Conv { out, kernel, stride, padding, groups, .. } => {
            let config = ConvConfig {
                out,
                kernel,
                stride,
                vertical: [padding.top, padding.bottom],
                horizontal: [padding.left, padding.right],
                groups,
                relu: blocks.relu,
            };
            let [weight, bias] = blocks.weight_and_bias(0);
            Flow::Map(convolve(flow.map(), weight, bias, config))
        }
        LayerKind::Local { out, kernel, padding, .. } => {
            let [weight, bias] = blocks.weight_and_bias(0);
            Flow::Map(locally_connected(flow.map(), weight, bias, LocalConfig { out, kernel, padding }))
        }
        LayerKind::Relu => flow.activate(relu, relu),
        LayerKind::Tanh => flow.activate(tanh, tanh),
        LayerKind::Lrn { size, alpha, beta, k, groups } => {
            Flow::Map(lrn(flow.map(), LrnConfig { size, alpha, beta, k, groups }))
        }
        LayerKind::SpatialNorm { size, alpha, beta, k } => {
            Flow::Map(spatial_norm(flow.map(), SpatialNormConfig { size, alpha, beta, k }))
        }
        LayerKind::BatchNorm { epsilon, .. } => {
            Flow::Map(batch_norm(flow.map(), blocks, epsilon, mode, measured))
        }
        LayerKind::MaxPool { kernel, stride, ceil } => Flow::Map(max_pool2d(
            flow.map(),
            MaxPoolConfig { kernel: [kernel; 2], stride: [stride; 2], padding: [0; 2], ceil },
        )),
        LayerKind::AvgPool { kernel, stride, ceil } => {
            let mut options = AvgPoolOptions::new([kernel; 2]);
            options.stride = [stride; 2];
            options.count_include_pad = false;
            options.ceil_mode = ceil;
            Flow::Map(avg_pool2d(flow.map(), options))
        }
        LayerKind::Linear { columns, .. } => {
            let input = flow.flat();
            let columns = (0..columns).map(|column| {
                let [weight, bias] = blocks.weight_and_bias(2 * column);
                linear(input.clone(), weight, bias, blocks.relu)
            });
            Flow::Flat(Tensor::cat(columns.collect(), 1))
        }
        LayerKind::Dropout { keep, inverted } => match mode {
            Mode::Inference if inverted => flow,
            Mode::Inference => flow.each(|values| values * keep),
            Mode::Training(seed) => flow.each(|values| {
                let [rows, features] = values.dims();
                let kept = if inverted { (1.0 / keep) as f32 } else { 1.0 };
                let mask = dropout_mask(seed, index, rows, features, keep, kept);
                let mask = Tensor::<2>::from_data(TensorData::new(mask, [rows, features]), &values.device());
                values * mask
            }),
        },
    }
}

/// `gain * (x - mean) / sqrt(variance + epsilon) + bias` for each channel of `[N, C, H, W]`. While training the
/// mean and the variance are those of this pass; otherwise the running ones (Ioffe and Szegedy 2015).
fn batch_norm(
    x: Tensor<4>,
    blocks: &Blocks,
    epsilon: f64,
    mode: Mode,
    measured: &mut Vec<Tensor<1>>,
) -> Tensor<4> {
    let [pictures, channels, height, width] = x.dims();
    let by_channel = |values: Tensor<1>| values.reshape([1, channels, 1, 1]);
    let (mean, variance) = match mode {
        Mode::Inference => (by_channel(blocks.weights[2].clone()), by_channel(blocks.weights[3].clone())),
        Mode::Training(_) => {
            let over_channel = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
            let mean = over_channel(x.clone());
            let variance = over_channel((x.clone() - mean.clone()).square());
            let count = (pictures * height * width) as f64;
            // The running variance is that of the population, as in other programs.
            let unbiased = variance.clone() * (count / (count - 1.0).max(1.0));
            measured.extend([mean.clone(), unbiased].map(|values| values.inner().reshape([channels])));
            (mean, variance)
        }
    };
    let scale = (variance + epsilon).sqrt().recip() * by_channel(blocks.weights[0].clone());
    (x - mean) * scale + by_channel(blocks.weights[1].clone())
}

impl Flow {
    fn map(self) -> Tensor<4> {
        match self {
            Self::Map(map) => map,
            Self::Flat(_) => unreachable!("Shapes::of refuses spatial layers after linear ones"),
        }
    }

    /// `[N, features]`, in the order channel, row, column.
    pub fn flat(self) -> Tensor<2> {
        match self {
            Self::Map(map) => map.flatten(1, 3),
            Self::Flat(flat) => flat,
        }
    }

    /// Applies a neuron.
    fn activate(
        self,
        map: impl FnOnce(Tensor<4>) -> Tensor<4>,
        flat: impl FnOnce(Tensor<2>) -> Tensor<2>,
    ) -> Self {
        match self {
            Self::Map(values) => Self::Map(map(values)),
            Self::Flat(values) => Self::Flat(flat(values)),
        }
    }

    /// Applies an operation that acts on each value alone.
    fn each(self, operation: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        match self {
            Self::Map(map) => {
                let shape = map.dims();
                Self::Map(operation(map.flatten(1, 3)).reshape(shape))
            }
            Self::Flat(flat) => Self::Flat(operation(flat)),
        }
    }
}

/// 0 or `kept` for each output; `kept` with probability `keep`. Each row has its own stretch of the random stream.
fn dropout_mask(
    seed: DropoutSeed,
    layer: usize,
    rows: usize,
    features: usize,
    keep: f64,
    kept: f32,
) -> Vec<f32> {
    let threshold = (keep * (u32::MAX as f64 + 1.0)) as u64;
    let mut rng = ChaCha8Rng::seed_from_u64(seed.seed);
    rng.set_stream(DROPOUT_STREAM | (layer as u64) << 40 | seed.step);
    rng.set_word_pos((seed.first_row * features) as u128);
    (0..rows * features).map(|_| if u64::from(rng.next_u32()) < threshold { kept } else { 0.0 }).collect()
}

/// Keeps the streams of dropout apart from those of the first weights.
const DROPOUT_STREAM: u64 = 1 << 63;
