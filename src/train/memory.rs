//! What training takes of a device's memory, worked out before anything is allocated, and how many pictures may
//! therefore pass through a network at once.
//!
//! The peak is found by going through a step in thought: forward, where maps that a backward step asks for stay;
//! backward, where gradients come and maps go; the update, where a card has a parameter twice.

use std::collections::BTreeMap;

use crate::kernels::Recycling;
use crate::model::{LayerShape, ParameterRole, ParameterShape, Shapes};

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
        pass <= most && pass_bytes(shapes, pass) <= PASS_BYTES && card_bytes(shapes, batch, pass) <= bytes
    };
    let shares = (1..=batch).map(|passes| batch.div_ceil(passes));
    shares.into_iter().find(|&pass| fits(pass)).unwrap_or(1)
}

/// Bytes that training takes at its peak, with batches of `batch` pictures of which `pass` pass at once: weights,
/// velocities and gradients, and the maps of a pass, as the pools of a graphics card hold them.
///
/// The pools cut memory into pages a little larger than the largest piece ever asked for, so that some of every page
/// stays empty: pieces are packed here as they would be there. On a processor, which gives out every piece alone,
/// [`training_bytes`] is nearer.
pub fn card_bytes(shapes: &Shapes, batch: usize, pass: usize) -> usize {
    /// Pieces up to this size share pages of their own.
    const SMALL: usize = 64 << 10;
    const SMALL_PAGE: usize = 8 << 20;
    const MIB: usize = 1 << 20;
    let mut moments = moments(shapes, batch, pass);
    // A parameter and its velocity are made anew, and for a moment the largest exist twice.
    let (resting, learned) = parameters(shapes);
    let largest = learned.iter().copied().max().unwrap_or(0);
    moments.push([resting.as_slice(), &learned, &[largest, largest]].concat());
    let bytes = |values: &usize| size_of::<f32>() * values;
    let largest = moments.iter().flatten().map(bytes).max().unwrap_or(0);
    let page = (largest + MIB).next_multiple_of(MIB).max(2 * MIB);
    let pages = |moment: &Vec<usize>| packed(moment.iter().map(bytes).filter(|&piece| piece > SMALL), page);
    // One more than the pieces need: they come and go in another order than that of their size.
    let pages = 1 + moments.iter().map(pages).max().unwrap_or(0);
    pages * page + SMALL_PAGE
}

/// Pages that `pieces` take, each in the first page with room, the largest first.
fn packed(pieces: impl Iterator<Item = usize>, page: usize) -> usize {
    let mut pieces: Vec<usize> = pieces.collect();
    pieces.sort_unstable_by(|one, other| other.cmp(one));
    let mut rooms: Vec<usize> = Vec::new();
    for piece in pieces {
        match rooms.iter_mut().find(|room| **room >= piece) {
            Some(room) => *room -= piece,
            None => rooms.push(page - piece),
        }
    }
    rooms.len()
}

/// The same for a processor. Large pieces that are used up are kept for the next of their size, so that of every size
/// there are in the end as many as ever exist at one moment; of smaller ones, as many bytes as at the worst moment.
pub fn training_bytes(shapes: &Shapes, batch: usize, pass: usize) -> usize {
    /// The program that runs, the stacks of its threads, and what operations need for themselves.
    const PROGRAM: usize = 10 << 20;
    let mut kept: BTreeMap<usize, usize> = BTreeMap::new();
    let mut others = 0;
    for moment in moments(shapes, batch, pass) {
        let (large, small): (Vec<usize>, Vec<usize>) =
            moment.into_iter().partition(|&piece| piece >= Recycling::LEAST_VALUES);
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        large.into_iter().for_each(|piece| *counts.entry(piece).or_default() += 1);
        for (piece, count) in counts {
            let most = kept.entry(piece).or_default();
            *most = count.max(*most);
        }
        others = others.max(small.iter().sum());
    }
    let kept: usize = kept.iter().map(|(piece, count)| piece * count).sum();
    size_of::<f32>() * (kept + others) + PROGRAM
}

/// The part of it that grows with the pictures of a pass.
fn pass_bytes(shapes: &Shapes, pass: usize) -> usize {
    let bytes = |pass| size_of::<f32>() * most(&moments_of_pass(shapes, pass));
    bytes(pass) - bytes(0)
}

fn most(moments: &[Vec<usize>]) -> usize {
    moments.iter().map(|pieces| pieces.iter().sum()).max().unwrap_or(0)
}

/// What exists at each moment of the passes of a step: the values of every piece of memory.
fn moments(shapes: &Shapes, batch: usize, pass: usize) -> Vec<Vec<usize>> {
    let (resting, learned) = parameters(shapes);
    // Gradients of the passes before.
    let sums: &[usize] = if pass < batch { &learned } else { &[] };
    let mut moments = moments_of_pass(shapes, pass);
    for pieces in &mut moments {
        pieces.extend(resting.iter().chain(sums));
    }
    moments
}

/// The values of all weights and velocities, and those of all gradients.
fn parameters(shapes: &Shapes) -> (Vec<usize>, Vec<usize>) {
    let values = |parameter: &ParameterShape| parameter.shape.iter().product::<usize>();
    let all: Vec<usize> = shapes.parameters.iter().map(values).collect();
    let learned: Vec<usize> =
        shapes.parameters.iter().filter(|p| p.role != ParameterRole::Statistic).map(values).collect();
    ([all.as_slice(), &learned].concat(), learned)
}

/// The maps and gradients of one pass, at each of its moments.
fn moments_of_pass(shapes: &Shapes, pictures: usize) -> Vec<Vec<usize>> {
    let layers: Vec<(usize, &LayerShape)> =
        shapes.layers.iter().enumerate().filter(|(_, layer)| !layer.held.done_before).collect();
    let mut input = pictures * shapes.input.len();
    // What earlier layers hold.
    let mut held = Vec::new();
    let mut moments = Vec::new();
    for (place, &(index, layer)) in layers.iter().enumerate() {
        let (output, asks) = (pictures * layer.output.len(), layer.held);
        let input_held = asks.input || (place > 0 && layers[place - 1].1.held.output);
        if input_held {
            held.push(input);
        }
        held.extend(vec![output; asks.more]);
        let mut forward = held.clone();
        forward.push(output);
        if !input_held {
            forward.push(input);
        }
        moments.push(forward);
        // The gradients of the output and of the input, which the first layer does not need; the output itself, and
        // its gradient with the unit's, where there is one.
        let mut backward = held.clone();
        backward.push(output);
        let behind = if place == 0 { 0 } else { input };
        if asks.output {
            backward.extend([output, behind.max(output)]);
        } else {
            backward.push(behind);
        }
        let behind = shapes.parameters.iter().filter(|parameter| parameter.layer >= index);
        let gradients = behind.filter(|parameter| parameter.role != ParameterRole::Statistic);
        backward.extend(gradients.map(|parameter| parameter.shape.iter().product::<usize>()));
        moments.push(backward);
        input = output;
    }
    moments
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
        assert!(card_bytes(&shapes, 128, pass) < TRAINING_BYTES, "{pass} at once");
    }

    #[test]
    fn less_memory_means_smaller_passes() {
        let shapes = shapes("alexnet");
        let bytes = |pass| card_bytes(&shapes, 128, pass);
        for pass in [32, 16, 4] {
            let found = micro_batch_within(&shapes, 128, bytes(pass));
            assert!(found >= pass && bytes(found) <= bytes(pass), "{pass}: {found}");
            assert!(micro_batch_within(&shapes, 128, bytes(found) - 1) < found, "{found}");
        }
        assert_eq!(micro_batch_within(&shapes, 128, 1), 1, "it is tried all the same");
        assert_eq!(micro_batch_within(&shapes, 1, 1), 1);
    }

    #[test]
    fn pieces_are_packed_into_pages() {
        assert_eq!(packed([3, 3, 3, 1].into_iter(), 4), 3);
        assert_eq!(packed([5, 5, 2, 2, 1, 1].into_iter(), 8), 2);
        assert_eq!(packed(std::iter::empty(), 8), 0);
        let shapes = shapes("alexnet");
        let alone = 4 * most(&moments(&shapes, 32, 32));
        let paged = card_bytes(&shapes, 32, 32);
        assert!(alone < paged && paged < alone / 2 * 3, "{alone}, {paged}");
    }

    #[test]
    fn what_a_processor_keeps_for_later_counts() {
        let shapes = shapes("alexnet");
        let at_once = 4 * most(&moments(&shapes, 32, 32));
        let taken = training_bytes(&shapes, 32, 32);
        assert!(taken > at_once && taken < at_once / 2 * 3, "{at_once}, {taken}");
    }

    #[test]
    fn several_passes_hold_the_gradients_of_the_earlier_ones() {
        let shapes = shapes("alexnet");
        // So many that the pass itself is the peak, and not the update.
        let more = training_bytes(&shapes, 128, 64) - training_bytes(&shapes, 64, 64);
        assert_eq!(more, 4 * shapes.parameter_count());
    }
}
