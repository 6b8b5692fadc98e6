//! Numbered jobs done by several threads, their results taken in order.
//!
//! At most so many jobs are ahead of the one whose result is taken next, which bounds the memory however long a single
//! job takes. What comes out depends on the jobs alone, never on the threads. A job that panics ends the work with its
//! number; nobody waits for a result that cannot come.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::threads;

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

/// Why the jobs were not done.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// No thread can be started.
    Threads(io::Error),
    /// A job panicked: its number, nothing if the thread had not begun one, and what it said.
    Panicked { job: Option<usize>, message: String },
}

impl Pool {
    /// Does the jobs `0..jobs`. Each thread has a state of its own, made by `begin`; all states are returned, also when
    /// `take`, which runs on the calling thread, broke off.
    ///
    /// # Errors
    /// No thread can be started, or a job panicked. Results before it may have been taken.
    pub fn run<S: Send, T: Send>(
        self,
        jobs: usize,
        begin: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, usize) -> T + Sync,
        mut take: impl FnMut(Taken<T>) -> ControlFlow<()>,
    ) -> Result<Vec<S>, Unfinished> {
        let stop = AtomicBool::new(false);
        let (give, given) = unbounded::<usize>();
        let (send, results) = unbounded::<(usize, T)>();
        std::thread::scope(|scope| {
            let mut workers = Vec::new();
            for number in 0..self.threads.min(jobs).max(1) {
                let worker = Worker { given: given.clone(), send: send.clone(), stop: &stop };
                let (begin, work) = (&begin, &work);
                let builder = std::thread::Builder::new().name(format!("prepare-{number}"));
                match builder.spawn_scoped(scope, move || {
                    threads::go_behind();
                    worker.run(begin, work)
                }) {
                    Ok(worker) => workers.push(worker),
                    // Fewer threads than asked for are still enough.
                    Err(_) if number > 0 => break,
                    Err(reason) => return Err(Unfinished::Threads(reason)),
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
                    Err(RecvTimeoutError::Timeout) => {
                        // After a panic the rest of the results may wait for one that never comes.
                        if stop.load(Ordering::Relaxed) || take(Taken::Tick).is_break() {
                            break;
                        }
                    }
                    // All threads have ended before their time: joining tells why.
                    Err(RecvTimeoutError::Disconnected) => break,
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
            // All are joined before the first failure is told.
            let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            let state = |ended: Result<Result<S, Unfinished>, _>| ended.expect("the thread catches panics");
            ended.into_iter().map(state).collect()
        })
    }
}

/// One of the threads.
struct Worker<'a, T> {
    given: Receiver<usize>,
    send: Sender<(usize, T)>,
    /// Set when the work is to end, also by a thread that has panicked.
    stop: &'a AtomicBool,
}

impl<T> Worker<'_, T> {
    fn run<S>(self, begin: impl Fn() -> S, work: impl Fn(&mut S, usize) -> T) -> Result<S, Unfinished> {
        let mut now = None;
        // The state of a thread that has panicked is not used again.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let mut state = begin();
            for job in self.given {
                now = Some(job);
                if self.stop.load(Ordering::Relaxed) || self.send.send((job, work(&mut state, job))).is_err()
                {
                    break;
                }
            }
            state
        }));
        done.map_err(|panic| {
            self.stop.store(true, Ordering::Relaxed);
            Unfinished::Panicked { job: now, message: message(&*panic) }
        })
    }
}

/// What a panic said, in one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.and_then(|text| text.lines().next()).unwrap_or("no reason was given").to_owned()
}

/// The jobs that are still to be handed out.
struct Queue<'a> {
    give: &'a Sender<usize>,
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Runs a pool on a thread of its own and fails instead of waiting for ever.
    fn run(
        threads: usize,
        jobs: usize,
        begin: impl Fn() -> usize + Send + Sync + 'static,
        work: impl Fn(usize) -> usize + Send + Sync + 'static,
    ) -> (Result<Vec<usize>, Unfinished>, Vec<usize>) {
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            let mut taken = Vec::new();
            let states = Pool { threads, ahead: 4 * threads }.run(
                jobs,
                begin,
                |done, job| {
                    *done += 1;
                    work(job)
                },
                |result| {
                    if let Taken::Result(result) = result {
                        taken.push(result);
                    }
                    ControlFlow::Continue(())
                },
            );
            send.send((states, taken)).expect("the test waits");
        });
        receive.recv_timeout(Duration::from_secs(60)).expect("the work ends")
    }

    #[test]
    fn results_come_in_order_and_every_job_is_done_once() {
        let (states, taken) = run(3, 200, || 0, |job| job * job);
        assert_eq!(taken, (0..200).map(|job| job * job).collect::<Vec<_>>());
        assert_eq!(states.expect("no job panics").iter().sum::<usize>(), 200);
    }

    #[test]
    fn a_job_that_panics_ends_the_work_with_its_number() {
        for (threads, bad) in [(1, 0), (1, 30), (4, 0), (4, 57), (4, 99)] {
            let work = move |job| if job == bad { panic!("odd numbers\nand more") } else { job };
            let (states, taken) = run(threads, 100, || 0, work);
            match states {
                Err(Unfinished::Panicked { job, message }) => {
                    assert_eq!((job, message.as_str()), (Some(bad), "odd numbers"), "{threads} threads");
                }
                other => panic!("{threads} threads: {other:?}"),
            }
            assert!(taken.len() <= bad && taken.iter().enumerate().all(|(at, &job)| at == job), "{taken:?}");
        }
    }

    #[test]
    fn a_thread_that_cannot_even_begin_is_told_of() {
        let (states, taken) =
            run(3, 20, || panic!("no state in thread {:?}", std::thread::current().name()), |job| job);
        let told = |message: &str| message.starts_with("no state in thread Some(\"prepare-");
        assert!(
            matches!(&states, Err(Unfinished::Panicked { job: None, message }) if told(message)),
            "{states:?}"
        );
        assert_eq!(taken.len(), 0);
    }
}
