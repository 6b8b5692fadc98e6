//! Several programs at one store, removing stores, and folders that cannot be written.

use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alexnet_lab::data::{
    Cabinet, Fault, PictureStore, Preparation, Removal, Report, Split, Watch, open, prepare,
};

use super::super::{Scripted, class_files, numbered};
use super::{Passed, Rig, SIDE, decoded, prepared};

#[test]
fn of_two_at_once_one_works_and_the_other_waits() {
    let rig = Rig::new(&[]);
    let slow = Scripted::new(20, 4, |_, index, side| {
        std::thread::sleep(Duration::from_millis(80));
        Ok(numbered(index, side))
    });
    let dataset = Passed::claimed(rig.source.root(), Fault::Picture, slow);
    let together = Barrier::new(2);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            together.wait();
            prepared(dataset.clone(), &rig.cabinet(), |how| how)
        };
        let threads = [scope.spawn(start), scope.spawn(start)];
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let notes: Vec<String> = outcomes.iter().flat_map(|outcome| outcome.notes.clone()).collect();
    assert_eq!(notes, ["waiting for another AlexNet Lab, which prepares the same pictures"]);
    let stores: Vec<PictureStore> = outcomes.into_iter().map(super::Outcome::store).collect();
    assert_eq!(stores.iter().map(decoded).sum::<usize>(), 24, "every picture is decoded once");
    super::assert_equal(&stores[0], &stores[1]);
}

#[test]
fn waiting_can_be_cancelled() {
    let rig = Rig::new(&[]);
    let (started, finish) = (Barrier::new(2), AtomicBool::new(false));
    let slow = Scripted::new(20, 4, |_, index, side| Ok(numbered(index, side)));
    let dataset = Passed::claimed(rig.source.root(), Fault::Picture, slow);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let first = AtomicBool::new(true);
            // Holds the store until the other has been told to stop.
            let tell = |_| {
                if first.swap(false, Ordering::Relaxed) {
                    started.wait();
                    while !finish.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            };
            let none = AtomicBool::new(false);
            let cabinet = rig.cabinet();
            prepare(dataset.clone(), &how(&cabinet, Watch { tell: &tell, cancel: &none, pause: &none }))
        });
        started.wait();
        let (cancel, pause) = (AtomicBool::new(false), AtomicBool::new(false));
        let tell = |report| {
            assert!(matches!(report, Report::Note(_)));
            cancel.store(true, Ordering::Relaxed);
        };
        let cabinet = rig.cabinet();
        let watch = Watch { tell: &tell, cancel: &cancel, pause: &pause };
        assert!(prepare(dataset.clone(), &how(&cabinet, watch)).unwrap().is_none());
        finish.store(true, Ordering::Relaxed);
        assert!(worker.join().unwrap().unwrap().is_some());
    });
}

pub fn how<'a>(cabinet: &'a Cabinet, watch: Watch<'a>) -> Preparation<'a> {
    Preparation {
        side: SIDE,
        threads: 1,
        memory: 0,
        cabinet: Some(cabinet),
        whole: true,
        check: false,
        or_in_memory: false,
        watch,
    }
}

#[test]
fn a_pause_holds_the_work_up() {
    for on_disk in [true, false] {
        let rig = Rig::new(&[]);
        let numbered = Scripted::new(300, 20, |_, index, side| Ok(numbered(index, side)));
        let dataset = Passed::claimed(rig.source.root(), Fault::Picture, numbered);
        let (cancel, pause) = (AtomicBool::new(false), AtomicBool::new(false));
        let done = std::sync::atomic::AtomicUsize::new(0);
        let tell = |report| {
            if let Report::Progress { done: now, .. } = report {
                done.store(now, Ordering::Relaxed);
                if now == 10 {
                    pause.store(true, Ordering::Relaxed);
                }
            }
        };
        let cabinet = rig.cabinet();
        let watch = Watch { tell: &tell, cancel: &cancel, pause: &pause };
        let how = Preparation { cabinet: on_disk.then_some(&cabinet), ..how(&cabinet, watch) };
        std::thread::scope(|scope| {
            let work = scope.spawn(|| prepare(dataset.clone(), &how).unwrap().unwrap());
            while !pause.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(2));
            }
            std::thread::sleep(Duration::from_millis(150));
            assert_eq!(done.load(Ordering::Relaxed), 10, "on disk: {on_disk}");
            if on_disk {
                assert_eq!(cabinet.list()[0].pictures, 10, "what was done before the pause is safe");
            }
            pause.store(false, Ordering::Relaxed);
            assert_eq!(work.join().unwrap().len(Split::Train), 300);
        });
    }
}

#[test]
fn what_is_in_use_is_not_removed_and_what_is_not_ours_neither() {
    let rig = Rig::pets();
    let store = rig.prepare().store();
    let stored = rig.cabinet().list().remove(0);
    assert_eq!((stored.side, stored.pictures, stored.refused, stored.in_use), (SIDE, 24, 2, true));
    assert_eq!(stored.source, rig.source.root().canonicalize().unwrap().display().to_string());
    let on_disk: u64 =
        fs::read_dir(&stored.folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert_eq!(stored.bytes, on_disk);
    assert_eq!(rig.cabinet().remove(&stored).unwrap(), Removal::InUse);
    rig.assert_right(&store);
    drop(store);
    assert!(!rig.cabinet().list()[0].in_use);

    fs::write(stored.folder.join("thesis.txt"), "do not lose").unwrap();
    fs::create_dir_all(rig.cabinet().folder.join("holiday")).unwrap();
    fs::write(rig.cabinet().folder.join("holiday/beach.jpg"), "x").unwrap();
    assert_eq!(rig.cabinet().list().len(), 1, "a folder of somebody else is no store");
    assert_eq!(rig.cabinet().remove(&stored).unwrap(), Removal::Removed);
    let left: Vec<_> =
        fs::read_dir(&stored.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.txt"]);
    assert!(rig.cabinet().folder.join("holiday/beach.jpg").exists());
    assert!(rig.cabinet().list().is_empty());
    rig.assert_right(&rig.prepare().store());
}

#[test]
fn a_limit_removes_what_was_not_used_for_longest() {
    let cache = tempfile::tempdir().unwrap();
    let cabinet = |limit| Cabinet { folder: cache.path().join("prepared"), limit };
    let rigs: Vec<Rig> =
        (2..6).map(|count| Rig::new(&class_files("train", &["a", "b"], count * 2))).collect();
    let make = |rig: &Rig, limit: u64| prepared(open(&rig.config).unwrap(), &cabinet(limit), |how| how);
    let mut sizes = Vec::new();
    for rig in &rigs[..3] {
        make(rig, u64::MAX).store();
        sizes.push(cabinet(0).list().last().unwrap().bytes);
        // File times may be coarse.
        std::thread::sleep(Duration::from_millis(20));
    }
    // The first is used again, so the second is the oldest now.
    let in_use = make(&rigs[0], u64::MAX).store();
    let sources = || -> Vec<String> { cabinet(0).list().into_iter().map(|stored| stored.source).collect() };
    let source = |rig: &Rig| rig.source.root().canonicalize().unwrap().display().to_string();
    assert_eq!(sources(), [source(&rigs[1]), source(&rigs[2]), source(&rigs[0])]);
    let needed = 20 * super::SQUARE as u64;
    make(&rigs[3], sizes[0] + sizes[2] + needed).store();
    assert_eq!(sources(), [source(&rigs[2]), source(&rigs[0]), source(&rigs[3])]);
    // One in use stays, even if that means to do without the new one.
    let fourth = cabinet(0).list().last().unwrap().clone();
    cabinet(0).remove(&fourth).unwrap();
    let outcome = make(&rigs[3], sizes[0] + needed - 1);
    assert!(outcome.warnings[0].contains("set data.prepared_gib higher"), "{:?}", outcome.warnings);
    assert!(outcome.store.unwrap().unwrap().kept().is_none());
    assert!(sources().contains(&source(&rigs[0])));
    drop(in_use);
}

#[test]
fn a_folder_that_cannot_be_made_leaves_the_run_to_memory() {
    let rig = Rig::pets();
    let cabinet = Cabinet { folder: rig.source.path("train/ant/000.png").join("prepared"), limit: u64::MAX };
    let outcome = prepared(open(&rig.config).unwrap(), &cabinet, |how| how);
    assert!(outcome.warnings[0].contains("set data.cache_dir"), "{:?}", outcome.warnings);
    rig.assert_right(&outcome.store.unwrap().unwrap());
    let strict =
        prepared(open(&rig.config).unwrap(), &cabinet, |how| Preparation { or_in_memory: false, ..how });
    let error = strict.store.err().expect("nothing can be kept").to_string();
    assert!(error.contains("000.png/prepared") && error.contains("set data.cache_dir"), "{error}");
}

#[test]
fn a_store_that_is_removed_again_and_again_is_made_again_each_time() {
    let rig = Rig::pets();
    // In a cache of its own: nobody else is to hold the store.
    let apart = rig.with_empty_cache();
    let reference = apart.prepare().store();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let cleaner = scope.spawn(|| {
            let mut removed = 0;
            while !done.load(Ordering::Relaxed) {
                for stored in rig.cabinet().list() {
                    let removal = rig.cabinet().remove(&stored).expect("it can be removed or is in use");
                    removed += usize::from(removal == Removal::Removed);
                }
            }
            removed
        });
        let makers = [0, 1].map(|_| {
            scope.spawn(|| {
                for _ in 0..25 {
                    let store = rig.prepare().store();
                    super::assert_equal(&store, &reference);
                }
            })
        });
        let made: Vec<_> = makers.into_iter().map(|maker| maker.join()).collect();
        done.store(true, Ordering::Relaxed);
        let removed = cleaner.join().unwrap();
        made.into_iter().for_each(|made| made.unwrap());
        assert!(removed > 0, "nothing was removed in between");
    });
}

#[test]
fn places_of_pictures_that_are_gone_need_no_more_room() {
    let rig = Rig::pets();
    rig.prepare().store();
    let room = rig.cabinet().list()[0].bytes + 2000;
    let tight = Cabinet { limit: room, ..rig.cabinet() };
    let make = || prepared(open(&rig.config).unwrap(), &tight, |how| how);
    for number in 0..8 {
        super::changes::rewrite(&rig, &format!("train/ant/00{number}.png"), &super::patterned(100 + number));
    }
    let changed = make().store();
    assert_eq!(decoded(&changed), 8);
    rig.assert_right(&changed);
    // Somebody reads the places now, so as many new ones are needed.
    super::changes::rewrite(&rig, "train/bee/000.png", &super::patterned(120));
    for number in 0..20 {
        super::changes::rewrite(
            &rig,
            &format!("train/bee/x{number:02}.png"),
            &super::patterned(130 + number),
        );
    }
    let outcome = make();
    assert!(outcome.warnings[0].contains("set data.prepared_gib higher"), "{:?}", outcome.warnings);
    assert!(
        outcome.warnings[0].contains("goes on with 25 of 46 pictures that are there"),
        "{:?}",
        outcome.warnings
    );
    rig.assert_right(&outcome.store.unwrap().unwrap());
}
