//! What a download tells while it goes on.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate is that of the last seconds.
const WINDOW: Duration = Duration::from_secs(8);
/// Before so much time has passed, a rate would be a guess.
const FIRST: Duration = Duration::from_millis(500);

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// What lies there already is read and summed.
    Checking { file: String, done: u64, total: u64 },
    /// An address is asked.
    Connecting { file: String, address: String },
    /// Bytes of the whole set: those that are there, and all.
    Receiving { file: String, received: u64, total: u64, bytes_per_s: Option<f64>, eta_s: Option<f64> },
    /// The address failed and is asked again after a pause.
    Waiting { reason: String, seconds: f64, failures: u32, attempts: u32 },
    /// Something a person may want to know.
    Note(String),
}

/// The rate of the last seconds.
#[derive(Debug, Default)]
pub struct Meter {
    /// When how many bytes had come.
    points: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// Takes in that `received` bytes have come so far.
    pub fn add(&mut self, now: Instant, received: u64) {
        self.points.push_back((now, received));
        // One point older than the window stays, so that the whole window is covered.
        while self.points.len() > 2 && now - self.points[1].0 >= WINDOW {
            self.points.pop_front();
        }
    }

    /// Forgets what was: bytes before a break say nothing about the rate after it.
    pub fn clear(&mut self) {
        self.points.clear();
    }

    /// Bytes a second.
    pub fn rate(&self) -> Option<f64> {
        let (&(start, before), &(end, after)) = (self.points.front()?, self.points.back()?);
        let seconds = (end - start).as_secs_f64();
        (end - start >= FIRST).then(|| after.saturating_sub(before) as f64 / seconds)
    }

    /// Seconds until `left` bytes have come at that rate.
    pub fn eta(&self, left: u64) -> Option<f64> {
        self.rate().filter(|&rate| rate > 0.0).map(|rate| left as f64 / rate)
    }
}
