//! What the threads do with each picture of a preparation: decode it, and if asked to, hold what is kept against it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::pixels::{PixelFile, Square};
use super::plan::Plan;
use crate::data::store::{Outcome, Pixels, locate, picture_bytes, read};
use crate::data::sums::Sums;
use crate::data::{Dataset, Fault, Split};

/// What a thread found out about a picture.
pub(super) enum Made {
    /// It is what the store says.
    Same,
    /// It cannot be read now; what the store has of it is sound, and stays.
    Unread,
    Decoded {
        planes: Vec<u8>,
        /// What the store had of it.
        was: Was,
    },
    Refused {
        reason: String,
        fault: Fault,
    },
}

/// What a store had of a picture that was decoded.
#[derive(Clone, Copy)]
pub(super) enum Was {
    /// Nothing, or the picture as it was before.
    Nothing,
    /// A square whose bytes are not what was written there.
    Damaged(Square),
    /// A sound square of other pixels.
    Other(Square),
}

impl Was {
    pub fn square(self) -> Option<Square> {
        match self {
            Self::Nothing => None,
            Self::Damaged(square) | Self::Other(square) => Some(square),
        }
    }
}

/// What the threads need.
pub(super) struct Work<'a> {
    pub dataset: &'a dyn Dataset,
    pub plan: &'a Plan,
    pub side: u32,
    /// Numbers of items of the plan.
    pub jobs: &'a [usize],
    /// What is known of every picture, by position.
    pub before: &'a [Outcome],
    /// The squares of the store, where what is there is held against the pictures.
    pub there: Option<PixelFile>,
}

impl Work<'_> {
    /// Position of the picture that a job is about.
    pub fn position(&self, job: usize) -> usize {
        self.plan.items[self.jobs[job]].position
    }

    /// The square in which the store has a picture.
    pub fn square(&self, position: usize) -> Option<Square> {
        match self.before[position] {
            Ok(Pixels::Kept(square)) => Some(square),
            _ => None,
        }
    }

    /// Does a job. A picture to train on is added to `sums`.
    pub fn make(&self, sums: &mut Sums, job: usize) -> Made {
        let position = self.position(job);
        let (split, index) = locate(position, self.plan.train);
        let kept = self.square(position).map(|square| (square, self.sound(square)));
        let mut add = |planes: &[u8]| {
            if split == Split::Train {
                sums.add(planes);
            }
        };
        match (read(self.dataset, split, index, self.side), kept) {
            (Ok(planes), kept) => {
                add(&planes);
                match kept {
                    None => Made::Decoded { planes, was: Was::Nothing },
                    Some((_, Some(sound))) if sound == planes => Made::Same,
                    Some((square, Some(_))) => Made::Decoded { planes, was: Was::Other(square) },
                    Some((square, None)) => Made::Decoded { planes, was: Was::Damaged(square) },
                }
            }
            (Err(reason), kept) => {
                let fault = fault(self.dataset, split, index);
                match (fault, kept, &self.before[position]) {
                    (Fault::Reading, Some((_, Some(sound))), _) => {
                        add(&sound);
                        Made::Unread
                    }
                    (_, _, Err(known)) if *known == reason => Made::Same,
                    _ => Made::Refused { reason, fault },
                }
            }
        }
    }

    /// The pixels of a square, if they are what was written there.
    fn sound(&self, square: Square) -> Option<Vec<u8>> {
        let mut planes = vec![0; picture_bytes(self.side)];
        let there = self.there.as_ref()?;
        there.read_sound(square, &mut planes).then_some(planes)
    }
}

/// What is to blame for a refusal. An unpacker that panics on a picture would do so again.
fn fault(dataset: &dyn Dataset, split: Split, index: usize) -> Fault {
    catch_unwind(AssertUnwindSafe(|| dataset.fault(split, index))).unwrap_or(Fault::Archive)
}
