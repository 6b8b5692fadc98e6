//! What is left to chance inside a network: the distribution of the first weights and of dropped outputs.
//!
//! The seeds are fixed, so these tests pass or fail for good. The bounds are four standard errors: an honest draw
//! passes, a deviation 1 % off in a layer of 100,000 weights, or a mask that repeats, does not.

use alexnet_lab::config::Init;
use alexnet_lab::model::{
    DropoutSeed, InitSpec, InputSpec, LayerKind, LayerSpec, Mode, ModelSpec, Network, PRESETS, ParameterRole,
    Shapes, Variants, first_weights, to_host,
};
use burn::tensor::{Device, Tensor, TensorData};

/// Deviation of the first weights in the files of the author's runs (`layers-145.cfg`, `layers-*pct.cfg`).
fn authors_deviation(preset: &str, layer: &str) -> f64 {
    match (preset, layer) {
        ("cifar-80sec", "fc64" | "fc10") => 0.1,
        (name, "conv1") if name.starts_with("cifar") => 0.0001,
        (name, "local3" | "local4") if name.starts_with("cifar") => 0.04,
        (name, _) if name.starts_with("cifar") => 0.01,
        (_, "conv3" | "conv4" | "conv5" | "conv6") => 0.03,
        _ => 0.01,
    }
}

/// As printed (section 5); the paper does not know the CIFAR networks.
fn printed_deviation(preset: &str, layer: &str) -> f64 {
    if preset.starts_with("cifar") { authors_deviation(preset, layer) } else { 0.01 }
}

#[test]
fn first_weights_are_normal_with_the_deviation_of_their_layer() {
    let mut wrong = Vec::new();
    let mut layers = 0;
    for preset in PRESETS.iter() {
        for (init, wanted) in
            [(Init::Author, authors_deviation as fn(&str, &str) -> f64), (Init::Paper, printed_deviation)]
        {
            let variants = Variants { init, ..preset.variants.clone() };
            let mut spec = preset.spec(10, &variants).unwrap();
            // A quarter of a million weights tell as much as forty million.
            for layer in &mut spec.layers {
                if let LayerKind::Linear { out, .. } = &mut layer.kind {
                    *out = (*out).min(64);
                }
            }
            let shapes = Shapes::of(&spec).unwrap();
            let values = first_weights(&spec, &shapes, 42);
            for (parameter, values) in shapes.parameters.iter().zip(&values) {
                if parameter.role == ParameterRole::Weight {
                    let layer = &spec.layers[parameter.layer].name;
                    layers += 1;
                    for reason in departures(values, wanted(preset.name, layer)) {
                        wrong.push(format!("{} ({init:?}), {}: {reason}", preset.name, parameter.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(layers > 120, "{layers} layers were looked at");
}

/// How numbers depart from a normal distribution of mean 0 by more than four standard errors.
fn departures(values: &[f32], deviation: f64) -> Vec<String> {
    let count = values.len() as f64;
    let moment =
        |power: i32| values.iter().map(|&v| (f64::from(v) / deviation).powi(power)).sum::<f64>() / count;
    // Mean, root mean square and fourth moment of the standard normal distribution, with the deviation of one draw.
    let checks = [
        ("mean", moment(1), 0.0, 1.0),
        ("deviation", moment(2).sqrt(), 1.0, 0.5_f64.sqrt()),
        ("fourth moment", moment(4), 3.0, 96.0_f64.sqrt()),
    ];
    let bound = |spread: f64| 4.0 * spread / count.sqrt();
    checks
        .into_iter()
        .filter(|&(_, got, wanted, spread)| (got - wanted).abs() > bound(spread))
        .map(|(name, got, wanted, spread)| {
            format!("{name} is {got:.5} times {deviation}, want {wanted} +- {:.5}", bound(spread))
        })
        .collect()
}

const FEATURES: usize = 3 * 16 * 16;
const ROWS: usize = 64;

/// What the dropout layer with this place in the list of layers lets through of ones, `[ROWS, FEATURES]`.
fn mask(place: usize, keep: f64, inverted: bool, step: u64) -> Vec<f32> {
    let layer = |name: String, kind| LayerSpec { name, kind };
    let mut layers: Vec<LayerSpec> = (0..place).map(|i| layer(format!("relu{i}"), LayerKind::Relu)).collect();
    layers.push(layer("dropout".into(), LayerKind::Dropout { keep, inverted }));
    let init = InitSpec { std: 0.0, bias: 0.0, decay_scale: 1.0 };
    layers.push(layer("fc".into(), LayerKind::Linear { out: FEATURES, columns: 1, init }));
    let input = InputSpec { side: 16, stored_side: 16, scale: [1.0; 3] };
    let spec = ModelSpec { name: "dropout".into(), input, layers };
    // The linear layer hands its input through.
    let mut identity = vec![0.0; FEATURES * FEATURES];
    identity.iter_mut().step_by(FEATURES + 1).for_each(|v| *v = 1.0);
    let device = Device::flex();
    let network = Network::new(spec, &[identity, vec![0.0; FEATURES]], &device).unwrap();
    let ones = Tensor::from_data(TensorData::new(vec![1f32; ROWS * FEATURES], [ROWS, 3, 16, 16]), &device);
    let mode = Mode::Training(DropoutSeed { seed: 9, step, first_row: 0 });
    to_host(network.forward(network.weights(), ones, mode).logits).unwrap()
}

/// Place, share kept and scaling of the different dropout layers of the presets.
fn dropout_layers() -> Vec<(usize, f64, bool)> {
    let mut found = Vec::new();
    for preset in PRESETS.iter() {
        for (place, layer) in preset.standard(10).layers.iter().enumerate() {
            if let LayerKind::Dropout { keep, inverted } = layer.kind
                && !found.contains(&(place, keep, inverted))
            {
                found.push((place, keep, inverted));
            }
        }
    }
    found
}

#[test]
fn dropout_keeps_its_share_everywhere_and_never_repeats_itself() {
    let steps = 6;
    let mut layers = dropout_layers();
    assert!(layers.len() >= 4 && layers.iter().all(|&(_, keep, _)| keep == 0.5), "{layers:?}");
    layers.extend([(0, 0.8, false), (2, 0.1, true)]);
    let mut of_half = Vec::new();
    for (place, keep, inverted) in layers {
        let name = format!("layer {place}, keep {keep}");
        let kept = if inverted { (1.0 / keep) as f32 } else { 1.0 };
        let masks: Vec<Vec<f32>> = (0..steps).map(|step| mask(place, keep, inverted, step)).collect();
        assert!(masks.iter().flatten().all(|&v| v == 0.0 || v == kept), "{name}: other values than {kept}");
        // In units of the deviation of one draw, mean 0.
        let deviation = (keep * (1.0 - keep)).sqrt();
        let masks: Vec<Vec<f64>> = masks
            .iter()
            .map(|mask| mask.iter().map(|&v| (f64::from(u8::from(v != 0.0)) - keep) / deviation).collect())
            .collect();
        near(&format!("{name}, share kept"), masks.iter().flatten().copied());
        for shift in [1, 2, 5] {
            let later = masks.iter().zip(&masks[shift..]).flat_map(|(a, b)| a.iter().zip(b));
            near(&format!("{name}, {shift} steps apart"), later.map(|(a, b)| a * b));
            let below = masks.iter().flat_map(|mask| mask.iter().zip(&mask[shift * FEATURES..]));
            near(&format!("{name}, {shift} rows apart"), below.map(|(a, b)| a * b));
            let beside = masks.iter().flat_map(|mask| mask.iter().zip(&mask[shift..]));
            near(&format!("{name}, {shift} features apart"), beside.map(|(a, b)| a * b));
        }
        // No row and no feature is dropped more often than chance would.
        let rows: Vec<f64> = masks.iter().flat_map(|m| m.chunks(FEATURES)).map(standard_sum).collect();
        near(&format!("{name}, rows"), rows.iter().map(|z| (z * z - 1.0) / 2.0_f64.sqrt()));
        let columns = (0..FEATURES).map(|feature| {
            let column: Vec<f64> =
                masks.iter().flat_map(|m| m.iter().skip(feature).step_by(FEATURES)).copied().collect();
            standard_sum(&column)
        });
        near(&format!("{name}, features"), columns.map(|z| (z * z - 1.0) / 2.0_f64.sqrt()));
        if keep == 0.5 && !inverted {
            of_half.push(masks);
        }
    }
    assert!(of_half.len() >= 2);
    for pair in of_half.windows(2) {
        let both = pair[0].iter().flatten().zip(pair[1].iter().flatten());
        near("two layers", both.map(|(a, b)| a * b));
    }
}

/// Fails unless the mean of independent numbers of mean 0 and deviation 1 is within four standard errors of 0.
#[track_caller]
fn near(name: &str, values: impl Iterator<Item = f64>) {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    let error = 4.0 / f64::sqrt(count);
    assert!((sum / count).abs() < error, "{name}: {} of at most {error}", sum / count);
}

/// The sum of independent numbers of deviation 1, in units of its own deviation.
fn standard_sum(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).sqrt()
}
