//! Files that are cut, changed, old or of somebody else are noticed and made anew or mended, never trusted.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use alexnet_lab::data::{Preparation, Report, Split, Verified, Watch, open, prepare};

use super::super::png;
use super::sharing::how;
use super::{Passed, Rig, SQUARE, decoded, prepared};

fn flip(path: &Path, place: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[place] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Damages a sound store, prepares, and expects a sound one; returns how many pictures that decoded.
#[track_caller]
fn recovers(what: &str, damage: impl FnOnce(&Rig)) -> (usize, Vec<String>) {
    let rig = Rig::pets();
    rig.prepare().store();
    let sound = rig.bytes();
    damage(&rig);
    let outcome = rig.prepare();
    let notes = outcome.notes.clone();
    let store = outcome.store();
    rig.assert_right(&store);
    let count = decoded(&store);
    drop(store);
    let again = rig.prepare().store();
    assert_eq!(decoded(&again), 0, "{what}: the store is whole again");
    rig.assert_right(&again);
    let mended = rig.bytes();
    assert!(mended["pixels"] == sound["pixels"], "{what}: the pictures lie where they lay");
    // Where a part was made anew, its records stand behind the others.
    if matches!(count, 0 | 26) {
        assert!(mended == sound, "{what}: the store is what it was");
    }
    (count, notes)
}

#[test]
fn an_index_cut_anywhere() {
    let length = {
        let rig = Rig::pets();
        rig.prepare().store();
        fs::metadata(rig.file("index")).unwrap().len()
    };
    for cut in (0..length).step_by(61).chain([length - 1]) {
        let (count, _) = recovers(&format!("cut to {cut}"), |rig| {
            fs::File::options().write(true).open(rig.file("index")).unwrap().set_len(cut).unwrap();
        });
        assert_eq!(count, 26, "cut to {cut}");
    }
}

#[test]
fn a_byte_of_the_index_changed() {
    let rig = Rig::pets();
    rig.prepare().store();
    let length = fs::metadata(rig.file("index")).unwrap().len() as usize;
    for place in (0..length).step_by(53) {
        let (count, _) = recovers(&format!("byte {place}"), |rig| flip(&rig.file("index"), place));
        assert_eq!(count, 26, "byte {place}");
    }
}

#[test]
fn bytes_behind_the_index_are_overlooked() {
    let (count, _) = recovers("half a block", |rig| {
        let mut bytes = fs::read(rig.file("index")).unwrap();
        bytes.extend([7; 30]);
        fs::write(rig.file("index"), bytes).unwrap();
        // The next preparation has something to do, and so puts the index in order.
        fs::remove_file(rig.file("pixels")).unwrap();
    });
    assert_eq!(count, 24);
}

#[test]
fn pixels_cut_or_gone() {
    for (left, expected) in [(0, 24), (1, 24), (SQUARE, 23), (10 * SQUARE + 5, 14), (24 * SQUARE - 1, 1)] {
        let (count, _) = recovers(&format!("cut to {left}"), |rig| {
            fs::File::options().write(true).open(rig.file("pixels")).unwrap().set_len(left as u64).unwrap();
        });
        assert_eq!(count, expected, "cut to {left}");
    }
    let (count, _) = recovers("removed", |rig| fs::remove_file(rig.file("pixels")).unwrap());
    assert_eq!(count, 24);
}

#[test]
fn a_byte_of_a_picture_changed_is_mended_when_it_is_read() {
    let rig = Rig::pets();
    rig.prepare().store();
    let sound = rig.bytes();
    for place in [0, SQUARE + 3, 24 * SQUARE - 1] {
        flip(&rig.file("pixels"), place);
        let store = rig.prepare().store();
        assert_eq!(decoded(&store), 0, "nobody has looked yet");
        rig.assert_right(&store);
        assert!(rig.bytes() == sound, "byte {place}");
    }
    // Asked to look, the preparation itself finds it.
    flip(&rig.file("pixels"), 5 * SQUARE);
    flip(&rig.file("pixels"), 23 * SQUARE);
    let checked =
        prepared(open(&rig.config).unwrap(), &rig.cabinet(), |how| Preparation { check: true, ..how });
    let checked = checked.store();
    let expected = Verified { compared: 24, damaged: 2, differing: 0, unread: 0 };
    assert_eq!((decoded(&checked), checked.kept().unwrap().verified()), (26, Some(expected)));
    rig.assert_right(&checked);
    assert!(rig.bytes() == sound);
}

#[test]
fn a_small_store_in_memory_is_trusted_no_more_than_its_file() {
    let rig = Rig::pets();
    rig.prepare().store();
    let sound = rig.bytes();
    flip(&rig.file("pixels"), 7 * SQUARE + 1);
    let in_memory =
        prepared(open(&rig.config).unwrap(), &rig.cabinet(), |how| Preparation { memory: 1 << 20, ..how })
            .store();
    rig.assert_right(&in_memory);
    assert!(rig.bytes() == sound, "the file is mended too");
    fs::remove_file(rig.file("pixels")).unwrap();
    rig.assert_right(&in_memory);
}

/// What happens to a file.
type Damage = fn(&Path);

#[test]
fn statistics_cut_changed_or_gone_are_added_up_again() {
    let statistics = |rig: &Rig| {
        let name = rig.bytes().into_keys().find(|name| name.starts_with("statistics-"));
        rig.file(&name.expect("they are kept"))
    };
    let damages: [(&str, Damage); 4] = [
        ("cut", |path| fs::File::options().write(true).open(path).unwrap().set_len(100).unwrap()),
        ("changed", |path| flip(path, 300)),
        ("of another version", |path| flip(path, 8)),
        ("gone", |path| fs::remove_file(path).unwrap()),
    ];
    for (what, damage) in damages {
        let (count, _) = recovers(what, |rig| damage(&statistics(rig)));
        assert_eq!(count, 0, "{what}: the pictures are all there");
    }
}

#[test]
fn an_older_version_and_foreign_files_are_made_anew() {
    let (count, notes) = recovers("older", |rig| flip(&rig.file("index"), 8));
    assert_eq!(count, 26);
    assert!(notes[0].contains("another version of this program; they are made anew"), "{notes:?}");
    let foreign: [(&str, &[u8]); 3] = [
        ("empty", b""),
        ("text", b"milk, eggs, bread and a long list of other things"),
        ("zeros", &[0; 5000]),
    ];
    for (what, bytes) in foreign {
        let (count, notes) = recovers(what, |rig| fs::write(rig.file("index"), bytes).unwrap());
        assert_eq!(count, 26, "{what}");
        assert!(notes[0].contains("made anew"), "{what}: {notes:?}");
    }
}

#[test]
fn the_files_of_another_store_are_not_taken_for_its_own() {
    let other = Rig::new(&super::super::class_files("train", &["ant", "bee"], 9));
    other.prepare().store();
    let (count, notes) = recovers("another source's index", |rig| {
        fs::copy(other.file("index"), rig.file("index")).unwrap();
    });
    assert_eq!(count, 26);
    assert!(notes[0].contains("another source"), "{notes:?}");
    // Its pixels alone: every checksum is wrong.
    let rig = Rig::pets();
    rig.prepare().store();
    let (sound, length) = (rig.bytes(), 24 * SQUARE);
    fs::write(rig.file("pixels"), vec![0x55; length]).unwrap();
    let store = rig.prepare().store();
    rig.assert_right(&store);
    assert!(rig.bytes() == sound);
}

#[test]
fn a_folder_where_a_file_should_be_leaves_the_run_to_memory() {
    let rig = Rig::pets();
    rig.prepare().store();
    let index = rig.file("index");
    fs::remove_file(&index).unwrap();
    fs::create_dir(&index).unwrap();
    let outcome = rig.prepare();
    assert!(outcome.warnings[0].contains("This run goes on without"), "{:?}", outcome.warnings);
    let store = outcome.store.unwrap().unwrap();
    assert!(store.kept().is_none());
    rig.assert_right(&store);
}

fn compared(rig: &Rig) -> (super::Outcome, Vec<String>) {
    let outcome =
        prepared(open(&rig.config).unwrap(), &rig.cabinet(), |how| Preparation { check: true, ..how });
    let notes = outcome.notes.clone();
    (outcome, notes)
}

#[test]
fn a_comparison_with_the_source_finds_what_no_time_and_no_checksum_shows() {
    let rig = Rig::pets();
    rig.prepare().store();
    let sound = rig.bytes();
    let (outcome, notes) = compared(&rig);
    assert_eq!(notes, ["all 26 pictures are decoded again and compared with what is kept of them"]);
    assert_eq!(outcome.progress.last(), Some(&(26, 26)));
    let store = outcome.store();
    let verified = store.kept().unwrap().verified().unwrap();
    assert_eq!(verified, Verified { compared: 24, ..Verified::default() });
    drop(store);
    assert!(rig.bytes() == sound, "nothing is written where nothing is wrong");

    // Another picture under the old time and length, and one that is none any more.
    let forge = |name: &str, mut bytes: Vec<u8>| {
        let path = rig.source.path(name);
        let before = fs::metadata(&path).unwrap();
        assert!((bytes.len() as u64) < before.len());
        bytes.resize(before.len() as usize, 0);
        fs::write(&path, &bytes).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
    };
    forge("train/ant/004.png", png(2, 2, [9, 90, 9]));
    forge("val/ant/001.png", b"no picture any more".to_vec());
    assert_eq!(decoded(&rig.prepare().store()), 0, "nothing shows");
    let (outcome, _) = compared(&rig);
    let store = outcome.store();
    let verified = store.kept().unwrap().verified().unwrap();
    assert_eq!(verified, Verified { compared: 24, differing: 2, ..Verified::default() });
    rig.assert_right(&store);
    assert_eq!(store.refused().len(), 3);
    drop(store);
    let again = rig.prepare().store();
    assert_eq!(decoded(&again), 0);
    rig.assert_right(&again);
}

#[test]
fn a_comparison_leaves_what_cannot_be_read_now_as_it_is() {
    let rig = Rig::pets();
    rig.prepare().store();
    let sound = rig.bytes();
    // Gone after the fingerprints were taken, as a network drive goes.
    let gone = rig.source.path("train/ant/003.png");
    let (bytes, time) = (fs::read(&gone).unwrap(), fs::metadata(&gone).unwrap().modified().unwrap());
    let tell = |report: Report| {
        if matches!(report, Report::Note(_)) {
            fs::remove_file(&gone).unwrap();
        }
    };
    let (none, cabinet) = (AtomicBool::new(false), rig.cabinet());
    let how =
        Preparation { check: true, ..how(&cabinet, Watch { tell: &tell, cancel: &none, pause: &none }) };
    let store = prepare(open(&rig.config).unwrap(), &how).unwrap().unwrap();
    let verified = store.kept().unwrap().verified().unwrap();
    assert_eq!(verified, Verified { compared: 23, unread: 1, ..Verified::default() });
    assert_eq!(store.refused().len(), 2);
    drop(store);
    assert!(rig.bytes() == sound);
    fs::write(&gone, bytes).unwrap();
    fs::File::options().write(true).open(&gone).unwrap().set_modified(time).unwrap();
    assert_eq!(decoded(&rig.prepare().store()), 0);
}

#[test]
fn a_mended_picture_is_decoded_once_where_it_cannot_be_put_back() {
    let rig = Rig::pets();
    rig.prepare().store();
    for in_memory in [true, false] {
        flip(&rig.file("pixels"), 7 * SQUARE + 1);
        let dataset = Passed::open(&rig.config);
        let memory = if in_memory { 1 << 20 } else { 0 };
        let store = prepared(dataset.clone(), &rig.cabinet(), |how| Preparation { memory, ..how }).store();
        if !in_memory {
            // Nobody can open it to write any more, but it can still be read.
            let (pixels, aside) = (rig.file("pixels"), rig.folder().join("aside"));
            fs::rename(&pixels, &aside).unwrap();
            fs::create_dir(&pixels).unwrap();
        }
        for round in [1, 0, 0] {
            rig.assert_right(&store);
            assert_eq!(dataset.reads(), round, "in memory: {in_memory}");
        }
        assert_eq!(store.len(Split::Train), 18);
    }
}
