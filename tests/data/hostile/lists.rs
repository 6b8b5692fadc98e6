//! Lists, and files of many pictures, that are not what they say.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::super::kinds::replace;
use super::super::makers::{
    CATS_AND_DOGS, Files, Place, caffe, cifar_10, cifar_100, idx, kaggle, listed, mnist, open_at,
    tiny_imagenet, unreadable,
};
use super::{assert_sane, check_within, timed};

/// Opens and reads a folder within time and memory; a message names the file.
#[track_caller]
fn try_out(what: &str, files: &Files, named: &str) {
    let place = Place::with(files);
    try_place(what, &place, "", named);
}

#[track_caller]
fn try_place(what: &str, place: &Place, source: &str, named: &str) {
    let path = place.path(source);
    let opened = timed(what, || open_at(&path).map(|dataset| unreadable(&*dataset)));
    if let Err(message) = opened {
        let root = place.root().display().to_string();
        assert!(message.contains(named) || message.contains(&root), "{what}: {message}");
    }
    let Some(output) = timed(what, || check_within(&path, 1024 + 600)) else { return };
    assert_sane(what, &output);
}

#[test]
fn lists_of_nonsense() {
    let set = |list: Vec<u8>| {
        let mut files = listed("");
        replace(&mut files, "labels.csv", |bytes| *bytes = list);
        files
    };
    let rows = |row: &str, count: usize| row.repeat(count).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("zeros", vec![0; 3_000_000]),
        ("quotes that never end", format!("{CATS_AND_DOGS}\"{}", "x,".repeat(1_000_000)).into_bytes()),
        ("a million quotes", [CATS_AND_DOGS.as_bytes(), &vec![b'"'; 1_000_000]].concat()),
        ("a million fields", [CATS_AND_DOGS.as_bytes(), &vec![b','; 1_000_000]].concat()),
        ("a line of 10 MB", [CATS_AND_DOGS.as_bytes(), &vec![b'a'; 10_000_000]].concat()),
        ("two million line ends", [CATS_AND_DOGS.as_bytes(), &vec![b'\r'; 2_000_000]].concat()),
        ("control characters", (0..1_000_000_u32).map(|i| (i % 32) as u8).collect()),
        ("UTF-16 of odd length", [0xFF, 0xFE, 0x30].to_vec()),
        ("UTF-16 of lone halves", [&[0xFF, 0xFE][..], &[0x00, 0xD8].repeat(500_000)].concat()),
        ("not UTF-8", [CATS_AND_DOGS.as_bytes(), &[0xC3, 0x28, 0xFF, b','].repeat(100_000)].concat()),
        (
            "a label for each row",
            (0..200_000).map(|i| format!("{i}.png,{i}\n")).collect::<String>().into_bytes(),
        ),
        ("one row again and again", rows("0.png,cat\n1.png,dog\n", 300_000)),
        ("numbers without end", rows("0.png,99999999999999999999999999\n1.png,-1\n", 3)),
        (
            "paths that lead out",
            rows("../../../../etc/passwd,cat\n/etc/shadow,dog\n0.png,cat\n1.png,dog\n", 10),
        ),
        ("paths of slashes", rows("////////0.png,cat\n1.png,dog\n", 5)),
        ("a header alone", b"image,label\n".to_vec()),
    ];
    for (what, list) in cases {
        try_out(what, &set(list), "labels.csv");
    }
}

#[test]
fn a_list_of_a_gigabyte() {
    for (what, is_text) in [("nothing", false), ("a line of a gigabyte", true)] {
        let place = Place::with(&listed(CATS_AND_DOGS));
        let path = place.path("set/huge.csv");
        let file = File::create(&path).unwrap();
        if is_text {
            // Text at the beginning, a hole behind it.
            BufWriter::new(&file).write_all(CATS_AND_DOGS.as_bytes()).unwrap();
        }
        file.set_len(1 << 30).unwrap();
        try_place(what, &place, "", "labels.csv");
        try_place(what, &place, "set/huge.csv", "huge.csv");
    }
    // A hundred megabytes are read, but not held several times.
    let place = Place::with(&listed(CATS_AND_DOGS));
    let mut file = BufWriter::new(File::create(place.path("set/long.csv")).unwrap());
    file.write_all(b"images/0.png,cat\nimages/1.png,dog\nimages/2.png,cat\nimages/3.png,dog\n").unwrap();
    let block = [b'a'; 1 << 20];
    (0..100).for_each(|_| file.write_all(&block).unwrap());
    drop(file);
    try_place("a line of 100 MB", &place, "set/long.csv", "long.csv");
}

#[test]
fn lists_of_known_sets_with_nonsense_in_them() {
    let nonsense: [&[u8]; 6] = [
        b"",
        &[0; 100_000],
        b"\xFF\xFE",
        b"n01440764\n\n\n,,,,\n\t\t\t\t\n",
        b"ILSVRC2012_val_00000001 99999999999999999999\n",
        b"val_9.JPEG\tn01440764\nval_9.JPEG\tn02102040\n",
    ];
    for (what, files) in [("Tiny ImageNet", tiny_imagenet()), ("Kaggle", kaggle()), ("Caffe", caffe())] {
        let lists: Vec<String> = files
            .iter()
            .filter(|(name, _)| name.ends_with(".txt") || name.ends_with(".csv"))
            .map(|(name, _)| name.clone())
            .collect();
        for list in lists {
            for bytes in nonsense {
                let mut files = files.clone();
                replace(&mut files, &list, |old| *old = bytes.to_vec());
                let place = Place::with(&files);
                let opened = timed(what, || open_at(place.root()).map(|dataset| unreadable(&*dataset)));
                if let Err(message) = opened {
                    assert!(
                        message.contains(&place.root().display().to_string()),
                        "{what}, {list}: {message}"
                    );
                }
            }
        }
    }
}

#[test]
fn files_of_records_of_wrong_sizes() {
    for size in [0, 1, 3072, 3073, 3074, 3075, 30_730_001] {
        let mut files = cifar_10(1);
        replace(&mut files, "data_batch_1.bin", |bytes| bytes.resize(size, 3));
        try_out(&format!("CIFAR-10 of {size} bytes"), &files, "data_batch_1.bin");
        let mut files = cifar_100();
        replace(&mut files, "train.bin", |bytes| bytes.resize(size, 3));
        try_out(&format!("CIFAR-100 of {size} bytes"), &files, "train.bin");
    }
    let images = "train-images-idx3-ubyte";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("only zeros", vec![0; 5000]),
        ("255 dimensions", vec![0, 0, 8, 255, 0, 0, 0, 1]),
        ("no dimensions", vec![0, 0, 8, 0]),
        ("sizes whose product is 2^96", idx(&[u32::MAX; 3], &[])),
        ("sizes whose product is 0", idx(&[12, 1 << 31, 1 << 31], &[])),
        ("a picture of 4 GiB", idx(&[12, 65_536, 65_536], &[1; 9])),
        ("pictures of 16 MiB that are not there", idx(&[12, 4096, 4096], &[1; 9])),
        ("one pixel a picture", idx(&[12, 1, 1], &[7; 12])),
    ];
    for (what, bytes) in cases {
        for name in [images, "train-labels-idx1-ubyte"] {
            let mut files = mnist(false);
            replace(&mut files, name, |old| *old = bytes.clone());
            try_out(&format!("{name}: {what}"), &files, name);
        }
    }
    // A sparse file of 20 GiB with a header that fits it.
    let mut files = mnist(false);
    replace(&mut files, images, |bytes| *bytes = idx(&[5_000_000, 64, 64], &[]));
    replace(&mut files, "train-labels-idx1-ubyte", |bytes| *bytes = idx(&[5_000_000], &vec![1; 5_000_000]));
    let place = Place::with(&files);
    File::options()
        .append(true)
        .open(place.path(&format!("raw/{images}")))
        .unwrap()
        .set_len(20 << 30)
        .unwrap();
    timed("five million pictures", || open_at(place.root()).map(drop)).unwrap();
}
