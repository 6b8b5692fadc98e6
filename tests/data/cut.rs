//! Archives that end too early are refused with what is there, and used as far as they go on request.

use std::path::Path;
use std::sync::Arc;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Split, open};

use super::kinds::assert_tells;
use super::makers::{Files, Place, gzip, open_at, packed, refusal, unreadable, zip_of};
use super::{class_files, config, tar_of};

/// Twelve pictures, classes in turn, so that half of them still have both.
fn pets() -> Files {
    let mut files: Files = Vec::new();
    for number in 0..6 {
        for (label, class) in ["cat", "dog"].into_iter().enumerate() {
            let name = format!("{class}/{number}.png");
            files.push((name, super::png(40, 30, [label as u8 * 90, number * 9, 200])));
        }
    }
    files
}

fn accepted(path: &Path) -> Arc<dyn Dataset> {
    open(&DataConfig { accept_cut: true, ..config(path) })
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn pictures(dataset: &dyn Dataset) -> usize {
    dataset.len(Split::Train) + dataset.len(Split::Validation)
}

#[test]
fn half_an_archive_is_refused_with_what_is_there_and_used_on_request() {
    for (kind, bytes) in packed(&pets()) {
        // What a deflated stream is cut at differs, so each is cut where more than half of the pictures are whole.
        let place = Place::with(&[(format!("pets.{kind}"), bytes[..bytes.len() * 7 / 10].to_vec())]);
        let path = place.path(&format!("pets.{kind}"));
        let message = refusal(open_at(&path));
        assert_tells(
            &message,
            &[
                "pets.",
                "is cut short after",
                "pictures (the last whole one is `",
                ".png`)",
                "download it again",
                "data.accept_cut=true",
            ],
        );
        let dataset = accepted(&path);
        let count = pictures(&*dataset);
        assert!((5..12).contains(&count), "{kind}: {count}");
        assert_tells(&message, &[&format!("after {count} pictures")]);
        assert_tells(&dataset.description().layout, &["is cut short after"]);
        assert_eq!(unreadable(&*dataset), [], "{kind}: what was taken is whole");
    }
}

#[test]
fn a_cut_is_noticed_wherever_it_is() {
    for (kind, bytes) in packed(&pets()) {
        for cut in (1..40).map(|part| bytes.len() * part / 40).chain([bytes.len() - 1]) {
            let place = Place::with(&[("pets".into(), bytes[..cut].to_vec())]);
            let result = open_at(&place.path("pets"));
            // GNU tar and others fill up with zeros that nobody misses.
            let is_filling = kind == "tar" && bytes[cut..].iter().all(|&b| b == 0);
            assert!(is_filling || result.is_err(), "a {kind} cut at {cut} of {} was accepted", bytes.len());
        }
    }
    // Between two entries, where only the mark at the end is missing.
    let tar = tar_of(&pets());
    let headers: Vec<usize> =
        (0..tar.len()).step_by(512).filter(|&at| tar[at..].starts_with(b"dog/3.png")).collect();
    let place = Place::with(&[("pets.tar".into(), tar[..headers[0]].to_vec())]);
    let message = refusal(open_at(&place.path("pets.tar")));
    assert_tells(&message, &["after 7 pictures (the last whole one is `cat/3.png`)"]);
    // Of a program that makes the file as large as it will be before it has come.
    let mut sparse = tar[..headers[0]].to_vec();
    sparse.resize(40 << 20, 0);
    let place = Place::with(&[("pets.tar".into(), sparse)]);
    assert_tells(&refusal(open_at(&place.path("pets.tar"))), &["cut short after 7 pictures"]);
    // One that was filled up as tape drives need it is whole.
    let mut filled = tar;
    filled.resize(filled.len().next_multiple_of(1 << 20), 0);
    let place = Place::with(&[("pets.tar".into(), filled)]);
    assert_eq!(pictures(&*open_at(&place.path("pets.tar")).unwrap()), 12);
}

#[test]
fn an_archive_that_ends_before_its_first_file_does_says_so() {
    for (kind, bytes) in
        [("tar", tar_of(&pets())), ("tar.gz", gzip(&tar_of(&pets()))), ("zip", zip_of(&pets()))]
    {
        let start = if kind == "tar.gz" { 30 } else { 600.min(bytes.len() / 40) };
        let place = Place::with(&[("pets".into(), bytes[..start].to_vec())]);
        let message = refusal(open_at(&place.path("pets")));
        assert!(message.contains("cut short") || message.contains("no archive"), "{kind}: {message}");
    }
    let zip = zip_of(&pets());
    let place = Place::with(&[("pets.zip".into(), zip[..60].to_vec())]);
    assert_tells(&refusal(open_at(&place.path("pets.zip"))), &["is cut short before its first file ends"]);
}

#[test]
fn a_part_that_is_cut_is_not_passed_over() {
    let part = tar_of(&class_files("", &["cat", "dog"], 4));
    let cut = |name: &str, bytes: &[u8]| (name.to_owned(), bytes[..bytes.len() * 6 / 10].to_vec());
    for (train, val) in [
        (cut("train.tar", &part), ("val.tar".to_owned(), part.clone())),
        (("train.tar".to_owned(), part.clone()), cut("val.tar", &part)),
    ] {
        let place = Place::with(&[train, val]);
        let message = refusal(open_at(place.root()));
        assert_tells(&message, &[place.root().to_str().unwrap(), ".tar` is cut short after"]);
    }
    // One that never began is no part; without the pictures to train on there is nothing.
    let empty_train = [("train.zip".into(), b"PK\x03\x04".to_vec()), ("val.tar".to_owned(), part)];
    let place = Place::with(&empty_train);
    assert_tells(&refusal(open_at(place.root())), &["train.zip` is cut short before its first file ends"]);
}

#[test]
fn a_tar_of_tars_may_end_inside_one() {
    let inner = |shade| {
        tar_of(&(0..4).map(|i| (format!("{i}.png"), super::png(5, 5, [shade, i, 1]))).collect::<Files>())
    };
    let classes = ["n01440764.tar", "n02102040.tar", "n02979186.tar"];
    let archive = tar_of(&classes.map(|name| (name.to_owned(), inner(name.as_bytes()[5]))));
    let third = (archive.len() - 1024) * 2 / 3 + 512 + 2500;
    let place = Place::with(&[("train.tar".into(), archive[..third].to_vec())]);
    let message = refusal(open_at(&place.path("train.tar")));
    assert_tells(&message, &["pictures (the last whole one is `n02979186/1.png`)"]);
    assert_eq!(accepted(&place.path("train.tar")).description().classes.len(), 3);
}
