//! What a run will take of its device's memory, in words.

use serde::Serialize;

use crate::device::{DeviceKind, memory_bytes};
use crate::model::Shapes;
use crate::train::{card_bytes, micro_batch, micro_batch_within, training_bytes};
use crate::words::bytes;

/// A run's demand beside what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryNeed {
    /// Bytes that training takes at its peak, as predicted.
    pub bytes: u64,
    /// Bytes that the device has, if that is known.
    pub of: Option<u64>,
}

impl MemoryNeed {
    /// For training with batches of `batch` pictures of which `pass` pass at once.
    pub(super) fn new(shapes: &Shapes, batch: usize, pass: usize, kind: DeviceKind) -> Self {
        let needed = match kind {
            DeviceKind::Cpu => training_bytes(shapes, batch, pass),
            _ => card_bytes(shapes, batch, pass),
        };
        Self { bytes: needed as u64, of: memory_bytes(kind) }
    }

    /// "needs about 1.9 GiB of memory", with "of 23.5 GiB" where it is known.
    pub fn words(&self) -> String {
        match self.of {
            Some(of) => format!("needs about {} of {} of memory", bytes(self.bytes), bytes(of)),
            None => format!("needs about {} of memory", bytes(self.bytes)),
        }
    }

    /// Whether so many bytes more have room beside it. Where nobody knows what there is, they are thought to.
    pub(super) fn leaves(&self, bytes: usize) -> bool {
        self.of.is_none_or(|of| self.bytes.saturating_add(bytes as u64) <= of / 10 * 9)
    }

    /// A warning if it is more than nine tenths of what there is; other programs need some.
    pub(super) fn warning(&self) -> Option<String> {
        let of = self.of.filter(|_| !self.leaves(0))?;
        Some(format!(
            "training needs about {} of memory and this machine has {}: it may become very slow or be ended by the \
             system; let fewer pictures pass at once (--set optim.micro_batch=8) or choose a smaller network",
            bytes(self.bytes),
            bytes(of)
        ))
    }
}

/// Pictures of a batch that pass through the network at once on a device of this kind, unless a run says otherwise.
pub(super) fn pass(shapes: &Shapes, batch: usize, kind: DeviceKind) -> usize {
    let usual = micro_batch(shapes, batch);
    match memory_bytes(kind).and_then(|bytes| usize::try_from(bytes / 4 * 3).ok()) {
        Some(bytes) => usual.min(micro_batch_within(shapes, batch, bytes)),
        None => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_hardly_fits_is_warned_of() {
        let need = |gib: u64, of: Option<u64>| MemoryNeed { bytes: gib << 30, of: of.map(|of| of << 30) };
        assert_eq!(need(2, Some(8)).words(), "needs about 2.0 GiB of 8.0 GiB of memory");
        assert_eq!(need(2, None).words(), "needs about 2.0 GiB of memory");
        assert_eq!((need(7, Some(8)).warning(), need(99, None).warning()), (None, None));
        assert!(need(5, Some(8)).leaves(2 << 30) && !need(6, Some(8)).leaves(2 << 30));
        assert!(need(99, None).leaves(2 << 30));
        assert!(need(8, Some(8)).warning().is_some_and(|text| text.contains("optim.micro_batch")));
    }
}
