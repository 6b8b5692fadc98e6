//! Data sets that are known by name: what they hold, where they come from, and whether they are here.
//!
//! ```text
//! assets/datasets.toml, catalogue.toml -> KnownSet -> Shelf (the user's folder of data sets) -> a path to open
//! ```
//! A file counts only after its md5 has been found right, whether the program fetched it or a person put it
//! there; what was found is kept beside the file ([`receipt`]), so that gigabytes are not summed at every start.

mod catalogue;
pub(super) mod md5sum;
mod receipt;
mod shelf;

pub use catalogue::{KnownFile, KnownSet, built_in, means};
pub use shelf::{KnownError, SetState, Shelf};

pub(super) use receipt::{Found, examine, record};
pub(super) use shelf::part_name;
