//! What a device can do at most, as a measure for the other kernels: multiply-adds in registers, and a plain copy.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::host::{from_values, values};
use super::launch::{Shader, Word, empty_like, launch};
use super::vector::{self, Vectors};

/// Chains of multiply-adds of a value: enough to hide how long one takes.
const CHAINS: usize = 8;
/// Links of every chain in a round.
const LINKS: usize = 8;
/// Values that a thread of the processor works on at once.
const BLOCK: usize = 1 << 16;

/// Multiply-adds of [`multiply_adds`] for each value and round.
pub const MULTIPLY_ADDS: usize = CHAINS * LINKS;

/// As many multiply-adds as the device can do, [`MULTIPLY_ADDS`] times `rounds` for each value of `x`. The result is
/// of no use but to be waited for.
///
/// # Panics
/// When `x` is not of 32-bit floats.
pub fn multiply_adds(x: Tensor<1>, rounds: usize) -> Tensor<1> {
    if x.dims()[0] == 0 {
        return x;
    }
    Tensor::from_dispatch(<Dispatch as CeilingOps>::multiply_adds(x.into_dispatch(), rounds))
}

/// A copy of `x` in memory of its own.
///
/// # Panics
/// When `x` is not of 32-bit floats, or does not hold a multiple of four values.
pub fn copy(x: Tensor<1>) -> Tensor<1> {
    assert!(x.dims()[0].is_multiple_of(4), "a copy takes four values at once");
    if x.dims()[0] == 0 {
        return x;
    }
    Tensor::from_dispatch(<Dispatch as CeilingOps>::copy(x.into_dispatch()))
}

/// Both as a backend has them.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait CeilingOps: Backend {
    fn multiply_adds(x: FloatTensor<Self>, rounds: usize) -> FloatTensor<Self>;
    fn copy(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl<B: CeilingOps, C: CheckpointStrategy> CeilingOps for Autodiff<B, C> {
    // Constants of the graph: a measurement is not differentiated.

    fn multiply_adds(x: FloatTensor<Self>, rounds: usize) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::multiply_adds(x.into_primitive(), rounds))
    }

    fn copy(x: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::copy(x.into_primitive()))
    }
}

impl CeilingOps for Flex {
    fn multiply_adds(x: FlexTensor, rounds: usize) -> FlexTensor {
        let shape = x.shape();
        let x = x.to_contiguous();
        let mut y = vec![0.0; shape.num_elements()];
        let vectors = Vectors::new();
        let links = (rounds * MULTIPLY_ADDS).div_ceil(vector::CHAINS);
        // Blocks of a fixed length, so that all threads get their share whatever the number of values.
        let blocks = y.par_chunks_mut(BLOCK / CHAINS).zip(values(&x).par_chunks(BLOCK / CHAINS));
        blocks.for_each(|(y, x)| vectors.multiply_adds(x, links, y));
        from_values(y, shape)
    }

    fn copy(x: FlexTensor) -> FlexTensor {
        let shape = x.shape();
        let x = x.to_contiguous();
        let mut y = vec![0.0; shape.num_elements()];
        let blocks = y.par_chunks_mut(BLOCK).zip(values(&x).par_chunks(BLOCK));
        blocks.for_each(|(y, x)| y.copy_from_slice(x));
        from_values(y, shape)
    }
}

impl CeilingOps for CubeBackend {
    fn multiply_adds(x: CubeTensor, rounds: usize) -> CubeTensor {
        let x = into_contiguous(x);
        let y = empty_like(&x, x.shape(), x.dtype);
        launch(products_shader(), &[&x], &[&y], &[Word::Size(rounds)], x.shape().num_elements());
        y
    }

    fn copy(x: CubeTensor) -> CubeTensor {
        let x = into_contiguous(x);
        let y = empty_like(&x, x.shape(), x.dtype);
        launch(copy_shader(), &[&x], &[&y], &[], x.shape().num_elements() / 4);
        y
    }
}

fn products_shader() -> Shader {
    let link = "a = fma(a, factor, term); b = fma(b, factor, term);";
    let products = [link; LINKS].join("\n        ");
    Shader::new("ceiling_products", include_str!("../../shaders/ceiling_products.wgsl"))
        .with("products", products)
}

fn copy_shader() -> Shader {
    Shader::new("ceiling_copy", include_str!("../../shaders/ceiling_copy.wgsl"))
}

pub(super) fn shaders() -> Vec<Shader> {
    vec![products_shader(), copy_shader()]
}
