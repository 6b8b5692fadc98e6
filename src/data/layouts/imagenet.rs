//! ImageNet and its kin with validation pictures in one flat folder: a list says their classes.
//!
//! | list | what it says |
//! |---|---|
//! | `val/val_annotations.txt` | Tiny ImageNet: file, wnid, box |
//! | `LOC_val_solution.csv` | Kaggle: picture, then wnid and box, repeated |
//! | `val.txt` | Caffe: file, number of the class in the order of `synset_words.txt` |
//!
//! Labels are in order of the wnids, as torchvision and Caffe have them. (Tiny ImageNet's `wnids.txt` and the
//! numbers of ImageNet's development kit have other orders.)

use std::collections::{BTreeSet, HashMap};

use super::table;
use super::tree::{Folder, base_name};
use super::{Item, Layout, Picture, Place, check_same_classes, folders, not_used_note, sentence, wordnet};
use crate::data::Refused;
use crate::data::error::DataError;
use crate::data::sources::Entry;

const GROUND_TRUTH: &str = "ILSVRC2012_validation_ground_truth.txt";
/// Pictures without a class that are told one by one.
const MAX_TOLD: usize = 1000;

/// The folder that holds the splits: a few folders down in Kaggle's ImageNet, `home` itself in other sets.
pub(super) fn pictures_in<'a>(home: Folder<'a>) -> Folder<'a> {
    ["Data/CLS-LOC", "ILSVRC/Data/CLS-LOC"]
        .into_iter()
        .filter_map(|path| home.below(path))
        .find(|folder| folder.folder("train").is_some())
        .unwrap_or(home)
}

/// Recognises class folders for training beside flat validation pictures with a list.
pub(super) fn recognise(place: &Place, home: Folder) -> Result<Option<Layout>, DataError> {
    let (Some(train), Some(validation)) = (home.folder("train"), home.folder("val")) else { return Ok(None) };
    let Some(pictures) = flat_pictures(validation) else { return Ok(None) };
    if train.folders().is_empty() {
        return Ok(None);
    }
    let train_folders = folders::class_folders(place, train.name(), train.folders())?;
    let wnids: Vec<&str> = train_folders.iter().map(Folder::name).collect();
    let Some(list) = find_list(place, validation, &wnids)? else { return Ok(None) };
    let folders = home.folders();
    let used = [train.name(), validation.name()];
    let unused: Vec<&str> = folders.iter().map(Folder::name).filter(|name| !used.contains(name)).collect();
    layout(place, &train_folders, pictures, &list, &unused).map(Some)
}

/// The validation folder's pictures, if they lie in no class folders.
fn flat_pictures(validation: Folder) -> Option<Folder> {
    match &validation.folders()[..] {
        [] => Some(validation),
        [only] if only.name().eq_ignore_ascii_case("images") && only.folders().is_empty() => Some(*only),
        _ => None,
    }
}

/// The classes of validation pictures.
struct Labels {
    /// What is said of the data set.
    set: &'static str,
    /// The list's path.
    list: String,
    /// Wnid by file name, without the ending.
    wnids: HashMap<String, String>,
}

fn find_list(place: &Place, validation: Folder, train: &[&str]) -> Result<Option<Labels>, DataError> {
    let found = |set, entry: &Entry, wnids| Labels { set, list: entry.path.to_string(), wnids };
    if let Some(entry) = validation.file("val_annotations.txt") {
        let text = place.text(entry)?;
        let rows = table::numbered_lines(&text).filter_map(|(_, line)| {
            let mut fields = line.split('\t');
            Some((stem(fields.next()?).to_owned(), fields.next()?.trim().to_owned()))
        });
        return Ok(Some(found("Tiny ImageNet", entry, rows.collect())));
    }
    if let Some(entry) = place.find(&["LOC_val_solution.csv"]) {
        let text = place.text(entry)?;
        let rows = table::numbered_lines(&text).filter_map(|(_, line)| {
            let (picture, boxes) = line.split_once(',')?;
            let wnid = boxes.split_whitespace().next().filter(|wnid| wordnet::is_wnid(wnid))?;
            Some((stem(picture.trim()).to_owned(), wnid.to_owned()))
        });
        return Ok(Some(found("ImageNet", entry, rows.collect())));
    }
    if let Some(entry) = place.find(&["val.txt"]) {
        let text = place.text(entry)?;
        let names = place.find(&["synset_words.txt"]).map(|file| place.text(file)).transpose()?;
        let order: Vec<String> = match &names {
            Some(names) => wordnet::read_names(names).map(|(wnid, _)| wnid).collect(),
            None => train.iter().map(|&wnid| wnid.to_owned()).collect(),
        };
        // Kaggle has a list of this name too, which only counts the pictures: then some numbers are no classes.
        let wnids: Option<HashMap<String, String>> = table::numbered_lines(&text)
            .map(|(_, line)| {
                let (picture, number) = line.trim().rsplit_once(char::is_whitespace)?;
                let wnid = order.get(number.parse::<usize>().ok()?)?;
                Some((stem(base_name(picture.trim())).to_owned(), wnid.clone()))
            })
            .collect();
        if let Some(wnids) = wnids.filter(|wnids| !wnids.is_empty() && !entry.path.contains("ImageSets/")) {
            return Ok(Some(found("ImageNet", entry, wnids)));
        }
    }
    if place.find(&[GROUND_TRUTH]).is_some() {
        return Err(DataError::PartOfSet {
            path: place.shown(),
            what: "ImageNet with the development kit's ground truth, which needs a MATLAB file to be understood",
            remedy: "put val.txt and synset_words.txt of caffe_ilsvrc12.tar.gz beside the folders",
        });
    }
    Ok(None)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn layout(
    place: &Place,
    train: &[Folder],
    pictures: Folder,
    labels: &Labels,
    unused: &[&str],
) -> Result<Layout, DataError> {
    let wnids: BTreeSet<&str> = train.iter().map(Folder::name).collect();
    let number: HashMap<&str, u32> = wnids.iter().copied().zip(0..).collect();
    let mut layout = Layout::default();
    for (label, class) in (0..).zip(train) {
        // Tiny ImageNet has the pictures one folder deeper, beside a table of boxes.
        let pictures = class.folder("images").unwrap_or(*class);
        layout.train.extend(pictures.files().map(|(file, _)| Item { picture: Picture::File(file), label }));
    }
    let list = base_name(&labels.list);
    let mut used: BTreeSet<&str> = BTreeSet::new();
    let mut left_out = 0;
    for (file, entry) in pictures.own_files().filter(|(_, entry)| *entry.path != *labels.list) {
        match labels.wnids.get(stem(base_name(&entry.path))) {
            Some(wnid) => {
                used.insert(wnid);
                let label = number.get(wnid.as_str()).copied().unwrap_or_default();
                layout.validation.push(Item { picture: Picture::File(file), label });
            }
            None => {
                left_out += 1;
                if left_out <= MAX_TOLD {
                    let reason = format!("{list} does not say its class");
                    layout.ignored.push(Refused { name: entry.path.to_string(), reason });
                }
            }
        }
    }
    if layout.validation.is_empty() {
        return Err(DataError::List {
            path: place.shown(),
            list: labels.list.clone(),
            reason: format!("it names none of the pictures in {}", pictures.path()),
        });
    }
    check_same_classes(place, ("train", &wnids), (list, &used))?;
    let named = wordnet::name_classes(place, &wnids);
    layout.classes = named.classes;
    let set = named.set.filter(|_| labels.set == "ImageNet").unwrap_or(labels.set);
    let what = format!("{set}: {} classes", layout.classes.len());
    layout.sentence = sentence(&what, &layout, None) + &not_used_note(unused);
    Ok(layout)
}
