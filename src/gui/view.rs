//! What the window remembers of itself: toggles, textures, texts being typed. Nothing of this reaches a run.

use std::collections::HashMap;
use std::path::PathBuf;

use egui::{Context, TextureHandle, TextureOptions};
use image::RgbImage;
use serde::{Deserialize, Serialize};

use super::data_view::DataView;
use super::state::{Answer, State};
use super::tab::Tab;
use super::thumbs::color_image;
use crate::words;

/// Sources remembered.
const KEPT_SOURCES: usize = 8;

/// The window's own memory.
pub struct View {
    /// The view in front.
    pub tab: Tab,
    pub data: DataView,
    /// The curves' part of the height, and the kernels' part of the width below them.
    pub curves_share: f32,
    pub filters_share: f32,
    pub log_loss: bool,
    pub log_error: bool,
    /// Fit the plots to the data at the next frame.
    pub fit_loss: bool,
    pub fit_error: bool,
    /// The kernel shown enlarged, chosen by keyboard or click.
    pub kernel: Option<usize>,
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
            curves_share: 0.52,
            filters_share: 0.5,
            log_loss: false,
            log_error: false,
            fit_loss: false,
            fit_error: false,
            kernel: None,
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
        let Self { curves_share, filters_share, ref recent, ref last_run, ref mirror, ref proxy, .. } = *self;
        let (recent, last_run) = (recent.clone(), last_run.clone());
        // What is remembered lies in a plain file, where a password has no place.
        let (mirror, proxy) = (words::address(mirror), words::address(proxy));
        Remembered { curves_share, filters_share, recent, last_run, mirror, proxy }
    }

    /// Takes up what was remembered; shares that make no sense are left as they are.
    pub fn restore(&mut self, remembered: Remembered) {
        let sensible = |share: f32| (0.05..=0.95).contains(&share);
        if sensible(remembered.curves_share) && sensible(remembered.filters_share) {
            self.curves_share = remembered.curves_share;
            self.filters_share = remembered.filters_share;
        }
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

/// Pictures on the window's graphics device.
#[derive(Default)]
pub struct Textures {
    filters: Option<(u64, TextureHandle)>,
    pictures: HashMap<u64, TextureHandle>,
}

impl Textures {
    /// The filter grid as it is now, one texel a weight.
    pub fn filters(&mut self, ctx: &Context, state: &State) -> Option<TextureHandle> {
        let grid = state.filters.as_ref()?;
        match &mut self.filters {
            Some((seen, texture)) => {
                if *seen != state.filters_seen {
                    texture.set(color_image(&grid.picture()), TextureOptions::NEAREST);
                    *seen = state.filters_seen;
                }
            }
            None => {
                let texture =
                    ctx.load_texture("filters", color_image(&grid.picture()), TextureOptions::NEAREST);
                self.filters = Some((state.filters_seen, texture));
            }
        }
        self.filters.as_ref().map(|(_, texture)| texture.clone())
    }

    /// The pixels that a network saw.
    pub fn picture(&mut self, ctx: &Context, id: u64, seen: &RgbImage) -> TextureHandle {
        let load = || ctx.load_texture(format!("picture {id}"), color_image(seen), TextureOptions::NEAREST);
        self.pictures.entry(id).or_insert_with(load).clone()
    }

    /// Frees the pictures of predictions that are gone.
    pub fn tidy(&mut self, state: &State) {
        let wanted =
            |id: &u64| state.predictions.iter().any(|p| p.id == *id && matches!(p.answer, Answer::Ready(_)));
        self.pictures.retain(|id, _| wanted(id));
        if state.filters.is_none() {
            self.filters = None;
        }
    }
}
