//! What the window remembers of itself: toggles, textures, texts being typed. Nothing of this reaches a run.

use std::collections::HashMap;
use std::path::PathBuf;

use egui::{Context, TextureHandle, TextureOptions};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::compare_view::CompareView;
use super::data_view::DataView;
use super::evaluate_view::EvaluateView;
use super::film::Film;
use super::layers_view::LayersView;
use super::predict_view::PredictView;
use super::state::{Answer, State};
use super::tab::Tab;
use super::thumbs::color_image;
use crate::vis::{FilterGrid, LayerKernels, Scale};
use crate::words;

/// Sources remembered.
const KEPT_SOURCES: usize = 8;

/// How the plots are shown.
#[derive(Clone, Copy, Debug)]
pub struct PlotView {
    pub log_loss: bool,
    pub log_error: bool,
    /// Show single batches behind the running mean.
    pub raw: bool,
    /// Fit this many plots to the data, each at its next frame.
    pub fit: [bool; 3],
    /// The position that is pointed at, in epochs.
    pub cursor: Option<f64>,
}

impl Default for PlotView {
    fn default() -> Self {
        Self { log_loss: false, log_error: false, raw: true, fit: [false; 3], cursor: None }
    }
}

/// What the view of the kernels shows.
#[derive(Clone, Debug, Default)]
pub struct FilmView {
    /// The frame that was chosen; none for the newest.
    pub frame: Option<usize>,
    /// When the frame in view came into view, while the film plays.
    pub playing: Option<f64>,
    pub scale: Scale,
    /// A later convolution, instead of the first layer.
    pub layer: Option<String>,
}

impl FilmView {
    /// Shows the kernels as they were after `step` updates; at the end, the newest as they come.
    pub fn look_at(&mut self, film: &Film, step: u64) {
        self.playing = None;
        self.layer = None;
        let newest = film.frames().len().saturating_sub(1);
        self.frame = film.at_step(step).filter(|&frame| frame < newest);
    }

    /// Goes some frames on or back.
    pub fn walk(&mut self, film: &Film, by: isize) {
        let Some((frame, _)) = film.frame(self.frame) else { return };
        let frame = frame.saturating_add_signed(by);
        self.playing = None;
        self.frame = Some(frame).filter(|&frame| frame + 1 < film.frames().len());
    }
}

/// The sheet of checkpoints to go on from.
#[derive(Clone, Debug, Default)]
pub struct BranchView {
    pub open: bool,
    /// The run whose checkpoints they are; none: the run at hand.
    pub run: Option<PathBuf>,
    /// The run and its newest checkpoint that the list was read for.
    pub listed: Option<(PathBuf, Option<u64>)>,
    pub chosen: Option<PathBuf>,
    pub rate: String,
}

/// The window's own memory.
pub struct View {
    /// The view in front.
    pub tab: Tab,
    pub data: DataView,
    /// The curves' part of the height, and the kernels' part of the width below them.
    pub curves_share: f32,
    pub filters_share: f32,
    /// The left column is shown; in a narrow window it takes the place of the view.
    pub setup_open: bool,
    /// There is no room for the left column beside a view.
    pub narrow: bool,
    pub plots: PlotView,
    /// The kernel shown enlarged, chosen by keyboard or click.
    pub kernel: Option<usize>,
    pub film: FilmView,
    pub layers: LayersView,
    pub evaluate: EvaluateView,
    pub compare: CompareView,
    pub predict: PredictView,
    pub branch: BranchView,
    /// Average ten views of a picture, as the paper does.
    pub ten_views: bool,
    pub rate_text: String,
    pub shortcuts_open: bool,
    /// Data sources used before, newest first.
    pub recent: Vec<String>,
    /// The folder of the last run.
    pub last_run: Option<PathBuf>,
    /// Where data sets are downloaded from instead, and through which proxy; empty for the usual way.
    pub mirror: String,
    pub proxy: String,
    pub textures: Textures,
}

impl Default for View {
    fn default() -> Self {
        Self {
            tab: Tab::default(),
            data: DataView::default(),
            curves_share: 0.62,
            filters_share: 0.5,
            setup_open: true,
            narrow: false,
            plots: PlotView::default(),
            kernel: None,
            film: FilmView::default(),
            layers: LayersView::default(),
            evaluate: EvaluateView::default(),
            compare: CompareView::default(),
            predict: PredictView::default(),
            branch: BranchView::default(),
            ten_views: false,
            rate_text: String::new(),
            shortcuts_open: false,
            recent: Vec::new(),
            last_run: None,
            mirror: String::new(),
            proxy: String::new(),
            textures: Textures::default(),
        }
    }
}

/// What of it is kept until the program is started again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    curves_share: f32,
    filters_share: f32,
    tab: Tab,
    setup_open: bool,
    raw: bool,
    each_kernel: bool,
    recent: Vec<String>,
    last_run: Option<PathBuf>,
    mirror: String,
    proxy: String,
}

impl Default for Remembered {
    fn default() -> Self {
        View::default().remembered()
    }
}

impl View {
    pub fn remembered(&self) -> Remembered {
        let Self { curves_share, filters_share, tab, setup_open, .. } = *self;
        let (recent, last_run) = (self.recent.clone(), self.last_run.clone());
        // What is remembered lies in a plain file, where a password has no place.
        let (mirror, proxy) = (words::address(&self.mirror), words::address(&self.proxy));
        let (raw, each_kernel) = (self.plots.raw, self.film.scale == Scale::Kernel);
        Remembered {
            curves_share,
            filters_share,
            tab,
            setup_open,
            raw,
            each_kernel,
            recent,
            last_run,
            mirror,
            proxy,
        }
    }

    /// Fits every plot to the data at its next frame.
    pub fn fit_plots(&mut self) {
        self.plots.fit = [true; 3];
    }

    /// Takes up what was remembered; shares that make no sense are left as they are.
    pub fn restore(&mut self, remembered: Remembered) {
        let sensible = |share: f32| (0.05..=0.95).contains(&share);
        if sensible(remembered.curves_share) && sensible(remembered.filters_share) {
            self.curves_share = remembered.curves_share;
            self.filters_share = remembered.filters_share;
        }
        (self.tab, self.setup_open) = (remembered.tab, remembered.setup_open);
        self.plots.raw = remembered.raw;
        self.film.scale = if remembered.each_kernel { Scale::Kernel } else { Scale::Column };
        (self.mirror, self.proxy) = (remembered.mirror, remembered.proxy);
        self.last_run = remembered.last_run;
        self.recent = remembered.recent;
        self.recent.truncate(KEPT_SOURCES);
    }

    pub fn remember_source(&mut self, source: &str) {
        if source == "sample" || self.recent.first().is_some_and(|newest| newest == source) {
            return;
        }
        self.recent.retain(|known| known != source);
        self.recent.insert(0, source.to_owned());
        self.recent.truncate(KEPT_SOURCES);
    }
}

/// What a texture of kernels shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct GridKey {
    /// Tells kernels from others.
    number: u64,
    scale: Scale,
    /// The first row.
    first: usize,
}

/// Pictures on the window's graphics device.
#[derive(Default)]
pub struct Textures {
    /// What each grid shows, and its texture: kernels of the first layer, and of a later one.
    grids: [Option<(GridKey, TextureHandle)>; 2],
    pictures: HashMap<u64, TextureHandle>,
}

impl Textures {
    /// Kernels of the first layer, one texel a weight. `number` tells them from others.
    pub fn first_layer(
        &mut self,
        ctx: &Context,
        grid: &FilterGrid,
        number: u64,
        scale: Scale,
    ) -> TextureHandle {
        let key = GridKey { number, scale, first: 0 };
        self.grid(ctx, 0, key, || grid.picture(scale))
    }

    /// Some rows of the kernels of a later layer, one texel a weight.
    pub fn kernels(
        &mut self,
        ctx: &Context,
        kernels: &LayerKernels,
        number: u64,
        scale: Scale,
        rows: std::ops::Range<usize>,
    ) -> TextureHandle {
        let key = GridKey { number, scale, first: rows.start };
        self.grid(ctx, 1, key, || kernels.picture(rows.clone(), scale))
    }

    fn grid(
        &mut self,
        ctx: &Context,
        slot: usize,
        key: GridKey,
        draw: impl FnOnce() -> RgbImage,
    ) -> TextureHandle {
        let slot = &mut self.grids[slot];
        match slot {
            Some((shown, texture)) => {
                if *shown != key {
                    texture.set(color_image(&draw()), TextureOptions::NEAREST);
                    *shown = key;
                }
                texture.clone()
            }
            None => {
                let texture = ctx.load_texture("kernels", color_image(&draw()), TextureOptions::NEAREST);
                slot.insert((key, texture)).1.clone()
            }
        }
    }

    /// The pixels that a network saw.
    pub fn picture(&mut self, ctx: &Context, id: u64, seen: &RgbImage) -> TextureHandle {
        let load = || ctx.load_texture(format!("picture {id}"), color_image(seen), TextureOptions::NEAREST);
        self.pictures.entry(id).or_insert_with(load).clone()
    }

    /// The picture was asked about again, perhaps of another network.
    pub fn forget_picture(&mut self, id: u64) {
        self.pictures.remove(&id);
    }

    /// Frees the pictures of predictions that are gone.
    pub fn tidy(&mut self, state: &State) {
        let wanted =
            |id: &u64| state.predictions.iter().any(|p| p.id == *id && matches!(p.answer, Answer::Ready(_)));
        self.pictures.retain(|id, _| wanted(id));
    }
}
