//! ImageNet as its makers hand it out: archives side by side in a folder, and lists that only the development kit
//! explains. And other archives that stand for folders.

use alexnet_lab::data::Split;

use super::kinds::assert_tells;
use super::makers::{
    Files, Place, caffe, gzip, named, open_at, open_bytes, open_folder, refusal, unreadable, zip_of,
};
use super::{class_files, contents, picture_file, tar_of};
use crate::support::fixture;

/// By wnid, so that the labels are 0, 1 and 2; the kit's numbers are 2, 3 and 1.
const CLASSES: [(&str, &str); 3] =
    [("n01440764", "tench"), ("n02012849", "crane (n02012849)"), ("n03126707", "crane (n03126707)")];
/// The kit's numbers of the validation pictures, in order of their names.
const TRUTH: [usize; 4] = [3, 1, 2, 1];

fn jpeg(shade: usize) -> Vec<u8> {
    picture_file(9, 7, [shade as u8, 100, 200], image::ImageFormat::Jpeg)
}

fn train() -> Vec<u8> {
    let inner = |label: usize, wnid: &str| {
        let pictures: Files =
            (0..3).map(|i| (format!("{wnid}_{}.JPEG", i * 17), jpeg(label * 40 + i))).collect();
        tar_of(&pictures)
    };
    let classes: Files = CLASSES
        .iter()
        .enumerate()
        .map(|(label, (wnid, _))| (format!("{wnid}.tar"), inner(label, wnid)))
        .collect();
    tar_of(&classes)
}

fn validation() -> Files {
    (1..=TRUTH.len()).map(|number| (format!("ILSVRC2012_val_{number:08}.JPEG"), jpeg(180 + number))).collect()
}

fn kit() -> Files {
    let truth: String = TRUTH.iter().map(|id| format!("{id}\n")).collect();
    let data = "ILSVRC2012_devkit_t12/data";
    vec![
        (format!("{data}/ILSVRC2012_validation_ground_truth.txt"), truth.into_bytes()),
        (format!("{data}/meta.mat"), fixture("meta.mat")),
        ("ILSVRC2012_devkit_t12/readme.txt".into(), b"about".to_vec()),
    ]
}

fn official() -> Files {
    vec![
        ("ILSVRC2012_img_train.tar".into(), train()),
        ("ILSVRC2012_img_val.tar".into(), tar_of(&validation())),
        ("ILSVRC2012_img_test_v10102019.tar".into(), b"thirteen gigabytes without classes".to_vec()),
        ("ILSVRC2012_devkit_t12.tar.gz".into(), gzip(&tar_of(&kit()))),
    ]
}

#[track_caller]
fn check(files: &Files) {
    let (dataset, _place) = open_folder(files);
    let dataset = dataset.unwrap();
    assert_tells(
        &dataset.description().layout,
        &["ImageNet: 3 classes, 9 pictures to train on, 4 to validate"],
    );
    assert!(!dataset.description().layout.contains("devkit"), "{}", dataset.description().layout);
    assert_eq!(dataset.description().classes, CLASSES.map(|(_, name)| name));
    assert_eq!(unreadable(&*dataset), []);
    let wanted = TRUTH.map(|id| ["crane (n03126707)", "tench", "crane (n02012849)"][id - 1]);
    let classes: Vec<String> =
        named(&*dataset, Split::Validation).into_iter().map(|(_, class)| class).collect();
    assert_eq!(classes, wanted);
    for (name, class) in named(&*dataset, Split::Train) {
        let (wnid, _) = CLASSES.iter().find(|(_, known)| *known == class).unwrap();
        assert!(name.contains(wnid), "{name} is labelled {class}");
    }
}

#[test]
fn the_official_archives_are_read_where_they_lie() {
    check(&official());
    let (dataset, _place) = open_folder(&official());
    let names: Vec<String> =
        named(&*dataset.unwrap(), Split::Validation).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[0], "ILSVRC2012_img_val/ILSVRC2012_val_00000001.JPEG");
    // Below another folder, as a browser saves them.
    check(&official().into_iter().map(|(name, bytes)| (format!("downloads/{name}"), bytes)).collect());
}

#[test]
fn unpacked_parts_count_instead_of_their_archives() {
    let mut files = official();
    files.retain(|(name, _)| !name.contains("devkit") && !name.contains("img_val"));
    files.extend(kit());
    files.extend(validation().into_iter().map(|(name, bytes)| (format!("val/{name}"), bytes)));
    check(&files);
    // An archive beside its unpacked pictures does not give them twice.
    files.push(("ILSVRC2012_img_val.tar".into(), tar_of(&validation())));
    check(&files);
    // A tar a class, in a folder that stands for the training part; many, so that not all can be kept open.
    let mut files = official();
    files.retain(|(name, _)| !name.contains("img_train"));
    for (label, (wnid, _)) in CLASSES.iter().enumerate() {
        let pictures: Files = (0..3).map(|i| (format!("{wnid}_{i}.JPEG"), jpeg(label * 40 + i))).collect();
        files.push((format!("train/{wnid}.tar"), tar_of(&pictures)));
    }
    check(&files);
    let many: Files = (0..300)
        .map(|class| {
            let pictures: Files =
                (0..2).map(|i| (format!("{i}.png"), super::png(5, 5, [class as u8, i, 3]))).collect();
            (format!("n{class:08}.tar"), tar_of(&pictures))
        })
        .collect();
    let (dataset, _place) = open_folder(&many);
    let dataset = dataset.unwrap();
    assert_eq!(dataset.description().classes.len(), 300);
    assert_eq!(unreadable(&*dataset), []);
}

#[test]
fn the_kits_numbers_are_translated_by_whatever_is_there() {
    let with = |change: &dyn Fn(&mut Files)| {
        let mut inside = kit();
        change(&mut inside);
        let mut files = official();
        files.retain(|(name, _)| !name.contains("devkit"));
        files.extend(inside);
        files
    };
    let replace_map = |name: &'static str, text: &'static [u8]| {
        with(&move |files| {
            files.retain(|(name, _)| !name.ends_with("meta.mat"));
            files.push((format!("ILSVRC2012_devkit_t12/data/{name}"), text.to_vec()));
            files.push((
                "synset_words.txt".into(),
                b"n01440764 tench, Tinca tinca\nn02012849 crane\nn03126707 crane\n".to_vec(),
            ));
        })
    };
    check(&with(&|files| {
        super::kinds::replace(files, "meta.mat", |bytes| *bytes = fixture("meta-plain.mat"))
    }));
    check(&replace_map("map_clsloc.txt", b"n03126707 1 crane\nn01440764 2 tench\nn02012849 3 crane\n"));
    check(&replace_map("ILSVRC2012_mapping.txt", b"1 n03126707\r\n2 n01440764\r\n3 n02012849\r\n"));
    // The list may hold wnids at once.
    check(&with(&|files| {
        super::kinds::replace(files, "ground_truth.txt", |bytes| {
            *bytes = b"n02012849\nn03126707\nn01440764\nn03126707\n".to_vec();
        });
    }));
    // Pictures that are missing do not shift the lines of the others.
    let mut files = with(&|_| {});
    super::kinds::replace(&mut files, "img_val.tar", |bytes| *bytes = tar_of(&validation()[1..]));
    super::kinds::replace(&mut files, "ground_truth.txt", |bytes| *bytes = b"3\n2\n1\n3\n".to_vec());
    let (dataset, _place) = open_folder(&files);
    let classes: Vec<String> =
        named(&*dataset.unwrap(), Split::Validation).into_iter().map(|(_, class)| class).collect();
    assert_eq!(classes, ["tench", "crane (n03126707)", "crane (n02012849)"]);
}

#[test]
fn what_is_wrong_with_the_kit_is_told() {
    let with = |name: &str, bytes: &[u8]| {
        let mut files = official();
        files.retain(|(name, _)| !name.contains("devkit"));
        let mut inside = kit();
        super::kinds::replace(&mut inside, name, |old| *old = bytes.to_vec());
        files.extend(inside);
        refusal(open_folder(&files).0)
    };
    let truth = "ILSVRC2012_validation_ground_truth.txt";
    assert_tells(&with(truth, b"3\n1\n7\n1\n"), &[truth, "line 3", "`7`", "no number of a class"]);
    assert_tells(&with(truth, b"3\n1\n"), &[truth, "2 lines for the 4 pictures"]);
    assert_tells(&with("meta.mat", b"hello"), &["meta.mat", "no MATLAB file"]);
    let whole = fixture("meta.mat");
    assert_tells(&with("meta.mat", &whole[..whole.len() / 2]), &["meta.mat", "damaged or cut short"]);
    let mut newer = whole.clone();
    newer[..10].copy_from_slice(b"MATLAB 7.3");
    assert_tells(&with("meta.mat", &newer), &["meta.mat", "version 7.3"]);
    // Without the kit the pictures have no classes; without its map the numbers mean nothing.
    let mut files = official();
    files.retain(|(name, _)| !name.contains("devkit"));
    let (dataset, _place) = open_folder(&files);
    assert_tells(
        &dataset.unwrap().description().layout,
        &[
            "held back by seed 0",
            "not used: ILSVRC2012_img_val",
            "ILSVRC2012_devkit_t12.tar.gz: put it beside",
        ],
    );
    files.extend(kit().into_iter().filter(|(name, _)| !name.ends_with("meta.mat")));
    assert_tells(&refusal(open_folder(&files).0), &["without the kit's meta.mat", "put meta.mat"]);
    // A part that is broken is named.
    let mut files = official();
    super::kinds::replace(&mut files, "img_train.tar", |bytes| *bytes = b"not found".repeat(300));
    assert_tells(&refusal(open_folder(&files).0), &["ILSVRC2012_img_train.tar", "no archive"]);
}

#[test]
fn a_byte_order_of_long_ago_is_read_too() {
    // A single synset, written by hand as a big-endian machine would.
    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_be_bytes(), (data.len() as u32).to_be_bytes()].concat();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }
    fn array(class: u8, rows: u32, columns: u32, rest: &[u8]) -> Vec<u8> {
        let head = [
            element(6, &[0, 0, 0, class, 0, 0, 0, 0]),
            element(5, &[rows.to_be_bytes(), columns.to_be_bytes()].concat()),
            element(1, if class == 2 { b"synsets" } else { b"" }),
        ];
        element(14, &[&head.concat(), rest].concat())
    }
    let text = |text: &str| {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        array(4, 1, text.len() as u32, &element(4, &wide))
    };
    let synset = |id: f64, wnid: &str, words: &str| {
        [array(6, 1, 1, &element(9, &id.to_be_bytes())), text(wnid), text(words)].concat()
    };
    let names: Vec<u8> = ["ILSVRC2012_ID", "WNID", "words"]
        .iter()
        .flat_map(|name| format!("{name:\0<16}").into_bytes())
        .collect();
    // A length of four bytes or fewer stands in the tag itself.
    let mut fields = vec![0, 4, 0, 5, 0, 0, 0, 16];
    fields.extend(element(1, &names));
    for (id, wnid, words) in
        [(1.0, "n03126707", "crane"), (2.0, "n01440764", "tench, x"), (3.0, "n02012849", "crane")]
    {
        fields.extend(synset(id, wnid, words));
    }
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend([1, 0]);
    file.extend(b"MI");
    file.extend(array(2, 3, 1, &fields));
    let mut files = official();
    files.retain(|(name, _)| !name.contains("devkit"));
    let mut inside = kit();
    super::kinds::replace(&mut inside, "meta.mat", |bytes| *bytes = file);
    files.extend(inside);
    check(&files);
}

#[test]
fn parts_that_come_as_archives_stand_for_folders() {
    let classes = ["cat", "dog"];
    let train = class_files("", &classes, 4);
    let mut other = class_files("", &classes, 2);
    other.iter_mut().for_each(|(name, bytes)| {
        *bytes = super::png(6, 5, [200, name.len() as u8, name.as_bytes()[0]]);
    });
    let mut unpacked = class_files("train", &classes, 4);
    unpacked.extend(other.iter().map(|(name, bytes)| (format!("val/{name}"), bytes.clone())));
    let (plain, _place) = open_folder(&unpacked);
    let plain = plain.unwrap();
    type Pack = fn(&[(String, Vec<u8>)]) -> Vec<u8>;
    let packs: [(&str, Pack); 3] =
        [("zip", |f| zip_of(f)), ("TAR", |f| tar_of(f)), ("tar.gz", |f| gzip(&tar_of(f)))];
    for (ending, pack) in packs {
        let files: Files = vec![
            (format!("Train.{ending}"), pack(&train)),
            (format!("val.{ending}"), pack(&other)),
            ("notes.txt".into(), b"about".to_vec()),
            // Beside usable parts, a broken archive is only told.
            ("test.zip".into(), b"PK\x03\x04 broken".to_vec()),
        ];
        let (dataset, _place) = open_folder(&files);
        let dataset = dataset.unwrap_or_else(|e| panic!("{ending}: {e}"));
        assert_tells(&dataset.description().layout, &["8 pictures to train on, 4 to validate", "test.zip"]);
        for split in [Split::Train, Split::Validation] {
            let strip = |set: Vec<(String, u32, Vec<u8>)>| -> Vec<(u32, Vec<u8>)> {
                set.into_iter().map(|(_, label, pixels)| (label, pixels)).collect()
            };
            assert_eq!(strip(contents(&*dataset, split, 6)), strip(contents(&*plain, split, 6)), "{ending}");
        }
    }
}

#[test]
fn a_folder_with_nothing_but_an_archive_is_that_archive() {
    let mut files = caffe();
    let archive = zip_of(&files);
    for name in ["imagenet.zip", "a/b/imagenet.zip"] {
        let place = Place::with(&[(name.into(), archive.clone()), (".DS_Store".into(), vec![1])]);
        let dataset = open_at(place.root()).unwrap();
        assert_tells(
            &dataset.description().layout,
            &["ImageNet: 3 classes, 9 pictures to train on, 3 to validate"],
        );
        assert_eq!(unreadable(&*dataset), []);
        assert_eq!(named(&*open_bytes(&archive).unwrap(), Split::Train).len(), 9);
    }
    // With anything else beside it, it is left alone.
    files.push(("backup.zip".into(), archive));
    let dataset = open_folder(&files).0.unwrap();
    assert_eq!(dataset.len(Split::Train), 9);
}
