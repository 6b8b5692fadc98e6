//! Adds up the training pictures that a store holds: from sums that are known already, and by reading no more squares
//! than those by which they differ from what is wanted. All sums are of whole numbers, so what is taken away again leaves
//! no trace, and the result is that of a fresh start to the last bit.

use std::ops::ControlFlow;

use super::build::Trouble;
use super::pixels::{PixelFile, Square};
use super::statistics::Basis;
use super::steps::Steps;
use crate::data::DataError;
use crate::data::pool::{Pool, Taken};
use crate::data::store::{joined, picture_bytes};
use crate::data::sums::Sums;

/// Squares that wait for their turn, for each thread.
const AHEAD: usize = 8;

/// What adding up came to.
#[derive(Debug)]
pub(super) struct Added {
    pub sums: Sums,
    /// Squares that are not what was written there once: they are not in the sums.
    pub unsound: Vec<Square>,
}

/// What a thread has.
struct Part {
    surplus: Sums,
    missing: Sums,
    planes: Vec<u8>,
}

/// Sums over the squares that are `wanted`, on `threads` threads, from what `basis` knows. Nothing if it was stopped.
pub(super) fn add_up(
    there: &PixelFile,
    side: u32,
    wanted: &[Square],
    basis: Basis,
    threads: usize,
    steps: &mut Steps,
) -> Result<Option<Added>, Trouble> {
    let Basis { sums: known, surplus, missing } = basis;
    if surplus.len() + missing.len() == 0 {
        return Ok(Some(Added { sums: known, unsound: Vec::new() }));
    }
    let begin =
        || Part { surplus: Sums::new(side), missing: Sums::new(side), planes: vec![0; picture_bytes(side)] };
    let work = |part: &mut Part, job: usize| {
        let (square, sums) = match job.checked_sub(surplus.len()) {
            None => (surplus[job], &mut part.surplus),
            Some(job) => (missing[job], &mut part.missing),
        };
        let is_sound = there.read_sound(square, &mut part.planes);
        if is_sound {
            sums.add(&part.planes);
        }
        is_sound
    };
    let mut unsound = Vec::new();
    let mut taken = 0;
    let jobs = surplus.len() + missing.len();
    let parts = Pool { threads, ahead: AHEAD * threads }.run(jobs, begin, work, |result| {
        if let Taken::Result(is_sound) = result {
            if !is_sound {
                unsound.push(taken);
            }
            taken += 1;
            steps.step();
        }
        let is_wrong = unsound.first().is_some_and(|&first| first < surplus.len());
        if !is_wrong && steps.goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let name = |_| "prepared pictures that are read again".into();
    let parts = parts.map_err(|unfinished| Trouble::Data(DataError::unfinished(unfinished, name)))?;
    if unsound.first().is_some_and(|&first| first < surplus.len()) {
        // What cannot be read any more cannot be taken away either.
        steps.again(wanted.len());
        return add_up(there, side, wanted, Basis::nothing(side, wanted), threads, steps);
    }
    if taken < jobs {
        return Ok(None);
    }
    let (less, more): (Vec<Sums>, Vec<Sums>) =
        parts.into_iter().map(|part| (part.surplus, part.missing)).unzip();
    let mut sums = known;
    sums.join(&joined(more, side));
    sums.take_away(&joined(less, side));
    let unsound = unsound.into_iter().map(|job| missing[job - surplus.len()]).collect();
    Ok(Some(Added { sums, unsound }))
}
