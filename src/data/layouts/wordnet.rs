//! Names for ImageNet's class folders, which are called by WordNet numbers: `n01440764` is a tench.
//!
//! The names come from a file beside the pictures (`words.txt`, `synset_words.txt`, `LOC_synset_mapping.txt`, the
//! development kit's `meta.mat`), or from the two small sets known here.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, truth};
use crate::data::sources::is_wnid;
use crate::words;

/// The classes of Imagenette.
const IMAGENETTE: [(&str, &str); 10] = [
    ("n01440764", "tench"),
    ("n02102040", "English springer"),
    ("n02979186", "cassette player"),
    ("n03000684", "chain saw"),
    ("n03028079", "church"),
    ("n03394916", "French horn"),
    ("n03417042", "garbage truck"),
    ("n03425413", "gas pump"),
    ("n03445777", "golf ball"),
    ("n03888257", "parachute"),
];

/// The classes of Imagewoof.
const IMAGEWOOF: [(&str, &str); 10] = [
    ("n02086240", "Shih-Tzu"),
    ("n02087394", "Rhodesian ridgeback"),
    ("n02088364", "beagle"),
    ("n02089973", "English foxhound"),
    ("n02093754", "Border terrier"),
    ("n02096294", "Australian terrier"),
    ("n02099601", "golden retriever"),
    ("n02105641", "Old English sheepdog"),
    ("n02111889", "Samoyed"),
    ("n02115641", "dingo"),
];

/// The name of a class of the small sets known here, by its WordNet number.
pub(in crate::data) fn known_name(number: &str) -> Option<&'static str> {
    IMAGENETTE.iter().chain(&IMAGEWOOF).find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Files that name WordNet numbers.
pub(super) const NAME_FILES: &[&str] = &["LOC_synset_mapping.txt", "synset_words.txt", "words.txt"];

/// Classes under the names people know.
pub(super) struct Named {
    /// In the order of the folders.
    pub classes: Vec<String>,
    /// The data set, where the classes tell which it is.
    pub set: Option<&'static str>,
}

impl Named {
    /// "10 classes in folders", or "Imagenette: 10 classes".
    pub fn sentence_start(&self, otherwise: &str) -> String {
        let classes = words::counted(self.classes.len(), "class");
        match self.set {
            Some(set) => format!("{set}: {classes}"),
            None => format!("{classes} {otherwise}"),
        }
    }
}

/// Finds names for folders that are all called by WordNet numbers; other folders keep theirs.
pub(super) fn name_classes(place: &Place, folders: &BTreeSet<&str>) -> Named {
    let own: Vec<String> = folders.iter().map(|&name| name.to_owned()).collect();
    if !folders.iter().all(|name| is_wnid(name)) {
        return Named { classes: own, set: None };
    }
    let is_set = |set: &[(&str, &str)]| {
        folders.len() == set.len() && set.iter().all(|(wnid, _)| folders.contains(wnid))
    };
    let set = if is_set(&IMAGENETTE) {
        Some("Imagenette")
    } else if is_set(&IMAGEWOOF) {
        Some("Imagewoof")
    } else if folders.len() == 1000 && folders.first() == Some(&"n01440764") {
        Some("ImageNet")
    } else {
        None
    };
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    if let Some(file) = place.find(NAME_FILES)
        && let Ok(text) = place.text(file)
    {
        names.extend(read_names(&text).filter(|(wnid, _)| folders.contains(wnid.as_str())));
    }
    if names.is_empty() {
        names.extend(
            truth::names_of_kit(place).into_iter().filter(|(wnid, _)| folders.contains(wnid.as_str())),
        );
    }
    for (wnid, name) in IMAGENETTE.iter().chain(&IMAGEWOOF) {
        names.entry((*wnid).to_owned()).or_insert_with(|| (*name).to_owned());
    }
    Named { classes: distinct(own, &names), set }
}

/// Number and first name of each line: `n01440764 tench, Tinca tinca`, with a space or a tab.
pub(super) fn read_names(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let (wnid, names) = line.split_once(['\t', ' '])?;
        let name = names.split(',').next()?.trim();
        (is_wnid(wnid) && !name.is_empty()).then(|| (wnid.to_owned(), name.to_owned()))
    })
}

/// The names in order; classes that share one (ImageNet has two cranes) are told apart by their numbers.
pub(super) fn distinct(wnids: Vec<String>, names: &BTreeMap<String, String>) -> Vec<String> {
    let mut uses = BTreeMap::<&str, usize>::new();
    for name in wnids.iter().filter_map(|wnid| names.get(wnid)) {
        *uses.entry(name).or_default() += 1;
    }
    wnids
        .iter()
        .map(|wnid| match names.get(wnid) {
            Some(name) if uses.get(name.as_str()) == Some(&1) => name.clone(),
            Some(name) => format!("{name} ({wnid})"),
            None => wnid.clone(),
        })
        .collect()
}
