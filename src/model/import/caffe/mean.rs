//! What Caffe takes away from the pixels: an image, or a number a channel.

use super::blob;
use super::layout::Preprocessing;

/// Means of ImageNet's red, green and blue. They are the channel means of Caffe's own mean image of
/// ILSVRC 2012, as its example `00-classification.ipynb` prints them (B 104.0070, G 116.6688, R 122.6789).
const CUSTOMARY: [f32; 3] = [122.678_91, 116.668_77, 104.006_99];

/// The largest mean image that is read.
const MAX_SIDE: usize = 4096;

/// A mean image, RGB.
pub(super) struct MeanImage {
    pub side: usize,
    /// `[3, side, side]`
    values: Vec<f32>,
}

impl MeanImage {
    /// The central window `[3, side, side]`, which is taken from every crop, whatever its offset, as the
    /// paper's author did. Caffe itself takes the mean from the whole picture before it crops: the central
    /// view is the same.
    pub fn crop(&self, side: usize) -> Vec<f32> {
        let margin = (self.side - side) / 2;
        let inside = margin..margin + side;
        let rows = self.values.chunks_exact(self.side).enumerate();
        rows.filter(|(row, _)| inside.contains(&(row % self.side)))
            .flat_map(|(_, row)| &row[inside.clone()])
            .copied()
            .collect()
    }
}

/// Reads a `.binaryproto`: a block `[1, 3, side, side]`, BGR. `needed` is the side of the crops.
pub(super) fn from_file(bytes: Vec<u8>, needed: usize) -> Result<MeanImage, String> {
    let blob = bytes.into();
    let shape = blob::shape(&blob, 3).map_err(|reason| format!("it {reason}"))?;
    let side = match *shape.strip_prefix(&[1]).unwrap_or(&shape) {
        [3, height, width] if height == width && (needed..=MAX_SIDE).contains(&height) => height,
        _ => {
            return Err(format!(
                "it has shape {shape:?} instead of [3, side, side], with a side of {needed} to {MAX_SIDE}"
            ));
        }
    };
    let bgr = blob::numbers(&blob).map_err(|reason| format!("it {reason}"))?;
    if bgr.len() != 3 * side * side || bgr.iter().any(|value| !value.is_finite()) {
        return Err(format!("it holds {} numbers, or numbers that are infinite", bgr.len()));
    }
    let mut values = bgr;
    super::bgr_to_rgb(&mut values, side * side);
    Ok(MeanImage { side, values })
}

/// Planes `[3, side, side]` of one number each: those that the model names, or the customary ones.
pub(super) fn constant(preprocessing: &Preprocessing, side: usize, notes: &mut Vec<String>) -> Vec<f32> {
    let rgb = match *preprocessing.mean_values.as_slice() {
        [blue, green, red] => [red, green, blue],
        [all] => [all; 3],
        _ => {
            notes.push(match &preprocessing.mean_file {
                Some(file) => format!(
                    "the network was trained with the mean image {file}; without --mean, the channel means of \
                     ImageNet take its place"
                ),
                None => "the file names no mean image; the channel means of ImageNet are used, and --mean gives \
                         another"
                    .into(),
            });
            CUSTOMARY
        }
    };
    rgb.iter().flat_map(|value| std::iter::repeat_n(*value, side * side)).collect()
}
