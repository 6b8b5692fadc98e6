//! Linear layers with biases and, if asked for, a rectified linear unit behind them, forward and backward.

mod cpu;
mod cube;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::abandon::unless_abandoned;
use super::host::{from_values, values};
use super::relu::{ReluOps, masked};

pub(super) use self::cube::shaders;

/// `x` (`[N, in]`) times the flat weights, `[out, in]`, turned round, plus `bias`, `[out]`; negative outputs become
/// 0 with `relu`. The result is `[N, out]`.
///
/// # Panics
/// When there are no inputs or outputs, not `in * out` weights, or a tensor is not of 32-bit floats.
pub fn linear(x: Tensor<2>, weight: Tensor<1>, bias: Tensor<1>, relu: bool) -> Tensor<2> {
    let ([pictures, inputs], [out]) = (x.dims(), bias.dims());
    assert!(inputs > 0 && out > 0, "{inputs} inputs and {out} outputs must be at least 1");
    assert_eq!(weight.dims()[0], inputs * out, "weights for {inputs} inputs and {out} outputs");
    if pictures == 0 {
        return Tensor::zeros([0, out], &x.device());
    }
    let [x, weight, bias] = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as LinearOps>::dense(x, weight, bias, relu))
}

/// The gradient of the input of [`linear`] on its own, for measurements; `grad` is that of the sums before the unit,
/// `[N, out]`.
///
/// # Panics
/// When the weights are not as many rows as `grad` has outputs.
pub fn linear_backward_x(weight: Tensor<1>, grad: Tensor<2>) -> Tensor<2> {
    let ([pictures, out], weights) = (grad.dims(), weight.dims()[0]);
    assert!(out > 0 && weights > 0 && weights.is_multiple_of(out), "{weights} weights for {out} outputs");
    if pictures == 0 {
        return Tensor::zeros([0, weights / out], &grad.device());
    }
    let [weight, grad] = [weight.into_dispatch(), grad.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as LinearOps>::dense_backward_x(weight, grad))
}

/// The gradient of the weights of [`linear`] on its own, for measurements; `grad` as in [`linear_backward_x`].
///
/// # Panics
/// When `x`, `[N, in]`, and `grad` are not of the same pictures, or there are no inputs or outputs.
pub fn linear_backward_weight(x: Tensor<2>, grad: Tensor<2>) -> Tensor<1> {
    let ([pictures, inputs], [gradients, out]) = (x.dims(), grad.dims());
    assert_eq!(pictures, gradients, "pictures of the input and of the gradient");
    assert!(inputs > 0 && out > 0, "{inputs} inputs and {out} outputs must be at least 1");
    if pictures == 0 {
        return Tensor::zeros([inputs * out], &x.device());
    }
    let [x, grad] = [x.into_dispatch(), grad.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as LinearOps>::dense_backward_weight(x, grad))
}

/// Linear layers as a backend has them; shapes as in [`linear`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait LinearOps: ReluOps {
    fn dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// The gradient of the input, given that of the sums before the unit.
    fn dense_backward_x(weight: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of the flat weights, given that of the sums before the unit.
    fn dense_backward_weight(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl<B: LinearOps, C: CheckpointStrategy> LinearOps for Autodiff<B, C> {
    fn dense(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct LinearBackward;

        impl<B: LinearOps> Backward<B, 3> for LinearBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>);

            fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
                let [x_node, weight_node, bias_node] = ops.parents;
                let (x, weight, y) = ops.state;
                let grad = masked::<B>(grads.consume::<B>(&ops.node), y);
                if let Some(node) = x_node {
                    grads.register::<B>(node.id, B::dense_backward_x(weight, grad.clone()));
                }
                if let Some(node) = weight_node {
                    grads.register::<B>(node.id, B::dense_backward_weight(x, grad.clone()));
                }
                if let Some(node) = bias_node {
                    let out = grad.shape()[1];
                    let sum = B::float_sum_dim(grad, 0);
                    grads.register::<B>(node.id, B::float_reshape(sum, Shape::new([out])));
                }
            }
        }

        let ((x, x_node), (weight, weight_node)) = (x.into_parts(), weight.into_parts());
        let (bias, bias_node) = bias.into_parts();
        let nodes = [x_node, weight_node, bias_node];
        match LinearBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let y = B::dense(x.clone(), weight.clone(), bias, relu);
                let kept = relu.then(|| y.clone());
                prep.finish((x, weight, kept), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::dense(x, weight, bias, relu)),
        }
    }

    // The other two serve the backward step above, which calls those of the inner backend: here their
    // results are constants of the graph.

    fn dense_backward_x(weight: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::dense_backward_x(weight.into_primitive(), grad.into_primitive()))
    }

    fn dense_backward_weight(x: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::dense_backward_weight(x.into_primitive(), grad.into_primitive()))
    }
}

impl LinearOps for Flex {
    fn dense(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, relu: bool) -> FlexTensor {
        let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.to_contiguous());
        let sizes = cpu::Sizes { pictures: x.shape()[0], inputs: x.shape()[1], out: bias.shape()[0] };
        let forward = || cpu::forward(values(&x), values(&weight), values(&bias), sizes, relu);
        from_values(unless_abandoned(sizes.pictures * sizes.out, forward), [sizes.pictures, sizes.out])
    }

    fn dense_backward_x(weight: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let [weight, grad] = [weight, grad].map(|tensor| tensor.to_contiguous());
        let (pictures, out) = (grad.shape()[0], grad.shape()[1]);
        let sizes = cpu::Sizes { pictures, inputs: weight.shape().num_elements() / out, out };
        let backward = || cpu::backward_x(values(&weight), values(&grad), sizes);
        from_values(unless_abandoned(pictures * sizes.inputs, backward), [pictures, sizes.inputs])
    }

    fn dense_backward_weight(x: FlexTensor, grad: FlexTensor) -> FlexTensor {
        let [x, grad] = [x, grad].map(|tensor| tensor.to_contiguous());
        let sizes = cpu::Sizes { pictures: x.shape()[0], inputs: x.shape()[1], out: grad.shape()[1] };
        let count = sizes.inputs * sizes.out;
        let dw = unless_abandoned(count, || cpu::backward_weight(values(&x), values(&grad), sizes));
        from_values(dw, [count])
    }
}
