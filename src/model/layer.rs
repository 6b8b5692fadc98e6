//! One layer at work: what flows in, the parameters it has, what flows out.

use burn::tensor::activation::{relu, tanh};
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::spec::LayerKind;
use crate::kernels::{
    ConvConfig, LocalConfig, LrnConfig, MaxPoolConfig, SpatialNormConfig, convolve, linear,
    locally_connected, lrn, max_pool2d, spatial_norm,
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

/// What flows between layers.
#[derive(Clone)]
pub enum Flow {
    /// `[N, C, H, W]`
    Map(Tensor<4>),
    /// `[N, features]`
    Flat(Tensor<2>),
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
