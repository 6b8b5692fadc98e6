//! How many pictures pass through a network at once.

use crate::model::Shapes;

/// A single map of a pass stays under this, half of what every WebGPU adapter can bind at once.
const MAP_BYTES: usize = 64 << 20;
/// All maps of a pass, their gradients and the scratch space of convolutions stay near this.
const PASS_BYTES: usize = 1 << 30;
/// Values held for each value of a map: the map, its gradient, and scratch.
const COPIES: usize = 4;
/// Multiply-adds of one pass forward: on a processor a few seconds with its backward pass, so that a pause
/// or a prediction is served soon.
const PASS_MULTIPLY_ADDS: usize = 12_000_000_000;

/// Pictures of one pass: the whole batch if memory and patience allow, else the largest even share.
pub fn micro_batch(shapes: &Shapes, batch: usize) -> usize {
    let maps: usize = shapes.layers.iter().map(|layer| layer.output.len()).sum();
    let by_map = MAP_BYTES / (4 * shapes.largest_map().max(1));
    let by_pass = PASS_BYTES / (4 * COPIES * maps.max(1));
    let by_time = PASS_MULTIPLY_ADDS / shapes.multiply_adds().max(1);
    let limit = by_map.min(by_pass).min(by_time).clamp(1, batch);
    batch.div_ceil(batch.div_ceil(limit))
}

/// Bytes that training takes, about: weights, gradients and velocities, and for each picture of a pass every
/// map with its gradient and scratch space.
pub fn training_bytes(shapes: &Shapes, pass: usize) -> usize {
    let maps: usize = shapes.layers.iter().map(|layer| layer.output.len()).sum();
    4 * (3 * shapes.parameter_count() + COPIES * pass * maps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::preset;

    fn shapes(name: &str) -> Shapes {
        let spec = preset(name).expect("a known preset").standard(10);
        Shapes::of(&spec).expect("presets fit together")
    }

    #[test]
    fn passes_share_a_batch_evenly() {
        let shapes = shapes("alexnet");
        let pass = micro_batch(&shapes, 128);
        assert_eq!(128 % pass, 0, "{pass}");
        assert!(pass * shapes.largest_map() * 4 <= MAP_BYTES);
    }

    #[test]
    fn small_networks_take_the_whole_batch() {
        assert_eq!(micro_batch(&shapes("cifar-80sec"), 128), 128);
        assert_eq!(micro_batch(&shapes("alexnet-64"), 1), 1);
    }
}
