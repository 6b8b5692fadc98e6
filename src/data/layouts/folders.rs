//! One folder a class.
//!
//! ```text
//! train/cat/1.jpg, train/dog/2.jpg, val/cat/3.jpg ...   with a split: val, valid, validation or test
//! cat/1.jpg, dog/2.jpg ...                              without: split by seed, each class by itself
//! ```
//! Either may stand inside wrapping folders. Files beside the class folders are overlooked. Every file below a
//! class folder belongs to that class. Labels are in order of the folders' names, as torchvision has them.

use std::collections::BTreeSet;

use super::tree::Folder;
use super::{Item, Layout, Picture, Place, check_same_classes, not_used_note, sentence, split, wordnet};
use crate::data::error::DataError;

/// Finds class folders in `home`.
pub(super) fn recognise(place: &Place, home: Folder) -> Result<Layout, DataError> {
    let top = home.folders();
    if top.is_empty() {
        return Err(DataError::NoClassFolders { path: place.shown() });
    }
    let Some((train, validation)) = split::split_folders(&top) else {
        let classes = class_folders(place, "", top)?;
        return whole(place, &classes, &[]);
    };
    let used = [Some(train.path()), validation.map(|folder| folder.path())];
    let unused: Vec<&str> =
        top.iter().filter(|folder| !used.contains(&Some(folder.path()))).map(Folder::name).collect();
    let train_classes = class_folders(place, train.name(), train.folders())?;
    let Some(validation) = validation else { return whole(place, &train_classes, &unused) };
    let validation_classes = class_folders_of(place, validation.name(), validation.folders())?;
    check_same_classes(
        place,
        (train.name(), &names(&train_classes)),
        (validation.name(), &names(&validation_classes)),
    )?;
    let named = wordnet::name_classes(place, &names(&train_classes));
    let what = named.sentence_start("in folders");
    let mut layout = Layout {
        classes: named.classes,
        train: items(&train_classes),
        validation: items(&validation_classes),
        ..Layout::default()
    };
    layout.sentence = sentence(&what, &layout, None) + &not_used_note(&unused);
    Ok(layout)
}

/// Class folders that have no split.
fn whole(place: &Place, classes: &[Folder], unused: &[&str]) -> Result<Layout, DataError> {
    let named = wordnet::name_classes(place, &names(classes));
    let (train, validation) = split::by_seed(place, items(classes))?;
    let what = named.sentence_start("in folders");
    let mut layout = Layout { classes: named.classes, train, validation, ..Layout::default() };
    layout.sentence = sentence(&what, &layout, Some(place.config.split_seed)) + &not_used_note(unused);
    Ok(layout)
}

fn names<'a>(classes: &[Folder<'a>]) -> BTreeSet<&'a str> {
    classes.iter().map(Folder::name).collect()
}

/// Every file with the number of its folder as its label.
fn items(classes: &[Folder]) -> Vec<Item> {
    (0..)
        .zip(classes)
        .flat_map(|(label, class)| {
            class.files().map(move |(number, _)| Item { picture: Picture::File(number), label })
        })
        .collect()
}

/// Two class folders or more, none of them empty.
pub(super) fn class_folders<'a>(
    place: &Place,
    split: &str,
    classes: Vec<Folder<'a>>,
) -> Result<Vec<Folder<'a>>, DataError> {
    let classes = class_folders_of(place, split, classes)?;
    match &classes[..] {
        [only] => Err(DataError::OneClass { path: path_of(place, split), class: only.name().to_owned() }),
        _ => Ok(classes),
    }
}

fn class_folders_of<'a>(
    place: &Place,
    split: &str,
    classes: Vec<Folder<'a>>,
) -> Result<Vec<Folder<'a>>, DataError> {
    let is_empty = |class: &Folder| class.files().next().is_none();
    if classes.iter().all(is_empty) {
        return Err(DataError::Empty { path: path_of(place, split) });
    }
    match classes.iter().find(|class| is_empty(class)) {
        Some(class) => {
            Err(DataError::EmptyClass { path: path_of(place, split), class: class.name().to_owned() })
        }
        None => Ok(classes),
    }
}

fn path_of(place: &Place, split: &str) -> String {
    let shown = place.opening.shown;
    if split.is_empty() { shown.into() } else { format!("{}/{split}", shown.trim_end_matches('/')) }
}
