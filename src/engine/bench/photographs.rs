//! Pictures that cost as much to decode as photographs do, made here so that everybody can measure the same.
//!
//! Like photographs they have structure at every size, weaker the finer it is, soft colours, sharp edges and some grain:
//! what makes JPEG files large and slow to decode. Nobody needs to recognise anything in them.

use std::fs;
use std::io::{self, BufWriter};
use std::path::Path;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// As cameras and web sites choose it.
const QUALITY: u8 = 90;

/// How much weaker structure is at half the size.
const FALL: f32 = 0.7;

/// Of a sensor, in grey levels.
const GRAIN: f32 = 10.0;

/// A data set of photographs of one size: `train` and `val`, two classes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Album {
    pub width: u32,
    pub height: u32,
    pub train: usize,
    pub validation: usize,
}

impl Album {
    /// The name of its folder.
    pub fn name(&self) -> String {
        format!("{}x{}", self.width, self.height)
    }

    /// Writes the files below `folder`.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let splits = [("train", self.train), ("val", self.validation)];
        for (split, (name, count)) in splits.into_iter().enumerate() {
            for class in ["first", "second"] {
                fs::create_dir_all(folder.join(name).join(class))?;
            }
            (0..count).into_par_iter().try_for_each(|number| {
                let class = if number % 2 == 0 { "first" } else { "second" };
                let path = folder.join(name).join(class).join(format!("{number:04}.jpg"));
                let picture = photograph(self.width, self.height, (split * 1_000_000 + number) as u64);
                let mut file = BufWriter::new(fs::File::create(path)?);
                JpegEncoder::new_with_quality(&mut file, QUALITY)
                    .encode_image(&picture)
                    .map_err(io::Error::other)
            })?;
        }
        Ok(())
    }
}

/// The picture `number` of this size.
fn photograph(width: u32, height: u32, number: u64) -> RgbImage {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let (columns, rows) = (width as usize, height as usize);
    let light = Layer::structure(columns, rows, 4, &mut rng);
    // Colours change slowly across a photograph.
    let colours = [0; 2].map(|_| Layer::structure(columns / 8 + 1, rows / 8 + 1, 3, &mut rng));
    let discs: Vec<Disc> = (0..14).map(|_| Disc::random(columns, rows, &mut rng)).collect();
    let mut picture = RgbImage::new(width, height);
    for (y, row) in picture.as_mut().chunks_exact_mut(3 * columns).enumerate() {
        for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let edges: f32 = discs.iter().map(|disc| disc.at(x, y)).sum();
            let grain = GRAIN * ((rng.next_u32() >> 23) as f32 / 256.0 - 1.0);
            let value = 118.0 + 58.0 * light.at(x, y) + edges + grain;
            let [warm, green] = [0, 1].map(|index| 22.0 * colours[index].at(x / 8, y / 8));
            *pixel = [value + warm, value + green, value - warm].map(|v| v.clamp(0.0, 255.0) as u8);
        }
    }
    picture
}

/// A round area that is lighter or darker than what surrounds it.
struct Disc {
    x: f32,
    y: f32,
    squared_radius: f32,
    light: f32,
}

impl Disc {
    fn random(columns: usize, rows: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut up_to = |most: f32| unit(rng) * most;
        let radius = (0.03 + up_to(0.2)) * rows as f32;
        Self {
            x: up_to(columns as f32),
            y: up_to(rows as f32),
            squared_radius: radius * radius,
            light: up_to(70.0) - 35.0,
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let (across, down) = (x as f32 - self.x, y as f32 - self.y);
        if across * across + down * down < self.squared_radius { self.light } else { 0.0 }
    }
}

/// Values around 0, one a pixel.
struct Layer {
    columns: usize,
    values: Vec<f32>,
}

impl Layer {
    /// Noise of every size from the whole picture down to two pixels; the largest has `coarse` cells down.
    fn structure(columns: usize, rows: usize, coarse: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut layer = Self { columns, values: vec![0.0; columns * rows] };
        let (mut cells, mut strength) = (coarse, 1.0 - FALL * FALL);
        while cells <= (rows / 2).max(coarse) {
            layer.add(cells * columns / rows + 1, cells, 2.0 * strength, rng);
            (cells, strength) = (2 * cells, strength * FALL);
        }
        layer
    }

    /// Adds noise of `across` x `down` cells, smooth between them.
    fn add(&mut self, across: usize, down: usize, strength: f32, rng: &mut ChaCha8Rng) {
        let (columns, rows) = (self.columns, self.values.len() / self.columns);
        let corners: Vec<f32> =
            (0..(across + 1) * (down + 1)).map(|_| (2.0 * unit(rng) - 1.0) * strength).collect();
        let place = |at: usize, cells: usize, length: usize| {
            let exact = at as f32 * cells as f32 / length as f32;
            let cell = (exact as usize).min(cells - 1);
            let share = exact - cell as f32;
            (cell, share * share * (3.0 - 2.0 * share))
        };
        let places: Vec<(usize, f32)> = (0..columns).map(|x| place(x, across, columns)).collect();
        for (y, row) in self.values.chunks_exact_mut(columns).enumerate() {
            let (cell, share) = place(y, down, rows);
            let above = &corners[cell * (across + 1)..][..across + 1];
            let below = &corners[(cell + 1) * (across + 1)..][..across + 1];
            let line: Vec<f32> = above.iter().zip(below).map(|(a, b)| a + (b - a) * share).collect();
            for (value, &(cell, share)) in row.iter_mut().zip(&places) {
                *value += line[cell] + (line[cell + 1] - line[cell]) * share;
            }
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        self.values[y * self.columns + x]
    }
}

/// From 0 to 1.
fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a photograph of this size at this quality, a file has roughly 0.25 to 0.7 bytes a pixel.
    #[test]
    fn files_are_as_large_as_those_of_photographs() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let album = Album { width: 500, height: 375, train: 4, validation: 2 };
        album.write(folder.path()).expect("room for six pictures");
        let mut sizes = Vec::new();
        for (place, count) in [("train/first", 2), ("train/second", 2), ("val/first", 1), ("val/second", 1)] {
            let files: Vec<_> = fs::read_dir(folder.path().join(place)).expect("a class").flatten().collect();
            assert_eq!(files.len(), count, "{place}");
            for file in files {
                let bytes = fs::read(file.path()).expect("a picture");
                let picture = image::load_from_memory(&bytes).expect("a JPEG file").to_rgb8();
                assert_eq!(picture.dimensions(), (500, 375));
                sizes.push(bytes.len() as f64 / (500.0 * 375.0));
            }
        }
        assert!(sizes.iter().all(|size| (0.25..0.7).contains(size)), "{sizes:?}");
        assert_ne!(photograph(64, 48, 1), photograph(64, 48, 2));
        assert_eq!(photograph(64, 48, 1), photograph(64, 48, 1));
    }
}
