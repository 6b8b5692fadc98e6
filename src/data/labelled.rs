//! A data set of files, wherever their bytes come from and however they are laid out.

use std::path::{Path, PathBuf};

use image::RgbImage;

use super::budget::PICTURES;
use super::decode::{Undecoded, decode, decode_if, dimensions, square};
use super::error::DataError;
use super::layouts::{Item, Layout, Picture};
use super::left_out::LeftOut;
use super::sources::{Entry, Listing, Opened, Source};
use super::{Dataset, Description, Fault, Fingerprint, Refused, Split};

/// Labelled pictures of a source.
pub(super) struct Labelled {
    source: Box<dyn Source>,
    entries: Vec<Entry>,
    layout: Layout,
    description: Description,
    left_out: LeftOut,
    home: Option<PathBuf>,
    most_refused: usize,
}

impl Labelled {
    /// Describes what was recognised at the source `shown`, and looks at a few headers. Of all pictures the share
    /// `max_refused` may turn out to be unusable.
    pub fn new(shown: &str, opened: Opened, mut layout: Layout, max_refused: f64) -> Result<Self, DataError> {
        let Listing { entries, mut left_out, cut } = opened.listing;
        // What the layout has to say is about classes, the rest about single files.
        std::mem::swap(&mut left_out, &mut layout.left_out);
        left_out.append(std::mem::take(&mut layout.left_out));
        let cut = cut.map_or_else(String::new, |cut| cut.note());
        let description = Description {
            source: shown.to_owned(),
            layout: std::mem::take(&mut layout.sentence) + &cut + &left_out.note(),
            classes: std::mem::take(&mut layout.classes),
            train: layout.train.len(),
            validation: layout.validation.len(),
            typical_side: 0,
        };
        let total = description.train + description.validation;
        let most_refused = (total as f64 * max_refused).floor() as usize;
        let source = opened.source;
        let mut dataset = Self { source, entries, layout, description, left_out, home: None, most_refused };
        dataset.description.typical_side = dataset.typical_side()?;
        Ok(dataset)
    }

    /// The same, which lies at `path`.
    pub fn at(self, path: &Path) -> Self {
        Self { home: path.canonicalize().ok(), ..self }
    }

    fn items(&self, split: Split) -> &[Item] {
        match split {
            Split::Train => &self.layout.train,
            Split::Validation => &self.layout.validation,
        }
    }

    fn name_of(&self, item: &Item) -> String {
        match &item.picture {
            Picture::File(number) => self.entries[*number as usize].path.to_string(),
            Picture::Record { file, index } => {
                format!("{}[{index}]", self.layout.records[*file as usize].name)
            }
            Picture::Unusable(refused) => refused.name.clone(),
        }
    }

    /// Decodes a file within the memory that all threads share, and hands the picture to `take`.
    fn with_decoded<T>(&self, entry: &Entry, take: impl FnOnce(&RgbImage) -> T) -> Result<T, String> {
        let mut share = PICTURES.take(self.source.size(entry)?);
        let bytes = self.source.bytes(entry)?;
        match decode_if(&bytes, &mut |needed| share.grow(needed)) {
            Ok(picture) => Ok(take(&picture)),
            Err(Undecoded::Refused(reason)) => Err(reason),
            Err(Undecoded::NoRoom(needed)) => {
                // Waiting while holding a share could wait for ever, so everything is given back first.
                let all = bytes.len() as u64 + needed;
                drop((bytes, share));
                let _share = PICTURES.take(all);
                let picture = decode(&self.source.bytes(entry)?)?;
                Ok(take(&picture))
            }
        }
    }

    /// Shorter side in pixels, from the header.
    fn side_of(&self, item: &Item) -> Result<u32, String> {
        match &item.picture {
            Picture::File(number) => {
                let bytes = self.source.bytes(&self.entries[*number as usize])?;
                dimensions(&bytes).map(|(width, height)| width.min(height))
            }
            Picture::Record { file, .. } => {
                let records = &self.layout.records[*file as usize];
                Ok(records.width.min(records.height))
            }
            Picture::Unusable(refused) => Err(refused.reason.clone()),
        }
    }

    /// Median shorter side of up to 20 training pictures spread over the classes.
    fn typical_side(&self) -> Result<u32, DataError> {
        let train = &self.layout.train;
        let step = train.len().div_ceil(20).max(1);
        let mut sides: Vec<u32> =
            train.iter().step_by(step).filter_map(|item| self.side_of(item).ok()).collect();
        if sides.is_empty() {
            // Twenty bad files in a row happen; a set without any picture is an error to tell now.
            sides.extend(train.iter().find_map(|item| self.side_of(item).ok()));
        }
        sides.sort_unstable();
        sides.get(sides.len() / 2).copied().ok_or_else(|| {
            let path = self.description.source.clone();
            match train.first() {
                Some(first) => DataError::NoneUsable {
                    path,
                    purpose: "train on",
                    count: train.len(),
                    first: self.name_of(first),
                    reason: self.side_of(first).err().unwrap_or_default(),
                },
                None => DataError::Empty { path },
            }
        })
    }
}

impl Dataset for Labelled {
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
        self.name_of(&self.items(split)[index])
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        self.read_measured(split, index, side).map(|(picture, _)| picture)
    }

    fn read_measured(&self, split: Split, index: usize, side: u32) -> Result<(RgbImage, (u32, u32)), String> {
        let measured = |picture: &RgbImage| (square(picture, side), picture.dimensions());
        match &self.items(split)[index].picture {
            Picture::File(number) => self.with_decoded(&self.entries[*number as usize], measured),
            Picture::Record { file, index } => {
                self.layout.records[*file as usize].read(*index).map(|picture| measured(&picture))
            }
            Picture::Unusable(refused) => Err(refused.reason.clone()),
        }
    }

    fn most_refused(&self) -> usize {
        self.most_refused
    }

    fn path(&self, split: Split, index: usize) -> Option<PathBuf> {
        match &self.items(split)[index].picture {
            Picture::File(number) => self.source.path(&self.entries[*number as usize]),
            Picture::Record { .. } | Picture::Unusable(_) => None,
        }
    }

    fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    fn fingerprint(&self, split: Split, index: usize) -> Option<Fingerprint> {
        let item = &self.items(split)[index];
        match &item.picture {
            Picture::File(number) => {
                let entry = &self.entries[*number as usize];
                let stamp = self.source.stamp(entry)?;
                let order = entry.place_in_archives().unwrap_or(u64::from(*number));
                let around = self.source.stamp_around(entry);
                Some(Fingerprint::new(&entry.path, stamp, 0, order).within(around))
            }
            Picture::Record { file, index } => {
                let stamp = self.layout.records[*file as usize].bytes.stamp()?;
                let order = u64::from(*file) << 32 | u64::from(*index);
                Some(Fingerprint::new(&self.name_of(item), stamp, *index, order))
            }
            Picture::Unusable(_) => None,
        }
    }

    fn fault(&self, split: Split, index: usize) -> Fault {
        match &self.items(split)[index].picture {
            Picture::File(number) => self.source.fault(&self.entries[*number as usize]),
            Picture::Record { file, index } => self.layout.records[*file as usize].fault(*index),
            Picture::Unusable(_) => Fault::Picture,
        }
    }

    fn left_out(&self) -> &[Refused] {
        self.left_out.listed()
    }

    fn left_out_count(&self) -> usize {
        self.left_out.count()
    }
}
