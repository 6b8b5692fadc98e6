//! The rectified linear unit as the end of another operation: its place in a shader, and its gradient.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
use rayon::prelude::*;

use super::host::{values, whole};
use super::launch::{Shader, empty_like, launch};
use super::recycle::give_back;

/// Values that a thread works on at once.
const BLOCK: usize = 1 << 14;

/// What a shader writes instead of `value`. A NaN stays one.
pub(super) fn finish(relu: bool) -> &'static str {
    if relu { "select(value, 0.0, value < 0.0)" } else { "value" }
}

/// `value` as the unit passes it on. A NaN stays one.
pub(super) fn finished(value: f32, relu: bool) -> f32 {
    if relu && value < 0.0 { 0.0 } else { value }
}

/// The gradient in front of a unit, if there is one with this output.
pub(super) fn masked<B: ReluOps>(grad: FloatTensor<B>, y: Option<FloatTensor<B>>) -> FloatTensor<B> {
    match y {
        Some(y) => B::relu_mask(y, grad),
        None => grad,
    }
}

/// The unit's gradient as a backend has it.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait ReluOps: Backend {
    /// `grad` where the output `y` of the unit is above 0, and 0 elsewhere.
    fn relu_mask(y: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl<B: ReluOps, C: CheckpointStrategy> ReluOps for Autodiff<B, C> {
    /// Serves backward steps, which call that of the inner backend: here the result is a constant of the graph.
    fn relu_mask(y: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::relu_mask(y.into_primitive(), grad.into_primitive()))
    }
}

impl ReluOps for Flex {
    fn relu_mask(y: FlexTensor, grad: FlexTensor) -> FlexTensor {
        // In the gradient's own memory where nobody else holds it.
        let (y, mut grad) = (whole(y), whole(grad));
        let blocks = grad.storage_mut::<f32>().par_chunks_mut(BLOCK).zip(values(&y).par_chunks(BLOCK));
        blocks.for_each(|(grad, y)| {
            for (grad, y) in grad.iter_mut().zip(y) {
                *grad = if *y <= 0.0 { 0.0 } else { *grad };
            }
        });
        give_back(y);
        grad
    }
}

impl ReluOps for CubeBackend {
    fn relu_mask(y: CubeTensor, grad: CubeTensor) -> CubeTensor {
        let [y, grad] = [y, grad].map(into_contiguous);
        let dx = empty_like(&grad, grad.shape(), grad.dtype);
        launch(backward_shader(), &[&y, &grad], &[&dx], &[], dx.shape().num_elements());
        dx
    }
}

fn backward_shader() -> Shader {
    Shader::new("relu_backward", include_str!("../../shaders/relu_backward.wgsl"))
}

pub(super) fn shaders() -> Vec<Shader> {
    vec![backward_shader()]
}
