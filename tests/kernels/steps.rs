//! Whole updates of the trainer: the same bits in every run.

use alexnet_lab::data::HostBatch;
use alexnet_lab::data::augment::Placement;
use alexnet_lab::model::{Input, Network, PRESETS, Shapes, first_weights, to_host};
use alexnet_lab::train::{Between, Outcome, Sgd, SgdConfig, Trainer};
use burn::tensor::Device;

use super::{devices, random};

/// Crops at other places in every step, half of them mirrored.
fn batch(pictures: usize, stored: usize, side: usize, step: u64) -> HostBatch {
    let values = random(pictures * 3 * stored * stored, 400 + step);
    let room = (stored - side + 1) as u32;
    let place = |index: usize| Placement {
        left: (7 * index as u32 + step as u32) % room,
        top: (3 * index as u32) % room,
        flip: index % 2 == 1,
    };
    HostBatch {
        seq: step,
        epoch: 0,
        ends_epoch: false,
        pixels: values.iter().map(|value| (value * 127.0 + 128.0) as u8).collect(),
        placements: (0..pictures).map(place).collect(),
        colour: Vec::new(),
        labels: (0..pictures as u32).map(|index| index % 4).collect(),
        indices: (0..pictures as u32).collect(),
    }
}

/// Losses, last weights and last velocities of a few updates of a preset in two passes each, as bits.
fn train(preset: &str, pictures: usize, device: &Device) -> (Vec<u64>, Vec<u32>) {
    let preset = PRESETS.iter().find(|one| one.name == preset).expect("a preset");
    let spec = preset.standard(4);
    let shapes = Shapes::of(&spec).expect("a preset");
    let input = spec.input;
    let weights = first_weights(&spec, &shapes, 5);
    let config = SgdConfig { momentum: 0.9, weight_decay: 0.0005, bias_lr_scale: 2.0 };
    let sgd = Sgd::new(config, &spec, &shapes);
    let network = Network::new(spec, &weights, device).expect("a preset");
    let mean = Input::from_channel_means(input, [120.0; 3]);
    let mut trainer = Trainer::new(network, mean, sgd, 1, pictures.div_ceil(2));
    let mut losses = Vec::new();
    for step in 0..3 {
        let batch = batch(pictures, input.stored_side, input.side, step);
        let outcome = trainer.update(&batch, 0.001, |_, _| Between::Continue).expect("the device works");
        assert!(matches!(outcome, Outcome::Made(None)));
        let figures = trainer.figures().expect("the device works").expect("an update has figures");
        losses.push(figures.tally.loss().to_bits());
    }
    let velocities = trainer.velocities().expect("the device works");
    let velocities = velocities.iter().flatten().flat_map(|values| values.to_vec());
    let weights = trainer.network().weights().iter();
    let weights = weights.flat_map(|weight| to_host(weight.clone()).expect("the device works"));
    (losses, weights.chain(velocities).map(f32::to_bits).collect())
}

#[test]
fn two_runs_give_the_same_bits() {
    for (name, device) in devices() {
        // The second has dropout and response normalisation.
        for (preset, pictures) in [("cifar-80sec", 6), ("alexnet-64", 3)] {
            let (losses, weights) = train(preset, pictures, &device);
            let plain: Vec<f64> = losses.iter().map(|&bits| f64::from_bits(bits)).collect();
            assert!(plain.iter().all(|loss| loss.is_finite()), "{name} {preset}: {plain:?}");
            assert!(plain[0] != plain[2], "{name} {preset}: nothing was learned");
            let again = train(preset, pictures, &device);
            assert_eq!(losses, again.0, "{name} {preset}");
            assert!(weights == again.1, "{name} {preset}: the weights or velocities differ");
        }
    }
}
