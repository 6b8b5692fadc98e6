//! Tables of paths and labels, however people write them, and what is wrong with them.

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Split, open};

use super::kinds::{assert_tells, replace};
use super::makers::{CATS_AND_DOGS, Place, listed, named, open_at, open_folder, refusal, unreadable};
use super::png;

/// The pictures of `list` beside `images/0.png` ... `images/7.png`, training and validation together.
fn classes_of(list: &str) -> Vec<(String, String)> {
    let dataset = open_folder(&listed(list)).0.unwrap_or_else(|e| panic!("{list:?}: {e}"));
    let mut pictures = named(&*dataset, Split::Train);
    pictures.extend(named(&*dataset, Split::Validation));
    pictures.sort();
    pictures
}

#[test]
fn lists_are_read_however_people_write_them() {
    let expected = classes_of(CATS_AND_DOGS);
    assert_eq!(expected[3], ("set/images/3.png".into(), "dog".into()));
    let body = CATS_AND_DOGS.strip_prefix("image,label\n").unwrap();
    let with = |from: &str, to: &str| CATS_AND_DOGS.replace(from, to);
    let swapped: String =
        body.lines().filter_map(|l| l.split_once(',')).map(|(p, c)| format!("{c},{p},x\n")).collect();
    let variants = [
        body.to_owned(),
        with(",", ";"),
        with(",", "\t"),
        body.replace(',', " "),
        with("\n", "\r\n"),
        format!("\u{feff}{CATS_AND_DOGS}"),
        format!("# made by hand\n\n{CATS_AND_DOGS}\n\n"),
        body.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect(),
        body.lines().map(|line| format!("images/{line}\n")).collect(),
        body.lines().map(|line| format!("./images/{line}\n")).collect(),
        body.lines().map(|line| format!("set\\images\\{line}\n")).collect(),
        with(".png", ""),
        format!("class_name,file_name,split_of_nothing\n{swapped}"),
        format!("Anything,Else\n{body}"),
    ];
    for list in variants {
        assert_eq!(classes_of(&list), expected, "{list:?}");
    }
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(CATS_AND_DOGS.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let mut files = listed("");
    replace(&mut files, "labels.csv", |bytes| *bytes = wide);
    assert_eq!(open_folder(&files).0.unwrap().description().classes, ["cat", "dog"]);
}

#[test]
fn a_list_may_say_the_split_and_count_the_classes() {
    let list = "path,label,split\n0.png,1,train\n1.png,10,train\n2.png,9,train\n3.png,10,valid\n4.png,1,test\n5.png,9,train\n";
    let dataset = open_folder(&listed(list)).0.unwrap();
    assert_eq!(dataset.description().classes, ["1", "9", "10"], "in the order of numbers");
    assert_eq!(named(&*dataset, Split::Validation).len(), 2);
    assert_tells(
        &dataset.description().layout,
        &["4 pictures to train on, 2 to validate", "nothing to validate of: 9"],
    );
    // Names for numbers.
    let mut files = listed(&CATS_AND_DOGS.replace("cat", "0").replace("dog", "1"));
    files.push(("set/classes.txt".into(), b"feline\ncanine\n".to_vec()));
    assert_eq!(open_folder(&files).0.unwrap().description().classes, ["feline", "canine"]);
    // Something to validate that is never trained.
    let list = list.replace("4.png,1,test", "4.png,77,test");
    assert_tells(&refusal(open_folder(&listed(&list)).0), &["only in val: 77"]);
    // Training and validation in a list each, as Caffe has them.
    let mut files = listed("");
    files.retain(|(name, _)| name.ends_with(".png"));
    files.push(("set/train.txt".into(), b"images/0.png 0\nimages/1.png 1\nimages/2.png 0\n".to_vec()));
    files.push(("set/val.txt".into(), b"images/3.png 1\nimages/4.png 0\n".to_vec()));
    let dataset = open_folder(&files).0.unwrap();
    let expected = "2 classes listed in train.txt and val.txt, 3 pictures to train on, 2 to validate";
    assert!(dataset.description().layout.starts_with(expected), "{}", dataset.description().layout);
    // A column for each class.
    let rows: String =
        (0..8).map(|i| format!("{i}.png,{}\n", ["1,0,0", "0.0,1.0,0.0", "0,0,1"][i % 3])).collect();
    let marked = format!("image_id,class_red,rust,scab\n{rows}").replace("7.png,0.0,1.0,0.0", "7.png,1,1,0");
    let dataset = open_folder(&listed(&marked)).0.unwrap();
    assert_eq!(dataset.description().classes, ["class_red", "rust", "scab"]);
    assert!(dataset.left_out().iter().any(|row| row.reason == "it marks no class, or several"));
    // The label first, without a header.
    let swapped: String = (0..8).map(|i| format!("{},{i}.png\n", ["cat", "dog"][i % 2])).collect();
    assert_eq!(open_folder(&listed(&swapped)).0.unwrap().description().classes, ["cat", "dog"]);
}

#[test]
fn what_a_list_gets_wrong_is_named_by_line() {
    let list = "image,label\n0.png,cat\n1.png,dog\n2.png,cat\n3.png,dog\n9.png,cat\n../../0.png,dog\n4.png\n5.png,\n0.png,dog\n6.png,dog\n";
    let (dataset, _place) = open_folder(&listed(list));
    let dataset = dataset.unwrap();
    let mut bad = unreadable(&*dataset);
    bad.sort();
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert_tells(&bad[0].1, &["leads out", "line 7"]);
    assert_tells(&bad[1].0, &["9.png"]);
    assert_tells(&bad[1].1, &["no such file", "line 6 of labels.csv"]);
    let left_out: Vec<String> =
        dataset.left_out().iter().map(|r| format!("{}: {}", r.name, r.reason)).collect();
    assert_eq!(
        left_out,
        [
            "set/labels.csv, line 8: it has no label",
            "set/labels.csv, line 9: it has no label",
            "set/labels.csv, line 10: it names 0.png again",
            "set/images/4.png: not named by the list",
            "set/images/5.png: not named by the list",
            "set/images/7.png: not named by the list",
        ]
    );
    let one = CATS_AND_DOGS.replace("dog", "cat");
    assert_tells(&refusal(open_folder(&listed(&one)).0), &["only one class, `cat`"]);
}

#[test]
fn a_list_itself_may_be_the_source() {
    let place = Place::with(&listed("0.png,cat"));
    let elsewhere = Place::with(&[("far.png".into(), png(4, 4, [9; 3]))]);
    let far = elsewhere.path("far.png");
    let list = format!(
        "images/0.png,cat\nimages/1.png,dog\n{},dog\nimages/2.png,cat\nimages/no.png,cat\n",
        far.display()
    );
    std::fs::write(place.path("set/mine.csv"), list).unwrap();
    let config = DataConfig { validation_share: 0.3, ..super::config(&place.path("set/mine.csv")) };
    let dataset = open(&config).unwrap();
    assert_eq!(dataset.len(Split::Train) + dataset.len(Split::Validation), 5);
    let bad = unreadable(&*dataset);
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_tells(&bad[0].0, &["images/no.png"]);
    assert_tells(&bad[0].1, &["no such file"]);

    // The list for validation lies beside the one for training.
    std::fs::write(place.path("set/train.txt"), "images/0.png a\nimages/1.png b\n").unwrap();
    std::fs::write(place.path("set/valid.txt"), "images/2.png a\nimages/3.png b\n").unwrap();
    let dataset = open_at(&place.path("set/train.txt")).unwrap();
    assert_tells(&dataset.description().layout, &["2 pictures to train on, 2 to validate"]);

    std::fs::write(place.path("set/notes.txt"), "a letter\nwith words, and more words\n").unwrap();
    assert_tells(&refusal(open_at(&place.path("set/notes.txt"))), &["notes.txt", "no archive or list"]);
}

#[cfg(unix)]
#[test]
fn a_list_that_names_a_pipe_or_a_device_does_not_hang() {
    let place = Place::with(&listed(CATS_AND_DOGS));
    let pipe = place.path("set/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::write(
        place.path("set/mine.csv"),
        "images/0.png,a\nimages/1.png,b\npipe.png,a\n/dev/zero,b\nimages/2.png,a\nimages/3.png,b\n",
    )
    .unwrap();
    let dataset = open_at(&place.path("set/mine.csv")).unwrap();
    let bad = unreadable(&*dataset);
    assert_eq!(bad.len(), 2);
    assert!(bad.iter().all(|(_, reason)| reason.contains("no plain file")), "{bad:?}");
    // In a folder it is left out.
    let mut files = super::class_files("", &["cat", "dog"], 2);
    files.push(("cat/x.txt".into(), Vec::new()));
    let place = Place::with(&files);
    assert!(std::process::Command::new("mkfifo").arg(place.path("cat/pipe.png")).status().unwrap().success());
    let dataset = open(&place.config()).unwrap();
    assert_tells(&dataset.description().layout, &["left out: `cat/pipe.png` (it is no plain file)"]);
}
