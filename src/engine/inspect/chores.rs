//! Work of many passes, done a little at a time so that whatever else goes on hardly notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Answer, tell, unbroken};
use crate::config::DataConfig;
use crate::data::{Dataset, Split, Stream, Streamed};
use crate::engine::desk::Progress;
use crate::engine::outbox::Outbox;
use crate::engine::pacer::Pacer;
use crate::engine::sample::{self, Fed};
use crate::infer::{Candidate, OcclusionWork, Search};

/// Pictures in one pass at most.
const MOST: usize = 64;
/// How far it is, is told this often.
const REPORT_EVERY: Duration = Duration::from_millis(150);

/// What is being worked on, the oldest first.
#[derive(Default)]
pub(in crate::engine) struct Chores {
    list: Vec<Chore>,
}

struct Chore {
    id: u64,
    work: Work,
    pacer: Pacer,
    told: Instant,
}

enum Work {
    Occlusion(Box<OcclusionWork>),
    Search(Box<SearchWork>),
}

struct SearchWork {
    search: Search,
    pictures: Stream<Fed<Found>>,
    waiting: Vec<Candidate>,
    /// Pictures that were read or refused, and how many are to be.
    done: usize,
    total: usize,
    /// There are no more to come.
    ended: bool,
}

/// A picture to look at; nothing where it cannot be used.
pub(super) type Found = Option<Candidate>;

/// Begins to read pictures of a data set for a search, which must have the classes of the network: at most `most` of a
/// split, at `side` x `side` pixels.
///
/// # Errors
/// No thread can be started to read the pictures.
pub(super) fn candidates(
    data: DataConfig,
    split: Split,
    side: u32,
    most: usize,
    classes: &[String],
) -> Result<Stream<Fed<Found>>, String> {
    let (source, classes) = (data.source.clone(), classes.to_vec());
    let check = move |set: &dyn Dataset| match set.description().classes == classes {
        true => Ok(()),
        false => Err(format!(
            "the classes of `{source}` are not those of the network: open the pictures that it was trained on"
        )),
    };
    sample::start(data, split, most, check, move |set, index| {
        let stored = set.read(split, index, side).ok()?;
        Some(Candidate { name: set.name(split, index), label: set.label(split, index), stored })
    })
}

/// How a bit of work ended.
enum After {
    /// There is more to do.
    More,
    /// There is more to do, but nothing at hand: pictures are being read.
    Waiting,
    Done,
}

impl Chores {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn occlude(&mut self, outbox: &Outbox, id: u64, work: OcclusionWork) {
        tell(outbox, id, Answer::Progress { done: 0, total: work.total() });
        self.push(id, Work::Occlusion(Box::new(work)));
    }

    pub fn search(&mut self, outbox: &Outbox, id: u64, search: Search, pictures: Stream<Fed<Found>>) {
        tell(outbox, id, Answer::Progress { done: 0, total: 0 });
        let work = SearchWork { search, pictures, waiting: Vec::new(), done: 0, total: 0, ended: false };
        self.push(id, Work::Search(Box::new(work)));
    }

    fn push(&mut self, id: u64, work: Work) {
        self.list.push(Chore { id, work, pacer: Pacer::new(MOST), told: Instant::now() });
    }

    /// Ends a chore, if it is still there, and tells what it has found.
    pub fn stop(&mut self, outbox: &Outbox, id: u64) {
        if let Some(place) = self.list.iter().position(|chore| chore.id == id) {
            let answer = match self.list.remove(place).work {
                Work::Search(work) if work.search.found().seen > 0 => {
                    Answer::Exciting { result: Arc::new(work.search.finish()), stopped: true }
                }
                Work::Search(_) | Work::Occlusion(_) => Answer::Stopped,
            };
            tell(outbox, id, answer);
        }
    }

    /// Gives all of them up after a fault inside the program.
    pub fn abandon(&mut self, outbox: &Outbox, reason: &str) {
        for chore in self.list.drain(..) {
            let reason = format!("something broke inside the program: {reason}");
            tell(outbox, chore.id, Answer::Failed(reason));
        }
    }

    /// One pass for the oldest.
    pub fn work(&mut self, outbox: &Outbox) -> Progress {
        let Some(chore) = self.list.first_mut() else { return Progress::Nothing };
        let id = chore.id;
        let after = unbroken(|| chore.bit());
        if !matches!(after, Ok(After::Done)) && chore.told.elapsed() >= REPORT_EVERY {
            chore.told = Instant::now();
            let (done, total) = chore.work.progress();
            tell(outbox, id, Answer::Progress { done, total });
        }
        let answer = match after {
            Ok(After::More) => return Progress::Worked,
            Ok(After::Waiting) => return Progress::Waiting,
            Ok(After::Done) => self.list.remove(0).work.answer(),
            Err(reason) => {
                self.list.remove(0);
                Answer::Failed(reason)
            }
        };
        tell(outbox, id, answer);
        Progress::Worked
    }
}

impl Chore {
    /// One pass.
    fn bit(&mut self) -> Result<After, String> {
        let pacer = &mut self.pacer;
        match &mut self.work {
            Work::Occlusion(work) => {
                let places = pacer.pictures();
                pacer.pass(places, || work.advance(places))?;
                Ok(if work.done() == work.total() { After::Done } else { After::More })
            }
            Work::Search(work) => work.bit(pacer),
        }
    }
}

impl Work {
    fn progress(&self) -> (usize, usize) {
        match self {
            Self::Occlusion(work) => (work.done(), work.total()),
            Self::Search(work) => (work.done, work.total),
        }
    }

    fn answer(self) -> Answer {
        match self {
            Self::Occlusion(work) => match work.finish() {
                Some(map) => Answer::Occlusion(Arc::new(map)),
                None => Answer::Stopped,
            },
            Self::Search(work) => Answer::Exciting { result: Arc::new(work.search.finish()), stopped: false },
        }
    }
}

impl SearchWork {
    fn bit(&mut self, pacer: &mut Pacer) -> Result<After, String> {
        let pass = pacer.pictures();
        while self.waiting.len() < pass && !self.ended {
            match self.pictures.next() {
                Streamed::Item(Fed::Opened { wanted, .. }) => self.total = wanted,
                Streamed::Item(Fed::Picture(Some(candidate))) => self.waiting.push(candidate),
                Streamed::Item(Fed::Picture(None)) => self.done += 1,
                Streamed::Failed(reason) => return Err(reason),
                Streamed::End => self.ended = true,
                Streamed::Pending => break,
            }
        }
        if self.waiting.is_empty() && !self.ended {
            return Ok(After::Waiting);
        }
        let next: Vec<Candidate> = self.waiting.drain(..pass.min(self.waiting.len())).collect();
        if !next.is_empty() {
            pacer.pass(next.len(), || self.search.add(&next))?;
        }
        self.done += next.len();
        if !self.waiting.is_empty() || !self.ended {
            return Ok(After::More);
        }
        if self.search.found().seen == 0 {
            return Err("none of the pictures could be read".into());
        }
        Ok(After::Done)
    }
}
