//! How a run feeds its network: what is subtracted, what noise is added, and the note of it in the run folder.

use serde::Serialize;

use super::error::RunError;
use super::event::Event;
use super::folder::RunFolder;
use super::outbox::Outbox;
use super::settings::Settings;
use crate::config::{ColourNoise, DataConfig, Mean};
use crate::data::{ColourPca, Colouring, Loader, PictureStore};
use crate::model::{Input, InputSpec};

/// File in the run folder that holds what was computed from the training pictures.
const FILE: &str = "inputs.json";

/// What is subtracted from every picture, from the training pictures of `store`.
pub(super) fn input(spec: InputSpec, settings: &Settings, store: &PictureStore) -> Input {
    match settings.mean {
        Mean::Image => Input::from_stored_mean(spec, store.mean_image()),
        Mean::Channel => Input::from_channel_means(spec, store.colours().means.map(|mean| mean as f32)),
    }
}

/// The colour noise that a run begins with; `None` when it is off.
pub(super) fn colouring(settings: &Settings, config: &DataConfig, store: &PictureStore) -> Option<Colouring> {
    let colouring = Colouring {
        noise: settings.colour_noise,
        pca: store.colours().pca,
        strength: config.colour_strength,
    };
    (settings.colour_noise != ColourNoise::Off).then_some(colouring)
}

/// Tells of the pictures that `loader` could not read any more.
pub(super) fn warn(outbox: &Outbox, loader: &Loader) {
    for refused in loader.warnings() {
        let text = format!("{} is left out from now on: {}", refused.name, refused.reason);
        outbox.send(Event::Warning(text));
    }
}

/// Writes down what the pictures gave, so that the run can be repeated elsewhere. Colours are in 0 to 255.
pub(super) fn describe(
    folder: &RunFolder,
    spec: InputSpec,
    settings: &Settings,
    from_file: bool,
    store: &PictureStore,
) -> Result<(), RunError> {
    let colours = store.colours();
    let note = Note {
        training_pictures: store.description().train,
        stored_side: spec.stored_side,
        crop_side: spec.side,
        scale: spec.scale,
        mean: (!from_file).then_some(settings.mean),
        channel_means: colours.means,
        colour_noise: settings.colour_noise,
        colour_pca: colours.pca,
    };
    let text = serde_json::to_string_pretty(&note).expect("a note holds only plain values");
    Ok(folder.file(FILE, &text)?)
}

#[derive(Serialize)]
struct Note {
    training_pictures: usize,
    stored_side: usize,
    crop_side: usize,
    scale: [f32; 3],
    /// What is subtracted; empty if it came with a model file.
    mean: Option<Mean>,
    channel_means: [f64; 3],
    colour_noise: ColourNoise,
    colour_pca: ColourPca,
}
