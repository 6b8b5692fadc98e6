//! Where a layer finds what speaks for a class: Grad-CAM (Selvaraju et al. 2017).
//!
//! With A_k the maps of a layer and s the score of a class before softmax, the weight of map k is the mean over its
//! units of the derivative of s, and the result is max(0, sum over k of weight_k * A_k).

use image::RgbImage;

use super::activations::{Muted, Silence, place, probabilities, ranked, seen};
use crate::model::{Flow, Input, LayerKind, MapShape, Mode, Network, to_host};

/// What a layer's maps say for a class.
#[derive(Clone, Debug, PartialEq)]
pub struct GradCam {
    /// What the network saw.
    pub seen: RgbImage,
    pub layer: String,
    pub class: usize,
    pub classes: Vec<String>,
    /// Probability of each class.
    pub probabilities: Vec<f32>,
    pub height: usize,
    pub width: usize,
    /// `[height, width]`, 0 or more, in units of the score.
    pub values: Vec<f32>,
    /// The weight of each map.
    pub weights: Vec<f32>,
}

impl GradCam {
    /// The values spread over `side` x `side` pixels, linearly between the middles of the units.
    pub fn spread(&self, side: usize) -> Vec<f32> {
        let along = |at: usize, units: usize| {
            let middle =
                ((at as f32 + 0.5) * units as f32 / side as f32 - 0.5).clamp(0.0, (units - 1) as f32);
            let low = middle.floor() as usize;
            (low, (low + 1).min(units - 1), middle - low as f32)
        };
        let value = |row: usize, column: usize| self.values[row * self.width + column];
        let mut spread = Vec::with_capacity(side * side);
        for y in 0..side {
            let (top, bottom, down) = along(y, self.height);
            for x in 0..side {
                let (left, right, across) = along(x, self.width);
                let above = value(top, left) * (1.0 - across) + value(top, right) * across;
                let below = value(bottom, left) * (1.0 - across) + value(bottom, right) * across;
                spread.push(above * (1.0 - down) + below * down);
            }
        }
        spread
    }
}

/// The layer to look at by default: the last convolution, behind its neurons. None: the network has no maps.
pub fn usual_layer(network: &Network) -> Option<&str> {
    let layers = &network.spec().layers;
    let is_convolution = |kind: &LayerKind| matches!(kind, LayerKind::Conv { .. } | LayerKind::Local { .. });
    let last = layers.iter().rposition(|layer| is_convolution(&layer.kind))?;
    let is_neuron = |index: &usize| matches!(layers[*index].kind, LayerKind::Relu | LayerKind::Tanh);
    let neuron = (last + 1..layers.len()).take_while(|&index| {
        matches!(layers[index].kind, LayerKind::Relu | LayerKind::Tanh | LayerKind::BatchNorm { .. })
    });
    let behind = neuron.filter(is_neuron).last().unwrap_or(last);
    Some(&layers[behind].name)
}

/// Makes the map of a class, by default the most probable one, at a layer, by default [`usual_layer`].
///
/// # Errors
/// A layer without maps, a class that does not exist, a device that no longer answers.
pub fn grad_cam(
    network: &Network,
    input: &Input,
    classes: &[String],
    picture: &RgbImage,
    muted: &[Muted],
    layer: Option<&str>,
    class: Option<usize>,
) -> Result<GradCam, String> {
    let silence = Silence::of(network, muted)?;
    let layer = layer.or_else(|| usual_layer(network));
    let layer = layer.ok_or("the network has no convolution, and Grad-CAM needs the maps of one")?;
    let index = place(network, layer)?;
    let MapShape::Map { channels, height, width } = network.shapes().layers[index].output else {
        return Err(format!("{layer} is fully connected: Grad-CAM needs a layer that gives maps"));
    };
    let (pictures, seen) = seen(network, input, picture);
    let probabilities = probabilities(network, pictures.clone(), &silence)?;
    let class = class.or_else(|| ranked(&probabilities).first().copied()).unwrap_or(0);
    if class >= network.shapes().classes {
        return Err(format!(
            "the network has {} classes, so there is no class {class}",
            network.shapes().classes
        ));
    }

    let count = network.spec().layers.len();
    let mute = &mut |index, flow| Ok(silence.apply(index, flow));
    let flow = network.walk(network.weights(), 0..index + 1, Flow::Map(pictures), Mode::Inference, mute)?;
    let Flow::Map(maps) = flow else { unreachable!("the shapes say that it gives maps") };
    let leaf = maps.autodiff().require_grad();
    let weights: Vec<_> = network.weights().iter().map(|weight| weight.clone().autodiff()).collect();
    let rest = Flow::Map(leaf.clone());
    let scores = network.walk(&weights, index + 1..count, rest, Mode::Inference, mute)?.flat();
    let gradients = scores.slice([0..1, class..class + 1]).sum().backward();
    let maps = to_host(leaf.clone().inner())?;
    // Muted maps behind it may leave nothing that the score depends on.
    let gradient = match leaf.grad(&gradients) {
        Some(gradient) => to_host(gradient)?,
        None => vec![0.0; maps.len()],
    };

    let area = height * width;
    let mean = |map: &[f32]| map.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64;
    let weights: Vec<f64> = gradient.chunks_exact(area).map(mean).collect();
    let mut values = vec![0.0f64; area];
    for (map, weight) in maps.chunks_exact(area).zip(&weights) {
        values.iter_mut().zip(map).for_each(|(sum, &value)| *sum += weight * f64::from(value));
    }
    debug_assert_eq!(weights.len(), channels);
    Ok(GradCam {
        seen,
        layer: layer.to_owned(),
        class,
        classes: classes.to_vec(),
        probabilities,
        height,
        width,
        values: values.into_iter().map(|value| value.max(0.0) as f32).collect(),
        weights: weights.into_iter().map(|weight| weight as f32).collect(),
    })
}
