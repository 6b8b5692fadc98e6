//! Small pictures on the window's graphics device: as many as are looked at, and a bounded number more.

use std::collections::HashMap;

use egui::{ColorImage, Context, TextureFilter, TextureHandle, TextureOptions};
use image::RgbImage;

use crate::engine::{PictureProblem, Place, SmallPicture};

/// Pictures kept. At 128 pixels and four bytes each they take 40 MB.
const KEPT: usize = 640;

/// Pixels stay sharp when a small picture is shown large, and large ones are smoothed when shown small.
pub const CRISP: TextureOptions = TextureOptions {
    magnification: TextureFilter::Nearest,
    minification: TextureFilter::Linear,
    ..TextureOptions::LINEAR
};

/// A picture of the grid, or why there is none.
pub struct Thumb {
    /// The look it was made for.
    pub version: u64,
    pub content: Result<Shown, PictureProblem>,
    /// When it was last drawn.
    used: u64,
}

/// A picture that can be drawn.
pub struct Shown {
    pub name: String,
    pub label: u32,
    pub size: (u32, u32),
    pub texture: TextureHandle,
}

/// The pictures that are at hand.
#[derive(Default)]
pub struct Thumbs {
    thumbs: HashMap<Place, Thumb>,
    clock: u64,
}

impl Thumbs {
    pub fn clear(&mut self) {
        self.thumbs.clear();
    }

    pub fn len(&self) -> usize {
        self.thumbs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.thumbs.is_empty()
    }

    /// Whether the picture at `place` is at hand as `version` wants it.
    pub fn has(&self, place: Place, version: u64) -> bool {
        self.thumbs.get(&place).is_some_and(|thumb| thumb.version == version)
    }

    /// The picture at `place`, perhaps still of an earlier version.
    pub fn get(&mut self, place: Place) -> Option<&Thumb> {
        self.clock += 1;
        let thumb = self.thumbs.get_mut(&place)?;
        thumb.used = self.clock;
        Some(thumb)
    }

    pub fn insert(
        &mut self,
        ctx: &Context,
        place: Place,
        version: u64,
        result: Result<SmallPicture, PictureProblem>,
    ) {
        let content = result.map(|small| Shown {
            texture: ctx.load_texture(format!("{place:?}"), color_image(&small.picture), CRISP),
            name: small.name,
            label: small.label,
            size: small.size,
        });
        self.clock += 1;
        self.thumbs.insert(place, Thumb { version, content, used: self.clock });
        if self.thumbs.len() > KEPT {
            self.forget_oldest();
        }
    }

    /// Frees an eighth at a time, so that it is seldom done.
    fn forget_oldest(&mut self) {
        let mut used: Vec<u64> = self.thumbs.values().map(|thumb| thumb.used).collect();
        let (_, &mut limit, _) = used.select_nth_unstable(KEPT / 8);
        self.thumbs.retain(|_, thumb| thumb.used > limit);
    }
}

pub fn color_image(picture: &RgbImage) -> ColorImage {
    let size = [picture.width() as usize, picture.height() as usize];
    ColorImage::from_rgb(size, picture.as_raw())
}
