//! What a person knows better than the source: pictures that show something else than their label says, and pictures
//! to leave out. The originals are never touched.
//!
//! The list is a plain table, which can be read, edited and passed on:
//!
//! ```text
//! # Corrections to the classes of pets.zip.
//! picture,correction,class
//! "cats/7.jpg","is","dog"
//! "cats/9.jpg","leave out",""
//! ```
//! It lies above everything else: prepared pictures are kept without labels, so that a correction decodes nothing anew.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::RgbImage;

use super::error::DataError;
use super::{Dataset, Description, Fault, Fingerprint, Refused, Split};
use crate::files;
use crate::words::{self, quoted};

const HEADER: &str = "picture,correction,class";
const IS: &str = "is";
const LEAVE_OUT: &str = "leave out";
/// Pictures that a message names.
const NAMED: usize = 3;

/// What is right about a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Correction {
    /// It shows this class.
    Class(String),
    /// It is not to be used.
    LeaveOut,
}

/// How much of a list holds for a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// Corrections in the list. Those that hold no more name pictures that are not there, or say what the source says.
    pub listed: usize,
    /// Pictures that have another class by them.
    pub relabelled: usize,
    /// Pictures that are not used because of them.
    pub left_out: usize,
}

/// Corrections by the names of the pictures, in the order of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    list: BTreeMap<String, Correction>,
}

impl Corrections {
    /// Reads a list.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is no correction, by its number.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let failed = |reason| DataError::Corrections { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| failed(format!("it cannot be read ({e})")))?;
        Self::parse(&text).map_err(failed)
    }

    /// Takes a list apart.
    ///
    /// # Errors
    /// The first line that is no correction, by its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut list = BTreeMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() || line.starts_with('#') || line.trim() == HEADER {
                continue;
            }
            let wrong = |what: &str| {
                format!(
                    "line {number} {what}; a line reads \"picture\",\"is\",\"class\" or \"picture\",\"leave out\",\"\""
                )
            };
            let fields = fields(line).ok_or_else(|| wrong("has a quote that does not end"))?;
            let [name, what, class] = fields.as_slice() else {
                return Err(wrong(&format!("has {}", words::counted(fields.len(), "field"))));
            };
            let correction = match (what.as_str(), class.is_empty()) {
                (IS, false) => Correction::Class(class.clone()),
                (LEAVE_OUT, true) => Correction::LeaveOut,
                _ => return Err(wrong(&format!("says `{what}` and `{class}`"))),
            };
            if list.insert(name.clone(), correction).is_some() {
                return Err(wrong(&format!("names `{name}` a second time")));
            }
        }
        Ok(Self { list })
    }

    /// The list as a text; `source` is told at its beginning.
    pub fn to_text(&self, source: &str) -> String {
        let row = |(name, correction): (&String, &Correction)| {
            let (what, class) = match correction {
                Correction::Class(class) => (IS, class.as_str()),
                Correction::LeaveOut => (LEAVE_OUT, ""),
            };
            format!("{},{},{}\n", quoted(name), quoted(what), quoted(class))
        };
        let source = source.replace(['\n', '\r'], " ");
        let rows: String = self.list.iter().map(row).collect();
        format!("# Corrections to the classes of {source}.\n{HEADER}\n{rows}")
    }

    /// Writes the list; its folder is made if it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, path: &Path, source: &str) -> Result<(), DataError> {
        let failed = |e: std::io::Error| DataError::Corrections {
            path: path.into(),
            reason: format!("it cannot be written ({e})"),
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        files::replace(path, self.to_text(source).as_bytes()).map_err(failed)
    }

    /// Where the user's own lists are kept.
    pub fn standard_folder() -> Option<PathBuf> {
        Some(dirs::data_local_dir()?.join("alexnet-lab").join("corrections"))
    }

    /// Where the user's own list for a source is kept, below `folder`: named after the source and where it lies.
    pub fn place(folder: &Path, source: &str) -> PathBuf {
        let whole = Path::new(source).canonicalize().unwrap_or_else(|_| source.into());
        let stem = whole.file_stem().map_or_else(|| "data".into(), |name| name.to_string_lossy());
        let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
        let stem: String = stem.chars().take(40).map(plain).collect();
        let sum = crc32fast::hash(whole.to_string_lossy().as_bytes());
        folder.join(format!("{stem}-{sum:08x}.csv"))
    }

    /// Corrects a picture, or takes a correction back; returns what there was. A name with a line break in it cannot
    /// stand in the list.
    pub fn set(&mut self, name: &str, correction: Option<Correction>) -> Option<Correction> {
        match correction {
            Some(correction) if !name.contains(['\n', '\r']) => self.list.insert(name.into(), correction),
            _ => self.list.remove(name),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Correction> {
        self.list.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Correction)> {
        self.list.iter().map(|(name, correction)| (name.as_str(), correction))
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// "3 relabelled, 2 left out (list 1a2b3c4d)": the same for equal lists, whatever their files, and for no others.
    pub fn named(&self) -> String {
        format!("{} (list {:08x})", self.counted(), crc32fast::hash(self.to_text("").as_bytes()))
    }

    /// "3 relabelled, 2 left out".
    pub fn counted(&self) -> String {
        let left_out = self.list.values().filter(|correction| **correction == Correction::LeaveOut).count();
        told(self.len() - left_out, left_out)
    }
}

fn told(relabelled: usize, left_out: usize) -> String {
    format!("{} relabelled, {} left out", words::count(relabelled), words::count(left_out))
}

/// The fields of a line, exactly as they are within their quotes; nothing if a quote does not end.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = line.trim_end_matches('\r').chars().peekable();
    let mut inside = false;
    while let Some(c) = characters.next() {
        match c {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut()?.push('"');
            }
            '"' => inside = !inside,
            ',' if !inside => fields.push(String::new()),
            c => fields.last_mut()?.push(c),
        }
    }
    (!inside).then_some(fields)
}

/// A data set as it is with its corrections: other labels, and fewer pictures.
struct CorrectedDataset {
    original: Arc<dyn Dataset>,
    description: Description,
    corrections: Corrections,
    corrected: Corrected,
    train: Vec<Item>,
    validation: Vec<Item>,
}

/// A picture that is used.
struct Item {
    /// Its index in the original.
    index: u32,
    label: u32,
}

/// Lays the list at `path` over a data set. Pictures of the list that are not there change nothing: a list may be of a
/// larger set.
///
/// # Errors
/// A list that cannot be read, a class that the data set does not have, or a class that no training picture is left of.
pub(super) fn corrected(original: Arc<dyn Dataset>, path: &Path) -> Result<Arc<dyn Dataset>, DataError> {
    let corrections = Corrections::read(path)?;
    let failed = |reason| DataError::Corrections { path: path.into(), reason };
    let mut description = original.description().clone();
    let labels: HashMap<&str, u32> =
        original.description().classes.iter().map(String::as_str).zip(0..).collect();
    for (name, correction) in corrections.iter() {
        if let Correction::Class(class) = correction
            && !labels.contains_key(class.as_str())
        {
            let source = &description.source;
            return Err(failed(format!(
                "it says that `{name}` is `{class}`, but {source} has no such class"
            )));
        }
    }
    let (mut relabelled, mut left_out) = (0, 0);
    let mut items = |split| {
        let mut items = Vec::with_capacity(original.len(split));
        for index in 0..original.len(split) {
            let label = original.label(split, index);
            // Most lists are short, and most names take work to make.
            let correction =
                if corrections.is_empty() { None } else { corrections.get(&original.name(split, index)) };
            let label = match correction {
                Some(Correction::LeaveOut) => {
                    left_out += 1;
                    continue;
                }
                Some(Correction::Class(class)) => {
                    let right = labels.get(class.as_str()).copied().unwrap_or(label);
                    relabelled += usize::from(right != label);
                    right
                }
                None => label,
            };
            items.push(Item { index: index as u32, label });
        }
        items
    };
    let (train, validation) = (items(Split::Train), items(Split::Validation));
    let mut counts = vec![0; description.classes.len()];
    train.iter().for_each(|item| counts[item.label as usize] += 1);
    let empty: Vec<&String> = description
        .classes
        .iter()
        .zip(&counts)
        .filter(|(_, count)| **count == 0)
        .map(|(class, _)| class)
        .collect();
    if !empty.is_empty() {
        let names = words::some_of(&empty, NAMED);
        return Err(failed(format!("it leaves no training picture of {names}")));
    }
    if validation.is_empty() {
        return Err(failed("it leaves no picture to validate with".into()));
    }
    (description.train, description.validation) = (train.len(), validation.len());
    if relabelled + left_out > 0 {
        description.layout += &format!("; {}, as corrected", told(relabelled, left_out));
    }
    let corrected = Corrected { listed: corrections.len(), relabelled, left_out };
    Ok(Arc::new(CorrectedDataset { original, description, corrections, corrected, train, validation }))
}

impl CorrectedDataset {
    fn item(&self, split: Split, index: usize) -> &Item {
        match split {
            Split::Train => &self.train[index],
            Split::Validation => &self.validation[index],
        }
    }

    fn index(&self, split: Split, index: usize) -> usize {
        self.item(split, index).index as usize
    }
}

impl Dataset for CorrectedDataset {
    fn description(&self) -> &Description {
        &self.description
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train.len(),
            Split::Validation => self.validation.len(),
        }
    }

    fn label(&self, split: Split, index: usize) -> u32 {
        self.item(split, index).label
    }

    fn name(&self, split: Split, index: usize) -> String {
        self.original.name(split, self.index(split, index))
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        self.original.read(split, self.index(split, index), side)
    }

    fn read_measured(&self, split: Split, index: usize, side: u32) -> Result<(RgbImage, (u32, u32)), String> {
        self.original.read_measured(split, self.index(split, index), side)
    }

    fn most_refused(&self) -> usize {
        self.original.most_refused()
    }

    fn path(&self, split: Split, index: usize) -> Option<PathBuf> {
        self.original.path(split, self.index(split, index))
    }

    fn home(&self) -> Option<&Path> {
        self.original.home()
    }

    fn fingerprint(&self, split: Split, index: usize) -> Option<Fingerprint> {
        self.original.fingerprint(split, self.index(split, index))
    }

    fn fault(&self, split: Split, index: usize) -> Fault {
        self.original.fault(split, self.index(split, index))
    }

    fn left_out(&self) -> &[Refused] {
        self.original.left_out()
    }

    fn left_out_count(&self) -> usize {
        self.original.left_out_count()
    }

    fn is_drawn(&self) -> bool {
        self.original.is_drawn()
    }

    fn place(&self, split: Split, index: usize) -> u32 {
        self.original.place(split, self.index(split, index))
    }

    fn corrections(&self) -> Option<&Corrections> {
        Some(&self.corrections)
    }

    fn corrected(&self) -> Option<Corrected> {
        Some(self.corrected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_as_it_was_written() {
        let mut list = Corrections::default();
        list.set("cats/a, \"b\" .jpg", Some(Correction::Class("dog, small".into())));
        list.set(" led by a space", Some(Correction::LeaveOut));
        list.set("# no comment", Some(Correction::LeaveOut));
        list.set("line\nbreak", Some(Correction::LeaveOut));
        assert_eq!(list.len(), 3, "a name with a line break cannot stand in the list");
        let text = list.to_text("pets\n.zip");
        assert_eq!(Corrections::parse(&text), Ok(list.clone()), "{text}");
        assert_eq!(Corrections::parse(&text.replace('\n', "\r\n")), Ok(list), "{text}");
    }

    #[test]
    fn a_line_that_is_no_correction_is_named() {
        for (line, part) in [
            ("a.jpg", "line 2 has 1 field"),
            ("a.jpg,is,", "line 2 says `is`"),
            ("a.jpg,leave out,cat", "line 2 says `leave out`"),
            ("a.jpg,was,cat", "line 2 says `was`"),
            ("\"a.jpg,is,cat", "line 2 has a quote"),
            ("a.jpg,is,cat\na.jpg,is,dog", "line 3 names `a.jpg`"),
        ] {
            let reason = Corrections::parse(&format!("{HEADER}\n{line}")).unwrap_err();
            assert!(reason.contains(part), "{line}: {reason}");
        }
    }

    #[test]
    fn a_correction_can_be_taken_back() {
        let mut list = Corrections::default();
        assert_eq!(list.set("a", Some(Correction::LeaveOut)), None);
        assert_eq!(list.set("a", Some(Correction::Class("cat".into()))), Some(Correction::LeaveOut));
        assert_eq!(list.counted(), "1 relabelled, 0 left out");
        assert_eq!(list.set("a", None), Some(Correction::Class("cat".into())));
        assert!(list.is_empty());
    }
}
