//! Recognises how labelled pictures are laid out in folders, whether on disk or in an archive.
//!
//! ```text
//! train/cat/1.jpg, train/dog/2.jpg, val/cat/3.jpg ...   with a split: val, valid, validation or test
//! cat/1.jpg, dog/2.jpg ...                              without: split by seed, each class by itself
//! ```
//! Either may stand inside wrapping folders. Hidden files and what systems leave behind are overlooked, and so
//! are files beside the class folders. Every file below a class folder belongs to that class.

use std::collections::{BTreeMap, BTreeSet};

use super::error::DataError;
use super::rng::{Purpose, Stream};
use crate::config::DataConfig;

/// Something found at a source.
pub(super) struct Found<L> {
    /// Names from the source down, at least one.
    pub path: Vec<String>,
    /// How to get at the file; `None` for a folder.
    pub file: Option<L>,
}

impl<L> Found<L> {
    /// Whether the name at `depth` is that of a folder: one above this, or this itself.
    fn has_folder_at(&self, depth: usize) -> bool {
        self.path.len() > depth + usize::from(self.file.is_some())
    }
}

/// A file with its class.
pub(super) struct Item<L> {
    /// Path below the source, with `/`.
    pub name: String,
    pub label: u32,
    pub file: L,
}

/// A recognised layout. Classes are in order of their names, items in order of their paths.
pub(super) struct Layout<L> {
    pub classes: Vec<String>,
    pub train: Vec<Item<L>>,
    pub validation: Vec<Item<L>>,
    /// One sentence for people.
    pub sentence: String,
}

/// Files of each class folder.
type Classes<L> = BTreeMap<String, Vec<(Vec<String>, L)>>;

const TRAIN: &[&str] = &["train", "training"];
/// In order of preference.
const VALIDATION: &[&str] = &["val", "valid", "validation", "test"];
/// Wrapping folders looked through at most.
const MAX_WRAPS: usize = 8;

/// Whether a file or folder of this name is never part of a data set.
pub(super) fn is_clutter(name: &str) -> bool {
    name.starts_with('.')
        || ["thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "system volume information"]
            .contains(&name.to_lowercase().as_str())
}

/// Finds splits, classes and files in what lies at `source`.
pub(super) fn recognise<L>(
    source: &str,
    mut found: Vec<Found<L>>,
    config: &DataConfig,
) -> Result<Layout<L>, DataError> {
    found.retain(|f| !f.path.is_empty() && !f.path.iter().any(|name| is_clutter(name)));
    if !found.iter().any(|f| f.file.is_some()) {
        return Err(DataError::Empty { path: source.into() });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    // An archive that was appended to may hold a path twice; the later entry counts.
    found.dedup_by(|later, kept| {
        let same = later.path == kept.path;
        if same {
            std::mem::swap(later, kept);
        }
        same
    });
    let depth = unwrap(&mut found);
    let mut groups = group(found, depth);
    if groups.is_empty() {
        return Err(DataError::NoClassFolders { path: source.into() });
    }
    match take_split(&mut groups, TRAIN, depth) {
        Some((train_name, train)) => {
            let validation = take_split(&mut groups, VALIDATION, depth);
            let ignored: Vec<String> = groups.into_keys().collect();
            let train = classes_of(source, &train_name, train, depth + 1)?;
            at_least_two(source, &train_name, &train)?;
            match validation {
                Some((name, found)) => {
                    let validation = classes_of(source, &name, found, depth + 1)?;
                    same_classes(source, (&train_name, &train), (&name, &validation))?;
                    Ok(with_split(train, validation, &ignored))
                }
                None => split_by_seed(source, train, config, &ignored),
            }
        }
        None => {
            let found = groups.into_values().flatten().collect();
            let classes = classes_of(source, "", found, depth)?;
            at_least_two(source, "", &classes)?;
            split_by_seed(source, classes, config, &[])
        }
    }
}

/// How many wrapping folders surround the layout; what lies beside a wrapping folder is dropped.
fn unwrap<L>(found: &mut Vec<Found<L>>) -> usize {
    let mut depth = 0;
    while depth < MAX_WRAPS {
        let names: BTreeSet<&str> = folders_at(found, depth).collect();
        let (Some(name), 1) = (names.first(), names.len()) else { break };
        let inner: BTreeSet<&str> = folders_at(found, depth + 1).collect();
        let holds_files = found.iter().any(|f| f.path.len() == depth + 2 && f.file.is_some());
        let wraps = match inner.len() {
            0 => false,
            1 => !holds_files || inner.iter().any(|n| is_split(n, TRAIN)),
            _ => true,
        };
        if is_split(name, TRAIN) || !wraps {
            break;
        }
        found.retain(|f| f.path.len() > depth + 1);
        depth += 1;
    }
    depth
}

/// Names of the folders at `depth`, with repetitions.
fn folders_at<L>(found: &[Found<L>], depth: usize) -> impl Iterator<Item = &str> {
    found.iter().filter(move |f| f.has_folder_at(depth)).map(move |f| f.path[depth].as_str())
}

fn is_split(name: &str, names: &[&str]) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

/// What lies in each folder at `depth`, with the folder itself. Files beside the folders are dropped.
fn group<L>(found: Vec<Found<L>>, depth: usize) -> BTreeMap<String, Vec<Found<L>>> {
    let mut groups = BTreeMap::<String, Vec<Found<L>>>::new();
    for f in found {
        if f.has_folder_at(depth) {
            groups.entry(f.path[depth].clone()).or_default().push(f);
        }
    }
    groups
}

/// Takes out the first folder of one of these names that itself holds folders. A class may be called `train`
/// as well; its folder holds the pictures themselves.
fn take_split<L>(
    groups: &mut BTreeMap<String, Vec<Found<L>>>,
    names: &[&str],
    depth: usize,
) -> Option<(String, Vec<Found<L>>)> {
    let name = names.iter().find_map(|wanted| {
        let fits = |(name, found): &(&String, &Vec<Found<L>>)| {
            name.eq_ignore_ascii_case(wanted) && folders_at(found, depth + 1).next().is_some()
        };
        groups.iter().find(fits).map(|(name, _)| name.clone())
    })?;
    groups.remove_entry(&name)
}

/// The class folders at `depth`, below the folder of the split `split` (empty without one).
fn classes_of<L>(
    source: &str,
    split: &str,
    found: Vec<Found<L>>,
    depth: usize,
) -> Result<Classes<L>, DataError> {
    let classes: Classes<L> = group(found, depth)
        .into_iter()
        .map(|(name, found)| {
            let files = found.into_iter().filter_map(|f| f.file.map(|file| (f.path, file))).collect();
            (name, files)
        })
        .collect();
    if classes.values().all(Vec::is_empty) {
        return Err(DataError::Empty { path: place(source, split) });
    }
    if let Some((class, _)) = classes.iter().find(|(_, files)| files.is_empty()) {
        return Err(DataError::EmptyClass { path: place(source, split), class: class.clone() });
    }
    Ok(classes)
}

fn at_least_two<L>(source: &str, split: &str, classes: &Classes<L>) -> Result<(), DataError> {
    match classes.keys().next() {
        Some(class) if classes.len() < 2 => {
            Err(DataError::OneClass { path: place(source, split), class: class.clone() })
        }
        _ => Ok(()),
    }
}

fn place(source: &str, split: &str) -> String {
    if split.is_empty() { source.into() } else { format!("{}/{split}", source.trim_end_matches('/')) }
}

fn same_classes<L>(
    source: &str,
    (train_name, train): (&str, &Classes<L>),
    (validation_name, validation): (&str, &Classes<L>),
) -> Result<(), DataError> {
    let only = |here: &Classes<L>, there: &Classes<L>, place: &str| {
        let names: Vec<&str> = here.keys().filter(|n| !there.contains_key(*n)).map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("only in {place}: {}", shortened(&names)))
    };
    let difference: Vec<String> =
        [only(train, validation, train_name), only(validation, train, validation_name)]
            .into_iter()
            .flatten()
            .collect();
    if difference.is_empty() {
        return Ok(());
    }
    Err(DataError::ClassesDiffer {
        path: source.into(),
        train: train_name.into(),
        validation: validation_name.into(),
        difference: difference.join("; "),
    })
}

fn shortened(names: &[&str]) -> String {
    let shown = names[..names.len().min(5)].join(", ");
    if names.len() > 5 { format!("{shown} and {} more", names.len() - 5) } else { shown }
}

fn with_split<L>(train: Classes<L>, validation: Classes<L>, ignored: &[String]) -> Layout<L> {
    let classes: Vec<String> = train.keys().cloned().collect();
    let (train, validation) = (label(train), label(validation));
    let sentence = format!(
        "{} classes in folders, {} pictures to train on, {} to validate{}",
        classes.len(),
        train.len(),
        validation.len(),
        ignored_note(ignored)
    );
    Layout { classes, train, validation, sentence }
}

fn label<L>(classes: Classes<L>) -> Vec<Item<L>> {
    (0..)
        .zip(classes.into_values())
        .flat_map(|(label, files)| {
            files.into_iter().map(move |(path, file)| Item { name: path.join("/"), label, file })
        })
        .collect()
}

fn ignored_note(ignored: &[String]) -> String {
    if ignored.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = ignored.iter().map(String::as_str).collect();
    format!("; not used: {}", shortened(&names))
}

/// Holds back a share of every class, but at least one picture and never all. Which ones depends on the seed
/// and the number of pictures of the class, not on where they lie.
fn split_by_seed<L>(
    source: &str,
    all: Classes<L>,
    config: &DataConfig,
    ignored: &[String],
) -> Result<Layout<L>, DataError> {
    let classes: Vec<String> = all.keys().cloned().collect();
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (class, files) in (0..).zip(all.into_values()) {
        let count = files.len();
        let share = (count as f64 * config.validation_share).round() as usize;
        let held_back = if count < 2 { 0 } else { share.clamp(1, count - 1) };
        let mut order: Vec<usize> = (0..count).collect();
        Stream::new(config.split_seed, Purpose::Split, u64::from(class), 0).shuffle(&mut order);
        let mut is_validation = vec![false; count];
        order[..held_back].iter().for_each(|&i| is_validation[i] = true);
        for ((path, file), held_back) in files.into_iter().zip(is_validation) {
            let item = Item { name: path.join("/"), label: class, file };
            if held_back { validation.push(item) } else { train.push(item) }
        }
    }
    if validation.is_empty() {
        return Err(DataError::NothingToValidate { path: source.into() });
    }
    let sentence = format!(
        "{} classes in folders, {} pictures to train on, {} held back by seed {} to validate{}",
        classes.len(),
        train.len(),
        validation.len(),
        config.split_seed,
        ignored_note(ignored)
    );
    Ok(Layout { classes, train, validation, sentence })
}
