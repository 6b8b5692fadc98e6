//! Numbered jobs done by several threads, their results taken in order.
//!
//! At most so many jobs are ahead of the one whose result is taken next, which bounds the memory however long a single
//! job takes. What comes out depends on the jobs alone, never on the threads.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, unbounded};

/// How often `take` is asked for a word while no result comes.
const TICK: Duration = Duration::from_millis(50);

/// How many threads, and how far ahead they may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    pub threads: usize,
    /// Jobs begun whose results were not taken yet.
    pub ahead: usize,
}

/// What `take` is given.
pub(super) enum Taken<T> {
    /// The next result in the order of the jobs.
    Result(T),
    /// Nothing yet.
    Tick,
}

impl Pool {
    /// Does the jobs `0..jobs`. Each thread has a state of its own, made by `begin`; all states are returned, also when
    /// `take`, which runs on the calling thread, broke off.
    ///
    /// # Errors
    /// No thread can be started.
    ///
    /// # Panics
    /// When `work` panics.
    pub fn run<S: Send, T: Send>(
        self,
        jobs: usize,
        begin: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, usize) -> T + Sync,
        mut take: impl FnMut(Taken<T>) -> ControlFlow<()>,
    ) -> io::Result<Vec<S>> {
        let stop = AtomicBool::new(false);
        let (give, given) = unbounded::<usize>();
        let (send, results) = unbounded::<(usize, T)>();
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for number in 0..self.threads.min(jobs).max(1) {
                let (given, send, begin, work, stop) = (given.clone(), send.clone(), &begin, &work, &stop);
                let builder = std::thread::Builder::new().name(format!("prepare-{number}"));
                let worker = builder.spawn_scoped(scope, move || {
                    let mut state = begin();
                    for job in given {
                        if stop.load(Ordering::Relaxed) || send.send((job, work(&mut state, job))).is_err() {
                            break;
                        }
                    }
                    state
                });
                match worker {
                    Ok(worker) => workers.push(worker),
                    // Fewer threads than asked for are still enough.
                    Err(_) if number > 0 => break,
                    Err(reason) => return Err(reason),
                }
            }
            drop((given, send));
            let mut queue = Queue { give: &give, jobs, issued: 0 };
            (0..self.ahead.max(1)).for_each(|_| queue.issue());
            let mut ready = BTreeMap::new();
            let mut next = 0;
            'all: while next < jobs {
                match results.recv_timeout(TICK) {
                    Ok((job, result)) => drop(ready.insert(job, result)),
                    Err(RecvTimeoutError::Timeout) if take(Taken::Tick).is_continue() => {}
                    // A thread that is gone before its time has panicked: joining tells.
                    Err(_) => break,
                }
                while let Some(result) = ready.remove(&next) {
                    next += 1;
                    queue.issue();
                    if take(Taken::Result(result)).is_break() {
                        break 'all;
                    }
                }
            }
            stop.store(true, Ordering::Relaxed);
            drop(give);
            Ok(workers.into_iter().map(|worker| worker.join().expect("jobs do not panic")).collect())
        })
    }
}

/// The jobs that are still to be handed out.
struct Queue<'a> {
    give: &'a crossbeam_channel::Sender<usize>,
    jobs: usize,
    issued: usize,
}

impl Queue<'_> {
    fn issue(&mut self) {
        if self.issued < self.jobs {
            // The threads are gone only after a panic, which joining them tells.
            let _ = self.give.send(self.issued);
            self.issued += 1;
        }
    }
}
