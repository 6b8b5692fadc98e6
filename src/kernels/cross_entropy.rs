//! Softmax cross-entropy (paper section 3.5): the loss of each picture, its gradient, and where the label stands among
//! the scores, which is what the error rates count.
//!
//! The forward pass reads the scores once, with a running maximum that keeps every exponential within bounds; the
//! backward pass reads them once more. Composed of single operations it is six passes over them, and the scores of a
//! training batch have to reach the host to be counted.

mod cpu;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::host::{from_values, values};
use super::launch::{Shader, Word, empty_like, grid, launch, launch_groups, upload};
use super::rank::RANK;

/// Numbers of a row of [`CrossEntropy::standing`].
pub const STANDING: usize = 5;

/// What [`cross_entropy`] finds.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    /// `[N]`, in nats, times the weight. Their sum is what is made small.
    pub losses: Tensor<1>,
    /// `[N, STANDING]`, not tracked: the loss without the weight, how many scores stand above the label's, how many are
    /// as high (its own counted), the highest score, and the sum of exponentials relative to that. NaN stands above
    /// everything, and everything above a label's score that is NaN.
    pub standing: Tensor<2>,
}

/// `-weight ln(softmax(scores)[label])` of each row of `scores`, `[N, classes]`. The loss is NaN where a score is NaN or
/// infinite, and the gradient then, too; only a score of minus infinity that is not the label's counts as no chance.
///
/// # Panics
/// When there are not `N` labels below the number of classes, or the scores are not of 32-bit floats.
pub fn cross_entropy(scores: Tensor<2>, labels: &[u32], weight: f32) -> CrossEntropy {
    let [rows, classes] = scores.dims();
    assert_eq!(rows, labels.len(), "cross-entropy: rows of scores and labels");
    assert!(
        labels.iter().all(|&label| (label as usize) < classes),
        "cross-entropy: a label beyond {classes} classes"
    );
    if rows == 0 {
        let device = scores.device();
        return CrossEntropy {
            losses: Tensor::zeros([0], &device),
            standing: Tensor::zeros([0, STANDING], &device),
        };
    }
    let (losses, standing) =
        <Dispatch as CrossEntropyOps>::cross_entropy(scores.into_dispatch(), labels, weight);
    CrossEntropy { losses: Tensor::from_dispatch(losses), standing: Tensor::from_dispatch(standing) }
}

/// The loss as a backend has it; shapes as in [`CrossEntropy`].
#[backend_extension(Cube, Flex, Autodiff)]
pub trait CrossEntropyOps: Backend {
    /// The weighted losses and the standing.
    fn cross_entropy(
        scores: FloatTensor<Self>,
        labels: &[u32],
        weight: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The gradient of the scores, given that of the weighted losses.
    fn cross_entropy_backward(
        scores: FloatTensor<Self>,
        standing: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        labels: &[u32],
        weight: f32,
    ) -> FloatTensor<Self>;
}

impl<B: CrossEntropyOps, C: CheckpointStrategy> CrossEntropyOps for Autodiff<B, C> {
    fn cross_entropy(
        scores: FloatTensor<Self>,
        labels: &[u32],
        weight: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        #[derive(Debug)]
        struct CrossEntropyBackward;

        impl<B: CrossEntropyOps> Backward<B, 1> for CrossEntropyBackward {
            type State = (FloatTensor<B>, FloatTensor<B>, Vec<u32>, f32);

            fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
                let (scores, standing, labels, weight) = ops.state;
                unary::<B, _>(ops.parents, ops.node, grads, |grad| {
                    B::cross_entropy_backward(scores, standing, grad, &labels, weight)
                });
            }
        }

        let (scores, node) = scores.into_parts();
        let (losses, standing) = B::cross_entropy(scores.clone(), labels, weight);
        let constant = FloatTensor::<Self>::new(standing.clone());
        match CrossEntropyBackward.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                (prep.finish((scores, standing, labels.to_vec(), weight), losses), constant)
            }
            OpsKind::UnTracked(prep) => (prep.finish(losses), constant),
        }
    }

    fn cross_entropy_backward(
        scores: FloatTensor<Self>,
        standing: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        labels: &[u32],
        weight: f32,
    ) -> FloatTensor<Self> {
        // A gradient of the gradient is never asked for: the result is a constant of the graph.
        let [scores, standing, grad] = [scores, standing, grad].map(|tensor| tensor.into_primitive());
        FloatTensor::<Self>::new(B::cross_entropy_backward(scores, standing, grad, labels, weight))
    }
}

impl CrossEntropyOps for Flex {
    fn cross_entropy(scores: FlexTensor, labels: &[u32], weight: f32) -> (FlexTensor, FlexTensor) {
        let scores = scores.to_contiguous();
        let standing = cpu::forward(values(&scores), labels, scores.shape()[1]);
        let losses: Vec<f32> = standing.chunks_exact(STANDING).map(|row| row[0] * weight).collect();
        (from_values(losses, [labels.len()]), from_values(standing, [labels.len(), STANDING]))
    }

    fn cross_entropy_backward(
        scores: FlexTensor,
        standing: FlexTensor,
        grad: FlexTensor,
        labels: &[u32],
        weight: f32,
    ) -> FlexTensor {
        let [scores, standing, grad] = [scores, standing, grad].map(|tensor| tensor.to_contiguous());
        let dx = cpu::backward(values(&scores), labels, values(&standing), values(&grad), weight);
        from_values(dx, scores.shape())
    }
}

impl CrossEntropyOps for CubeBackend {
    fn cross_entropy(scores: CubeTensor, labels: &[u32], weight: f32) -> (CubeTensor, CubeTensor) {
        let scores = into_contiguous(scores);
        let (rows, classes) = (labels.len(), scores.shape()[1]);
        let labels = upload(&scores, bytemuck::cast_slice(labels));
        let losses = empty_like(&scores, Shape::new([rows]), scores.dtype);
        let standing = empty_like(&scores, Shape::new([rows, STANDING]), scores.dtype);
        let (across, down) = grid(rows, 1);
        let sizes = [rows, across as usize, classes].map(Word::Size);
        let params = [&sizes[..], &[weight, f32::NAN].map(Word::Float)].concat();
        let outputs = [&losses, &standing];
        launch_groups(forward_shader(), &[&scores, &labels], &outputs, &params, [across, down, 1]);
        (losses, standing)
    }

    fn cross_entropy_backward(
        scores: CubeTensor,
        standing: CubeTensor,
        grad: CubeTensor,
        labels: &[u32],
        weight: f32,
    ) -> CubeTensor {
        let [scores, standing, grad] = [scores, standing, grad].map(into_contiguous);
        let labels = upload(&scores, bytemuck::cast_slice(labels));
        let dx = empty_like(&scores, scores.shape(), scores.dtype);
        let params = [Word::Size(scores.shape()[1]), Word::Float(weight)];
        let inputs = [&scores, &labels, &standing, &grad];
        launch(backward_shader(), &inputs, &[&dx], &params, scores.shape().num_elements());
        dx
    }
}

fn forward_shader() -> Shader {
    Shader::new("cross_entropy_forward", include_str!("../../shaders/cross_entropy_forward.wgsl"))
        .followed_by(RANK)
}

fn backward_shader() -> Shader {
    Shader::new("cross_entropy_backward", include_str!("../../shaders/cross_entropy_backward.wgsl"))
}

pub(super) fn shaders() -> Vec<Shader> {
    vec![forward_shader(), backward_shader()]
}
