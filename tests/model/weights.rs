//! First weights are drawn as the paper says, the same for the same seed.

use alexnet_lab::config::Init;
use alexnet_lab::model::{ParameterRole, Shapes, first_weights, preset};

/// Weights of `alexnet-64` by name.
fn draw(init: Init, seed: u64) -> Vec<(String, ParameterRole, usize, Vec<f32>)> {
    let spec = preset("alexnet-64").unwrap().spec(10, init);
    let shapes = Shapes::of(&spec).unwrap();
    let values = first_weights(&spec, &shapes, init, seed);
    shapes.parameters.iter().zip(values).map(|(p, v)| (p.name.clone(), p.role, p.fan_in, v)).collect()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

#[test]
fn the_papers_weights_have_the_papers_deviations_and_biases() {
    for (name, role, _, values) in draw(Init::Paper, 1) {
        let layer = name.split('.').next().unwrap();
        let (std, bias) = match layer {
            "conv3" => (0.03, 0.0),
            "conv4" | "conv5" => (0.03, 1.0),
            "conv2" | "fc6" | "fc7" => (0.01, 1.0),
            _ => (0.01, 0.0),
        };
        match role {
            ParameterRole::Bias => assert!(values.iter().all(|&v| f64::from(v) == bias), "{name}"),
            ParameterRole::Weight => {
                let (mean, deviation) = moments(&values);
                let error = std / (values.len() as f64).sqrt();
                assert!(mean.abs() < 5.0 * error, "{name}: mean {mean}");
                assert!((deviation - std).abs() < 5.0 * error, "{name}: deviation {deviation}");
            }
        }
    }
}

#[test]
fn scaled_weights_make_up_for_normalisation_pooling_and_dropout() {
    let lrn = 2f64.powf(-0.75);
    for (name, _, fan_in, values) in draw(Init::FanIn, 1).into_iter().filter(|w| w.1 == ParameterRole::Weight)
    {
        let shrink = match name.split('.').next().unwrap() {
            "conv1" => 6.0,
            "conv2" | "conv3" => 1.5 * lrn,
            "fc6" => 1.5,
            "fc7" => 0.5f64.sqrt(),
            "fc8" => 0.5f64.sqrt() / 0.1,
            _ => 1.0,
        };
        let std = (2.0 / fan_in as f64).sqrt() / shrink;
        let (_, deviation) = moments(&values);
        assert!((deviation / std - 1.0).abs() < 0.1, "{name}: {deviation} against {std}");
    }
}

#[test]
fn the_seed_decides() {
    assert_eq!(draw(Init::Paper, 7), draw(Init::Paper, 7));
    assert_ne!(draw(Init::Paper, 7), draw(Init::Paper, 8));
    let weights = draw(Init::Paper, 7);
    assert_ne!(weights[0].3[..10], weights[2].3[..10], "two layers share a random stream");
}
