//! Memory of large gradients on the processor, used again by the next step.
//!
//! The system maps fresh memory page by page when it is first written, which costs as much as the values are worth:
//! the linear layers of the paper's network have gradients of 234 MB in every pass.

use std::sync::{Mutex, PoisonError};

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;

/// Smaller pieces stay with the program anyway.
const LEAST_VALUES: usize = 1 << 20;
/// More pieces than one network has.
const MOST_PIECES: usize = 64;

static KEPT: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// `count` values, of no meaning: every one must be written.
pub(super) fn take(count: usize) -> Vec<f32> {
    if count >= LEAST_VALUES {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = kept.iter().position(|values| values.len() == count) {
            return kept.swap_remove(index);
        }
    }
    vec![0.0; count]
}

/// Keeps the memory of a tensor that nobody else holds.
pub(super) fn give_back(tensor: FlexTensor) {
    if tensor.shape().num_elements() < LEAST_VALUES || !tensor.is_unique() {
        return;
    }
    if let Ok(values) = tensor.into_data().try_into_vec::<f32>() {
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_PIECES {
            kept.push(values);
        }
    }
}

/// Gives the memory that is kept for the next step back to the system: there is none.
pub fn forget_memory() {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clear();
}
