//! Convolution with biases and, if asked for, a rectified linear unit behind it, forward and backward.
//!
//! All three passes are matrix products of which one side is gathered from the maps on the way: no copy of what
//! every window sees is made. Fusing the biases and the unit saves two passes over the output, and the
//! backward pass needs of the unit only the sign of its output.

mod cpu;
mod cube;
mod planes;
mod sizes;
mod winograd;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use self::sizes::Sizes;
use super::KernelError;
use super::abandon::unless_abandoned;
use super::host::{from_values, values, whole};
use super::recycle::give_back;
use super::relu::{ReluOps, masked};

pub(super) use self::cube::shaders;

/// A convolution with square kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvConfig {
    /// Output channels.
    pub out: usize,
    /// Side of the kernels in pixels.
    pub kernel: usize,
    pub stride: usize,
    /// Zeros at the top and the bottom.
    pub vertical: [usize; 2],
    /// Zeros at the left and the right.
    pub horizontal: [usize; 2],
    /// Input and output channels are cut into this many groups that do not see each other.
    pub groups: usize,
    /// Whether negative outputs become 0.
    pub relu: bool,
}

impl ConvConfig {
    /// Height and width of the output for an input of this height and width; 0 where the kernel does not fit.
    pub fn output_size(&self, input: [usize; 2]) -> [usize; 2] {
        let around = [self.vertical, self.horizontal];
        [0, 1].map(|axis| {
            let padded = around[axis].iter().fold(input[axis], |side, &zeros| side.saturating_add(zeros));
            padded.checked_sub(self.kernel).map_or(0, |rest| rest / self.stride.max(1) + 1)
        })
    }

    /// Weights for this many input channels, laid out `[out, in / groups, kernel, kernel]`.
    pub fn weights(&self, channels: usize) -> usize {
        self.out * (channels / self.groups.max(1)) * self.kernel * self.kernel
    }

    /// Whether this convolution can be applied to an input `[C, H, W]`.
    ///
    /// # Errors
    /// The first number that is out of range.
    pub fn check(&self, [channels, height, width]: [usize; 3]) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "convolution", reason });
        let Self { out, kernel, stride, groups, .. } = *self;
        if [out, kernel, stride, groups, channels, height, width].contains(&0) {
            return fail(format!(
                "{out} outputs, a kernel of {kernel}, a stride of {stride}, {groups} groups and an input of \
                 {channels} x {height} x {width} must all be at least 1"
            ));
        }
        if !channels.is_multiple_of(groups) || !out.is_multiple_of(groups) {
            return fail(format!(
                "{channels} input and {out} output channels do not split into {groups} groups"
            ));
        }
        if self.output_size([height, width]).contains(&0) {
            return fail(format!(
                "a kernel of {kernel} does not fit into {height} x {width} pixels and the zeros around"
            ));
        }
        Ok(())
    }
}

/// Convolves `x` (`[N, C, H, W]`) with flat `weight`, `[out, C / groups, kernel, kernel]`, and adds `bias`,
/// `[out]`; the result is `[N, out, H', W']`.
///
/// # Panics
/// When [`ConvConfig::check`] fails for the shape of `x`, there is another number of weights or biases than the
/// config says, or a tensor is not of 32-bit floats.
pub fn convolve(x: Tensor<4>, weight: Tensor<1>, bias: Tensor<1>, config: ConvConfig) -> Tensor<4> {
    let [pictures, channels, height, width] = x.dims();
    if let Err(error) = config.check([channels, height, width]) {
        panic!("{error}");
    }
    let given = (weight.dims()[0], bias.dims()[0]);
    assert_eq!(given, (config.weights(channels), config.out), "weights and biases");
    if pictures == 0 {
        let [rows, columns] = config.output_size([height, width]);
        return Tensor::zeros([0, config.out, rows, columns], &x.device());
    }
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as ConvOps>::conv(x, weight, bias, config))
}

/// The gradient of an input `[C, H, W]` of [`convolve`] on its own, for measurements; `grad` is that of the sums
/// before the unit, `[N, out, H', W']`.
///
/// # Panics
/// When [`ConvConfig::check`] fails for `input`, there is another number of weights than the config says, or `grad`
/// has another shape.
pub fn convolve_backward_x(
    weight: Tensor<1>,
    grad: Tensor<4>,
    input: [usize; 3],
    config: ConvConfig,
) -> Tensor<4> {
    let pictures = grad.dims()[0];
    check_gradient(pictures, input, &grad, &config);
    assert_eq!(weight.dims()[0], config.weights(input[0]), "weights");
    if pictures == 0 {
        return Tensor::zeros([0, input[0], input[1], input[2]], &grad.device());
    }
    let [weight, grad] = [weight.into_dispatch(), grad.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as ConvOps>::conv_backward_x(weight, grad, input, config))
}

/// The gradient of the weights of [`convolve`] on its own, for measurements; `grad` as in [`convolve_backward_x`].
///
/// # Panics
/// When [`ConvConfig::check`] fails for the shape of `x`, or `grad` has another shape than the output.
pub fn convolve_backward_weight(x: Tensor<4>, grad: Tensor<4>, config: ConvConfig) -> Tensor<1> {
    let [pictures, channels, height, width] = x.dims();
    check_gradient(pictures, [channels, height, width], &grad, &config);
    if pictures == 0 {
        return Tensor::zeros([config.weights(channels)], &x.device());
    }
    let [x, grad] = [x.into_dispatch(), grad.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as ConvOps>::conv_backward_weight(x, grad, config))
}

/// The shaders believe the sizes they are given: a gradient of another shape would be read beyond its end.
#[track_caller]
fn check_gradient(pictures: usize, input: [usize; 3], grad: &Tensor<4>, config: &ConvConfig) {
    if let Err(error) = config.check(input) {
        panic!("{error}");
    }
    let [rows, columns] = config.output_size([input[1], input[2]]);
    assert_eq!(
        grad.dims(),
        [pictures, config.out, rows, columns],
        "the gradient has the shape of the output"
    );
}

/// Convolutions as a backend has them; shapes as in [`convolve`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait ConvOps: ReluOps {
    fn conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        config: ConvConfig,
    ) -> FloatTensor<Self>;

    /// The gradient of an input `[C, H, W]`, given that of the sums before the unit.
    fn conv_backward_x(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        input: [usize; 3],
        config: ConvConfig,
    ) -> FloatTensor<Self>;

    /// The gradient of the flat weights, given that of the sums before the unit.
    fn conv_backward_weight(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: ConvConfig,
    ) -> FloatTensor<Self>;

    /// The gradient of the biases, given that of the sums before the unit.
    fn conv_backward_bias(grad: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl<B: ConvOps, C: CheckpointStrategy> ConvOps for Autodiff<B, C> {
    fn conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        config: ConvConfig,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct ConvBackward;

        impl<B: ConvOps> Backward<B, 3> for ConvBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>, ConvConfig);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let (x, weight, y, config) = ops.state;
                let grad = masked::<B>(grads.consume::<B>(&ops.node), y);
                let shape = x.shape();
                // Only what is asked for: the first layer's input and frozen weights have no gradient.
                if let Some(node) = x_node {
                    let input = [shape[1], shape[2], shape[3]];
                    grads.register::<B>(node.id, B::conv_backward_x(weight, grad.clone(), input, config));
                }
                if let Some(node) = weight_node {
                    grads.register::<B>(node.id, B::conv_backward_weight(x, grad.clone(), config));
                }
                if let Some(node) = bias_node {
                    grads.register::<B>(node.id, B::conv_backward_bias(grad));
                }
            }
        }

        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let nodes = [x_node, weight_node, bias_node];
        match ConvBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::conv(x.clone(), weight.clone(), bias, config);
                let kept = config.relu.then(|| y.clone());
                prep.finish((x, weight, kept, config), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::conv(x, weight, bias, config)),
        }
    }

    // The others serve the backward step above, which calls those of the inner backend: here their results
    // are constants of the graph.

    fn conv_backward_x(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        input: [usize; 3],
        config: ConvConfig,
    ) -> FloatTensor<Self> {
        let (weight, grad) = (weight.into_primitive(), grad.into_primitive());
        FloatTensor::<Self>::new(B::conv_backward_x(weight, grad, input, config))
    }

    fn conv_backward_weight(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        config: ConvConfig,
    ) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::conv_backward_weight(x.into_primitive(), grad.into_primitive(), config))
    }

    fn conv_backward_bias(grad: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::conv_backward_bias(grad.into_primitive()))
    }
}

impl ConvOps for Flex {
    fn conv(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, config: ConvConfig) -> FlexTensor {
        let sizes = Sizes::of(&x.shape(), &config);
        let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.to_contiguous());
        let count = sizes.output().num_elements();
        let forward = || cpu::forward(values(&x), values(&weight), values(&bias), &sizes, config.relu);
        from_values(unless_abandoned(count, forward), sizes.output())
    }

    fn conv_backward_x(
        weight: FlexTensor,
        grad: FlexTensor,
        input: [usize; 3],
        config: ConvConfig,
    ) -> FlexTensor {
        let sizes = Sizes::new(grad.shape()[0], input, &config);
        let [weight, grad] = [weight, grad].map(|tensor| tensor.to_contiguous());
        let count = sizes.input().num_elements();
        let backward = || cpu::backward_x(values(&weight), values(&grad), &sizes);
        from_values(unless_abandoned(count, backward), sizes.input())
    }

    fn conv_backward_weight(x: FlexTensor, grad: FlexTensor, config: ConvConfig) -> FlexTensor {
        let sizes = Sizes::of(&x.shape(), &config);
        let [x, grad] = [x, grad].map(|tensor| tensor.to_contiguous());
        let count = config.out * (x.shape()[1] / config.groups) * config.kernel.pow(2);
        let dw = unless_abandoned(count, || cpu::backward_weight(values(&x), values(&grad), &sizes));
        let shape = Shape::new([dw.len()]);
        from_values(dw, shape)
    }

    fn conv_backward_bias(grad: FlexTensor) -> FlexTensor {
        let shape = grad.shape();
        let [pictures, channels, positions] = [shape[0], shape[1], shape[2] * shape[3]];
        let grad = whole(grad);
        let sums = cpu::backward_bias(values(&grad), [pictures, channels, positions]);
        // The last of the three that look at it.
        give_back(grad);
        from_values(sums, Shape::new([channels]))
    }
}
