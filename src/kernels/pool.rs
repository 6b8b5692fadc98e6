//! Max pooling with any window, stride and padding (paper section 3.4), forward and backward.
//!
//! The windows of the paper overlap (3x3, stride 2), so that a pixel can be the maximum of up to four. The
//! gradient of a window goes to its first maximum in row-major order; NaN counts as the largest value and
//! so reaches the output.
//!
//! The forward pass keeps where each maximum was, 4 bytes an output. With 3x3/2 windows there is one output
//! for four inputs, so that per input value this moves 1 + 1 byte (written, then read back), where finding
//! the maxima again in the backward pass would read 4 bytes of x and compare up to 36 of them; and it lets
//! go of x, which is four times larger. Without gradients nothing is kept.

mod cpu;
mod cube;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::KernelError;
use super::host::{from_values, values, whole};
use super::recycle::give_back;

pub(super) use self::cube::shaders;

/// Windows of a pooling layer; every pair is (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolConfig {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Rows and columns added on every side that never win a maximum; at most half the kernel.
    pub padding: [usize; 2],
    /// Whether windows that hang over the lower or right edge are used, with the pixels inside the picture.
    pub ceil: bool,
}

impl MaxPoolConfig {
    /// Height and width of the output for an input of this height and width.
    ///
    /// With `ceil`, a last window that would start outside the picture and its leading padding is dropped,
    /// as in PyTorch and Caffe.
    pub fn output_size(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|axis| {
            let (kernel, stride, padding) = (self.kernel[axis], self.stride[axis], self.padding[axis]);
            let slack = if self.ceil { stride - 1 } else { 0 };
            let Some(room) = (input[axis] + 2 * padding + slack).checked_sub(kernel) else { return 0 };
            let windows = room / stride + 1;
            let starts_outside = (windows - 1) * stride >= input[axis] + padding;
            if self.ceil && starts_outside { windows - 1 } else { windows }
        })
    }

    /// Whether these windows can pool an input of this height and width.
    ///
    /// # Errors
    /// The first number that is out of range.
    pub fn check(&self, input: [usize; 2]) -> Result<(), KernelError> {
        let fail = |reason| Err(KernelError { operation: "max pooling", reason });
        let Self { kernel, stride, padding, .. } = *self;
        if kernel.contains(&0) || stride.contains(&0) {
            return fail(format!("the window {kernel:?} and the stride {stride:?} must be at least 1"));
        }
        if (0..2).any(|axis| 2 * padding[axis] > kernel[axis]) {
            return fail(format!("the padding {padding:?} must be at most half the window {kernel:?}"));
        }
        if self.output_size(input).contains(&0) {
            return fail(format!("a window of {kernel:?} does not fit into {input:?} pixels"));
        }
        Ok(())
    }
}

/// The maximum of each window of `x` (`[N, C, H, W]`); the result is `[N, C, H', W']` with the size of
/// [`MaxPoolConfig::output_size`].
///
/// # Panics
/// When [`MaxPoolConfig::check`] fails for the size of `x`, or `x` is not of 32-bit floats.
pub fn max_pool2d(x: Tensor<4>, config: MaxPoolConfig) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    if let Err(error) = config.check([height, width]) {
        panic!("{error}");
    }
    Tensor::from_dispatch(<Dispatch as MaxPoolOps>::max_pool(x.into_dispatch(), config))
}

/// Max pooling as a backend has it; shapes as in [`max_pool2d`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait MaxPoolOps: Backend {
    fn max_pool(x: FloatTensor<Self>, config: MaxPoolConfig) -> FloatTensor<Self>;

    /// Also gives where in its `H x W` plane each maximum was, as 32-bit integers.
    fn max_pool_with_argmax(
        x: FloatTensor<Self>,
        config: MaxPoolConfig,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    /// The gradient of an input of this height and width, given that of the output.
    fn max_pool_backward(
        grad: FloatTensor<Self>,
        argmax: IntTensor<Self>,
        input: [usize; 2],
        config: MaxPoolConfig,
    ) -> FloatTensor<Self>;
}

impl<B: MaxPoolOps, C: CheckpointStrategy> MaxPoolOps for Autodiff<B, C> {
    fn max_pool(x: FloatTensor<Self>, config: MaxPoolConfig) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct MaxPoolBackward;

        impl<B: MaxPoolOps> Backward<B, 1> for MaxPoolBackward {
            type State = (IntTensor<B>, [usize; 2], MaxPoolConfig);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (argmax, input, config) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |grad| {
                    B::max_pool_backward(grad, argmax, input, config)
                });
            }
        }

        let (x, node) = x.into_parts();
        match MaxPoolBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let input = height_and_width(&x.shape());
                let (y, argmax) = B::max_pool_with_argmax(x, config);
                prep.finish((argmax, input, config), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::max_pool(x, config)),
        }
    }

    // The other two serve the backward step above, which calls those of the inner backend: here their
    // results are constants of the graph.

    fn max_pool_with_argmax(
        x: FloatTensor<Self>,
        config: MaxPoolConfig,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let (y, argmax) = B::max_pool_with_argmax(x.into_primitive(), config);
        (FloatTensor::<Self>::new(y), argmax)
    }

    fn max_pool_backward(
        grad: FloatTensor<Self>,
        argmax: IntTensor<Self>,
        input: [usize; 2],
        config: MaxPoolConfig,
    ) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::max_pool_backward(grad.into_primitive(), argmax, input, config))
    }
}

impl MaxPoolOps for Flex {
    fn max_pool(x: FlexTensor, config: MaxPoolConfig) -> FlexTensor {
        let shape = pooled(&x.shape(), &config);
        let x = whole(x);
        let y = cpu::forward(values(&x), height_and_width(&x.shape()), &config);
        give_back(x);
        from_values(y, shape)
    }

    fn max_pool_with_argmax(x: FlexTensor, config: MaxPoolConfig) -> (FlexTensor, FlexTensor) {
        let shape = pooled(&x.shape(), &config);
        let x = whole(x);
        let (y, argmax) = cpu::forward_with_argmax(values(&x), height_and_width(&x.shape()), &config);
        give_back(x);
        let y = from_values(y, shape.clone());
        (y, from_values(argmax, shape))
    }

    fn max_pool_backward(
        grad: FlexTensor,
        argmax: FlexTensor,
        input: [usize; 2],
        _config: MaxPoolConfig,
    ) -> FlexTensor {
        let output = height_and_width(&grad.shape());
        let shape = with_size(&grad.shape(), input);
        let argmax = argmax.as_slice().expect("the forward pass made it contiguous and of 32-bit integers");
        let grad = whole(grad);
        let dx = cpu::backward(values(&grad), argmax, input, output);
        give_back(grad);
        from_values(dx, shape)
    }
}

fn height_and_width(shape: &Shape) -> [usize; 2] {
    [shape[2], shape[3]]
}

fn with_size(shape: &Shape, [height, width]: [usize; 2]) -> Shape {
    Shape::new([shape[0], shape[1], height, width])
}

fn pooled(shape: &Shape, config: &MaxPoolConfig) -> Shape {
    with_size(shape, config.output_size(height_and_width(shape)))
}
