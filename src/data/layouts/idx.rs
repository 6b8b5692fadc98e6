//! MNIST, Fashion-MNIST and others in idx files, plain or packed with gzip.
//!
//! Big-endian: two zero bytes, the type of a value (8: one byte), the number of dimensions, each dimension in four
//! bytes, then the values. Pictures have three dimensions, labels one.

use std::collections::{BTreeMap, BTreeSet};

use super::records::Records;
use super::tree::base_name;
use super::{Item, Layout, Picture, Place, loose, sentence, split};
use crate::data::error::DataError;
use crate::data::sources::{Entry, Region, gunzipped};
use crate::words;

/// Sources with more files hold pictures, not files of them.
const MAX_FILES: usize = 100;
/// Larger pictures come in files of their own.
const MAX_SIDE: u32 = 4096;

const FASHION: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];
/// How the labels begin: training, then test.
const MNIST_LABELS: [[u8; 10]; 2] = [[5, 0, 4, 1, 9, 2, 1, 3, 1, 4], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]];
const FASHION_LABELS: [[u8; 10]; 2] = [[9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]];

/// A file with its dimensions.
struct Idx {
    name: String,
    bytes: Region,
    dimensions: Vec<u32>,
}

impl Idx {
    fn header(&self) -> u64 {
        4 + 4 * self.dimensions.len() as u64
    }
}

/// Recognises a folder of idx files.
pub(super) fn recognise(place: &Place) -> Result<Option<Layout>, DataError> {
    let files: Vec<&Entry> = place.listing.entries.iter().filter(|entry| !entry.is_folder).collect();
    if files.len() > MAX_FILES {
        return Ok(None);
    }
    let (mut pictures, mut labels) = (Vec::<Idx>::new(), Vec::<Idx>::new());
    for entry in files {
        let Some(file) = read_header(place, entry)? else { continue };
        let list = if file.dimensions.len() == 1 { &mut labels } else { &mut pictures };
        // The same file may lie there plain and packed.
        if !list.iter().any(|other| key(&other.name) == key(&file.name)) {
            list.push(file);
        }
    }
    if pictures.is_empty() && labels.is_empty() {
        return Ok(None);
    }
    let mut layout = Layout::default();
    let mut known = None;
    let mut classes = 0;
    for pictures in pictures {
        let labels = labels.iter().find(|labels| key(&labels.name) == key(&pictures.name));
        let labels = labels.ok_or_else(|| {
            broken(place, &pictures, "there is no file of labels with it: put both there".into())
        })?;
        let values = read_labels(place, labels, &pictures)?;
        known = known.or_else(|| known_set(&values));
        classes = classes.max(values.iter().max().map_or(0, |&label| usize::from(label) + 1));
        let is_test = is_test(&pictures.name);
        let items = items(place, pictures, &values, &mut layout.records)?;
        if is_test { layout.validation.extend(items) } else { layout.train.extend(items) }
    }
    if layout.train.is_empty() {
        layout.train = std::mem::take(&mut layout.validation);
    }
    if layout.train.is_empty() || classes < 2 {
        return Err(DataError::Empty { path: place.shown() });
    }
    layout.classes = match known {
        Some("Fashion-MNIST") if classes == 10 => FASHION.map(str::to_owned).into(),
        _ => (0..classes).map(|class| class.to_string()).collect(),
    };
    if known.is_none() {
        leave_out_unused_labels(&mut layout);
    }
    layout.left_out = loose::single_pictures(place);
    let classes = layout.classes.len();
    if classes < 2 {
        return Err(DataError::OneClass { path: place.shown(), class: layout.classes.remove(0) });
    }
    let what = format!("{}: {}", known.unwrap_or("idx files like MNIST's"), words::counted(classes, "class"));
    let mut held_back = None;
    if layout.validation.is_empty() {
        (layout.train, layout.validation) = split::by_seed(place, layout.train)?;
        held_back = Some(place.config.split_seed);
    }
    layout.sentence = sentence(&what, &layout, held_back);
    Ok(Some(layout))
}

/// Takes away classes that no picture has: EMNIST's letters are counted from 1.
fn leave_out_unused_labels(layout: &mut Layout) {
    let items = || layout.train.iter().chain(&layout.validation);
    let used: BTreeSet<u32> = items().map(|item| item.label).collect();
    if used.len() == layout.classes.len() {
        return;
    }
    layout.classes = used.iter().map(|&label| layout.classes[label as usize].clone()).collect();
    let number: BTreeMap<u32, u32> = used.into_iter().zip(0..).collect();
    for item in layout.train.iter_mut().chain(&mut layout.validation) {
        item.label = number[&item.label];
    }
}

fn is_test(name: &str) -> bool {
    let name = base_name(name).to_lowercase();
    ["t10k", "test", "val"].iter().any(|mark| name.starts_with(mark) || name.contains(&format!("-{mark}")))
}

/// What the files of pictures and labels that belong together have in common: the folder, and the name without
/// what they hold.
fn key(name: &str) -> String {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let split = if is_test(name) { "test" } else { "train" };
    let rest = ["images", "labels", "idx3", "idx1", "idx4", "ubyte", "image", "label", "-", ".", "_"]
        .iter()
        .fold(base_name(name).to_owned(), |rest, part| rest.replace(part, ""));
    format!("{split} {rest}")
}

/// The header of an idx file; nothing if it is none. Only files whose names may be those of one are looked into:
/// in an archive each look may mean unpacking the whole file.
fn read_header(place: &Place, entry: &Entry) -> Result<Option<Idx>, DataError> {
    let name = entry.path.to_string();
    let lower = base_name(&name).to_lowercase();
    if !["idx", "ubyte", "images", "labels"].iter().any(|part| lower.contains(part)) {
        return Ok(None);
    }
    let promises = |start: Vec<u8>| start.starts_with(&[0, 0]) || start.starts_with(b"\x1f\x8b");
    if !place.source.start(entry, 4).is_ok_and(promises) {
        return Ok(None);
    }
    let Ok(packed) = place.source.region(entry) else { return Ok(None) };
    let broken = |reason| DataError::List { path: place.shown(), list: name.clone(), reason };
    let bytes = match gunzipped(packed, place.opening.cancel) {
        Ok(bytes) => bytes,
        Err(_) if place.opening.check_cancelled().is_err() => return Err(DataError::Cancelled),
        Err(reason) => return Err(broken(reason)),
    };
    let start = bytes.start(20).unwrap_or_default();
    let [0, 0, kind, count, sizes @ ..] = &start[..] else { return Ok(None) };
    if *kind != 8 {
        return match kind {
            9 | 11..=14 => Err(broken("its values are not single bytes (0 to 255)".into())),
            _ => Ok(None),
        };
    }
    let count = usize::from(*count);
    let dimensions: Vec<u32> = sizes
        .chunks_exact(4)
        .take(count)
        .map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    if dimensions.len() < count || !matches!(count, 1 | 3) {
        return Err(broken("its dimensions are neither those of pictures nor of labels".into()));
    }
    Ok(Some(Idx { name, bytes, dimensions }))
}

fn broken(place: &Place, file: &Idx, reason: String) -> DataError {
    DataError::List { path: place.shown(), list: file.name.clone(), reason }
}

/// All labels, once it is clear that they belong to the pictures.
fn read_labels(place: &Place, labels: &Idx, pictures: &Idx) -> Result<Vec<u8>, DataError> {
    let (told, wanted) = (labels.dimensions[0], pictures.dimensions[0]);
    if told != wanted {
        let reason = format!("it holds {told} labels for the {wanted} pictures of {}", pictures.name);
        return Err(broken(place, labels, reason));
    }
    if labels.bytes.length() - labels.header() < u64::from(told) {
        let reason = format!("it is cut short: it holds fewer than the {told} labels it announces");
        return Err(broken(place, labels, reason));
    }
    let mut values = vec![0; told as usize];
    labels
        .bytes
        .fill(&mut values, labels.header())
        .map_err(|e| broken(place, labels, format!("it cannot be read ({e})")))?;
    Ok(values)
}

fn known_set(labels: &[u8]) -> Option<&'static str> {
    if MNIST_LABELS.iter().any(|start| labels.starts_with(start)) {
        Some("MNIST")
    } else if FASHION_LABELS.iter().any(|start| labels.starts_with(start)) {
        Some("Fashion-MNIST")
    } else {
        None
    }
}

fn items(
    place: &Place,
    file: Idx,
    labels: &[u8],
    records: &mut Vec<Records>,
) -> Result<Vec<Item>, DataError> {
    let [_, height, width] = file.dimensions[..3] else {
        return Err(broken(place, &file, "it holds no pictures".into()));
    };
    if [height, width].iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
        let reason = format!("its pictures are {width} x {height} pixels, which cannot be used");
        return Err(broken(place, &file, reason));
    }
    let header = file.header();
    let number = records.len() as u32;
    let file = Records { name: file.name, bytes: file.bytes, header, labels: 0, width, height, channels: 1 };
    let whole = usize::try_from(file.whole()).unwrap_or(usize::MAX);
    let mut items: Vec<Item> = (0..)
        .zip(&labels[..labels.len().min(whole)])
        .map(|(index, &label)| Item { picture: Picture::Record { file: number, index }, label: label.into() })
        .collect();
    if whole < labels.len() {
        let reason = format!("the file is cut short: it holds {whole} of {} pictures", labels.len());
        let label = labels[whole].into();
        items.push(Item { picture: Picture::unusable(file.name.clone(), reason), label });
    }
    records.push(file);
    Ok(items)
}
