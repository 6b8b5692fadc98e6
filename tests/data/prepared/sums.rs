//! The mean picture and the colours are those of a fresh start to the last bit, and only what has changed is read for
//! them.

use std::fs;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Preparation, open};

use super::super::class_files;
use super::changes::rewrite;
use super::{Rig, decoded, patterned, prepared};

/// Squares read and pictures decoded, as the progress tells: the first report says where it begins.
fn steps(progress: &[(usize, usize)]) -> usize {
    progress.len().saturating_sub(1)
}

#[test]
fn only_what_has_changed_is_read() {
    let rig = Rig::pets();
    assert_eq!(steps(&rig.prepare().progress), 26);
    let expect = |what: &str, read: usize, decode: usize| {
        let outcome = rig.prepare();
        let count = steps(&outcome.progress);
        if let [first, .., last] = outcome.progress[..] {
            assert_eq!((first.0 + read + decode, last.0), (first.1, last.1), "{what}");
        }
        let store = outcome.store();
        assert_eq!((count - decoded(&store), decoded(&store)), (read, decode), "{what}");
        rig.assert_right(&store);
    };
    expect("nothing", 0, 0);
    rewrite(&rig, "train/ant/new.png", &patterned(101));
    expect("a training picture more", 0, 1);
    rewrite(&rig, "val/ant/new.png", &patterned(102));
    expect("a validation picture more", 0, 1);
    rewrite(&rig, "train/bee/004.png", &patterned(103));
    expect("a training picture that has changed", 1, 1);
    rewrite(&rig, "val/bee/001.png", &patterned(104));
    expect("a validation picture that has changed", 0, 1);
    rewrite(&rig, "train/bee/005.png", b"no picture any more");
    expect("a training picture that is none any more", 1, 1);
    fs::remove_file(rig.source.path("train/ant/002.png")).unwrap();
    expect("a training picture less", 1, 0);
    fs::rename(rig.source.path("train/ant/003.png"), rig.source.path("val/ant/003.png")).unwrap();
    expect("a picture to validate that was trained on", 1, 1);
    expect("nothing again", 0, 0);
}

#[test]
fn sums_of_another_split_begin_with_the_nearest_that_is_known() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 40));
    rig.prepare().store();
    for (share, most) in [(0.3, 8), (0.2, 0), (0.25, 4), (0.3, 0)] {
        rig.config.validation_share = share;
        let outcome = rig.prepare();
        assert!(steps(&outcome.progress) <= most, "{share}: {:?}", outcome.progress.len());
        rig.assert_right(&outcome.store());
    }
}

/// A number that looks like chance.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
fn after_any_changes_the_sums_are_those_of_a_fresh_start() {
    for seed in 1..=4_u64 {
        let mut random = seed;
        let mut rig = Rig::new(&class_files("", &["ant", "bee"], 12));
        rig.prepare().store();
        for round in 0..12 {
            for _ in 0..1 + next(&mut random) % 3 {
                let (number, class) = (next(&mut random) % 16, ["ant", "bee"][next(&mut random) % 2]);
                let name = format!("{class}/{number:03}.png");
                let path = rig.source.path(&name);
                match next(&mut random) % 4 {
                    0 if number > 6 => drop(fs::remove_file(&path)),
                    1 if number > 6 => rewrite_at(&rig, &name, b"not a picture", round),
                    _ => rewrite_at(&rig, &name, &patterned(next(&mut random) as u8), round),
                }
            }
            let seeds = [0, 1, 2];
            let config = DataConfig { split_seed: seeds[next(&mut random) % 3], ..rig.config.clone() };
            rig.config = config;
            if next(&mut random).is_multiple_of(3) {
                damage(&rig, next(&mut random));
            }
            let check = next(&mut random).is_multiple_of(5);
            let dataset = open(&rig.config).unwrap();
            let store = prepared(dataset, &rig.cabinet(), |how| Preparation { check, ..how }).store();
            rig.assert_right(&store);
        }
    }
}

/// Another time in each round.
fn rewrite_at(rig: &Rig, name: &str, bytes: &[u8], round: u64) {
    let path = rig.source.path(name);
    fs::write(&path, bytes).unwrap();
    let time = std::time::SystemTime::now() + std::time::Duration::from_secs(10 + round);
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
}

/// Changes a byte of some square.
fn damage(rig: &Rig, number: usize) {
    let path = rig.file("pixels");
    let mut bytes = fs::read(&path).unwrap();
    let place = number % bytes.len();
    bytes[place] ^= 0x21;
    fs::write(&path, bytes).unwrap();
}
