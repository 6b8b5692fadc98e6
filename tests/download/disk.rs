//! Folders: what is there already, who else is at work, no room, files put there by hand.

use std::fs::{self, File};
use std::sync::atomic::AtomicBool;

use alexnet_lab::data::download::DownloadError;
use alexnet_lab::data::known::{KnownError, SetState};

use super::{Rig, content, file};
use crate::web::{Answer, Web};

#[test]
fn two_programs_do_not_download_into_one_folder() {
    let bytes = content(10_000, 1);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("")).unwrap();
    let lock = File::create(rig.path(".download.lock")).unwrap();
    lock.lock().unwrap();
    let message = rig.refusal();
    assert!(message.contains("another program"), "{message}");
    assert!(web.asked().is_empty());
    drop(lock);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
}

#[test]
fn a_foreign_file_of_that_name_is_left_alone() {
    let bytes = content(10_000, 2);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("")).unwrap();
    fs::write(rig.path("pets.tgz"), "my own pets").unwrap();
    let error = rig.fetch().unwrap_err();
    assert!(error.is_bad_input() && error.to_string().contains("move it away"), "{error}");
    assert_eq!(fs::read(rig.path("pets.tgz")).unwrap(), b"my own pets");
    assert!(web.asked().is_empty());
}

#[test]
fn files_put_there_by_hand_are_summed_once() {
    let bytes = content(10_000, 3);
    let mut rig = Rig::with(&bytes, &[]);
    let never = AtomicBool::new(false);
    let missing = rig.shelf.locate(&rig.set, &never).unwrap_err().to_string();
    let folder = rig.path("").display().to_string();
    for words in
        ["alexnet-lab data get pets", folder.trim_end_matches('/'), &rig.set.files[0].md5, "pets.tgz"]
    {
        assert!(missing.contains(words), "{words} is missing in {missing}");
    }
    fs::create_dir_all(rig.path("")).unwrap();
    fs::write(rig.path("pets.tgz"), &bytes[..9999]).unwrap();
    assert_eq!(rig.shelf.state(&rig.set), SetState::Unchecked);
    let error = rig.shelf.locate(&rig.set, &never).unwrap_err();
    assert!(matches!(error, KnownError::Damaged { .. }), "{error}");

    fs::write(rig.path("pets.tgz"), &bytes).unwrap();
    assert_eq!(rig.shelf.locate(&rig.set, &never).unwrap(), rig.path("pets.tgz"));
    assert_eq!(rig.shelf.state(&rig.set), SetState::Present);
    // No address is needed, because nothing is missing.
    rig.fetch().unwrap();
    // A file that changes afterwards is summed again.
    let mut changed = bytes.clone();
    changed[5000] ^= 1;
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(rig.path("pets.tgz"), changed).unwrap();
    assert_eq!(rig.shelf.state(&rig.set), SetState::Unchecked);
    assert!(rig.shelf.locate(&rig.set, &never).is_err());
    // Looking can be stopped.
    let error = rig.shelf.locate(&rig.set, &AtomicBool::new(true)).unwrap_err();
    assert!(matches!(error, KnownError::Cancelled));
}

#[test]
fn only_what_is_missing_is_asked_for() {
    let (pictures, labels) = (content(8000, 4), content(900, 5));
    let web = Web::of(&labels);
    let mut rig = Rig::new(vec![
        file("pictures.gz", &pictures, &[web.url("/pictures.gz")]),
        file("labels.gz", &labels, &[web.url("/labels.gz")]),
    ]);
    fs::create_dir_all(rig.path("")).unwrap();
    fs::write(rig.path("pictures.gz"), &pictures).unwrap();
    assert_eq!(rig.shelf.state(&rig.set), SetState::Begun(8000));
    rig.fetch().unwrap();
    assert_eq!(web.asked().len(), 1);
    assert_eq!(rig.shelf.state(&rig.set), SetState::Present);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_the_folder_and_the_bytes() {
    let bytes = content(3 << 20, 6);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("")).unwrap();
    // A device on which every write fails as on a full disk.
    std::os::unix::fs::symlink("/dev/full", rig.path("pets.tgz.part")).unwrap();
    let error = rig.fetch().unwrap_err();
    assert!(matches!(&error, DownloadError::Full { needed, .. } if *needed == 3 << 20), "{error:?}");
    let message = error.to_string();
    assert!(message.contains("sets/pets` is full") && message.contains("3.0 MiB"), "{message}");
    assert!(!error.is_bad_input());
    assert!(!rig.path("pets.tgz").exists());
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_used_is_named() {
    let bytes = content(1000, 7);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    // A file where the folder should be.
    fs::create_dir_all(rig.shelf.root()).unwrap();
    fs::write(rig.shelf.folder(&rig.set), "").unwrap();
    let message = rig.refusal();
    assert!(message.contains("pets") && message.contains("choose a folder"), "{message}");
    assert!(web.asked().is_empty());
}

#[test]
fn a_part_under_the_name_of_a_folder_is_an_error_and_no_panic() {
    let bytes = content(1000, 8);
    let web = Web::serve(|_| Answer::status(404));
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("pets.tgz.part")).unwrap();
    assert!(rig.refusal().contains("pets.tgz.part"));
    let mut rig = Rig::with(&bytes, &[&web]);
    fs::create_dir_all(rig.path("pets.tgz")).unwrap();
    assert!(rig.refusal().contains("move it away"));
}
