//! Writes checkpoints on a thread of its own, one at a time, so that the training does not wait for the disk.

use std::fs::File;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::event::{CheckpointInfo, Event};
use super::outbox::Outbox;
use crate::config::RunSettings;
use crate::train::checkpoint::{Checkpoint, Kept, Shelf};

/// At the ends of epochs, writing may take this share of the time.
const WRITING_SHARE: u32 = 10;

/// Decides when a checkpoint is due and has it written.
pub(super) struct Keeper {
    jobs: Option<Sender<Job>>,
    done: Receiver<Done>,
    thread: Option<JoinHandle<()>>,
    steps: u64,
    pause: Option<Duration>,
    /// The last one that was handed over: its step, and when.
    handed: (Option<u64>, Instant),
    busy: bool,
    /// How long the last one took to write.
    took: Duration,
    /// The last one that is on the disk.
    last: Option<(u64, PathBuf)>,
    kept: Kept,
}

/// A checkpoint to be written.
struct Job {
    checkpoint: Checkpoint,
    /// Tables whose rows must be on the disk before.
    tables: Vec<File>,
}

struct Done {
    step: u64,
    took: Duration,
    written: Option<(PathBuf, Kept)>,
}

impl Keeper {
    /// Starts the writing thread. `last` is the checkpoint that the run goes on from.
    pub fn start(
        shelf: Shelf,
        settings: &RunSettings,
        outbox: Outbox,
        last: Option<(u64, PathBuf)>,
    ) -> std::io::Result<Self> {
        // Of one at a time, none waits.
        let (jobs, inbox) = bounded::<Job>(1);
        let (report, done) = unbounded();
        let keep = settings.keep_checkpoints;
        let kept = shelf.kept();
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(move || {
            for job in inbox {
                let began = Instant::now();
                let step = job.checkpoint.state.step;
                let written = write(&job, &shelf, keep, &outbox);
                // Nobody listens any more when the run has ended.
                let _ = report.send(Done { step, took: began.elapsed(), written });
            }
        })?;
        let minutes = settings.checkpoint_minutes;
        let pause = Duration::try_from_secs_f64(minutes * 60.0).ok().filter(|pause| !pause.is_zero());
        Ok(Self {
            jobs: Some(jobs),
            done,
            thread: Some(thread),
            steps: settings.checkpoint_steps,
            pause,
            handed: (last.as_ref().map(|(step, _)| *step), Instant::now()),
            busy: false,
            took: Duration::ZERO,
            last,
            kept,
        })
    }

    /// Whether one is due after `step` updates. Never while another is being written.
    pub fn due(&mut self, step: u64) -> bool {
        self.listen();
        let by_steps = self.steps > 0 && step.is_multiple_of(self.steps);
        let by_time = self.pause.is_some_and(|pause| self.handed.1.elapsed() >= pause);
        !self.busy && (by_steps || by_time) && !self.has(step)
    }

    /// Whether one is due at the end of an epoch that is not the best: not if short epochs of a large network
    /// would keep the disk busy.
    pub fn due_at_epoch(&mut self, step: u64) -> bool {
        self.listen();
        !self.busy && !self.has(step) && self.handed.1.elapsed() >= self.took * WRITING_SHARE
    }

    /// Whether the state after `step` updates was handed over.
    pub fn has(&self, step: u64) -> bool {
        self.handed.0 == Some(step)
    }

    /// The state has changed although no update was made: what was handed over is no longer all of it.
    pub fn forget(&mut self) {
        self.handed.0 = None;
    }

    /// Hands one over. Waits for the one before if it is still being written.
    pub fn keep(&mut self, checkpoint: Checkpoint, tables: Vec<File>) {
        self.wait();
        self.handed = (Some(checkpoint.state.step), Instant::now());
        let job = Job { checkpoint, tables };
        self.busy = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
    }

    /// Waits until everything is on the disk.
    pub fn wait(&mut self) {
        while self.busy {
            match self.done.recv() {
                Ok(done) => self.take_in(done),
                // The thread is gone; what it had in hand is lost.
                Err(_) => self.busy = false,
            }
        }
    }

    /// The last checkpoint on the disk: its step and its folder.
    pub fn last(&self) -> Option<&(u64, PathBuf)> {
        self.last.as_ref()
    }

    pub fn kept(&self) -> Kept {
        self.kept
    }

    fn listen(&mut self) {
        while let Ok(done) = self.done.try_recv() {
            self.take_in(done);
        }
    }

    fn take_in(&mut self, done: Done) {
        self.busy = false;
        self.took = done.took;
        match done.written {
            Some((path, kept)) => (self.last, self.kept) = (Some((done.step, path)), kept),
            // It may be tried again.
            None => self.handed.0 = None,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that writes checkpoints ended in a panic");
        }
    }
}

fn write(job: &Job, shelf: &Shelf, keep: usize, outbox: &Outbox) -> Option<(PathBuf, Kept)> {
    let Job { checkpoint, tables } = job;
    let step = checkpoint.state.step;
    match checkpoint.write(shelf.folder(), tables) {
        Ok(written) => {
            shelf.prune(keep, checkpoint.state.best.map(|best| best.step));
            let kept = shelf.kept();
            outbox.send(Event::Checkpoint(CheckpointInfo {
                step,
                path: written.path.clone(),
                bytes: written.bytes,
                kept: kept.count,
                total_bytes: kept.bytes,
            }));
            Some((written.path, kept))
        }
        Err(error) => {
            let before = shelf.list().pop_last();
            let before = before.map_or_else(
                || "there is no earlier one".into(),
                |(step, path)| format!("the last whole one is that of update {step}, {}", path.display()),
            );
            outbox.send(Event::Warning(format!("{error}; the training goes on, and {before}")));
            None
        }
    }
}
