//! Makes a store complete: adds up what is there, decodes what is missing.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;

use super::adding::{Added, add_up};
use super::cabinet::Place;
use super::error::KeptError;
use super::index::{CameTo, Header, Record};
use super::keeping::{Keeper, Room};
use super::pixels::{PixelFile, Square};
use super::plan::{Matching, Plan};
use super::statistics::{self, Basis};
use super::steps::Steps;
use super::work::{Made, Was, Work};
use super::writer::{Writer, remove_empty};
use super::{Preparation, Report, Verified};
use crate::data::pool::{Pool, Taken};
use crate::data::store::{Outcome, Pixels, joined, name_of, picture_bytes, too_many_refused, worker_count};
use crate::data::sums::Sums;
use crate::data::{DataError, Dataset};
use crate::words;

/// Decoded pictures that wait to be written, for each thread.
const AHEAD: usize = 8;

/// A complete store: what became of every picture, by position.
pub(super) struct Built {
    pub outcomes: Vec<Outcome>,
    pub sums: Sums,
    /// Pictures that were decoded, or found to be unusable.
    pub decoded: usize,
    /// What a comparison with the source came to, if there was one.
    pub verified: Option<Verified>,
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
    /// The index stood there as it was written.
    pub whole: bool,
    /// Nobody reads the store.
    pub alone: bool,
    /// The store can only be read: what is missing goes into memory.
    pub read_only: bool,
}

/// What decoding came to.
struct Decoded {
    /// What is new about pictures, by position.
    changes: Vec<(usize, Outcome)>,
    /// Over the training pictures that were decoded.
    sums: Sums,
    seen: Verified,
    /// Whether nothing was left undone.
    complete: bool,
}

impl Build<'_> {
    /// Does all there is to do. Nothing if it was stopped; then what was done is kept.
    pub fn run(self) -> Result<Option<Built>, Trouble> {
        let Self { dataset, how, plan, .. } = self;
        let mut outcomes = outcomes(plan, &self.matching, &self.records);
        let wanted = if how.check { Vec::new() } else { squares_to_train(plan, &outcomes) };
        let basis = Basis::nearest(&self.place.folder, how.side, &wanted);
        self.announce();
        let left = basis.steps() + if how.check { plan.items.len() } else { self.matching.missing };
        let mut steps = Steps::new(how.watch, left, plan.total());
        let Some(added) = self.add_up(&wanted, basis, &mut steps)? else { return Ok(None) };
        let Added { mut sums, unsound } = added;
        let jobs = self.jobs(&outcomes, &unsound);
        let Decoded { changes, sums: more, seen, complete } = self.decode(&jobs, &outcomes, steps)?;
        for (position, outcome) in changes {
            outcomes[position] = outcome;
        }
        if let Some(error) = too_many_refused(dataset, &outcomes) {
            return Err(Trouble::Data(error));
        }
        if !complete {
            return Ok(None);
        }
        sums.join(&more);
        Ok(Some(Built { outcomes, sums, decoded: jobs.len(), verified: how.check.then_some(seen) }))
    }

    /// Says what there is to do where that is not what everybody expects.
    fn announce(&self) {
        let Matching { missing, changed, gone, .. } = self.matching;
        let total = self.plan.total();
        let there = self.plan.items.len() - missing;
        let told = |number| words::count(number);
        let text = if self.read_only || there == 0 {
            return;
        } else if self.how.check {
            format!("all {} pictures are decoded again and compared with what is kept of them", told(total))
        } else if missing == 0 {
            return;
        } else if self.whole && statistics::were_kept(&self.place.folder) {
            let kinds = [(missing - changed - gone, "new"), (changed, "changed"), (gone, "damaged")];
            let kinds = kinds.iter().filter(|(count, _)| *count > 0);
            let kinds: Vec<String> = kinds.map(|(count, kind)| format!("{} {kind}", told(*count))).collect();
            let noun = if missing == 1 { "picture" } else { "pictures" };
            format!("{} {noun} of {}", kinds.join(", "), told(total))
        } else {
            format!("resuming at {} of {} pictures", told(there), told(total))
        };
        (self.how.watch.tell)(Report::Note(text));
    }

    /// Adds up the training pictures that are there.
    fn add_up(&self, wanted: &[Square], basis: Basis, steps: &mut Steps) -> Result<Option<Added>, Trouble> {
        if basis.steps() == 0 {
            return Ok(Some(Added { sums: basis.sums, unsound: Vec::new() }));
        }
        add_up(&self.squares()?, self.how.side, wanted, basis, worker_count(self.how.threads), steps)
    }

    fn squares(&self) -> Result<PixelFile, KeptError> {
        let path = self.place.pixels();
        PixelFile::open_once(&path, picture_bytes(self.how.side))
            .map_err(|e| KeptError::reading(&self.place.folder, e))
    }

    /// Items to decode: what is missing or damaged, or all of them to be compared.
    fn jobs(&self, outcomes: &[Outcome], unsound: &[Square]) -> Vec<usize> {
        let unsound: HashSet<u32> = unsound.iter().map(|square| square.slot).collect();
        let is_wanted = |(number, record): (usize, &Option<u32>)| {
            let is_unsound = match &outcomes[self.plan.items[number].position] {
                Ok(Pixels::Kept(square)) => unsound.contains(&square.slot),
                _ => false,
            };
            (self.how.check || record.is_none() || is_unsound).then_some(number)
        };
        self.matching.records.iter().enumerate().filter_map(is_wanted).collect()
    }

    /// What takes in the pictures that `jobs` make.
    fn keeper(&self, jobs: &[usize]) -> io::Result<Keeper<'_>> {
        let square = picture_bytes(self.how.side);
        if self.read_only {
            let is_to_train = |&&item: &&usize| self.plan.items[item].position < self.plan.train;
            let to_train = jobs.iter().filter(is_to_train).count();
            return Ok(Keeper::Memory(Room { left: self.how.memory / square, to_train }));
        }
        // What the pictures of today still need of the store, and more.
        let live: Vec<Record> = self.matching.live(&self.records).cloned().collect();
        let is_empty = live.is_empty();
        let writer = Writer::open(self.place, self.header, square, live, self.alone);
        if writer.is_err() && is_empty && self.alone {
            remove_empty(self.place);
        }
        writer.map(Keeper::Disk)
    }

    /// Does the jobs. `before` is known of every picture, by position.
    fn decode(&self, jobs: &[usize], before: &[Outcome], steps: Steps) -> Result<Decoded, Trouble> {
        let Self { dataset, how, plan, place, .. } = *self;
        let writing = |e: io::Error| KeptError::writing(&place.folder, e);
        let keeper = self.keeper(jobs).map_err(writing)?;
        let there = if how.check { Some(self.squares()?) } else { None };
        let work = Work { dataset, plan, side: how.side, jobs, before, there };
        let refused = before.iter().filter(|outcome| outcome.is_err()).count();
        let mut course = Course {
            work: &work,
            keeper,
            steps,
            taken: 0,
            refused,
            changes: Vec::new(),
            seen: Verified::default(),
            failed: None,
        };
        let threads = worker_count(how.threads);
        let sums = Pool { threads, ahead: AHEAD * threads }.run(
            jobs.len(),
            || Sums::new(how.side),
            |sums, job| work.make(sums, job),
            |taken| course.take(taken),
        );
        let Course { mut keeper, taken, changes, seen, failed, .. } = course;
        if let Err(e) = failed.map_or_else(|| keeper.commit(), Err) {
            if let Keeper::Disk(writer) = keeper
                && writer.take_back()
                && self.alone
            {
                remove_empty(place);
            }
            return Err(writing(e).into());
        }
        let name = |job| name_of(dataset, work.position(job));
        let sums = sums.map_err(|unfinished| Trouble::Data(DataError::unfinished(unfinished, name)))?;
        let complete = taken == jobs.len();
        if let Keeper::Disk(writer) = keeper
            && complete
            && let Err(e) = writer.finish()
        {
            // Everything is there; only the seams show.
            log::info!("the index in `{}` cannot be tidied up: {e}", place.folder.display());
        }
        Ok(Decoded { changes, sums: joined(sums, how.side), seen, complete })
    }
}

/// What is known of every picture before anything is done; what is missing counts as decoded again until it is not.
pub(super) fn outcomes(plan: &Plan, matching: &Matching, records: &[Record]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = (0..plan.total()).map(|_| Ok(Pixels::Nowhere(None))).collect();
    for (item, record) in plan.items.iter().zip(&matching.records) {
        if let Some(number) = record {
            outcomes[item.position] = match &records[*number as usize].came_to {
                CameTo::Pixels(square) => Ok(Pixels::Kept(*square)),
                CameTo::Refused(reason) => Err(reason.to_string()),
            };
        }
    }
    for (position, reason) in &plan.unusable {
        outcomes[*position] = Err(reason.clone());
    }
    outcomes
}

/// The squares of the training pictures that are there, in order.
pub(super) fn squares_to_train(plan: &Plan, outcomes: &[Outcome]) -> Vec<Square> {
    let square = |outcome: &Outcome| match outcome {
        Ok(Pixels::Kept(square)) => Some(*square),
        _ => None,
    };
    let mut squares: Vec<Square> = outcomes[..plan.train].iter().filter_map(square).collect();
    squares.sort_unstable();
    squares
}

/// The work as the thread sees it that writes.
struct Course<'a> {
    work: &'a Work<'a>,
    keeper: Keeper<'a>,
    steps: Steps<'a>,
    /// Jobs that are done.
    taken: usize,
    /// Files that cannot be used.
    refused: usize,
    /// What is new, by position.
    changes: Vec<(usize, Outcome)>,
    seen: Verified,
    failed: Option<io::Error>,
}

impl Course<'_> {
    /// Keeps the next result, and breaks off where nothing more can be kept or is wanted.
    fn take(&mut self, taken: Taken<Made>) -> ControlFlow<()> {
        if let Taken::Result(made) = taken {
            if let Err(e) = self.keep(made) {
                return self.fail(e);
            }
            self.taken += 1;
            self.steps.step();
        }
        let is_hopeless = self.refused > self.work.dataset.most_refused();
        // A pause may be the end of the program, and lose nothing.
        match self.steps.goes_on_after(|| self.keeper.commit()) {
            Ok(true) if !is_hopeless => ControlFlow::Continue(()),
            Ok(_) => ControlFlow::Break(()),
            Err(e) => self.fail(e),
        }
    }

    fn fail(&mut self, reason: io::Error) -> ControlFlow<()> {
        self.failed = Some(reason);
        ControlFlow::Break(())
    }

    /// Keeps what was made of the next picture.
    fn keep(&mut self, made: Made) -> io::Result<()> {
        let Work { plan, jobs, before, .. } = *self.work;
        let item = &plan.items[jobs[self.taken]];
        let kept = self.work.square(item.position);
        let outcome = match made {
            Made::Same => {
                self.seen.compared += usize::from(kept.is_some());
                return Ok(());
            }
            Made::Unread => {
                self.seen.unread += 1;
                return Ok(());
            }
            Made::Decoded { planes, was } => {
                self.seen.compared += usize::from(kept.is_some());
                match was {
                    Was::Nothing => {}
                    Was::Damaged(_) => self.seen.damaged += 1,
                    Was::Other(_) => self.seen.differing += 1,
                }
                let to_train = item.position < plan.train;
                Ok(self.keeper.keep(item.fingerprint, planes, was.square(), to_train)?)
            }
            Made::Refused { reason, fault } => {
                self.seen.compared += usize::from(kept.is_some());
                self.seen.differing += usize::from(kept.is_some());
                self.keeper.refuse(item.fingerprint, &reason, fault)?;
                Err(reason)
            }
        };
        let was_refused = before[item.position].is_err();
        self.refused = self.refused + usize::from(outcome.is_err()) - usize::from(was_refused);
        self.changes.push((item.position, outcome));
        Ok(())
    }
}
