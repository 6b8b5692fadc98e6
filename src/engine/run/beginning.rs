//! How a run begins: its network, its place on the device and on the disk, and what is said of it.

use std::time::Instant;

use super::recovery::{Origin, Recovery};
use super::{Run, keeping};
use crate::device::DeviceKind;
use crate::engine::control::Control;
use crate::engine::disk::Disk;
use crate::engine::error::RunError;
use crate::engine::event::{Event, RunInfo, Stage};
use crate::engine::film::Recorder;
use crate::engine::memory::MemoryNeed;
use crate::engine::model::describe;
use crate::engine::pace::Stopwatch;
use crate::engine::pictures::Pictures;
use crate::engine::plan::{self, Plan};
use crate::engine::replay::KeptBatch;
use crate::engine::statistics::InputStatistics;
use crate::engine::timetable::Timetable;
use crate::vis::History;

impl Run {
    /// Builds the network and describes the run in its folder.
    pub(super) fn new(
        control: &mut Control,
        mut plan: Plan,
        recovery: &mut Recovery,
    ) -> Result<Self, RunError> {
        control.outbox.send(Event::Preparing { stage: Stage::Model, done: 0, total: 0 });
        let mut trainer = plan.trainer()?;
        if plan.device.info.kind == DeviceKind::Cpu || recovery.cautious {
            trainer.set_cautious();
        }
        let Plan { config, settings, store, .. } = &plan;
        let pictures = Pictures::of(store);
        let steps_per_epoch = plan::steps_per_epoch(store, settings);
        let total_steps = plan::total_steps(config, settings, steps_per_epoch);
        let timetable = Timetable::new(settings, plan.changes.clone(), steps_per_epoch);
        let kept_batch = KeptBatch::new(trainer.network().shapes(), trainer.input().spec(), store);
        let keeper = keeping::keeper(control, &plan, recovery.begun)?;
        let begun = plan.taken.as_ref().and_then(|taken| taken.state.as_ref()).map_or(0, |state| state.step);
        let film = Recorder::new(plan.folder.path(), begun, total_steps);
        let now = Instant::now();
        let run = Self {
            plan,
            trainer,
            timetable,
            history: History::default(),
            watch: Stopwatch::new(),
            started: now,
            earlier_seconds: 0.0,
            steps_per_epoch,
            total_steps,
            filters_shown: now,
            film,
            keeper,
            kept_batch,
            pictures: pictures.mark,
            next_batch: 0,
            validation_due: false,
            best: None,
            diverged: false,
            trouble: None,
            disk: Disk::default(),
            origin: None,
            learning: false,
            broken: false,
            by_hand: Vec::new(),
            to_set: std::mem::take(&mut recovery.to_set),
        };
        match run.describe() {
            Err(error) if !recovery.begun => return Err(error),
            Err(error) => log::warn!("the run is not described anew: {}", error.message),
            Ok(()) => {}
        }
        recovery.begun = true;
        Ok(run)
    }

    /// Takes up what the run goes on from, and announces it.
    pub(super) fn begin(&mut self, control: &mut Control) -> Result<(), RunError> {
        let taken_up = match self.plan.taken.take() {
            Some(taken) => {
                self.origin = Origin::of(&taken);
                Some(self.take_up(control, taken)?)
            }
            None => None,
        };
        let Plan { config, device, store, folder, .. } = &self.plan;
        let data = store.description();
        let shapes = self.trainer.network().shapes();
        let (batch, pass) = (self.plan.settings.batch, self.trainer.micro_batch());
        let memory = MemoryNeed::new(shapes, batch, pass, device.info.kind);
        control.make_room(Some(memory));
        let info = RunInfo {
            config: config.clone(),
            model: describe(self.trainer.network(), &data.classes),
            data: data.clone(),
            refused: store.refused().to_vec(),
            inputs: InputStatistics::of(store),
            device: device.info.name.clone(),
            device_reason: device.reason.clone(),
            memory,
            folder: folder.path().into(),
            steps_per_epoch: self.steps_per_epoch,
            total_steps: self.total_steps,
            taken_up,
        };
        let tight = info.memory.warning();
        control.outbox.send(Event::Started(Box::new(info)));
        if let Some(warning) = tight {
            control.outbox.send(Event::Warning(warning));
        }
        self.warn_of_small_passes(control);
        self.show_filters(control)?;
        self.take_frame(control)?;
        // Whether the weights have found room.
        self.plan.check_device()
    }
}
