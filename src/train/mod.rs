//! Learning: the loss, its gradient, the paper's update rule, and how errors are counted.
//!
//! ```text
//! HostBatch -> micro-batches -> gradients (summed) -> Sgd -> weights;  logits -> Tally
//! ```

mod memory;
mod schedule;
mod sgd;
mod tally;
mod trainer;

pub use memory::{micro_batch, training_bytes};
pub use schedule::Rate;
pub use sgd::{Sgd, SgdConfig};
pub use tally::Tally;
pub use trainer::{Between, Outcome, StepResult, Trainer};
