//! Which part of a source is for training and which for validation.

use std::collections::BTreeMap;

use super::tree::Folder;
use super::{Item, Place};
use crate::data::error::DataError;
use crate::data::rng::{Purpose, Stream};
use crate::data::sources::{Part, part_name};

pub(super) fn is_train(name: &str) -> bool {
    part_name(name) == Some(Part::Train)
}

/// How much a name is preferred for validation, best first; nothing if it is no such name.
pub(super) fn validation_rank(name: &str) -> Option<usize> {
    match part_name(name) {
        Some(Part::Validation(rank)) => Some(rank),
        _ => None,
    }
}

/// The folder for training and the one for validation, among `folders`.
///
/// They must hold folders themselves: a class may be called `train` as well, and then holds the pictures.
pub(super) fn split_folders<'a>(folders: &[Folder<'a>]) -> Option<(Folder<'a>, Option<Folder<'a>>)> {
    let holds_folders = |folder: &&Folder| !folder.folders().is_empty();
    let train = folders.iter().filter(holds_folders).find(|folder| is_train(folder.name()))?;
    let validation = folders
        .iter()
        .filter(holds_folders)
        .filter_map(|folder| Some((validation_rank(folder.name())?, folder)))
        .min_by_key(|(rank, _)| *rank);
    Some((*train, validation.map(|(_, folder)| *folder)))
}

/// The folder of the classes of a part: the part itself, or a folder of the same meaning in it, as in `train/train` or
/// `train/images`.
pub(super) fn class_home<'a>(part: Folder<'a>) -> Folder<'a> {
    let [only] = part.folders()[..] else { return part };
    let same = part_name(part.name()).is_some() && part_name(part.name()) == part_name(only.name());
    let general = ["images", "data"].iter().any(|name| only.name().eq_ignore_ascii_case(name));
    if (same || general) && only.folders().len() > 1 { only } else { part }
}

/// Holds back a share of every class for validation, but at least one picture and never all. Which ones depends
/// on the seed and the number of pictures of the class, not on where they lie.
///
/// # Errors
/// Every class has a single picture.
pub(super) fn by_seed(place: &Place, all: Vec<Item>) -> Result<(Vec<Item>, Vec<Item>), DataError> {
    let mut counts = BTreeMap::<u32, usize>::new();
    all.iter().for_each(|item| *counts.entry(item.label).or_default() += 1);
    let mut held_back: BTreeMap<u32, std::vec::IntoIter<bool>> = counts
        .into_iter()
        .map(|(label, count)| {
            let share = (count as f64 * place.config.validation_share).round() as usize;
            let chosen = if count < 2 { 0 } else { share.clamp(1, count - 1) };
            let mut order: Vec<usize> = (0..count).collect();
            Stream::new(place.config.split_seed, Purpose::Split, u64::from(label), 0).shuffle(&mut order);
            let mut is_validation = vec![false; count];
            order[..chosen].iter().for_each(|&i| is_validation[i] = true);
            (label, is_validation.into_iter())
        })
        .collect();
    let (validation, train): (Vec<Item>, Vec<Item>) = all
        .into_iter()
        .partition(|item| held_back.get_mut(&item.label).and_then(Iterator::next).unwrap_or(false));
    if validation.is_empty() {
        return Err(DataError::NothingToValidate { path: place.shown() });
    }
    Ok((train, validation))
}
