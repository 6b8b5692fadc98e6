//! How fast a run goes and when it will end.

use std::time::{Duration, Instant};

use super::event::Pace;

/// Weight of the newest update in the moving average.
const NEWEST: f64 = 0.1;

/// A moving average of the time an update takes.
pub(super) struct Stopwatch {
    /// Seconds an update, averaged.
    update: Option<f64>,
    /// Seconds of the last validation.
    validation: Option<f64>,
    /// Time that passed while paused or validating belongs to no update.
    mark: Instant,
}

impl Stopwatch {
    pub fn new() -> Self {
        Self { update: None, validation: None, mark: Instant::now() }
    }

    /// The next update begins now.
    pub fn restart(&mut self) {
        self.mark = Instant::now();
    }

    /// An update has ended; the next one begins. Returns its time.
    pub fn update(&mut self) -> Duration {
        let now = Instant::now();
        let took = now - self.mark;
        self.mark = now;
        let seconds = took.as_secs_f64();
        self.update = Some(self.update.map_or(seconds, |mean| mean + NEWEST * (seconds - mean)));
        took
    }

    pub fn validated(&mut self, took: Duration) {
        self.validation = Some(took.as_secs_f64());
    }

    /// Speed, and time to the end. Until a validation has been timed, one is taken to cost a third of as
    /// many pictures in training, which also go backward.
    pub fn pace(
        &self,
        batch: usize,
        updates_left: u64,
        validations_left: u64,
        validation_pictures: usize,
    ) -> Pace {
        let update = self.update.unwrap_or(0.0);
        let guess = update / batch as f64 / 3.0 * validation_pictures as f64;
        let validation = self.validation.unwrap_or(guess);
        Pace {
            images_per_s: if update > 0.0 { batch as f64 / update } else { 0.0 },
            eta_s: update * updates_left as f64 + validation * validations_left as f64,
        }
    }
}
