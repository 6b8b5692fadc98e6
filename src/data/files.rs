//! A data set of picture files, wherever their bytes come from.

use image::RgbImage;

use super::decode::{decode, dimensions, square};
use super::error::DataError;
use super::layout::{Found, Item, recognise};
use super::{Dataset, Description, Split};
use crate::config::DataConfig;

/// Files larger than this are not read: no picture needs it, and a film named .jpg would fill the memory.
pub(super) const MAX_FILE_BYTES: u64 = 256 << 20;

/// A place that holds files: a folder or an archive.
pub(super) trait FileSource: Send + Sync {
    /// What leads to one file.
    type Locator: Send + Sync;

    /// All bytes of a file, or why they cannot be had, in the user's language.
    fn bytes(&self, file: &Self::Locator) -> Result<Vec<u8>, String>;
}

/// Refuses files above [`MAX_FILE_BYTES`].
pub(super) fn check_size(bytes: u64) -> Result<usize, String> {
    match usize::try_from(bytes) {
        Ok(size) if bytes <= MAX_FILE_BYTES => Ok(size),
        _ => Err(format!("the file has {} MiB; more than {} is not read", bytes >> 20, MAX_FILE_BYTES >> 20)),
    }
}

/// Labelled files of a [`FileSource`].
pub(super) struct FileDataset<S: FileSource> {
    source: S,
    description: Description,
    train: Vec<Item<S::Locator>>,
    validation: Vec<Item<S::Locator>>,
}

impl<S: FileSource> FileDataset<S> {
    /// Recognises the layout of `found` and looks at a few headers.
    pub(super) fn new(
        source: S,
        found: Vec<Found<S::Locator>>,
        config: &DataConfig,
    ) -> Result<Self, DataError> {
        let layout = recognise(&config.source, found, config)?;
        let description = Description {
            source: config.source.clone(),
            layout: layout.sentence,
            classes: layout.classes,
            train: layout.train.len(),
            validation: layout.validation.len(),
            typical_side: 0,
        };
        let mut dataset = Self { source, description, train: layout.train, validation: layout.validation };
        dataset.description.typical_side = dataset.typical_side()?;
        Ok(dataset)
    }

    fn items(&self, split: Split) -> &[Item<S::Locator>] {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
        }
    }

    /// Median shorter side of up to 20 training pictures spread over the classes.
    fn typical_side(&self) -> Result<u32, DataError> {
        let side = |item: &Item<S::Locator>| {
            let (width, height) = self.source.bytes(&item.file).and_then(|bytes| dimensions(&bytes))?;
            Ok::<u32, String>(width.min(height))
        };
        let step = self.train.len().div_ceil(20).max(1);
        let mut sides: Vec<u32> =
            self.train.iter().step_by(step).filter_map(|item| side(item).ok()).collect();
        if sides.is_empty() {
            // Twenty bad files in a row happen; a set without any picture is an error to tell now.
            sides.extend(self.train.iter().find_map(|item| side(item).ok()));
        }
        sides.sort_unstable();
        sides.get(sides.len() / 2).copied().ok_or_else(|| {
            let first = &self.train[0];
            DataError::NoneUsable {
                path: self.description.source.clone(),
                purpose: "train on",
                count: self.train.len(),
                first: first.name.clone(),
                reason: side(first).err().unwrap_or_default(),
            }
        })
    }
}

impl<S: FileSource> Dataset for FileDataset<S> {
    fn description(&self) -> &Description {
        &self.description
    }

    fn len(&self, split: Split) -> usize {
        self.items(split).len()
    }

    fn label(&self, split: Split, index: usize) -> u32 {
        self.items(split)[index].label
    }

    fn name(&self, split: Split, index: usize) -> String {
        self.items(split)[index].name.clone()
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        let bytes = self.source.bytes(&self.items(split)[index].file)?;
        Ok(square(&decode(&bytes)?, side))
    }
}
