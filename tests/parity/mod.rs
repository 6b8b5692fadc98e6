//! Networks equal PyTorch's: forward, backward, and ten updates. `tests/fixtures/make_parity.py` made the results.

mod nets;

use std::collections::BTreeMap;
use std::path::PathBuf;

use alexnet_lab::data::HostBatch;
use alexnet_lab::data::augment::Placement;
use alexnet_lab::kernels::cross_entropy;
use alexnet_lab::model::{DropoutSeed, Input, LayerKind, Mode, ModelSpec, Network, ParameterRole, to_host};
use alexnet_lab::train::{Between, Sgd, SgdConfig, Trainer};
use burn::tensor::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::support::software_device;
use nets::{CLASSES, Net, PICTURES, nets};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parity")
}

/// PyTorch's results for a network.
fn wanted(name: &str) -> BTreeMap<String, Vec<f64>> {
    let path = folder().join(format!("{name}.safetensors"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let values = |view: safetensors::tensor::TensorView| -> Vec<f64> {
        match view.dtype() {
            Dtype::F64 => view.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            _ => view.data().as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
        }
    };
    tensors.tensors().into_iter().map(|(name, view)| (name, values(view))).collect()
}

/// Largest difference, as a share of the largest wanted value.
fn difference(got: &[f32], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(0.0, |most: f64, w| most.max(w.abs()));
    let apart = got.iter().zip(wanted).map(|(g, w)| (f64::from(*g) - w).abs());
    let apart = apart.fold(0.0, |most: f64, d| if d.is_nan() { f64::INFINITY } else { most.max(d) });
    if apart == 0.0 { 0.0 } else { apart / largest }
}

fn input(spec: &ModelSpec) -> Input {
    Input::new(spec.input, nets::mean(spec.input.side))
}

/// The fixtures are about the presets as they are now. `ALEXNET_LAB_WRITE_SPECS=1` writes the list anew.
#[test]
fn specs_are_those_of_the_fixtures() {
    let list = nets().into_iter().map(|Net { name, spec }| serde_json::json!({ "name": name, "spec": spec }));
    let now = serde_json::Value::Array(list.collect());
    let path = folder().join("specs.json");
    if std::env::var_os("ALEXNET_LAB_WRITE_SPECS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&now).unwrap()).unwrap();
    }
    let then: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(then.as_array().unwrap().len(), now.as_array().unwrap().len());
    for (then, now) in then.as_array().unwrap().iter().zip(now.as_array().unwrap()) {
        let spec = |value: &serde_json::Value| -> ModelSpec {
            serde_json::from_value(value["spec"].clone()).unwrap()
        };
        assert_eq!(spec(then), spec(now), "{}: make the fixtures anew", now["name"]);
    }
}

#[test]
fn logits_equal_those_of_pytorch() {
    for Net { name, spec } in nets() {
        let got = logits(&spec, &Device::flex());
        let apart = difference(&got, &wanted(&name)["logits"]);
        assert!(apart < 1e-4, "{name}: {apart:e}");
    }
}

#[test]
fn logits_on_a_card_equal_those_of_the_processor() {
    let Some(device) = software_device() else { return };
    for Net { name, spec } in nets() {
        let processor: Vec<f64> = logits(&spec, &Device::flex()).into_iter().map(f64::from).collect();
        let apart = difference(&logits(&spec, &device), &processor);
        assert!(apart < 1e-4, "{name}: {apart:e}");
    }
}

fn logits(spec: &ModelSpec, device: &Device) -> Vec<f32> {
    let network = Network::new(spec.clone(), &nets::weights(spec), device).unwrap();
    network.scores(&input(spec), &nets::pixels(0, PICTURES, spec.input.side)).unwrap()
}

#[test]
fn gradients_equal_those_of_pytorch() {
    for Net { name, spec } in nets() {
        let wanted = wanted(&name);
        check_gradients(&name, &spec, Mode::Inference, "", &wanted, &Device::flex());
        if wanted.contains_key("training.logits") {
            // Dropout draws in this mode, and PyTorch draws otherwise.
            let mut spec = spec;
            spec.layers.retain(|layer| !matches!(layer.kind, LayerKind::Dropout { .. }));
            check_gradients(&name, &spec, training(), "training.", &wanted, &Device::flex());
        }
    }
}

/// Those that together have every kind of layer; a software card takes its time.
#[test]
fn gradients_on_a_card_equal_those_of_pytorch() {
    let Some(device) = software_device() else { return };
    let some = ["alexnet-64", "cifar-18pct", "cifar-11pct", "norm-batch", "tanh", "pooling-plain"];
    for Net { name, spec } in nets().into_iter().filter(|net| some.contains(&net.name.as_str())) {
        check_gradients(&name, &spec, Mode::Inference, "", &wanted(&name), &device);
    }
}

fn training() -> Mode {
    Mode::Training(DropoutSeed { seed: 1, step: 0, first_row: 0 })
}

fn check_gradients(
    name: &str,
    spec: &ModelSpec,
    mode: Mode,
    prefix: &str,
    wanted: &BTreeMap<String, Vec<f64>>,
    device: &Device,
) {
    let network = Network::new(spec.clone(), &nets::weights(spec), device).unwrap();
    let leaves: Vec<Tensor<1>> =
        network.weights().iter().map(|w| w.clone().autodiff().require_grad()).collect();
    let pixels = nets::pixels(0, PICTURES, spec.input.side);
    let pictures = input(spec).upload(&pixels, device).autodiff();
    let logits = network.forward(&leaves, pictures, mode).logits;
    let labels: Vec<u32> = (0..PICTURES).map(nets::label).collect();
    let loss = cross_entropy(logits.clone(), &labels, 1.0 / PICTURES as f32).losses.sum();
    let mut gradients = loss.backward();
    // What is nothing but rounding: a bias has no influence on a batch normalisation that follows it.
    let all =
        wanted.iter().filter(|(name, _)| name.starts_with(&format!("{prefix}grad."))).flat_map(|(_, v)| v);
    let nothing = 1e-6 * all.fold(0.0, |most: f64, v| most.max(v.abs()));
    let apart = difference(&to_host(logits.inner()).unwrap(), &wanted[&format!("{prefix}logits")]);
    assert!(apart < 1e-4, "{name}: {prefix}logits {apart:e}");
    for (leaf, parameter) in leaves.iter().zip(&network.shapes().parameters) {
        if parameter.role == ParameterRole::Statistic {
            continue;
        }
        let gradient = to_host(leaf.grad_remove(&mut gradients).unwrap()).unwrap();
        let wanted = &wanted[&format!("{prefix}grad.{}", parameter.name)];
        if gradient.iter().map(|&v| f64::from(v)).chain(wanted.iter().copied()).all(|v| v.abs() < nothing) {
            continue;
        }
        let apart = difference(&gradient, wanted);
        assert!(apart < 1e-3, "{name}: {prefix}gradient of {} {apart:e}", parameter.name);
    }
}

#[test]
fn ten_updates_give_the_losses_of_pytorch() {
    for Net { name, spec } in nets() {
        let Some(wanted) = wanted(&name).remove("losses") else { continue };
        let got = losses(spec);
        assert_eq!(got.len(), wanted.len());
        for (step, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            assert!((got - wanted).abs() < 1e-4 * wanted, "{name}, update {step}: {got} is not {wanted}");
        }
        assert!((wanted[0] - wanted[9]).abs() > 1e-3, "{name}: nothing was learned");
    }
}

fn losses(mut spec: ModelSpec) -> Vec<f64> {
    const BATCH: usize = 8;
    spec.layers.retain(|layer| !matches!(layer.kind, LayerKind::Dropout { .. }));
    // The fixture's pictures are crops already.
    spec.input.stored_side = spec.input.side;
    let network = Network::new(spec.clone(), &nets::weights(&spec), &Device::flex()).unwrap();
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.0005, bias_lr_scale: 2.0 };
    let sgd = Sgd::new(config, &spec, network.shapes());
    // Passes of 3, 3 and 2 pictures: their sum is the gradient of the batch.
    let mut trainer = Trainer::new(network, input(&spec), sgd, 1, 3);
    let batch = |step: usize| HostBatch {
        seq: step as u64,
        epoch: 0,
        ends_epoch: false,
        pixels: nets::pixels(1 + step as u32, BATCH, spec.input.side),
        placements: vec![Placement { left: 0, top: 0, flip: false }; BATCH],
        colour: Vec::new(),
        labels: (0..BATCH).map(nets::label).collect(),
        indices: Vec::new(),
    };
    (0..10)
        .map(|step| {
            let rate = if step < 5 { 0.001 } else { 0.0001 };
            trainer.update(&batch(step), rate, |_, _| Between::Continue).unwrap();
            trainer.figures().unwrap().unwrap().tally.loss()
        })
        .collect()
}

#[test]
fn the_formulas_give_ten_classes() {
    assert!((0..8).map(nets::label).all(|label| (label as usize) < CLASSES));
}
