//! What the engine can be asked to do.

use std::path::PathBuf;

use image::RgbImage;

pub use super::inquiry::Inquiry;
use super::inspect::Inspect;
pub use super::take_up::TakeUp;
use crate::config::{DataConfig, RunConfig};
pub use crate::infer::Views;
pub use crate::train::RateRange;

/// A picture to classify.
#[derive(Clone, Debug)]
pub enum PictureSource {
    /// A file, decoded by content.
    File(PathBuf),
    /// Encoded bytes (JPEG, PNG, ...) with a name to show.
    Bytes { name: String, bytes: Vec<u8> },
    /// Pixels, for example from the clipboard.
    Pixels { name: String, picture: RgbImage },
    /// Pixels of a picture whose class is known.
    Labelled { name: String, picture: RgbImage, class: String },
}

/// A request to the engine. Commands are served before every micro-batch, so a pause, a stop or a
/// prediction never waits for a whole batch.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin a new run. Refused with [`Event::Failed`](super::Event::Failed) while another is going on.
    Start(Box<RunConfig>),
    /// Go on with an earlier run, or begin a branch of it. Refused as [`Command::Start`] is.
    TakeUp(Box<TakeUp>),
    /// Finish the update in hand, then wait.
    Pause,
    Resume,
    /// While paused: make one update, then wait again.
    Step,
    /// Finish the update in hand, save the model, end the run. The model stays for predictions.
    Stop,
    /// Set the learning rate of the weights from the next update on (the paper's own method, section 5).
    SetRate(f64),
    /// Write a checkpoint of the run as soon as the update in hand is finished.
    Keep,
    /// Report the kernels of the convolution of that name.
    ShowKernels(String),
    /// Search for a learning rate with the network, data and settings of a run that is not made. Refused during
    /// a run; ends early at [`Command::Stop`].
    FindRate {
        config: Box<RunConfig>,
        range: RateRange,
    },
    /// Load a model file for predictions on a device (`auto`, `cpu`, ...). Refused during a run.
    Load {
        path: PathBuf,
        device: String,
    },
    /// Measure the validation split of a data source with the loaded model. Of a run that is paused, its own network
    /// is measured with its own pictures; whatever ends the pause gives the measurement up. Refused while a run goes
    /// on.
    Evaluate {
        data: DataConfig,
        views: Views,
    },
    /// Write the current model to a file.
    Save(PathBuf),
    /// Classify a picture with the current model. `id` comes back with the answer.
    Predict {
        id: u64,
        source: PictureSource,
        views: Views,
        top: usize,
    },
    /// Look inside the current model: answered by [`Event::Inspected`](super::Event::Inspected).
    Inspect(Box<Inspect>),
    /// Ask the current model something that takes longer than one picture.
    Inquire(Inquiry),
    /// Save what is going on and end the engine thread.
    ShutDown,
}
