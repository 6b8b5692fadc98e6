//! ImageNet and its kin with validation pictures in one flat folder: a list says their classes ([`truth`]).
//!
//! Labels are in order of the wnids, as torchvision and Caffe have them. (Tiny ImageNet's `wnids.txt` and the
//! numbers of ImageNet's development kit have other orders.)

use std::collections::{BTreeSet, HashMap};

use super::split::{is_train, validation_rank};
use super::tree::{Folder, MAX_WRAPS, base_name};
use super::truth::{self, Labels, stem};
use super::{
    Item, Layout, Picture, Place, check_same_classes, folders, loose, not_used_note, sentence, wordnet,
};
use crate::data::error::DataError;
use crate::data::sources::is_for_tests;
use crate::words;

/// The folder that holds the splits: a few folders down in Kaggle's ImageNet, `home` itself in other sets.
pub(super) fn pictures_in<'a>(home: Folder<'a>) -> Folder<'a> {
    let in_kaggle = |folder: Folder<'a>| {
        ["Data/CLS-LOC", "ILSVRC/Data/CLS-LOC"]
            .into_iter()
            .filter_map(|path| folder.below(path))
            .find(|folder| folder.folder("train").is_some())
    };
    // Lists beside a wrapping folder hide that it wraps.
    let only = |folder: &Folder<'a>| match folder.folders()[..] {
        [only] => Some(only),
        _ => None,
    };
    std::iter::successors(Some(home), only).take(MAX_WRAPS).find_map(in_kaggle).unwrap_or(home)
}

/// Recognises class folders for training beside flat validation pictures with a list.
pub(super) fn recognise(place: &Place, home: Folder) -> Result<Option<Layout>, DataError> {
    let Some((train, validation, pictures)) = parts(home) else { return Ok(None) };
    let classes = folders::Classes::to_train(place, train.name(), &train.folders())?;
    let wnids: Vec<&str> = classes.full.iter().map(Folder::name).collect();
    let Some(list) = truth::find(place, validation, pictures, &wnids)? else { return Ok(None) };
    let folders = home.folders();
    let is_used = |folder: &&Folder| {
        [train.path(), validation.path()].contains(&folder.path()) || list.lies_in(folder.path())
    };
    let unused: Vec<&str> = folders.iter().filter(|folder| !is_used(folder)).map(Folder::name).collect();
    let mut layout = layout(place, &classes.full, pictures, &list, &unused)?;
    classes.leave_out_hollow(&mut layout.left_out);
    layout.left_out.append(loose::beside(place, home, &[train]));
    Ok(Some(layout))
}

/// The folder of class folders to train on, the one for validation, and the flat pictures in it.
fn parts(home: Folder) -> Option<(Folder, Folder, Folder)> {
    let folders = home.folders();
    let train = folders.iter().find(|folder| is_train(folder.name()) && !folder.folders().is_empty())?;
    let validation = folders
        .iter()
        // Pictures to test on are flat too in some sets, but have no classes.
        .filter_map(|folder| {
            Some((validation_rank(folder.name()).filter(|&rank| !is_for_tests(rank))?, folder))
        })
        .min_by_key(|(rank, _)| *rank)?
        .1;
    Some((*train, *validation, flat_pictures(*validation)?))
}

/// What is missing where ImageNet's validation pictures lie there without their classes.
pub(super) fn missing_list_note(home: Folder) -> &'static str {
    let is_official = |pictures: Folder| {
        pictures
            .own_files()
            .next()
            .is_some_and(|(_, entry)| base_name(&entry.path).starts_with("ILSVRC2012_val_"))
    };
    match parts(home) {
        Some((.., pictures)) if is_official(pictures) => {
            "; the classes of ImageNet's validation pictures are told by ILSVRC2012_devkit_t12.tar.gz: put it beside \
             them to use these pictures"
        }
        _ => "",
    }
}

/// The validation folder's pictures, if they lie in no class folders.
fn flat_pictures(validation: Folder) -> Option<Folder> {
    match &validation.folders()[..] {
        [] => Some(validation),
        [only] if only.name().eq_ignore_ascii_case("images") && only.folders().is_empty() => Some(*only),
        _ => None,
    }
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
    for (file, entry) in pictures.own_files().filter(|(_, entry)| *entry.path != *labels.list) {
        match labels.wnids.get(stem(base_name(&entry.path))) {
            Some(wnid) => {
                used.insert(wnid);
                let label = number.get(wnid.as_str()).copied().unwrap_or_default();
                layout.validation.push(Item { picture: Picture::File(file), label });
            }
            None => layout.left_out.add(&*entry.path, format!("{list} does not say its class")),
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
    let what = format!("{set}: {}", words::counted(layout.classes.len(), "class"));
    layout.sentence = sentence(&what, &layout, None) + &not_used_note(unused);
    Ok(layout)
}
