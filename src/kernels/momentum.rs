//! One update of a parameter with momentum, in one pass over its values.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::wgpu::{CubeBackend, CubeTensor, into_contiguous};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::Tensor;
use rayon::prelude::*;

use super::host::{values, whole};
use super::launch::{Shader, Word, empty_like, launch};
use super::recycle::give_back;

/// Values that a thread works on at once.
const BLOCK: usize = 1 << 14;

/// The numbers of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    pub rate: f32,
    /// Weight decay times the rate.
    pub decay: f32,
    /// Share of the velocity that is kept.
    pub momentum: f32,
}

/// `v := momentum v - rate gradient - decay w`, then `w := w + v` (paper section 5), for flat parameters without
/// automatic differentiation. Returns the new weight and velocity, in the memory of the old ones where nobody
/// else holds them and the device allows it.
///
/// # Panics
/// When the three have different lengths or are not of 32-bit floats.
pub fn momentum_update(
    weight: Tensor<1>,
    gradient: Tensor<1>,
    velocity: Tensor<1>,
    numbers: Momentum,
) -> (Tensor<1>, Tensor<1>) {
    assert_eq!(weight.dims(), gradient.dims(), "weights and their gradient");
    assert_eq!(weight.dims(), velocity.dims(), "weights and their velocity");
    if weight.dims()[0] == 0 {
        return (weight, velocity);
    }
    let [weight, gradient, velocity] = [weight, gradient, velocity].map(Tensor::into_dispatch);
    let (weight, velocity) = <Dispatch as MomentumOps>::momentum_update(weight, gradient, velocity, numbers);
    (Tensor::from_dispatch(weight), Tensor::from_dispatch(velocity))
}

/// `sum + gradient`, in the memory of `sum` where nobody else holds it and the device allows it.
///
/// # Panics
/// When the two have different lengths or are not of 32-bit floats.
pub fn add_gradients(sum: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
    assert_eq!(sum.dims(), gradient.dims(), "gradients of one parameter");
    let [sum, gradient] = [sum, gradient].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as MomentumOps>::add_gradients(sum, gradient))
}

/// The update as a backend has it.
#[backend_extension(Cube, Flex, Autodiff)]
pub trait MomentumOps: Backend {
    fn momentum_update(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        numbers: Momentum,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn add_gradients(sum: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl<B: MomentumOps, C: CheckpointStrategy> MomentumOps for Autodiff<B, C> {
    /// The results are constants of the graph: an update is not differentiated.
    fn momentum_update(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        numbers: Momentum,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [weight, gradient, velocity] = [weight, gradient, velocity].map(|tensor| tensor.into_primitive());
        let (weight, velocity) = B::momentum_update(weight, gradient, velocity, numbers);
        (FloatTensor::<Self>::new(weight), FloatTensor::<Self>::new(velocity))
    }

    fn add_gradients(sum: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Self>::new(B::add_gradients(sum.into_primitive(), gradient.into_primitive()))
    }
}

impl MomentumOps for Flex {
    fn momentum_update(
        weight: FlexTensor,
        gradient: FlexTensor,
        velocity: FlexTensor,
        numbers: Momentum,
    ) -> (FlexTensor, FlexTensor) {
        let mut weight = whole(weight);
        let mut velocity = whole(velocity);
        let gradient = whole(gradient);
        let weights = weight.storage_mut::<f32>().par_chunks_mut(BLOCK);
        let velocities = velocity.storage_mut::<f32>().par_chunks_mut(BLOCK);
        weights.zip(velocities).zip(values(&gradient).par_chunks(BLOCK)).for_each(
            |((weight, velocity), gradient)| {
                for ((weight, velocity), gradient) in weight.iter_mut().zip(velocity).zip(gradient) {
                    let pull = -numbers.rate * gradient - numbers.decay * *weight;
                    *velocity = pull + numbers.momentum * *velocity;
                    *weight += *velocity;
                }
            },
        );
        give_back(gradient);
        (weight, velocity)
    }

    fn add_gradients(sum: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        let (mut sum, gradient) = (whole(sum), whole(gradient));
        let blocks = sum.storage_mut::<f32>().par_chunks_mut(BLOCK).zip(values(&gradient).par_chunks(BLOCK));
        blocks.for_each(|(sum, gradient)| {
            sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
        });
        give_back(gradient);
        sum
    }
}

impl MomentumOps for CubeBackend {
    fn momentum_update(
        weight: CubeTensor,
        gradient: CubeTensor,
        velocity: CubeTensor,
        numbers: Momentum,
    ) -> (CubeTensor, CubeTensor) {
        let [weight, gradient, velocity] = [weight, gradient, velocity].map(into_contiguous);
        let [new_weight, new_velocity] =
            [&weight, &velocity].map(|like| empty_like(like, like.shape(), like.dtype));
        let params = [numbers.rate, numbers.decay, numbers.momentum].map(Word::Float);
        let outputs = [&new_weight, &new_velocity];
        launch(shader(), &[&weight, &gradient, &velocity], &outputs, &params, weight.shape().num_elements());
        (new_weight, new_velocity)
    }

    fn add_gradients(sum: CubeTensor, gradient: CubeTensor) -> CubeTensor {
        Self::float_add(sum, gradient)
    }
}

fn shader() -> Shader {
    Shader::new("momentum", include_str!("../../shaders/momentum.wgsl"))
}

pub(super) fn shaders() -> Vec<Shader> {
    vec![shader()]
}
