//! CIFAR-10 and CIFAR-100 in their binary version.
//!
//! A record is one label byte (CIFAR-10) or a coarse and a fine one (CIFAR-100), then 1024 bytes each of red,
//! green and blue, row by row. There is no header: the files are told by their names and sizes, and checked by
//! their labels.

use super::records::Records;
use super::tree::base_name;
use super::{Item, Layout, Picture, Place, loose, sentence, split};
use crate::data::error::DataError;
use crate::data::sources::Entry;
use crate::words;

const SIDE: u32 = 32;
/// Folders with more files hold pictures, not batches of them.
const MAX_FILES: usize = 1000;

const CIFAR_10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// One of the two sets.
struct Kind {
    name: &'static str,
    classes: usize,
    /// Label bytes of a record; the last one is the class.
    labels: u64,
    names_file: &'static str,
}

const SMALL: Kind = Kind { name: "CIFAR-10", classes: 10, labels: 1, names_file: "batches.meta.txt" };
const LARGE: Kind = Kind { name: "CIFAR-100", classes: 100, labels: 2, names_file: "fine_label_names.txt" };

/// Recognises either set by the names of its files.
pub(super) fn recognise(place: &Place) -> Result<Option<Layout>, DataError> {
    let files: Vec<&Entry> = place.listing.entries.iter().filter(|entry| !entry.is_folder).collect();
    if files.len() > MAX_FILES {
        return Ok(None);
    }
    let named = |test: fn(&str) -> bool| -> Vec<&Entry> {
        files.iter().copied().filter(|entry| test(base_name(&entry.path))).collect()
    };
    let small = named(|name| is_batch(name) && name.ends_with(".bin"));
    if !small.is_empty() {
        let is_test = |name: &str| name.starts_with("test_batch");
        return read(place, &SMALL, &small, is_test).map(Some);
    }
    let large = named(|name| matches!(name, "train.bin" | "test.bin"));
    let fine = place.find(&["fine_label_names.txt"]).is_some();
    if !large.is_empty() && (fine || large.iter().all(|entry| fits_large(place, entry))) {
        return read(place, &LARGE, &large, |name| name == "test.bin").map(Some);
    }
    let python = named(|name| is_batch(name) && !name.contains('.'));
    let matlab = named(|name| is_batch(name) && name.ends_with(".mat"));
    // The larger set has its pictures in two files, whose names say little by themselves.
    let are_there =
        |names: [&str; 3]| names.iter().all(|name| place.find(&[name]).is_some_and(|file| !file.is_folder));
    let is_python = python.len() > 1
        || place.find(&["batches.meta"]).is_some()
        || (files.len() <= 5 && are_there(["train", "test", "meta"]));
    if is_python || matlab.len() > 1 || (files.len() <= 5 && are_there(["train.mat", "test.mat", "meta.mat"]))
    {
        return Err(DataError::PartOfSet {
            path: place.shown(),
            what: if is_python { "the Python version of CIFAR" } else { "the Matlab version of CIFAR" },
            remedy: "download the binary version (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)",
        });
    }
    Ok(None)
}

fn is_batch(name: &str) -> bool {
    name.starts_with("data_batch_") || name.starts_with("test_batch")
}

/// Whether a file consists of CIFAR-100 records, going by its size and first labels.
fn fits_large(place: &Place, entry: &Entry) -> bool {
    place.source.region(entry).is_ok_and(|bytes| {
        let first = bytes.start(2).unwrap_or_default();
        bytes.length() > 0 && bytes.length().is_multiple_of(3074) && matches!(first[..], [..20, ..100])
    })
}

fn read(
    place: &Place,
    kind: &Kind,
    files: &[&Entry],
    is_test: impl Fn(&str) -> bool,
) -> Result<Layout, DataError> {
    let mut layout = Layout { classes: class_names(place, kind), ..Layout::default() };
    for entry in files {
        place.opening.check_cancelled()?;
        let test = is_test(base_name(&entry.path));
        let items = read_file(place, kind, entry, &mut layout.records);
        if test { layout.validation.extend(items) } else { layout.train.extend(items) }
    }
    layout.left_out = loose::single_pictures(place);
    let what = format!("{}: {} classes", kind.name, kind.classes);
    let mut held_back = None;
    if layout.train.is_empty() {
        layout.train = std::mem::take(&mut layout.validation);
    }
    if layout.validation.is_empty() {
        (layout.train, layout.validation) = split::by_seed(place, layout.train)?;
        held_back = Some(place.config.split_seed);
    }
    layout.sentence = sentence(&what, &layout, held_back) + &missing_note(kind, files);
    Ok(layout)
}

/// Which of the five training batches of CIFAR-10 are not there.
fn missing_note(kind: &Kind, files: &[&Entry]) -> String {
    if kind.classes != SMALL.classes {
        return String::new();
    }
    let is_there = |name: &String| files.iter().any(|entry| base_name(&entry.path) == name);
    let batches = (1..=5).map(|number| format!("data_batch_{number}.bin"));
    let missing: Vec<String> =
        batches.chain(["test_batch.bin".into()]).filter(|name| !is_there(name)).collect();
    if missing.is_empty() {
        return String::new();
    }
    format!("; missing: {}", words::some_of(&missing, 6))
}

/// The pictures of one file. What cannot be used stands among them with its reason.
fn read_file(place: &Place, kind: &Kind, entry: &Entry, records: &mut Vec<Records>) -> Vec<Item> {
    let unusable = |name: String, reason: String| Item { picture: Picture::unusable(name, reason), label: 0 };
    let bytes = match place.source.region(entry) {
        Ok(bytes) => bytes,
        Err(reason) => return vec![unusable(entry.path.to_string(), reason)],
    };
    let name = entry.path.to_string();
    let file = Records {
        name: name.clone(),
        bytes,
        header: 0,
        labels: kind.labels,
        width: SIDE,
        height: SIDE,
        channels: 3,
    };
    let labels = match file.read_labels() {
        Ok(labels) => labels,
        Err(reason) => return vec![unusable(name, reason)],
    };
    let number = records.len() as u32;
    let mut items: Vec<Item> = (0..)
        .zip(labels.chunks_exact(kind.labels as usize))
        .map(|(index, labels)| match labels.last() {
            Some(&label) if usize::from(label) < kind.classes => {
                Item { picture: Picture::Record { file: number, index }, label: label.into() }
            }
            label => {
                let label = label.copied().unwrap_or_default();
                let reason = format!("its label is {label}, but there are {} classes", kind.classes);
                unusable(format!("{name}[{index}]"), reason)
            }
        })
        .collect();
    if file.is_cut() {
        let reason = format!("the file is cut short after {}", words::counted(file.whole(), "whole picture"));
        items.push(unusable(name, reason));
    }
    records.push(file);
    items
}

/// The names beside the files, or those everybody uses.
fn class_names(place: &Place, kind: &Kind) -> Vec<String> {
    let text = place.find(&[kind.names_file]).and_then(|file| place.text(file).ok());
    let names: Vec<String> = text
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    if names.len() == kind.classes {
        names
    } else if kind.classes == CIFAR_10.len() {
        CIFAR_10.map(str::to_owned).into()
    } else {
        (0..kind.classes).map(|class| format!("class {class}")).collect()
    }
}
