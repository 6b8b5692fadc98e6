//! What is to be done: which pictures a store holds already, which are missing, which have changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::KeptError;
use super::index::{CameTo, Record};
use super::pixels::Square;
use crate::data::store::{locate, read};
use crate::data::{Dataset, Fingerprint, Split};

/// Pictures between two looks at whether to stop.
const BETWEEN_LOOKS: usize = 256;

/// A picture of the data set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Among all training pictures, then all validation pictures.
    pub position: usize,
    pub fingerprint: Fingerprint,
}

/// All pictures of a data set, in the order in which they are best read.
pub(super) struct Plan {
    pub items: Vec<Item>,
    /// Positions of what cannot even be looked at, with the reasons.
    pub unusable: Vec<(usize, String)>,
    /// Training pictures in the data set.
    pub train: usize,
}

impl Plan {
    /// Looks at the length and time of every file. Nothing if `cancel` was set.
    ///
    /// # Errors
    /// A picture can be read, but nobody can tell whether it will have changed.
    pub fn of(dataset: &dyn Dataset, side: u32, cancel: &AtomicBool) -> Result<Option<Self>, KeptError> {
        let train = dataset.len(Split::Train);
        let total = train + dataset.len(Split::Validation);
        let mut plan = Self { items: Vec::with_capacity(total), unusable: Vec::new(), train };
        for position in 0..total {
            if position % BETWEEN_LOOKS == 0 && cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let (split, index) = locate(position, train);
            match dataset.fingerprint(split, index) {
                Some(fingerprint) => plan.items.push(Item { position, fingerprint }),
                None => match read(dataset, split, index, side) {
                    Err(reason) => plan.unusable.push((position, reason)),
                    Ok(_) => {
                        return Err(KeptError::NoTimes { source_path: dataset.description().source.clone() });
                    }
                },
            }
        }
        plan.items.sort_by_key(|item| (item.fingerprint.order, item.position));
        Ok(Some(plan))
    }

    pub fn total(&self) -> usize {
        self.items.len() + self.unusable.len()
    }
}

/// A store's records beside the pictures of today.
pub(super) struct Matching {
    /// For each item of the plan the number of its record, if there is one.
    pub records: Vec<Option<u32>>,
    pub missing: usize,
    /// Of those missing, how many have changed at the source, and how many squares are gone. The others are new.
    pub changed: usize,
    pub gone: usize,
    /// For each record whether the store can do without it: its picture has changed or is gone, or its pixels are.
    pub dead: Vec<bool>,
}

impl Matching {
    /// `slots` are the squares that the file of pixels has. With `whole`, pictures that the plan does not name are
    /// gone; without, they may only not be wanted this time.
    pub fn of(plan: &Plan, records: &[Record], slots: usize, whole: bool) -> Self {
        let is_there = |record: &Record| match record.came_to {
            CameTo::Pixels(Square { slot, .. }) => (slot as usize) < slots,
            CameTo::Refused(_) => true,
        };
        let mut dead = vec![whole; records.len()];
        let mut by_name = HashMap::<u128, u32>::with_capacity(records.len());
        for (number, record) in (0..).zip(records) {
            dead[number as usize] |= !is_there(record);
            // Of two records for a name the later one counts.
            if let Some(earlier) = by_name.insert(record.name, number) {
                dead[earlier as usize] = true;
            }
        }
        let (mut missing, mut changed, mut gone) = (0, 0, 0);
        let of_items = plan.items.iter().map(|Item { fingerprint, .. }| {
            let number = by_name.get(&fingerprint.name).copied();
            let found = number.filter(|&number| {
                let record = &records[number as usize];
                let is_same = record.is_of(fingerprint);
                changed += usize::from(!is_same);
                gone += usize::from(is_same && !is_there(record));
                is_same && is_there(record)
            });
            if let Some(number) = number {
                dead[number as usize] = found.is_none();
            }
            missing += usize::from(found.is_none());
            found
        });
        let records = of_items.collect();
        Self { records, missing, changed, gone, dead }
    }

    /// The records that the store cannot do without.
    pub fn live<'a>(&'a self, records: &'a [Record]) -> impl Iterator<Item = &'a Record> + Clone {
        records.iter().zip(&self.dead).filter(|(_, dead)| !**dead).map(|(record, _)| record)
    }
}
