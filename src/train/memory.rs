//! What training takes of a device's memory, worked out before anything is allocated, and how many pictures may
//! therefore pass through a network at once.
//!
//! The peak is found by going through a step in thought: forward, where maps that a backward step asks for stay;
//! backward, where gradients come and maps go; the update, where a parameter exists twice.

use crate::model::{Held, ParameterRole, Shapes};

/// A single map of a pass stays under this, half of what every WebGPU adapter can bind at once.
const MAP_BYTES: usize = 64 << 20;
/// All that grows with the pictures of a pass stays under this.
const PASS_BYTES: usize = 1 << 30;
/// All together stays under this where it can: a card of 4 GiB, a part of which the window system has.
const TRAINING_BYTES: usize = 3 << 30;
/// Multiply-adds of one pass forward: on a processor a few seconds with its backward pass, so that a pause
/// or a prediction is served soon.
const PASS_MULTIPLY_ADDS: usize = 24_000_000_000;

/// Pictures of one pass: the whole batch if memory and patience allow, else the largest even share that they do.
pub fn micro_batch(shapes: &Shapes, batch: usize) -> usize {
    micro_batch_within(shapes, batch, TRAINING_BYTES)
}

/// Pictures of one pass if training may take `bytes` together; 1 if even that is too much.
pub fn micro_batch_within(shapes: &Shapes, batch: usize, bytes: usize) -> usize {
    let by_map = MAP_BYTES / (size_of::<f32>() * shapes.largest_map().max(1));
    let by_time = PASS_MULTIPLY_ADDS / shapes.multiply_adds().max(1);
    let most = by_map.min(by_time).clamp(1, batch.max(1));
    let fits = |pass: usize| {
        pass <= most && pass_bytes(shapes, pass) <= PASS_BYTES && training_bytes(shapes, batch, pass) <= bytes
    };
    let shares = (1..=batch).map(|passes| batch.div_ceil(passes));
    shares.into_iter().find(|&pass| fits(pass)).unwrap_or(1)
}

/// Bytes that training takes at its peak, with batches of `batch` pictures of which `pass` pass at once: weights,
/// velocities and gradients, and the maps of a pass.
pub fn training_bytes(shapes: &Shapes, batch: usize, pass: usize) -> usize {
    let values = |learned: bool| -> usize {
        let parameters = shapes.parameters.iter();
        let counted = parameters.filter(|p| !learned || p.role != ParameterRole::Statistic);
        counted.map(|parameter| parameter.shape.iter().product::<usize>()).sum()
    };
    let (all, learned) = (values(false), values(true));
    let resting = all + learned;
    // Gradients of the passes before.
    let sums = if pass < batch { learned } else { 0 };
    let in_pass = resting + sums + Walk::new(shapes).peak(pass);
    let largest = shapes.parameters.iter().map(|p| p.shape.iter().product::<usize>()).max().unwrap_or(0);
    let in_update = resting + learned + 2 * largest;
    size_of::<f32>() * in_pass.max(in_update)
}

/// The part of it that grows with the pictures of a pass.
fn pass_bytes(shapes: &Shapes, pass: usize) -> usize {
    let walk = Walk::new(shapes);
    size_of::<f32>() * (walk.peak(pass) - walk.peak(0))
}

/// One pass in thought.
struct Walk {
    stages: Vec<Stage>,
}

/// A layer with the maps of one picture around it, in values.
struct Stage {
    input: usize,
    output: usize,
    held: Held,
    /// Learned numbers.
    parameters: usize,
}

impl Walk {
    fn new(shapes: &Shapes) -> Self {
        let mut input = shapes.input.len();
        let mut stages = Vec::new();
        for layer in shapes.layers.iter().filter(|layer| !layer.held.done_before) {
            let (output, held, parameters) = (layer.output.len(), layer.held, layer.parameters);
            stages.push(Stage { input, output, held, parameters });
            input = output;
        }
        Self { stages }
    }

    /// The most values that exist at once besides weights, velocities and sums of gradients.
    fn peak(&self, pictures: usize) -> usize {
        // What earlier layers hold, for one picture.
        let mut held = 0;
        // Gradients of this layer's parameters and of those behind it.
        let mut gradients: usize = self.stages.iter().map(|stage| stage.parameters).sum();
        let mut peak = 0;
        for (index, stage) in self.stages.iter().enumerate() {
            let Stage { input, output, .. } = *stage;
            let before = index.checked_sub(1).map(|index| &self.stages[index]);
            let input_held = stage.held.input || before.is_some_and(|before| before.held.output);
            let resting = held + if input_held { input } else { 0 } + stage.held.more * output;
            let forward = resting + if input_held { 0 } else { input } + output;
            // The gradients of the output and of the input. The first layer's input has none.
            let mask = if stage.held.output { output } else { 0 };
            let backward = resting + mask + output + mask.max(if index == 0 { 0 } else { input });
            peak = peak.max(pictures * forward).max(pictures * backward + gradients);
            gradients -= stage.parameters;
            held = resting;
        }
        peak
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::preset;

    fn shapes(name: &str) -> Shapes {
        let spec = preset(name).expect("a known preset").standard(1000);
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

    #[test]
    fn the_paper_s_network_fits_a_card_of_4_gib() {
        let shapes = shapes("alexnet");
        let pass = micro_batch(&shapes, 128);
        assert!(training_bytes(&shapes, 128, pass) < TRAINING_BYTES, "{pass} at once");
    }

    #[test]
    fn less_memory_means_smaller_passes() {
        let shapes = shapes("alexnet");
        let bytes = |pass| training_bytes(&shapes, 128, pass);
        for pass in [32, 16, 8, 2] {
            assert_eq!(micro_batch_within(&shapes, 128, bytes(pass)), pass);
            assert!(micro_batch_within(&shapes, 128, bytes(pass) - 1) < pass);
        }
        assert_eq!(micro_batch_within(&shapes, 128, 1), 1, "it is tried all the same");
        assert_eq!(micro_batch_within(&shapes, 1, 1), 1);
    }

    #[test]
    fn several_passes_hold_the_gradients_of_the_earlier_ones() {
        let shapes = shapes("alexnet");
        let more = training_bytes(&shapes, 64, 32) - training_bytes(&shapes, 32, 32);
        assert_eq!(more, 4 * shapes.parameter_count());
    }
}
