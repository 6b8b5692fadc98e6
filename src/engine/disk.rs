//! What a run does while its folder cannot be written: it goes on, what has to be written waits in memory, one notice
//! says so, and it is tried again, at first soon and then less and less often.
//!
//! It does not pause. What a full disk endangers is only what a crash of the program would lose, and waiting makes that
//! no smaller: the run would stand still the whole night for a file that somebody deletes in the morning.

use std::path::Path;
use std::time::{Duration, Instant};

use super::event::Event;
use super::outbox::Outbox;
use crate::words;

/// How long to wait before the first new attempt.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The wait doubles up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// The disk of a run folder, as far as writing to it works.
#[derive(Debug, Default)]
pub(super) struct Disk {
    outage: Option<Outage>,
}

/// A time during which nothing can be written.
#[derive(Debug)]
struct Outage {
    next_try: Instant,
    pause: Duration,
    /// A checkpoint could not be written; with rows alone the outage is not over.
    checkpoint: bool,
}

/// What could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwritten {
    Rows,
    Checkpoint,
}

impl Disk {
    /// Whether nothing could be written the last time.
    pub fn is_out(&self) -> bool {
        self.outage.is_some()
    }

    /// Whether a checkpoint has to be written before all is well again.
    pub fn owes_checkpoint(&self) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.checkpoint)
    }

    /// Whether something should be written now, if there is something.
    pub fn may_write(&self) -> bool {
        self.wait().is_zero()
    }

    /// How long to wait for the next attempt.
    pub fn wait(&self) -> Duration {
        self.outage
            .as_ref()
            .map_or(Duration::ZERO, |outage| outage.next_try.saturating_duration_since(Instant::now()))
    }

    /// An attempt begins: the next one has its time.
    pub fn trying(&mut self) {
        if let Some(outage) = &mut self.outage {
            outage.next_try = Instant::now() + outage.pause;
        }
    }

    /// Somebody has asked for an attempt.
    pub fn retry(&mut self) {
        if let Some(outage) = &mut self.outage {
            (outage.next_try, outage.pause) = (Instant::now(), FIRST_PAUSE);
        }
    }

    /// Takes in that something could not be written, for `reason`. Only the first time is told: with the folder, the
    /// space that a checkpoint takes (`bytes`), and what to do.
    pub fn failed(&mut self, outbox: &Outbox, what: Unwritten, reason: &str, folder: &Path, bytes: u64) {
        let checkpoint = what == Unwritten::Checkpoint || self.owes_checkpoint();
        let pause = match &self.outage {
            Some(outage) => (2 * outage.pause).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        if self.outage.is_none() {
            outbox.send(Event::Warning(format!(
                "{reason}. Free about {} on the disk that holds `{}`, connect the disk again if it was taken out, or make \
                 the folder writable. Until then the training goes on and nothing is lost: what cannot be written waits \
                 in memory, and it is tried again by itself",
                words::bytes(bytes),
                folder.display()
            )));
        } else {
            log::info!("still not written, next attempt in {} s: {reason}", pause.as_secs());
        }
        self.outage = Some(Outage { next_try: Instant::now() + pause, pause, checkpoint });
    }

    /// Takes in that something was written.
    pub fn works(&mut self, outbox: &Outbox, what: Unwritten, folder: &Path) {
        if what == Unwritten::Rows && self.owes_checkpoint() {
            return;
        }
        if self.outage.take().is_some() {
            outbox.send(Event::Note(format!(
                "`{}` can be written again; nothing is missing",
                folder.display()
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_its_end_once() {
        let (sender, events) = crossbeam_channel::unbounded();
        let outbox = Outbox::new(sender, || {});
        let folder = Path::new("runs/1");
        let mut disk = Disk::default();
        assert!(disk.may_write() && !disk.is_out());
        for _ in 0..20 {
            disk.failed(&outbox, Unwritten::Rows, "no space", folder, 3 << 20);
            assert!(!disk.may_write());
        }
        assert!(disk.wait() <= LONGEST_PAUSE && disk.wait() > FIRST_PAUSE);
        disk.failed(&outbox, Unwritten::Checkpoint, "no space", folder, 3 << 20);
        disk.works(&outbox, Unwritten::Rows, folder);
        assert!(disk.is_out(), "the checkpoint is still missing");
        disk.works(&outbox, Unwritten::Checkpoint, folder);
        disk.works(&outbox, Unwritten::Checkpoint, folder);
        assert!(disk.may_write());
        let told: Vec<Event> = events.try_iter().collect();
        assert!(
            matches!(&told[..], [Event::Warning(one), Event::Note(_)]
                if one.contains("no space") && one.contains("3.0 MiB") && one.contains("runs/1")),
            "{told:?}"
        );
    }
}
