//! The paper's update rule (section 5).
//!
//! ```text
//! v <- momentum * v - decay * rate * w - rate * gradient
//! w <- w + v
//! ```
//! The rate stands inside the velocity: after a change of rate the old velocity fades at its old size,
//! which is not what rules that multiply by the rate at the end do. Biases do not decay and learn faster.

use burn::tensor::Tensor;

use crate::model::{ModelSpec, ParameterRole, Shapes};

/// Constants of the rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdConfig {
    pub momentum: f64,
    /// Weight decay of the weights.
    pub weight_decay: f64,
    /// The biases' rate as a multiple of the weights' (2 in the author's runs).
    pub bias_lr_scale: f64,
}

/// The rule with its velocities.
pub struct Sgd {
    momentum: f64,
    /// For each parameter: multiple of the rate, weight decay, velocity (none before the first update).
    parameters: Vec<(f64, f64, Option<Tensor<1>>)>,
}

impl Sgd {
    /// The rule for the parameters of a spec, at rest.
    pub fn new(config: SgdConfig, spec: &ModelSpec, shapes: &Shapes) -> Self {
        let parameters = shapes.parameters.iter().map(|parameter| match parameter.role {
            ParameterRole::Bias => (config.bias_lr_scale, 0.0, None),
            ParameterRole::Weight => {
                let scale = spec.layers[parameter.layer].kind.init().map_or(1.0, |init| init.decay_scale);
                (1.0, config.weight_decay * scale, None)
            }
            ParameterRole::Gain => (1.0, 0.0, None),
            ParameterRole::Statistic => (0.0, 0.0, None),
        });
        Self { momentum: config.momentum, parameters: parameters.collect() }
    }

    /// One update. `gradients` are means over the batch, in the order of `weights`.
    pub fn update(&mut self, weights: &mut [Tensor<1>], gradients: Vec<Tensor<1>>, rate: f64) {
        for ((weight, gradient), (rate_scale, decay, velocity)) in
            weights.iter_mut().zip(gradients).zip(&mut self.parameters)
        {
            if *rate_scale == 0.0 {
                continue;
            }
            let rate = rate * *rate_scale;
            let mut change = gradient * -rate;
            if *decay > 0.0 {
                change = change - weight.clone() * (*decay * rate);
            }
            if let Some(old) = velocity.take() {
                change = change + old * self.momentum;
            }
            *weight = weight.clone() + change.clone();
            *velocity = Some(change);
        }
    }
}
