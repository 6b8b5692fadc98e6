//! Gradients, the paper's rule, and updates made of several passes.

mod colour;

use alexnet_lab::data::HostBatch;
use alexnet_lab::data::augment::Placement;
use alexnet_lab::model::{
    InitSpec, Input, LayerKind, LayerSpec, ModelSpec, Network, ParameterRole, Shapes, Sides, first_weights,
    preset, to_host,
};
use alexnet_lab::train::{Between, Outcome, Rates, Sgd, SgdConfig, StepResult, Tally, Trainer};
use burn::tensor::{Device, Tensor, TensorData};

use crate::model::network::{noise, small_spec, small_weights};
use crate::support::{assert_close, software_device};

const PLAIN: SgdConfig = SgdConfig { momentum: 0.0, weight_decay: 0.0, bias_lr_scale: 1.0 };
const PAPER: SgdConfig = SgdConfig { momentum: 0.9, weight_decay: 0.0005, bias_lr_scale: 2.0 };

fn batch(pictures: usize) -> HostBatch {
    let pixels = noise(pictures * 3 * 144, 7, 100.0).into_iter().map(|v| (v + 128.0) as u8).collect();
    let labels = (0..pictures as u32).map(|i| i % 3).collect();
    let placements = vec![Placement { left: 0, top: 0, flip: false }; pictures];
    HostBatch {
        seq: 0,
        epoch: 0,
        ends_epoch: false,
        pixels,
        placements,
        colour: Vec::new(),
        labels,
        indices: Vec::new(),
    }
}

fn trainer(
    weights: &[Vec<f32>],
    config: SgdConfig,
    micro_batch: usize,
    dropout: bool,
    device: &Device,
) -> Trainer {
    let mut spec = small_spec();
    spec.input.scale = [1.0 / 64.0; 3];
    if !dropout {
        spec.layers.retain(|l| l.name != "dropout3");
    }
    let network = Network::new(spec, weights, device).unwrap();
    let input = Input::new(network.spec().input, vec![120.0; 3 * 144]);
    let sgd = Sgd::new(config, network.spec(), network.shapes());
    Trainer::new(network, input, sgd, 11, micro_batch)
}

fn update(trainer: &mut Trainer, batch: &HostBatch, rate: f64) -> StepResult {
    let outcome = trainer.update(batch, rate, |_, _| Between::Continue).unwrap();
    assert!(matches!(outcome, Outcome::Made(None)));
    trainer.figures().unwrap().expect("an update has figures")
}

fn weights_of(trainer: &Trainer) -> Vec<Vec<f32>> {
    trainer.network().weights().iter().cloned().map(|w| to_host(w).unwrap()).collect()
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let weights = small_weights();
    let batch = batch(4);
    let device = Device::flex();
    let rate = 0.1;
    let mut trained = trainer(&weights, PLAIN, 4, false, &device);
    update(&mut trained, &batch, rate);
    let after = weights_of(&trained);
    let loss = |weights: &[Vec<f32>]| {
        let one = trainer(weights, PLAIN, 4, false, &device);
        let mut tally = Tally::default();
        tally.add(&one.network().scores(one.input(), &batch.pixels).unwrap(), &batch.labels);
        tally.loss()
    };
    let mut checked = 0;
    for block in 0..weights.len() {
        for index in (0..weights[block].len()).step_by(weights[block].len().div_ceil(6)) {
            let gradient = f64::from(weights[block][index] - after[block][index]) / rate;
            let step = 2e-3;
            let shifted = |by: f32| {
                let mut weights = weights.clone();
                weights[block][index] += by;
                loss(&weights)
            };
            let slope = (shifted(step) - shifted(-step)) / f64::from(2.0 * step);
            assert_close(&format!("block {block}, weight {index}"), &[gradient], &[slope], 2e-2, 2e-4);
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}

#[test]
fn a_batch_in_passes_gives_the_update_of_the_whole() {
    let (weights, batch) = (small_weights(), batch(10));
    let run = |micro_batch| {
        let mut trainer = trainer(&weights, PAPER, micro_batch, true, &Device::flex());
        let results = [0.05, 0.05, 0.02].map(|rate| update(&mut trainer, &batch, rate).tally.loss());
        (results, weights_of(&trainer).concat())
    };
    let (losses, whole) = run(10);
    for micro_batch in [1, 3, 4, 64] {
        let (other, parts) = run(micro_batch);
        assert_close(&format!("losses in passes of {micro_batch}"), &other, &losses, 1e-5, 1e-6);
        assert_close(&format!("weights in passes of {micro_batch}"), &parts, &whole, 1e-4, 1e-6);
    }
}

#[test]
fn the_graphics_path_learns_what_the_processor_learns() {
    let Some(gpu) = software_device() else { return };
    let (weights, batch) = (small_weights(), batch(6));
    let run = |device: &Device| {
        let mut trainer = trainer(&weights, PAPER, 4, true, device);
        let losses: Vec<f64> = (0..5).map(|_| update(&mut trainer, &batch, 0.05).tally.loss()).collect();
        (losses, weights_of(&trainer).concat())
    };
    let ((cpu_losses, cpu), (gpu_losses, gpu)) = (run(&Device::flex()), run(&gpu));
    assert_close("losses", &gpu_losses, &cpu_losses, 1e-4, 1e-6);
    assert_close("weights", &gpu, &cpu, 1e-3, 1e-5);
}

#[test]
fn abandoning_a_batch_leaves_the_weights_alone() {
    let weights = small_weights();
    let mut trainer = trainer(&weights, PAPER, 2, true, &Device::flex());
    let mut passes = 0;
    let outcome = trainer.update(&batch(8), 0.1, |_, _| {
        passes += 1;
        if passes == 3 { Between::Abandon } else { Between::Continue }
    });
    assert!(matches!(outcome, Ok(Outcome::Abandoned)));
    assert_eq!((passes, trainer.step()), (3, 0));
    assert_eq!(weights_of(&trainer), weights);
}

/// A pass of a large network is not waited for: a stop in the middle of it gives the batch up at once.
#[test]
fn a_long_pass_is_abandoned_in_the_middle() {
    let spec = preset("alexnet-64").unwrap().standard(10);
    let shapes = Shapes::of(&spec).unwrap();
    let pictures = 1_000_000_000 / shapes.multiply_adds() + 8;
    let weights = first_weights(&spec, &shapes, 3);
    let squares = 3 * spec.input.stored_side.pow(2);
    let batch = HostBatch {
        pixels: (0..pictures * squares).map(|index| (index * 31 % 251) as u8).collect(),
        ..batch(pictures)
    };
    let trainer = || {
        let network = Network::new(spec.clone(), &weights, &Device::flex()).unwrap();
        let input = Input::new(spec.input, vec![120.0; 3 * spec.input.side.pow(2)]);
        let sgd = Sgd::new(PAPER, network.spec(), network.shapes());
        let mut trainer = Trainer::new(network, input, sgd, 11, pictures);
        trainer.set_cautious();
        trainer
    };
    let mut abandoned = trainer();
    let mut asked = 0;
    let outcome = abandoned.update(&batch, 0.01, |_, _| {
        asked += 1;
        if asked == 2 { Between::Abandon } else { Between::Continue }
    });
    assert!(matches!(outcome, Ok(Outcome::Abandoned)), "{outcome:?}");
    assert_eq!((asked, abandoned.step()), (2, 0), "it was asked before the pass, and once during it");
    assert_eq!(weights_of(&abandoned), weights);
    // What goes on in the background changes nothing any more.
    let mut fresh = trainer();
    let [again, wanted] = [&mut abandoned, &mut fresh].map(|trainer| update(trainer, &batch, 0.01));
    assert_eq!(again, wanted);
    assert!(weights_of(&abandoned) == weights_of(&fresh), "the update is another one");
}

#[test]
fn learning_learns() {
    let batch = batch(12);
    let mut trainer = trainer(&small_weights(), PAPER, 12, false, &Device::flex());
    let losses: Vec<f64> = (0..60).map(|_| update(&mut trainer, &batch, 0.05).tally.loss()).collect();
    assert!(losses[59] < 0.5 * losses[0], "from {} to {}", losses[0], losses[59]);
}

/// The rule of section 5 in double precision: across changes of rate, with a rate of their own for biases, for
/// a layer that slows down, freezes and is thawed, with and without gradients.
#[test]
fn the_rule_is_the_papers_to_the_letter() {
    // Rates of weights and biases, and the multiple of conv1.
    let steps = [
        (0.1, 0.1, 1.0),
        (0.1, 0.1, 1.0),
        (0.01, 0.1, 1.0),
        (0.01, 0.1, 0.1),
        (0.05, 0.02, 0.0),
        (0.05, 0.02, 0.0),
        (0.05, 0.05, 0.5),
        (0.05, 0.05, 0.5),
    ];
    for device in std::iter::once(Device::flex()).chain(software_device()) {
        let spec = small_spec();
        let shapes = Shapes::of(&spec).unwrap();
        let mut rule = Sgd::new(PAPER, &spec, &shapes);
        let start = small_weights();
        let mut weights: Vec<_> = start.iter().map(|w| upload(w, &device)).collect();
        let mut wanted = Reference::new(&start);
        for (step, (weights_rate, biases_rate, scale)) in steps.into_iter().enumerate() {
            let gradient = |block: usize, count| noise(count, (100 * step + block) as u32, 1.0);
            let gradients = |device| {
                let blocks = start.iter().enumerate();
                blocks.map(|(block, w)| Some(upload(&gradient(block, w.len()), device))).collect()
            };
            rule.set_layer_scale(0, scale);
            rule.update(
                &mut weights,
                gradients(&device),
                Rates { weights: weights_rate, biases: biases_rate },
            );
            for (block, parameter) in shapes.parameters.iter().enumerate() {
                let (rate, decay) = match parameter.role {
                    ParameterRole::Weight => (weights_rate, 0.0005),
                    ParameterRole::Bias => (2.0 * biases_rate, 0.0),
                    ParameterRole::Gain | ParameterRole::Statistic => unreachable!("no normalisation here"),
                };
                let scale = if parameter.layer == 0 { scale } else { 1.0 };
                wanted.update(block, &gradient(block, start[block].len()), rate * scale, decay);
            }
        }
        for (block, weight) in weights.into_iter().enumerate() {
            let name = &shapes.parameters[block].name;
            assert_close(name, &to_host(weight).unwrap(), &wanted.weights[block], 1e-5, 1e-6);
        }
    }
}

/// The rule in double precision.
struct Reference {
    weights: Vec<Vec<f64>>,
    velocity: Vec<Vec<f64>>,
}

impl Reference {
    fn new(start: &[Vec<f32>]) -> Self {
        let weights: Vec<Vec<f64>> =
            start.iter().map(|w| w.iter().map(|&v| f64::from(v)).collect()).collect();
        let velocity = weights.iter().map(|w| vec![0.0; w.len()]).collect();
        Self { weights, velocity }
    }

    fn update(&mut self, block: usize, gradient: &[f32], rate: f64, decay: f64) {
        if rate == 0.0 {
            self.velocity[block].fill(0.0);
            return;
        }
        for ((w, v), g) in self.weights[block].iter_mut().zip(&mut self.velocity[block]).zip(gradient) {
            *v = 0.9 * *v - decay * rate * *w - rate * f64::from(*g);
            *w += *v;
        }
    }
}

fn upload(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// A convolution, a batch normalisation and a linear layer.
fn normalised_spec() -> ModelSpec {
    let init = InitSpec { std: 0.1, bias: 0.0, decay_scale: 1.0 };
    let layer = |name: &str, kind| LayerSpec { name: name.into(), kind };
    let mut spec = small_spec();
    spec.input.scale = [1.0 / 64.0; 3];
    spec.layers = vec![
        layer(
            "conv1",
            LayerKind::Conv { out: 2, kernel: 3, stride: 1, padding: Sides::all(0), groups: 1, init },
        ),
        layer("norm1", LayerKind::BatchNorm { epsilon: 1e-5, momentum: 0.1 }),
        layer("fc2", LayerKind::Linear { out: 3, columns: 1, init }),
    ];
    spec
}

/// Running means and variances belong to a batch that counts, and to a layer that is not frozen.
#[test]
fn running_means_stay_with_abandoned_batches_and_frozen_layers() {
    let spec = normalised_spec();
    let shapes = Shapes::of(&spec).unwrap();
    let weights = first_weights(&spec, &shapes, 3);
    let network = Network::new(spec, &weights, &Device::flex()).unwrap();
    let input = Input::new(network.spec().input, vec![120.0; 3 * 144]);
    let sgd = Sgd::new(PAPER, network.spec(), network.shapes());
    let mut trainer = Trainer::new(network, input, sgd, 11, 2);
    let statistics = |trainer: &Trainer| {
        let roles = trainer.network().shapes().parameters.iter().map(|p| p.role);
        let blocks = weights_of(trainer).into_iter().zip(roles);
        blocks.filter(|(_, role)| *role == ParameterRole::Statistic).map(|(w, _)| w).collect::<Vec<_>>()
    };
    let first = statistics(&trainer);
    assert_eq!(first.len(), 2);
    let mut passes = 0;
    let outcome = trainer.update(&batch(6), 0.1, |_, _| {
        passes += 1;
        if passes == 3 { Between::Abandon } else { Between::Continue }
    });
    assert!(matches!(outcome, Ok(Outcome::Abandoned)));
    assert_eq!(statistics(&trainer), first, "after an abandoned batch");
    trainer.set_layer_scale(1, 0.0);
    update(&mut trainer, &batch(6), 0.01);
    assert_eq!(statistics(&trainer), first, "of a frozen layer");
    trainer.set_layer_scale(1, 1.0);
    update(&mut trainer, &batch(6), 0.01);
    assert!(statistics(&trainer).iter().zip(&first).all(|(now, before)| now != before));
}

/// Gains learn without decay, and the rule leaves running means alone even if it is given gradients of them.
#[test]
fn gains_do_not_decay_and_statistics_are_not_learned() {
    let spec = normalised_spec();
    let shapes = Shapes::of(&spec).unwrap();
    let config = SgdConfig { momentum: 0.0, weight_decay: 0.5, bias_lr_scale: 2.0 };
    let mut rule = Sgd::new(config, &spec, &shapes);
    let device = Device::flex();
    let sizes: Vec<usize> = shapes.parameters.iter().map(|p| p.shape.iter().product()).collect();
    let mut weights: Vec<_> = sizes.iter().map(|&n| upload(&vec![1.0; n], &device)).collect();
    let gradients = sizes.iter().map(|&n| Some(upload(&vec![1.0; n], &device))).collect();
    rule.update(&mut weights, gradients, 0.1);
    for ((parameter, weight), &n) in shapes.parameters.iter().zip(weights).zip(&sizes) {
        let wanted = match parameter.role {
            ParameterRole::Weight => 1.0 - 0.1 - 0.05,
            ParameterRole::Bias => 1.0 - 0.2,
            ParameterRole::Gain => 1.0 - 0.1,
            ParameterRole::Statistic => 1.0,
        };
        assert_close(&parameter.name, &to_host(weight).unwrap(), &vec![wanted; n], 1e-6, 0.0);
    }
    let learned: Vec<bool> = (0..sizes.len()).map(|index| rule.learns(index)).collect();
    assert_eq!(learned, [true, true, true, true, false, false, true, true]);
}

/// Frozen layers keep every bit, whatever the velocity was, and the others learn as if nothing were frozen.
#[test]
fn frozen_layers_do_not_move_at_all() {
    for device in std::iter::once(Device::flex()).chain(software_device()) {
        let (weights, batch) = (small_weights(), batch(6));
        let mut frozen = trainer(&weights, PAPER, 4, true, &device);
        let mut free = trainer(&weights, PAPER, 4, true, &device);
        update(&mut frozen, &batch, 0.05);
        update(&mut free, &batch, 0.05);
        let before = weights_of(&frozen);
        let layers: Vec<usize> = frozen.network().shapes().parameters.iter().map(|p| p.layer).collect();
        let fc3 = layers[4];
        (0..fc3).for_each(|layer| frozen.set_layer_scale(layer, 0.0));
        let passes = [update(&mut frozen, &batch, 0.05), update(&mut free, &batch, 0.05)];
        assert_close("loss", &[passes[0].tally.loss()], &[passes[1].tally.loss()], 1e-6, 0.0);
        let (after, wanted) = (weights_of(&frozen), weights_of(&free));
        for (block, &layer) in layers.iter().enumerate() {
            if layer < fc3 {
                assert_eq!(after[block], before[block], "block {block} moved");
                assert_ne!(wanted[block], before[block], "block {block} would have moved");
            } else {
                assert_close(&format!("block {block}"), &after[block], &wanted[block], 1e-6, 1e-9);
            }
        }
    }
}

#[test]
fn a_network_that_is_frozen_altogether_is_measured_all_the_same() {
    let weights = small_weights();
    let mut trainer = trainer(&weights, PAPER, 4, false, &Device::flex());
    (0..trainer.network().spec().layers.len()).for_each(|layer| trainer.set_layer_scale(layer, 0.0));
    let result = update(&mut trainer, &batch(6), 0.05);
    assert!(result.tally.loss() > 0.0 && trainer.step() == 1);
    assert_eq!(weights_of(&trainer), weights);
}
