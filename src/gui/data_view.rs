//! What the data panel remembers of itself: which class, which pictures, what is typed into the search. Nothing of
//! this reaches a run.

use std::ops::Range;

use egui::{Context, TextureHandle};
use image::RgbImage;

use super::draft::Draft;
use super::gallery::Gallery;
use super::state::State;
use super::thumbs::{CRISP, Thumbs, color_image};
use crate::config::ColourNoise;
use crate::data::Split;
use crate::engine::{Among, BrowseRequest, Look, Place, Preview};

/// What the right side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Pictures,
    Statistics,
    Unused,
    Check,
    Corrections,
}

/// The order of the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// As the network counts them.
    #[default]
    Label,
    Name,
    Most,
    Fewest,
}

/// The data panel's own memory.
pub struct DataView {
    pub section: Section,
    pub split: Split,
    /// The chosen class, or all.
    pub class: Option<u32>,
    pub search: String,
    pub sort: Sort,
    /// The classes' part of the width.
    pub classes_share: f32,
    /// Show what the network sees instead of the whole squares.
    pub as_trained: bool,
    /// The epoch whose chances are shown.
    pub epoch: usize,
    /// The picture of the grid that the keys have reached.
    pub cursor: usize,
    /// Bring the cursor, or the chosen class, into sight at the next frame.
    pub reveal: bool,
    pub reveal_class: bool,
    /// Positions that the grid has drawn, with a few more on both sides; empty while there is no grid.
    pub visible: Range<usize>,
    /// Let a check search for pictures that look alike too.
    pub near: bool,
    /// The picture shown large, and which of its variations is pointed out.
    pub enlarged: Option<Place>,
    pub variation: usize,
    pub thumbs: Thumbs,
    large: Option<(u64, LargeTextures)>,
    mean: Option<((u64, usize), TextureHandle)>,
    /// Counts the looks of the grid; a picture of an earlier look is drawn until the new one has come.
    version: u64,
    look: Option<Look>,
    /// What was asked for last, so that it is asked for once.
    asked_small: Option<(u64, u64, Vec<Place>)>,
    asked_large: Option<(u64, Place, Preview, usize)>,
    /// The set, and how many of its files a run has refused, as told to the browser.
    told_refused: Option<(u64, usize)>,
}

/// The enlarged picture on the graphics device.
pub struct LargeTextures {
    pub stored: TextureHandle,
    pub variations: Vec<TextureHandle>,
}

impl Default for DataView {
    fn default() -> Self {
        Self {
            section: Section::default(),
            split: Split::Train,
            class: None,
            search: String::new(),
            sort: Sort::default(),
            classes_share: 0.34,
            as_trained: false,
            epoch: 0,
            cursor: 0,
            reveal: false,
            reveal_class: false,
            visible: 0..0,
            near: false,
            enlarged: None,
            variation: 0,
            thumbs: Thumbs::default(),
            large: None,
            mean: None,
            version: 0,
            look: None,
            asked_small: None,
            asked_large: None,
            told_refused: None,
        }
    }
}

impl DataView {
    /// Another source: nothing of the last one is kept, but how people like to look at pictures is.
    pub fn forget(&mut self) {
        let Self { classes_share, sort, as_trained, version, .. } = *self;
        *self = Self { classes_share, sort, as_trained, version: version + 1, ..Self::default() };
    }

    pub fn choose_class(&mut self, class: Option<u32>) {
        if self.class != class {
            self.class = class;
            self.cursor = 0;
            self.reveal = true;
        }
        self.enlarged = None;
        self.section = Section::Pictures;
    }

    pub fn choose_split(&mut self, split: Split) {
        if self.split != split {
            self.split = split;
            self.cursor = 0;
            self.enlarged = None;
            self.reveal = true;
        }
    }

    pub fn place(&self, position: usize) -> Place {
        let among = self.class.map_or(Among::Mixed, Among::Class);
        Place { split: self.split, among, position }
    }

    pub fn enlarge(&mut self, position: usize) {
        self.cursor = position;
        self.enlarged = Some(self.place(position));
        self.variation = 0;
    }

    /// Throws the dice again.
    pub fn again(&mut self) {
        self.epoch = self.epoch.wrapping_add(crate::engine::VARIATIONS);
    }

    /// The look that the grid is to have.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether news about a small picture is still of use.
    pub fn wants(&self, version: u64) -> bool {
        version == self.version
    }

    /// The colours have become known: what was made without them is made again.
    pub fn colours_known(&mut self) {
        self.asked_large = None;
        if matches!(self.look, Some(Look::AsTrained(preview, _)) if preview.colour_noise != ColourNoise::Off)
        {
            self.version += 1;
        }
    }

    /// Files that cannot be used have become known, without which chance deals differently.
    pub fn refused_known(&mut self) {
        self.asked_large = None;
        if matches!(self.look, Some(Look::AsTrained(..))) {
            self.version += 1;
        }
    }

    /// What to tell the browser of the files that a run has refused, once for each run.
    pub fn refused_news(&mut self, state: &State) -> Option<BrowseRequest> {
        let set = state.gallery.open_set()?;
        let refused = state.refused_by_run();
        if refused.is_empty() || self.told_refused == Some((set, refused.len())) {
            return None;
        }
        self.told_refused = Some((set, refused.len()));
        Some(BrowseRequest::Refused { set, names: refused.iter().map(|file| file.name.clone()).collect() })
    }

    /// What has to be asked of the browser after a frame, if anything.
    pub fn requests(&mut self, gallery: &Gallery, preview: Option<Preview>) -> Vec<BrowseRequest> {
        let mut requests = Vec::new();
        let Some(set) = gallery.open_set() else { return requests };
        let look = match preview {
            Some(preview) if self.as_trained => Look::AsTrained(preview, self.epoch),
            _ => Look::Square,
        };
        if self.look.is_some_and(|last| last != look) {
            self.version += 1;
        }
        self.look = Some(look);
        let version = self.version;
        let wanted = self.visible.clone().map(|position| self.place(position));
        let places: Vec<Place> = wanted.filter(|&place| !self.thumbs.has(place, version)).collect();
        // What is asked for already need not be asked for again each time one of it has come.
        let is_news = match &self.asked_small {
            Some((asked_set, asked_version, asked)) => {
                (*asked_set, *asked_version) != (set, version)
                    || places.iter().any(|place| !asked.contains(place))
                    || (places.is_empty() && !asked.is_empty())
            }
            None => !places.is_empty(),
        };
        if is_news {
            self.asked_small = Some((set, version, places.clone()));
            requests.push(BrowseRequest::Show { set, version, places, look });
        }
        if let (Some(place), Some(preview)) = (self.enlarged, preview) {
            let wish = (set, place, preview, self.epoch);
            if self.asked_large != Some(wish) {
                self.asked_large = Some(wish);
                requests.push(BrowseRequest::Enlarge { set, place, preview, epoch: self.epoch });
            }
        } else {
            self.asked_large = None;
        }
        requests
    }

    /// Textures of the enlarged picture.
    pub fn large_textures(&mut self, ctx: &Context, gallery: &Gallery) -> Option<&LargeTextures> {
        let Some((_, _, Ok(large))) = &gallery.large else { return None };
        if self.large.as_ref().is_none_or(|(seen, _)| *seen != gallery.large_seen) {
            let load = |name: String, picture| ctx.load_texture(name, color_image(picture), CRISP);
            let variations = large.variations.iter().enumerate();
            let textures = LargeTextures {
                stored: load("stored".into(), &large.stored),
                variations: variations.map(|(i, v)| load(format!("variation {i}"), &v.picture)).collect(),
            };
            self.large = Some((gallery.large_seen, textures));
        }
        self.large.as_ref().map(|(_, textures)| textures)
    }

    /// A mean picture; `key` tells one from another.
    pub fn mean_texture(&mut self, ctx: &Context, key: (u64, usize), mean: &RgbImage) -> TextureHandle {
        match &self.mean {
            Some((known, texture)) if *known == key => texture.clone(),
            _ => {
                let texture = ctx.load_texture("mean picture", color_image(mean), CRISP);
                self.mean = Some((key, texture.clone()));
                texture
            }
        }
    }
}

/// What training would do to the pictures with the settings of the run, or of the draft while there is none.
pub fn preview(state: &State, draft: &Draft) -> Option<Preview> {
    let drafted;
    let config = match &state.run {
        Some(run) if state.running() => &run.config,
        // What is typed wrong is told beside its field.
        _ => {
            drafted = draft.config().unwrap_or_else(|_| draft.base.clone());
            &drafted
        }
    };
    let preset = state.preset(config.model.preset.as_deref())?;
    Some(Preview {
        stored_side: preset.stored_side,
        crop_side: preset.input_side,
        augment: config.data.augment.unwrap_or(preset.augment),
        colour_noise: config.data.colour_noise.unwrap_or(preset.colour_noise),
        colour_strength: config.data.colour_strength,
        seed: config.run.seed,
    })
}
