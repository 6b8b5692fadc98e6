//! What the CPU twins share: the way from a tensor to plain values and back.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Element, Shape, TensorData};

/// The values of a tensor that was made contiguous.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor
        .as_slice()
        .expect("the operations are defined for 32-bit floats, and the tensor was made contiguous")
}

pub(super) fn from_values<E: Element>(values: Vec<E>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

/// The tensor itself where its memory holds its values in their order and nothing else, a copy otherwise. Taken
/// by value, so that an only holder stays one.
pub(super) fn whole(tensor: FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}
