//! What can be wrong with a source of pictures. Each message is one line that names the thing and the remedy.

use super::known::KnownError;
use super::pool::Unfinished;
use super::{Dataset, Refused, Split};
use crate::words;

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error("there is no file or folder `{path}`: check the path, or use `sample` for the built-in pictures")]
    Missing { path: String },
    #[error("cannot read `{path}` ({reason}): check that the disk is there and that you may open it")]
    Unreadable { path: String, reason: std::io::Error },
    #[error(
        "`{path}` is a single picture: choose the folder that holds one folder of pictures for each class"
    )]
    SinglePicture { path: String },
    #[error("`{path}` is a {kind} file: unpack it first, then choose the folder or the .tar that comes out")]
    Packed { path: String, kind: &'static str },
    #[error(
        "`{path}` is no archive or list this program knows: choose a folder, a .tar, .tar.gz or .zip, or a list of paths and labels"
    )]
    NotAnArchive { path: String },
    #[error("`{path}` cannot be unpacked: {reason}")]
    Unpacking { path: String, reason: String },
    #[error("`{path}` is {what}: {remedy}")]
    PartOfSet { path: String, what: &'static str, remedy: &'static str },
    #[error("`{list}` in `{path}` cannot be used: {reason}")]
    List { path: String, list: String, reason: String },
    #[error("the list of corrections `{}` cannot be used: {reason}", path.display())]
    Corrections { path: std::path::PathBuf, reason: String },
    #[error("looking at the pictures was cancelled")]
    Cancelled,
    #[error(
        "the archive `{path}` is damaged after {} ({reason}): copy or download it again",
        words::counted(*entries, "entry")
    )]
    DamagedArchive { path: String, entries: usize, reason: String },
    #[error(
        "`{path}` is cut short {whole}: copy or download it again, or use what is there with data.accept_cut=true"
    )]
    CutArchive { path: String, whole: String },
    #[error("{}", several(path, sets))]
    Several { path: String, sets: Vec<DataSetThere> },
    #[error("`{path}` holds more than {} files: choose a smaller folder", words::count(*limit))]
    TooManyFiles { path: String, limit: usize },
    #[error("`{path}` holds no pictures: put the pictures of each class into a folder of its own there")]
    Empty { path: String },
    #[error(
        "the files of `{path}` lie in no class folder: make one folder for each class and move them there, or write a list of paths and labels beside them"
    )]
    NoClassFolders { path: String },
    #[error("`{path}` has only one class, `{class}`, but needs at least two: add a folder of other pictures")]
    OneClass { path: String, class: String },
    #[error(
        "`{path}` has fewer than two classes with {min} pictures or more to train on: set data.min_per_class lower"
    )]
    TooFewLarge { path: String, min: usize },
    #[error(
        "the classes of `{train}` and `{validation}` in `{path}` differ ({difference}): give both the same class folders"
    )]
    ClassesDiffer { path: String, train: String, validation: String, difference: String },
    #[error("`{path}` leaves nothing to validate with: every class has a single picture, add more")]
    NothingToValidate { path: String },
    #[error(
        "none of the {} to {purpose} in `{path}` can be used (`{first}`: {reason}): replace them by pictures",
        words::counted(*count, "file")
    )]
    NoneUsable { path: String, purpose: &'static str, count: usize, first: String, reason: String },
    #[error("{}", class_unusable(path, class, first, reason))]
    ClassUnusable { path: String, class: String, first: String, reason: String },
    #[error(transparent)]
    Kept(#[from] super::KeptError),
    #[error(transparent)]
    Known(KnownError),
    #[error(
        "{} of the {} files in `{path}` cannot be used, more than data.max_refused_share allows (the first is `{}`: {}): replace or remove them, or set it higher",
        words::count(refused.len()),
        words::count(*total),
        refused.first().map_or("", |file| &file.name),
        refused.first().map_or("", |file| &file.reason)
    )]
    TooManyRefused { path: String, total: usize, refused: Vec<Refused> },
    #[error("cannot start a thread to read pictures ({reason}): close other programs, or set fewer threads")]
    Threads { reason: std::io::Error },
    #[error(
        "the program failed on {what} ({reason}): please report it; without that file it will most likely go on"
    )]
    Broken { what: String, reason: String },
}

/// Says why a class cannot be learnt; `first` is its first file, if it has any.
fn class_unusable(path: &str, class: &str, first: &str, reason: &str) -> String {
    if first.is_empty() {
        return format!(
            "`{path}` holds nothing to train on of the class `{class}`: add pictures, or leave it out"
        );
    }
    format!(
        "no training file of the class `{class}` in `{path}` can be used (`{first}`: {reason}): replace them by pictures, or remove the folder"
    )
}

/// Says which of several data sets there are to choose from.
fn several(path: &str, sets: &[DataSetThere]) -> String {
    let sets: Vec<String> = sets.iter().map(|set| format!("`{}` ({})", set.path, set.what)).collect();
    match &sets[..] {
        [only] => format!("`{path}` is no data set itself, but holds one: choose {only}"),
        _ => format!(
            "`{path}` is no data set itself, but holds several: choose one of {}",
            words::some_of(&sets, 8)
        ),
    }
}

/// A data set, or an archive that may be one, in a folder of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSetThere {
    /// What to choose.
    pub path: String,
    /// What tells it, in a few words.
    pub what: &'static str,
}

impl From<KnownError> for DataError {
    fn from(error: KnownError) -> Self {
        match error {
            KnownError::Cancelled => Self::Cancelled,
            error => Self::Known(error),
        }
    }
}

impl DataError {
    /// Why not all pictures were read. `name` says which picture a job was about.
    pub(super) fn unfinished(unfinished: Unfinished, name: impl FnOnce(usize) -> String) -> Self {
        match unfinished {
            Unfinished::Threads(reason) => Self::Threads { reason },
            Unfinished::Panicked { job, message: reason } => {
                let what = job.map_or("the pictures".into(), |job| format!("`{}`", name(job)));
                Self::Broken { what, reason }
            }
        }
    }

    /// Whether the user can mend it by asking for something else.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Kept(_) | Self::Threads { .. } | Self::Broken { .. })
    }

    /// Why a data set is not used of which more pictures are refused than it allows.
    pub(super) fn too_many(dataset: &dyn Dataset, refused: &[Refused]) -> Option<Self> {
        let total = dataset.len(Split::Train) + dataset.len(Split::Validation);
        let path = dataset.description().source.clone();
        let refused = (refused.len() > dataset.most_refused()).then(|| refused.to_vec())?;
        Some(Self::TooManyRefused { path, total, refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_program_names_the_picture_if_it_is_known() {
        let panicked = |job| Unfinished::Panicked { job, message: "index out of bounds".into() };
        let told = |job| DataError::unfinished(panicked(job), |job| format!("cat/{job}.png"));
        let named = told(Some(7));
        assert!(!named.is_bad_input());
        let text = named.to_string();
        assert!(text.contains("failed on `cat/7.png` (index out of bounds): please report it"), "{text}");
        assert!(told(None).to_string().contains("failed on the pictures (index out of bounds)"));
    }
}
