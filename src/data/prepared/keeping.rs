//! Where pictures go that were decoded: into the store, or, where nothing can be written, into memory.

use std::io;

use super::pixels::Square;
use super::writer::Writer;
use crate::data::store::Pixels;
use crate::data::{Fault, Fingerprint};

/// What takes in decoded pictures.
pub(super) enum Keeper<'a> {
    Disk(Writer<'a>),
    Memory(Room),
}

/// Memory for pictures. Those to train on go first, because they are read more often.
pub(super) struct Room {
    /// Pictures that still fit.
    pub left: usize,
    /// Pictures to train on that may still come.
    pub to_train: usize,
}

impl Keeper<'_> {
    /// Keeps a picture that is to be trained on or not. `was`: the store has it there, but damaged or as it was before.
    pub fn keep(
        &mut self,
        picture: Fingerprint,
        planes: Vec<u8>,
        was: Option<Square>,
        to_train: bool,
    ) -> io::Result<Pixels> {
        match self {
            Self::Disk(writer) => {
                let known = (picture.name, picture.content);
                let kept = match was {
                    Some(square) => writer.mend(known, &planes, square),
                    None => writer.add(known, &planes),
                };
                kept.map(Pixels::Kept)
            }
            Self::Memory(room) => {
                room.to_train -= usize::from(to_train && room.to_train > 0);
                let is_free = room.left > if to_train { 0 } else { room.to_train };
                room.left -= usize::from(is_free);
                let nowhere = || Pixels::Nowhere(Some(crc32fast::hash(&planes)));
                Ok(if is_free { Pixels::Memory(planes.into()) } else { nowhere() })
            }
        }
    }

    /// Remembers why a picture cannot be used, as long as that will stay so.
    pub fn refuse(&mut self, picture: Fingerprint, reason: &str, fault: Fault) -> io::Result<()> {
        let version = match fault {
            Fault::Picture => picture.content,
            Fault::Archive => picture.around,
            Fault::Reading => return Ok(()),
        };
        match self {
            Self::Disk(writer) => writer.refuse((picture.name, version), reason),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Makes sure that everything so far survives whatever happens next, as far as it is kept at all.
    pub fn commit(&mut self) -> io::Result<()> {
        match self {
            Self::Disk(writer) => writer.commit(),
            Self::Memory(_) => Ok(()),
        }
    }
}
