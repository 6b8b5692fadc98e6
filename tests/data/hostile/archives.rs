//! Archives that burst, lie, nest without end or lead elsewhere.

use std::io::Write;

use alexnet_lab::data::Split;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use tar::EntryType;

use super::super::makers::{Files, Place, open_at, unreadable, zip_of};
use super::super::{class_files, png, tar_of};
use super::{assert_sane, check_within, events, timed};

fn pets() -> Files {
    let mut files = class_files("train", &["cat", "dog"], 3);
    files.extend(class_files("val", &["cat", "dog"], 2));
    files
}

/// A header with its checksum, and the data padded to blocks; the size may lie.
fn entry(name: &[u8], kind: EntryType, size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    let count = name.len().min(100);
    header.as_old_mut().name[..count].copy_from_slice(&name[..count]);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A POSIX extended header with one record whose length may lie.
fn pax(record: &str) -> Vec<u8> {
    entry(b"PaxHeader", EntryType::XHeader, record.len() as u64, record.as_bytes())
}

fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..).find(|length| format!("{length}{rest}").len() == *length).unwrap_or_default();
    format!("{length}{rest}")
}

fn whole(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.extend(tar_of(&pets()));
    bytes
}

/// Zeros packed `levels` deep by `pack`.
fn burst(mib: usize, mut pack: impl FnMut(&mut dyn FnMut(&mut dyn Write))) {
    let block = vec![0; 1 << 20];
    pack(&mut |to| (0..mib).for_each(|_| to.write_all(&block).unwrap()));
}

fn tars() -> Vec<(&'static str, Vec<u8>)> {
    use EntryType as Kind;
    let picture = png(6, 6, [5, 6, 7]);
    let size = picture.len() as u64;
    let mut nested = tar_of(&pets());
    for _ in 0..60 {
        nested = tar_of(&[("inner.tar".into(), nested)]);
    }
    let attributes = |records: &[String]| {
        whole(&[pax(&records.concat()), entry(b"train/cat/x.png", Kind::Regular, size, &picture)])
    };
    let long = |name: &[u8]| entry(b"././@LongLink", Kind::GNULongName, name.len() as u64, name);
    vec![
        ("tars in tars", nested),
        ("size of 10^30", attributes(&[record("size", "1000000000000000000000000000000")])),
        ("size below nothing", attributes(&[record("size", "-5")])),
        ("largest size", attributes(&[record("size", "18446744073709551615")])),
        ("size of words", attributes(&[record("size", "many")])),
        ("record of no length", whole(&[pax("0 path=x\n"), entry(b"a", Kind::Regular, 0, b"")])),
        (
            "record longer than its header",
            whole(&[pax("99999999 path=x\n"), entry(b"a", Kind::Regular, 0, b"")]),
        ),
        ("record without end", whole(&[pax("20 path=train/cat"), entry(b"a", Kind::Regular, 0, b"")])),
        ("path that leads out", attributes(&[record("path", "../../../etc/passwd")])),
        ("path with a zero", attributes(&[record("path", "train/cat/\0x.png")])),
        ("link elsewhere", attributes(&[record("linkpath", "/etc/passwd")])),
        (
            "sparse attributes",
            attributes(&[record("GNU.sparse.major", "1"), record("GNU.sparse.realsize", "99999999999999")]),
        ),
        ("a thousand attributes", whole(&[pax(&record("path", "x")).repeat(1000)])),
        (
            "long name of dots",
            whole(&[long(&b"../".repeat(1300)), entry(b"x", Kind::Regular, size, &picture)]),
        ),
        ("longest name", whole(&[long(&[b'x'; 60_000]), entry(b"x", Kind::Regular, size, &picture)])),
        ("names for nothing", whole(&[long(b"a/b.png").repeat(5000)])),
        (
            "thousands of folders deep",
            whole(&[long("a/".repeat(2000).as_bytes()), entry(b"x", Kind::Regular, size, &picture)]),
        ),
        ("sparse file", whole(&[entry(b"train/cat/s.png", Kind::GNUSparse, 1 << 40, b"")])),
        (
            "devices",
            whole(&[entry(b"train/cat/d", Kind::Char, 0, b""), entry(b"train/cat/b", Kind::Block, 0, b"")]),
        ),
        ("a folder with bytes", whole(&[entry(b"train/cat/", Kind::Directory, 1 << 33, b"")])),
        (
            "a file that is a folder",
            whole(&[entry(b"train/cat/000.png/more.png", Kind::Regular, size, &picture)]),
        ),
        ("last entry without its bytes", {
            let mut bytes = tar_of(&pets());
            bytes.truncate(bytes.len() - 1024);
            bytes.extend(&entry(b"val/dog/9.png", Kind::Regular, (1 << 33) - 1, b"")[..]);
            bytes
        }),
        ("a hundred thousand empty entries", {
            let one = entry(b"train/cat/000.png", Kind::Regular, 0, b"");
            one.repeat(100_000)
        }),
        ("one name for all", entry(b"train/cat/000.png", Kind::Regular, size, &picture).repeat(20_000)),
    ]
}

fn gzips() -> Vec<(&'static str, Vec<u8>)> {
    let mut list = Vec::new();
    let mut twice = GzEncoder::new(Vec::new(), Compression::fast());
    let mut once = GzEncoder::new(Vec::new(), Compression::fast());
    burst(600, |write| write(&mut once));
    twice.write_all(&once.finish().unwrap()).unwrap();
    list.push(("packed twice", twice.finish().unwrap()));
    let mut film = GzEncoder::new(Vec::new(), Compression::fast());
    film.write_all(&entry(b"train/cat/film.jpg", EntryType::Regular, 1 << 40, b"")).unwrap();
    burst(900, |write| write(&mut film));
    list.push(("a film of nothing", film.finish().unwrap()));
    // A thousand members, and names and comments of a megabyte in the header.
    let empty = GzEncoder::new(Vec::new(), Compression::fast()).finish().unwrap();
    list.push(("a hundred thousand empty members", empty.repeat(100_000)));
    let mut named = vec![0x1F, 0x8B, 8, 0x18, 0, 0, 0, 0, 0, 3];
    named.extend(vec![b'n'; 5_000_000]);
    list.push(("a name without end", named));
    list.push(("extra field of nothing", vec![0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF]));
    list
}

/// A zip of entries stored or packed, whose directory says what it wants: name, method, claimed size, checksum, data.
fn zip(entries: &[(&str, u16, u32, u32, &[u8])], change_end: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, method, size, crc, data) in entries {
        let start = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0];
        common.extend(method.to_le_bytes());
        common.extend([0; 4]);
        [*crc, data.len() as u32, *size].iter().for_each(|value| common.extend(value.to_le_bytes()));
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    [entries.len() as u16; 2].iter().for_each(|count| end.extend(count.to_le_bytes()));
    [directory.len() as u32, bytes.len() as u32].iter().for_each(|value| end.extend(value.to_le_bytes()));
    end.extend([0, 0]);
    change_end(&mut end);
    [bytes, directory, end].concat()
}

pub fn zips() -> Vec<(&'static str, Vec<u8>)> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
    burst(1024, |write| write(&mut packed));
    let packed = packed.finish().unwrap();
    let picture = png(6, 6, [5, 6, 7]);
    let mut crc = flate2::Crc::new();
    crc.update(&picture);
    let size = picture.len() as u32;
    let good: Vec<(&str, u16, u32, u32, &[u8])> = ["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]
        .into_iter()
        .map(|name| (name, 0, size, crc.sum(), picture.as_slice()))
        .collect();
    let with = |bad: &[(&str, u16, u32, u32, &[u8])]| zip(&[&good, bad].concat(), |_| {});
    let many: Vec<(&str, u16, u32, u32, &[u8])> =
        vec![("cat/same.png", 0, size, crc.sum(), picture.as_slice()); 60_000];
    vec![
        ("a gibibyte of nothing", with(&[("dog/bomb.png", 8, 1 << 30, 0, &packed)])),
        ("a gibibyte that says it is small", with(&[("dog/bomb.png", 8, 5000, 0, &packed)])),
        ("a gibibyte that says it is a picture", with(&[("dog/bomb.png", 8, 200 << 20, 0, &packed)])),
        ("records that burst", with(&[("train-images-idx3-ubyte", 8, 1 << 30, 0, &packed)])),
        ("a method that is none", with(&[("dog/odd.png", 99, size, 0, &picture)])),
        (
            "names of slashes",
            with(&[("dog/////.png", 0, size, crc.sum(), &picture), ("/", 0, 0, 0, b""), ("", 0, 0, 0, b"")]),
        ),
        (
            "names that lead out",
            with(&[("../../x.png", 0, size, 0, &picture), ("dog/..\\..\\y.png", 0, size, 0, &picture)]),
        ),
        ("sixty thousand of one name", zip(&many, |_| {})),
        ("counts that lie", zip(&good, |end| end[8..12].fill(0xFF))),
        ("a directory of 4 GiB", zip(&good, |end| end[12..16].fill(0xFF))),
        (
            "a directory behind the end",
            zip(&good, |end| end[16..20].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes())),
        ),
        ("a zip64 end that is not there", zip(&good, |end| end[8..20].fill(0xFF))),
        (
            "a zip64 end of 2^63 entries",
            zip(&good, |end| {
                let mut large = b"PK\x06\x06".to_vec();
                large.extend(44_u64.to_le_bytes());
                large.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                [u64::MAX >> 1, u64::MAX >> 1, u64::MAX >> 1, 0]
                    .iter()
                    .for_each(|value| large.extend(value.to_le_bytes()));
                large.extend(b"PK\x06\x07\0\0\0\0");
                large.extend(0_u64.to_le_bytes());
                large.extend([1, 0, 0, 0]);
                end[8..20].fill(0xFF);
                end.splice(0..0, large).for_each(drop);
            }),
        ),
        ("a comment that holds another end", {
            let mut bytes = zip_of(&pets());
            let place = bytes.len() - 2;
            bytes[place..].copy_from_slice(&22_u16.to_le_bytes());
            bytes.extend(b"PK\x05\x06");
            bytes.extend([0xFF; 18]);
            bytes
        }),
        ("only an end", b"PK\x05\x06".iter().copied().chain([0; 18]).collect()),
        ("ten million signatures", b"PK\x05\x06".repeat(2_500_000)),
    ]
}

/// Opens every archive in this process and in the program.
fn try_all(kind: &str, list: Vec<(&'static str, Vec<u8>)>) {
    for (what, bytes) in list {
        let place = Place::with(&[(format!("given.{kind}"), bytes)]);
        let path = place.path(&format!("given.{kind}"));
        let title = format!("{kind}: {what}");
        let opened = timed(&title, || {
            open_at(&path).map(|dataset| {
                for (name, reason) in unreadable(&*dataset) {
                    assert!(!name.is_empty() && !reason.contains('\n'), "{title}: {name}: {reason}");
                }
                for split in [Split::Train, Split::Validation] {
                    let names = (0..dataset.len(split).min(1000)).map(|i| dataset.name(split, i));
                    names.for_each(|name| assert!(!name.contains(".."), "{title}: {name}"));
                }
            })
        });
        if let Err(message) = opened {
            assert!(message.contains("given."), "{title}: {message}");
        }
        let Some(output) = timed(&title, || check_within(&path, 1024 + 600)) else { return };
        assert_sane(&title, &output);
        if output.status.code() == Some(2) && events(&output, "check").is_empty() {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(errors.contains("given."), "{title}: {errors}");
        }
    }
}

#[test]
fn no_tar_panics_takes_long_or_more_memory_than_stated() {
    try_all("tar", tars());
}

#[test]
fn no_gzip_panics_takes_long_or_more_memory_than_stated() {
    try_all("tar.gz", gzips());
}

#[test]
fn no_zip_panics_takes_long_or_more_memory_than_stated() {
    try_all("zip", zips());
}

#[test]
fn bombs_among_good_pictures_are_named_and_the_others_kept() {
    for (what, bytes) in zips().into_iter().take(3) {
        let place = Place::with(&[("given.zip".into(), bytes)]);
        let dataset = open_at(&place.path("given.zip")).unwrap_or_else(|e| panic!("{what}: {e}"));
        let bad = timed(what, || unreadable(&*dataset));
        assert_eq!(bad.len(), 1, "{what}: {bad:?}");
        assert_eq!(bad[0].0, "dog/bomb.png");
    }
    // Sizes that are not believed in an extended header leave the good entries.
    let (what, bytes) = tars().swap_remove(8);
    let place = Place::with(&[("given.tar".into(), bytes)]);
    let dataset = open_at(&place.path("given.tar")).unwrap();
    assert_eq!(dataset.len(Split::Train), 6, "{what}");
    assert_eq!(dataset.left_out().len(), 1, "{what}: {:?}", dataset.left_out());
}
