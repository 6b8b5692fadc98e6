//! Locally connected layers, forward and backward: convolutions of stride 1 whose kernels and biases are not
//! shared, so that every position has its own (`local3` and `local4` of the author's CIFAR networks
//! `conv-local-13pct` and `conv-local-11pct`).
//!
//! Every position is a small matrix product, kernels `[out, in k k]` by patches `[in k k, N]`. Both paths work
//! on maps with the pictures last, `[C, H, W, N]`: the values that meet one weight are then neighbours.

mod cpu;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::launch::{Shader, Word, empty_like, launch};
use super::{KernelError, MAX_BINDING_BYTES};

/// Rows and pictures that one thread of a shader makes: 16 results for 8 values read. As in the shaders.
const BLOCK: usize = 4;

/// A locally connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalConfig {
    /// Output channels.
    pub out: usize,
    /// Side of the square kernels in pixels.
    pub kernel: usize,
    /// Zeros on every side, fewer than `kernel`. Half of an odd kernel keeps height and width.
    pub padding: usize,
}

impl LocalConfig {
    /// Height and width of the output for an input of this height and width.
    pub fn output_size(&self, input: [usize; 2]) -> [usize; 2] {
        let around = self.padding.saturating_mul(2);
        input.map(|side| side.saturating_add(around).saturating_add(1).saturating_sub(self.kernel))
    }

    /// Weights of the layer for an input `[C, H, W]`, laid out `[H', W', out, in, kernel, kernel]`.
    pub fn weights(&self, input: [usize; 3]) -> usize {
        self.biases(input) * input[0] * self.kernel * self.kernel
    }

    /// Biases of the layer for an input `[C, H, W]`, laid out `[out, H', W']`.
    pub fn biases(&self, [_, height, width]: [usize; 3]) -> usize {
        let [rows, columns] = self.output_size([height, width]);
        rows * columns * self.out
    }

    /// Whether this layer can be applied to an input `[C, H, W]`.
    ///
    /// # Errors
    /// The first number that is out of range.
    pub fn check(&self, input: [usize; 3]) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "locally connected layer", reason });
        let Self { out, kernel, padding } = *self;
        let [channels, height, width] = input;
        if out == 0 || kernel == 0 || channels == 0 {
            return fail(format!(
                "{channels} channels, {out} outputs and a kernel of {kernel} must be at least 1"
            ));
        }
        if padding >= kernel {
            return fail(format!("the padding is {padding}, but must be less than the kernel of {kernel}"));
        }
        let [rows, columns] = self.output_size([height, width]);
        if height == 0 || width == 0 || rows == 0 || columns == 0 {
            return fail(format!(
                "a kernel of {kernel} does not fit into {height} x {width} pixels with {padding} zeros around"
            ));
        }
        let bytes = [rows, columns, out, channels, kernel, kernel]
            .iter()
            .try_fold(size_of::<f32>(), |bytes, &factor| bytes.checked_mul(factor));
        if bytes.is_none_or(|bytes| bytes > MAX_BINDING_BYTES) {
            return fail(format!(
                "kernels for each of {rows} x {columns} positions exceed the 128 MiB that every graphics card \
                 can bind; use fewer outputs or a smaller map"
            ));
        }
        Ok(())
    }
}

/// Applies kernels of its own at every position of `x` (`[N, C, H, W]`); the result is `[N, out, H', W']` with
/// the size of [`LocalConfig::output_size`].
///
/// `weight` is laid out `[H', W', out, in, kernel, kernel]` and `bias` `[out, H', W']`, both flat.
///
/// # Panics
/// When [`LocalConfig::check`] fails for the shape of `x`, there is another number of weights or biases than
/// [`LocalConfig::weights`] and [`LocalConfig::biases`] say, or a tensor is not of 32-bit floats.
pub fn locally_connected(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, config: LocalConfig) -> Tensor<4> {
    let [pictures, channels, height, width] = x.dims();
    let input = [channels, height, width];
    if let Err(error) = config.check(input) {
        panic!("{error}");
    }
    let [weights, biases] = [weight.dims()[0], bias.dims()[0]];
    assert_eq!((weights, biases), (config.weights(input), config.biases(input)), "weights and biases");
    if pictures == 0 {
        let [rows, columns] = config.output_size([height, width]);
        return Tensor::zeros([0, config.out, rows, columns], &x.device());
    }
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as LocalOps>::local(x, weight, bias, config))
}

/// Locally connected layers as a backend has them; shapes as in [`locally_connected`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LocalOps: Backend {
    fn local(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        config: LocalConfig,
    ) -> FloatTensor<Self>;

    /// The gradient of an input `[C, H, W]`, given that of the output.
    fn local_backward_x(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        input: [usize; 3],
        config: LocalConfig,
    ) -> FloatTensor<Self>;

    /// The gradient of the weights, given that of the output.
    fn local_backward_weight(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: LocalConfig,
    ) -> FloatTensor<Self>;
}

impl<B: LocalOps, C: CheckpointStrategy> LocalOps for Autodiff<B, C> {
    fn local(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        config: LocalConfig,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LocalBackward;

        impl<B: LocalOps> Backward<B, 3> for LocalBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, LocalConfig);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let (x, weight, config) = ops.state;
                let grad = grads.consume::<B>(&ops.node);
                let shape = x.shape();
                // Only what is asked for: the first layer's input and frozen weights have no gradient.
                if let Some(node) = x_node {
                    let input = [shape[1], shape[2], shape[3]];
                    grads.register::<B>(node.id, B::local_backward_x(weight, grad.clone(), input, config));
                }
                if let Some(node) = weight_node {
                    grads.register::<B>(node.id, B::local_backward_weight(x, grad.clone(), config));
                }
                if let Some(node) = bias_node {
                    let biases = grad.shape().num_elements() / shape[0];
                    let sum = B::float_sum_dim(grad, 0);
                    grads.register::<B>(node.id, B::float_reshape(sum, Shape::new([biases])));
                }
            }
        }

        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let nodes = [x_node, weight_node, bias_node];
        match LocalBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::local(x.clone(), weight.clone(), bias, config);
                prep.finish((x, weight, config), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::local(x, weight, bias, config)),
        }
    }

    // The other two serve the backward step above, which calls those of the inner backend: here their
    // results are constants of the graph.

    fn local_backward_x(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        input: [usize; 3],
        config: LocalConfig,
    ) -> FloatTensor<Self> {
        let (weight, grad) = (weight.into_primitive(), grad.into_primitive());
        FloatTensor::<Self>::new(B::local_backward_x(weight, grad, input, config))
    }

    fn local_backward_weight(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: LocalConfig,
    ) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::local_backward_weight(x.into_primitive(), grad.into_primitive(), config))
    }
}

/// All the sizes of one call.
#[derive(Clone, Copy)]
struct Sizes {
    pictures: usize,
    channels: usize,
    height: usize,
    width: usize,
    out: usize,
    rows: usize,
    columns: usize,
    kernel: usize,
    padding: usize,
}

impl Sizes {
    fn new(pictures: usize, [channels, height, width]: [usize; 3], config: &LocalConfig) -> Self {
        let LocalConfig { out, kernel, padding } = *config;
        let [rows, columns] = config.output_size([height, width]);
        Self { pictures, channels, height, width, out, rows, columns, kernel, padding }
    }

    fn of(x: &impl TensorMetadata, config: &LocalConfig) -> Self {
        let shape = x.shape();
        Self::new(shape[0], [shape[1], shape[2], shape[3]], config)
    }

    /// Kernels of one output channel.
    fn positions(&self) -> usize {
        self.rows * self.columns
    }

    /// Weights of one kernel in one input channel.
    fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Weights of one kernel.
    fn fan_in(&self) -> usize {
        self.channels * self.taps()
    }
}

/// `[N, C, H, W]` as contiguous `[C, H, W, N]`.
const PICTURES_LAST: [usize; 4] = [1, 2, 3, 0];
/// The way back.
const PICTURES_FIRST: [usize; 4] = [3, 0, 1, 2];

impl LocalOps for Flex {
    fn local(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, config: LocalConfig) -> FlexTensor {
        let sizes = Sizes::of(&x, &config);
        let x = x.permute(&PICTURES_LAST).to_contiguous();
        let y = cpu::forward(&x, &weight.to_contiguous(), &bias.to_contiguous(), &sizes);
        y.permute(&PICTURES_FIRST).to_contiguous()
    }

    fn local_backward_x(
        weight: FlexTensor,
        grad: FlexTensor,
        input: [usize; 3],
        config: LocalConfig,
    ) -> FlexTensor {
        let sizes = Sizes::new(grad.shape()[0], input, &config);
        let grad = grad.permute(&PICTURES_LAST).to_contiguous();
        let dx = cpu::backward_x(&weight.to_contiguous(), &grad, &sizes);
        dx.permute(&PICTURES_FIRST).to_contiguous()
    }

    fn local_backward_weight(x: FlexTensor, grad: FlexTensor, config: LocalConfig) -> FlexTensor {
        let sizes = Sizes::of(&x, &config);
        let [x, grad] = [x, grad].map(|tensor| tensor.permute(&PICTURES_LAST).to_contiguous());
        cpu::backward_weight(&x, &grad, &sizes)
    }
}

impl LocalOps for CubeBackend {
    fn local(x: CubeTensor, weight: CubeTensor, bias: CubeTensor, config: LocalConfig) -> CubeTensor {
        let sizes = Sizes::of(&x, &config);
        let (x, weight, bias) = (pictures_last(x), into_contiguous(weight), into_contiguous(bias));
        let y = empty_like(&x, Shape::new([sizes.out, sizes.rows, sizes.columns, sizes.pictures]), x.dtype);
        let (outputs, pictures) = (sizes.out.div_ceil(BLOCK), sizes.pictures.div_ceil(BLOCK));
        let params = params(&sizes, outputs, pictures);
        let threads = sizes.positions() * outputs * pictures;
        launch(forward_shader(&config), &[&x, &weight, &bias], &[&y], &params, threads);
        pictures_first(y)
    }

    fn local_backward_x(
        weight: CubeTensor,
        grad: CubeTensor,
        input: [usize; 3],
        config: LocalConfig,
    ) -> CubeTensor {
        let sizes = Sizes::new(grad.shape()[0], input, &config);
        let (weight, grad) = (into_contiguous(weight), pictures_last(grad));
        let [channels, height, width] = input;
        let dx = empty_like(&grad, Shape::new([channels, height, width, sizes.pictures]), grad.dtype);
        let (channels, pictures) = (channels.div_ceil(BLOCK), sizes.pictures.div_ceil(BLOCK));
        let params = params(&sizes, channels, pictures);
        let threads = height * width * channels * pictures;
        launch(backward_x_shader(&config), &[&weight, &grad], &[&dx], &params, threads);
        pictures_first(dx)
    }

    fn local_backward_weight(x: CubeTensor, grad: CubeTensor, config: LocalConfig) -> CubeTensor {
        let sizes = Sizes::of(&x, &config);
        let (x, grad) = (pictures_last(x), pictures_last(grad));
        let weights = config.weights([sizes.channels, sizes.height, sizes.width]);
        let dw = empty_like(&x, Shape::new([weights]), x.dtype);
        let (outputs, taps) = (sizes.out.div_ceil(BLOCK), sizes.fan_in().div_ceil(BLOCK));
        let params = params(&sizes, outputs, taps);
        let threads = sizes.positions() * outputs * taps;
        launch(backward_weight_shader(&config), &[&x, &grad], &[&dw], &params, threads);
        dw
    }
}

fn pictures_last(x: CubeTensor) -> CubeTensor {
    into_contiguous(CubeBackend::float_permute(x, &PICTURES_LAST))
}

fn pictures_first(x: CubeTensor) -> CubeTensor {
    into_contiguous(CubeBackend::float_permute(x, &PICTURES_FIRST))
}

/// The uniform of the shaders after its first two words. A thread is one of `lanes` of one of `blocks` of a
/// position.
fn params(sizes: &Sizes, blocks: usize, lanes: usize) -> [Word; 9] {
    let Sizes { pictures, channels, height, width, out, rows, columns, .. } = *sizes;
    [pictures, channels, height, width, out, rows, columns, blocks, lanes].map(Word::Size)
}

fn forward_shader(config: &LocalConfig) -> Shader {
    with_kernel(Shader::new("local_forward", include_str!("../../shaders/local_forward.wgsl")), config)
}

fn backward_x_shader(config: &LocalConfig) -> Shader {
    let template = include_str!("../../shaders/local_backward_x.wgsl");
    with_kernel(Shader::new("local_backward_x", template), config)
}

fn backward_weight_shader(config: &LocalConfig) -> Shader {
    let template = include_str!("../../shaders/local_backward_weight.wgsl");
    with_kernel(Shader::new("local_backward_weight", template), config)
}

/// The kernel is a constant of the shader: indices are divided by it.
fn with_kernel(shader: Shader, config: &LocalConfig) -> Shader {
    shader.with("kernel", config.kernel).with("padding", config.padding)
}

/// The shaders with the author's kernel, and with one without padding.
pub(super) fn shaders() -> Vec<Shader> {
    [(3, 1), (2, 0)]
        .map(|(kernel, padding)| LocalConfig { out: 32, kernel, padding })
        .iter()
        .flat_map(|config| {
            [forward_shader(config), backward_x_shader(config), backward_weight_shader(config)]
        })
        .collect()
}
