//! Which pictures excite the maps of a layer most, and where in them.

use std::sync::Arc;

use image::RgbImage;

use super::activations::place;
use super::{Views, crops};
use crate::data;
use crate::model::{Field, Flow, Input, MapShape, Mode, Network};

/// Pictures kept of each map.
pub const KEPT: usize = 9;

/// Sides of the small pictures that are kept, in pixels, at most.
pub const SMALL: u32 = 96;

/// A picture that excites a map.
#[derive(Clone, Debug)]
pub struct Excites {
    /// The largest value of the map.
    pub value: f32,
    /// Row and column of the unit that has it.
    pub place: [usize; 2],
    pub picture: Arc<Shown>,
}

/// A picture of the data set.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: String,
    pub label: u32,
    /// What the network saw of it, at most [`SMALL`] pixels a side.
    pub small: RgbImage,
}

/// The pictures that excite each map of a layer most, the strongest first.
#[derive(Clone, Debug)]
pub struct Exciting {
    pub layer: String,
    /// Rows and columns of a map; 1 for a fully connected layer.
    pub height: usize,
    pub width: usize,
    /// What its units see; none: all of the picture.
    pub field: Option<Field>,
    /// Side of the crop that the network sees.
    pub side: usize,
    /// Pictures looked at.
    pub seen: usize,
    pub maps: Vec<Vec<Excites>>,
}

/// A picture to look at.
pub struct Candidate {
    pub name: String,
    pub label: u32,
    /// The stored square.
    pub stored: RgbImage,
}

/// A search in progress. It keeps the network as it was when it began.
pub struct Search {
    network: Network,
    input: Input,
    index: usize,
    found: Exciting,
}

impl Search {
    /// # Errors
    /// A layer that the network does not have.
    pub fn new(network: &Network, input: &Input, layer: &str) -> Result<Self, String> {
        let index = place(network, layer)?;
        let (maps, height, width) = match network.shapes().layers[index].output {
            MapShape::Map { channels, height, width } => (channels, height, width),
            MapShape::Flat(units) => (units, 1, 1),
        };
        let found = Exciting {
            layer: layer.to_owned(),
            height,
            width,
            field: network.spec().receptive_field(index),
            side: input.spec().side,
            seen: 0,
            maps: vec![Vec::new(); maps],
        };
        Ok(Self { network: network.clone(), input: input.clone(), index, found })
    }

    /// Side of the stored squares it wants.
    pub fn stored_side(&self) -> u32 {
        self.input.spec().stored_side as u32
    }

    /// Runs pictures through the network up to the layer and keeps those that excite a map more than others did.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn add(&mut self, candidates: &[Candidate]) -> Result<(), String> {
        if candidates.is_empty() {
            return Ok(());
        }
        let spec = self.input.spec();
        let planes: Vec<u8> =
            candidates.iter().flat_map(|candidate| data::planes(&candidate.stored)).collect();
        let crops = crops(candidates.len(), spec, Views::One);
        let pictures = self.input.upload_crops(&planes, &crops, 1.0, self.network.device());
        let pass = Flow::Map(pictures);
        let hand_on = &mut |_, flow| Ok(flow);
        let layers = 0..self.index + 1;
        let flow = self.network.walk(self.network.weights(), layers, pass, Mode::Inference, hand_on)?;
        let values = flow.values()?;
        let of_one = values.len() / candidates.len();
        for (candidate, values) in candidates.iter().zip(values.chunks_exact(of_one)) {
            self.add_one(candidate, values);
        }
        self.found.seen += candidates.len();
        Ok(())
    }

    fn add_one(&mut self, candidate: &Candidate, values: &[f32]) {
        let (area, width) = (self.found.height * self.found.width, self.found.width);
        let mut shown = None;
        for (kept, map) in self.found.maps.iter_mut().zip(values.chunks_exact(area)) {
            let best = map.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let Some((place, &value)) = best.filter(|(_, value)| value.is_finite()) else { continue };
            // Of equals, the one that came first stays.
            let rank = kept.partition_point(|other| other.value >= value);
            if rank == KEPT {
                continue;
            }
            let side = self.input.spec().side as u32;
            let picture = shown.get_or_insert_with(|| Arc::new(small(candidate, side))).clone();
            kept.insert(rank, Excites { value, place: [place / width, place % width], picture });
            kept.truncate(KEPT);
        }
    }

    /// What has been found so far.
    pub fn found(&self) -> &Exciting {
        &self.found
    }

    pub fn finish(self) -> Exciting {
        self.found
    }
}

/// The middle of the stored square, small.
fn small(candidate: &Candidate, side: u32) -> Shown {
    let margin = (candidate.stored.width() - side) / 2;
    let crop = image::imageops::crop_imm(&candidate.stored, margin, margin, side, side).to_image();
    let small = if side > SMALL { data::square(&crop, SMALL) } else { crop };
    Shown { name: candidate.name.clone(), label: candidate.label, small }
}
