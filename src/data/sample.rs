//! The built-in data set: ten classes of coloured shapes and textures, drawn by this program.
//!
//! It needs no download and no licence, has any size and side, and is the same on every machine. Colour alone
//! does not tell the classes apart, nor does shape, orientation or position alone. Every class looks the same
//! in a mirror: training flips pictures (paper section 4.1), so "left" and "right" could not be learnt.

mod draw;
mod scene;

use image::RgbImage;

use super::rng::{Purpose, Stream};
use super::{Dataset, Description, Split};
use crate::words;

/// The classes, in label order.
const CLASSES: [&str; 10] = [
    "red disc",
    "blue disc",
    "red ring",
    "triangle pointing up",
    "triangle pointing down",
    "horizontal stripes",
    "vertical stripes",
    "checkerboard",
    "ball above a bar",
    "ball below a bar",
];

/// Names the pictures: another number would draw another data set.
const SEED: u64 = 2012;

/// The side that the pictures are meant for.
const TYPICAL_SIDE: u32 = 64;

/// The built-in data set. Every class has the same number of pictures, give or take one.
pub struct SampleDataset {
    description: Description,
}

impl SampleDataset {
    /// A set of `train` and `validation` pictures. A larger set contains the smaller one.
    pub fn new(train: usize, validation: usize) -> Self {
        let classes: Vec<String> = CLASSES.map(String::from).into();
        let layout = format!(
            "{} classes of drawn pictures, {} to train on, {} to validate",
            classes.len(),
            words::count(train),
            words::count(validation)
        );
        let source = "sample".into();
        Self {
            description: Description {
                source,
                layout,
                classes,
                train,
                validation,
                typical_side: TYPICAL_SIDE,
            },
        }
    }
}

impl Dataset for SampleDataset {
    fn description(&self) -> &Description {
        &self.description
    }

    fn len(&self, split: Split) -> usize {
        match split {
            Split::Train => self.description.train,
            Split::Validation => self.description.validation,
        }
    }

    fn label(&self, _split: Split, index: usize) -> u32 {
        (index % CLASSES.len()) as u32
    }

    fn name(&self, split: Split, index: usize) -> String {
        let place = match split {
            Split::Train => "train",
            Split::Validation => "validation",
        };
        format!("sample/{place}/{index:05} ({})", CLASSES[index % CLASSES.len()])
    }

    fn is_drawn(&self) -> bool {
        true
    }

    /// Draws the picture at the asked side; nothing is enlarged or reduced.
    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        let mut stream = Stream::new(SEED, Purpose::Sample, split as u64, index as u64);
        Ok(scene::picture(index % CLASSES.len(), side.max(1), &mut stream))
    }
}
