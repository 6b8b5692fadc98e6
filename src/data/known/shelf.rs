//! The folder in which the data sets of a user lie, one folder each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::catalogue::{self, KnownFile, KnownSet};
use super::receipt::{self, Found};
use crate::words;

/// Names another folder of data sets, for example one that a whole class shares.
const VARIABLE: &str = "ALEXNET_LAB_DATASETS";
/// A table of further sets in that folder.
const CATALOGUE: &str = "catalogue.toml";

/// A folder of data sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shelf {
    root: PathBuf,
}

/// Why a known set cannot be opened. Each message is one line that names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    #[error("`{path}` cannot be used as a list of data sets: {reason}")]
    Catalogue { path: PathBuf, reason: String },
    #[error("`{name}` is not downloaded yet: {remedy}")]
    Missing { name: String, remedy: String },
    #[error(
        "`{path}` is not the file that the authors of `{name}` published (its md5 should be {md5}): move it away, then download it again with `alexnet-lab data get {name}`"
    )]
    Damaged { name: String, path: PathBuf, md5: String },
    #[error("cannot read `{path}` ({reason}): check that the disk is there and that you may open it")]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("looking at the pictures was cancelled")]
    Cancelled,
}

/// How much of a set is here, told without summing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetState {
    Absent,
    /// A download was broken off after so many bytes.
    Begun(u64),
    /// All files lie there; somebody put them there, and they are summed before they are used.
    Unchecked,
    /// All files are there and right.
    Present,
}

impl Shelf {
    /// The folder that `ALEXNET_LAB_DATASETS` names, or the one in the user's own data folder. Nothing on a
    /// system that has no such folder.
    pub fn standard() -> Option<Self> {
        let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = named.or_else(|| Some(dirs::data_local_dir()?.join("alexnet-lab").join("datasets")))?;
        Some(Self::at(&root))
    }

    pub fn at(root: &Path) -> Self {
        // The path is shown to people, who may be in another folder by then.
        Self { root: words::absolute(root) }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the files of a set lie.
    pub fn folder(&self, set: &KnownSet) -> PathBuf {
        self.root.join(&set.name)
    }

    /// What to open: the archive, or the folder of several files.
    pub fn source(&self, set: &KnownSet) -> PathBuf {
        match &set.files[..] {
            [archive] => self.folder(set).join(&archive.name),
            _ => self.folder(set),
        }
    }

    /// All known sets: those of `catalogue.toml` here, then those that come with the program.
    ///
    /// # Errors
    /// A `catalogue.toml` that cannot be read.
    pub fn sets(&self) -> Result<Vec<KnownSet>, KnownError> {
        let path = self.root.join(CATALOGUE);
        let own = match fs::read_to_string(&path) {
            Ok(text) => catalogue::parse(&text),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(Vec::new())
            }
            Err(e) => Err(e.to_string()),
        };
        let mut sets = own.map_err(|reason| KnownError::Catalogue { path, reason })?;
        let others: Vec<KnownSet> = catalogue::built_in()
            .into_iter()
            .filter(|set| !sets.iter().any(|own| own.is_called(&set.name)))
            .collect();
        sets.extend(others);
        Ok(sets)
    }

    /// The set of that name.
    ///
    /// # Errors
    /// As [`Self::sets`].
    pub fn find(&self, name: &str) -> Result<Option<KnownSet>, KnownError> {
        Ok(self.sets()?.into_iter().find(|set| set.is_called(name)))
    }

    /// How much of a set is here.
    pub fn state(&self, set: &KnownSet) -> SetState {
        let folder = self.folder(set);
        let size = |name: &str| fs::metadata(folder.join(name)).ok().filter(fs::Metadata::is_file);
        let (mut whole, mut checked, mut bytes) = (true, true, 0);
        for file in &set.files {
            match size(&file.name) {
                Some(found) => {
                    bytes += found.len();
                    checked &= receipt::is_recorded(&folder, file, &found);
                }
                None => {
                    whole = false;
                    bytes += size(&part_name(file)).map_or(0, |part| part.len());
                }
            }
        }
        match (whole, checked, bytes) {
            (true, true, _) => SetState::Present,
            (true, false, _) => SetState::Unchecked,
            (false, _, 0) => SetState::Absent,
            (false, _, bytes) => SetState::Begun(bytes),
        }
    }

    /// The path of the set, once every file of it has been found right. The first time this reads the files
    /// that a person put there.
    ///
    /// # Errors
    /// A file that is missing or is not what the authors published, with the remedy.
    pub fn locate(&self, set: &KnownSet, cancel: &AtomicBool) -> Result<PathBuf, KnownError> {
        let folder = self.folder(set);
        for file in &set.files {
            let path = folder.join(&file.name);
            let found = receipt::examine(&folder, file, cancel, &mut |_| {})
                .map_err(|reason| KnownError::Unreadable { path: path.clone(), reason })?;
            match found.ok_or(KnownError::Cancelled)? {
                Found::Right => {}
                Found::Nothing => {
                    return Err(KnownError::Missing { name: set.name.clone(), remedy: self.remedy(set) });
                }
                Found::Wrong => {
                    return Err(KnownError::Damaged { name: set.name.clone(), path, md5: file.md5.clone() });
                }
            }
        }
        Ok(self.source(set))
    }

    /// How to get a set, in one line.
    fn remedy(&self, set: &KnownSet) -> String {
        let size = words::bytes(set.bytes());
        let command = format!(
            "get it under \"Known data sets…\" in the window or with `alexnet-lab data get {}` ({size})",
            set.name
        );
        let folder = self.folder(set);
        match &set.files[..] {
            [KnownFile { name, md5, addresses, .. }] => {
                let address = addresses
                    .first()
                    .map_or_else(String::new, |address| format!(" from {}", words::address(address)));
                format!("{command}, or put {name}{address} into `{}` yourself (md5 {md5})", folder.display())
            }
            files => format!(
                "{command}, or put its {} files into `{}` yourself (`alexnet-lab data list {}` names them)",
                files.len(),
                folder.display(),
                set.name
            ),
        }
    }

    /// How to get a set without this computer's network, for people.
    pub fn by_hand(&self, set: &KnownSet) -> String {
        let files = set.files.iter().map(|file| {
            let address = file.addresses.first().map(|address| words::address(address));
            let address = address.unwrap_or_else(|| "(ask whoever made this list)".into());
            format!("  {}\n    {}, {}, md5 {}\n", address, file.name, words::bytes(file.bytes), file.md5)
        });
        let (these, they) =
            if set.files.len() == 1 { ("this file", "It is") } else { ("these files", "They are") };
        format!(
            "To do it by hand, download {these} on any computer:\n{}then copy {these}, under the same name, into\n  {}\n{they} checked before use.",
            files.collect::<String>(),
            self.folder(set).display(),
        )
    }
}

/// The name of a file while it is being downloaded.
pub(in crate::data) fn part_name(file: &KnownFile) -> String {
    format!("{}.part", file.name)
}
