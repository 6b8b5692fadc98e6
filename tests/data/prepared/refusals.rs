//! What cannot be used is remembered with its reason, as long as nothing changes; and no longer.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use alexnet_lab::data::{Fault, Preparation, Split, open};

use super::super::hostile::{everything, timed, zips};
use super::super::makers::{cifar_10, gzip, listed, packed};
use super::super::{Scripted, class_files, numbered};
use super::{Passed, Rig, decoded, pets, prepared};

/// One picture of this archive has other bytes than its checksum says.
fn with_a_wrong_checksum(mut zip: Vec<u8>) -> Vec<u8> {
    let name = b"train/ant/005.png";
    let header = zip.windows(name.len()).position(|part| part == name).expect("the local header comes first");
    zip[header + name.len() + 20] ^= 0x55;
    zip
}

/// Sources with pictures that cannot be used, of every kind there is.
fn sources() -> Vec<(&'static str, Rig)> {
    let mut pets = pets();
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    for (name, bytes) in &mut pets {
        if name == "train/bee/007.png" {
            *bytes = cut(bytes);
        }
    }
    let archive = |name: &str, bytes: Vec<u8>| {
        let mut rig = Rig::new(&[(name.into(), bytes)]);
        rig.config.source = rig.source.path(name).display().to_string();
        rig.config.accept_cut = true;
        rig
    };
    let mut sources = vec![("folder", Rig::new(&pets))];
    for (kind, bytes) in packed(&pets) {
        let bytes = if kind == "zip" { with_a_wrong_checksum(bytes) } else { bytes };
        sources.push((kind, archive(&format!("a.{kind}"), bytes)));
    }
    // The last picture of this archive ends behind it.
    let [_, _, (_, tar)] = packed(&pets);
    let end = tar.iter().rposition(|&byte| byte != 0).unwrap();
    sources.push(("cut tar", archive("a.tar", tar[..end - 40].to_vec())));
    sources.push(("cut tar.gz", archive("a.tar.gz", gzip(&tar[..end - 40]))));
    let list = "image,label\nimages/0.png,cat\nimages/1.png,dog\nimages/2.png,cat\nimages/3.png,dog\nimages/no.png,cat\n";
    let mut rig = Rig::new(&listed(list));
    fs::write(rig.source.path("set/images/2.png"), "no picture").unwrap();
    rig.config.source = rig.source.path("set/labels.csv").display().to_string();
    rig.config.validation_share = 0.5;
    sources.push(("list", rig));
    sources
}

#[test]
fn the_second_start_reads_nothing_and_says_the_same() {
    for (kind, rig) in sources() {
        let first = rig.prepare().store();
        let refused = first.refused().to_vec();
        assert!(refused.len() >= 2, "{kind}: {refused:?}");
        rig.assert_right(&first);
        drop(first);
        let dataset = Passed::open(&rig.config);
        let without = dataset.reads();
        assert_eq!(without, 0);
        let outcome = prepared(dataset.clone(), &rig.cabinet(), |how| how);
        assert_eq!(outcome.notes, Vec::<String>::new(), "{kind}");
        assert_eq!(outcome.progress, [], "{kind}: nothing is added up again");
        let second = outcome.store();
        // A file that is not there costs no reading to find out.
        let missing = refused.iter().filter(|file| file.reason.contains("no such file")).count();
        assert_eq!((decoded(&second), dataset.reads()), (0, missing), "{kind}");
        assert_eq!(second.refused(), refused, "{kind}");
        rig.assert_right(&second);
    }
}

/// Sets the time of a file to one that no other has had.
fn touch(path: &Path, seconds: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn an_archive_that_was_copied_again_is_looked_at_again() {
    let pets = pets();
    let [_, (_, sound), _] = packed(&pets);
    let mut rig = Rig::new(&[("a.zip".into(), with_a_wrong_checksum(sound.clone()))]);
    let path = rig.source.path("a.zip");
    rig.config.source = path.display().to_string();
    let first = rig.prepare().store();
    assert_eq!(first.refused().len(), 3);
    let damaged = first.refused().iter().find(|file| file.name == "train/ant/005.png").unwrap();
    assert!(damaged.reason.contains("the archive is damaged here"), "{damaged:?}");
    drop(first);
    // Its directory is the same to the last byte; only the time of the archive tells.
    fs::write(&path, sound).unwrap();
    touch(&path, 10);
    let second = rig.prepare().store();
    assert_eq!(
        (decoded(&second), second.refused().len()),
        (1, 2),
        "the other two are no pictures, whatever comes"
    );
    rig.assert_right(&second);
}

#[test]
fn a_disk_that_did_not_answer_is_asked_again_and_nothing_else() {
    for (fault, expected) in [(Fault::Picture, (1, 0)), (Fault::Archive, (1, 0)), (Fault::Reading, (0, 1))] {
        let rig = Rig::new(&[]);
        let reads = Arc::new(AtomicUsize::new(0));
        let counter = reads.clone();
        let inner = Scripted::new(10, 4, move |split, index, side| {
            let first_time = counter.fetch_add(1, Ordering::Relaxed) < 14;
            match (split, index) {
                (Split::Train, 3) if first_time => Err("the disk did not answer".into()),
                _ => Ok(numbered(index, side)),
            }
        });
        let dataset = Passed::claimed(rig.source.root(), fault, inner);
        let first = prepared(dataset.clone(), &rig.cabinet(), |how| how).store();
        assert_eq!((first.refused().len(), first.len(Split::Train)), (1, 9));
        assert_eq!(first.refused()[0].reason, "the disk did not answer");
        drop(first);
        let outcome = prepared(dataset, &rig.cabinet(), |how| how);
        assert!(outcome.progress.len() <= 2, "{fault:?}: {:?}", outcome.progress);
        let second = outcome.store();
        assert_eq!((second.refused().len(), decoded(&second)), expected, "{fault:?}");
        assert_eq!(reads.load(Ordering::Relaxed), 14 + expected.1);
    }
}

#[test]
fn what_is_to_blame_is_told_for_every_kind_of_source() {
    let faults = |rig: &Rig| {
        let dataset = open(&rig.config).unwrap();
        let splits = [Split::Train, Split::Validation];
        let all =
            splits.into_iter().flat_map(|split| (0..dataset.len(split)).map(move |index| (split, index)));
        let refused = all.filter(|&(split, index)| dataset.read(split, index, 8).is_err());
        let mut found: Vec<(String, Fault)> =
            refused.map(|(split, index)| (dataset.name(split, index), dataset.fault(split, index))).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    };
    for (kind, rig) in sources() {
        for (name, fault) in faults(&rig) {
            let expected = match (kind, name.as_str()) {
                ("zip", "train/ant/005.png") => Fault::Archive,
                ("cut tar" | "cut tar.gz", "train/ant/000.png") => Fault::Archive,
                ("list", "images/no.png") => Fault::Reading,
                _ => Fault::Picture,
            };
            assert_eq!(fault, expected, "{kind}: {name}");
        }
    }
    // A file that has gone, and a file of many pictures that was cut after it was opened.
    let rig = Rig::pets();
    let dataset = open(&rig.config).unwrap();
    fs::remove_file(rig.source.path("train/ant/000.png")).unwrap();
    assert_eq!(dataset.fault(Split::Train, 0), Fault::Reading);
    let rig = Rig::new(&cifar_10(2));
    let dataset = open(&rig.config).unwrap();
    let batch = rig.source.path("data_batch_1.bin");
    let batch = if batch.exists() { batch } else { rig.source.path("cifar-10-batches-bin/data_batch_1.bin") };
    fs::File::options().write(true).open(batch).unwrap().set_len(100).unwrap();
    assert_eq!(dataset.fault(Split::Train, 0), Fault::Reading);
    assert_eq!(dataset.fault(Split::Validation, 0), Fault::Picture);
}

#[test]
fn a_comparison_looks_at_refused_files_again() {
    let rig = Rig::pets();
    rig.prepare().store();
    let before = rig.bytes();
    let path = rig.source.path("train/bee/letter.png");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, super::patterned(77)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let checked =
        prepared(open(&rig.config).unwrap(), &rig.cabinet(), |how| Preparation { check: true, ..how })
            .store();
    rig.assert_right(&checked);
    assert_eq!((checked.refused().len(), checked.len(Split::Train)), (1, 19));
    drop(checked);
    assert!(rig.bytes()["index"].len() <= before["index"].len(), "no picture has two records");
    let again = rig.prepare().store();
    rig.assert_right(&again);
}

#[test]
fn hostile_pictures_and_archives_are_looked_at_once() {
    let mut files = class_files("", &["cat", "dog"], 6);
    files.extend(everything().into_iter().map(|file| (format!("dog/{}", file.name), file.bytes)));
    let mut rigs = vec![("hostile pictures", Rig::new(&files))];
    for (what, bytes) in zips() {
        let mut rig = Rig::new(&[("given.zip".into(), bytes)]);
        rig.config.source = rig.source.path("given.zip").display().to_string();
        rigs.push((what, rig));
    }
    let mut seen = 0;
    for (what, rig) in &mut rigs {
        rig.config.max_refused_share = 1.0;
        if open(&rig.config).is_err() {
            continue;
        }
        let Ok(Some(first)) = timed(what, || rig.prepare().store) else { continue };
        let refused = first.refused().to_vec();
        drop(first);
        let dataset = Passed::open(&rig.config);
        let second = timed(what, || prepared(dataset.clone(), &rig.cabinet(), |how| how)).store();
        assert_eq!((decoded(&second), dataset.reads()), (0, 0), "{what}: {refused:?}");
        assert_eq!(second.refused(), refused, "{what}");
        seen += usize::from(!refused.is_empty());
    }
    assert!(seen >= 3, "{seen} sources had something to refuse");
}
