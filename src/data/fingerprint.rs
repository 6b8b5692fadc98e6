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
    /// Pictures are best read in this order: as they lie in their archive or folder.
    pub order: u64,
}

impl Fingerprint {
    /// Of a picture `name` whose bytes bear `stamp`; `index` is its place in a file of many, 0 elsewhere.
    pub(super) fn new(name: &str, stamp: Stamp, index: u32, order: u64) -> Self {
        let Stamp { length, modified, place } = stamp;
        let mut content = Md5::new();
        [length, modified, place, index.into()].iter().for_each(|part| content.update(part.to_le_bytes()));
        let mut eight = [0; 8];
        eight.copy_from_slice(&content.finalize()[..8]);
        Self { name: digest(name.as_bytes()), content: u64::from_le_bytes(eight), order }
    }
}

/// 128 bits that tell texts apart, the same on every machine and in every version of the program.
pub(super) fn digest(bytes: &[u8]) -> u128 {
    u128::from_le_bytes(Md5::digest(bytes).into())
}
