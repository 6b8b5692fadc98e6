//! Weights of linear layers in blocks that every graphics card can bind.
//!
//! The 9216 x 4096 weights of the paper's sixth layer take 144 MiB, and a last layer for ten thousand classes as much;
//! every card binds 128 MiB, and some no more. A linear layer is therefore held as several blocks of rows, which each
//! see the whole input: the same sums, only stored apart.

use super::file::ModelFile;
use super::shapes::{ParameterRole, ParameterShape, Shapes};
use super::spec::{LayerKind, ModelSpec};
use crate::kernels::MAX_BINDING_BYTES;

/// Takes as many blocks for each linear layer as keep every one within what all cards bind. An impossible network is
/// left as it is: [`Shapes::of`] tells of it by name.
pub(super) fn fit_blocks(spec: &mut ModelSpec) {
    fit_into(spec, MAX_BINDING_BYTES);
}

/// The same for a network with weights, which are cut likewise.
pub(super) fn cut_blocks(file: &mut ModelFile) {
    cut_into(file, MAX_BINDING_BYTES);
}

fn fit_into(spec: &mut ModelSpec, limit: usize) {
    let Ok(shapes) = Shapes::of(spec) else { return };
    for ParameterShape { fan_in, layer, .. } in &shapes.parameters {
        if let LayerKind::Linear { out, columns, .. } = &mut spec.layers[*layer].kind {
            let rows = (limit / (size_of::<f32>() * fan_in.max(&1))).max(1);
            *columns = (*columns).max(out.div_ceil(rows));
        }
    }
}

fn cut_into(file: &mut ModelFile, limit: usize) {
    let mut spec = file.spec.clone();
    fit_into(&mut spec, limit);
    let (Ok(old), Ok(new)) = (Shapes::of(&file.spec), Shapes::of(&spec)) else { return };
    let of_layer = |shapes: &Shapes, layer| -> Vec<ParameterShape> {
        shapes.parameters.iter().filter(|parameter| parameter.layer == layer).cloned().collect()
    };
    let mut blocks = std::mem::take(&mut file.weights).into_iter();
    for (layer, before) in file.spec.layers.iter().enumerate() {
        let (parts, wanted) = (of_layer(&old, layer), of_layer(&new, layer));
        let values = blocks.by_ref().take(parts.len());
        if *before == spec.layers[layer] {
            file.weights.extend(values);
            continue;
        }
        // Rows stand below each other, so that the blocks in their order are the whole matrix.
        let mut whole = [Vec::new(), Vec::new()];
        for (part, mut values) in parts.iter().zip(values) {
            whole[usize::from(part.role == ParameterRole::Bias)].append(&mut values);
        }
        for part in wanted {
            let rest = &mut whole[usize::from(part.role == ParameterRole::Bias)];
            let count = part.shape.iter().product::<usize>().min(rest.len());
            file.weights.push(rest.drain(..count).collect());
        }
    }
    file.spec = spec;
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::model::{Mode, Network, first_weights, preset, to_host};

    fn scores(file: &ModelFile) -> Vec<f32> {
        let device = Device::flex();
        let network = Network::new(file.spec.clone(), &file.weights, &device).expect("a preset");
        let side = file.spec.input.side;
        let values: Vec<f32> = (0..3 * side * side).map(|i| (i * 37 % 101) as f32).collect();
        let picture = Tensor::from_data(TensorData::new(values, [1, 3, side, side]), &device);
        to_host(network.forward(network.weights(), picture, Mode::Inference).logits).expect("the processor")
    }

    #[test]
    fn a_network_in_smaller_blocks_gives_the_same_scores() {
        let spec = preset("cifar-80sec").expect("a preset").standard(10);
        let weights = first_weights(&spec, &Shapes::of(&spec).expect("a preset"), 3);
        let whole = ModelFile { spec, classes: Vec::new(), mean: Vec::new(), weights, step: 0 };
        let mut cut = whole.clone();
        // 64 outputs of 1024 inputs and 10 of 64: blocks of uneven height.
        cut_into(&mut cut, 4 * 1024 * 10);
        let columns = |file: &ModelFile| -> Vec<usize> {
            let of = |kind: &LayerKind| match kind {
                LayerKind::Linear { columns, .. } => Some(*columns),
                _ => None,
            };
            file.spec.layers.iter().filter_map(|layer| of(&layer.kind)).collect()
        };
        assert_eq!((columns(&whole), columns(&cut)), (vec![1, 1], vec![7, 1]));
        let largest = cut.weights[cut.weights.len() - 16..].iter().map(Vec::len).max();
        assert_eq!(largest, Some(1024 * 10));
        assert_eq!(scores(&whole), scores(&cut));
    }

    #[test]
    fn no_preset_has_a_block_that_a_card_cannot_bind_whatever_its_classes() {
        for (name, classes) in [("alexnet", 1000), ("alexnet-6conv", 10_184), ("alexnet-owt", 21_841)] {
            let spec = preset(name).expect("a preset").standard(classes);
            let shapes = Shapes::of(&spec).expect("a preset");
            assert_eq!(shapes.classes, classes);
            for parameter in &shapes.parameters {
                let bytes = 4 * parameter.shape.iter().product::<usize>();
                assert!(bytes <= MAX_BINDING_BYTES, "{name} {}: {bytes} bytes", parameter.name);
            }
        }
    }
}
