//! A layer with weights and biases: what a call takes, what it gives, and how the two are compared.

use burn::tensor::{Device, Tensor, TensorData};

use super::{devices, poison, random, tensor, values};
use crate::support::assert_close;

/// Everything that a call takes, and the weights of its outputs in the loss.
#[derive(Clone)]
pub struct Numbers {
    pub shape: [usize; 4],
    pub x: Vec<f32>,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub weights: Vec<f32>,
}

/// The output and the gradients of the loss sum(weights * output).
#[derive(Debug, PartialEq)]
pub struct Outcome<T> {
    pub y: Vec<T>,
    pub dx: Vec<T>,
    pub dweight: Vec<T>,
    pub dbias: Vec<T>,
}

/// The layer under test on a call's tensors: input, flat weights, biases.
pub trait Operation: Fn(Tensor<4>, Tensor<1>, Tensor<1>) -> Tensor<4> {}

impl<F: Fn(Tensor<4>, Tensor<1>, Tensor<1>) -> Tensor<4>> Operation for F {}

impl Numbers {
    pub fn random(shape: [usize; 4], [weights, biases, outputs]: [usize; 3], seed: u64) -> Self {
        Self {
            shape,
            x: random(shape.iter().product(), seed),
            weight: random(weights, seed + 1),
            bias: random(biases, seed + 2),
            weights: random(outputs, seed + 3),
        }
    }

    /// Zeros of the sizes of the results.
    pub fn zeros(&self) -> Outcome<f64> {
        Outcome {
            y: vec![0.0; self.weights.len()],
            dx: vec![0.0; self.x.len()],
            dweight: vec![0.0; self.weight.len()],
            dbias: vec![0.0; self.bias.len()],
        }
    }

    /// `operation` on these numbers, with NaN in the memory that its results are given.
    pub fn run(&self, device: &Device, operation: impl Operation) -> Outcome<f32> {
        let inner = device.clone();
        let device = device.clone().autodiff();
        let x = tensor(&self.x, self.shape, &device).require_grad();
        let weight = flat(&self.weight, &device).require_grad();
        let bias = flat(&self.bias, &device).require_grad();
        poison([1, 1, 1, self.weights.len()], &inner);
        let y = operation(x.clone(), weight.clone(), bias.clone());
        let loss = (y.clone() * tensor(&self.weights, y.dims(), &device)).sum();
        poison(self.shape, &inner);
        poison([1, 1, 1, self.weight.len()], &inner);
        let gradients = loss.backward();
        Outcome {
            y: values(y.inner()),
            dx: values(x.grad(&gradients).expect("x is tracked")),
            dweight: plain(weight.grad(&gradients).expect("the weights are tracked")),
            dbias: plain(bias.grad(&gradients).expect("the biases are tracked")),
        }
    }

    /// Fails unless `reference` has the gradients of its own finite differences. It is linear in each argument, so that a
    /// difference over a whole unit is exact.
    pub fn check_differences(&self, reference: impl Fn(&Self) -> Outcome<f64>) {
        let loss = |numbers: &Self| -> f64 {
            reference(numbers).y.iter().zip(&numbers.weights).map(|(y, &w)| y * f64::from(w)).sum()
        };
        let check = |name: &str, part: fn(&mut Self) -> &mut Vec<f32>, want: &[f64]| {
            let mut moved = self.clone();
            let got: Vec<f64> = (0..want.len())
                .map(|index| {
                    let old = part(&mut moved)[index];
                    part(&mut moved)[index] = 1.0;
                    let above = loss(&moved);
                    part(&mut moved)[index] = 0.0;
                    let below = loss(&moved);
                    part(&mut moved)[index] = old;
                    above - below
                })
                .collect();
            assert_close(name, &got, want, 1e-9, 1e-9);
        };
        let want = reference(self);
        check("x", |numbers| &mut numbers.x, &want.dx);
        check("weights", |numbers| &mut numbers.weight, &want.dweight);
        check("biases", |numbers| &mut numbers.bias, &want.dbias);
    }

    /// Fails unless `operation` gives exactly the gradients that are asked for, whichever they are.
    pub fn check_asked_for(&self, operation: impl Operation, want: &Outcome<f64>) {
        for (name, device) in devices() {
            for tracked in [[true, false, false], [false, true, false], [false, false, true], [false; 3]] {
                let on = device.clone().autodiff();
                let x = tensor(&self.x, self.shape, &on).set_require_grad(tracked[0]);
                let weight = flat(&self.weight, &on).set_require_grad(tracked[1]);
                let bias = flat(&self.bias, &on).set_require_grad(tracked[2]);
                let y = operation(x.clone(), weight.clone(), bias.clone());
                let title = format!("{name} {tracked:?}");
                assert_close(&title, &values(y.clone().inner()), &want.y, 1e-5, 1e-5);
                if tracked == [false; 3] {
                    continue;
                }
                let gradients = (y.clone() * tensor(&self.weights, y.dims(), &on)).sum().backward();
                let found = [
                    x.grad(&gradients).map(values),
                    weight.grad(&gradients).map(plain),
                    bias.grad(&gradients).map(plain),
                ];
                for ((found, want), tracked) in
                    found.iter().zip([&want.dx, &want.dweight, &want.dbias]).zip(tracked)
                {
                    assert_eq!(found.is_some(), tracked, "{title}");
                    if let Some(found) = found {
                        assert_close(&title, found, want, 1e-5, 1e-5);
                    }
                }
            }
        }
    }
}

pub fn flat(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

pub fn matrix(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

pub fn plain<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("32-bit floats")
}

#[track_caller]
pub fn assert_same<T: Copy + Into<f64>>(title: &str, got: &Outcome<f32>, want: &Outcome<T>) {
    assert_close(&format!("{title} output"), &got.y, &want.y, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of x"), &got.dx, &want.dx, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of the weights"), &got.dweight, &want.dweight, 1e-5, 2e-5);
    assert_close(&format!("{title} gradient of the biases"), &got.dbias, &want.dbias, 1e-5, 2e-5);
}
