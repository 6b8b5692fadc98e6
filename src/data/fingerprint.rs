//! What tells a picture apart from all others of its source, and today's version of it from yesterday's.
//!
//! A picture is known by its name below the source. Whether it has changed shows in the length and the time of the
//! last change of the file; in an archive, in those of the archive and the place there; in a zip, in the checksum that
//! its directory holds. Nothing is read for it. Which split a picture is in, and which class, is no part of it: these
//! follow from settings that may change.

use md5::{Digest, Md5};

use super::sources::Stamp;

/// Identity and version of a picture at its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of the name.
    pub name: u128,
    /// Of what shows whether the content has changed.
    pub content: u64,
    /// The same of the archive around it, where `content` says nothing about it: a damaged archive that is copied again
    /// has the same directory. Where there is none, `content` again.
    pub around: u64,
    /// Pictures are best read in this order: as they lie in their archive or folder.
    pub order: u64,
}

impl Fingerprint {
    /// Of a picture `name` whose bytes bear `stamp`; `index` is its place in a file of many, 0 elsewhere.
    pub(super) fn new(name: &str, stamp: Stamp, index: u32, order: u64) -> Self {
        let content = version(stamp, index);
        Self { name: digest(name.as_bytes()), content, around: content, order }
    }

    /// The same in an archive that bears the stamp `around`, if that is known to matter.
    pub(super) fn within(self, around: Option<Stamp>) -> Self {
        Self { around: around.map_or(self.content, |stamp| version(stamp, 0)), ..self }
    }
}

/// 64 bits of what tells versions apart.
fn version(stamp: Stamp, index: u32) -> u64 {
    let Stamp { length, modified, place } = stamp;
    let mut parts = [0; 32];
    let numbers = [length, modified, place, index.into()];
    parts
        .chunks_exact_mut(8)
        .zip(numbers)
        .for_each(|(part, number)| part.copy_from_slice(&number.to_le_bytes()));
    digest(&parts) as u64
}

/// 128 bits that tell texts apart, the same on every machine and in every version of the program.
pub(super) fn digest(bytes: &[u8]) -> u128 {
    u128::from_le_bytes(Md5::digest(bytes).into())
}
