//! A thread that looks at the runs of a folder, and looks again as long as somebody watches.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::engine::{RunList, RunNews};

/// Least time between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// So many times as long as a look took, nothing is looked at after it: of a slow disk, work in hand needs the rest.
const SPARING: u32 = 20;

/// What the thread reports.
#[derive(Debug)]
pub enum Report {
    News(RunNews),
    /// A look has come to its end; the reason if the folder cannot be listed.
    Looked(Option<String>),
}

/// The folder to look at, and its number; none: nobody watches.
type Order = (u64, Option<PathBuf>);

/// The window's way to the thread. Dropping it ends the thread after the run that it is reading.
pub struct RunReader {
    orders: Sender<Order>,
    reports: Receiver<(u64, Report)>,
    /// The number of the newest folder; what belongs to an older one is not wanted any more.
    newest: Arc<AtomicU64>,
    folder: Option<PathBuf>,
    is_watched: bool,
}

impl RunReader {
    /// Starts the thread; `wake` is called when there is something to take in.
    ///
    /// # Errors
    /// The system refuses to start a thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (orders, inbox) = unbounded();
        let (outbox, reports) = unbounded();
        let newest = Arc::new(AtomicU64::new(0));
        let reader = Reader { inbox, outbox, newest: newest.clone(), wake: Box::new(wake) };
        // Not joined: a thread may hang in a read from a disk that does not answer, and that must not keep the program
        // open. It ends by itself when nobody can send orders any more.
        std::thread::Builder::new().name("runs".into()).spawn(move || reader.work())?;
        Ok(Self { orders, reports, newest, folder: None, is_watched: false })
    }

    /// Looks at a folder from now on, unless it is the one that is looked at already. Returns whether it is another.
    pub fn look_at(&mut self, folder: &Path) -> bool {
        let is_other = self.folder.as_deref() != Some(folder);
        if is_other {
            self.folder = Some(folder.to_owned());
            self.newest.fetch_add(1, Ordering::Relaxed);
            self.is_watched = false;
        }
        self.watch(true);
        is_other
    }

    /// Whether anybody looks at what is found. If not, nothing is looked at again.
    pub fn watch(&mut self, watched: bool) {
        if self.is_watched == watched {
            return;
        }
        self.is_watched = watched;
        let folder = self.folder.clone().filter(|_| watched);
        // Fails only when the thread has panicked; then nothing is looked at any more.
        let _ = self.orders.send((self.newest.load(Ordering::Relaxed), folder));
    }

    /// What has been found since the last call of the folder that is watched.
    pub fn reports(&self) -> Vec<Report> {
        let newest = self.newest.load(Ordering::Relaxed);
        self.reports.try_iter().filter(|(number, _)| *number == newest).map(|(_, report)| report).collect()
    }
}

impl Drop for RunReader {
    fn drop(&mut self) {
        self.newest.fetch_add(1, Ordering::Relaxed);
    }
}

struct Reader {
    inbox: Receiver<Order>,
    outbox: Sender<(u64, Report)>,
    newest: Arc<AtomicU64>,
    wake: Box<dyn Fn() + Send>,
}

impl Reader {
    fn work(&self) {
        let mut order: Order = (0, None);
        let mut list = RunList::default();
        let mut pause = PAUSE;
        loop {
            let next = match order.1 {
                Some(_) => self.inbox.recv_timeout(pause),
                None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(newer) => {
                    if newer.0 != order.0 {
                        list = RunList::default();
                    }
                    order = newer;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let began = Instant::now();
            self.look(&order, &mut list);
            pause = PAUSE.max(began.elapsed() * SPARING);
        }
    }

    fn look(&self, order: &Order, list: &mut RunList) {
        let (number, Some(folder)) = order else { return };
        let is_wanted = || self.newest.load(Ordering::Relaxed) == *number;
        let send = |report: Report| {
            // Fails only when the window is gone.
            let _ = self.outbox.send((*number, report));
            (self.wake)();
        };
        let result = list.look(folder, is_wanted, |news| send(Report::News(news)));
        let problem = result.err().map(|problem| problem.reason);
        if is_wanted() {
            send(Report::Looked(problem));
        }
    }
}
