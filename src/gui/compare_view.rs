//! What the view of runs remembers of itself: which are ticked, in which order they stand, how their curves are drawn.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use egui::{Context, TextureHandle, TextureOptions};

use super::runs::{Column, LoadedRun, Runs};
use super::thumbs::color_image;
use crate::engine::{Difference, RunEntry, differences};
use crate::vis::Scale;

/// Runs compared at a time: more curves than these nobody can tell apart.
pub const MOST_TICKED: usize = 12;

/// What is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compared {
    #[default]
    Curves,
    Settings,
    Kernels,
}

/// What a curve is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    Loss,
    Top1,
    Top5,
}

impl Quantity {
    pub const ALL: [Self; 3] = [Self::Loss, Self::Top1, Self::Top5];

    pub fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Top1 => "Top-1 error",
            Self::Top5 => "Top-5 error",
        }
    }
}

/// The view's own memory.
pub struct CompareView {
    /// The folder of runs that was chosen; without it, the one in which runs are kept now.
    pub folder: Option<PathBuf>,
    /// The folder as it is being typed.
    pub typed: String,
    pub search: String,
    pub order: Column,
    pub descending: bool,
    /// The runs to compare, in the order in which they were ticked.
    pub ticked: Vec<PathBuf>,
    /// The run that the buttons are about.
    pub at_hand: Option<PathBuf>,
    /// Scroll to it at the next frame.
    pub reveal: bool,
    pub compared: Compared,
    /// Which quantities are drawn, in the order of [`Quantity::ALL`].
    pub shown: [bool; 3],
    /// Updates along the axis, instead of epochs.
    pub by_update: bool,
    pub train: bool,
    pub validation: bool,
    /// Show single batches behind the running mean.
    pub raw: bool,
    pub log: bool,
    /// Fit the plots to the data at their next frame.
    pub fit: [bool; 3],
    /// The position that is pointed at, in units of the axis.
    pub cursor: Option<f64>,
    /// Where a report is to be written, while that is being asked.
    pub report: Option<String>,
    /// The kernel that is marked in all runs.
    pub kernel: Option<usize>,
    /// The table's part of the height.
    pub share: f32,
    listed: (Option<ListKey>, Vec<usize>),
    differing: (Option<DifferenceKey>, Vec<Difference>),
    textures: HashMap<PathBuf, (u64, Scale, TextureHandle)>,
}

/// What a list of runs follows from: version, search, column, direction.
type ListKey = (u64, String, Column, bool);
/// What differences follow from: version and runs.
type DifferenceKey = (u64, Vec<PathBuf>);

impl Default for CompareView {
    fn default() -> Self {
        Self {
            folder: None,
            typed: String::new(),
            search: String::new(),
            order: Column::default(),
            descending: Column::default().starts_descending(),
            ticked: Vec::new(),
            at_hand: None,
            reveal: false,
            compared: Compared::default(),
            shown: [true, true, false],
            by_update: false,
            train: true,
            validation: true,
            raw: false,
            log: false,
            fit: [false; 3],
            cursor: None,
            report: None,
            kernel: None,
            share: 0.42,
            listed: Default::default(),
            differing: Default::default(),
            textures: HashMap::new(),
        }
    }
}

impl CompareView {
    /// Another folder is looked at: nothing of the last one is chosen any more.
    pub fn forget(&mut self, folder: &Path) {
        self.typed = folder.display().to_string();
        (self.at_hand, self.kernel) = (None, None);
        self.ticked.clear();
        self.textures.clear();
    }

    pub fn is_ticked(&self, run: &Path) -> bool {
        self.ticked.iter().any(|ticked| ticked == run)
    }

    /// Asks where a report is to be written; proposed is a place beside the runs.
    pub fn ask_for_report(&mut self, runs: &Runs) {
        let folder = runs.folder.clone().unwrap_or_default();
        self.report = Some(folder.join("report.html").display().to_string());
    }

    /// Ticks a run, or takes the tick away. Returns whether there was room for it.
    pub fn tick(&mut self, run: &Path) -> bool {
        self.fit = [true; 3];
        if self.is_ticked(run) {
            self.ticked.retain(|ticked| ticked != run);
        } else if self.ticked.len() < MOST_TICKED {
            self.ticked.push(run.to_owned());
        } else {
            return false;
        }
        true
    }

    /// Orders by a column; by the same one again, the other way round.
    pub fn order_by(&mut self, column: Column) {
        self.descending = if self.order == column { !self.descending } else { column.starts_descending() };
        self.order = column;
        self.reveal = true;
    }

    /// The runs to list, as positions among the entries.
    pub fn listed(&mut self, runs: &Runs) -> &[usize] {
        let key = (runs.version, self.search.clone(), self.order, self.descending);
        if self.listed.0.as_ref() != Some(&key) {
            self.listed = (Some(key), runs.listed(&self.search, self.order, self.descending));
        }
        &self.listed.1
    }

    /// The ticked runs that are there, in the order in which they were ticked.
    pub fn compared<'a>(&self, runs: &'a Runs) -> Vec<&'a RunEntry> {
        self.ticked.iter().filter_map(|run| runs.entry(run)).collect()
    }

    /// The settings in which the ticked runs differ. A run whose settings cannot be read has none.
    pub fn differing(&mut self, runs: &Runs) -> &[Difference] {
        let key = (runs.version, self.ticked.clone());
        if self.differing.0.as_ref() != Some(&key) {
            let compared = self.compared(runs);
            let settings: Vec<_> =
                compared.iter().filter_map(|run| Some(run.facts.as_ref()?.settings())).collect();
            self.differing = (Some(key), differences(&settings));
        }
        &self.differing.1
    }

    /// The kernels of a run as a texture.
    pub fn texture(
        &mut self,
        ctx: &Context,
        folder: &Path,
        run: &LoadedRun,
        scale: Scale,
    ) -> Option<TextureHandle> {
        let kernels = run.kernels.as_ref()?;
        if let Some((number, of, texture)) = self.textures.get(folder)
            && (*number, *of) == (run.number, scale)
        {
            return Some(texture.clone());
        }
        let image = color_image(&kernels.picture(scale));
        let texture = ctx.load_texture("compared kernels", image, TextureOptions::NEAREST);
        self.textures.insert(folder.to_owned(), (run.number, scale, texture.clone()));
        Some(texture)
    }

    /// Forgets what belongs to runs that are gone or not ticked any more.
    pub fn tidy(&mut self, runs: &Runs) {
        if runs.looked && runs.problem.is_none() {
            self.ticked.retain(|run| runs.entry(run).is_some());
            self.at_hand = self.at_hand.take().filter(|run| runs.entry(run).is_some());
        }
        self.textures.retain(|run, _| self.ticked.contains(run));
    }
}
