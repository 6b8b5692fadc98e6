//! The loader: the same batches for any number of threads, complete epochs, and an end that comes at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alexnet_lab::data::augment::{Placement, random_placement};
use alexnet_lab::data::{HostBatch, Loader, Next, PictureStore, Split, TrainPlan, planes};

use super::{Scripted, numbered, store_of};

const WAIT: Duration = Duration::from_secs(120);

fn plan() -> TrainPlan {
    TrainPlan {
        batch: 8,
        crop: 6,
        augment: true,
        colour: false,
        seed: 3,
        epochs: 3,
        first_batch: 0,
        threads: 2,
    }
}

fn small_store(budget: usize) -> Arc<PictureStore> {
    Arc::new(store_of(Scripted::new(45, 21, |_, index, side| Ok(numbered(index, side))), 8, budget, 2))
}

fn all(loader: &Loader) -> Vec<HostBatch> {
    let mut batches = Vec::new();
    loop {
        match loader.recv_timeout(WAIT) {
            Next::Batch(batch) => batches.push(batch),
            Next::End => return batches,
            other => panic!("{other:?} after {} batches", batches.len()),
        }
    }
}

/// The pictures of a batch: a numbered picture tells its index in every red pixel.
fn indices(batch: &HostBatch) -> Vec<u8> {
    let pictures: Vec<&[u8]> = batch.pixels.chunks(3 * 64).collect();
    assert!(pictures.iter().all(|picture| picture[..64] == [picture[0]; 64]), "pictures are mixed up");
    pictures.into_iter().map(|picture| picture[0]).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_batches() {
    let reference = all(&Loader::train(small_store(usize::MAX), TrainPlan { threads: 1, ..plan() }).unwrap());
    for (threads, budget) in [(4, usize::MAX), (3, 2000), (16, 0), (0, usize::MAX)] {
        let batches = all(&Loader::train(small_store(budget), TrainPlan { threads, ..plan() }).unwrap());
        assert!(batches == reference, "{threads} threads, budget {budget}");
    }
    let other = all(&Loader::train(small_store(usize::MAX), TrainPlan { seed: 4, ..plan() }).unwrap());
    assert!(other != reference, "another seed gives another run");
}

#[test]
fn every_epoch_shows_every_picture_once() {
    let store = small_store(usize::MAX);
    let batches = all(&Loader::train(store.clone(), plan()).unwrap());
    assert_eq!(batches.len(), 3 * 6);
    let mut orders = Vec::new();
    for (epoch, of_epoch) in batches.chunks(6).enumerate() {
        let sizes: Vec<usize> = of_epoch.iter().map(|b| b.labels.len()).collect();
        assert_eq!(sizes, [8, 8, 8, 8, 8, 5]);
        let ends: Vec<bool> = of_epoch.iter().map(|b| b.ends_epoch).collect();
        assert_eq!(ends, [false, false, false, false, false, true]);
        let shown: Vec<u8> = of_epoch.iter().flat_map(indices).collect();
        let mut sorted = shown.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..45).collect::<Vec<u8>>());
        for (k, batch) in of_epoch.iter().enumerate() {
            assert_eq!((batch.seq, batch.epoch), ((epoch * 6 + k) as u64, epoch));
            let expected: Vec<u32> = indices(batch).iter().map(|&i| u32::from(i % 2)).collect();
            assert_eq!(batch.labels, expected, "labels go with their pictures");
        }
        orders.push(shown);
    }
    assert!(orders[0] != orders[1] && orders[1] != orders[2], "each epoch has its own order");
}

#[test]
fn pictures_come_whole_with_the_crop_that_chance_gives_them() {
    let batches = all(&Loader::train(small_store(usize::MAX), TrainPlan { epochs: 20, ..plan() }).unwrap());
    let mut seen = std::collections::HashSet::new();
    for batch in &batches {
        assert_eq!(batch.placements.len(), batch.labels.len());
        let pictures = batch.pixels.chunks(3 * 64).zip(&batch.placements);
        for ((picture, placement), index) in pictures.zip(indices(batch)) {
            assert_eq!(picture, planes(&numbered(index.into(), 8)));
            assert_eq!(*placement, random_placement(3, batch.epoch, index.into(), 8, 6));
            seen.insert((placement.left, placement.top, placement.flip));
        }
    }
    assert_eq!(seen.len(), 3 * 3 * 2, "all offsets and both mirrorings occur");
}

#[test]
fn without_augmentation_the_centre_is_seen() {
    let batches =
        all(&Loader::train(small_store(usize::MAX), TrainPlan { augment: false, ..plan() }).unwrap());
    let centre = Placement { left: 1, top: 1, flip: false };
    assert!(batches.iter().flat_map(|batch| &batch.placements).all(|placement| *placement == centre));
}

#[test]
fn batches_that_come_back_are_filled_again() {
    let store = small_store(usize::MAX);
    let fresh = all(&Loader::train(store.clone(), plan()).unwrap());
    let loader = Loader::train(store, plan()).unwrap();
    let mut memory = std::collections::HashSet::new();
    for wanted in &fresh {
        let Next::Batch(mut batch) = loader.recv_timeout(WAIT) else { panic!("the loader ended early") };
        assert!(batch == *wanted, "batch {} differs in memory that was used before", wanted.seq);
        memory.insert(batch.pixels.as_ptr());
        batch.pixels.fill(255);
        loader.reuse(batch);
    }
    assert_eq!(loader.recv_timeout(WAIT), Next::End);
    // Two threads and twice as many batches ahead, one in the hand.
    assert!(memory.len() <= 5, "{} pieces of memory for {} batches", memory.len(), fresh.len());
}

#[test]
fn validation_goes_once_through_in_order() {
    for threads in [1, 4] {
        let batches = all(&Loader::validation(small_store(3000), 10, 8, threads).unwrap());
        let shown: Vec<u8> = batches.iter().flat_map(indices).collect();
        assert_eq!(shown, (0..21).collect::<Vec<u8>>());
        assert_eq!(batches.iter().map(|b| b.ends_epoch).collect::<Vec<_>>(), [false, false, true]);
    }
}

#[test]
fn plans_that_cannot_be_kept_are_refused() {
    for bad in
        [TrainPlan { batch: 0, ..plan() }, TrainPlan { crop: 9, ..plan() }, TrainPlan { crop: 0, ..plan() }]
    {
        assert!(Loader::train(small_store(0), bad).is_err());
    }
    let none = Loader::train(small_store(0), TrainPlan { epochs: 0, ..plan() }).unwrap();
    assert_eq!(none.recv_timeout(WAIT), Next::End);
    let huge = TrainPlan { batch: usize::MAX, epochs: 1, ..plan() };
    let batches = all(&Loader::train(small_store(0), huge).unwrap());
    assert_eq!(batches.len(), 1, "a batch larger than the set is the whole set");
}

#[test]
fn dropping_is_prompt_even_when_nothing_was_taken_or_reading_is_slow() {
    let endless = TrainPlan { epochs: 1_000_000, threads: 8, ..plan() };
    let loader = Loader::train(small_store(usize::MAX), endless.clone()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    drop(loader);
    assert!(
        start.elapsed() < crate::support::in_time(Duration::from_secs(1)),
        "full queue: {:?}",
        start.elapsed()
    );

    let slow = Arc::new(AtomicBool::new(false));
    let flag = slow.clone();
    let dataset = Scripted::new(40, 4, move |_, index, side| {
        if flag.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(numbered(index, side))
    });
    let store = Arc::new(store_of(dataset, 8, 0, 2));
    slow.store(true, Ordering::Relaxed);
    let loader = Loader::train(store, TrainPlan { batch: 40, ..endless }).unwrap();
    assert_eq!(loader.recv_timeout(Duration::from_millis(60)), Next::Pending, "waiting ends when asked");
    let start = Instant::now();
    drop(loader);
    assert!(
        start.elapsed() < crate::support::in_time(Duration::from_secs(1)),
        "slow reading: {:?}",
        start.elapsed()
    );
}

#[test]
fn threads_wait_when_they_are_far_enough_ahead() {
    let reads = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = reads.clone();
    let dataset = Scripted::new(1000, 4, move |_, index, side| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(numbered(index, side))
    });
    let store = Arc::new(store_of(dataset, 8, 0, 2));
    reads.store(0, Ordering::Relaxed);
    let loader = Loader::train(store, TrainPlan { epochs: 100, threads: 3, ..plan() }).unwrap();
    let start = Instant::now();
    while reads.load(Ordering::Relaxed) < 2 * 3 * 8 && start.elapsed() < WAIT {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(reads.load(Ordering::Relaxed), 2 * 3 * 8, "two batches of 8 for each of 3 threads, no more");
    drop(loader);
}

/// A store of 32 training pictures outside memory, of which `gone` fail once the switch is on.
fn vanishing(gone: fn(usize) -> bool) -> (Arc<PictureStore>, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let flag = switch.clone();
    let dataset = Scripted::new(32, 4, move |split, index, side| {
        if flag.load(Ordering::Relaxed) && split == Split::Train && gone(index) {
            Err("the file is gone".into())
        } else {
            Ok(numbered(index, side))
        }
    });
    (Arc::new(store_of(dataset, 8, 0, 2)), switch)
}

#[test]
fn pictures_that_vanish_are_left_out_and_told_once() {
    let (store, switch) = vanishing(|index| index % 10 == 5);
    switch.store(true, Ordering::Relaxed);
    let loader = Loader::train(store, TrainPlan { epochs: 3, threads: 3, ..plan() }).unwrap();
    let batches = all(&loader);
    for of_epoch in batches.chunks(4) {
        let mut shown: Vec<u8> = of_epoch.iter().flat_map(indices).collect();
        shown.sort_unstable();
        assert_eq!(shown, (0..32).filter(|i| i % 10 != 5).collect::<Vec<u8>>());
        assert!(of_epoch.iter().all(|b| b.pixels.len() == b.labels.len() * 3 * 64));
        assert!(of_epoch[3].ends_epoch);
    }
    let mut told: Vec<String> =
        loader.warnings().into_iter().map(|w| format!("{}: {}", w.name, w.reason)).collect();
    told.sort();
    assert_eq!(told, ["Train/15", "Train/25", "Train/5"].map(|name| format!("{name}: the file is gone")));
    assert!(loader.warnings().is_empty());
}

#[test]
fn validation_goes_on_without_what_vanished() {
    let gone = Arc::new(AtomicBool::new(false));
    let flag = gone.clone();
    let dataset = Scripted::new(4, 12, move |_, index, side| {
        let vanished = flag.load(Ordering::Relaxed) && (4..9).contains(&index);
        if vanished { Err("the file is gone".into()) } else { Ok(numbered(index, side)) }
    });
    let store = Arc::new(store_of(dataset, 8, 0, 2));
    gone.store(true, Ordering::Relaxed);
    let batches = all(&Loader::validation(store, 4, 8, 2).unwrap());
    let shown: Vec<Vec<u8>> = batches.iter().map(indices).collect();
    assert_eq!(shown, [vec![0, 1, 2, 3], vec![], vec![9, 10, 11]]);
}

#[test]
fn a_source_that_vanished_altogether_ends_the_run_with_its_reason() {
    let (store, switch) = vanishing(|_| true);
    switch.store(true, Ordering::Relaxed);
    let loader = Loader::train(store, plan()).unwrap();
    let Next::Failed(reason) = loader.recv_timeout(WAIT) else { panic!("the loader goes on with nothing") };
    assert!(reason.contains("the file is gone"), "{reason}");
}

#[test]
fn a_decoder_that_panics_costs_its_picture_and_no_more() {
    let switch = Arc::new(AtomicBool::new(false));
    let flag = switch.clone();
    let dataset = Scripted::new(32, 4, move |_, index, side| {
        assert!(!(flag.load(Ordering::Relaxed) && index == 20), "broken on purpose");
        Ok(numbered(index, side))
    });
    let store = Arc::new(store_of(dataset, 8, 0, 2));
    switch.store(true, Ordering::Relaxed);
    let loader = Loader::train(store, TrainPlan { epochs: 1, ..plan() }).unwrap();
    let shown: Vec<u8> = all(&loader).iter().flat_map(indices).collect();
    assert_eq!(shown.len(), 31);
    assert!(!shown.contains(&20));
    let told = loader.warnings();
    assert_eq!(told.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["Train/20"]);
    assert!(told[0].reason.contains("the program failed on this file"), "{}", told[0].reason);
}
