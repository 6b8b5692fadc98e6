//! Recognises how labelled pictures are laid out, wherever they lie.
//!
//! Each layout is told by what is there, not by what the source is called, and explained in a sentence. The
//! special ones are tried first, because to the general ones they look like odd folders:
//!
//! | module | layout |
//! |---|---|
//! | [`cifar`] | CIFAR-10 and CIFAR-100, binary version |
//! | [`idx`] | MNIST, Fashion-MNIST and others in idx files |
//! | [`imagenet`] | flat validation pictures with a list ([`truth`]): Tiny ImageNet, Kaggle, Caffe, the official archives |
//! | [`folders`] | one folder a class, with or without a split; wnids are shown by name ([`wordnet`]) |
//! | [`list`] | a table of paths and labels |
//!
//! What is there beside is told: data sets beside each other ([`several`]), pictures and archives that belong to no
//! class ([`loose`]).

mod cifar;
mod folders;
mod idx;
mod imagenet;
mod limits;
pub(super) mod list;
mod loose;
mod mat;
mod records;
mod several;
mod split;
mod table;
mod tree;
mod truth;
mod wordnet;

use std::collections::BTreeSet;

use super::decode::picture_format;
use super::error::DataError;
use super::left_out::LeftOut;
use super::sources::{Entry, Listing, Opening, Source};
use crate::config::DataConfig;
use crate::words;

pub(super) use limits::limited;
pub(super) use records::Records;
pub(super) use wordnet::known_name;

/// A recognised layout.
#[derive(Default)]
pub(super) struct Layout {
    /// In label order.
    pub classes: Vec<String>,
    pub train: Vec<Item>,
    pub validation: Vec<Item>,
    /// Files of many pictures each.
    pub records: Vec<Records>,
    /// One sentence for people.
    pub sentence: String,
    /// What belongs to no class, with the reason.
    pub left_out: LeftOut,
}

/// A picture with its class.
pub(super) struct Item {
    pub picture: Picture,
    pub label: u32,
}

/// Where a picture is.
pub(super) enum Picture {
    /// A file, by its number in the listing.
    File(u32),
    /// A picture in a file of many.
    Record { file: u32, index: u32 },
    /// Something that should have been a picture.
    Unusable(Box<super::Refused>),
}

impl Picture {
    fn unusable(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unusable(Box::new(super::Refused { name: name.into(), reason: reason.into() }))
    }
}

/// What recognising has to go by.
pub(super) struct Place<'a> {
    pub source: &'a dyn Source,
    pub listing: &'a Listing,
    pub opening: &'a Opening<'a>,
    pub config: &'a DataConfig,
}

impl Place<'_> {
    /// The source as the user gave it.
    fn shown(&self) -> String {
        self.opening.shown.to_owned()
    }

    /// What lies at `path` at the source, as the user would give it.
    fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.opening.shown.trim_end_matches(['/', '\\']))
    }

    /// Whether a file begins as a picture does, or why not.
    fn look_at(&self, file: &Entry) -> Result<(), String> {
        picture_format(&self.source.start(file, 4096)?).map(drop)
    }

    /// A text file; strange characters are replaced, a mark at the beginning is dropped.
    fn text(&self, file: &Entry) -> Result<String, DataError> {
        let bytes = self.source.bytes(file).map_err(|reason| DataError::List {
            path: self.shown(),
            list: file.path.to_string(),
            reason,
        })?;
        Ok(table::text(bytes))
    }

    /// The file of one of these names, whatever its case, that lies highest.
    fn find(&self, names: &[&str]) -> Option<&Entry> {
        let files = self.listing.entries.iter().filter(|entry| !entry.is_folder);
        files
            .filter(|entry| names.iter().any(|name| tree::base_name(&entry.path).eq_ignore_ascii_case(name)))
            .min_by_key(|entry| entry.path.matches('/').count())
    }
}

/// Finds splits, classes and pictures.
pub(super) fn recognise(place: &Place) -> Result<Layout, DataError> {
    if !place.listing.entries.iter().any(|entry| !entry.is_folder) {
        return Err(DataError::Empty { path: place.shown() });
    }
    let sets = several::Sets::of(place);
    sets.check_single(place)?;
    if let Some(layout) = cifar::recognise(place)? {
        return Ok(layout);
    }
    if let Some(layout) = idx::recognise(place)? {
        return Ok(layout);
    }
    let root = tree::Folder::root(place.listing);
    let home = imagenet::pictures_in(tree::unwrapped(root, split::is_train));
    if let Some(layout) = imagenet::recognise(place, home)? {
        return Ok(layout);
    }
    sets.check_home(place, home)?;
    match folders::recognise(place, home) {
        // Pictures without class folders may have a list that says their classes.
        Err(
            error @ (DataError::NoClassFolders { .. } | DataError::OneClass { .. } | DataError::Empty { .. }),
        ) => match list::recognise(place, home)? {
            Some(layout) => Ok(layout),
            None => Err(sets.instead(place).unwrap_or(error)),
        },
        Ok(mut layout) => {
            layout.sentence += imagenet::missing_list_note(home);
            Ok(layout)
        }
        Err(error) => Err(error),
    }
}

/// "CIFAR-10: 10 classes, 50,000 pictures to train on, 10,000 to validate".
fn sentence(what: &str, layout: &Layout, held_back: Option<u64>) -> String {
    let (train, validation) = (layout.train.len(), words::count(layout.validation.len()));
    let train = words::counted(train, "picture");
    let held_back = held_back.map_or_else(String::new, |seed| format!(" held back by seed {seed}"));
    format!("{what}, {train} to train on, {validation}{held_back} to validate")
}

/// What differs between the classes of two splits; nothing if they are the same.
fn check_same_classes(
    place: &Place,
    (train_name, train): (&str, &BTreeSet<&str>),
    (validation_name, validation): (&str, &BTreeSet<&str>),
) -> Result<(), DataError> {
    let only = |here: &BTreeSet<&str>, there: &BTreeSet<&str>, name: &str| {
        let names: Vec<&str> = here.difference(there).copied().collect();
        (!names.is_empty()).then(|| format!("only in {name}: {}", shortened(&names)))
    };
    let mut difference: Vec<String> =
        [only(train, validation, train_name), only(validation, train, validation_name)]
            .into_iter()
            .flatten()
            .collect();
    if difference.is_empty() {
        return Ok(());
    }
    let lower =
        |names: &BTreeSet<&str>| names.iter().map(|name| name.to_lowercase()).collect::<BTreeSet<_>>();
    if lower(train) == lower(validation) {
        difference.push("they differ in capital letters alone".into());
    }
    Err(DataError::ClassesDiffer {
        path: place.shown(),
        train: train_name.into(),
        validation: validation_name.into(),
        difference: difference.join("; "),
    })
}

fn shortened(names: &[&str]) -> String {
    words::some_of(names, 5)
}

fn not_validated_note(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("; nothing to validate of: {}", shortened(names)) }
}

fn not_used_note(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!("; not used: {}", shortened(names)) }
}
