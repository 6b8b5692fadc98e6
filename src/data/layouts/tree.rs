//! A listing seen as folders in folders.
//!
//! Entries are in tree order, so everything in a folder is one run of entries: nothing is copied to look at it.

use crate::data::sources::{Entry, Listing};

/// Wrapping folders looked through at most.
pub(super) const MAX_WRAPS: usize = 8;

/// A folder of a listing.
#[derive(Clone, Copy)]
pub(super) struct Folder<'a> {
    /// What lies below it.
    entries: &'a [Entry],
    /// Number of the first of them in the whole listing.
    first: usize,
    /// Names above: 0 for the source itself.
    depth: usize,
    /// The folder's own path; empty for the source itself.
    path: &'a str,
}

impl<'a> Folder<'a> {
    pub fn root(listing: &'a Listing) -> Self {
        Self { entries: &listing.entries, first: 0, depth: 0, path: "" }
    }

    /// The folder's own name.
    pub fn name(&self) -> &'a str {
        base_name(self.path)
    }

    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The folders directly in this one, in order.
    pub fn folders(&self) -> Vec<Self> {
        let mut folders = Vec::new();
        let mut at = 0;
        while at < self.entries.len() {
            let name = self.name_below(&self.entries[at]);
            let rest = &self.entries[at..];
            let count = rest.partition_point(|entry| self.name_below(entry) == name);
            // The first is the folder's own entry, if it has one, or a file.
            let own = usize::from(names_in(&rest[0].path) == self.depth + 1);
            if count > own || rest[0].is_folder {
                let path = &rest[0].path[..self.offset() + name.len()];
                let entries = &rest[own..count];
                folders.push(Self { entries, first: self.first + at + own, depth: self.depth + 1, path });
            }
            at += count;
        }
        folders
    }

    /// The folder of this name directly in this one, whatever its case.
    pub fn folder(&self, name: &str) -> Option<Self> {
        self.folders().into_iter().find(|folder| folder.name().eq_ignore_ascii_case(name))
    }

    /// The folder down a path.
    pub fn below(&self, path: &str) -> Option<Self> {
        path.split('/').try_fold(*self, |folder, name| folder.folder(name))
    }

    /// All files in this folder and the folders below it, with their numbers in the listing.
    pub fn files(&self) -> impl Iterator<Item = (u32, &'a Entry)> + use<'a> {
        let first = self.first as u32;
        (first..).zip(self.entries).filter(|(_, entry)| !entry.is_folder)
    }

    /// The files directly in this folder.
    pub fn own_files(&self) -> impl Iterator<Item = (u32, &'a Entry)> + use<'a> {
        let depth = self.depth;
        self.files().filter(move |(_, entry)| names_in(&entry.path) == depth + 1)
    }

    /// The file of this name directly in this folder, whatever its case.
    pub fn file(&self, name: &str) -> Option<&'a Entry> {
        self.own_files()
            .map(|(_, entry)| entry)
            .find(|entry| base_name(&entry.path).eq_ignore_ascii_case(name))
    }

    /// Where the names of what lies here begin in the paths.
    fn offset(&self) -> usize {
        if self.path.is_empty() { 0 } else { self.path.len() + 1 }
    }

    /// The first name of `entry`'s path below this folder.
    fn name_below<'e>(&self, entry: &'e Entry) -> &'e str {
        let below = &entry.path[self.offset()..];
        below.split('/').next().unwrap_or(below)
    }
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn names_in(path: &str) -> usize {
    path.bytes().filter(|&b| b == b'/').count() + 1
}

/// The folder that holds the layout: `root`, or a folder in it when there is nothing else to choose between.
/// A folder that `stops` says yes to is not looked into.
pub(super) fn unwrapped<'a>(root: Folder<'a>, stops: impl Fn(&str) -> bool) -> Folder<'a> {
    let mut here = root;
    for _ in 0..MAX_WRAPS {
        let [only] = here.folders()[..] else { break };
        let inner = only.folders();
        let wraps = match inner.len() {
            0 => false,
            1 => only.own_files().next().is_none() || stops(inner[0].name()),
            _ => true,
        };
        if stops(only.name()) || !wraps {
            break;
        }
        here = only;
    }
    here
}
