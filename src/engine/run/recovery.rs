//! A run whose device has failed begins again at its last checkpoint, on a device that works.
//!
//! | what has failed | what goes on |
//! |---|---|
//! | the memory of the card | the same card, opened anew, with half as many pictures at a time |
//! | the card: lost, reset, taken out | the same card, opened anew; then another one; then, if `auto` was asked for, the processor |
//!
//! The rows after the checkpoint are cut off and made again, so that the figures are those of a run that never failed.

use std::path::PathBuf;
use std::time::Duration;

use super::Run;
use crate::device::{self, DeviceKind, OpenDevice};
use crate::engine::control::Control;
use crate::engine::error::RunError;
use crate::engine::event::Event;
use crate::engine::folder::Marks;
use crate::engine::plan::Plan;
use crate::engine::rows;
use crate::engine::start::{self, Taken};
use crate::engine::tables;
use crate::train::checkpoint::{Checkpoint, Shelf};
use crate::vis::History;
use crate::words;

/// A driver may need a moment after a reset.
const DRIVER_PAUSE: Duration = Duration::from_secs(2);
/// Failures without a new checkpoint between them that one card is forgiven.
const FORGIVEN: u32 = 2;
/// Updates that are repeated, at most, to find out where a loss that is no number begins.
const CLOSER: u64 = 200;

/// What a run remembers of its failures.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// The run has begun before.
    pub begun: bool,
    /// Look at every loss before an update is made from it.
    pub cautious: bool,
    /// Rates set by hand after what the run goes on from, with the updates before them.
    pub to_set: Vec<(u64, f64)>,
    /// Failures since the last new checkpoint, and its update.
    failures: (u32, u64),
    /// Cards that are given up.
    given_up: Vec<String>,
    /// The model of the checkpoint that the run goes on from.
    pub saved: Option<PathBuf>,
}

impl Recovery {
    /// An error of a run that could not begin again, with what is kept of it.
    pub fn with_saved(&self, error: RunError) -> RunError {
        RunError { saved: error.saved.or_else(|| self.saved.clone()), ..error }
    }
}

/// What a branch began with, before it has a checkpoint of its own.
pub(super) struct Origin {
    path: PathBuf,
    differences: Vec<String>,
}

impl Origin {
    pub fn of(taken: &Taken) -> Option<Self> {
        let branch = taken.branch && taken.state.is_some();
        branch.then(|| Self { path: taken.path.clone(), differences: taken.differences.clone() })
    }
}

/// What a run begins again with. None: its first weights.
type Basis = Option<(Box<Checkpoint>, PathBuf, bool)>;

impl Run {
    /// What is needed to begin again after `error`: the run is over if there is no way on.
    pub(super) fn recover(
        mut self,
        control: &mut Control,
        mut error: RunError,
        recovery: &mut Recovery,
    ) -> Result<Plan, RunError> {
        let device = &self.plan.device;
        let failed = error.device || (self.broken && (is_about_memory(&error.message) || !device.answers()));
        if failed && device.info.kind != DeviceKind::Cpu && !control.stop {
            self.keeper.wait();
            let basis = self.basis();
            match self.remedy(control, &error, &basis, recovery) {
                Ok(device) => {
                    let plan = self.begin_again(control, device, basis, recovery);
                    return plan.map_err(|error| recovery.with_saved(error));
                }
                Err(message) => error.message = message,
            }
        }
        error.saved = self.rescue(control);
        Err(error)
    }

    /// Whether the updates since the last checkpoint can be made again to see in which layer a loss begins that is no
    /// number. Where every loss is looked at before its update, that was seen already.
    pub(super) fn can_look_closer(&self, control: &Control) -> bool {
        let since = self.keeper.last().map_or(0, |(step, _)| *step);
        let card = self.plan.device.info.kind != DeviceKind::Cpu;
        card && !self.trainer.is_cautious() && !control.stop && self.trainer.step() - since <= CLOSER
    }

    /// Begins again on the same device and looks at every loss.
    pub(super) fn look_closer(
        mut self,
        control: &mut Control,
        recovery: &mut Recovery,
    ) -> Result<Plan, RunError> {
        self.keeper.wait();
        let basis = self.basis();
        let step = step_of(&basis);
        control.outbox.send(Event::Note(format!(
            "the loss after update {} is no number; to see where that begins, the updates since update {step} are made \
             once more",
            self.trainer.step()
        )));
        recovery.cautious = true;
        let device = self.plan.device.clone();
        self.begin_again(control, device, basis, recovery)
    }

    /// The newest whole checkpoint of the run, or what it began with.
    fn basis(&self) -> Basis {
        let shelf = Shelf::of_run(self.plan.folder.path());
        let metrics = tables::metrics_of(self.plan.folder.path());
        for path in shelf.list().into_values().rev() {
            match Checkpoint::read(&path) {
                Ok(found) if rows::check(&metrics, found.state.metrics).is_ok() => {
                    return Some((Box::new(found), path, false));
                }
                Ok(_) => log::warn!("`{}` has no figures any more", path.display()),
                Err(error) => log::warn!("{error}"),
            }
        }
        let origin = self.origin.as_ref()?;
        let found = Checkpoint::read(&origin.path).ok()?;
        Some((Box::new(found), origin.path.clone(), true))
    }

    /// A device to go on with, and what is said about it. Or why there is none.
    fn remedy(
        &mut self,
        control: &mut Control,
        error: &RunError,
        basis: &Basis,
        recovery: &mut Recovery,
    ) -> Result<OpenDevice, String> {
        let (step, from) = (self.trainer.step(), step_of(basis));
        let failed = self.plan.device.clone();
        let reason = failed.fault().unwrap_or(&error.message).to_owned();
        let reason = reason.lines().next().unwrap_or_default().trim_end_matches('.');
        let name = &failed.info.name;
        let repeated = match step - from {
            0 => String::new(),
            1 => "; 1 update is made again".into(),
            count => format!("; {count} updates are made again"),
        };
        if failed.out_of_memory() || is_about_memory(&error.message) {
            let pass = self.smaller_pass().ok_or_else(|| self.too_small(name, reason))?;
            failed.give_up();
            control.make_room(None);
            let opened = device::open(&failed.info.id).map_err(|e| e.to_string())?;
            control.outbox.send(Event::Warning(format!(
                "the memory of {name} is not enough for {} pictures at a time ({reason}): from now on {pass} pass \
                 through the network at a time, and a batch is still {}; the run goes on from update {from}{repeated}",
                self.trainer.micro_batch(),
                self.plan.settings.batch
            )));
            self.plan.config.optim.micro_batch = pass;
            return Ok(opened);
        }
        if recovery.failures.1 != from {
            recovery.failures = (0, from);
        }
        recovery.failures.0 += 1;
        failed.give_up();
        let opened = self.another(control, &failed, recovery).ok_or_else(|| {
            let folder = words::typed(self.plan.folder.path());
            format!(
                "{name} has stopped answering after update {step} ({reason}) and cannot be started again; restart the \
                 computer if it does not come back, and go on with `alexnet-lab train --resume {folder}`, or on the \
                 processor with `--device cpu` behind it"
            )
        })?;
        control.outbox.send(Event::Warning(format!(
            "{name} has stopped answering after update {step} ({reason}); the run goes on from update {from} on {}{repeated}",
            opened.info.name
        )));
        Ok(opened)
    }

    /// Half of the pictures of a pass, or a little fewer so that the passes of a batch are even. None: it is one
    /// picture, or nothing has passed through yet, so that it is the weights that do not fit.
    fn smaller_pass(&self) -> Option<usize> {
        let (pass, batch) = (self.trainer.micro_batch(), self.plan.settings.batch);
        let half = pass.min(batch) / 2;
        (self.learning && half > 0).then(|| batch.div_ceil(batch.div_ceil(half)))
    }

    fn too_small(&self, name: &str, reason: &str) -> String {
        let what = if self.learning { "one picture at a time" } else { "the weights of this network" };
        format!(
            "the memory of {name} is not enough for {what} ({reason}); close other programs that use the card, take a \
             smaller network (--model alexnet-64), or train on the processor (--device cpu)"
        )
    }

    /// The same card again, another card, or the processor.
    fn another(
        &self,
        control: &mut Control,
        failed: &OpenDevice,
        recovery: &mut Recovery,
    ) -> Option<OpenDevice> {
        let asked = &self.plan.config.run.device;
        let open =
            |id: &str| device::open(id).map_err(|e| log::warn!("{e}")).ok().filter(OpenDevice::answers);
        for attempt in 0..2 {
            if recovery.failures.0 > FORGIVEN {
                break;
            }
            // Some drivers need a moment.
            if attempt > 0 || recovery.failures.0 > 1 {
                control.wait_at_most(DRIVER_PAUSE, None);
            }
            if let Some(device) = open(&failed.info.id) {
                return Some(device);
            }
        }
        recovery.given_up.push(failed.info.id.clone());
        recovery.failures.0 = 0;
        if failed.info.kind != DeviceKind::SoftwareGpu {
            let cards = device::list().into_iter().filter(|card| {
                let hardware = !matches!(card.kind, DeviceKind::Cpu | DeviceKind::SoftwareGpu);
                hardware && !recovery.given_up.contains(&card.id)
            });
            if let Some(device) = cards.into_iter().find_map(|card| open(&card.id)) {
                return Some(device);
            }
        }
        if asked == "auto" { open("cpu") } else { None }
    }

    /// Takes the run apart and puts together what it begins again with.
    fn begin_again(
        self,
        control: &Control,
        device: OpenDevice,
        basis: Basis,
        recovery: &mut Recovery,
    ) -> Result<Plan, RunError> {
        let Self { plan, trainer, keeper, mut by_hand, to_set, origin, .. } = self;
        // Their tensors are on the device that is given up; the thread that writes ends.
        drop((trainer, keeper));
        by_hand.extend(to_set);
        recovery.to_set = by_hand;
        let Plan { config, settings, changes, preset, model, store, folder, parent, .. } = plan;
        let classes = &store.description().classes;
        let (start, taken, marks) = match basis {
            Some((checkpoint, path, branch)) => {
                let Checkpoint { state, model: file, velocities, replay, .. } = *checkpoint;
                recovery.saved = Some(Checkpoint::model_file(&path));
                recovery.to_set.retain(|(step, _)| *step >= state.step);
                let start = start::again(file, &path, classes)?;
                let marks = Marks { step: state.step, metrics: state.metrics, timing: state.timing };
                let history = if branch {
                    History::default()
                } else {
                    let metrics = tables::metrics_of(folder.path());
                    rows::history(&metrics, marks.metrics, state.data.validation)
                        .map_err(|fault| RunError::internal(fault.reason))?
                };
                let differences =
                    origin.filter(|_| branch).map(|origin| origin.differences).unwrap_or_default();
                let taken = Taken {
                    state: Some(state),
                    velocities,
                    replay,
                    path,
                    branch,
                    differences,
                    history,
                    changed_pictures: false,
                };
                (Some(start), Some(taken), (!branch).then_some(marks))
            }
            None => {
                let file = start::read(control, &config)?;
                let start = file.map(|file| start::prepare(control, file, &config, classes)).transpose()?;
                (start, None, None)
            }
        };
        let folder = folder.go_back(marks)?;
        Ok(Plan { config, settings, changes, preset, model, start, device, store, folder, taken, parent })
    }
}

/// Updates made before what a run begins again with.
fn step_of(basis: &Basis) -> u64 {
    basis.as_ref().map_or(0, |(checkpoint, ..)| checkpoint.state.step)
}

/// Whether an error of the device speaks of memory: of the card, or of a buffer that is larger than it takes.
fn is_about_memory(message: &str) -> bool {
    // The last one is of our own kernels.
    const SIGNS: [&str; 5] =
        ["out of memory", "out of device memory", "can't allocate", "buffer size", "binds at most"];
    let message = message.to_lowercase();
    SIGNS.iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_memory_are_told_from_others() {
        for message in [
            "the device no longer answers: can't allocate buffer of size: 12",
            "Out of Memory",
            "Buffer size 8388608 is greater than the maximum buffer size (1048576)",
            "conv_forward: a tensor has 2 bytes, but this device binds at most 1 at once",
        ] {
            assert!(is_about_memory(message), "{message}");
        }
        assert!(!is_about_memory("the device no longer answers: Destroyed: Device was destroyed."));
    }
}
