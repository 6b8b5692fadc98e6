//! The network that a run begins with: fresh from its preset, or from a model file (`model.from`).

use super::control::Control;
use super::error::RunError;
use super::event::Event;
use super::feed;
use super::plan::Plan;
use crate::config::{ModelConfig, RunConfig};
use crate::model::{FineTune, Input, ModelFile, Network, Preset, Shapes, first_weights, preset};

/// Reads the model file that the settings name, if they name one.
///
/// # Errors
/// An unusable file; a setting that contradicts it, by name.
pub(super) fn read(control: &Control, config: &RunConfig) -> Result<Option<ModelFile>, RunError> {
    let Some(path) = &config.model.from else { return Ok(None) };
    if let Some(setting) = contradicting(config) {
        return Err(RunError::bad_input(format!(
            "{setting} cannot be set together with model.from: the network comes as it is from {}; leave \
             {setting} out",
            path.display()
        )));
    }
    let imported = ModelFile::open(path).map_err(|e| RunError::bad_input(e.to_string()))?;
    let found = &imported.file.spec.name;
    if let Some(wanted) = config.model.preset.as_ref().filter(|wanted| *wanted != found) {
        return Err(RunError::bad_input(format!(
            "model.preset is {wanted}, but {} holds the network {found}; leave model.preset out",
            path.display()
        )));
    }
    for note in &imported.notes {
        control.outbox.send(Event::Warning(format!("{}: {note}", path.display())));
    }
    Ok(Some(imported.file))
}

/// A setting that would make another network, or another input, of the file's.
fn contradicting(config: &RunConfig) -> Option<&'static str> {
    // Taken apart so that a new setting cannot be forgotten here.
    let ModelConfig {
        preset: _,
        from: _,
        init,
        last_bias,
        activation,
        norm,
        norm_order,
        pooling,
        columns,
        dropout,
        without,
    } = &config.model;
    let set = [
        ("model.init", init.is_some()),
        ("model.last_bias", last_bias.is_some()),
        ("model.activation", activation.is_some()),
        ("model.norm", norm.is_some()),
        ("model.norm_order", norm_order.is_some()),
        ("model.pooling", pooling.is_some()),
        ("model.columns", columns.is_some()),
        ("model.dropout", dropout.is_some()),
        ("model.without", !without.is_empty()),
        ("data.mean", config.data.mean.is_some()),
    ];
    set.into_iter().find(|(_, set)| *set).map(|(name, _)| name)
}

/// The preset whose rates suit a network from a file: its own, or the paper's.
pub(super) fn recipe(file: &ModelFile) -> Result<&'static Preset, RunError> {
    preset(&file.spec.name).or_else(|_| preset("alexnet")).map_err(|e| RunError::internal(e.to_string()))
}

/// Makes the network ready for `classes`, and says so if its last layer had to go.
pub(super) fn prepare(
    control: &Control,
    file: ModelFile,
    config: &RunConfig,
    classes: &[String],
) -> Result<FineTune, RunError> {
    let before = file.classes.len();
    let start = file.fine_tune(classes, config.run.seed).map_err(|e| RunError::bad_input(e.to_string()))?;
    if let (Some(layer), Some(path)) = (&start.replaced, &config.model.from) {
        control.outbox.send(Event::Warning(format!(
            "the {before} classes of {} are not the {} of the data: its last layer {layer} was replaced by one \
             with small random weights and biases of 0; all other layers begin as they are in the file",
            path.display(),
            classes.len()
        )));
    }
    Ok(start)
}

/// Puts the network of a run on its device, with its first weights and what it takes from the pixels.
pub(super) fn network(plan: &Plan, start: Option<FineTune>) -> Result<(Network, Input), RunError> {
    let refused = |e: &dyn std::fmt::Display| RunError::bad_input(e.to_string());
    let Plan { config, settings, preset, device, store, .. } = plan;
    let (spec, weights, mean) = match start {
        Some(FineTune { file, .. }) => (file.spec, file.weights, Some(file.mean)),
        None => {
            let classes = store.description().classes.len();
            let spec = preset.spec(classes, &settings.variants).map_err(|e| refused(&e))?;
            let shapes = Shapes::of(&spec).map_err(|e| refused(&e))?;
            let weights = first_weights(&spec, &shapes, config.run.seed);
            (spec, weights, None)
        }
    };
    let network = Network::new(spec, &weights, &device.device).map_err(|e| refused(&e))?;
    let spec = network.spec().input;
    let input = match mean {
        Some(mean) => Input::new(spec, mean),
        None => feed::input(spec, settings, store),
    };
    Ok((network, input))
}
