//! The network that a run begins with: fresh from its preset, from a model file (`model.from`), or from a
//! checkpoint with all that it remembers.

use std::path::{Path, PathBuf};

use super::control::Control;
use super::error::RunError;
use super::event::Event;
use super::feed;
use super::pictures::{Difference, Pictures};
use super::plan::Plan;
use super::replay::KeptBatch;
use super::take_up::{Basis, Place};
use crate::config::{ModelConfig, RunConfig};
use crate::data::PictureStore;
use crate::model::{FineTune, Input, InputSpec, ModelFile, Network, Preset, Shapes, first_weights, preset};
use crate::train::Velocities;
use crate::train::checkpoint::{Checkpoint, State};
use crate::vis::History;
use crate::words;

/// What a run goes on from, besides its network.
pub(super) struct Taken {
    /// None: the run begins again.
    pub state: Option<State>,
    pub velocities: Velocities,
    /// Scores of the kept batch.
    pub replay: Vec<f32>,
    pub path: PathBuf,
    pub branch: bool,
    /// Names of the settings that are not what they were.
    pub differences: Vec<String>,
    /// The curves so far.
    pub history: History,
    /// Go on although some of the pictures look different now.
    pub changed_pictures: bool,
}

/// Takes a basis apart: the network, what goes on besides it, and where.
pub(super) fn take(basis: Basis) -> (Option<ModelFile>, Option<Taken>, Option<Place>) {
    let Basis { checkpoint, path, place, differences, history, changed_pictures } = basis;
    let branch = matches!(place, Place::Branch(_));
    let (model, state, velocities, replay) = match checkpoint.map(|checkpoint| *checkpoint) {
        Some(Checkpoint { state, model, velocities, replay, .. }) => {
            (Some(model), Some(state), velocities, replay)
        }
        None => (None, None, Vec::new(), Vec::new()),
    };
    let taken = Taken { state, velocities, replay, path, branch, differences, history, changed_pictures };
    (model, Some(taken), Some(place))
}

impl Taken {
    /// Refuses to go on with pictures that are not those of the run in `folder`. A branch may have others.
    pub fn check_pictures(
        &self,
        control: &Control,
        store: &PictureStore,
        input: InputSpec,
        folder: &Path,
    ) -> Result<(), RunError> {
        let Some(state) = self.state.as_ref().filter(|_| !self.branch) else { return Ok(()) };
        // Of runs that know no sums of their pictures.
        let kept_batch = || {
            let now = KeptBatch::of(state.replay.pictures, input, store);
            (now.mark != state.replay).then(|| Difference::Pixels("some of them have changed".to_owned()))
        };
        let difference = Pictures::of(store).difference(&state.data, folder, store).or_else(kept_batch);
        let source = &store.description().source;
        let path = words::typed(&self.path);
        let (difference, remedy) = match difference {
            None => return Ok(()),
            Some(Difference::Pixels(difference)) if self.changed_pictures => {
                control.outbox.send(Event::Warning(format!(
                    "the pictures of `{source}` are not quite those of the run: {difference}; it goes on with them as \
                     they are, and its figures are not those of a run that never changed"
                )));
                return Ok(());
            }
            Some(Difference::Pixels(difference)) => {
                (difference, "go on with them as they are with --changed-pictures, or")
            }
            Some(Difference::Set(difference)) => (difference, "or go on with what is there"),
        };
        Err(RunError::bad_input(format!(
            "the pictures of `{source}` are not those of the run: {difference}; bring them back, name their new place \
             with --data, {remedy} in a branch: `alexnet-lab train --branch {path}`"
        )))
    }

    /// Says what to do where the pictures of the run have moved.
    pub fn hint_at_data(&self, mut error: RunError) -> RunError {
        if self.state.is_some() {
            let run = self.path.parent().and_then(Path::parent).unwrap_or(&self.path);
            let (how, what) = if self.branch { ("branch", &*self.path) } else { ("resume", run) };
            error.message += &format!(
                "; if the pictures of the run have moved, name their new place: `alexnet-lab train --{how} {} --data \
                 NEW_PLACE`",
                words::typed(what)
            );
        }
        error
    }

    /// Refuses an end that lies before what has been made already, and says so if nothing is left to do.
    pub fn check_length(
        &self,
        control: &Control,
        total_steps: u64,
        steps_per_epoch: u64,
    ) -> Result<(), RunError> {
        let Some(state) = &self.state else { return Ok(()) };
        let (step, _) = state.position(steps_per_epoch);
        let made = format!(
            "{step} updates ({:.1} epochs) have been made already",
            step as f64 / steps_per_epoch.max(1) as f64
        );
        let remedy = "--epochs and --max-steps count from the beginning of the run: name a larger number";
        if step > total_steps {
            return Err(RunError::bad_input(format!(
                "{made}, and the run would have ended after {total_steps}; {remedy}"
            )));
        }
        if step == total_steps && !state.validation_due {
            if self.branch {
                return Err(RunError::bad_input(format!(
                    "{made}, so that the branch has nothing to do; {remedy}"
                )));
            }
            control
                .outbox
                .send(Event::Note(format!("{made}, which is all of the run; {remedy} to make it longer")));
        }
        Ok(())
    }

    /// Whether one of these settings is not what it was.
    pub fn differs(&self, names: &[&str]) -> bool {
        self.differences.iter().any(|name| names.contains(&name.as_str()))
    }
}

/// The network of a checkpoint, for pictures of the same classes.
pub(super) fn again(file: ModelFile, path: &Path, classes: &[String]) -> Result<FineTune, RunError> {
    if file.classes == classes {
        return Ok(FineTune { file, replaced: None });
    }
    Err(RunError::bad_input(format!(
        "the pictures have {} classes that are not the {} of the checkpoint `{path}`; to train its network on them, \
         begin a new run with `--from {}`",
        classes.len(),
        file.classes.len(),
        words::typed(&Checkpoint::model_file(path)),
        path = path.display(),
    )))
}

/// Reads the model file that the settings name, if they name one.
///
/// # Errors
/// An unusable file; a setting that contradicts it, by name.
pub(super) fn read(control: &Control, config: &RunConfig) -> Result<Option<ModelFile>, RunError> {
    let Some(path) = &config.model.from else { return Ok(None) };
    if let Some(setting) = contradicting(config) {
        return Err(RunError::bad_input(format!(
            "{setting} cannot be set together with model.from: the network comes as it is from `{}`; leave \
             {setting} out",
            path.display()
        )));
    }
    let imported = ModelFile::open(path).map_err(|e| RunError::bad_input(e.to_string()))?;
    let found = &imported.file.spec.name;
    if let Some(wanted) = config.model.preset.as_ref().filter(|wanted| *wanted != found) {
        return Err(RunError::bad_input(format!(
            "model.preset is {wanted}, but `{}` holds the network {found}; leave model.preset out",
            path.display()
        )));
    }
    for note in &imported.notes {
        control.outbox.send(Event::Warning(format!("`{}`: {note}", path.display())));
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
            "the {before} classes of `{}` are not the {} of the data: its last layer {layer} was replaced by one \
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
