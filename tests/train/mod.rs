//! Gradients, the paper's rule, and updates made of several passes.

use alexnet_lab::data::HostBatch;
use alexnet_lab::model::{Input, Network, ParameterRole, Shapes, to_host};
use alexnet_lab::train::{Between, Outcome, Sgd, SgdConfig, StepResult, Tally, Trainer};
use burn::tensor::{Device, Tensor, TensorData};

use crate::model::network::{noise, small_spec, small_weights};
use crate::support::{assert_close, software_device};

const PLAIN: SgdConfig = SgdConfig { momentum: 0.0, weight_decay: 0.0, bias_lr_scale: 1.0 };
const PAPER: SgdConfig = SgdConfig { momentum: 0.9, weight_decay: 0.0005, bias_lr_scale: 2.0 };

fn batch(pictures: usize) -> HostBatch {
    let pixels = noise(pictures * 3 * 144, 7, 100.0).into_iter().map(|v| (v + 128.0) as u8).collect();
    let labels = (0..pictures as u32).map(|i| i % 3).collect();
    HostBatch { seq: 0, epoch: 0, ends_epoch: false, pixels, labels }
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

#[test]
fn learning_learns() {
    let batch = batch(12);
    let mut trainer = trainer(&small_weights(), PAPER, 12, false, &Device::flex());
    let losses: Vec<f64> = (0..60).map(|_| update(&mut trainer, &batch, 0.05).tally.loss()).collect();
    assert!(losses[59] < 0.5 * losses[0], "from {} to {}", losses[0], losses[59]);
}

/// The rule of section 5 in double precision, across a change of rate, for weights and biases.
#[test]
fn the_rule_is_the_papers_to_the_letter() {
    for device in std::iter::once(Device::flex()).chain(software_device()) {
        let spec = small_spec();
        let shapes = Shapes::of(&spec).unwrap();
        let mut rule = Sgd::new(PAPER, &spec, &shapes);
        let upload = |values: &[f32]| {
            Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device)
        };
        let start = small_weights();
        let mut weights: Vec<_> = start.iter().map(|w| upload(w)).collect();
        let mut wanted: Vec<Vec<f64>> =
            start.iter().map(|w| w.iter().map(|&v| f64::from(v)).collect()).collect();
        let mut velocity: Vec<Vec<f64>> = wanted.iter().map(|w| vec![0.0; w.len()]).collect();
        for (step, rate) in [0.1, 0.1, 0.01, 0.01, 0.05].into_iter().enumerate() {
            let gradient = |block: usize, count| noise(count, (100 * step + block) as u32, 1.0);
            let gradients =
                start.iter().enumerate().map(|(block, w)| upload(&gradient(block, w.len()))).collect();
            rule.update(&mut weights, gradients, rate);
            for (block, parameter) in shapes.parameters.iter().enumerate() {
                let (scale, decay) = match parameter.role {
                    ParameterRole::Weight => (1.0, 0.0005),
                    ParameterRole::Bias => (2.0, 0.0),
                    ParameterRole::Gain => (1.0, 0.0),
                    ParameterRole::Statistic => (0.0, 0.0),
                };
                let gradient = gradient(block, wanted[block].len());
                for ((w, v), g) in wanted[block].iter_mut().zip(&mut velocity[block]).zip(gradient) {
                    *v = 0.9 * *v - decay * scale * rate * *w - scale * rate * f64::from(g);
                    *w += *v;
                }
            }
        }
        for (block, weight) in weights.into_iter().enumerate() {
            let name = &shapes.parameters[block].name;
            assert_close(name, &to_host(weight).unwrap(), &wanted[block], 1e-5, 1e-6);
        }
    }
}
