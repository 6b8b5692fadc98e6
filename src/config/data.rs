//! Where pictures come from, and what is done to them before the network sees them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where pictures come from and how they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// `sample`, or the path of a folder, an archive (`.tar`, `.tar.gz`, `.zip`) or a list of paths and labels, or the
    /// name of a data set that was downloaded.
    pub source: String,
    /// A list of pictures that are something else than their labels say, or that are to be left out. Empty: none.
    pub corrections: Option<PathBuf>,
    /// Share of the pictures held back for validation when the source has no such split.
    pub validation_share: f64,
    /// Seed of that split. The same seed gives the same split, whatever the seed of the run.
    pub split_seed: u64,
    /// Training pictures of a class that are used at most, chosen by the same seed. 0: all.
    pub max_per_class: usize,
    /// Classes with fewer training pictures are left out. 0: none.
    pub min_per_class: usize,
    /// Share of the files that may turn out to be unusable. Beyond it, preparing stops early with their list.
    pub max_refused_share: f64,
    /// Whether an archive that was cut short is used as far as it goes. Otherwise it is refused.
    pub accept_cut: bool,
    /// Threads that read pictures and make batches. 0 leaves the choice to the number of cores.
    pub loader_threads: usize,
    /// Whether prepared pictures are kept on disk, from one run to the next.
    pub prepared: bool,
    /// The folder for them. Empty: `alexnet-lab` in the user's cache folder.
    pub cache_dir: Option<PathBuf>,
    /// GiB on disk that the prepared pictures of all sources may take; what was not used for longest goes first.
    pub prepared_gib: u64,
    /// Decoded pictures kept in memory, in MiB, where none are kept on disk; what does not fit is decoded again
    /// each epoch.
    pub cache_mib: usize,
    /// Random crops and horizontal flips of the training pictures (paper section 4.1).
    /// Empty: as the preset says.
    pub augment: Option<bool>,
    /// Colour noise along the principal components of the training pixels (paper section 4.1). Empty: as the
    /// preset says.
    pub colour_noise: Option<ColourNoise>,
    /// Strength of the colour noise; 0.1 in the paper.
    pub colour_strength: f64,
    /// What is subtracted from every picture. Empty: as the preset says.
    pub mean: Option<Mean>,
    /// Training pictures of the built-in sample.
    pub sample_train: usize,
    /// Validation pictures of the built-in sample.
    pub sample_validation: usize,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: "sample".into(),
            corrections: None,
            validation_share: 0.2,
            split_seed: 0,
            max_per_class: 0,
            min_per_class: 0,
            max_refused_share: 0.5,
            accept_cut: false,
            loader_threads: 0,
            prepared: true,
            cache_dir: None,
            prepared_gib: 40,
            cache_mib: 2048,
            augment: None,
            colour_noise: None,
            colour_strength: 0.1,
            mean: None,
            sample_train: 3000,
            sample_validation: 600,
        }
    }
}

/// How a picture's colours are shifted while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColourNoise {
    Off,
    /// The author's code (`convdata_jpeg.py`): the components by their standard deviations, and the picture
    /// divided by 1 plus the strength afterwards.
    Author,
    /// The paper's formula word for word: the components by their eigenvalues, for pixels of 0 to 1.
    Literal,
}

/// What is subtracted from every picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mean {
    /// The mean picture of the training set, pixel by pixel (paper section 2).
    Image,
    /// One mean for each of red, green and blue.
    Channel,
}
