//! Writes checkpoints on a thread of its own, one at a time, so that the training does not wait for the disk.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::event::{CheckpointInfo, Event};
use super::outbox::Outbox;
use crate::config::RunSettings;
use crate::model::HostValues;
use crate::train::checkpoint::{Checkpoint, Kept, Shelf};
use crate::words;

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
    /// One is wanted as soon as possible.
    wanted: bool,
    /// How long the last one took to write.
    took: Duration,
    /// The last one that is on the disk.
    last: Option<(u64, PathBuf)>,
    kept: Kept,
    /// How writing the last one ended, until somebody asks.
    outcome: Option<Result<(), String>>,
}

/// A checkpoint to be written.
struct Job {
    checkpoint: Checkpoint<HostValues>,
    /// Tables whose rows must be on the disk before.
    tables: Vec<File>,
}

struct Done {
    step: u64,
    took: Duration,
    written: Outcome,
}

/// Where a checkpoint was put, and what is kept with it; or why it was not.
type Outcome = Result<(PathBuf, Kept), String>;

impl Keeper {
    /// Starts the writing thread. `last` is the checkpoint that the run goes on from.
    pub fn start(
        shelf: Shelf,
        settings: &RunSettings,
        outbox: Outbox,
        last: Option<(u64, PathBuf)>,
    ) -> std::io::Result<Self> {
        let kept = shelf.kept();
        let keep = settings.keep_checkpoints;
        Self::writing_with(move |job| write(job, &shelf, keep, &outbox), settings, last, kept)
    }

    fn writing_with(
        write: impl Fn(&Job) -> Outcome + Send + 'static,
        settings: &RunSettings,
        last: Option<(u64, PathBuf)>,
        kept: Kept,
    ) -> std::io::Result<Self> {
        // Of one at a time, none waits.
        let (jobs, inbox) = bounded::<Job>(1);
        let (report, done) = unbounded();
        let thread = std::thread::Builder::new().name("checkpoint".into()).spawn(move || {
            for job in inbox {
                let began = Instant::now();
                let step = job.checkpoint.state.step;
                // A panic must not leave the run without anybody who keeps its state.
                let written = catch_unwind(AssertUnwindSafe(|| write(&job)));
                let written = written.unwrap_or_else(|panic| {
                    Err(format!("the checkpoint of update {step} failed: {}", words::panic(&*panic)))
                });
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
            wanted: false,
            took: Duration::ZERO,
            last,
            kept,
            outcome: None,
        })
    }

    /// Whether one is due after `step` updates. Never while another is being written.
    pub fn due(&mut self, step: u64) -> bool {
        self.listen();
        let by_steps = self.steps > 0 && step.is_multiple_of(self.steps);
        let by_time = self.pause.is_some_and(|pause| self.handed.1.elapsed() >= pause);
        !self.busy && (by_steps || by_time || self.wanted) && !self.has(step)
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
    pub fn keep(&mut self, checkpoint: Checkpoint<HostValues>, tables: Vec<File>) {
        self.wait();
        self.handed = (Some(checkpoint.state.step), Instant::now());
        self.wanted = false;
        let job = Job { checkpoint, tables };
        self.busy = self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
        if !self.busy {
            self.gone();
        }
    }

    /// Whether one is being written.
    pub fn is_busy(&mut self) -> bool {
        self.listen();
        self.busy
    }

    /// Looks whether the last one is still there, or whether there never was one. If not, one is wanted.
    pub fn look(&mut self) -> bool {
        let there = self.last.as_ref().is_none_or(|(_, path)| path.exists());
        if !there {
            (self.last, self.kept, self.handed.0, self.wanted) = (None, Kept::default(), None, true);
        }
        there
    }

    /// How writing the last one ended, or why it is not on the disk; told once.
    pub fn outcome(&mut self) -> Option<Result<(), String>> {
        self.listen();
        self.outcome.take()
    }

    fn gone(&mut self) {
        self.busy = false;
        self.handed.0 = None;
        self.outcome = Some(Err("the thread that writes checkpoints has ended".into()));
    }

    /// Waits until everything is on the disk.
    pub fn wait(&mut self) {
        while self.busy {
            match self.done.recv() {
                Ok(done) => self.take_in(done),
                // What it had in hand is lost.
                Err(_) => self.gone(),
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
            Ok((path, kept)) => {
                (self.last, self.kept) = (Some((done.step, path)), kept);
                self.outcome = Some(Ok(()));
            }
            // It may be tried again.
            Err(reason) => (self.handed.0, self.outcome) = (None, Some(Err(reason))),
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

fn write(job: &Job, shelf: &Shelf, keep: usize, outbox: &Outbox) -> Outcome {
    let Job { checkpoint, tables } = job;
    let step = checkpoint.state.step;
    let folder = shelf.folder();
    fs::create_dir_all(folder).map_err(|e| format!("cannot make the folder `{}`: {e}", folder.display()))?;
    let written = checkpoint.write(folder, tables).map_err(|e| e.to_string())?;
    shelf.prune(keep, checkpoint.state.best.map(|best| best.step));
    let kept = shelf.kept();
    outbox.send(Event::Checkpoint(CheckpointInfo {
        step,
        path: written.path.clone(),
        bytes: written.bytes,
        kept: kept.count,
        total_bytes: kept.bytes,
    }));
    Ok((written.path, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelFile, preset};
    use crate::train::RateMemory;
    use crate::train::checkpoint::{DataMark, Mark, Replay, State};

    fn checkpoint(step: u64) -> Checkpoint<HostValues> {
        let spec = preset("cifar-80sec").expect("a known preset").standard(2);
        let model = ModelFile { spec, classes: Vec::new(), mean: Vec::new(), weights: Vec::new(), step };
        let data = DataMark {
            source: String::new(),
            classes: Vec::new(),
            train: 0,
            validation: 0,
            side: 0,
            labels_crc32: 0,
            pixels_crc32: None,
        };
        let state = State {
            format: State::FORMAT,
            program: String::new(),
            step,
            next_batch: step,
            steps_per_epoch: 1,
            total_steps: 10,
            validation_due: false,
            seed: 1,
            rate: RateMemory::default(),
            best: None,
            metrics: Mark::default(),
            timing: Mark::default(),
            data,
            replay: Replay { pictures: 0, pixels_crc32: 0 },
            device: String::new(),
            seconds: 0.0,
            parent: None,
        };
        Checkpoint { state, config: String::new(), model, velocities: Vec::new(), replay: Vec::new() }
    }

    #[test]
    fn a_panic_while_one_is_written_is_told_and_the_next_one_is_written() {
        let write = |job: &Job| {
            let step = job.checkpoint.state.step;
            assert!(step != 1, "a disk that nobody has thought of");
            Ok((PathBuf::from(step.to_string()), Kept::default()))
        };
        let settings = RunSettings { checkpoint_steps: 1, ..RunSettings::default() };
        let mut keeper =
            Keeper::writing_with(write, &settings, None, Kept::default()).expect("a thread can be started");
        keeper.keep(checkpoint(1), Vec::new());
        keeper.wait();
        let reason = keeper.outcome().expect("it has ended").expect_err("it has failed");
        assert!(reason.contains("update 1") && reason.contains("nobody has thought of"), "{reason}");
        assert!(keeper.due(1), "it is tried again");
        assert_eq!(keeper.last(), None);
        keeper.keep(checkpoint(2), Vec::new());
        keeper.wait();
        assert_eq!(keeper.outcome(), Some(Ok(())));
        assert_eq!(keeper.last().map(|(step, _)| *step), Some(2));
    }
}
