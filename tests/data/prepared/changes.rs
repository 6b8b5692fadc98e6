//! What has changed is decoded again, and nothing else.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Preparation, Report, Split, Watch, open, prepare};

use super::super::class_files;
use super::super::makers::{packed, zip_of};
use super::sharing::how;
use super::{Rig, SQUARE, decoded, patterned, pets, prepared};

/// Writes a file whose time differs from the one before, even on a coarse clock.
pub fn rewrite(rig: &Rig, name: &str, bytes: &[u8]) {
    let path = rig.source.path(name);
    fs::write(&path, bytes).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(10)).unwrap();
}

#[test]
fn one_file_changed_added_or_removed() {
    let rig = Rig::pets();
    rig.prepare().store();

    rewrite(&rig, "train/ant/003.png", &patterned(200));
    let changed = rig.prepare().store();
    assert_eq!(decoded(&changed), 1);
    rig.assert_right(&changed);
    drop(changed);
    assert_eq!(rig.bytes()["pixels"].len(), 24 * SQUARE, "the new picture lies where the old one lay");

    rewrite(&rig, "train/bee/letter.png", &patterned(201));
    let mended = rig.prepare().store();
    assert_eq!(decoded(&mended), 1, "a file that was refused is a picture now");
    rig.assert_right(&mended);

    rewrite(&rig, "val/bee/new.png", &patterned(202));
    let added = rig.prepare().store();
    assert_eq!(decoded(&added), 1);
    rig.assert_right(&added);
    drop((added, mended));

    fs::remove_file(rig.source.path("train/ant/000.png")).unwrap();
    fs::remove_file(rig.source.path("val/ant/page.jpg")).unwrap();
    let removed = rig.prepare().store();
    assert_eq!(decoded(&removed), 0);
    rig.assert_right(&removed);
    drop(removed);
    rewrite(&rig, "train/ant/zzz.png", &patterned(203));
    let replaced = rig.prepare().store();
    assert_eq!(decoded(&replaced), 1);
    rig.assert_right(&replaced);
    assert_eq!(
        rig.bytes()["pixels"].len(),
        26 * SQUARE,
        "a picture that is gone leaves its place to the next"
    );
}

#[test]
fn a_picture_that_is_being_read_is_never_overwritten() {
    let rig = Rig::pets();
    let reader = rig.prepare().store();
    let before: Vec<u8> = reader.pixels(Split::Train, 3).unwrap().into_owned();
    rewrite(&rig, "train/ant/003.png", &patterned(200));
    let changed = rig.prepare().store();
    assert_eq!(decoded(&changed), 1);
    rig.assert_right(&changed);
    assert_eq!(
        *reader.pixels(Split::Train, 3).unwrap(),
        before,
        "a run goes on with the picture it began with"
    );
}

#[test]
fn the_same_files_with_other_times_are_decoded_again() {
    let rig = Rig::pets();
    rig.prepare().store();
    let before = rig.bytes();
    for (name, bytes) in pets() {
        rewrite(&rig, &name, &bytes);
    }
    let store = rig.prepare().store();
    assert_eq!(decoded(&store), 26);
    rig.assert_right(&store);
    assert!(rig.bytes()["pixels"] == before["pixels"], "the file does not grow");
}

#[test]
fn another_split_or_limit_decodes_nothing_again() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 20));
    assert_eq!(decoded(&rig.prepare().store()), 40);
    let original = rig.config.clone();
    let others = [
        DataConfig { split_seed: 9, ..original.clone() },
        DataConfig { validation_share: 0.5, ..original.clone() },
        DataConfig { max_per_class: 3, ..original.clone() },
        original,
    ];
    for config in others {
        let whole = config.max_per_class == 0;
        rig.config = config;
        let store =
            prepared(open(&rig.config).unwrap(), &rig.cabinet(), |how| Preparation { whole, ..how }).store();
        assert_eq!(decoded(&store), 0, "{:?}", rig.config);
        rig.assert_right(&store);
    }
}

#[test]
fn what_a_limit_left_out_is_added_later() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 20));
    fn limited(how: Preparation) -> Preparation {
        Preparation { whole: false, ..how }
    }
    rig.config.max_per_class = 3;
    let few = prepared(open(&rig.config).unwrap(), &rig.cabinet(), limited).store();
    assert_eq!(decoded(&few), 6 + 8);
    rig.assert_right(&few);
    rig.config.max_per_class = 0;
    let all = rig.prepare().store();
    assert_eq!(decoded(&all), 26);
    rig.assert_right(&all);
    rig.config.max_per_class = 3;
    let few = prepared(open(&rig.config).unwrap(), &rig.cabinet(), limited).store();
    assert_eq!(decoded(&few), 0);
}

#[test]
fn statistics_are_kept_for_each_split() {
    let mut rig = Rig::new(&class_files("", &["ant", "bee"], 20));
    for (seed, is_first) in [(0, true), (1, true), (0, false), (1, false)] {
        rig.config.split_seed = seed;
        let outcome = rig.prepare();
        assert_eq!(!outcome.progress.is_empty(), is_first, "seed {seed}: the pictures are added up once");
        rig.assert_right(&outcome.store());
    }
    assert_eq!(rig.bytes().keys().filter(|name| name.starts_with("statistics-")).count(), 2);
    for seed in 2..20 {
        rig.config.split_seed = seed;
        rig.prepare().store();
    }
    assert_eq!(rig.bytes().keys().filter(|name| name.starts_with("statistics-")).count(), 8);
}

#[test]
fn a_zip_that_was_added_to_costs_what_was_added_and_a_new_tar_everything() {
    let files = pets();
    for (kind, bytes) in packed(&files) {
        let rig = Rig::new(&[("a".into(), bytes)]);
        let rig = Rig {
            config: DataConfig { source: rig.source.path("a").display().to_string(), ..rig.config.clone() },
            ..rig
        };
        rig.prepare().store();
        let mut more = files.clone();
        more.push(("train/ant/zzz.png".into(), patterned(99)));
        let (bytes, expected) = match kind {
            "zip" => (zip_of(&more), 1),
            _ => (packed(&more).into_iter().find(|(other, _)| *other == kind).unwrap().1, 27),
        };
        rewrite(&rig, "a", &bytes);
        let store = rig.prepare().store();
        assert_eq!(decoded(&store), expected, "{kind}");
        rig.assert_right(&store);
    }
}

#[test]
fn what_there_is_to_do_is_told_as_it_is() {
    let rig = Rig::pets();
    assert_eq!(rig.prepare().notes, Vec::<String>::new());
    assert_eq!(rig.prepare().notes, Vec::<String>::new());
    rewrite(&rig, "val/bee/new.png", &patterned(202));
    assert_eq!(rig.prepare().notes, ["1 new picture of 27"]);
    rewrite(&rig, "val/bee/newer.png", &patterned(203));
    rewrite(&rig, "train/ant/001.png", &patterned(204));
    rewrite(&rig, "train/ant/002.png", &patterned(205));
    assert_eq!(rig.prepare().notes, ["1 new, 2 changed pictures of 28"]);
    let pixels = fs::File::options().write(true).open(rig.file("pixels")).unwrap();
    pixels.set_len(25 * SQUARE as u64).unwrap();
    let outcome = rig.prepare();
    assert_eq!(outcome.notes, ["1 damaged picture of 28"]);
    rig.assert_right(&outcome.store());
}

#[test]
fn what_changes_while_it_is_prepared_is_decoded_again_the_next_time() {
    let rig = Rig::pets();
    let first = AtomicBool::new(true);
    // The fingerprints were taken before; the pictures are read afterwards.
    let tell = |report| {
        if matches!(report, Report::Progress { .. }) && first.swap(false, Ordering::Relaxed) {
            rewrite(&rig, "train/ant/003.png", &patterned(200));
            fs::rename(rig.source.path("train/ant/004.png"), rig.source.path("aside")).unwrap();
        }
    };
    let (none, cabinet) = (AtomicBool::new(false), rig.cabinet());
    let how = how(&cabinet, Watch { tell: &tell, cancel: &none, pause: &none });
    let store = prepare(open(&rig.config).unwrap(), &how).unwrap().unwrap();
    let gone = store.refused().iter().find(|file| file.name == "train/ant/004.png").unwrap();
    assert_eq!(gone.reason, "there is no such file");
    drop(store);
    fs::rename(rig.source.path("aside"), rig.source.path("train/ant/004.png")).unwrap();
    let second = rig.prepare().store();
    assert_eq!(decoded(&second), 2, "the one that has changed and the one that was away");
    rig.assert_right(&second);
    drop(second);
    assert_eq!(decoded(&rig.prepare().store()), 0);
}
