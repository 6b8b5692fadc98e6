//! Makes a store complete: decodes what is missing, reads what is there, adds up the training pictures.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::cabinet::Place;
use super::error::KeptError;
use super::index::{CameTo, Header, Record};
use super::pixels::PixelFile;
use super::plan::{Matching, Plan};
use super::writer::{Writer, remove_empty};
use super::{Preparation, Report, Watch};
use crate::data::pool::{Pool, Taken};
use crate::data::store::{
    Outcome, Pixels, joined, locate, picture_bytes, read, too_many_refused, worker_count,
};
use crate::data::sums::Sums;
use crate::data::{DataError, Dataset, Split};
use crate::words::grouped;

/// Decoded pictures that wait to be written, for each thread.
const AHEAD: usize = 8;
/// How often a pause looks whether it is over.
const PAUSE: Duration = Duration::from_millis(50);

/// A complete store: what became of every picture, by position.
pub(super) struct Built {
    pub outcomes: Vec<Outcome>,
    pub sums: Sums,
    pub decoded: usize,
}

/// What stopped the work.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing can be kept on disk; the run can go on without.
    Kept(KeptError),
    /// The data set cannot be used at all.
    Data(DataError),
}

impl From<KeptError> for Trouble {
    fn from(error: KeptError) -> Self {
        Self::Kept(error)
    }
}

/// What a thread found out about a picture.
enum Made {
    /// It is in the store, sound.
    Sound,
    Decoded(Vec<u8>),
    Refused {
        reason: String,
        /// The file is at fault, so that another attempt would find the same.
        lasting: bool,
    },
}

/// A store that is being made complete.
pub(super) struct Build<'a> {
    pub dataset: &'a dyn Dataset,
    pub how: &'a Preparation<'a>,
    pub plan: &'a Plan,
    pub place: &'a Place,
    pub header: &'a Header,
    /// What can be trusted of the index, and how it fits today's pictures.
    pub records: Vec<Record>,
    pub matching: Matching,
    /// Nobody reads the store.
    pub alone: bool,
}

impl Build<'_> {
    /// Does all there is to do. Nothing if it was stopped; then what was done is kept.
    pub fn run(self) -> Result<Option<Built>, Trouble> {
        let Self { plan, place, header, .. } = self;
        let (side, square) = (header.side, picture_bytes(header.side));
        let mut outcomes = outcomes(plan, &self.matching, &self.records);
        let jobs = self.jobs(&outcomes);
        self.announce(jobs.len());
        let dead = &self.matching.dead;
        let live: Vec<Record> =
            self.records.iter().zip(dead).filter(|(_, dead)| !**dead).map(|(r, _)| r.clone()).collect();
        let was_empty = live.is_empty();
        let writing = |e: io::Error| KeptError::writing(&place.folder, e);
        let mut writer = Writer::open(place, header, square, live, self.alone).map_err(|e| {
            if was_empty && self.alone {
                remove_empty(place);
            }
            writing(e)
        })?;
        let there = PixelFile::open(&place.pixels(), square).map_err(writing)?;
        let decoded = AtomicUsize::new(0);
        let work = Work { build: &self, jobs: &jobs, outcomes: &outcomes_there(&outcomes), there: &there };
        let mut next = jobs.iter();
        let mut changes: Vec<(usize, Outcome)> = Vec::new();
        let mut failed = None;
        let mut refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        let is_hopeless = |refused| refused > self.dataset.most_refused();
        let mut done = plan.total() - jobs.len();
        let threads = worker_count(self.how.threads);
        let pool = Pool { threads, ahead: AHEAD * threads };
        let sums = pool.run(
            jobs.len(),
            || Sums::new(side),
            |sums, job| work.make(sums, job, &decoded),
            |taken| {
                if let Taken::Result(made) = taken
                    && let Some(&item) = next.next()
                {
                    done += 1;
                    match keep(&mut writer, plan, item, made, &work) {
                        Ok(outcome) => {
                            refused += usize::from(matches!(outcome, Some(Err(_))));
                            changes.extend(outcome.map(|outcome| (plan.items[item].position, outcome)))
                        }
                        Err(e) => {
                            failed = Some(e);
                            return ControlFlow::Break(());
                        }
                    }
                    (self.how.watch.tell)(Report::Progress { done, total: plan.total() });
                }
                if !is_hopeless(refused) && self.how.watch.goes_on(|| writer.commit()) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        let sums = sums.map_err(|reason| Trouble::Data(DataError::Threads { reason }))?;
        drop(work);
        let stopped = failed.is_none() && self.how.watch.cancelled();
        let ended = match failed {
            Some(e) => Err(e),
            None if stopped || is_hopeless(refused) => writer.commit(),
            None => Ok(()),
        };
        if let Err(e) = ended {
            if writer.take_back() && self.alone {
                remove_empty(place);
            }
            return Err(writing(e).into());
        }
        if stopped {
            return Ok(None);
        }
        if !is_hopeless(refused) {
            writer.finish().map_err(writing)?;
        }
        changes.into_iter().for_each(|(position, outcome)| outcomes[position] = outcome);
        if let Some(error) = too_many_refused(self.dataset, &outcomes) {
            return Err(Trouble::Data(error));
        }
        Ok(Some(Built { outcomes, sums: joined(sums, side), decoded: decoded.into_inner() }))
    }

    /// Items to decode or to read: what is missing, and of the rest the training pictures, which are added up.
    fn jobs(&self, outcomes: &[Outcome]) -> Vec<usize> {
        let is_wanted = |(number, record): (usize, &Option<u32>)| {
            let position = self.plan.items[number].position;
            let is_there = matches!(outcomes[position], Ok(Pixels::Kept { .. }));
            let wanted = record.is_none() || (is_there && (self.how.check || position < self.plan.train));
            wanted.then_some(number)
        };
        self.matching.records.iter().enumerate().filter_map(is_wanted).collect()
    }

    /// Says what there is to do where that is not what everybody expects.
    fn announce(&self, jobs: usize) {
        let (missing, total) = (self.matching.missing, self.plan.total());
        let there = self.plan.items.len() - missing;
        let told = |number| grouped(number, ',');
        if missing > 0 && there > 0 {
            let text = format!("resuming at {} of {} pictures", told(there), told(total));
            (self.how.watch.tell)(Report::Note(text));
        }
        (self.how.watch.tell)(Report::Progress { done: total - jobs, total });
    }
}

/// What is known of every picture before anything is done; what is missing counts as decoded again until it is not.
pub(super) fn outcomes(plan: &Plan, matching: &Matching, records: &[Record]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = (0..plan.total()).map(|_| Ok(Pixels::Nowhere)).collect();
    for (item, record) in plan.items.iter().zip(&matching.records) {
        if let Some(number) = record {
            outcomes[item.position] = match &records[*number as usize].came_to {
                &CameTo::Pixels { slot, checksum } => Ok(Pixels::Kept { slot, checksum }),
                CameTo::Refused(reason) => Err(reason.to_string()),
            };
        }
    }
    for (position, reason) in &plan.unusable {
        outcomes[*position] = Err(reason.clone());
    }
    outcomes
}

/// Slot and checksum of what is there, by position.
fn outcomes_there(outcomes: &[Outcome]) -> Vec<Option<(u32, u32)>> {
    let there = |outcome: &Outcome| match outcome {
        Ok(Pixels::Kept { slot, checksum }) => Some((*slot, *checksum)),
        _ => None,
    };
    outcomes.iter().map(there).collect()
}

/// What the threads need.
struct Work<'a> {
    build: &'a Build<'a>,
    /// Numbers of items of the plan.
    jobs: &'a [usize],
    outcomes: &'a [Option<(u32, u32)>],
    there: &'a PixelFile,
}

impl Work<'_> {
    /// Slot and checksum of an item that the store holds.
    fn slot(&self, item: usize) -> Option<(u32, u32)> {
        self.outcomes[self.build.plan.items[item].position]
    }

    fn make(&self, sums: &mut Sums, job: usize, decoded: &AtomicUsize) -> Made {
        let Build { dataset, plan, header, .. } = self.build;
        let item = self.jobs[job];
        let (split, index) = locate(plan.items[item].position, plan.train);
        if let Some((slot, checksum)) = self.slot(item) {
            let mut planes = vec![0; picture_bytes(header.side)];
            if self.there.read_sound(slot, checksum, &mut planes) {
                if split == Split::Train {
                    sums.add(&planes);
                }
                return Made::Sound;
            }
        }
        decoded.fetch_add(1, Ordering::Relaxed);
        match read(*dataset, split, index, header.side) {
            Ok(planes) => {
                if split == Split::Train {
                    sums.add(&planes);
                }
                Made::Decoded(planes)
            }
            Err(reason) => Made::Refused { lasting: dataset.is_at_hand(split, index), reason },
        }
    }
}

/// Keeps what was made of an item. Returns what is new about it.
fn keep(
    writer: &mut Writer,
    plan: &Plan,
    item: usize,
    made: Made,
    work: &Work,
) -> io::Result<Option<Outcome>> {
    let fingerprint = plan.items[item].fingerprint;
    let known = (fingerprint.name, fingerprint.content);
    match made {
        Made::Sound => Ok(None),
        Made::Decoded(planes) => {
            let kept = match work.slot(item) {
                Some((slot, checksum)) => writer.mend(known, &planes, slot, checksum),
                None => writer.add(known, &planes),
            };
            kept.map(|(slot, checksum)| Some(Ok(Pixels::Kept { slot, checksum })))
        }
        Made::Refused { reason, lasting } => {
            if lasting {
                writer.refuse(known, &reason)?;
            }
            Ok(Some(Err(reason)))
        }
    }
}

impl Watch<'_> {
    pub(super) fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Waits while paused, after `settle`, and tells whether to go on at all.
    fn goes_on(&self, settle: impl FnOnce() -> io::Result<()>) -> bool {
        let mut settle = Some(settle);
        while self.pause.load(Ordering::Relaxed) && !self.cancelled() {
            if let Some(Err(e)) = settle.take().map(|settle| settle()) {
                log::info!("what was prepared before the pause is not safe yet: {e}");
            }
            thread::sleep(PAUSE);
        }
        !self.cancelled()
    }
}
