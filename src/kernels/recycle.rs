//! Memory of large tensors on the processor, used again while a network trains.
//!
//! The system maps fresh memory page by page when it is first written, which costs as much as many an operation on it:
//! a pass of the paper's network makes gradients of 234 MB, and maps of as much. Operations give back what they were
//! handed and nobody else holds, and take it for their results. Only while a [`Recycling`] is held: a program that
//! does not train keeps nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;

/// What is kept, and who keeps it.
struct Kept {
    holders: usize,
    pieces: Vec<Vec<f32>>,
    /// How many pieces of each size had to be made. No more are kept: what other operations have made may be given back
    /// again and again, and nobody would ever take it.
    made: BTreeMap<usize, usize>,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { holders: 0, pieces: Vec::new(), made: BTreeMap::new() });

/// Keeps large pieces of memory for the next operation of the same size, until the last holder is dropped.
#[derive(Debug)]
pub struct Recycling(());

impl Recycling {
    /// Values of the smallest pieces that are kept. Smaller ones stay with the program anyway.
    pub const LEAST_VALUES: usize = 1 << 20;

    pub fn begin() -> Self {
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).holders += 1;
        Self(())
    }
}

impl Drop for Recycling {
    fn drop(&mut self) {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        kept.holders -= 1;
        if kept.holders == 0 {
            kept.pieces.clear();
            kept.made.clear();
        }
    }
}

/// `count` values of no meaning: every one must be written.
pub(super) fn take(count: usize) -> Vec<f32> {
    if count >= Recycling::LEAST_VALUES {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = kept.pieces.iter().rposition(|piece| piece.len() == count) {
            return kept.pieces.swap_remove(index);
        }
        if kept.holders > 0 {
            *kept.made.entry(count).or_default() += 1;
        }
    }
    vec![0.0; count]
}

/// Keeps the memory of a tensor of 32-bit floats that nobody else holds.
pub(super) fn give_back(tensor: FlexTensor) {
    if tensor.shape().num_elements() < Recycling::LEAST_VALUES || !tensor.is_unique() {
        return;
    }
    if !KEPT.lock().unwrap_or_else(PoisonError::into_inner).wants(tensor.shape().num_elements()) {
        return;
    }
    if let Ok(piece) = tensor.into_data().try_into_vec::<f32>() {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.wants(piece.len()) {
            kept.pieces.push(piece);
        }
    }
}

impl Kept {
    /// Whether another piece of this size may still be taken.
    fn wants(&self, count: usize) -> bool {
        let kept = self.pieces.iter().filter(|piece| piece.len() == count).count();
        self.holders > 0 && self.made.get(&count).is_some_and(|&made| kept < made)
    }
}
