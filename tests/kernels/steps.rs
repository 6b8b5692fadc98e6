//! Whole updates: the same bits in every run.

use alexnet_lab::model::{DropoutSeed, Mode, Network, PRESETS, Shapes, first_weights, to_host};
use alexnet_lab::train::{Sgd, SgdConfig};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{devices, random};

/// Losses and last weights of a few updates of a preset, as bits.
fn train(preset: &str, pictures: usize, device: &Device) -> (Vec<u32>, Vec<u32>) {
    let preset = PRESETS.iter().find(|one| one.name == preset).expect("a preset");
    let spec = preset.standard(4);
    let shapes = Shapes::of(&spec).expect("a preset");
    let side = spec.input.side;
    let weights = first_weights(&spec, &shapes, 5);
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.0005, bias_lr_scale: 2.0 };
    let mut sgd = Sgd::new(config, &spec, &shapes);
    let mut network = Network::new(spec, &weights, device).expect("a preset");
    let x: Vec<f32> = random(pictures * 3 * side * side, 400).iter().map(|value| value * 100.0).collect();
    let labels: Vec<i32> = (0..pictures as i32).map(|index| index % 4).collect();
    let on = device.clone().autodiff();
    let mut losses = Vec::new();
    for step in 0..3 {
        let leaves: Vec<Tensor<1>> =
            network.weights().iter().map(|weight| weight.clone().autodiff().require_grad()).collect();
        let pictures_on = Tensor::from_data(TensorData::new(x.clone(), [pictures, 3, side, side]), &on);
        let mode = Mode::Training(DropoutSeed { seed: 1, step, first_row: 0 });
        let logits = network.forward(&leaves, pictures_on, mode).logits;
        let right = Tensor::<2, Int>::from_data(TensorData::new(labels.clone(), [pictures, 1]), &on);
        let loss = log_softmax(logits, 1).gather(1, right).sum() * (-1.0 / pictures as f64);
        let mut gradients = loss.backward();
        losses.push(to_host(loss.inner()).expect("the device works")[0].to_bits());
        let gradients = leaves.iter().map(|leaf| leaf.grad_remove(&mut gradients)).collect();
        sgd.update(network.weights_mut(), gradients, 0.001);
    }
    let last = network.weights().iter().flat_map(|weight| to_host(weight.clone()).expect("the device works"));
    (losses, last.map(f32::to_bits).collect())
}

#[test]
fn two_runs_give_the_same_bits() {
    for (name, device) in devices() {
        for (preset, pictures) in [("cifar-80sec", 6), ("alexnet-64", 3)] {
            let (losses, weights) = train(preset, pictures, &device);
            assert!(
                losses.iter().all(|loss| f32::from_bits(*loss).is_finite()),
                "{name} {preset}: {losses:?}"
            );
            assert!(losses[0] != losses[2], "{name} {preset}: nothing was learned");
            let again = train(preset, pictures, &device);
            assert_eq!(losses, again.0, "{name} {preset}");
            assert!(weights == again.1, "{name} {preset}: the weights differ");
        }
    }
}
