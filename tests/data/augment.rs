//! Orders, crops and flips: uniform, and decided by the seed alone.

use alexnet_lab::data::augment::{Placement, central_placement, cut, random_placement};
use alexnet_lab::data::sampler::epoch_order;

use super::chi_square;

#[test]
fn an_order_is_a_permutation_that_seed_and_epoch_decide() {
    let order = epoch_order(1000, 7, 3);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    assert_eq!(order, epoch_order(1000, 7, 3));
    assert_ne!(order, epoch_order(1000, 7, 4));
    assert_ne!(order, epoch_order(1000, 8, 3));
    assert_eq!(epoch_order(1, 7, 0), [0]);
    assert!(epoch_order(0, 7, 0).is_empty());
}

#[test]
fn every_position_is_reached_equally_often() {
    let mut counts = [0; 8];
    for epoch in 0..8000 {
        counts[epoch_order(8, 1, epoch).iter().position(|&i| i == 0).unwrap()] += 1;
    }
    // 7 degrees of freedom: 24.3 is exceeded once in a thousand.
    assert!(chi_square(&counts) < 24.3, "{counts:?}");
}

#[test]
fn crops_cover_all_offsets_uniformly_and_half_are_flipped() {
    let (stored, crop) = (36, 32);
    let mut offsets = [0; 25];
    let mut flips = 0_u32;
    let total = 50_000;
    for index in 0..total {
        let placement = random_placement(5, index % 7, index, stored, crop);
        assert!(placement.left <= 4 && placement.top <= 4, "{placement:?}");
        offsets[(placement.top * 5 + placement.left) as usize] += 1;
        flips += u32::from(placement.flip);
    }
    // 24 degrees of freedom: 51.2 is exceeded once in a thousand.
    assert!(chi_square(&offsets) < 51.2, "{offsets:?}");
    let share = f64::from(flips) / total as f64;
    assert!((share - 0.5).abs() < 0.01, "{share}");
}

/// Counts of the pairs of two offsets of 0 to 32.
fn pair_counts(pairs: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut counts = vec![0; 33 * 33];
    pairs.for_each(|(a, b)| counts[(a * 33 + b) as usize] += 1);
    counts
}

#[test]
fn the_papers_crops_take_all_33_offsets_of_both_axes_equally_often_and_independently() {
    let (epochs, pictures) = (3, 60_000);
    let placements: Vec<Vec<Placement>> = (0..epochs)
        .map(|epoch| (0..pictures).map(|i| random_placement(2012, epoch, i, 256, 224)).collect())
        .collect();
    let all = || placements.iter().flatten();
    assert!(all().all(|p| p.left <= 32 && p.top <= 32));
    for (name, offset) in [("left", (|p| p.left) as fn(&Placement) -> u32), ("top", |p| p.top)] {
        let mut counts = [0; 33];
        all().for_each(|p| counts[offset(p) as usize] += 1);
        // 32 degrees of freedom: 62.5 is exceeded once in a thousand.
        assert!(chi_square(&counts) < 62.5, "{name}: {counts:?}");
        let mut mirrored = [0; 66];
        all().for_each(|p| mirrored[(offset(p) * 2 + u32::from(p.flip)) as usize] += 1);
        // 65 degrees of freedom: 105.
        assert!(chi_square(&mirrored) < 105.0, "{name} and mirroring: {mirrored:?}");
        // From one picture to the next and from one epoch to the next; 1088 degrees of freedom: 1236.
        let next = placements.iter().flat_map(|p| p.windows(2)).map(|p| (offset(&p[0]), offset(&p[1])));
        let next = chi_square(&pair_counts(next));
        assert!(next < 1236.0, "{name} of neighbours: {next}");
        let later = placements.windows(2).flat_map(|p| p[0].iter().zip(&p[1]));
        let later = chi_square(&pair_counts(later.map(|(a, b)| (offset(a), offset(b)))));
        assert!(later < 1236.0, "{name} of epochs: {later}");
    }
    let joint = chi_square(&pair_counts(all().map(|p| (p.left, p.top))));
    assert!(joint < 1236.0, "left and top: {joint}");
    let flips = all().filter(|p| p.flip).count() as f64;
    let count = (epochs * pictures) as f64;
    assert!((flips - count / 2.0).abs() < 4.0 * (count / 4.0).sqrt(), "{flips} of {count} mirrored");
    // One picture over its presentations.
    let turns = (0..4000).filter(|&epoch| random_placement(2012, epoch, 5, 256, 224).flip).count() as f64;
    assert!((turns - 2000.0).abs() < 4.0 * 1000.0_f64.sqrt(), "{turns} of 4000 mirrored");
}

#[test]
fn a_placement_depends_on_seed_epoch_and_index() {
    let draw = |seed, epoch| (0..50).map(|i| random_placement(seed, epoch, i, 256, 224)).collect::<Vec<_>>();
    assert_eq!(draw(1, 2), draw(1, 2));
    assert_ne!(draw(1, 2), draw(1, 3));
    assert_ne!(draw(1, 2), draw(2, 2));
    assert!(draw(1, 2).windows(2).any(|pair| pair[0] != pair[1]));
    // A crop of the whole picture is still flipped.
    assert!((0..50).any(|i| random_placement(1, 0, i, 32, 32).flip));
}

#[test]
fn a_cut_copies_the_right_pixels() {
    // Planes of a 3x3 picture: 0..9, 10..19, 20..29.
    let planes: Vec<u8> = (0..3).flat_map(|plane| (0..9).map(move |i| plane * 10 + i)).collect();
    let mut out = vec![99];
    cut(&planes, 3, 2, Placement { left: 1, top: 0, flip: false }, &mut out);
    assert_eq!(out, [99, 1, 2, 4, 5, 11, 12, 14, 15, 21, 22, 24, 25]);
    out.clear();
    cut(&planes, 3, 2, Placement { left: 0, top: 1, flip: true }, &mut out);
    assert_eq!(out, [4, 3, 7, 6, 14, 13, 17, 16, 24, 23, 27, 26]);
    assert_eq!(central_placement(72, 64), Placement { left: 4, top: 4, flip: false });
    assert_eq!(central_placement(5, 5), Placement { left: 0, top: 0, flip: false });
}
