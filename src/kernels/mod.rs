//! Our own operations: WGSL on a graphics card, a twin in plain Rust on the CPU, and their gradients.
//!
//! ```text
//! lrn(x, config)  -> Dispatch -> Autodiff (records the backward step)
//!                                  -> Cube: shaders/lrn_*.wgsl through `launch`
//!                                  -> Flex: lrn/cpu.rs
//! ```
//! An operation is five things that stand together: its WGSL, its launch, its backward step, its CPU twin
//! and its tests. The twin is the reference in the tests and the real path on machines without a card.
//! All of them take 32-bit floats, add up in one order (no atomics: every run gives the same bits), and refuse
//! impossible numbers in their config's `check` before anything runs.
//!
//! | operation | layer |
//! |---|---|
//! | [`convolve`] | convolution with its biases and, where one follows, its rectified linear unit |
//! | [`linear`] | linear layer, likewise |
//! | [`crop`] | from stored 8-bit pictures to the first layer (paper sections 2 and 4.1) |
//! | [`lrn`] | response normalisation across channels (paper section 3.3) |
//! | [`spatial_norm`] | response normalisation inside each map, `rnorm` in the author's files |
//! | [`max_pool2d`] | overlapping max pooling (paper section 3.4) |
//! | [`cross_entropy`] | softmax and the loss of the labels, with where they stand (paper section 3.5) |
//! | [`momentum_update`] | the update of a parameter (paper section 5) |
//! | [`locally_connected`] | `local3` and `local4` of the author's CIFAR networks |

mod abandon;
mod block;
mod ceiling;
mod conv;
mod crop;
mod cross_entropy;
mod host;
mod launch;
mod linear;
mod local;
mod lrn;
mod momentum;
mod pool;
mod rank;
mod read;
mod recycle;
mod relu;
mod response;
mod spatial;
mod tile;
mod vector;

pub use abandon::abandon_when;
pub use ceiling::{MULTIPLY_ADDS, copy, multiply_adds};
pub use conv::{ConvConfig, convolve, convolve_backward_weight, convolve_backward_x};
pub use crop::{Crop, CropConfig, crop};
pub use cross_entropy::{CrossEntropy, STANDING, cross_entropy};
pub use linear::{linear, linear_backward_weight, linear_backward_x};
pub use local::{LocalConfig, locally_connected};
pub use lrn::{LrnConfig, lrn};
pub use momentum::{Momentum, add_gradients, momentum_update};
pub use pool::{MaxPoolConfig, max_pool2d};
pub use read::{HostValues, to_host};
pub use recycle::Recycling;
pub use spatial::{SpatialNormConfig, spatial_norm};
pub use tile::{TILE_ROWS, Tile, TileEntry, Tiles, as_on_a_card, use_tiles};

/// The most that every graphics card binds at once (WebGPU's `maxStorageBufferBindingSize`).
pub const MAX_BINDING_BYTES: usize = 128 << 20;

/// Why an operation cannot be applied to a tensor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {reason}")]
pub struct KernelError {
    pub operation: &'static str,
    pub reason: String,
}

/// Every shader as the driver gets it: a name and the WGSL with representative values filled in.
///
/// For tests and for reading; nothing is launched.
pub fn completed_shaders() -> Vec<(String, String)> {
    conv::shaders()
        .into_iter()
        .chain(linear::shaders())
        .chain(relu::shaders())
        .chain(momentum::shaders())
        .chain(lrn::shaders())
        .chain(pool::shaders())
        .chain(spatial::shaders())
        .chain(local::shaders())
        .chain(crop::shaders())
        .chain(cross_entropy::shaders())
        .chain(ceiling::shaders())
        .map(|shader| (shader.describe(), shader.complete()))
        .collect()
}
