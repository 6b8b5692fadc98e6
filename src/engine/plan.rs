//! What a run needs before its first update.

use std::path::Path;
use std::sync::Arc;

use super::control::Control;
use super::error::{RunError, finished};
use super::event::Event;
use super::folder::{CORRECTIONS, HeldFolder, RunFolder};
use super::model::View;
use super::settings::{Settings, planned_changes};
use super::start::Taken;
use super::take_up::{Basis, Place};
use super::{feed, memory, prepare, start, tiles};
use crate::config::{ColourNoise, RunConfig};
use crate::data::{Dataset, Loader, PictureStore, Split, TrainPlan};
use crate::device::{self, OpenDevice};
use crate::model::{FineTune, InputSpec, ModelFile, Preset, fitting_preset, preset};
use crate::train::checkpoint::Parent;
use crate::train::{ChangePlan, Sgd, Trainer};

/// Everything a run needs before its first update.
pub(super) struct Plan {
    pub config: RunConfig,
    pub settings: Settings,
    /// What is planned besides the rate.
    pub changes: ChangePlan,
    pub preset: &'static Preset,
    /// The network's name.
    pub model: String,
    /// The network to begin with, if it comes from a file, until [`Plan::trainer`] takes it.
    pub start: Option<FineTune>,
    pub device: OpenDevice,
    pub store: Arc<PictureStore>,
    pub folder: RunFolder,
    /// What the run goes on from, until the run takes it.
    pub taken: Option<Taken>,
    /// Where it comes from, if it is a branch.
    pub parent: Option<Parent>,
}

/// Where the run will write.
enum Room {
    New(RunFolder),
    /// Of a run that goes on: touched only once everything is ready.
    Held(HeldFolder),
}

impl Room {
    fn path(&self) -> &Path {
        match self {
            Self::New(folder) => folder.path(),
            Self::Held(folder) => &folder.path,
        }
    }

    fn told_aside(&self) -> Option<String> {
        match self {
            Self::New(_) => None,
            Self::Held(folder) => folder.told_aside(),
        }
    }

    fn enter(self) -> Result<RunFolder, RunError> {
        match self {
            Self::New(folder) => Ok(folder),
            Self::Held(folder) => Ok(RunFolder::go_on(folder)?),
        }
    }

    /// Leaves everything as it was, but for the list of pictures that the error is about.
    fn refuse(self, config: &RunConfig, mut error: RunError) -> RunError {
        let folder = match self {
            Self::New(folder) if !error.refused.is_empty() => folder,
            other => {
                other.leave();
                return error;
            }
        };
        match folder.describe(config, &error.refused) {
            Ok(()) => error.message += &format!("; all are listed in `{}`", folder.refused_file().display()),
            Err(reason) => log::warn!("the list of unusable files was not written: {reason}"),
        }
        error
    }

    /// Leaves everything as it was.
    fn leave(self) {
        if let Self::New(folder) = self {
            folder.discard();
        }
    }
}

impl Plan {
    /// Checks the settings, opens the device, makes the folder and decodes the pictures, the quick things
    /// first. Nothing if it was stopped. A folder without a name of its own begins with `label`. With a `basis`
    /// it is an earlier run that goes on, or a branch of one.
    pub fn make(
        control: &mut Control,
        idle: Option<View>,
        mut config: RunConfig,
        basis: Option<Basis>,
        label: &str,
    ) -> Result<Option<Self>, RunError> {
        config.validate().map_err(|e| RunError::bad_input(e.to_string()))?;
        let (kept, taken, place) = basis.map(start::take).unwrap_or_default();
        let file = if kept.is_some() { kept } else { start::read(control, &config)? };
        let named = match (config.model.preset.as_deref(), &file) {
            (None, Some(file)) => Some(start::recipe(file)?),
            (Some(_), Some(file)) if config.model.from.is_some() => Some(start::recipe(file)?),
            (name, _) => {
                let named = name.map(preset).transpose();
                named.map_err(|e| RunError::bad_input(e.to_string()))?
            }
        };
        if let Some(preset) = named {
            rehearse(config.clone(), preset, file.as_ref())?;
        }
        let device = device::open(&config.run.device).map_err(|e| RunError::bad_input(e.to_string()))?;
        tiles::take_up(&device);

        let scanned = finished(prepare::scan(control, idle, &config.data));
        let scanned = scanned.map_err(|error| match &taken {
            Some(taken) => taken.hint_at_data(error),
            None => error,
        });
        let Some(dataset) = scanned? else { return Ok(None) };
        let found = dataset.description();
        let preset = named.unwrap_or_else(|| fitting_preset(found.typical_side));
        let (settings, spec, start) = match file {
            Some(file) => {
                let settings = settings_for_file(&mut config, preset);
                let start = match &taken {
                    Some(Taken { state: Some(_), path, .. }) => start::again(file, path, &found.classes)?,
                    _ => start::prepare(control, file, &config, &found.classes)?,
                };
                (settings, start.file.spec.clone(), Some(start))
            }
            None => {
                let settings = Settings::resolve(&mut config, preset);
                let spec = preset.spec(found.classes.len(), &settings.variants);
                (settings, spec.map_err(|e| RunError::bad_input(e.to_string()))?, None)
            }
        };
        let changes = planned_changes(&config.optim, &settings, &spec)?;
        let model = spec.name.clone();
        let name = format!("{label}{}", spec.name);
        let (room, parent) = match place {
            Some(Place::Same(folder)) => (Room::Held(folder), None),
            branch => {
                let folder = RunFolder::create(config.run.out.as_deref(), &name, &config.data.source)?;
                let parent = branch.and_then(Place::parent);
                (Room::New(folder), parent)
            }
        };
        config.run.out = Some(room.path().into());
        config.data.corrections = config.data.corrections.map(|_| room.path().join(CORRECTIONS));
        if let Room::New(folder) = &room {
            // The run keeps the list that it began with: whoever edits theirs changes the next run.
            if let Some(corrections) = dataset.corrections() {
                folder.file(CORRECTIONS, corrections.to_text(&config.data.source))?;
            }
            // From now on an interrupted run can be taken up.
            folder.describe(&config, &[])?;
        }

        let decoded = Self::decode(control, idle, dataset, spec.input, &config);
        let checked = decoded.and_then(|store| {
            if let (Some(store), Some(taken)) = (&store, &taken) {
                taken.check_pictures(control, store, spec.input, room.path())?;
                let steps_per_epoch = steps_per_epoch(store, &settings);
                taken.check_length(
                    control,
                    total_steps(&config, &settings, steps_per_epoch),
                    steps_per_epoch,
                )?;
            }
            Ok(store)
        });
        let store = match checked {
            Ok(Some(store)) => store,
            Ok(None) => {
                room.leave();
                return Ok(None);
            }
            Err(error) => return Err(room.refuse(&config, error)),
        };
        let aside = room.told_aside();
        let folder = room.enter()?;
        aside.into_iter().for_each(|text| control.outbox.send(Event::Note(text)));
        let plan =
            Self { config, settings, changes, preset, model, start, device, store, folder, taken, parent };
        Ok(Some(plan))
    }

    /// The network with its first weights, ready to learn. To be called once: weights from a file move to the
    /// device.
    pub fn trainer(&mut self) -> Result<Trainer, RunError> {
        let start = self.start.take();
        let (network, input) = start::network(self, start)?;
        let Self { config, settings, store, device, .. } = self;
        let sgd = Sgd::new(settings.sgd, network.spec(), network.shapes());
        let pass = match config.optim.micro_batch {
            0 => memory::pass(network.shapes(), settings.batch, device.info.kind),
            pass => pass.min(settings.batch),
        };
        let mut trainer = Trainer::new(network, input, sgd, config.run.seed, pass);
        trainer.set_colouring(feed::colouring(settings, &config.data, store));
        Ok(trainer)
    }

    /// The threads that deal out the batches of `epochs` epochs to `trainer`, from `first_batch` on.
    pub fn loader(&self, trainer: &Trainer, epochs: usize, first_batch: u64) -> Result<Loader, RunError> {
        Loader::train(
            self.store.clone(),
            TrainPlan {
                batch: self.settings.batch,
                crop: trainer.input().spec().side as u32,
                augment: self.settings.augment,
                colour: self.settings.colour_noise != ColourNoise::Off,
                seed: self.config.run.seed,
                epochs,
                first_batch,
                threads: prepare::loader_threads(&self.config.data),
            },
        )
        .map_err(|e| RunError::internal(format!("the threads that read pictures cannot be started: {e}")))
    }

    /// Whether the device still works.
    pub fn check_device(&self) -> Result<(), RunError> {
        match self.device.fault() {
            None => Ok(()),
            Some(fault) => Err(RunError::device(format!(
                "the graphics driver failed ({fault}); try a smaller batch (--batch 16) or another device (--device cpu)"
            ))),
        }
    }

    fn decode(
        control: &mut Control,
        idle: Option<View>,
        dataset: Arc<dyn Dataset>,
        input: InputSpec,
        config: &RunConfig,
    ) -> Result<Option<Arc<PictureStore>>, RunError> {
        let side = input.stored_side;
        let store = finished(prepare::decode(control, idle, dataset, side, &config.data))?;
        Ok(store.flatten().map(Arc::new))
    }
}

/// Updates an epoch.
pub(super) fn steps_per_epoch(store: &PictureStore, settings: &Settings) -> u64 {
    store.len(Split::Train).div_ceil(settings.batch) as u64
}

/// Updates of a whole run.
pub(super) fn total_steps(config: &RunConfig, settings: &Settings, steps_per_epoch: u64) -> u64 {
    let all_epochs = steps_per_epoch.saturating_mul(settings.epochs as u64);
    config.run.max_steps.map_or(all_epochs, |max| max.min(all_epochs))
}

/// Fills the blanks for a network from a file. Of a checkpoint, the run may have begun from its preset.
fn settings_for_file(config: &mut RunConfig, preset: &Preset) -> Settings {
    match config.model.from {
        Some(_) => Settings::resolve_for_file(config, preset),
        None => Settings::resolve(config, preset),
    }
}

/// Tells what cannot be built or planned before the pictures are looked for.
fn rehearse(mut config: RunConfig, preset: &Preset, file: Option<&ModelFile>) -> Result<(), RunError> {
    if let Some(file) = file {
        let settings = settings_for_file(&mut config, preset);
        planned_changes(&config.optim, &settings, &file.spec)?;
    } else {
        let settings = Settings::resolve(&mut config, preset);
        // The number of classes is not known yet, and changes nothing here.
        let spec = preset.spec(2, &settings.variants).map_err(|e| RunError::bad_input(e.to_string()))?;
        planned_changes(&config.optim, &settings, &spec)?;
    }
    Ok(())
}
