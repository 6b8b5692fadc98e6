//! Packed archives: hostile entries, broken bytes, claims that are not to be believed.

use std::io::{Cursor, Write};

use alexnet_lab::data::{Dataset, Split};
use zip::write::SimpleFileOptions;

use super::makers::{Files, gzip, open_bytes, packed, refusal, unreadable, zip_of};
use super::{class_files, png, tar_of};

fn pets() -> Files {
    let mut files = class_files("train", &["cat", "dog"], 3);
    files.extend(class_files("val", &["cat", "dog"], 2));
    files
}

fn left_out(dataset: &dyn Dataset) -> Vec<String> {
    dataset.left_out().iter().map(|file| format!("{}: {}", file.name, file.reason)).collect()
}

#[test]
fn the_name_of_an_archive_does_not_matter() {
    for (kind, bytes) in packed(&pets()) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["set.jpg", "set.tar", "set.zip", "set"] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            let dataset = super::makers::open_at(&path).unwrap_or_else(|e| panic!("{kind} as {name}: {e}"));
            assert_eq!(dataset.len(Split::Train), 6);
        }
    }
}

#[test]
fn entries_of_a_zip_that_lead_out_or_are_links_are_told_and_never_followed() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let picture = png(6, 6, [5, 6, 7]);
    let options = SimpleFileOptions::default();
    for name in ["../evil.png", "/etc/evil.png", "cat/../../evil.png", "C:/evil.png", "..\\evil.png"] {
        writer.start_file(name, options).unwrap();
        writer.write_all(&picture).unwrap();
    }
    writer.add_symlink("cat/link.png", "/etc/passwd", options).unwrap();
    // Backslashes between folders, as some programs write them.
    for name in ["cat/1.png", "cat\\2.png", "dog/1.png", "dog\\2.png"] {
        writer.start_file(name, options).unwrap();
        writer.write_all(&picture).unwrap();
    }
    let dataset = open_bytes(&writer.finish().unwrap().into_inner()).unwrap();
    assert_eq!(dataset.description().classes, ["cat", "dog"]);
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), 4);
    let told = left_out(&*dataset);
    assert_eq!(told.len(), 6, "{told:?}");
    assert_eq!(told.iter().filter(|line| line.contains("evil.png")).count(), 5, "{told:?}");
    assert!(told.iter().any(|line| line == "cat/link.png: it is a link"), "{told:?}");
    assert!(
        dataset.description().layout.contains("left out: `../evil.png`"),
        "{}",
        dataset.description().layout
    );
}

#[test]
fn entries_of_a_tar_that_are_left_out_are_told() {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in pets() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    builder.append_link(&mut link, "train/cat/link.png", "/etc/passwd").unwrap();
    let tar = builder.into_inner().unwrap();
    for bytes in [gzip(&tar), tar] {
        let dataset = open_bytes(&bytes).unwrap();
        assert_eq!(left_out(&*dataset), ["train/cat/link.png: it is a link"]);
        assert_eq!(dataset.len(Split::Train), 6);
    }
}

#[test]
fn a_tar_of_one_tar_a_class_is_a_folder_of_classes() {
    let inner =
        |shade| tar_of(&(0..3).map(|i| (format!("{i}.png"), png(5, 5, [shade, i, 1]))).collect::<Files>());
    let archive = tar_of(&[("n01440764.tar".into(), inner(1)), ("n02102040.tar".into(), inner(100))]);
    let dataset = open_bytes(&archive).unwrap();
    assert_eq!(dataset.description().classes, ["tench", "English springer"]);
    assert_eq!(unreadable(&*dataset), []);
    assert_eq!(dataset.name(Split::Train, 0), "n01440764/0.png");
}

#[test]
fn cut_and_damaged_archives_never_give_wrong_pictures() {
    for (kind, bytes) in packed(&pets()) {
        for cut in (0..bytes.len()).step_by(bytes.len() / 40) {
            // Zeros at the end of a tar are nothing that anybody misses.
            let is_filling = kind == "tar" && bytes[cut..].iter().all(|&b| b == 0);
            assert!(is_filling || open_bytes(&bytes[..cut]).is_err(), "a {kind} cut at {cut} was accepted");
        }
    }
    let packed = gzip(&tar_of(&pets()));
    let message = refusal(open_bytes(&packed[..packed.len() - 4]));
    assert!(message.contains("cut short") && message.contains("download it again"), "{message}");
    let mut wrong = packed.clone();
    let place = wrong.len() - 6;
    wrong[place] ^= 1;
    assert!(refusal(open_bytes(&wrong)).contains("damaged"), "the checksum of the stream is not right");
    assert!(refusal(open_bytes(&gzip(b"only text"))).contains("no archive"), "a packed text");
    // A picture of a zip whose bytes have changed.
    let mut zip = zip_of(&pets());
    let start = zip.windows(8).position(|w| w == b"\x89PNG\r\n\x1a\n").expect("a stored picture");
    zip[start + 20] ^= 1;
    let bad = unreadable(&*open_bytes(&zip).unwrap());
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert!(bad[0].1.contains("damaged here"), "{bad:?}");
}

#[test]
fn sizes_that_a_zip_claims_are_not_believed() {
    let zip = zip_of(&pets());
    let directory = zip.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for (offset, claim) in [
        (24, u32::MAX - 1),
        (24, 100 << 20),
        (24, 3),
        (20, u32::MAX - 1),
        (20, 1),
        (42, u32::MAX - 1),
        (42, 7),
    ] {
        let mut zip = zip.clone();
        zip[directory + offset..directory + offset + 4].copy_from_slice(&claim.to_le_bytes());
        let Ok(dataset) = open_bytes(&zip) else { continue };
        let bad = unreadable(&*dataset);
        assert_eq!(bad.len(), 1, "claim {claim} at {offset}: {bad:?}");
    }
    let mut encrypted = zip;
    encrypted[directory + 8] |= 1;
    let bad = unreadable(&*open_bytes(&encrypted).unwrap());
    assert!(bad.len() == 1 && bad[0].1.contains("encrypted"), "{bad:?}");
}

#[test]
fn names_in_a_tar_cannot_claim_memory_or_time() {
    // A long name of 8 GiB that is not there, and one of a mebibyte that is.
    for (claim, bytes) in [(8_u64 << 30, 0_usize), (1 << 20, 1 << 20)] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::GNULongName);
        header.set_size(claim);
        header.set_cksum();
        let mut archive = header.as_bytes().to_vec();
        archive.extend(vec![b'x'; bytes]);
        archive.extend(tar_of(&pets()));
        match open_bytes(&archive) {
            Ok(dataset) => assert_eq!(unreadable(&*dataset), []),
            Err(message) => {
                assert!(message.contains("cut short") || message.contains("no pictures"), "{message}")
            }
        }
    }
}

#[test]
fn a_stream_that_begins_with_zeros_is_an_empty_archive() {
    // Fifty mebibytes of nothing in fifty kibibytes.
    let zeros = gzip(&vec![0; 50 << 20]);
    assert!(refusal(open_bytes(&zeros)).contains("no pictures"));
}

#[test]
fn a_stream_that_grows_without_end_is_given_up_early() {
    // A file of 100 GiB, as a header claims it, of which one GiB is there: a mebibyte of packed zeros.
    let mut header = tar::Header::new_gnu();
    header.set_path("train/cat/1.png").unwrap();
    header.set_size(100 << 30);
    header.set_cksum();
    let mut stream = gzip(header.as_bytes());
    let zeros = gzip(&vec![0; 32 << 20]);
    (0..32).for_each(|_| stream.extend(&zeros));
    let started = std::time::Instant::now();
    let message = refusal(open_bytes(&stream));
    assert!(message.contains("more than 100 times its size"), "{message}");
    assert!(
        started.elapsed() < crate::support::in_time(std::time::Duration::from_secs(10)),
        "{:?}",
        started.elapsed()
    );
}
