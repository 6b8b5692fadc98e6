//! How the first layer's kernels formed: the frames of a run, and which of them is in view.

use std::path::{Path, PathBuf};

use crate::vis::FilterGrid;

/// Frames held; the engine takes fewer, so that this only bounds a file that is not its own.
const MOST: usize = 400;
/// Seconds that a frame is shown while the film plays.
pub const FRAME_SECONDS: f64 = 0.08;

/// A film as far as it is known.
#[derive(Debug, Default)]
pub struct Film {
    frames: Vec<FilterGrid>,
    /// The run it is of.
    pub run: Option<PathBuf>,
    /// Whether the frames of an earlier part of the run are still to be read from its folder.
    pub to_read: bool,
    /// Tells the frames of one film from those of another.
    version: u64,
}

impl Film {
    /// A run has just begun or gone on: its film takes the place of the one before.
    pub fn begin(&mut self, folder: &Path, to_read: bool) {
        let version = self.version + 1;
        *self = Self { frames: Vec::new(), run: Some(folder.into()), to_read, version };
    }

    /// The film of an earlier run. `version` tells it from others.
    pub fn opened(run: &Path, frames: Vec<FilterGrid>, version: u64) -> Self {
        let mut film = Self { version, ..Self::default() };
        film.read(run, frames);
        film
    }

    /// There is another network now, which has no film.
    pub fn clear(&mut self) {
        *self = Self { version: self.version + 1, ..Self::default() };
    }

    /// A number that no other frame has.
    pub fn number_of(&self, grid: &FilterGrid) -> u64 {
        (self.version << 40) | grid.step
    }

    /// Adds a frame. One that is not later than the last, or of other kernels, is left out.
    pub fn push(&mut self, grid: FilterGrid) {
        let fits = self.frames.last().is_none_or(|last| {
            last.step < grid.step && (last.kernels, last.side) == (grid.kernels, grid.side)
        });
        if fits && grid.is_whole() && self.frames.len() < MOST {
            self.frames.push(grid);
        }
    }

    /// Puts what was read from the folder of a run before what has come since.
    pub fn read(&mut self, run: &Path, frames: Vec<FilterGrid>) {
        let live =
            if self.run.as_deref() == Some(run) { std::mem::take(&mut self.frames) } else { Vec::new() };
        self.begin(run, false);
        let first = live.first().map_or(u64::MAX, |grid| grid.step);
        frames.into_iter().filter(|grid| grid.step < first).chain(live).for_each(|grid| self.push(grid));
    }

    pub fn frames(&self) -> &[FilterGrid] {
        &self.frames
    }

    /// The frame in view: the one chosen, or else the newest.
    pub fn frame(&self, chosen: Option<usize>) -> Option<(usize, &FilterGrid)> {
        let last = self.frames.len().checked_sub(1)?;
        let number = chosen.unwrap_or(last).min(last);
        Some((number, &self.frames[number]))
    }

    /// The last frame that is not later than a step; the first if all are.
    pub fn at_step(&self, step: u64) -> Option<usize> {
        let after = self.frames.partition_point(|grid| grid.step <= step);
        (!self.frames.is_empty()).then(|| after.saturating_sub(1))
    }
}
