//! Values of tensors on the host.

use std::ops::Deref;

use burn::backend::flex::FlexTensor;
use burn::backend::{BackendTensor, DispatchTensorKind};
use burn::tensor::Tensor;

use super::host::{values, whole};

/// Values of a tensor, row-major. Where the device is the processor they are the tensor's own: nothing is copied, and
/// what is done to the tensor from then on is done to a copy.
#[derive(Clone, Debug)]
pub struct HostValues(Source);

#[derive(Clone, Debug)]
enum Source {
    Tensor(FlexTensor),
    Read(Vec<f32>),
}

impl HostValues {
    /// Values of a tensor of 32-bit floats. Waits for a graphics card.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Result<Self, String> {
        let dispatched = tensor.into_dispatch();
        match dispatched.kind {
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => Ok(Self(Source::Tensor(whole(tensor)))),
            _ => read(Tensor::<D>::from_dispatch(dispatched)).map(|values| Self(Source::Read(values))),
        }
    }
}

impl Deref for HostValues {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.0 {
            Source::Tensor(tensor) => values(tensor),
            Source::Read(values) => values,
        }
    }
}

impl AsRef<[f32]> for HostValues {
    fn as_ref(&self) -> &[f32] {
        self
    }
}

/// A tensor's values, row-major, in memory of their own.
///
/// # Errors
/// A device that no longer answers.
pub fn to_host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    match HostValues::of(tensor)?.0 {
        Source::Tensor(tensor) => Ok(values(&tensor).to_vec()),
        Source::Read(values) => Ok(values),
    }
}

/// Waits for the device.
fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| {
        // Behind its first lines the error tells where in the libraries it came from.
        log::debug!("the device no longer answers: {e}");
        let text = e.to_string();
        let lines = text.lines().take_while(|line| !line.trim().to_lowercase().starts_with("backtrace"));
        format!("the device no longer answers: {}", lines.take(2).collect::<Vec<_>>().join(" "))
    })?;
    data.try_into_vec::<f32>().map_err(|e| format!("the device gave unreadable numbers: {e:?}"))
}
