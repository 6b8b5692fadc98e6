//! Single files given as a source: archives, good, odd and hostile, and things that are no archives.

use std::path::PathBuf;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Split, open};

use super::{class_files, config, png, tar_of};

/// What comes of a file of these bytes.
fn opened(bytes: &[u8]) -> Result<std::sync::Arc<dyn Dataset>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given.tar");
    std::fs::write(&path, bytes).unwrap();
    // The open archive outlives its name.
    open(&config(&path)).map_err(|e| e.to_string())
}

fn refusal(bytes: &[u8]) -> String {
    let Err(message) = opened(bytes) else { panic!("the file was accepted") };
    assert!(message.contains("given.tar") && !message.contains('\n'), "{message}");
    message
}

/// An archive with entries that `tar` itself would refuse to write: name, kind, claimed size, bytes.
fn raw_tar(entries: &[(&str, tar::EntryType, u64, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, size, bytes) in entries {
        let mut header = tar::Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(*size);
        header.set_mode(0o644);
        header.set_cksum();
        archive.extend(header.as_bytes());
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn files_that_are_no_archive_are_told_apart() {
    let cases: [(Vec<u8>, &str); 9] = [
        (png(8, 8, [1, 2, 3]), "single picture"),
        (b"\x1f\x8b\x08rest of it".to_vec(), "cannot be unpacked: it is"),
        (b"PK\x03\x04rest of it".to_vec(), "is cut short before its first file ends"),
        (b"\xfd7zXZ\0rest".to_vec(), "xz file: unpack it first"),
        (b"7z\xbc\xaf\x27\x1crest".to_vec(), "7z file: unpack it first"),
        ("only words ".repeat(200).into_bytes(), "no archive or list"),
        ((0..4000_u32).map(|i| ((i * 7919) >> 3) as u8).collect(), "no archive or list"),
        (Vec::new(), "an empty file: copy or download it again"),
        (b"\n<!DOCTYPE html><html>".to_vec(), "a web page, not an archive"),
    ];
    for (bytes, expected) in cases {
        let message = refusal(&bytes);
        assert!(message.contains(expected), "{message:?} does not say {expected:?}");
    }
}

#[test]
fn long_names_in_archives_are_read() {
    let class = "c".repeat(150);
    let mut files = class_files("train", &[&class, "dog"], 2);
    files.extend(class_files("val", &[&class, "dog"], 1));
    let dataset = opened(&tar_of(&files)).unwrap();
    assert_eq!(dataset.description().classes, [class, "dog".into()]);
    assert!(dataset.read(Split::Train, 0, 4).is_ok());
}

#[test]
fn entries_that_lead_out_and_links_are_ignored() {
    use tar::EntryType as Kind;
    let picture = png(6, 6, [5, 6, 7]);
    let size = picture.len() as u64;
    let mut entries: Vec<(&str, Kind, u64, &[u8])> = vec![
        ("../evil/a.png", Kind::Regular, size, &picture),
        ("/etc/b.png", Kind::Regular, size, &picture),
        ("cat/../../c.png", Kind::Regular, size, &picture),
        ("cat/link.png", Kind::Symlink, 0, &[]),
        ("cat/hard.png", Kind::Link, 0, &[]),
        ("cat/pipe.png", Kind::Fifo, 0, &[]),
    ];
    for name in ["./cat/1.png", "./cat/2.png", "dog/1.png", "dog/2.png"] {
        entries.push((name, Kind::Regular, size, &picture));
    }
    let dataset = opened(&raw_tar(&entries)).unwrap();
    assert_eq!(dataset.description().classes, ["cat", "dog"]);
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), 4);
}

#[test]
fn claimed_sizes_are_not_trusted() {
    use tar::EntryType as Kind;
    let picture = png(6, 6, [5, 6, 7]);
    let size = picture.len() as u64;
    for claimed in [1 << 20, 1 << 32, (1 << 33) - 1] {
        let archive = raw_tar(&[
            ("train/cat/1.png", Kind::Regular, size, &picture),
            ("train/dog/1.png", Kind::Regular, size, &picture),
            ("val/cat/1.png", Kind::Regular, size, &picture),
            ("val/dog/1.png", Kind::Regular, claimed, &picture),
        ]);
        let message = refusal(&archive);
        let words = "cut short after 3 pictures (the last whole one is `val/cat/1.png`)";
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_cut_or_damaged_archive_is_an_error_or_refuses_pictures_but_never_panics() {
    let mut files = class_files("train", &["cat", "dog"], 5);
    files.extend(class_files("val", &["cat", "dog"], 2));
    let archive = tar_of(&files);
    for cut in (0..archive.len()).step_by(97) {
        if let Ok(dataset) = opened(&archive[..cut]) {
            for split in [Split::Train, Split::Validation] {
                (0..dataset.len(split)).for_each(|i| drop(dataset.read(split, i, 4)));
            }
        }
    }
    let mut damaged = archive;
    // Every file fills two blocks: this is the header of the fourth.
    damaged[3 * 1024 + 150] ^= 0x55;
    let message = refusal(&damaged);
    assert!(message.contains("damaged after 3 entries") && message.contains("again"), "{message}");
}

#[test]
fn of_two_entries_of_one_name_the_later_counts() {
    let mut files = class_files("train", &["cat", "dog"], 1);
    files.extend(class_files("val", &["cat", "dog"], 1));
    files.push(("train/cat/000.png".into(), png(6, 5, [9, 8, 7])));
    let dataset = opened(&tar_of(&files)).unwrap();
    assert_eq!(dataset.len(Split::Train), 2);
    assert_eq!(dataset.read(Split::Train, 0, 4).unwrap().get_pixel(1, 1).0, [9, 8, 7]);
}

#[test]
fn a_very_large_file_among_the_pictures_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    super::write_tree(folder.path(), &class_files("", &["cat", "dog"], 5));
    let film = folder.path().join("cat/film.jpg");
    std::fs::File::create(&film).unwrap().set_len(5 << 30).unwrap();
    let dataset = open(&config(folder.path())).unwrap();
    let reasons: Vec<String> = [Split::Train, Split::Validation]
        .into_iter()
        .flat_map(|split| (0..dataset.len(split)).map(move |i| (split, i)))
        .filter_map(|(split, i)| dataset.read(split, i, 4).err())
        .collect();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("5120 MiB"), "{}", reasons[0]);
}

#[test]
fn the_word_sample_opens_the_built_in_set() {
    let config = DataConfig { sample_train: 30, sample_validation: 20, ..DataConfig::default() };
    let dataset = open(&config).unwrap();
    assert_eq!((dataset.len(Split::Train), dataset.len(Split::Validation)), (30, 20));
    assert_eq!(dataset.description().source, "sample");
    assert!(!PathBuf::from("sample").exists(), "the word goes before a file of that name");
}
