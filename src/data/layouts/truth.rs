//! Which class each of a folder of validation pictures has, where a list says it.
//!
//! | list | what it says |
//! |---|---|
//! | `val/val_annotations.txt` | Tiny ImageNet: file, wnid, box |
//! | `LOC_val_solution.csv` | Kaggle: picture, then wnid and box, repeated |
//! | `val.txt` | Caffe: file, number of the class in the order of `synset_words.txt` |
//! | `ILSVRC2012_validation_ground_truth.txt` | development kit: a number for each picture in order of the names, which `meta.mat` translates into wnids |

use std::collections::{BTreeMap, HashMap};

use super::tree::{Folder, base_name};
use super::{Place, mat, table};
use crate::data::error::DataError;
use crate::data::sources::{Entry, is_wnid};

const GROUND_TRUTH: &[&str] =
    &["ILSVRC2012_validation_ground_truth.txt", "imagenet_2012_validation_synset_labels.txt"];
/// Texts that translate the development kit's numbers: a wnid and a number a line, in either order.
const MAPS: &[&str] = &["map_clsloc.txt", "ILSVRC2012_mapping.txt", "imagenet_mapping.txt"];

/// The classes of validation pictures.
pub(super) struct Labels {
    /// What is said of the data set.
    pub set: &'static str,
    /// The list's path.
    pub list: String,
    /// Wnid by file name, without the ending.
    pub wnids: HashMap<String, String>,
}

impl Labels {
    fn new(set: &'static str, entry: &Entry, wnids: HashMap<String, String>) -> Self {
        Self { set, list: entry.path.to_string(), wnids }
    }

    /// Whether the list lies below the folder.
    pub fn lies_in(&self, folder: &str) -> bool {
        self.list.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A file's name without its ending.
pub(super) fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Finds the list for the `pictures` of the folder `validation`; `train` are the wnids of the training folders.
pub(super) fn find(
    place: &Place,
    validation: Folder,
    pictures: Folder,
    train: &[&str],
) -> Result<Option<Labels>, DataError> {
    if let Some(entry) = validation.file("val_annotations.txt") {
        return tiny_imagenet(place, entry).map(Some);
    }
    if let Some(entry) = place.find(&["LOC_val_solution.csv"]) {
        return kaggle(place, entry).map(Some);
    }
    if let Some(entry) = place.find(&["val.txt"])
        && let Some(labels) = caffe(place, entry, train)?
    {
        return Ok(Some(labels));
    }
    match place.find(GROUND_TRUTH) {
        Some(entry) => ground_truth(place, entry, pictures).map(Some),
        None => Ok(None),
    }
}

fn tiny_imagenet(place: &Place, entry: &Entry) -> Result<Labels, DataError> {
    let text = place.text(entry)?;
    let rows = table::numbered_lines(&text).filter_map(|(_, line)| {
        let mut fields = line.split('\t');
        Some((stem(fields.next()?).to_owned(), fields.next()?.trim().to_owned()))
    });
    Ok(Labels::new("Tiny ImageNet", entry, rows.collect()))
}

fn kaggle(place: &Place, entry: &Entry) -> Result<Labels, DataError> {
    let text = place.text(entry)?;
    let rows = table::numbered_lines(&text).filter_map(|(_, line)| {
        // Spreadsheets put fields with spaces into quotes.
        let fields = table::fields(line, Some(','));
        let wnid = fields.get(1)?.split_whitespace().next().filter(|wnid| is_wnid(wnid))?;
        Some((stem(&fields[0]).to_owned(), wnid.to_owned()))
    });
    Ok(Labels::new("ImageNet", entry, rows.collect()))
}

fn caffe(place: &Place, entry: &Entry, train: &[&str]) -> Result<Option<Labels>, DataError> {
    let text = place.text(entry)?;
    let names = place.find(&["synset_words.txt", "synsets.txt"]).map(|file| place.text(file)).transpose()?;
    let order: Vec<String> = match &names {
        Some(names) => {
            let first =
                |line: &str| line.split_whitespace().next().filter(|wnid| is_wnid(wnid)).map(str::to_owned);
            names.lines().filter_map(first).collect()
        }
        None => train.iter().map(|&wnid| wnid.to_owned()).collect(),
    };
    // Kaggle has a list of this name too, which only counts the pictures: then some numbers are no classes.
    let wnids: Option<HashMap<String, String>> = table::numbered_lines(&text)
        .map(|(_, line)| {
            let (picture, number) = line.trim().rsplit_once(char::is_whitespace)?;
            let wnid = order.get(number.parse::<usize>().ok()?)?;
            let picture = picture.trim().replace('\\', "/");
            Some((stem(base_name(&picture)).to_owned(), wnid.clone()))
        })
        .collect();
    let wnids = wnids.filter(|wnids| !wnids.is_empty() && !entry.path.contains("ImageSets/"));
    Ok(wnids.map(|wnids| Labels::new("ImageNet", entry, wnids)))
}

/// The list of ImageNet's development kit: one line for each picture in the order of their names. It holds the
/// kit's own numbers (not those of the sorted wnids), or the wnids themselves.
fn ground_truth(place: &Place, entry: &Entry, pictures: Folder) -> Result<Labels, DataError> {
    let text = place.text(entry)?;
    let broken =
        |reason: String| DataError::List { path: place.shown(), list: entry.path.to_string(), reason };
    let lines: Vec<(usize, &str)> =
        table::numbered_lines(&text).map(|(line, text)| (line, text.trim())).collect();
    let by_id = if lines.iter().all(|(_, text)| is_wnid(text)) { None } else { Some(numbers(place)?) };
    let wnid_of = |&(line, text): &(usize, &str)| match &by_id {
        None => Ok(text.to_owned()),
        Some(wnids) => text.parse().ok().and_then(|id: u32| wnids.get(&id).cloned()).ok_or_else(|| {
            broken(format!(
                "line {line} says `{}`, which is no number of a class",
                text.chars().take(40).collect::<String>()
            ))
        }),
    };
    let mut names: Vec<&str> = pictures.own_files().map(|(_, file)| stem(base_name(&file.path))).collect();
    names.retain(|name| stem(base_name(entry.path.as_ref())) != *name);
    names.sort_unstable();
    // Where pictures are missing, the numbers in the names still say which line is whose.
    let numbered: Option<Vec<usize>> = names.iter().map(|name| number_at_end(name)?.checked_sub(1)).collect();
    let places = match numbered {
        Some(numbers) if numbers.iter().all(|&number| number < lines.len()) => numbers,
        _ if names.len() == lines.len() => (0..lines.len()).collect(),
        _ => {
            let reason = format!(
                "it holds {} lines for the {} pictures of {}",
                lines.len(),
                names.len(),
                pictures.path()
            );
            return Err(broken(reason));
        }
    };
    let wnids =
        names.iter().zip(places).map(|(name, place)| Ok(((*name).to_owned(), wnid_of(&lines[place])?)));
    Ok(Labels::new("ImageNet", entry, wnids.collect::<Result<_, DataError>>()?))
}

/// The number at the end of a name: 17 of `ILSVRC2012_val_00000017`.
fn number_at_end(name: &str) -> Option<usize> {
    name.rsplit(|c: char| !c.is_ascii_digit()).next().filter(|digits| !digits.is_empty())?.parse().ok()
}

/// Wnids by the development kit's numbers.
fn numbers(place: &Place) -> Result<BTreeMap<u32, String>, DataError> {
    if let Some(entry) = place.find(&["meta.mat"]) {
        let broken = |reason| DataError::List { path: place.shown(), list: entry.path.to_string(), reason };
        let synsets = place.source.bytes(entry).and_then(|bytes| mat::synsets(&bytes)).map_err(broken)?;
        return Ok(synsets.into_iter().map(|synset| (synset.id, synset.wnid)).collect());
    }
    if let Some(entry) = place.find(MAPS) {
        let text = place.text(entry)?;
        let rows = text.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            let (first, second) = (words.next()?, words.next()?);
            let (wnid, id) = if is_wnid(first) { (first, second) } else { (second, first) };
            Some((id.parse().ok()?, is_wnid(wnid).then(|| wnid.to_owned())?))
        });
        return Ok(rows.collect());
    }
    Err(DataError::PartOfSet {
        path: place.shown(),
        what: "ImageNet with the development kit's ground truth, but without the kit's meta.mat that says what its numbers mean",
        remedy: "put meta.mat (or the whole ILSVRC2012_devkit_t12.tar.gz) beside it, or val.txt and synset_words.txt of caffe_ilsvrc12.tar.gz",
    })
}

/// Names of classes from the development kit, if it is there: wnid and first name.
pub(super) fn names_of_kit(place: &Place) -> Vec<(String, String)> {
    let synsets =
        place.find(&["meta.mat"]).and_then(|entry| mat::synsets(&place.source.bytes(entry).ok()?).ok());
    let named = synsets.into_iter().flatten().filter_map(|synset| {
        let name = synset.words.split(',').next()?.trim().to_owned();
        (is_wnid(&synset.wnid) && !name.is_empty()).then_some((synset.wnid, name))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_at_the_end_of_a_name_counts_the_picture() {
        assert_eq!(number_at_end("ILSVRC2012_val_00000017"), Some(17));
        assert_eq!(number_at_end("17"), Some(17));
        assert_eq!(number_at_end("photo"), None);
        assert_eq!(number_at_end("99999999999999999999999"), None);
    }
}
