//! First weights are drawn as the paper says, the same for the same seed.

use alexnet_lab::config::Init;
use alexnet_lab::model::{ParameterRole, Shapes, Variants, first_weights, preset};

/// Weights of `alexnet-64` by name.
fn draw(init: Init, seed: u64) -> Vec<(String, ParameterRole, usize, Vec<f32>)> {
    let preset = preset("alexnet-64").unwrap();
    let spec = preset.spec(10, &Variants { init, ..preset.variants.clone() }).unwrap();
    let shapes = Shapes::of(&spec).unwrap();
    let values = first_weights(&spec, &shapes, seed);
    shapes.parameters.iter().zip(values).map(|(p, v)| (p.name.clone(), p.role, p.fan_in, v)).collect()
}

fn moments(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

/// Section 5 of the paper.
#[test]
fn printed_weights_have_the_papers_deviation_and_biases() {
    check(Init::Paper, |_| 0.01);
}

/// `layers-145.cfg` of the author's release.
#[test]
fn the_authors_weights_are_wider_in_three_layers() {
    check(Init::Author, |layer| if ["conv3", "conv4", "conv5"].contains(&layer) { 0.03 } else { 0.01 });
}

#[test]
fn the_first_biases_of_the_last_layer_can_be_set() {
    let preset = preset("alexnet-64").unwrap();
    for init in [Init::Paper, Init::FanIn] {
        let variants = Variants { init, last_bias: Some(-7.0), ..preset.variants.clone() };
        let spec = preset.spec(10, &variants).unwrap();
        let weights = first_weights(&spec, &Shapes::of(&spec).unwrap(), 1);
        assert_eq!(weights.last().unwrap(), &vec![-7.0; 10]);
    }
}

fn check(init: Init, std_of: fn(&str) -> f64) {
    for (name, role, _, values) in draw(init, 1) {
        let layer = name.split('.').next().unwrap();
        let std = std_of(layer);
        let bias = if ["conv2", "conv4", "conv5", "fc6", "fc7"].contains(&layer) { 1.0 } else { 0.0 };
        match role {
            ParameterRole::Gain | ParameterRole::Statistic => unreachable!("there is no batch normalisation"),
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
