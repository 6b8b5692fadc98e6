//! Fewer pictures on request: at most so many a class, and no classes with too few.

use std::collections::BTreeMap;

use super::{Item, Layout, shortened};
use crate::config::DataConfig;
use crate::data::error::DataError;
use crate::data::rng::{Purpose, Stream};
use crate::words;

/// Applies `data.min_per_class` and `data.max_per_class`, which count training pictures. Which pictures of a class
/// are kept depends on the split's seed; validation pictures are kept for every class that is.
///
/// # Errors
/// Fewer than two classes are left.
pub(in crate::data) fn limited(
    mut layout: Layout,
    shown: &str,
    config: &DataConfig,
) -> Result<Layout, DataError> {
    if config.min_per_class > 0 {
        layout = without_small_classes(layout, shown, config.min_per_class)?;
    }
    if config.max_per_class > 0 {
        let before = layout.train.len();
        layout.train = at_most(layout.train, config.max_per_class, config.split_seed);
        if layout.train.len() < before {
            let (max, left) = (words::count(config.max_per_class), words::count(layout.train.len()));
            layout.sentence +=
                &format!("; at most {max} a class are wanted, which leaves {left} to train on");
        }
    }
    Ok(layout)
}

fn counts(items: &[Item]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    items.iter().for_each(|item| *counts.entry(item.label).or_default() += 1);
    counts
}

fn without_small_classes(mut layout: Layout, shown: &str, min: usize) -> Result<Layout, DataError> {
    let counts = counts(&layout.train);
    let (kept, small): (Vec<u32>, Vec<u32>) =
        (0..layout.classes.len() as u32).partition(|label| counts.get(label).is_some_and(|&n| n >= min));
    if kept.len() < 2 {
        return Err(DataError::TooFewLarge { path: shown.into(), min });
    }
    if small.is_empty() {
        return Ok(layout);
    }
    let new: BTreeMap<u32, u32> = kept.iter().copied().zip(0..).collect();
    let relabelled = |items: Vec<Item>| -> Vec<Item> {
        let keep = |item: Item| Some(Item { label: *new.get(&item.label)?, picture: item.picture });
        items.into_iter().filter_map(keep).collect()
    };
    layout.train = relabelled(layout.train);
    layout.validation = relabelled(layout.validation);
    let names: Vec<&str> = small.iter().map(|&label| layout.classes[label as usize].as_str()).collect();
    let (train, validation) = (words::count(layout.train.len()), words::count(layout.validation.len()));
    layout.sentence += &format!(
        "; classes with fewer than {min} to train on are not wanted ({}), which leaves {} classes, {train} and {validation} pictures",
        shortened(&names),
        kept.len()
    );
    layout.classes = kept.iter().map(|&label| layout.classes[label as usize].clone()).collect();
    Ok(layout)
}

fn at_most(items: Vec<Item>, max: usize, seed: u64) -> Vec<Item> {
    let mut chosen: BTreeMap<u32, std::vec::IntoIter<bool>> = counts(&items)
        .into_iter()
        .map(|(label, count)| {
            let mut order: Vec<usize> = (0..count).collect();
            Stream::new(seed, Purpose::Split, u64::from(label), 1).shuffle(&mut order);
            let mut is_kept = vec![false; count];
            order.iter().take(max).for_each(|&i| is_kept[i] = true);
            (label, is_kept.into_iter())
        })
        .collect();
    items
        .into_iter()
        .filter(|item| chosen.get_mut(&item.label).and_then(Iterator::next).unwrap_or(false))
        .collect()
}
