//! What the view of predictions remembers of itself: what is shown, and small pictures of the files in sight.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use egui::{Context, TextureHandle};
use image::RgbImage;

use super::asked::Album;
use super::thumbs::{CRISP, color_image};

/// What fills the view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// The pictures that were asked about one by one.
    #[default]
    Pictures,
    /// One of them, large.
    Large,
    /// The folder.
    Folder,
}

/// Which files of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    #[default]
    All,
    /// Those taken for something else.
    Wrong,
    /// Those that cannot be used.
    Unusable,
}

/// Small pictures kept. At 160 pixels and four bytes each they take 40 MB.
const KEPT: usize = 400;
/// Files read in one go.
const AT_ONCE: usize = 12;

/// A small picture of a file.
enum Small {
    Pixels(RgbImage),
    Texture(TextureHandle),
    /// It cannot be read; its answer says why.
    None,
}

/// The view's own memory.
#[derive(Default)]
pub struct PredictView {
    pub shown: Shown,
    pub listed: Listed,
    /// With every picture of a folder, the training pictures most like it are searched for.
    pub folder_alike: bool,
    /// Positions of the folder's list that are in sight.
    pub visible: Range<usize>,
    small: HashMap<PathBuf, (Small, u64)>,
    clock: u64,
    /// Some are being read.
    reading: bool,
    /// Crops and neighbours of the picture in view: what they were made of, and their textures.
    square: Option<(u64, TextureHandle)>,
    neighbours: Option<(u64, Vec<Option<TextureHandle>>)>,
}

impl PredictView {
    /// How many answers of the folder are listed.
    pub fn count(&self, album: &Album) -> usize {
        match self.listed {
            Listed::All => album.answers.len(),
            Listed::Wrong => album.wrong.len(),
            Listed::Unusable => album.unusable.len(),
        }
    }

    /// The answer at a position of the list.
    pub fn answer(&self, album: &Album, position: usize) -> Option<usize> {
        match self.listed {
            Listed::All => Some(position).filter(|&index| index < album.answers.len()),
            Listed::Wrong => album.wrong.get(position).copied(),
            Listed::Unusable => album.unusable.get(position).copied(),
        }
    }

    /// The small picture of a file, once it is at hand.
    pub fn picture(&mut self, ctx: &Context, path: &Path) -> Option<TextureHandle> {
        self.clock += 1;
        let (small, used) = self.small.get_mut(path)?;
        *used = self.clock;
        if let Small::Pixels(pixels) = small {
            let name = path.display().to_string();
            *small = Small::Texture(ctx.load_texture(name, color_image(pixels), CRISP));
        }
        match small {
            Small::Texture(texture) => Some(texture.clone()),
            Small::Pixels(_) | Small::None => None,
        }
    }

    /// Files whose small pictures are to be read now, if any.
    pub fn wanted(&mut self, album: Option<&Album>) -> Option<Vec<PathBuf>> {
        let album = album.filter(|_| self.shown == Shown::Folder && !self.reading)?;
        let visible = self.visible.clone().filter_map(|position| self.answer(album, position));
        let answers = visible.filter_map(|index| album.answers.get(index));
        let missing =
            answers.filter(|answer| answer.result.is_ok() && !self.small.contains_key(&answer.path));
        let paths: Vec<PathBuf> = missing.take(AT_ONCE).map(|answer| answer.path.clone()).collect();
        self.reading = !paths.is_empty();
        self.reading.then_some(paths)
    }

    /// Small pictures have been read.
    pub fn take(&mut self, pictures: Vec<(PathBuf, Option<RgbImage>)>) {
        self.reading = false;
        self.clock += 1;
        for (path, picture) in pictures {
            let small = picture.map_or(Small::None, Small::Pixels);
            self.small.insert(path, (small, self.clock));
        }
        if self.small.len() > KEPT {
            let mut used: Vec<u64> = self.small.values().map(|(_, used)| *used).collect();
            let (_, &mut limit, _) = used.select_nth_unstable(KEPT / 4);
            self.small.retain(|_, (_, used)| *used > limit);
        }
    }

    /// The square that the views of picture `id` are cut out of.
    pub fn square(&mut self, ctx: &Context, id: u64, square: &RgbImage) -> TextureHandle {
        match &self.square {
            Some((shown, texture)) if *shown == id => texture.clone(),
            _ => {
                let texture = ctx.load_texture("stored square", color_image(square), CRISP);
                self.square.insert((id, texture)).1.clone()
            }
        }
    }

    /// The training pictures most like picture `id`.
    pub fn neighbours<'a>(
        &mut self,
        ctx: &Context,
        id: u64,
        pictures: impl Iterator<Item = Option<&'a RgbImage>>,
    ) -> Vec<Option<TextureHandle>> {
        match &self.neighbours {
            Some((shown, textures)) if *shown == id => textures.clone(),
            _ => {
                let load = |picture: &RgbImage| ctx.load_texture("neighbour", color_image(picture), CRISP);
                let textures = pictures.map(|picture| picture.map(load)).collect();
                self.neighbours.insert((id, textures)).1.clone()
            }
        }
    }

    /// A picture was asked about again, or another index was made: what was made of the last answer is of no use.
    pub fn forget_answer(&mut self) {
        (self.square, self.neighbours) = (None, None);
    }
}
