//! The figures of a run: those of every update, and those of the validation that closes an epoch.

use std::time::Instant;

use super::Run;
use crate::data::Split;
use crate::engine::Views;
use crate::engine::control::Control;
use crate::engine::error::RunError;
use crate::engine::evaluate::{evaluate, evaluation_point};
use crate::engine::event::{Event, StopReason};
use crate::train::StepResult;
use crate::train::checkpoint::Best;
use crate::vis::StepPoint;

impl Run {
    /// Reads what is still on the device, measures the validation split, keeps a checkpoint.
    pub(super) fn close_epoch(&mut self, control: &mut Control) -> Result<Option<StopReason>, RunError> {
        if !self.read_figures(control)? {
            return Ok(Some(StopReason::Diverged));
        }
        self.validation_due = true;
        let began = Instant::now();
        if !self.validate(control)? {
            return Ok(Some(StopReason::Asked));
        }
        self.watch.validated(began.elapsed());
        self.validation_due = false;
        self.keeper.forget();
        self.show_filters(control)?;
        let step = self.trainer.step();
        let best = self.best.is_some_and(|best| best.step == step);
        if self.disk.may_write() && (best || self.keeper.due_at_epoch(step)) {
            self.keep(control)?;
        }
        self.watch.restart();
        Ok(None)
    }

    /// Figures of the last update. False: the loss is no number.
    pub(super) fn read_figures(&mut self, control: &Control) -> Result<bool, RunError> {
        let figures = self.trainer.figures().map_err(RunError::device)?;
        self.plan.check_device()?;
        Ok(figures.is_none_or(|result| self.record(control, &result)))
    }

    /// Writes an update down and announces it. False: the loss is no number.
    pub(super) fn record(&mut self, control: &Control, result: &StepResult) -> bool {
        // What comes after is nonsense, and how much of it comes depends on when the device was read.
        if self.diverged {
            return false;
        }
        let StepResult { step, rate, tally } = *result;
        let point = StepPoint {
            step,
            epoch: self.epoch(step),
            loss: tally.loss(),
            top1_error: tally.top1_error(),
            top5_error: tally.top5_error(),
            lr: rate,
        };
        self.plan.folder.step(&point);
        self.history.steps.push(point);
        let updates_left = self.total_steps.saturating_sub(step);
        let validations_left = updates_left.div_ceil(self.steps_per_epoch);
        let validation_pictures = self.plan.store.len(Split::Validation);
        let pace =
            self.watch.pace(self.plan.settings.batch, updates_left, validations_left, validation_pictures);
        control.outbox.send(Event::Step(point, pace));
        self.diverged = !point.loss.is_finite();
        !self.diverged
    }

    /// Measures the validation split. False: told to stop.
    fn validate(&mut self, control: &mut Control) -> Result<bool, RunError> {
        let at_once = self.at_once();
        let store = &self.plan.store;
        let result = evaluate(control, self.view(), store, Views::One, at_once, &mut |_, _| {})?;
        self.plan.check_device()?;
        let Some((tally, unreadable)) = result else { return Ok(false) };
        if unreadable > 0 {
            let text =
                format!("{unreadable} validation pictures could not be read any more and were left out");
            control.outbox.send(Event::Warning(text));
        }
        let step = self.trainer.step();
        let point = evaluation_point(&tally, step, self.epoch(step));
        self.plan.folder.evaluation(&point);
        if self.disk.may_write() {
            self.write_down_now(control)?;
        }
        self.history.evaluations.push(point);
        control.outbox.send(Event::Evaluation(point));
        self.timetable.validated(control.outbox, step, point.epoch, point.top1_error);
        if self.best.is_none_or(|best| point.top1_error < best.top1_error) && point.loss.is_finite() {
            self.best = Some(Best { step, top1_error: point.top1_error });
        }
        Ok(true)
    }
}
