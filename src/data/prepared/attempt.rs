//! Takes hold of a store, however many programs are at it, and makes it complete.
//!
//! Two locks belong to a store. Everybody who reads it shares `readers.lock`, so nobody removes it or writes over its
//! squares. One at a time holds `writer.lock` and adds pictures; if it holds the other one alone too, it may use the
//! places of pictures that are gone. Both are taken and given up for good under the gate of the [`Cabinet`], which whoever
//! removes a store holds as well: nobody is left with a lock on a file that is gone.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::build::{Build, Built, Trouble, outcomes, squares_to_train};
use super::cabinet::{Cabinet, Place};
use super::error::KeptError;
use super::index::{self, Found, Header, Record};
use super::pixels::{self, PixelFile};
use super::plan::{Matching, Plan};
use super::statistics::{self, Basis};
use super::steps::Steps;
use super::writer::growth;
use super::{Kept, Preparation, Report, adding};
use crate::data::Dataset;
use crate::data::store::{PictureStore, picture_bytes, worker_count};
use crate::files::Lock;
use crate::words;

/// Stores of up to so many bytes are read into memory.
const SMALL: usize = 256 << 20;
/// How often one who waits for another program looks again.
const WAIT: Duration = Duration::from_millis(200);
/// After so many looks it says that it waits; work that was just stopped is over before.
const SILENT_LOOKS: u32 = 3;

/// Prepares on disk, after whoever is at it already. Nothing if it was stopped.
pub(super) fn on_disk(
    dataset: &Arc<dyn Dataset>,
    home: &Path,
    cabinet: &Cabinet,
    how: &Preparation,
) -> Result<Option<PictureStore>, Trouble> {
    let place = cabinet.place(home, how.side);
    let header = Header { side: how.side, source: home.to_string_lossy().into_owned() };
    let Some(plan) = Plan::of(&**dataset, how.side, how.watch.cancel)? else { return Ok(None) };
    let attempt = Attempt { dataset, cabinet, how, place: &place, header: &header, plan: &plan };
    match attempt.until_it_succeeds() {
        Err(Trouble::Kept(error)) if how.or_in_memory => attempt.with_what_is_there(error),
        other => other,
    }
}

/// One attempt at taking hold of a store.
struct Attempt<'a> {
    dataset: &'a Arc<dyn Dataset>,
    cabinet: &'a Cabinet,
    how: &'a Preparation<'a>,
    place: &'a Place,
    header: &'a Header,
    plan: &'a Plan,
}

/// What an attempt came to.
enum Attempted {
    Ready(Box<PictureStore>),
    /// Somebody else is at it.
    Busy,
    Stopped,
}

/// A store as it was found.
struct Seen {
    records: Vec<Record>,
    matching: Matching,
    /// The index stood there as it was written.
    whole: bool,
    /// Why what lies there is made anew, if it is.
    remark: Option<&'static str>,
}

/// A hold on a store that is read.
struct Hold {
    /// Nothing in a folder that can only be read and has no locks.
    lock: Option<Lock>,
}

impl Attempt<'_> {
    fn until_it_succeeds(&self) -> Result<Option<PictureStore>, Trouble> {
        let mut looks = 0;
        while self.how.watch.goes_on() {
            match self.make()? {
                Attempted::Ready(store) => return Ok(Some(*store)),
                Attempted::Stopped => return Ok(None),
                Attempted::Busy => {}
            }
            looks += 1;
            if looks == SILENT_LOOKS {
                let text = "waiting for another AlexNet Lab, which prepares the same pictures";
                (self.how.watch.tell)(Report::Note(text.into()));
            }
            std::thread::sleep(WAIT);
        }
        Ok(None)
    }

    /// Opens the store if it is complete, and makes it complete if not.
    fn make(&self) -> Result<Attempted, Trouble> {
        let gate = self.enter()?;
        let Some(reader) = self.read_lock()? else { return Ok(Attempted::Busy) };
        drop(gate);
        let seen = self.look()?;
        if seen.matching.missing == 0 && !self.how.check {
            match self.added_up(&seen)? {
                AddedUp::All(built) => return self.open(*built, reader),
                AddedUp::Stopped => return Ok(Attempted::Stopped),
                AddedUp::Damaged => {}
            }
        }
        drop((reader, seen));
        self.complete()
    }

    /// Makes sure that the store has a folder, and closes the gate behind whoever may remove it.
    fn enter(&self) -> Result<Option<Lock>, KeptError> {
        let (all, folder) = (&self.cabinet.folder, &self.place.folder);
        let made = fs::create_dir_all(all);
        let gate = self.cabinet.gate();
        let made = made.and_then(|()| fs::create_dir_all(folder));
        if !folder.is_dir() {
            made.map_err(|e| KeptError::writing(folder, e))?;
        }
        Ok(gate)
    }

    /// Nothing if somebody wants to be alone. To be called behind the gate.
    fn read_lock(&self) -> Result<Option<Hold>, KeptError> {
        match Lock::shared(&self.place.readers()) {
            Ok(lock) => Ok(lock.map(|lock| Hold { lock: Some(lock) })),
            // A folder without locks that can only be read.
            Err(_) if self.place.index().exists() => Ok(Some(Hold { lock: None })),
            // It was removed just now, where there are no locks.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(KeptError::writing(&self.place.folder, e)),
        }
    }

    /// Reads the index and holds it against the pictures of today.
    fn look(&self) -> Result<Seen, KeptError> {
        let reading = |e| KeptError::reading(&self.place.folder, e);
        let (records, whole, remark) = match index::read(&self.place.index()).map_err(reading)? {
            Found::Nothing => (Vec::new(), true, None),
            Found::Unusable(reason) => (Vec::new(), false, Some(reason)),
            Found::Index(index) if index.header != *self.header => {
                (Vec::new(), false, Some("are those of another source"))
            }
            Found::Index(index) => (index.records, index.whole, None),
        };
        let slots = pixels::slots(self.length(), picture_bytes(self.how.side));
        let matching = Matching::of(self.plan, &records, slots, self.how.whole);
        Ok(Seen { records, matching, whole, remark })
    }

    /// Bytes of the file of pixels.
    fn length(&self) -> u64 {
        fs::metadata(self.place.pixels()).map_or(0, |file| file.len())
    }

    /// The sums over the training pictures of a store to which nothing need be added.
    fn added_up(&self, seen: &Seen) -> Result<AddedUp, Trouble> {
        let Self { how, place, plan, .. } = *self;
        let outcomes = outcomes(plan, &seen.matching, &seen.records);
        let wanted = squares_to_train(plan, &outcomes);
        let basis = Basis::nearest(&place.folder, how.side, &wanted);
        let built =
            |outcomes, sums| AddedUp::All(Box::new(Built { outcomes, sums, decoded: 0, verified: None }));
        if basis.steps() == 0 {
            return Ok(built(outcomes, basis.sums));
        }
        let there = PixelFile::open_once(&place.pixels(), picture_bytes(how.side))
            .map_err(|e| KeptError::reading(&place.folder, e))?;
        let mut steps = Steps::new(how.watch, basis.steps(), plan.total());
        let added = adding::add_up(&there, how.side, &wanted, basis, worker_count(how.threads), &mut steps)?;
        let Some(added) = added else { return Ok(AddedUp::Stopped) };
        if !added.unsound.is_empty() {
            return Ok(AddedUp::Damaged);
        }
        // Whoever adds pictures just now writes sums of its own.
        if let Ok(Some(_writer)) = Lock::alone(&place.writer()) {
            statistics::write(&place.folder, how.side, &wanted, &added.sums);
        }
        Ok(built(outcomes, added.sums))
    }

    /// Adds to the store what it lacks.
    fn complete(&self) -> Result<Attempted, Trouble> {
        let writing = |e: io::Error| KeptError::writing(&self.place.folder, e);
        let gate = self.enter()?;
        let writer = match Lock::alone(&self.place.writer()) {
            Ok(Some(writer)) => writer,
            Ok(None) => return Ok(Attempted::Busy),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Attempted::Busy),
            Err(e) => return Err(writing(e).into()),
        };
        let alone = Lock::alone(&self.place.readers()).map_err(writing)?;
        let reader = match &alone {
            Some(_) => None,
            None => Lock::shared(&self.place.readers()).map_err(writing)?,
        };
        drop(gate);
        if alone.is_none() && reader.is_none() {
            return Ok(Attempted::Busy);
        }
        let built =
            match self.look().map_err(Trouble::Kept).and_then(|seen| self.build(seen, alone.is_some())) {
                Ok(built) => built,
                Err(trouble) => {
                    if let Some(alone) = alone.filter(|_| !self.place.index().exists()) {
                        let _gate = self.cabinet.gate();
                        let _ = self.place.remove((writer, alone));
                    }
                    return Err(trouble);
                }
            };
        let gate = self.cabinet.gate();
        drop(alone);
        let lock = reader.or_else(|| Lock::shared(&self.place.readers()).ok().flatten());
        drop((writer, gate));
        match built {
            Some(built) => self.open(built, Hold { lock }),
            None => Ok(Attempted::Stopped),
        }
    }

    fn build(&self, seen: Seen, alone: bool) -> Result<Option<Built>, Trouble> {
        if let Some(remark) = seen.remark {
            let folder = self.place.folder.display();
            let text = format!("the prepared pictures in `{folder}` {remark}; they are made anew");
            (self.how.watch.tell)(Report::Note(text));
        }
        let Self { dataset, how, place, header, plan, .. } = *self;
        let (live, missing) = (seen.matching.live(&seen.records), seen.matching.missing);
        let needed = growth(live, self.length(), missing, picture_bytes(how.side), alone);
        self.cabinet.make_room(place, needed)?;
        let Seen { records, matching, whole, .. } = seen;
        let build = Build {
            dataset: &**dataset,
            how,
            plan,
            place,
            header,
            records,
            matching,
            whole,
            alone,
            read_only: false,
        };
        let built = build.run()?;
        if let Some(built) = &built {
            let squares = squares_to_train(plan, &built.outcomes);
            statistics::write(&place.folder, how.side, &squares, &built.sums);
        }
        Ok(built)
    }

    /// Goes on with what the store has, where nothing can be added to it because of `error`. The other pictures are
    /// decoded into memory.
    fn with_what_is_there(&self, error: KeptError) -> Result<Option<PictureStore>, Trouble> {
        if !self.place.index().exists() {
            return Err(error.into());
        }
        let gate = self.cabinet.gate();
        let reader = self.read_lock();
        drop(gate);
        let (Ok(Some(reader)), Ok(seen)) = (reader, self.look()) else { return Err(error.into()) };
        let Self { dataset, how, place, header, plan, .. } = *self;
        let there = plan.items.len() - seen.matching.missing;
        if there == 0 {
            return Err(error.into());
        }
        let (told, total) = (words::count(there), words::count(plan.total()));
        let text = format!(
            "{error}. This run goes on with {told} of {total} pictures that are there; the others are prepared anew \
             at each start"
        );
        (how.watch.tell)(Report::Warning(text));
        let Seen { records, matching, whole, .. } = seen;
        let build = Build {
            dataset: &**dataset,
            how: &Preparation { check: false, ..*how },
            plan,
            place,
            header,
            records,
            matching,
            whole,
            alone: false,
            read_only: true,
        };
        let Some(built) = build.run()? else { return Ok(None) };
        match self.open(built, reader)? {
            Attempted::Ready(store) => Ok(Some(*store)),
            Attempted::Busy | Attempted::Stopped => Ok(None),
        }
    }

    fn open(&self, built: Built, reader: Hold) -> Result<Attempted, Trouble> {
        let reading = |e| KeptError::reading(&self.place.folder, e);
        let (square, memory) = (picture_bytes(self.how.side), self.how.memory.min(SMALL));
        let locked = reader.lock.is_some();
        let pixels = PixelFile::open(&self.place.pixels(), square, memory, locked).map_err(reading)?;
        if locked {
            self.place.touch();
        }
        let Built { outcomes, sums, decoded, verified } = built;
        let folder = self.place.folder.clone();
        let kept = Kept { folder, pixels, decoded, verified, _reader: reader.lock };
        PictureStore::assemble(self.dataset.clone(), self.how.side, outcomes, &sums, Some(kept))
            .map(|store| Attempted::Ready(Box::new(store)))
            .map_err(Trouble::Data)
    }
}

/// What adding up came to.
enum AddedUp {
    All(Box<Built>),
    /// Some squares are not what was written there.
    Damaged,
    Stopped,
}
