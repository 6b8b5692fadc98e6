//! One folder a class.
//!
//! ```text
//! train/cat/1.jpg, train/dog/2.jpg, val/cat/3.jpg ...   with a split: val, valid, validation or test
//! cat/1.jpg, dog/2.jpg ...                              without: split by seed, each class by itself
//! ```
//! Either may stand inside wrapping folders. Every file below a class folder belongs to that class. Pictures and
//! archives beside the class folders are told ([`loose`]), other files there are overlooked. Labels are in order of
//! the folders' names, as torchvision has them.

use std::collections::BTreeSet;

use super::tree::Folder;
use super::{
    Item, Layout, Picture, Place, check_same_classes, loose, not_used_note, not_validated_note, sentence,
    split, wordnet,
};
use crate::data::error::DataError;
use crate::data::left_out::LeftOut;
use crate::data::sources::is_picture_name;
use crate::words;

/// Files of a class folder that are looked into before it counts as one without pictures, when no name promises one.
const LOOKED_INTO: usize = 50;

/// The class folders of a part.
pub(super) struct Classes<'a> {
    /// Those with pictures.
    pub full: Vec<Folder<'a>>,
    /// Those without, with the reason.
    hollow: Vec<(Folder<'a>, String)>,
}

impl<'a> Classes<'a> {
    /// Tells folders with pictures from others. `split` names the part, for messages.
    ///
    /// # Errors
    /// No folder holds a file.
    fn of(place: &Place, split: &str, folders: &[Folder<'a>]) -> Result<Self, DataError> {
        let mut classes = Self { full: Vec::new(), hollow: Vec::new() };
        for folder in folders {
            match hollowness(place, *folder) {
                None => classes.full.push(*folder),
                Some(reason) => classes.hollow.push((*folder, reason)),
            }
        }
        let holds_files = |(folder, _): &(Folder, String)| folder.files().next().is_some();
        if classes.full.is_empty() && classes.hollow.iter().filter(|folder| holds_files(folder)).count() > 1 {
            // Reading the files tells better what is wrong with them.
            classes.full =
                classes.hollow.extract_if(.., |hollow| holds_files(hollow)).map(|(f, _)| f).collect();
        }
        if classes.full.is_empty() {
            return Err(DataError::Empty { path: path_of(place, split) });
        }
        Ok(classes)
    }

    /// As [`Self::of`], of folders to train on.
    ///
    /// # Errors
    /// Fewer than two classes.
    pub fn to_train(place: &Place, split: &str, folders: &[Folder<'a>]) -> Result<Self, DataError> {
        let classes = Self::of(place, split, folders)?;
        match &classes.full[..] {
            [only] if is_general(only.name()) => {
                Err(DataError::NoClassFolders { path: path_of(place, split) })
            }
            [only] => Err(DataError::OneClass { path: path_of(place, split), class: only.name().to_owned() }),
            _ => Ok(classes),
        }
    }

    pub fn names(&self) -> BTreeSet<&'a str> {
        self.full.iter().map(Folder::name).collect()
    }

    /// The names with pictures, and of the empty ones those that `other` has pictures of: a class that is only empty
    /// here is no other class.
    fn names_beside(&self, other: &Self) -> BTreeSet<&'a str> {
        let there = other.names();
        let empty = self.hollow.iter().map(|(folder, _)| folder.name()).filter(|name| there.contains(name));
        self.names().into_iter().chain(empty).collect()
    }

    /// Notes the folders without pictures.
    pub fn leave_out_hollow(&self, left_out: &mut LeftOut) {
        self.hollow.iter().for_each(|(folder, reason)| left_out.add(folder.path(), reason));
    }
}

/// Whether a folder's name says that pictures are in it, but not which.
fn is_general(name: &str) -> bool {
    const NAMES: [&str; 10] =
        ["images", "image", "img", "imgs", "pictures", "photos", "data", "jpg", "jpeg", "png"];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Why a folder is no class, if it is none: it holds no file, or none that is a picture.
fn hollowness(place: &Place, folder: Folder) -> Option<String> {
    let Some((_, first)) = folder.files().next() else {
        return Some("a class folder without pictures".into());
    };
    if folder.files().any(|(_, entry)| is_picture_name(&entry.path)) {
        return None;
    }
    let mut files = folder.files().take(LOOKED_INTO);
    if files.any(|(_, entry)| place.look_at(entry).is_ok()) {
        return None;
    }
    Some(match place.look_at(first).err() {
        Some(why) if !why.starts_with("not a picture") => {
            format!("a folder without pictures that can be read: {why}")
        }
        _ => "a folder without pictures".into(),
    })
}

/// Finds class folders in `home`.
pub(super) fn recognise(place: &Place, home: Folder) -> Result<Layout, DataError> {
    let top = home.folders();
    if top.is_empty() {
        return Err(DataError::NoClassFolders { path: place.shown() });
    }
    let Some((train, validation)) = split::split_folders(&top) else {
        let is_part = |folder: &Folder| {
            split::is_train(folder.name()) || split::validation_rank(folder.name()).is_some()
        };
        // A class may be called `train`, but hardly all of them are called like parts.
        if top.len() > 1 && top.iter().all(is_part) {
            let train = top.iter().find(|folder| split::is_train(folder.name())).unwrap_or(&top[0]);
            return Err(DataError::NoClassFolders { path: place.below(train.path()) });
        }
        let classes = Classes::to_train(place, "", &top)?;
        let mut layout = whole(place, &classes, &[])?;
        layout.left_out.append(loose::beside(place, home, &[]));
        layout.sentence += &deeper_note(place, &classes);
        return Ok(layout);
    };
    let (train_part, train) = (train, split::class_home(train));
    let train_classes = Classes::to_train(place, train.name(), &train.folders())?;
    let parts = validation.map(|part| (part, split::class_home(part)));
    let parts = parts.filter(|(_, folder)| has_classes_of(*folder, &train_classes));
    let (validation_part, validation) = parts.unzip();
    let used: Vec<Folder> =
        [Some(train_part), Some(train), validation_part, validation].into_iter().flatten().collect();
    let is_used = |folder: &&Folder| used.iter().any(|used| used.path() == folder.path());
    let unused: Vec<&str> = top.iter().filter(|folder| !is_used(folder)).map(Folder::name).collect();
    let mut layout = match validation {
        Some(validation) => in_two_parts(place, (train, &train_classes), validation)?,
        None => whole(place, &train_classes, &unused)?,
    };
    if validation.is_some() {
        layout.sentence += &not_used_note(&unused);
    }
    layout.left_out.append(loose::beside(place, home, &used));
    Ok(layout)
}

/// Whether a validation folder holds classes, rather than all its pictures in one folder of another name.
fn has_classes_of(validation: Folder, train: &Classes) -> bool {
    match &validation.folders()[..] {
        [only] => train.names().iter().any(|name| name.eq_ignore_ascii_case(only.name())),
        _ => true,
    }
}

/// Class folders for training, and the same classes in a folder for validation.
fn in_two_parts(
    place: &Place,
    (train_folder, train): (Folder, &Classes),
    validation_folder: Folder,
) -> Result<Layout, DataError> {
    let validation = Classes::of(place, validation_folder.name(), &validation_folder.folders())?;
    check_same_classes(
        place,
        (train_folder.name(), &train.names_beside(&validation)),
        (validation_folder.name(), &validation.names_beside(train)),
    )?;
    let names = train.names();
    let named = wordnet::name_classes(place, &names);
    let what = named.sentence_start("in folders");
    let mut left_out = LeftOut::default();
    train.leave_out_hollow(&mut left_out);
    let mut items_to_validate = Vec::new();
    for folder in &validation.full {
        match (0..).zip(&names).find(|(_, name)| **name == folder.name()) {
            Some((label, _)) => items_to_validate.extend(items_of(*folder, label)),
            None => {
                let count = words::counted(folder.files().count(), "picture");
                left_out.add(folder.path(), format!("{count} of a class that has none to train on"));
            }
        }
    }
    let missing: Vec<&str> = validation
        .hollow
        .iter()
        .map(|(folder, _)| folder.name())
        .filter(|name| names.contains(name))
        .collect();
    let mut layout = Layout {
        classes: named.classes,
        train: items(&train.full),
        validation: items_to_validate,
        left_out,
        ..Layout::default()
    };
    layout.sentence = sentence(&what, &layout, None) + &not_validated_note(&missing);
    Ok(layout)
}

/// Class folders that have no split.
fn whole(place: &Place, classes: &Classes, unused: &[&str]) -> Result<Layout, DataError> {
    let named = wordnet::name_classes(place, &classes.names());
    let (train, validation) = split::by_seed(place, items(&classes.full))?;
    let what = named.sentence_start("in folders");
    let mut layout = Layout { classes: named.classes, train, validation, ..Layout::default() };
    layout.sentence = sentence(&what, &layout, Some(place.config.split_seed)) + &not_used_note(unused);
    classes.leave_out_hollow(&mut layout.left_out);
    Ok(layout)
}

/// Every file with the number of its folder as its label.
fn items(classes: &[Folder]) -> Vec<Item> {
    (0..).zip(classes).flat_map(|(label, class)| items_of(*class, label)).collect()
}

fn items_of(class: Folder, label: u32) -> impl Iterator<Item = Item> {
    class.files().map(move |(number, _)| Item { picture: Picture::File(number), label })
}

/// Folders that look like classes may be data sets themselves: then people who chose one folder too high should know.
fn deeper_note(place: &Place, classes: &Classes) -> String {
    let deep = |class: &&Folder| class.folders().len() > 1 && class.own_files().next().is_none();
    let Some(first) = classes.full.iter().find(deep) else { return String::new() };
    let inside: Vec<&str> = first.folders().iter().map(Folder::name).collect();
    if inside.iter().any(|name| split::is_train(name)) {
        return format!(
            "; the parts in the class folders ({}) are taken together: to keep them apart, put the class folders into \
             the parts",
            words::some_of(&inside, 3)
        );
    }
    let path = place.below(first.path());
    format!(
        "; `{}` holds folders of its own ({}), which count as one class: choose `{path}` if each of them is a class",
        first.name(),
        words::some_of(&inside, 3)
    )
}

fn path_of(place: &Place, split: &str) -> String {
    if split.is_empty() { place.shown() } else { place.below(split) }
}
