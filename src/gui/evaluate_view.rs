//! What the view of a measurement remembers of itself: what is chosen, which pictures are at hand.

use std::ops::Range;
use std::sync::Arc;

use egui::TextureHandle;

use super::gallery::Gallery;
use super::measured::{Chosen, Measured};
use super::thumbs::Thumbs;
use crate::data::Split;
use crate::engine::{Among, BrowseRequest, Look, Place};

/// What the left side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The matrix of confusions.
    #[default]
    Confusions,
    /// The table of the classes.
    Classes,
}

/// A column that the classes are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As the network counts them.
    Label,
    Pictures,
    /// The largest error first.
    #[default]
    Error,
    Precision,
}

/// The view's own memory.
pub struct EvaluateView {
    pub side: Side,
    pub order: Order,
    pub chosen: Chosen,
    /// The picture of which something can be said.
    pub selected: Option<usize>,
    /// The pictures that are chosen, and of which measurement and choice they are.
    listed: Arc<[usize]>,
    listed_for: Option<(u64, Chosen)>,
    /// The cell of the matrix that the keys have reached: true class, predicted class.
    pub cursor: (u32, u32),
    pub share: f32,
    /// The matrix as a texture, and the measurement, theme and number of texels that it is of.
    pub matrix: Option<((u64, bool, usize), TextureHandle)>,
    /// Positions in the list of pictures that are in sight.
    pub visible: Range<usize>,
    pub thumbs: Thumbs,
    asked: Option<(u64, Vec<Place>)>,
}

impl Default for EvaluateView {
    fn default() -> Self {
        Self {
            side: Side::default(),
            order: Order::default(),
            chosen: Chosen::default(),
            selected: None,
            listed: Arc::default(),
            listed_for: None,
            cursor: (0, 0),
            share: 0.55,
            matrix: None,
            visible: 0..0,
            thumbs: Thumbs::default(),
            asked: None,
        }
    }
}

/// Small pictures are the same whatever the settings are.
const VERSION: u64 = 0;

impl EvaluateView {
    /// A new measurement: what was chosen in the last one means nothing any more.
    pub fn forget(&mut self) {
        let Self { side, order, share, .. } = *self;
        *self = Self { side, order, share, ..Self::default() };
    }

    pub fn choose(&mut self, chosen: Chosen) {
        if self.chosen != chosen {
            self.chosen = chosen;
            self.selected = None;
            self.visible = 0..0;
        }
        if let Chosen::Cell(label, best) = chosen {
            self.cursor = (label, best);
        }
    }

    /// The pictures to show of measurement `number`.
    pub fn listed(&mut self, measured: &Measured, number: u64) -> Arc<[usize]> {
        let key = (number, self.chosen);
        if self.listed_for != Some(key) {
            self.listed = measured.pictures(self.chosen).into();
            self.listed_for = Some(key);
        }
        self.listed.clone()
    }

    /// Where the picture at `index` of the measurement is in the data set.
    pub fn place(measured: &Measured, index: usize) -> Place {
        let position = measured.evaluation.verdicts()[index].place as usize;
        Place { split: Split::Validation, among: Among::DataSet, position }
    }

    /// What has to be asked of the browser after a frame, if anything. Nothing is, if what is open there is not
    /// what was measured.
    pub fn request(&mut self, gallery: &Gallery, measured: Option<&Measured>) -> Option<BrowseRequest> {
        let set = gallery.set.as_ref()?;
        let measured = measured.filter(|m| m.evaluation.source == set.description.source)?;
        let visible = self.listed.get(self.visible.clone()).unwrap_or_default();
        let places = visible.iter().map(|&index| Self::place(measured, index));
        let places: Vec<Place> = places.filter(|&place| !self.thumbs.has(place, VERSION)).collect();
        let is_news = match &self.asked {
            Some((asked_set, asked)) => {
                *asked_set != set.id || places.iter().any(|place| !asked.contains(place))
            }
            None => !places.is_empty(),
        };
        if self.asked.as_ref().is_some_and(|(asked_set, _)| *asked_set != set.id) {
            self.thumbs.clear();
        }
        if !is_news {
            return None;
        }
        self.asked = Some((set.id, places.clone()));
        Some(BrowseRequest::Show { set: set.id, version: VERSION, places, look: Look::Square })
    }
}
