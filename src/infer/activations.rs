//! What every layer of a network makes of a picture, with maps muted if somebody wants to see what they are good for.

use burn::tensor::{Tensor, TensorData};
use image::RgbImage;

use super::{crops, mean_probabilities};
use crate::data;
use crate::infer::Views;
use crate::model::{Field, Flow, Input, LayerKind, MapShape, Mode, Network};

/// An output of a layer that is set to 0 before the next layer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Muted {
    /// The layer's name.
    pub layer: String,
    /// The map, or the unit of a fully connected layer, from 0; none for the whole layer.
    pub map: Option<usize>,
}

/// What kind of work a layer does, as far as its outputs are read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Convolution,
    /// Fully connected.
    Linear,
    Neuron,
    Normalisation,
    Pooling,
    Dropout,
}

impl Step {
    fn of(kind: &LayerKind) -> Self {
        match kind {
            LayerKind::Conv { .. } | LayerKind::Local { .. } => Self::Convolution,
            LayerKind::Linear { .. } => Self::Linear,
            LayerKind::Relu | LayerKind::Tanh => Self::Neuron,
            LayerKind::Lrn { .. } | LayerKind::SpatialNorm { .. } | LayerKind::BatchNorm { .. } => {
                Self::Normalisation
            }
            LayerKind::MaxPool { .. } | LayerKind::AvgPool { .. } => Self::Pooling,
            LayerKind::Dropout { .. } => Self::Dropout,
        }
    }

    /// Whether a layer has weights, so that a new stage of the network begins with it.
    pub fn has_weights(self) -> bool {
        matches!(self, Self::Convolution | Self::Linear)
    }
}

/// What a layer gives for one picture.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerActivations {
    pub name: String,
    pub step: Step,
    /// Maps, or units of a fully connected layer.
    pub maps: usize,
    /// 1 for a fully connected layer, and so the width.
    pub height: usize,
    pub width: usize,
    /// `[maps, height, width]`
    pub values: Vec<f32>,
    /// What its units see of the picture; none: all of it.
    pub field: Option<Field>,
}

impl LayerActivations {
    /// The values of a map, row-major.
    pub fn map(&self, map: usize) -> &[f32] {
        let area = self.height * self.width;
        &self.values[map * area..][..area]
    }

    pub fn value(&self, map: usize, [row, column]: [usize; 2]) -> f32 {
        self.map(map)[row * self.width + column]
    }

    /// Where a map is strongest: row and column.
    pub fn strongest(&self, map: usize) -> [usize; 2] {
        let values = self.map(map).iter().enumerate();
        let place = values.max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(place, _)| place);
        [place / self.width, place % self.width]
    }
}

/// What a network makes of a picture, layer by layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The pixels that the network saw: the central crop, before mean subtraction.
    pub seen: RgbImage,
    /// Every layer, with what was muted muted.
    pub layers: Vec<LayerActivations>,
    pub classes: Vec<String>,
    /// Probability of each class with nothing muted.
    pub before: Vec<f32>,
    /// Probability of each class with what was muted; none if nothing was.
    pub after: Option<Vec<f32>>,
}

/// Classes by their probability, the best first.
pub fn ranked(probabilities: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]).then(a.cmp(&b)));
    order
}

/// A picture as a network sees it, and the pixels it is made of.
pub fn seen(network: &Network, input: &Input, picture: &RgbImage) -> (Tensor<4>, RgbImage) {
    let spec = input.spec();
    let stored = data::square(picture, spec.stored_side as u32);
    let crop = crops(1, spec, Views::One);
    let pictures = input.upload_crops(&data::planes(&stored), &crop, 1.0, network.device());
    let (margin, side) = (((spec.stored_side - spec.side) / 2) as u32, spec.side as u32);
    (pictures, image::imageops::crop_imm(&stored, margin, margin, side, side).to_image())
}

/// Runs a picture through the network and keeps what every layer gives.
///
/// # Errors
/// A muted layer or map that the network does not have; a device that no longer answers.
pub fn activations(
    network: &Network,
    input: &Input,
    classes: &[String],
    picture: &RgbImage,
    muted: &[Muted],
) -> Result<Activations, String> {
    let silence = Silence::of(network, muted)?;
    let (pictures, seen) = seen(network, input, picture);
    let unmuted = (!muted.is_empty())
        .then(|| probabilities(network, pictures.clone(), &Silence::default()))
        .transpose()?;
    let count = network.spec().layers.len();
    let mut layers = Vec::with_capacity(count);
    let pass = Flow::Map(pictures);
    network.walk(network.weights(), 0..count, pass, Mode::Inference, &mut |index, flow| {
        let flow = silence.apply(index, flow);
        layers.push(layer(network, index, flow.clone().values()?));
        Ok(flow)
    })?;
    let scores = layers.last().map_or(&[][..], |last: &LayerActivations| &last.values);
    let now = to_f32(mean_probabilities(scores, classes.len()));
    let (before, after) = match unmuted {
        Some(before) => (before, Some(now)),
        None => (now, None),
    };
    Ok(Activations { seen, layers, classes: classes.to_vec(), before, after })
}

fn layer(network: &Network, index: usize, values: Vec<f32>) -> LayerActivations {
    let layer = &network.spec().layers[index];
    let (maps, height, width) = match network.shapes().layers[index].output {
        MapShape::Map { channels, height, width } => (channels, height, width),
        MapShape::Flat(units) => (units, 1, 1),
    };
    LayerActivations {
        name: layer.name.clone(),
        step: Step::of(&layer.kind),
        maps,
        height,
        width,
        values,
        field: network.spec().receptive_field(index),
    }
}

/// Probabilities `[classes]` of one picture `[1, 3, side, side]`, or `[n * classes]` of several.
///
/// # Errors
/// A device that no longer answers.
pub(super) fn probabilities(
    network: &Network,
    pictures: Tensor<4>,
    silence: &Silence,
) -> Result<Vec<f32>, String> {
    let classes = network.shapes().classes;
    let scores = if silence.is_empty() {
        network.scores_of(pictures)?
    } else {
        let count = network.spec().layers.len();
        let pass = Flow::Map(pictures);
        let mute = &mut |index, flow| Ok(silence.apply(index, flow));
        network.walk(network.weights(), 0..count, pass, Mode::Inference, mute)?.values()?
    };
    Ok(scores.chunks_exact(classes).flat_map(|row| to_f32(mean_probabilities(row, classes))).collect())
}

fn to_f32(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}

/// What is muted, layer by layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Silence {
    /// Place of a layer, and 0 or 1 for each of its maps.
    layers: Vec<(usize, Vec<f32>)>,
}

impl Silence {
    /// # Errors
    /// A layer or a map that the network does not have.
    pub fn of(network: &Network, muted: &[Muted]) -> Result<Self, String> {
        let mut layers: Vec<(usize, Vec<f32>)> = Vec::new();
        for Muted { layer: name, map } in muted {
            let index = place(network, name)?;
            let maps = match network.shapes().layers[index].output {
                MapShape::Map { channels, .. } => channels,
                MapShape::Flat(units) => units,
            };
            let known = layers.iter().position(|(known, _)| *known == index).unwrap_or_else(|| {
                layers.push((index, vec![1.0; maps]));
                layers.len() - 1
            });
            let factors = &mut layers[known].1;
            match *map {
                None => factors.fill(0.0),
                Some(map) => {
                    let factor = factors.get_mut(map);
                    *factor
                        .ok_or_else(|| format!("{name} has {maps} maps, so there is no map {}", map + 1))? =
                        0.0;
                }
            }
        }
        Ok(Self { layers })
    }

    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Mutes what a layer gives.
    pub fn apply(&self, index: usize, flow: Flow) -> Flow {
        let Some((_, factors)) = self.layers.iter().find(|(layer, _)| *layer == index) else { return flow };
        let factors = |shape: [usize; 1], device| {
            Tensor::<1>::from_data(TensorData::new(factors.clone(), shape), device)
        };
        match flow {
            Flow::Map(map) => {
                let maps = map.dims()[1];
                let factors = factors([maps], &map.device()).reshape([1, maps, 1, 1]);
                Flow::Map(map * factors)
            }
            Flow::Flat(flat) => {
                let units = flat.dims()[1];
                let factors = factors([units], &flat.device()).reshape([1, units]);
                Flow::Flat(flat * factors)
            }
        }
    }
}

/// The place of the layer of that name.
///
/// # Errors
/// There is none; its neighbours are named.
pub(super) fn place(network: &Network, name: &str) -> Result<usize, String> {
    let layers = &network.spec().layers;
    layers.iter().position(|layer| layer.name == name).ok_or_else(|| {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        format!("the network has no layer `{name}`; its layers are {}", names.join(", "))
    })
}
