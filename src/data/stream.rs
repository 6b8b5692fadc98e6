//! Numbered pieces of work done on threads of their own, a bounded way ahead of whoever takes the results.
//!
//! What a [`Loader`](super::Loader) is for the pictures of a run, this is for pictures that are looked at once: a folder
//! to classify, a training set to search. Results come in the order of the jobs.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, TryRecvError, bounded};

use super::pool::{Pool, Taken, Unfinished};

/// How often a thread whose results are not taken looks whether they are still wanted.
const GLANCE: Duration = Duration::from_millis(50);

/// What is at hand.
#[derive(Debug)]
pub enum Streamed<T> {
    Item(T),
    /// The next one is being worked on.
    Pending,
    /// All have been taken.
    End,
    /// The work broke off.
    Failed(String),
}

/// Results on their way. Dropping it ends the work soon; nobody waits for that.
pub struct Stream<T> {
    results: Receiver<Result<T, String>>,
    given_up: Arc<AtomicBool>,
}

impl<T: Send + 'static> Stream<T> {
    /// Asks `list` for the jobs, which may take its time, tells their number through `first`, then does them with `work`
    /// on `threads` threads. At most `ahead` results wait. Both are told when nobody wants the results any more.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start<J: Sync + Send + 'static>(
        threads: usize,
        ahead: usize,
        list: impl FnOnce(&AtomicBool) -> Result<Vec<J>, String> + Send + 'static,
        first: impl FnOnce(&[J]) -> T + Send + 'static,
        work: impl Fn(&J) -> T + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let (send, results) = bounded(ahead.max(1));
        let given_up = Arc::new(AtomicBool::new(false));
        let flag = given_up.clone();
        let deliver = move |result: Result<T, String>| {
            let mut result = result;
            loop {
                if flag.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                match send.send_timeout(result, GLANCE) {
                    Ok(()) => return ControlFlow::Continue(()),
                    Err(SendTimeoutError::Timeout(back)) => result = back,
                    Err(SendTimeoutError::Disconnected(_)) => return ControlFlow::Break(()),
                }
            }
        };
        let flag = given_up.clone();
        let all = move || {
            let jobs = match list(&flag) {
                Ok(jobs) => jobs,
                Err(reason) => {
                    let _ = deliver(Err(reason));
                    return;
                }
            };
            if deliver(Ok(first(&jobs))).is_break() {
                return;
            }
            let pool = Pool { threads: threads.max(1), ahead: 2 * threads.max(1) };
            let done = pool.run(
                jobs.len(),
                || (),
                |(), job| work(&jobs[job]),
                |taken| match taken {
                    Taken::Result(result) => deliver(Ok(result)),
                    Taken::Tick if flag.load(Ordering::Relaxed) => ControlFlow::Break(()),
                    Taken::Tick => ControlFlow::Continue(()),
                },
            );
            if let Err(unfinished) = done {
                let _ = deliver(Err(told(&unfinished)));
            }
        };
        let thread = std::thread::Builder::new().name("stream".into()).spawn(all);
        thread.map_err(|e| format!("no thread could be started: {e}"))?;
        Ok(Self { results, given_up })
    }

    /// The next result, if it is at hand.
    pub fn next(&self) -> Streamed<T> {
        match self.results.try_recv() {
            Ok(Ok(item)) => Streamed::Item(item),
            Ok(Err(reason)) => Streamed::Failed(reason),
            Err(TryRecvError::Empty) => Streamed::Pending,
            Err(TryRecvError::Disconnected) => Streamed::End,
        }
    }
}

impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
    }
}

fn told(unfinished: &Unfinished) -> String {
    match unfinished {
        Unfinished::Threads(reason) => format!("no thread could be started: {reason}"),
        Unfinished::Panicked { message, .. } => format!("something broke inside the program: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait<T: Send + 'static>(stream: &Stream<T>) -> Streamed<T> {
        loop {
            match stream.next() {
                Streamed::Pending => std::thread::sleep(Duration::from_millis(1)),
                other => return other,
            }
        }
    }

    #[test]
    fn results_come_in_order_and_then_the_end() {
        let stream =
            Stream::start(3, 4, |_| Ok((0..100).collect()), |jobs: &[usize]| jobs.len(), |job| job * 2)
                .unwrap();
        assert!(matches!(wait(&stream), Streamed::Item(100)));
        for job in 0..100 {
            let Streamed::Item(result) = wait(&stream) else { panic!("{job}") };
            assert_eq!(result, job * 2);
        }
        assert!(matches!(wait(&stream), Streamed::End));
    }

    #[test]
    fn a_reason_that_ends_the_work_is_told() {
        let stream = Stream::start(1, 1, |_| Err("no such folder".into()), |_: &[()]| (), |()| ()).unwrap();
        assert!(matches!(wait(&stream), Streamed::Failed(reason) if reason == "no such folder"));
    }
}
