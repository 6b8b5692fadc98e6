//! Archives that lie in a folder and stand for folders there.
//!
//! ImageNet comes as `ILSVRC2012_img_train.tar` (a tar of a thousand tars), `ILSVRC2012_img_val.tar` and a
//! development kit, 150 GB that nobody wants to unpack. Other sets come as `train.zip` and `val.zip`, or as one tar a
//! class. Such archives are read in place, as folders of their names without the ending. Other archives are left
//! alone: beside unpacked pictures they are most likely the same pictures again.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use super::folder::Folder;
use super::names::{Part, is_wnid, part_name};
use super::{Entry, Fault, Lister, Listing, Opened, Opening, Region, SingleFile, Source, Stamp};
use crate::data::error::DataError;

const ENDINGS: [&str; 4] = [".tar", ".tar.gz", ".tgz", ".zip"];
/// All of ImageNet has 21,841 classes in a tar each.
const MAX_ARCHIVES: usize = 25_000;

/// A folder with archives that stand for folders.
struct Mounts {
    folder: Folder,
    /// Each with the place of its first entry, in order; the folder's own places lie below.
    archives: Vec<(u32, Box<dyn Source>)>,
}

impl Mounts {
    /// Who reads `file`, and under which place.
    fn owner(&self, file: &Entry) -> (&dyn Source, Entry) {
        let copy = |place| Entry { path: file.path.clone(), is_folder: file.is_folder, place };
        if !Folder::is_plain(file)
            && let Some((first, source)) = self.archives.iter().rfind(|(first, _)| *first <= file.place)
        {
            return (&**source, copy(file.place - first));
        }
        (&self.folder, copy(file.place))
    }
}

impl Source for Mounts {
    fn stamp(&self, file: &Entry) -> Option<Stamp> {
        let (source, file) = self.owner(file);
        source.stamp(&file)
    }

    fn region(&self, file: &Entry) -> Result<Region, String> {
        let (source, file) = self.owner(file);
        source.region(&file)
    }

    fn size(&self, file: &Entry) -> Result<u64, String> {
        let (source, file) = self.owner(file);
        source.size(&file)
    }

    fn bytes(&self, file: &Entry) -> Result<Vec<u8>, String> {
        let (source, file) = self.owner(file);
        source.bytes(&file)
    }

    fn start(&self, file: &Entry, count: usize) -> Result<Vec<u8>, String> {
        let (source, file) = self.owner(file);
        source.start(&file, count)
    }

    fn stamp_around(&self, file: &Entry) -> Option<Stamp> {
        let (source, file) = self.owner(file);
        source.stamp_around(&file)
    }

    fn fault(&self, file: &Entry) -> Fault {
        let (source, file) = self.owner(file);
        source.fault(&file)
    }

    fn path(&self, file: &Entry) -> Option<PathBuf> {
        let (source, file) = self.owner(file);
        source.path(&file)
    }
}

/// The folder with the archives in it that stand for folders.
pub(super) fn mounted(folder: Folder, listing: Listing, opening: &Opening) -> Result<Opened, DataError> {
    let (chosen, only) = archives_in(&listing);
    if chosen.is_empty() {
        return Ok(Opened { source: Box::new(folder), listing });
    }
    let is_chosen =
        |path: &str| chosen.binary_search_by(|&i| listing.entries[i].path.as_ref().cmp(path)).is_ok();
    // What is put together here has been counted when it was found.
    let counted = AtomicUsize::new(0);
    let again = &Opening { shown: opening.shown, cancel: opening.cancel, found: &counted };
    let mut lister = Lister { left_out: listing.left_out, ..Lister::default() };
    let mut first = folder.places();
    let mut archives = Vec::new();
    for &number in &chosen {
        let entry = &listing.entries[number];
        let shown = format!("{}/{}", opening.shown.trim_end_matches(['/', '\\']), entry.path);
        let inner = Opening { shown: &shown, cancel: opening.cancel, found: opening.found };
        // A thousand open files are more than some systems allow.
        let opened = match super::open_file_as(&folder.path_of(entry), &inner, chosen.len() > 8) {
            Ok(SingleFile::Archive(opened)) => Ok(opened),
            Ok(SingleFile::Text) => Err(DataError::NotAnArchive { path: shown.clone() }),
            Err(error) => Err(error),
        };
        // Of an archive that ends before its first file does, nothing can be used.
        let opened = opened.and_then(|opened| match &opened.listing.cut {
            Some(cut) if opened.listing.entries.is_empty() => Err(cut.error()),
            _ => Ok(opened),
        });
        let opened = match opened {
            Ok(opened) => opened,
            Err(error @ DataError::Cancelled) => return Err(error),
            // Without the pictures to train on, a part of ImageNet, or the only file there is, nothing can come of it.
            Err(error) if only || is_needed(stem(&entry.path)) => return Err(error),
            Err(error) => {
                lister.ignore(entry.path.as_ref(), error.to_string());
                continue;
            }
        };
        let below = entry.path[..entry.path.len() - archive_ending(&entry.path).len()].to_owned();
        let mut places = 0;
        for inside in opened.listing.entries {
            places = places.max(inside.place.saturating_add(1));
            let path = format!("{below}/{}", inside.path);
            lister.push(path.into(), inside.is_folder, first.saturating_add(inside.place), again)?;
        }
        lister.left_out.append(opened.listing.left_out.below(&below));
        lister.cut = lister.cut.or(opened.listing.cut);
        archives.push((first, opened.source));
        first = first.saturating_add(places);
    }
    let kept = listing.entries.iter().filter(|entry| !is_chosen(&entry.path));
    for entry in kept {
        lister.push(entry.path.clone(), entry.is_folder, entry.place, again)?;
    }
    Ok(Opened { source: Box::new(Mounts { folder, archives }), listing: lister.finish() })
}

/// Numbers of the archives that stand for folders, in the order of their paths' bytes, and whether there is no other
/// file at all.
fn archives_in(listing: &Listing) -> (Vec<usize>, bool) {
    let mut files = listing.entries.iter().enumerate().filter(|(_, entry)| !entry.is_folder);
    if let (Some((number, entry)), None) = (files.next(), files.next()) {
        let is_archive = !archive_ending(&entry.path).is_empty();
        return (if is_archive { vec![number] } else { Vec::new() }, is_archive);
    }
    let unpacked = Unpacked::of(listing);
    let mut chosen: Vec<usize> = listing
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| {
            !entry.is_folder && stands_for_folder(&entry.path) && !unpacked.holds(&entry.path)
        })
        .map(|(number, _)| number)
        .take(MAX_ARCHIVES)
        .collect();
    chosen.sort_by(|&a, &b| listing.entries[a].path.cmp(&listing.entries[b].path));
    (chosen, false)
}

fn stands_for_folder(path: &str) -> bool {
    let ending = archive_ending(path);
    let stem = stem(path);
    !ending.is_empty()
        && (part_name(stem).is_some()
            || is_devkit(stem)
            || (ending.eq_ignore_ascii_case(".tar") && is_wnid(stem)))
}

/// ImageNet's development kit, which says the classes of the validation pictures.
fn is_devkit(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    stem.starts_with("ilsvrc") && stem.contains("_devkit")
}

/// The pictures to train on, or a part of ImageNet as its makers hand it out.
fn is_needed(stem: &str) -> bool {
    stem.to_ascii_lowercase().starts_with("ilsvrc") || part_name(stem) == Some(Part::Train)
}

/// The folders of a listing, to tell whether an archive lies there unpacked already.
struct Unpacked<'a> {
    /// The folder around each, and its name in small letters.
    names: HashSet<(&'a str, String)>,
    /// The folders around each training and validation part.
    train: HashSet<&'a str>,
    validation: HashSet<(&'a str, usize)>,
}

impl<'a> Unpacked<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut unpacked = Self { names: HashSet::new(), train: HashSet::new(), validation: HashSet::new() };
        for entry in listing.entries.iter().filter(|entry| entry.is_folder) {
            let (above, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            unpacked.names.insert((above, name.to_ascii_lowercase()));
            match part_name(name) {
                Some(Part::Train) => drop(unpacked.train.insert(above)),
                Some(Part::Validation(rank)) => drop(unpacked.validation.insert((above, rank))),
                None => {}
            }
        }
        unpacked
    }

    /// Whether a folder beside the archive holds the same part already.
    fn holds(&self, path: &str) -> bool {
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        let stem = stem(path);
        self.names.contains(&(above, stem.to_ascii_lowercase()))
            || match part_name(stem) {
                Some(Part::Train) => self.train.contains(above),
                Some(Part::Validation(rank)) => self.validation.contains(&(above, rank)),
                None => false,
            }
    }
}

/// The ending of an archive's name, or nothing.
pub(in crate::data) fn archive_ending(path: &str) -> &str {
    ENDINGS
        .iter()
        .rev()
        .filter_map(|ending| {
            path.len()
                .checked_sub(ending.len())
                .and_then(|at| path.get(at..))
                .filter(|end| end.eq_ignore_ascii_case(ending))
        })
        .next()
        .unwrap_or_default()
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    &name[..name.len() - archive_ending(name).len()]
}
