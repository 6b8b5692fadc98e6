//! How fast a run goes and when it will end.

use std::time::{Duration, Instant, SystemTime};

use super::event::Pace;

/// Weight of the newest update in the moving average.
const NEWEST: f64 = 0.1;

/// An update that takes this much longer than others did something else meanwhile, such as sleep.
const GAP: f64 = 20.0;
/// A gap is at least as long as this.
const SHORTEST_GAP: Duration = Duration::from_secs(30);

/// Two clocks: one that never jumps but may stand still while a laptop sleeps, and the one on the wall.
#[derive(Clone, Copy, Debug)]
struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }
}

/// The time of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lap {
    pub took: Duration,
    /// So long the machine did something else, as far as its clocks can tell: it slept, or was stopped. Not counted
    /// in the pace.
    pub gap: Option<Duration>,
}

/// A moving average of the time an update takes.
pub(super) struct Stopwatch {
    /// Seconds an update, averaged.
    update: Option<f64>,
    /// Seconds of the last validation.
    validation: Option<f64>,
    /// Seconds that an update waits for its pictures, averaged.
    waiting: f64,
    /// Time that passed while paused or validating belongs to no update.
    mark: Moment,
}

impl Stopwatch {
    pub fn new() -> Self {
        Self { update: None, validation: None, waiting: 0.0, mark: Moment::now() }
    }

    /// The next update begins now.
    pub fn restart(&mut self) {
        self.mark = Moment::now();
    }

    /// An update that waited so long for its pictures has ended; the next one begins.
    pub fn update(&mut self, waited: Duration) -> Lap {
        let now = Moment::now();
        let lap = self.lap(now);
        self.mark = now;
        if lap.gap.is_none() {
            let seconds = lap.took.as_secs_f64();
            let waited = waited.as_secs_f64().min(seconds);
            self.waiting += self.update.map_or(1.0, |_| NEWEST) * (waited - self.waiting);
            self.update = Some(self.update.map_or(seconds, |mean| mean + NEWEST * (seconds - mean)));
        }
        lap
    }

    /// The time up to `now`, and how much of it was a gap: either the steady clock went on over it, or only the one on
    /// the wall did. That one may be set back and forth by people, so that it proves nothing but a gap.
    fn lap(&self, now: Moment) -> Lap {
        let took = now.steady.saturating_duration_since(self.mark.steady);
        let wall = now.wall.duration_since(self.mark.wall).unwrap_or_default();
        let usual = Duration::try_from_secs_f64(GAP * self.update.unwrap_or(0.0)).unwrap_or(Duration::MAX);
        let limit = usual.max(SHORTEST_GAP);
        let gap = if self.update.is_some() && took > limit {
            Some(took.max(wall))
        } else {
            Some(wall.saturating_sub(took)).filter(|gap| *gap > limit)
        };
        Lap { took, gap }
    }

    pub fn validated(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        // A validation that was slept through says nothing of the next one.
        if self.validation.is_none_or(|before| seconds < GAP * before || took < SHORTEST_GAP) {
            self.validation = Some(seconds);
        }
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
            waiting: if update > 0.0 { self.waiting / update } else { 0.0 },
            eta_s: update * updates_left as f64 + validation * validations_left as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_and_set_clocks_do_not_count_as_time_of_an_update() {
        let mark = Moment::now();
        let watch = Stopwatch { update: Some(0.5), validation: None, waiting: 0.0, mark };
        let seconds = |count| Duration::from_secs(count);
        let after = |steady, wall: i64| {
            let shift = seconds(wall.unsigned_abs());
            let wall = if wall < 0 { mark.wall - shift } else { mark.wall + shift };
            watch.lap(Moment { steady: mark.steady + seconds(steady), wall })
        };
        assert_eq!(after(1, 1), Lap { took: seconds(1), gap: None });
        // Slow, as a machine that has much to do.
        assert_eq!(after(25, 25).gap, None);
        // A sleep, on systems whose steady clock stands still meanwhile and on those where it goes on.
        assert_eq!(after(1, 3601), Lap { took: seconds(1), gap: Some(seconds(3600)) });
        assert_eq!(after(3601, 3601).gap, Some(seconds(3601)));
        // The clock on the wall was set back, or a little forward.
        assert_eq!(after(1, -7200), Lap { took: seconds(1), gap: None });
        assert_eq!(after(1, 20).gap, None);
        // Nothing is known of a first update, which may compile shaders for a minute.
        let first = Stopwatch { update: None, ..watch };
        let minute = Moment { steady: mark.steady + seconds(60), wall: mark.wall + seconds(60) };
        assert_eq!(first.lap(minute).gap, None);
    }

    #[test]
    fn a_gap_leaves_the_pace_as_it_was() {
        let mut watch = Stopwatch::new();
        watch.update = Some(0.5);
        let before = watch.pace(10, 100, 0, 0);
        watch.mark.wall -= Duration::from_secs(7200);
        let gap = watch.update(Duration::ZERO).gap.expect("two hours are a gap");
        assert!(gap >= Duration::from_secs(7100));
        assert_eq!(watch.pace(10, 100, 0, 0), before);
        assert_eq!(before.eta_s, 50.0);
    }
}
