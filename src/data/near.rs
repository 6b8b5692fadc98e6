//! Pictures that look alike: the same photograph cut, scaled, coded or lit otherwise.
//!
//! Each picture becomes 64 bits that say where it gets brighter from left to right (a difference hash). Pictures that
//! look alike differ in few of them. Comparing all with all would take days for ImageNet; instead the bits are cut into
//! one part more than may differ, so two hashes within the distance agree in at least one part, and only those that
//! share a part are compared.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use image::RgbImage;
use image_hasher::{HashAlg, Hasher, HasherConfig};

use super::Split;

/// More bits would call different pictures alike, and would leave parts too short to tell them apart.
pub const LARGEST_DISTANCE: u32 = 8;
/// Comparisons after which the search gives up; about a minute. Sixty thousand pictures need some millions.
const MOST_COMPARISONS: u64 = 20_000_000_000;
/// Pairs that are listed one by one for each of the two kinds; the others are counted.
const MAX_PAIRS: usize = 1000;

/// Makes hashes.
pub(super) struct Looks(Hasher<[u8; 8]>);

impl Looks {
    pub fn new() -> Self {
        let config = HasherConfig::with_bytes_type::<[u8; 8]>().hash_size(8, 8).hash_alg(HashAlg::Gradient);
        Self(config.to_hasher())
    }

    pub fn of(&self, picture: &RgbImage) -> u64 {
        u64::from_le_bytes(self.0.hash_image(picture).into_inner())
    }
}

/// A picture to compare.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub split: Split,
    pub index: usize,
    /// Bits of [`Looks`].
    pub bits: u64,
    /// Fingerprint of its pixels; equal pictures are reported elsewhere.
    pub pixels: u128,
}

/// Two pictures that look alike but are not the same, pixel for pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearPair {
    pub first: String,
    pub second: String,
    /// Bits of 64 in which they differ.
    pub distance: u32,
    /// Whether the first is a training and the second a validation picture.
    pub across: bool,
}

/// Pictures that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearDuplicates {
    /// Most bits of 64 in which two may differ.
    pub distance: u32,
    /// Validation pictures that look like a training picture.
    pub across: usize,
    /// Pictures that look like another one of their own split that comes before them.
    pub within: usize,
    /// Each of those with the one it is nearest to: first across the splits, then within, the nearest first; a
    /// thousand of either at most.
    pub pairs: Vec<NearPair>,
    /// Whether the search was given up because too many pictures look alike in parts.
    pub incomplete: bool,
}

/// Finds pictures whose hashes differ in at most `distance` bits; `None` when `cancel` was set. `looks` are in the order
/// of the data set, training pictures first.
pub(super) fn search(
    looks: &[Look],
    distance: u32,
    name: impl Fn(Split, usize) -> String,
    cancel: &AtomicBool,
) -> Option<NearDuplicates> {
    let distance = distance.min(LARGEST_DISTANCE);
    let groups = Groups::of(looks);
    let mut nearest = Nearest::new(&groups);
    let complete = compare(&groups.bits, distance, cancel, |a, b, bits| nearest.meet(a, b, bits))?;
    let mut found = NearDuplicates { distance, incomplete: !complete, ..NearDuplicates::default() };
    let (mut across, mut within) = (Vec::new(), Vec::new());
    for look in looks {
        if let Some((other, bits)) = nearest.of(look, looks) {
            let kind = if other.split == look.split { &mut within } else { &mut across };
            kind.push((bits, other, *look));
        }
    }
    (found.across, found.within) = (across.len(), within.len());
    for pairs in [&mut across, &mut within] {
        pairs.sort_by_key(|(bits, _, _)| *bits);
        found.pairs.extend(pairs.iter().take(MAX_PAIRS).map(|(bits, first, second)| NearPair {
            first: name(first.split, first.index),
            second: name(second.split, second.index),
            distance: *bits,
            across: first.split != second.split,
        }));
    }
    Some(found)
}

/// Pictures with equal hashes: thousands of white pages are one hash, not millions of pairs.
struct Groups {
    bits: Vec<u64>,
    /// The first training and the first validation picture of each, by their place in the list.
    first: Vec<[Option<usize>; 2]>,
    number: HashMap<u64, usize>,
}

impl Groups {
    fn of(looks: &[Look]) -> Self {
        let mut groups = Self { bits: Vec::new(), first: Vec::new(), number: HashMap::new() };
        for (place, look) in looks.iter().enumerate() {
            let next = groups.bits.len();
            let number = *groups.number.entry(look.bits).or_insert(next);
            if number == next {
                groups.bits.push(look.bits);
                groups.first.push([None; 2]);
            }
            groups.first[number][side(look.split)].get_or_insert(place);
        }
        groups
    }
}

fn side(split: Split) -> usize {
    match split {
        Split::Train => 0,
        Split::Validation => 1,
    }
}

/// For each group the nearest other group with a training picture, and with an earlier one of either split.
struct Nearest<'a> {
    groups: &'a Groups,
    train: Vec<Option<(u32, usize)>>,
    earlier: Vec<[Option<(u32, usize)>; 2]>,
}

impl<'a> Nearest<'a> {
    fn new(groups: &'a Groups) -> Self {
        let count = groups.bits.len();
        Self { groups, train: vec![None; count], earlier: vec![[None; 2]; count] }
    }

    /// Takes in that two groups differ in so many bits.
    fn meet(&mut self, a: usize, b: usize, bits: u32) {
        for (here, there) in [(a, b), (b, a)] {
            let other = self.groups.first[there];
            if let Some(place) = other[0] {
                keep_nearer(&mut self.train[here], (bits, place));
            }
            let own = self.groups.first[here];
            for ((own, other), best) in own.into_iter().zip(other).zip(&mut self.earlier[here]) {
                if let (Some(own), Some(place)) = (own, other)
                    && place < own
                {
                    keep_nearer(best, (bits, place));
                }
            }
        }
    }

    /// The picture that `look` is nearest to, a training picture for a validation picture if there is one.
    fn of(&self, look: &Look, looks: &[Look]) -> Option<(Look, u32)> {
        let group = *self.groups.number.get(&look.bits)?;
        let differs = |(bits, place): (u32, usize)| {
            let other = looks[place];
            let itself = (other.split, other.index) == (look.split, look.index);
            (!itself && other.pixels != look.pixels).then_some((other, bits))
        };
        let same = |split: usize| self.groups.first[group][split].map(|place| (0, place));
        let own = side(look.split);
        let is_first = same(own).is_some_and(|(_, place)| looks[place].index == look.index);
        let across = (look.split == Split::Validation)
            .then(|| same(0).and_then(differs).or_else(|| self.train[group].and_then(differs)))
            .flatten();
        across.or_else(|| {
            if is_first { self.earlier[group][own].and_then(differs) } else { same(own).and_then(differs) }
        })
    }
}

fn keep_nearer(best: &mut Option<(u32, usize)>, candidate: (u32, usize)) {
    if best.is_none_or(|best| candidate < best) {
        *best = Some(candidate);
    }
}

/// Calls `meet` with the numbers of every two hashes that differ in at most `distance` bits, perhaps several times.
/// Whether all could be compared; `None` when `cancel` was set.
fn compare(
    hashes: &[u64],
    distance: u32,
    cancel: &AtomicBool,
    mut meet: impl FnMut(usize, usize, u32),
) -> Option<bool> {
    let parts = distance + 1;
    let mut comparisons = 0;
    for part in 0..parts {
        let (from, to) = (part * 64 / parts, (part + 1) * 64 / parts);
        let part_of = |bits: u64| (bits >> from) & (u64::MAX >> (64 - (to - from)));
        let mut order: Vec<usize> = (0..hashes.len()).collect();
        order.sort_unstable_by_key(|&number| part_of(hashes[number]));
        let mut buckets: Vec<&[usize]> =
            order.chunk_by(|&a, &b| part_of(hashes[a]) == part_of(hashes[b])).collect();
        // What has to be given up is what is most alike in parts, and least telling.
        buckets.sort_by_key(|bucket| bucket.len());
        for bucket in buckets {
            let pairs = bucket.len() as u64 * (bucket.len() as u64 - 1) / 2;
            comparisons += pairs;
            if comparisons > MOST_COMPARISONS {
                return Some(false);
            }
            for (place, &a) in bucket.iter().enumerate() {
                if cancel.load(Ordering::Relaxed) {
                    return None;
                }
                for &b in &bucket[place + 1..] {
                    let bits = (hashes[a] ^ hashes[b]).count_ones();
                    if bits <= distance {
                        meet(a, b, bits);
                    }
                }
            }
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Well spread numbers, the same each time.
    fn scattered(count: u64) -> Vec<u64> {
        (1..=count)
            .map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (i << 13).wrapping_mul(0xBF58_476D_1CE4_E5B9))
            .collect()
    }

    #[test]
    fn every_pair_within_the_distance_is_met() {
        let mut hashes = scattered(300);
        for i in 0..200_u32 {
            let flips = (0..i % 12).fold(0_u64, |bits, k| bits | 1 << ((i * 7 + k * 11) % 64));
            let changed = hashes[i as usize] ^ flips;
            if !hashes.contains(&changed) {
                hashes.push(changed);
            }
        }
        for distance in [0, 1, 4, 8] {
            let mut met = std::collections::BTreeSet::new();
            let complete = compare(&hashes, distance, &AtomicBool::new(false), |a, b, bits| {
                met.insert((a.min(b), a.max(b), bits));
            });
            assert_eq!(complete, Some(true));
            let mut all = std::collections::BTreeSet::new();
            for a in 0..hashes.len() {
                for b in a + 1..hashes.len() {
                    let bits = (hashes[a] ^ hashes[b]).count_ones();
                    if bits <= distance {
                        all.insert((a, b, bits));
                    }
                }
            }
            assert_eq!(met, all, "distance {distance}");
            assert!(distance == 0 || all.len() > 10);
        }
    }

    #[test]
    fn a_training_picture_comes_before_a_nearer_one_of_the_same_split() {
        let look = |split, index, bits, pixels| Look { split, index, bits, pixels };
        let (train, validation) = (Split::Train, Split::Validation);
        let looks = [
            look(train, 0, 0b1111, 1),
            look(train, 1, 0, 2),
            look(validation, 0, 0b11 << 40, 3),
            // Two bits from training picture 1, one from validation picture 0.
            look(validation, 1, 0b01 << 40, 4),
            // The same pixels as training picture 0: not told here.
            look(validation, 2, 0b1111, 1),
            look(train, 2, 0, 5),
        ];
        let name = |split, index| format!("{split:?} {index}");
        let found = search(&looks, 3, name, &AtomicBool::new(false)).unwrap();
        let pairs: Vec<(&str, &str, u32)> =
            found.pairs.iter().map(|pair| (&*pair.first, &*pair.second, pair.distance)).collect();
        assert_eq!(
            pairs,
            [("Train 1", "Validation 1", 1), ("Train 1", "Validation 0", 2), ("Train 1", "Train 2", 0),]
        );
        assert_eq!((found.across, found.within, found.incomplete), (2, 1, false));
        assert!(search(&looks, 3, name, &AtomicBool::new(true)).is_none());
    }

    #[test]
    fn many_equal_looks_are_one() {
        let looks: Vec<Look> = (0..100_000)
            .map(|index| Look { split: Split::Train, index, bits: 7, pixels: index as u128 })
            .collect();
        let found = search(&looks, 8, |_, index| index.to_string(), &AtomicBool::new(false)).unwrap();
        assert_eq!((found.within, found.pairs.len()), (99_999, MAX_PAIRS));
    }
}
