//! What changes in the course of a run: the rate by its schedule, by the validations or by hand, and the
//! planned changes of layers and colour noise. Each change is put into force and told in one place.

use super::event::{Event, RunChange};
use super::outbox::Outbox;
use super::settings::Settings;
use crate::train::{ChangePlan, Changed, Rate, RateMemory, Rates, Trainer};

/// The rate and the planned changes of a run.
pub(super) struct Timetable {
    rate: Rate,
    changes: ChangePlan,
    /// Planned changes in force.
    made: usize,
    /// Planned jumps of the rate that were told.
    jumps: usize,
}

impl Timetable {
    pub fn new(settings: &Settings, changes: ChangePlan, steps_per_epoch: u64) -> Self {
        let rate = settings.rate(steps_per_epoch);
        Self { rate, changes, made: 0, jumps: 0 }
    }

    /// Puts into force, without a word, what was in force in a run that goes on: what had happened to the rate,
    /// and what was planned for the updates before `epoch`, the moment of its last one.
    pub fn take_up(&mut self, trainer: &mut Trainer, memory: RateMemory, epoch: f64) {
        self.rate.recall(memory);
        self.jumps = self.rate.jumps(epoch);
        let due = self.changes.in_force(epoch);
        self.made = due.len();
        for planned in due {
            match planned.what {
                Changed::LayerRate { layer, scale, .. } => trainer.set_layer_scale(layer, scale),
                Changed::ColourStrength(strength) => {
                    trainer.set_colour_strength(strength);
                }
            }
        }
    }

    /// What has happened to the rate.
    pub fn memory(&self) -> RateMemory {
        self.rate.memory()
    }

    /// Puts into force what is due before the update after `step`, at `epoch`, and returns its rates.
    pub fn advance(&mut self, trainer: &mut Trainer, outbox: &Outbox, step: u64, epoch: f64) -> Rates {
        let tell = |change| outbox.send(Event::Changed { step: step + 1, epoch, change });
        let rates = self.rate.at(epoch);
        let jumps = self.rate.jumps(epoch);
        if jumps > self.jumps {
            self.jumps = jumps;
            tell(RunChange::PlannedRate(rates.weights));
        }
        let due = &self.changes.in_force(epoch)[self.made..];
        self.made += due.len();
        // What changes alike at once is told in one sentence.
        let mut layers: Vec<(f64, Vec<String>)> = Vec::new();
        for planned in due {
            match &planned.what {
                Changed::LayerRate { layer, name, scale } => {
                    trainer.set_layer_scale(*layer, *scale);
                    match layers.iter_mut().find(|(other, _)| other == scale) {
                        Some((_, names)) => names.push(name.clone()),
                        None => layers.push((*scale, vec![name.clone()])),
                    }
                }
                Changed::ColourStrength(strength) => {
                    if trainer.set_colour_strength(*strength) {
                        tell(RunChange::ColourStrength(*strength));
                    }
                }
            }
        }
        for (scale, layers) in layers {
            tell(RunChange::Layers { layers, scale });
        }
        rates
    }

    /// Sets the rate by hand from the update after `step` on, at `epoch`.
    pub fn set_rate(&mut self, outbox: &Outbox, step: u64, epoch: f64, rate: f64) {
        self.rate.set(epoch, rate);
        outbox.send(Event::RateSet { step: step + 1, rate });
    }

    /// Takes in a validation made after `step` updates.
    pub fn validated(&mut self, outbox: &Outbox, step: u64, epoch: f64, top1_error: f64) {
        if self.rate.validated(top1_error) {
            let change = RunChange::PlateauRate(self.rate.at(epoch).weights);
            outbox.send(Event::Changed { step: step + 1, epoch, change });
        }
    }
}
