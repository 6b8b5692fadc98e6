//! Pictures that the network finds alike: those whose last hidden layers lie closest to each other, by Euclidean
//! distance (paper section 6.1, Figure 4 right).

/// Memory that the features of a training set may take. Of a set that needs more, an even share is kept: of 4096 values
/// a picture, 32,768 pictures.
pub const KEPT_BYTES: usize = 512 << 20;

/// Values of a hidden layer, one row for each of many pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    width: usize,
    /// `[pictures, width]`
    values: Vec<f32>,
}

impl Features {
    /// No pictures yet, of `width` values each.
    pub fn new(width: usize) -> Self {
        Self { width, values: Vec::new() }
    }

    /// Adds rows of `[N, width]` values.
    ///
    /// # Panics
    /// When the last row is not whole.
    pub fn push(&mut self, rows: &[f32]) {
        assert!(
            self.width > 0 && rows.len().is_multiple_of(self.width),
            "whole rows of {} values",
            self.width
        );
        self.values.extend_from_slice(rows);
    }

    /// Pictures in it.
    pub fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values of a picture.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Bytes that the values take.
    pub fn bytes(&self) -> usize {
        size_of_val(self.values.as_slice())
    }

    /// The `count` pictures closest to `[width]` values: index and distance, the closest first; of equally close ones
    /// the first.
    pub fn nearest(&self, values: &[f32], count: usize) -> Vec<(usize, f32)> {
        let rows = self.values.chunks_exact(self.width.max(1)).enumerate();
        let mut found: Vec<(usize, f32)> = rows.map(|(index, row)| (index, distance(row, values))).collect();
        let closer = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
        if count < found.len() {
            found.select_nth_unstable_by(count, closer);
            found.truncate(count);
        }
        found.sort_unstable_by(closer);
        found
    }
}

/// Euclidean distance of two rows of the same length.
pub fn distance(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums that do not wait for each other: the processor makes them at once.
    let (mut sums, (a_parts, a_rest), (b_parts, b_rest)) =
        ([0f32; 8], a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a_parts.iter().zip(b_parts) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| (a - b) * (a - b));
    (sums.iter().sum::<f32>() + rest.sum::<f32>()).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from -1 to 1 that look drawn.
    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn the_search_finds_what_a_plain_calculation_finds() {
        let (width, pictures) = (37, 200);
        let rows = numbers(width * pictures, 7);
        let wanted = numbers(width, 99);
        let mut plain: Vec<(usize, f64)> = (0..pictures)
            .map(|picture| {
                let mut sum = 0.0;
                for place in 0..width {
                    let difference = f64::from(rows[picture * width + place]) - f64::from(wanted[place]);
                    sum += difference * difference;
                }
                (picture, sum.sqrt())
            })
            .collect();
        plain.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut features = Features::new(width);
        let (first, second) = rows.split_at(50 * width);
        features.push(first);
        features.push(second);
        assert_eq!((features.len(), features.bytes()), (pictures, 4 * width * pictures));
        let found = features.nearest(&wanted, 6);
        assert_eq!(found.len(), 6);
        for ((index, near), (expected, plainly)) in found.iter().zip(&plain) {
            assert_eq!(index, expected);
            assert!((f64::from(*near) - plainly).abs() < 1e-5, "{index}: {near} and {plainly}");
        }
    }

    #[test]
    fn a_picture_is_closest_to_itself_and_all_can_be_asked_for() {
        let mut features = Features::new(3);
        features.push(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0, 6.0, 3.0]);
        assert_eq!(features.nearest(&[1.0, 2.0, 3.0], 10), [(0, 0.0), (1, 0.0), (2, 5.0)]);
    }
}
