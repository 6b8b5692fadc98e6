//! The paper's update rule (section 5).
//!
//! ```text
//! v <- momentum * v - decay * rate * w - rate * gradient
//! w <- w + v
//! ```
//! The rate stands inside the velocity: after a change of rate the old velocity fades at its old size,
//! which is not what rules that multiply by the rate at the end do. Biases do not decay and learn faster.
//! A layer can learn at a multiple of the rate; at 0 it is frozen: neither decay nor what is left of its
//! velocity moves it, and it begins at rest when it is thawed.

use burn::tensor::Tensor;

use super::schedule::Rates;
use crate::kernels::{Momentum, Recycling, momentum_update};
use crate::model::{ModelSpec, ParameterRole, Shapes};

/// Constants of the rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    pub momentum: f64,
    /// Weight decay of the weights.
    pub weight_decay: f64,
    /// The biases' rate as a multiple of [`Rates::biases`] (2 in the author's runs).
    pub bias_lr_scale: f64,
}

/// The rule with its velocities.
pub struct Sgd {
    momentum: f64,
    parameters: Vec<Learner>,
    /// As long as there is a rule to learn by, the processor uses large pieces of memory again.
    _recycling: Recycling,
}

/// How one parameter learns.
struct Learner {
    role: ParameterRole,
    /// Index of its layer in the spec.
    layer: usize,
    /// Multiple of the rate for its role: 1 for weights and gains, the biases' for biases.
    role_scale: f64,
    /// Multiple of the rate for its layer.
    layer_scale: f64,
    decay: f64,
    /// None before the first update.
    velocity: Option<Tensor<1>>,
}

impl Learner {
    fn learns(&self) -> bool {
        self.role != ParameterRole::Statistic && self.layer_scale * self.role_scale > 0.0
    }

    /// Moves `weight` against its `gradient`.
    fn update(&mut self, weight: &mut Tensor<1>, gradient: Tensor<1>, rates: Rates, momentum: f64) {
        let rate = match self.role {
            ParameterRole::Bias => rates.biases,
            ParameterRole::Weight | ParameterRole::Gain | ParameterRole::Statistic => rates.weights,
        };
        let rate = rate * self.role_scale * self.layer_scale;
        let numbers =
            Momentum { rate: rate as f32, decay: (self.decay * rate) as f32, momentum: momentum as f32 };
        let velocity = self.velocity.take().unwrap_or_else(|| weight.zeros_like());
        // Taken out, so that nobody else holds the weights and their memory can be used again.
        let old = std::mem::replace(weight, Tensor::empty([0], &weight.device()));
        let (new, velocity) = momentum_update(old, gradient, velocity, numbers);
        *weight = new;
        self.velocity = Some(velocity);
    }
}

impl Sgd {
    /// The rule for the parameters of a spec, at rest.
    pub fn new(config: SgdConfig, spec: &ModelSpec, shapes: &Shapes) -> Self {
        let parameters = shapes.parameters.iter().map(|parameter| {
            let (role, layer) = (parameter.role, parameter.layer);
            let role_scale = if role == ParameterRole::Bias { config.bias_lr_scale } else { 1.0 };
            let decay = match role {
                ParameterRole::Weight => {
                    config.weight_decay * spec.layers[layer].kind.init().map_or(1.0, |init| init.decay_scale)
                }
                ParameterRole::Bias | ParameterRole::Gain | ParameterRole::Statistic => 0.0,
            };
            Learner { role, layer, role_scale, layer_scale: 1.0, decay, velocity: None }
        });
        let parameters = parameters.collect();
        Self { momentum: config.momentum, parameters, _recycling: Recycling::begin() }
    }

    /// Lets a layer, by its index in the spec, learn at a multiple of the rate. At 0 it is frozen and loses
    /// its velocity.
    pub fn set_layer_scale(&mut self, layer: usize, scale: f64) {
        for parameter in self.parameters.iter_mut().filter(|parameter| parameter.layer == layer) {
            parameter.layer_scale = scale;
            if !parameter.learns() {
                parameter.velocity = None;
            }
        }
    }

    /// Whether a parameter moves at all, so that its gradient is wanted. By its index in
    /// [`Shapes::parameters`].
    pub fn learns(&self, parameter: usize) -> bool {
        self.parameters[parameter].learns()
    }

    /// Whether a parameter belongs to a frozen layer. By its index in [`Shapes::parameters`].
    pub fn frozen(&self, parameter: usize) -> bool {
        self.parameters[parameter].layer_scale == 0.0
    }

    /// The velocities in the order of [`Shapes::parameters`]; none for what is at rest.
    pub fn velocities(&self) -> Vec<Option<Tensor<1>>> {
        self.parameters.iter().map(|learner| learner.velocity.clone()).collect()
    }

    /// Takes velocities back, in the same order. What is frozen stays at rest.
    pub fn set_velocities(&mut self, velocities: Vec<Option<Tensor<1>>>) {
        for (learner, velocity) in self.parameters.iter_mut().zip(velocities) {
            learner.velocity = velocity.filter(|_| learner.learns());
        }
    }

    /// One update. `gradients` are means over the batch, in the order of `weights`. What has no gradient, is
    /// frozen or is no learned parameter stays as it is.
    pub fn update(
        &mut self,
        weights: &mut [Tensor<1>],
        gradients: Vec<Option<Tensor<1>>>,
        rates: impl Into<Rates>,
    ) {
        let rates = rates.into();
        for ((weight, gradient), learner) in weights.iter_mut().zip(gradients).zip(&mut self.parameters) {
            if let Some(gradient) = gradient.filter(|_| learner.learns()) {
                learner.update(weight, gradient, rates, self.momentum);
            }
        }
    }
}
