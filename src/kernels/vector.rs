//! The widest vector units that the processor has, and the inner loops of the convolutions' and linear layers' CPU twins
//! on them.
//!
//! Both loops add up a tile of results in registers: `rows` numbers, each spread over a vector, times
//! `columns` neighbouring values. Nothing is copied into place first; a table of offsets says where the values of
//! each term begin.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Vectors that stand side by side in a tile.
const VECTORS: usize = 2;
/// The largest tile: 12 rows of two vectors of 16.
const MAX_TILE: usize = 12 * VECTORS * 16;

/// The vector units of this processor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Vectors {
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    Plain(pulp::Scalar128b),
}

impl Vectors {
    pub(super) fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(units) = pulp::x86::V4::try_new() {
                return Self::Avx512(units);
            }
            if let Some(units) = pulp::x86::V3::try_new() {
                return Self::Avx2(units);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(units) = pulp::aarch64::Neon::try_new() {
            return Self::Neon(units);
        }
        Self::Plain(pulp::Scalar128b)
    }

    /// Runs an operation that was compiled for these units.
    pub(super) fn run<O: WithSimd>(self, operation: O) -> O::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(units) => Simd::vectorize(units, operation),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(units) => Simd::vectorize(units, operation),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(units) => Simd::vectorize(units, operation),
            Self::Plain(units) => Simd::vectorize(units, operation),
        }
    }

    /// Rows of a tile: with them, the sums, the two vectors and one spread number fill the registers.
    pub(super) fn rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 12,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => 12,
            _ => 6,
        }
    }

    /// Columns of a tile.
    pub(super) fn columns(self) -> usize {
        let lanes = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            _ => 4,
        };
        VECTORS * lanes
    }

    /// For each panel of `left`, `[panels, terms, rows]`, and its index: `store` is given the tile
    /// `[rows, columns]` of sums over the terms of `left[panel, term, row] * right[offsets[term] + start + column]`.
    pub(super) fn shifted_product<F: FnMut(usize, &[f32])>(
        self,
        left: &[f32],
        right: &[f32],
        offsets: &[usize],
        start: usize,
        store: F,
    ) {
        self.run(ShiftedProduct { left, right: &right[start..], offsets, store });
    }

    /// [`CHAINS`] chains of `links` multiply-adds for each of `from`, and their sum into `to`.
    pub(super) fn multiply_adds(self, from: &[f32], links: usize, to: &mut [f32]) {
        self.run(MultiplyAdds { from, links, to });
    }

    /// Adds to `sums`, `[terms, columns]`: over pictures and the places of a stretch, `grad[.., column]` times what
    /// the term sees there, `right[index * picture + offsets[term] + place]`. `grad` is
    /// `[pictures, places, columns]`.
    pub(super) fn correlation(
        self,
        grad: &[f32],
        right: &[f32],
        stretch: Stretch,
        offsets: &[usize],
        sums: &mut [f32],
    ) {
        self.run(Correlation { grad, right, stretch, offsets, sums });
    }
}

struct MultiplyAdds<'a> {
    from: &'a [f32],
    links: usize,
    to: &'a mut [f32],
}

impl WithSimd for MultiplyAdds<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (from, from_rest) = S::as_simd_f32s(self.from);
        let (to, to_rest) = S::as_mut_simd_f32s(self.to);
        for (from, to) in from.iter().zip(to) {
            *to = chains(simd, *from, self.links);
        }
        for (from, to) in from_rest.iter().zip(to_rest) {
            *to = simd.reduce_sum_f32s(chains(simd, simd.splat_f32s(*from), self.links));
        }
    }
}

/// Chains of [`Vectors::multiply_adds`]: two units of four stages are kept busy by eight, and a few more hide what delays
/// one of them. With the factor they fit the sixteen registers of AVX2.
pub(super) const CHAINS: usize = 12;

/// [`CHAINS`] chains of multiply-adds that begin with `value`, added up.
#[inline(always)]
fn chains<S: Simd>(simd: S, value: S::f32s, links: usize) -> S::f32s {
    // All begin differently, or the compiler would work out one for all of them.
    let mut sums: [S::f32s; CHAINS] =
        std::array::from_fn(|chain| simd.mul_f32s(value, simd.splat_f32s(1.0 - 0.05 * chain as f32)));
    for _ in 0..links {
        for sum in &mut sums {
            *sum = simd.mul_add_e_f32s(*sum, value, value);
        }
    }
    sums.into_iter().reduce(|one, other| simd.add_f32s(one, other)).unwrap_or(value)
}

/// A matrix `[rows, terms]` as `[panels, terms, height]`, zeros below the last row.
pub(super) fn panels(
    height: usize,
    rows: usize,
    terms: usize,
    value: impl Fn(usize, usize) -> f32 + Sync,
) -> Vec<f32> {
    let mut all = vec![0.0; rows.div_ceil(height) * terms * height];
    all.par_chunks_mut((terms * height).max(1)).enumerate().for_each(|(panel, to)| {
        for row in 0..height.min(rows - panel * height) {
            for (k, to) in to.chunks_exact_mut(height).enumerate() {
                to[row] = value(panel * height + row, k);
            }
        }
    });
    all
}

/// What a correlation goes through in each picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) length: usize,
    /// From one picture of the values to the next.
    pub(super) picture: usize,
}

struct ShiftedProduct<'a, F> {
    left: &'a [f32],
    right: &'a [f32],
    offsets: &'a [usize],
    store: F,
}

impl<F: FnMut(usize, &[f32])> WithSimd for ShiftedProduct<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 12>(simd) } else { self.tiles::<S, 6>(simd) }
    }
}

impl<F: FnMut(usize, &[f32])> ShiftedProduct<'_, F> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize>(mut self, simd: S) {
        let columns = VECTORS * S::F32_LANES;
        let mut buffer = [0.0; MAX_TILE];
        let tile = &mut buffer[..ROWS * columns];
        let (left, _) = self.left.as_chunks::<ROWS>();
        for (panel, left) in left.chunks_exact(self.offsets.len()).enumerate() {
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for (left, &offset) in left.iter().zip(self.offsets) {
                let right = S::as_simd_f32s(&self.right[offset..][..columns]).0;
                let right = [right[0], right[1]];
                for (sums, &left) in sums.iter_mut().zip(left) {
                    add_products(simd, sums, left, right);
                }
            }
            let (vectors, _) = S::as_mut_simd_f32s(tile);
            for (to, from) in vectors.as_chunks_mut::<VECTORS>().0.iter_mut().zip(sums) {
                *to = from;
            }
            (self.store)(panel, tile);
        }
    }
}

struct Correlation<'a> {
    grad: &'a [f32],
    right: &'a [f32],
    stretch: Stretch,
    offsets: &'a [usize],
    sums: &'a mut [f32],
}

impl WithSimd for Correlation<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 { self.tiles::<S, 12>(simd) } else { self.tiles::<S, 6>(simd) }
    }
}

impl Correlation<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize>(self, simd: S) {
        let Stretch { length, picture } = self.stretch;
        let columns = VECTORS * S::F32_LANES;
        for (offsets, to) in self.offsets.chunks(ROWS).zip(self.sums.chunks_mut(ROWS * columns)) {
            // Past the last term the last one is worked on again and not stored.
            let offsets: [usize; ROWS] = std::array::from_fn(|row| offsets[row.min(offsets.len() - 1)]);
            let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
            for (index, grad) in self.grad.chunks_exact(length * columns).enumerate() {
                let seen = offsets.map(|offset| &self.right[index * picture + offset..][..length]);
                let (grad, _) = S::as_simd_f32s(grad).0.as_chunks::<VECTORS>();
                for (place, &grad) in grad[..length].iter().enumerate() {
                    for (sums, seen) in sums.iter_mut().zip(seen) {
                        add_products(simd, sums, seen[place], grad);
                    }
                }
            }
            let (to, _) = S::as_mut_simd_f32s(to);
            for (to, sums) in to.as_chunks_mut::<VECTORS>().0.iter_mut().zip(sums) {
                for (to, sum) in to.iter_mut().zip(sums) {
                    *to = simd.add_f32s(*to, sum);
                }
            }
        }
    }
}

#[inline(always)]
fn add_products<S: Simd>(simd: S, sums: &mut [S::f32s; VECTORS], left: f32, right: [S::f32s; VECTORS]) {
    let left = simd.splat_f32s(left);
    for (sum, right) in sums.iter_mut().zip(right) {
        *sum = simd.mul_add_e_f32s(left, right, *sum);
    }
}
