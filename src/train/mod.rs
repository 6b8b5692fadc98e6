//! Learning: the loss, its gradient, the paper's update rule, and how errors are counted.
//!
//! ```text
//! HostBatch -> micro-batches -> gradients (summed) -> Sgd -> weights;  losses -> Tally
//! settings -> Rate (how fast), ChangePlan (which layers) -> Sgd
//! weights, velocities, where the run stands -> Checkpoint
//! ```

mod changes;
pub mod checkpoint;
mod exact;
mod finder;
mod memory;
mod pass;
mod schedule;
mod sgd;
mod tally;
mod trainer;

pub use changes::{ChangeError, ChangePlan, Changed, Planned};
pub use finder::{Finder, RateRange, Suggestion, Tried};
pub use memory::{card_bytes, micro_batch, micro_batch_within, training_bytes};
pub use schedule::{Course, Rate, RateMemory, RatePlan, Rates};
pub use sgd::{Sgd, SgdConfig};
pub use tally::Tally;
pub use trainer::{Between, Outcome, StepResult, Trainer, Trouble, Velocities};
