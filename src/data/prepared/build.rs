//! Makes a store complete: decodes what is missing, reads what is there, adds up the training pictures.

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
        let Self { how, plan, place, header, .. } = self;
        let writing = |e: io::Error| KeptError::writing(&place.folder, e);
        let mut outcomes = outcomes(plan, &self.matching, &self.records);
        let jobs = self.jobs(&outcomes);
        self.announce(jobs.len());
        let writer = self.writer().map_err(writing)?;
        let work = Work {
            build: &self,
            jobs: &jobs,
            slots: &slots(&outcomes),
            there: PixelFile::open(&place.pixels(), picture_bytes(header.side), 0).map_err(writing)?,
            decoded: AtomicUsize::new(0),
        };
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        let mut course = Course { work: &work, writer, taken: 0, refused, changes: Vec::new(), failed: None };
        let threads = worker_count(how.threads);
        let sums = Pool { threads, ahead: AHEAD * threads }.run(
            jobs.len(),
            || Sums::new(header.side),
            |sums, job| work.make(sums, job),
            |taken| course.take(taken),
        );
        let sums = sums.map_err(|reason| Trouble::Data(DataError::Threads { reason }))?;
        let Course { mut writer, taken, changes, failed, .. } = course;
        if let Err(e) = failed.map_or_else(|| writer.commit(), Err) {
            if writer.take_back() && self.alone {
                remove_empty(place);
            }
            return Err(writing(e).into());
        }
        changes.into_iter().for_each(|(position, outcome)| outcomes[position] = outcome);
        if let Some(error) = too_many_refused(self.dataset, &outcomes) {
            return Err(Trouble::Data(error));
        }
        if taken < jobs.len() {
            return Ok(None);
        }
        if let Err(e) = writer.finish() {
            // Everything is there; only the seams show.
            log::info!("the index in {} cannot be tidied up: {e}", place.folder.display());
        }
        let decoded = work.decoded.into_inner();
        Ok(Some(Built { outcomes, sums: joined(sums, header.side), decoded }))
    }

    /// Opens the store for what the pictures of today still need of it, and more.
    fn writer(&self) -> io::Result<Writer<'_>> {
        let records = self.records.iter().zip(&self.matching.dead);
        let live: Vec<Record> =
            records.filter(|(_, dead)| !**dead).map(|(record, _)| record.clone()).collect();
        let is_empty = live.is_empty();
        let writer = Writer::open(self.place, self.header, picture_bytes(self.header.side), live, self.alone);
        if writer.is_err() && is_empty && self.alone {
            remove_empty(self.place);
        }
        writer
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
    let mut outcomes: Vec<Outcome> = (0..plan.total()).map(|_| Ok(Pixels::Nowhere(None))).collect();
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
fn slots(outcomes: &[Outcome]) -> Vec<Option<(u32, u32)>> {
    let slot = |outcome: &Outcome| match outcome {
        Ok(Pixels::Kept { slot, checksum }) => Some((*slot, *checksum)),
        _ => None,
    };
    outcomes.iter().map(slot).collect()
}

/// What the threads need.
struct Work<'a> {
    build: &'a Build<'a>,
    /// Numbers of items of the plan.
    jobs: &'a [usize],
    slots: &'a [Option<(u32, u32)>],
    there: PixelFile,
    decoded: AtomicUsize,
}

impl Work<'_> {
    /// Slot and checksum of an item that the store holds.
    fn slot(&self, item: usize) -> Option<(u32, u32)> {
        self.slots[self.build.plan.items[item].position]
    }

    fn make(&self, sums: &mut Sums, job: usize) -> Made {
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
        self.decoded.fetch_add(1, Ordering::Relaxed);
        match read(*dataset, split, index, header.side) {
            Ok(planes) => {
                if split == Split::Train {
                    sums.add(&planes);
                }
                Made::Decoded(planes)
            }
            Err(reason) => Made::Refused { lasting: is_at_hand(*dataset, split, index), reason },
        }
    }
}

/// The work as the thread sees it that writes.
struct Course<'a> {
    work: &'a Work<'a>,
    writer: Writer<'a>,
    /// Jobs that are done.
    taken: usize,
    /// Files that cannot be used.
    refused: usize,
    /// What is new, by position.
    changes: Vec<(usize, Outcome)>,
    failed: Option<io::Error>,
}

impl Course<'_> {
    /// Keeps the next result, and breaks off where nothing more can be kept or is wanted.
    fn take(&mut self, taken: Taken<Made>) -> ControlFlow<()> {
        let Build { plan, how, dataset, .. } = self.work.build;
        if let Taken::Result(made) = taken {
            let item = self.work.jobs[self.taken];
            match self.keep(item, made) {
                Ok(Some(outcome)) => {
                    self.refused += usize::from(outcome.is_err());
                    self.changes.push((plan.items[item].position, outcome));
                }
                Ok(None) => {}
                Err(e) => {
                    self.failed = Some(e);
                    return ControlFlow::Break(());
                }
            }
            self.taken += 1;
            let done = plan.total() - self.work.jobs.len() + self.taken;
            (how.watch.tell)(Report::Progress { done, total: plan.total() });
        }
        let is_hopeless = self.refused > dataset.most_refused();
        if !is_hopeless && how.watch.goes_on(|| self.writer.commit()) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// Keeps what was made of an item. Returns what is new about it.
    fn keep(&mut self, item: usize, made: Made) -> io::Result<Option<Outcome>> {
        let fingerprint = self.work.build.plan.items[item].fingerprint;
        let known = (fingerprint.name, fingerprint.content);
        match made {
            Made::Sound => Ok(None),
            Made::Decoded(planes) => {
                let kept = match self.work.slot(item) {
                    Some((slot, checksum)) => self.writer.mend(known, &planes, slot, checksum),
                    None => self.writer.add(known, &planes),
                };
                kept.map(|(slot, checksum)| Some(Ok(Pixels::Kept { slot, checksum })))
            }
            Made::Refused { reason, lasting } => {
                if lasting {
                    self.writer.refuse(known, &reason)?;
                }
                Ok(Some(Err(reason)))
            }
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

/// Whether the bytes of a picture can be had; an unpacker that panics on them would do so again.
fn is_at_hand(dataset: &dyn Dataset, split: Split, index: usize) -> bool {
    catch_unwind(AssertUnwindSafe(|| dataset.is_at_hand(split, index))).unwrap_or(true)
}
