//! From update to update: batches come in, commands are served in between, and what follows an update is seen to.

use std::time::{Duration, Instant};

use super::Run;
use crate::data::{HostBatch, Next};
use crate::device::DeviceKind;
use crate::engine::control::{BATCH_WAIT, Control};
use crate::engine::error::RunError;
use crate::engine::event::{Event, StopReason};
use crate::engine::feed;
use crate::engine::model::View;
use crate::engine::pace::Lap;
use crate::train::{Between, Outcome};
use crate::words;

/// The first layer is shown anew at least this far apart.
const FILTER_PAUSE: Duration = Duration::from_millis(500);
/// While paused, a disk that could not be written is looked at this often.
const DISK_GLANCE: Duration = Duration::from_secs(1);

impl Run {
    /// Updates until the end or until told to stop.
    pub(super) fn learn(&mut self, control: &mut Control) -> Result<StopReason, RunError> {
        let loader = self.plan.loader(&self.trainer, self.plan.settings.epochs, self.next_batch)?;
        self.watch.restart();
        if self.validation_due
            && let Some(reason) = self.close_epoch(control)?
        {
            return Ok(reason);
        }
        let mut waited = Duration::ZERO;
        while self.trainer.step() < self.total_steps {
            if let Some(reason) = self.attend(control)? {
                return Ok(reason);
            }
            let asked = Instant::now();
            let next = loader.recv_timeout(BATCH_WAIT);
            waited += asked.elapsed();
            feed::warn(control.outbox, &loader);
            match next {
                Next::Pending => {}
                Next::End => break,
                Next::Failed(message) => return Err(RunError::internal(message)),
                // Every picture of a short last batch has vanished: nothing to learn from.
                Next::Batch(batch) if batch.labels.is_empty() => {
                    self.next_batch = batch.seq + 1;
                    if let Some(reason) = self.close_epoch(control)? {
                        return Ok(reason);
                    }
                }
                Next::Batch(batch) => {
                    let reason = self.update(control, &batch, std::mem::take(&mut waited))?;
                    // Only now: a batch that has to be waited for is the one that was asked for.
                    control.single = false;
                    if let Some(reason) = reason {
                        return Ok(reason);
                    }
                    loader.reuse(batch);
                }
            }
        }
        Ok(StopReason::Finished)
    }

    /// Serves commands, waits while paused. A reason: the run should end.
    fn attend(&mut self, control: &mut Control) -> Result<Option<StopReason>, RunError> {
        control.drain(Some(self.view()));
        if let Some(reason) = self.keep_now(control)? {
            return Ok(Some(reason));
        }
        if !control.leaves_pause() {
            if !self.read_figures(control)? {
                return Ok(Some(StopReason::Diverged));
            }
            self.keep(control)?;
            control.outbox.send(Event::Paused { step: self.trainer.step() });
            control.at_rest = true;
            while !control.leaves_pause() {
                if self.disk.is_out() || self.keeper.is_busy() {
                    control.wait_at_most(DISK_GLANCE, Some(self.view()));
                    self.write_down(control)?;
                } else {
                    control.wait(Some(self.view()));
                }
                self.take_rate(control);
                if let Some(reason) = self.keep_now(control)? {
                    return Ok(Some(reason));
                }
                self.measure_now(control)?;
            }
            control.at_rest = false;
            self.disk.retry();
            if !control.paused && !control.stop {
                control.outbox.send(Event::Resumed);
            }
            self.watch.restart();
        }
        self.take_rate(control);
        Ok(control.stop.then_some(StopReason::Asked))
    }

    fn take_rate(&mut self, control: &mut Control) {
        let step = self.trainer.step();
        let again = self.to_set.iter().rfind(|(at, _)| *at == step).map(|(_, rate)| *rate);
        self.to_set.retain(|(at, _)| *at > step);
        if let Some(rate) = control.rate.take().or(again) {
            self.timetable.set_rate(control.outbox, step, self.epoch(step), rate);
            self.by_hand.push((step, rate));
            self.keeper.forget();
        }
    }

    /// One update with everything that follows it. A reason: the run is over.
    fn update(
        &mut self,
        control: &mut Control,
        batch: &HostBatch,
        waited: Duration,
    ) -> Result<Option<StopReason>, RunError> {
        let step = self.trainer.step();
        let epoch = self.epoch(step);
        let rates = self.timetable.advance(&mut self.trainer, control.outbox, step, epoch);
        let classes = &self.plan.store.description().classes;
        self.learning = true;
        let outcome = self.trainer.update(batch, rates, |network, input| {
            control.drain(Some(View { network, input, classes, step }));
            if control.stop { Between::Abandon } else { Between::Continue }
        });
        let outcome = outcome.map_err(RunError::device)?;
        // Before anything is believed that a card has computed after a fault.
        self.plan.check_device()?;
        let earlier = match outcome {
            Outcome::Abandoned => return Ok(Some(StopReason::Asked)),
            Outcome::Made(earlier) => earlier,
            Outcome::Diverged(earlier, result) => {
                for result in earlier.iter().chain([&result]) {
                    self.record(control, result);
                }
                self.diverged = true;
                self.look_for_trouble(batch);
                return Ok(Some(StopReason::Diverged));
            }
        };
        self.next_batch = batch.seq + 1;
        // The processor has nothing left to do for this update; a card still has, and is not waited for.
        let current = match self.plan.device.info.kind {
            DeviceKind::Cpu => self.trainer.figures().map_err(RunError::device)?,
            _ => None,
        };
        let Lap { took, gap } = self.watch.update(waited);
        if let Some(gap) = gap {
            let away = words::duration(gap.as_secs_f64());
            control.outbox.send(Event::Note(format!(
                "between two updates {away} went by: the computer slept, or its clock was set; this does not count as \
                 time of the training"
            )));
        }
        for result in earlier.into_iter().chain(current) {
            if !self.record(control, &result) {
                self.look_for_trouble(batch);
                return Ok(Some(StopReason::Diverged));
            }
        }
        self.plan.folder.timing(self.trainer.step(), took, batch.labels.len(), waited);
        self.write_down(control)?;
        self.take_frame(control)?;
        if self.filters_shown.elapsed() > FILTER_PAUSE {
            self.show_filters(control)?;
        }
        if batch.ends_epoch || self.trainer.step() == self.total_steps {
            return self.close_epoch(control);
        }
        if self.disk.may_write() && self.keeper.due(self.trainer.step()) {
            return self.keep_on_the_way(control);
        }
        Ok(None)
    }
}
