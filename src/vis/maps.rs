//! Maps of activations as pictures, and maps of importance laid over a picture.
//!
//! Every scale can be told apart by colour-blind readers: activations go from black to white where they are positive
//! and to blue where they are negative; importance has the colours of viridis; what may lie on both sides of 0 goes to
//! orange and to blue (Okabe and Ito).

use image::{Rgb, RgbImage};

/// The strongest value that a picture of maps has to show.
pub fn strongest(values: &[f32]) -> f32 {
    values.iter().copied().filter(|value| value.is_finite()).fold(0.0, |most, value| value.abs().max(most))
}

/// The colour of an activation, where `most` is the strongest: 0 is black, positive ones are brighter the stronger they
/// are, negative ones bluer. What is no number is orange.
pub fn activation_colour(value: f32, most: f32) -> [u8; 3] {
    if !value.is_finite() {
        return [213, 94, 0];
    }
    let share = if most > 0.0 { (value.abs() / most).min(1.0) } else { 0.0 };
    let mix = |full: f32| (share * full).round() as u8;
    if value >= 0.0 { [mix(255.0); 3] } else { [mix(40.0), mix(130.0), mix(235.0)] }
}

/// What the brightest colour of a picture of maps means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MapScale {
    /// The strongest value of the whole layer: maps can be compared.
    #[default]
    Layer,
    /// That of each map: faint ones can be seen, too.
    Map,
}

/// Draws some maps of `values` (`[maps, height, width]`), one pixel a value and `per_row` maps a row, with `gap` pixels
/// of `between` around each. `most` is the strongest value of the layer.
pub fn maps_picture(
    values: &[f32],
    [height, width]: [usize; 2],
    per_row: usize,
    scale: MapScale,
    most: f32,
    (gap, between): (usize, [u8; 3]),
) -> RgbImage {
    let area = (height * width).max(1);
    let maps = values.len() / area;
    let per_row = per_row.clamp(1, maps.max(1));
    let (across, down) = (per_row * (width + gap) + gap, maps.div_ceil(per_row) * (height + gap) + gap);
    let mut picture = RgbImage::from_pixel(across as u32, down as u32, Rgb(between));
    for (number, map) in values.chunks_exact(area).enumerate() {
        let most = if scale == MapScale::Map { strongest(map) } else { most };
        let left = gap + number % per_row * (width + gap);
        let top = gap + number / per_row * (height + gap);
        for (place, &value) in map.iter().enumerate() {
            let (x, y) = (left + place % width, top + place / width);
            picture.put_pixel(x as u32, y as u32, Rgb(activation_colour(value, most)));
        }
    }
    picture
}

/// How importance is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heat {
    /// From 0 (dark violet) to the most (yellow).
    Rising,
    /// Orange above 0, blue below, nothing at 0.
    TwoSided,
}

/// Viridis at nine places, from 0 to 1.
const VIRIDIS: [[u8; 3]; 9] = [
    [68, 1, 84],
    [71, 44, 122],
    [59, 81, 139],
    [44, 113, 142],
    [33, 144, 141],
    [39, 173, 129],
    [92, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

impl Heat {
    /// The colour of `share` of the most, from -1 to 1, and how much of the picture below it hides, from 0 to 1.
    pub fn colour(self, share: f32) -> ([u8; 3], f32) {
        let share = if share.is_finite() { share.clamp(-1.0, 1.0) } else { 0.0 };
        match self {
            Self::Rising => {
                let place = share.max(0.0) * (VIRIDIS.len() - 1) as f32;
                let low = (place as usize).min(VIRIDIS.len() - 2);
                let part = place - low as f32;
                let mix = |c: usize| {
                    let (from, to) = (f32::from(VIRIDIS[low][c]), f32::from(VIRIDIS[low + 1][c]));
                    (from + (to - from) * part).round() as u8
                };
                ([mix(0), mix(1), mix(2)], 0.6)
            }
            Self::TwoSided => {
                let colour = if share >= 0.0 { [230, 110, 0] } else { [0, 114, 198] };
                (colour, 0.8 * share.abs().sqrt())
            }
        }
    }
}

/// Lays `values` (one for each pixel, by rows) over the picture, which turns grey so that colours mean one thing. `most`
/// is what the strongest colour means.
pub fn overlay(picture: &RgbImage, values: &[f32], heat: Heat, most: f32) -> RgbImage {
    let mut laid = picture.clone();
    for (pixel, &value) in laid.pixels_mut().zip(values) {
        let [r, g, b] = pixel.0.map(f32::from);
        let grey = 0.299 * r + 0.587 * g + 0.114 * b;
        let (colour, hides) = heat.colour(if most > 0.0 { value / most } else { 0.0 });
        pixel.0 = colour.map(|c| (grey * (1.0 - hides) + f32::from(c) * hides).round() as u8);
    }
    laid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_lie_in_rows_and_brightness_means_strength() {
        let values = [0.0, 1.0, -1.0, 0.5, 0.1, 0.2];
        let picture = maps_picture(&values, [1, 2], 2, MapScale::Layer, strongest(&values), (1, [9; 3]));
        assert_eq!(picture.dimensions(), (7, 5));
        let at = |x, y| picture.get_pixel(x, y).0;
        assert_eq!((at(1, 1), at(2, 1)), ([0; 3], [255; 3]));
        assert_eq!((at(4, 1), at(5, 1)), ([40, 130, 235], [128; 3]));
        assert_eq!((at(0, 0), at(3, 1)), ([9; 3], [9; 3]), "what lies between");
        let own = maps_picture(&values, [1, 2], 2, MapScale::Map, 1.0, (1, [9; 3]));
        assert_eq!((own.get_pixel(1, 3).0, own.get_pixel(2, 3).0), ([128; 3], [255; 3]));
    }

    #[test]
    fn what_is_no_number_stands_out_and_hides_nothing() {
        assert_eq!(strongest(&[f32::NAN, -3.0, 2.0]), 3.0);
        assert_eq!(activation_colour(f32::NAN, 3.0), [213, 94, 0]);
        assert_eq!(activation_colour(5.0, 0.0), [0; 3]);
    }

    #[test]
    fn nothing_is_grey_and_much_is_coloured() {
        let picture = RgbImage::from_pixel(2, 1, Rgb([200, 100, 50]));
        let laid = overlay(&picture, &[0.0, 2.0], Heat::TwoSided, 2.0);
        let grey = laid.get_pixel(0, 0).0;
        assert!(grey[0] == grey[1] && grey[1] == grey[2], "{grey:?}");
        let strong = laid.get_pixel(1, 0).0;
        assert!(strong[0] > 200 && strong[2] < 50, "{strong:?}");
        assert_eq!(Heat::Rising.colour(1.0).0, VIRIDIS[8]);
        assert_eq!(Heat::Rising.colour(0.0).0, VIRIDIS[0]);
    }
}
