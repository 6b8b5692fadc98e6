//! Pictures and archives that lie beside class folders, where they belong to no class.

use super::Place;
use super::tree::{Folder, base_name};
use crate::data::left_out::LeftOut;
use crate::data::sources::{Entry, archive_ending, is_picture_name};

/// Files whose names promise nothing that are looked into.
const LOOKED_INTO: usize = 50;

/// The pictures and archives that lie directly in `home`, in the folders around it, or in `parts`.
pub(super) fn beside(place: &Place, home: Folder, parts: &[Folder]) -> LeftOut {
    let mut left_out = LeftOut::default();
    let mut looked_into = 0;
    let is_beside = |above: &str| {
        let around =
            home.path().strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        above.is_empty() || around || parts.iter().any(|part| part.path() == above)
    };
    for entry in place.listing.entries.iter().filter(|entry| !entry.is_folder) {
        let (above, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
        if !is_beside(above) {
            continue;
        }
        if !archive_ending(name).is_empty() {
            left_out.add(&*entry.path, archive_reason(home, name));
        } else if is_picture_name(name) || (!name.contains('.') && is_picture(place, entry, &mut looked_into))
        {
            left_out.add(&*entry.path, "in no class folder");
        }
    }
    left_out
}

fn is_picture(place: &Place, entry: &Entry, looked_into: &mut usize) -> bool {
    *looked_into += 1;
    *looked_into <= LOOKED_INTO && place.look_at(entry).is_ok()
}

fn archive_reason(home: Folder, name: &str) -> &'static str {
    let stem = &name[..name.len() - archive_ending(name).len()];
    let is_unpacked =
        home.path().split('/').any(|part| part.eq_ignore_ascii_case(stem)) || home.folder(stem).is_some();
    if is_unpacked {
        "an archive; the folder of its name is used instead"
    } else {
        "an archive beside folders: choose it itself, or unpack it"
    }
}

/// All pictures of a source whose data set comes in files that hold many.
pub(super) fn single_pictures(place: &Place) -> LeftOut {
    let mut left_out = LeftOut::default();
    let files = place.listing.entries.iter().filter(|entry| !entry.is_folder);
    for entry in files.filter(|entry| is_picture_name(&entry.path)) {
        left_out.add(&*entry.path, "no part of this data set");
    }
    left_out
}

/// The archives of a source.
pub(super) fn archives<'a>(place: &'a Place) -> impl Iterator<Item = &'a Entry> {
    let files = place.listing.entries.iter().filter(|entry| !entry.is_folder);
    files.filter(|entry| !archive_ending(base_name(&entry.path)).is_empty())
}
