//! What the view of the layers remembers of itself: what is chosen and pointed at, and its textures.

use std::ops::Range;

use egui::{Color32, Context, TextureHandle, TextureOptions};
use image::RgbImage;

use super::gallery::Gallery;
use super::layers::Layers;
use super::thumbs::{CRISP, Thumbs, color_image};
use crate::data::Split;
use crate::engine::{Activations, Among, BrowseRequest, LayerActivations, Look, Muted, Place, Preview, Step};
use crate::vis::{MapScale, maps_picture, strongest};

/// What is laid over the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlay {
    #[default]
    Nothing,
    Occlusion,
    GradCam,
}

/// A unit of a layer: its map, and its row and column there.
pub type Unit = (usize, [usize; 2]);

/// Tells the small pictures of this view from those of others.
pub const VERSION: u64 = u64::MAX;

/// Pictures of the data set offered at a time.
pub const OFFERED: usize = 12;

/// The view's own memory.
pub struct LayersView {
    /// The layer that was chosen, by name.
    pub layer: Option<String>,
    /// The unit that was chosen, by a click or by the keys.
    pub chosen: Option<Unit>,
    /// The unit that is pointed at.
    pub pointed: Option<Unit>,
    pub scale: MapScale,
    /// Look again as the network learns.
    pub follow: bool,
    pub overlay: Overlay,
    /// The class that the overlay is about; none for the most probable one.
    pub class: Option<usize>,
    pub class_search: String,
    /// The layer of Grad-CAM; none for the last convolution.
    pub grad_cam_layer: Option<String>,
    /// Side and step of the patch, in pixels, as typed; empty for the usual ones.
    pub patch: String,
    pub stride: String,
    /// Where to search for exciting pictures, and among how many.
    pub split: Split,
    pub most: usize,
    /// Pictures of the data set are offered.
    pub picking: bool,
    /// The first that is offered.
    pub first: usize,
    pub visible: Range<usize>,
    pub thumbs: Thumbs,
    asked: Option<(u64, Vec<Place>)>,
    /// The picture of the data set that was chosen, until it is here.
    pub awaited: Option<Place>,
    pub share: f32,
    /// When a look was asked for last, in seconds.
    pub asked_at: f64,
    /// What the keys have asked to mute.
    pub to_mute: Option<Muted>,
    /// Grad-CAM is to be asked for again: another layer or class was chosen.
    pub again: bool,
    pub textures: LayerTextures,
}

impl Default for LayersView {
    fn default() -> Self {
        Self {
            layer: None,
            chosen: None,
            pointed: None,
            scale: MapScale::default(),
            follow: true,
            overlay: Overlay::default(),
            class: None,
            class_search: String::new(),
            grad_cam_layer: None,
            patch: String::new(),
            stride: String::new(),
            split: Split::Validation,
            most: 1000,
            picking: false,
            first: 0,
            visible: 0..0,
            thumbs: Thumbs::default(),
            asked: None,
            awaited: None,
            share: 0.32,
            asked_at: f64::NEG_INFINITY,
            to_mute: None,
            again: false,
            textures: LayerTextures::default(),
        }
    }
}

impl LayersView {
    /// The place of the layer in view: the one that was chosen, or else the first neurons.
    pub fn layer_in<'a>(&self, found: &'a Activations) -> Option<(usize, &'a LayerActivations)> {
        let named = |name: &String| found.layers.iter().position(|layer| layer.name == *name);
        let neurons = || found.layers.iter().position(|layer| layer.step == Step::Neuron);
        let place = self.layer.as_ref().and_then(named).or_else(neurons).unwrap_or(0);
        found.layers.get(place).map(|layer| (place, layer))
    }

    /// The unit that was chosen, if the layer has it.
    pub fn chosen_in(&self, layer: &LayerActivations) -> Option<Unit> {
        let exists =
            |&(map, [row, column]): &Unit| map < layer.maps && row < layer.height && column < layer.width;
        self.chosen.filter(exists)
    }

    pub fn choose_layer(&mut self, name: &str) {
        if self.layer.as_deref() != Some(name) {
            self.layer = Some(name.to_owned());
            self.chosen = None;
        }
    }

    /// The place of picture `position` of those that are offered.
    pub fn place(gallery: &Gallery, position: usize) -> Option<Place> {
        let description = &gallery.set.as_ref()?.description;
        let split = if description.validation > 0 { Split::Validation } else { Split::Train };
        Some(Place { split, among: Among::Mixed, position })
    }

    /// How many can be offered.
    pub fn on_offer(gallery: &Gallery) -> usize {
        let description = gallery.set.as_ref().map(|set| &set.description);
        description.map_or(0, |found| if found.validation > 0 { found.validation } else { found.train })
    }

    /// What has to be asked of the browser after a frame, if anything.
    pub fn request(&mut self, gallery: &Gallery) -> Option<BrowseRequest> {
        let set = gallery.open_set()?;
        let places = self.visible.clone().filter_map(|position| Self::place(gallery, position));
        let places: Vec<Place> = places.filter(|&place| !self.thumbs.has(place, VERSION)).collect();
        let known = self.asked.as_ref().filter(|(asked_set, _)| *asked_set == set);
        if self.asked.is_some() && known.is_none() {
            self.thumbs.clear();
        }
        let is_news = places.iter().any(|place| known.is_none_or(|(_, asked)| !asked.contains(place)));
        if !is_news {
            return None;
        }
        self.asked = Some((set, places.clone()));
        Some(BrowseRequest::Show { set, version: VERSION, places, look: Look::Square })
    }

    /// Asks the browser for the stored square of a picture that was chosen.
    pub fn fetch(&mut self, gallery: &Gallery, place: Place, preview: Preview) -> Option<BrowseRequest> {
        let set = gallery.open_set()?;
        self.awaited = Some(place);
        Some(BrowseRequest::Enlarge { set, place, preview, epoch: 0 })
    }
}

/// A texture and what it shows.
type Shown<K> = Option<(K, TextureHandle)>;

/// What a texture of maps shows: the look, the layer, the scale, the first map and their number.
type MapsKey = (u64, usize, MapScale, usize, usize);

/// What a texture over the picture shows: the look, the kind, the number of the find and the class.
pub type OverlayKey = (u64, u8, u64, usize);

/// Textures of the view.
#[derive(Default)]
pub struct LayerTextures {
    picture: Shown<OverlayKey>,
    maps: Shown<MapsKey>,
    exciting: Shown<(u64, usize)>,
}

impl LayerTextures {
    /// The picture, with something laid over it or not.
    pub fn picture(
        &mut self,
        ctx: &Context,
        key: OverlayKey,
        draw: impl FnOnce() -> RgbImage,
    ) -> TextureHandle {
        texture(&mut self.picture, ctx, "looked at", key, CRISP, draw)
    }

    /// Some maps of a layer side by side, `per_row` a row and nothing between.
    pub fn maps(
        &mut self,
        ctx: &Context,
        layers: &Layers,
        place: usize,
        layer: &LayerActivations,
        (maps, per_row): (Range<usize>, usize),
        scale: MapScale,
    ) -> TextureHandle {
        let key = (layers.looks, place, scale, maps.start, maps.len());
        let area = layer.height * layer.width;
        let draw = || {
            let most = strongest(&layer.values);
            let values = &layer.values[maps.start * area..maps.end * area];
            maps_picture(values, [layer.height, layer.width], per_row, scale, most, (0, [0; 3]))
        };
        texture(&mut self.maps, ctx, "maps", key, TextureOptions::NEAREST, draw)
    }

    /// Some small pictures in a row.
    pub fn exciting(
        &mut self,
        ctx: &Context,
        key: (u64, usize),
        draw: impl FnOnce() -> RgbImage,
    ) -> TextureHandle {
        texture(&mut self.exciting, ctx, "exciting", key, CRISP, draw)
    }
}

fn texture<K: PartialEq>(
    slot: &mut Shown<K>,
    ctx: &Context,
    name: &str,
    key: K,
    options: TextureOptions,
    draw: impl FnOnce() -> RgbImage,
) -> TextureHandle {
    match slot {
        Some((shown, texture)) => {
            if *shown != key {
                texture.set(color_image(&draw()), options);
                *shown = key;
            }
            texture.clone()
        }
        None => {
            let texture = ctx.load_texture(name, color_image(&draw()), options);
            slot.insert((key, texture)).1.clone()
        }
    }
}

/// A colour of `vis` for egui.
pub fn color([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}
