//! Our operations: against references in 64-bit floats, finite differences, burn's own modules, PyTorch's
//! results, and the shaders against their CPU twins.

mod conv;
mod crop;
mod cross_entropy;
mod device;
mod layer;
mod linear;
mod local;
mod lrn;
mod momentum;
mod pool;
mod recycle;
mod shaders;
mod spatial;
mod steps;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors};

use crate::support::software_device;

/// The devices that both paths of an operation are tested on.
fn devices() -> Vec<(&'static str, Device)> {
    let software = software_device().map(|device| ("software Vulkan", device));
    std::iter::once(("CPU", Device::flex())).chain(software).collect()
}

/// Values from -1 to 1 that are the same in every run.
fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn tensor(values: &[f32], shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

/// Leaves NaN in the memory that the next tensors of this size are given, so that a value that an operation
/// forgets to write shows.
fn poison(shape: [usize; 4], device: &Device) {
    let tensors: Vec<Tensor<4>> = (0..4).map(|_| Tensor::full(shape, f32::NAN, device)).collect();
    device.sync().expect("the device works");
    drop(tensors);
}

/// Fails unless `operation` panics: a kernel that believed such sizes would read memory of another tensor.
#[track_caller]
fn refused<T>(title: &str, operation: impl FnOnce() -> T) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation));
    assert!(result.is_err(), "{title}: not refused");
}

/// `operation` of `x`, and the gradient of `x` for the loss sum(weights * operation(x)).
fn with_gradient(
    operation: impl Fn(Tensor<4>) -> Tensor<4>,
    x: &[f32],
    shape: [usize; 4],
    weights: &[f32],
    device: &Device,
) -> (Vec<f32>, Vec<f32>) {
    let device = device.clone().autodiff();
    let x = tensor(x, shape, &device).require_grad();
    let inner = device.clone().inner();
    poison(shape, &inner);
    let y = operation(x.clone());
    poison(y.dims(), &inner);
    let weights = tensor(weights, y.dims(), &device);
    let loss = (y.clone() * weights).sum();
    poison(shape, &inner);
    let gradients = loss.backward();
    (values(y.inner()), values(x.grad(&gradients).expect("x is tracked")))
}

/// The gradient of sum(weights * reference(x)) by central differences.
fn differences(x: &[f64], weights: &[f32], reference: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let loss = |x: &[f64]| -> f64 { reference(x).iter().zip(weights).map(|(y, &w)| y * f64::from(w)).sum() };
    let step = 1e-5;
    let mut moved = x.to_vec();
    (0..x.len())
        .map(|index| {
            moved[index] = x[index] + step;
            let above = loss(&moved);
            moved[index] = x[index] - step;
            let below = loss(&moved);
            moved[index] = x[index];
            (above - below) / (2.0 * step)
        })
        .collect()
}

fn widen(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// What another framework computed, as `tests/fixtures/make_<name>.py` wrote it.
struct Fixture {
    file: Vec<u8>,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let path = format!("{}/tests/fixtures/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Self { file: std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")) }
    }

    fn shape<const D: usize>(&self, name: &str) -> [usize; D] {
        self.view(name, |view| view.shape().try_into().expect("the number of dimensions"))
    }

    /// Inputs, which are of 32-bit floats.
    fn inputs(&self, name: &str) -> Vec<f32> {
        self.view(name, |view| {
            assert_eq!(view.dtype(), Dtype::F32, "{name}");
            view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        })
    }

    /// Results, which are of 64-bit floats.
    fn results(&self, name: &str) -> Vec<f64> {
        self.view(name, |view| {
            assert_eq!(view.dtype(), Dtype::F64, "{name}");
            view.data().as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
        })
    }

    fn view<T>(&self, name: &str, read: impl Fn(&safetensors::tensor::TensorView<'_>) -> T) -> T {
        let tensors = SafeTensors::deserialize(&self.file).expect("a whole file");
        read(&tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}")))
    }
}
