//! How maps are laid out for the convolutions of a processor, and the products that read them in place.

use super::sizes::Sizes;
use crate::kernels::vector::Vectors;

/// How one group of a picture is laid out: `[channels, stride, stride, lines, pitch]`, zeros around.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    stride: usize,
    /// Zeros above and left, in pixels; below 0 the first pixels are left out.
    before: [isize; 2],
    lines: usize,
    /// Values of a line that are ever looked at.
    width: usize,
    /// From one line to the next. Zeros at the right end of a line may be those at the left of the next.
    pub(super) pitch: usize,
    /// Lines and places of the grid of results.
    grid: [usize; 2],
    /// Columns of a tile, which may reach past the last plane.
    tile: usize,
}

/// Where a stretch of results stands.
pub(super) struct Part {
    pub(super) line: usize,
    pub(super) place: usize,
}

impl Planes {
    /// For what the kernels see of the input.
    pub(super) fn of_input(sizes: &Sizes, vectors: Vectors) -> Self {
        let reach = (sizes.kernel - 1) / sizes.stride;
        let before = [sizes.top as isize, sizes.left as isize];
        Self::new(sizes.stride, before, [sizes.rows, sizes.columns], reach, sizes.width, vectors)
    }

    /// For a grid of results that reach this far into the maps, of `columns` columns.
    pub(super) fn new(
        stride: usize,
        before: [isize; 2],
        grid: [usize; 2],
        reach: usize,
        columns: usize,
        vectors: Vectors,
    ) -> Self {
        let [lines, width] = grid.map(|side| side + reach);
        let zeros_left = before[1].max(0) as usize / stride;
        let filled = (columns as isize + before[1]).max(0) as usize;
        let zeros_right = width.saturating_sub(filled.div_ceil(stride));
        let pitch = (width - zeros_left.min(zeros_right)).max(grid[1]);
        Self { stride, before, lines, width, pitch, grid, tile: vectors.columns() }
    }

    /// Values of a plane.
    pub(super) fn plane(&self) -> usize {
        self.lines * self.pitch
    }

    /// Values of the planes of `channels` channels.
    pub(super) fn values(&self, channels: usize) -> usize {
        channels * self.stride * self.stride * self.plane()
    }

    /// Zeros for the planes of `channels` channels. Filling them leaves the zeros around alone.
    pub(super) fn memory(&self, channels: usize) -> Vec<f32> {
        vec![0.0; self.values(channels) + self.pitch + self.width + self.tile]
    }

    /// Copies maps of this height and width into the planes.
    pub(super) fn fill(&self, from: &[f32], [height, width]: [usize; 2], to: &mut [f32]) {
        let stride = self.stride;
        let channels =
            from.chunks_exact(height * width).zip(to.chunks_exact_mut(stride * stride * self.plane()));
        for (from, to) in channels {
            for (row, from) in from.chunks_exact(width).enumerate() {
                let padded = row as isize + self.before[0];
                if padded < 0 || padded as usize / stride >= self.lines {
                    continue;
                }
                let (line, phase) = (padded as usize / stride, padded as usize % stride);
                for place in 0..stride {
                    let to = &mut to[(phase * stride + place) * self.plane() + line * self.pitch..];
                    self.fill_line(from, place, to);
                }
            }
        }
    }

    /// Every `stride`-th pixel of a row, from the one that stands at `place`.
    fn fill_line(&self, from: &[f32], place: usize, to: &mut [f32]) {
        let before = self.before[1];
        let skip = (-before).max(0) as usize;
        let before = before.max(0) as usize;
        // The first pixel whose padded column leaves the rest `place`.
        let first = (place + self.stride - before % self.stride) % self.stride + skip;
        let at = (before + first - skip) / self.stride;
        let count = self.width.saturating_sub(at);
        let from = from.get(first..).unwrap_or_default();
        match self.stride {
            1 => {
                let count = count.min(from.len());
                to[at..][..count].copy_from_slice(&from[..count]);
            }
            stride => {
                for (to, from) in to.iter_mut().skip(at).zip(from.iter().step_by(stride)).take(count) {
                    *to = *from;
                }
            }
        }
    }

    /// Where each weight of a kernel finds its first value.
    pub(super) fn offsets(&self, sizes: &Sizes) -> Vec<usize> {
        let (stride, kernel) = (self.stride, sizes.kernel);
        (0..sizes.fan_in())
            .map(|k| {
                let (channel, ky, kx) = (k / sizes.taps(), k / kernel % kernel, k % kernel);
                let plane = (channel * stride + ky % stride) * stride + kx % stride;
                plane * self.plane() + ky / stride * self.pitch + kx / stride
            })
            .collect()
    }

    /// Calls `store(row, part, values)` with every stretch of results of every row of the product.
    pub(super) fn product(
        &self,
        vectors: Vectors,
        left: &[f32],
        right: &[f32],
        offsets: &[usize],
        mut store: impl FnMut(usize, Part, &[f32]),
    ) {
        if offsets.is_empty() {
            return;
        }
        let [lines, places] = self.grid;
        let end = (lines - 1) * self.pitch + places;
        for start in (0..end).step_by(self.tile) {
            vectors.shifted_product(left, right, offsets, start, |panel, tile| {
                for (row, values) in tile.chunks_exact(self.tile).enumerate() {
                    let row = panel * vectors.rows() + row;
                    for line in start / self.pitch..lines {
                        // What of this line the tile holds, without the columns between two lines.
                        let from = start.max(line * self.pitch);
                        let to = (start + self.tile).min(line * self.pitch + places);
                        if line * self.pitch >= start + self.tile {
                            break;
                        }
                        if from < to {
                            let part = Part { line, place: from - line * self.pitch };
                            store(row, part, &values[from - start..to - start]);
                        }
                    }
                }
            });
        }
    }
}
