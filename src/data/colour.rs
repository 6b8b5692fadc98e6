//! The colours of the training pictures: their mean, their principal components, and the noise along these
//! (paper section 4.1).
//!
//! All sums are whole numbers and everything after them is additions, products and square roots in a fixed order, so
//! the result is the same for any number of threads and on every machine.

use serde::Serialize;

use crate::config::ColourNoise;

/// The colours of all training pixels, in 0 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ColourStatistics {
    /// Mean of red, green and blue.
    pub means: [f64; 3],
    pub pca: ColourPca,
}

/// Principal components of the RGB values, the weakest first as in the author's `batches.meta`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ColourPca {
    /// Standard deviation along each component, in 0 to 255: the square roots of the covariance's eigenvalues.
    pub deviations: [f64; 3],
    /// `vectors[c]` is the direction of component `c` in red, green and blue, of length 1. Its part of the largest
    /// size is positive (the first of these if there are several), because the sign of a direction is anybody's choice.
    pub vectors: [[f64; 3]; 3],
}

/// The colour noise of a run: a formula and what it needs besides chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colouring {
    pub noise: ColourNoise,
    pub pca: ColourPca,
    /// 0.1 in the paper. May change while a run goes on; at 0 the pictures stay as they are.
    pub strength: f64,
}

impl Colouring {
    /// What is added to the red, green and blue of every pixel of a picture, in 0 to 255. `normals` are its three
    /// draws from the standard normal distribution, one for each component.
    ///
    /// - Author: the sum over the components of `strength * normal * deviation * vector` (`convdata_jpeg.py`).
    /// - Literal: `strength * normal * eigenvalue * vector` for pixels of 0 to 1, where an eigenvalue is the square
    ///   of a deviation. In units of 0 to 255 the formula would be absurd, for it is not linear in the unit: the
    ///   deviation of photographs along their main component is about 120, its square 14,000, and so the noise would
    ///   be almost six times as far as black is from white.
    pub fn shift(&self, normals: [f32; 3]) -> [f32; 3] {
        let mut shift = [0.0; 3];
        for ((normal, deviation), vector) in normals.iter().zip(self.pca.deviations).zip(self.pca.vectors) {
            let size = match self.noise {
                ColourNoise::Off => 0.0,
                ColourNoise::Author => deviation,
                ColourNoise::Literal => (deviation / 255.0).powi(2) * 255.0,
            };
            for (sum, part) in shift.iter_mut().zip(vector) {
                *sum += self.strength * f64::from(*normal) * size * part;
            }
        }
        shift.map(|value| value as f32)
    }

    /// By what a picture is divided after the mean was subtracted and the noise added. The author divides by 1 plus
    /// the strength, so that the pictures of training do not become stronger than those of a test.
    pub fn divisor(&self) -> f32 {
        match self.noise {
            ColourNoise::Author => (1.0 + self.strength) as f32,
            ColourNoise::Off | ColourNoise::Literal => 1.0,
        }
    }
}

impl ColourStatistics {
    /// Of pictures as `[3, side, side]` planes.
    pub fn of<'a>(pictures: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut sums = ColourSums::default();
        pictures.into_iter().for_each(|planes| sums.add(planes));
        sums.statistics()
    }
}

/// Exact sums over pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ColourSums {
    pixels: u64,
    /// Of R, G, B, RR, RG, RB, GG, GB, BB. Enough for 10^14 pixels.
    sums: [u64; 9],
}

impl ColourSums {
    /// Pixels added up in 32 bits, of which processors add several at a time: 65,536 products of two bytes fit.
    const BLOCK: usize = 1 << 16;

    /// Adds the pixels of a picture `[3, side, side]`.
    pub fn add(&mut self, planes: &[u8]) {
        let (red, rest) = planes.split_at(planes.len() / 3);
        let (green, blue) = rest.split_at(red.len());
        let blocks = red.chunks(Self::BLOCK).zip(green.chunks(Self::BLOCK)).zip(blue.chunks(Self::BLOCK));
        for ((red, green), blue) in blocks {
            let mut block = [0_u32; 9];
            for ((&r, &g), &b) in red.iter().zip(green).zip(blue) {
                let [r, g, b] = [r, g, b].map(u32::from);
                let terms = [r, g, b, r * r, r * g, r * b, g * g, g * b, b * b];
                block.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
            self.sums.iter_mut().zip(block).for_each(|(sum, part)| *sum += u64::from(part));
        }
        self.pixels += red.len() as u64;
    }

    /// All ten numbers, to be kept.
    pub fn to_words(self) -> [u64; 10] {
        let [r, g, b, rr, rg, rb, gg, gb, bb] = self.sums;
        [self.pixels, r, g, b, rr, rg, rb, gg, gb, bb]
    }

    /// The sums that [`Self::to_words`] told.
    pub fn from_words([pixels, sums @ ..]: [u64; 10]) -> Self {
        Self { pixels, sums }
    }

    /// Adds the sums of another thread.
    pub fn join(&mut self, other: &Self) {
        self.pixels += other.pixels;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, part)| *sum += part);
    }

    /// Takes away sums that were added before.
    pub fn take_away(&mut self, other: &Self) {
        self.pixels = self.pixels.wrapping_sub(other.pixels);
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, part)| *sum = sum.wrapping_sub(part));
    }

    /// Mean and principal components. Without pixels everything is 0.
    pub fn statistics(&self) -> ColourStatistics {
        let count = self.pixels.max(1) as f64;
        let [r, g, b, ..] = self.sums;
        ColourStatistics { means: [r, g, b].map(|sum| sum as f64 / count), pca: pca(self.covariance()) }
    }

    /// Mean product of the departures from the mean (divided by the number of pixels, not by one less).
    fn covariance(&self) -> [[f64; 3]; 3] {
        let [r, g, b, rr, rg, rb, gg, gb, bb] = self.sums.map(i128::from);
        let pixels = i128::from(self.pixels);
        // Subtracted before anything is rounded: the two products can be nearly equal.
        let entry = |product: i128, x: i128, y: i128| {
            (pixels * product - x * y) as f64 / (pixels * pixels).max(1) as f64
        };
        let (rg, rb, gb) = (entry(rg, r, g), entry(rb, r, b), entry(gb, g, b));
        [[entry(rr, r, r), rg, rb], [rg, entry(gg, g, g), gb], [rb, gb, entry(bb, b, b)]]
    }
}

fn pca(covariance: [[f64; 3]; 3]) -> ColourPca {
    let (values, vectors) = eigen(covariance);
    let mut order = [0, 1, 2];
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    ColourPca {
        // Rounding may leave a value just below the 0 that it stands for.
        deviations: order.map(|c| values[c].max(0.0).sqrt()),
        vectors: order.map(|c| largest_part_positive(vectors[c])),
    }
}

fn largest_part_positive(vector: [f64; 3]) -> [f64; 3] {
    let largest = vector.into_iter().reduce(|best, part| if part.abs() > best.abs() { part } else { best });
    if largest < Some(0.0) { vector.map(|part| -part) } else { vector }
}

/// Eigenvalues of a symmetric matrix and their eigenvectors of length 1, by Jacobi's rotations, which find small
/// eigenvalues beside large ones as exactly as these.
fn eigen(mut matrix: [[f64; 3]; 3]) -> ([f64; 3], [[f64; 3]; 3]) {
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    // Convergence is quadratic: half a dozen rounds reach the last digit.
    for _ in 0..20 {
        for (p, q, other) in [(0, 1, 2), (0, 2, 1), (1, 2, 0)] {
            let corner = matrix[p][q];
            if corner == 0.0 {
                continue;
            }
            // Tangent, cosine and sine of the smaller of the two angles that turn the corner to 0.
            let ratio = (matrix[q][q] - matrix[p][p]) / (2.0 * corner);
            let tangent = ratio.signum() / (ratio.abs() + (ratio * ratio + 1.0).sqrt());
            let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
            let sine = tangent * cosine;
            matrix[p][p] -= tangent * corner;
            matrix[q][q] += tangent * corner;
            (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
            let (x, y) = (matrix[other][p], matrix[other][q]);
            (matrix[other][p], matrix[other][q]) = (cosine * x - sine * y, sine * x + cosine * y);
            (matrix[p][other], matrix[q][other]) = (matrix[other][p], matrix[other][q]);
            let [first, second] = [vectors[p], vectors[q]];
            vectors[p] = [0, 1, 2].map(|i| cosine * first[i] - sine * second[i]);
            vectors[q] = [0, 1, 2].map(|i| sine * first[i] + cosine * second[i]);
        }
    }
    ([matrix[0][0], matrix[1][1], matrix[2][2]], vectors)
}
