//! The data layer: odd files, layouts, the sample, the store, the loader.

mod augment;
mod check;
mod colour;
mod corrections;
mod cut;
mod decode;
mod files;
mod fuzz;
mod hostile;
mod kinds;
mod layouts;
mod lists;
mod loader;
mod makers;
mod mixed;
mod near;
mod odd;
mod official;
mod packed;
mod prepared;
mod properties;
mod real;
mod sample;
mod scale;
mod store;
mod tiff;
mod views;

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{Dataset, Description, PictureStore, Split};
use image::{ImageFormat, Rgb, RgbImage};

/// A picture of one colour as a file.
fn picture_file(width: u32, height: u32, colour: [u8; 3], format: ImageFormat) -> Vec<u8> {
    encode(&RgbImage::from_pixel(width, height, Rgb(colour)), format)
}

fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("the picture can be encoded");
    bytes.into_inner()
}

fn png(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    picture_file(width, height, colour, ImageFormat::Png)
}

/// Writes files below `root`, making the folders.
fn write_tree(root: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// An uncompressed archive of files.
fn tar_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// `count` small pictures for each class in the folder `split` (none if empty); all differ.
fn class_files(split: &str, classes: &[&str], count: u8) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (label, class) in (0_u8..).zip(classes) {
        for number in 0..count {
            let below = if split.is_empty() { String::new() } else { format!("{split}/") };
            files.push((format!("{below}{class}/{number:03}.png"), png(6, 5, [label * 20, number, 200])));
        }
    }
    files
}

fn config(source: &Path) -> DataConfig {
    DataConfig { source: source.display().to_string(), ..DataConfig::default() }
}

/// A store with room for everything unless `budget` says otherwise.
fn store_of(dataset: Arc<dyn Dataset>, side: u32, budget: usize, threads: usize) -> PictureStore {
    PictureStore::prepare(dataset, side, budget, threads, &|_, _| {}, &AtomicBool::new(false))
        .expect("the data set can be prepared")
        .expect("nobody cancelled")
}

/// Names, labels and pixels of a split.
fn contents(dataset: &dyn Dataset, split: Split, side: u32) -> Vec<(String, u32, Vec<u8>)> {
    (0..dataset.len(split))
        .map(|i| {
            let pixels = dataset.read(split, i, side).expect("the picture can be read").into_raw();
            (dataset.name(split, i), dataset.label(split, i), pixels)
        })
        .collect()
}

/// Pearson's statistic of counts that should be equal.
fn chi_square(counts: &[u32]) -> f64 {
    let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum()
}

type ReadFn = Box<dyn Fn(Split, usize, u32) -> Result<RgbImage, String> + Send + Sync>;

/// A data set whose pictures come from a closure: two classes, labels in turn.
struct Scripted {
    description: Description,
    read: ReadFn,
}

impl Scripted {
    fn new(
        train: usize,
        validation: usize,
        read: impl Fn(Split, usize, u32) -> Result<RgbImage, String> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let description = Description {
            source: "scripted".into(),
            layout: "2 classes".into(),
            classes: vec!["even".into(), "odd".into()],
            train,
            validation,
            typical_side: 8,
        };
        Arc::new(Self { description, read: Box::new(read) })
    }
}

impl Dataset for Scripted {
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
        (index % 2) as u32
    }

    fn name(&self, split: Split, index: usize) -> String {
        format!("{split:?}/{index}")
    }

    fn read(&self, split: Split, index: usize, side: u32) -> Result<RgbImage, String> {
        (self.read)(split, index, side)
    }
}

/// A picture that tells its index and every position apart.
fn numbered(index: usize, side: u32) -> RgbImage {
    RgbImage::from_fn(side, side, |x, y| Rgb([index as u8, x as u8, y as u8]))
}
