//! Questions to the network that take many passes, from whoever looks into it and from whoever asks about many pictures:
//! a little at a time between two pieces of the engine's other work, which gets at least half of the time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::inquiry::{Inquiries, Inquiry};
use super::inspect::{self, Chores, Inspect};
use super::memory::MemoryNeed;
use super::model::View;
use super::outbox::Outbox;

/// How long a wait for pictures lasts before commands are looked at again.
pub(super) const GLANCE: Duration = Duration::from_millis(10);

/// What became of the wish to go on with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is none.
    Nothing,
    /// Pictures are being read, or it is not its turn.
    Waiting,
    Worked,
}

/// The questions in hand.
#[derive(Default)]
pub(super) struct Desk {
    chores: Chores,
    inquiries: Inquiries,
    /// Until when the engine's other work goes first.
    rest_until: Option<Instant>,
}

/// The desk, at hand for the engine and for the run it is in.
pub(super) type Desks = Rc<RefCell<Desk>>;

impl Desk {
    /// Takes up, or gives up, an inquiry.
    pub fn serve(&mut self, outbox: &Outbox, model: Option<View<'_>>, inquiry: Inquiry) {
        self.inquiries.serve(outbox, model, inquiry);
    }

    /// Gives back memory that a run with this need would miss; without a need, all that can be given back. False: there
    /// was nothing to give, or room for both.
    pub fn make_room(&mut self, outbox: &Outbox, need: Option<MemoryNeed>) -> bool {
        match need {
            Some(need) => self.inquiries.make_room(outbox, need),
            None => self.inquiries.drop_index(outbox),
        }
    }

    /// Looks into the network: at once, or as a chore.
    pub fn look(&mut self, outbox: &Outbox, model: Option<View<'_>>, order: Inspect) {
        inspect::inspect(outbox, &mut self.chores, model, order);
    }

    /// Gives everything up after a fault inside the program.
    pub fn abandon(&mut self, outbox: &Outbox, reason: &str) {
        self.chores.abandon(outbox, reason);
        self.inquiries.abandon(outbox, reason);
    }

    /// One pass for a question in hand. With `sharing`, the engine has other work, which gets at least as much time.
    pub fn advance(&mut self, outbox: &Outbox, sharing: bool) -> Progress {
        if self.chores.is_empty() && !self.inquiries.is_busy() {
            return Progress::Nothing;
        }
        if sharing && self.rest_until.is_some_and(|until| Instant::now() < until) {
            return Progress::Waiting;
        }
        let began = Instant::now();
        let progress = match self.chores.work(outbox) {
            Progress::Worked => Progress::Worked,
            _ if self.inquiries.is_busy() => self.inquiries.advance(outbox),
            _ => Progress::Waiting,
        };
        let ended = Instant::now();
        self.rest_until = ended.checked_add(ended - began);
        progress
    }
}
