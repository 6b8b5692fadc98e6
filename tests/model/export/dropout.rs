//! The paper's dropout and the inverted one are the same function, in use and while training.

use alexnet_lab::model::{
    DropoutSeed, LayerKind, Mode, ModelFile, Network, convert_dropout, preset, to_host,
};
use burn::tensor::{Device, Tensor, TensorData};

use super::{CLASSES, model, narrow, noise};
use crate::support::assert_close;

/// Logits of one pass.
fn logits(model: &ModelFile, mode: Mode) -> Vec<f32> {
    let device = Device::flex();
    let network = Network::new(model.spec.clone(), &model.weights, &device).unwrap();
    let side = model.spec.input.side;
    let pixels = TensorData::new(noise(4 * 3 * side * side, 3, 2.0), [4, 3, side, side]);
    to_host(network.forward(network.weights(), Tensor::from_data(pixels, &device), mode).logits).unwrap()
}

#[test]
fn conversion_leaves_the_function_as_it_is() {
    for keep in [0.5, 0.7] {
        let mut original = model(narrow(preset("alexnet-64").unwrap().standard(CLASSES)));
        for layer in &mut original.spec.layers {
            if let LayerKind::Dropout { keep: share, .. } = &mut layer.kind {
                *share = keep;
            }
        }
        let mut inverted = original.clone();
        assert!(convert_dropout(&mut inverted.spec, &mut inverted.weights, true).unwrap());
        assert_ne!(inverted.weights, original.weights);
        let training = Mode::Training(DropoutSeed { seed: 5, step: 9, first_row: 0 });
        for mode in [Mode::Inference, training] {
            assert_close("logits", &logits(&inverted, mode), &logits(&original, mode), 1e-5, 1e-5);
        }
        assert_ne!(logits(&original, Mode::Inference), logits(&original, training), "nothing is dropped");
        // A second time there is nothing to do; and back again.
        let before = inverted.clone();
        assert!(!convert_dropout(&mut inverted.spec, &mut inverted.weights, true).unwrap());
        assert_eq!(inverted, before);
        assert!(convert_dropout(&mut inverted.spec, &mut inverted.weights, false).unwrap());
        assert_eq!(inverted.spec, original.spec);
        for (back, weights) in inverted.weights.iter().zip(&original.weights) {
            assert_close("weights", back, weights, 1e-6, 0.0);
        }
    }
}

#[test]
fn dropout_that_nothing_can_make_up_for_is_refused() {
    let mut model = model(narrow(preset("alexnet-64").unwrap().standard(CLASSES)));
    // Dropout before the neuron: tanh of half a value is not half of its tanh.
    for layer in &mut model.spec.layers {
        if layer.kind == LayerKind::Relu {
            layer.kind = LayerKind::Tanh;
        }
    }
    let (dropout, neuron) = (place(&model, "dropout6"), place(&model, "relu6"));
    model.spec.layers.swap(dropout, neuron);
    let before = model.clone();
    let message = convert_dropout(&mut model.spec, &mut model.weights, true).unwrap_err().to_string();
    assert!(message.contains("dropout6") && message.contains("relu6"), "{message}");
    assert_eq!(model, before, "something was changed all the same");
}

fn place(model: &ModelFile, name: &str) -> usize {
    model.spec.layers.iter().position(|layer| layer.name == name).unwrap()
}
