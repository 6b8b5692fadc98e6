//! Stores to which nothing can be added serve what they have; the rest goes into memory.

use std::fs;

use alexnet_lab::data::{Preparation, Split, open};

use super::super::class_files;
use super::changes::rewrite;
use super::{Outcome, Passed, Rig, SQUARE, decoded, patterned, prepared};

/// Nothing can be written any more: the place for the new index is taken. Root is kept out too.
fn block(rig: &Rig) {
    fs::create_dir(rig.folder().join("index.unfinished")).unwrap();
}

fn with_memory(rig: &Rig, pictures: usize) -> (Outcome, std::sync::Arc<Passed>) {
    let dataset = Passed::open(&rig.config);
    let memory = pictures * SQUARE;
    (prepared(dataset.clone(), &rig.cabinet(), |how| Preparation { memory, ..how }), dataset)
}

#[test]
fn another_split_is_served_from_what_is_there() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 20));
    rig.prepare().store();
    block(&rig);
    for (seed, share) in [(1, 0.2), (2, 0.5), (3, 0.1)] {
        (rig.config.split_seed, rig.config.validation_share) = (seed, share);
        let (outcome, dataset) = with_memory(&rig, 0);
        let store = outcome.store();
        assert_eq!((decoded(&store), dataset.reads()), (0, 0));
        rig.assert_right(&store);
        assert_eq!(dataset.reads(), 0, "every square is read from the disk");
    }
}

#[test]
fn new_pictures_are_decoded_beside_those_that_are_there() {
    let rig = Rig::pets();
    rig.prepare().store();
    block(&rig);
    for number in 0..4 {
        rewrite(&rig, &format!("train/ant/x{number}.png"), &patterned(100 + number));
        rewrite(&rig, &format!("val/ant/x{number}.png"), &patterned(110 + number));
    }
    rewrite(&rig, "train/bee/002.png", &patterned(120));
    for room in [0, 3, 5, 7, 100] {
        let (outcome, dataset) = with_memory(&rig, room);
        let warning = "This run goes on with 25 of 34 pictures that are there; the others are prepared anew";
        assert!(
            outcome.warnings.len() == 1 && outcome.warnings[0].contains(warning),
            "{:?}",
            outcome.warnings
        );
        assert!(outcome.warnings[0].contains("set data.cache_dir"), "{:?}", outcome.warnings);
        assert_eq!(outcome.notes, ["8 new, 1 changed pictures of 34"]);
        let store = outcome.store.unwrap().unwrap();
        assert_eq!((decoded(&store), dataset.reads()), (9, 9));
        // Reading all of it decodes those again for which there was no room.
        rig.assert_right(&store);
        assert_eq!(dataset.reads(), 9 - room.min(9), "room for {room}");
    }
    // Those to train on, which are read in every epoch, have room first.
    let (outcome, dataset) = with_memory(&rig, 5);
    let store = outcome.store.unwrap().unwrap();
    dataset.reads();
    (0..store.len(Split::Train)).for_each(|index| drop(store.pixels(Split::Train, index).unwrap()));
    assert_eq!(dataset.reads(), 0);
}

#[test]
fn damaged_pictures_are_decoded_where_nothing_can_be_mended() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 20));
    rig.prepare().store();
    let mut pixels = fs::read(rig.file("pixels")).unwrap();
    for slot in [3, 8, 30] {
        pixels[slot * SQUARE + 5] ^= 1;
    }
    fs::write(rig.file("pixels"), pixels).unwrap();
    block(&rig);
    // Another split has to look at some of them.
    rig.config.split_seed = 11;
    let (outcome, _) = with_memory(&rig, 100);
    rig.assert_right(&outcome.store.unwrap().unwrap());
}

#[test]
fn a_preparation_that_must_be_kept_says_why_it_cannot() {
    let rig = Rig::pets();
    rig.prepare().store();
    block(&rig);
    rewrite(&rig, "train/ant/x.png", &patterned(100));
    let dataset = open(&rig.config).unwrap();
    let outcome = prepared(dataset, &rig.cabinet(), |how| Preparation { or_in_memory: false, ..how });
    let error = outcome.store.err().expect("nothing can be kept").to_string();
    assert!(error.contains("cannot be kept in") && error.contains("set data.cache_dir"), "{error}");
}
