//! Caffe's AlexNets: a `.caffemodel` holds a network's layers with their settings and weights, a
//! `.binaryproto` its mean image.
//!
//! Caffe differs from the paper: pixels are BGR, crops have 227 pixels and conv1 no padding, response
//! normalisation divides alpha by its window and adds 1, its windows cross the columns, pooling rounds up,
//! dropout scales while training. All this is kept; only the channels of conv1 are turned round.

mod blob;
mod layout;
mod mean;
mod net;
mod proto;

use std::path::Path;

use super::Foreign;
use super::assemble::{assemble, take_widths};
use super::source::Tensors;
use crate::model::shapes::Shapes;

/// What networks from Caffe are called.
pub(super) const NAME: &str = "alexnet-caffe";

/// Whether a file begins as a binary `NetParameter` does: with its name, an input or a layer.
pub(super) fn looks_like_model(head: &[u8]) -> bool {
    net::begins_plausibly(head)
}

/// Whether a file begins as the text of a network (`.prototxt`) does.
pub(super) fn is_description(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    [&b"name:"[..], b"layer {", b"layers {", b"layer{", b"layers{", b"input:"]
        .iter()
        .any(|word| text.starts_with(word))
}

/// Makes a network of the bytes of a `.caffemodel` and of those of a mean image.
///
/// # Errors
/// Everything that does not fit.
pub(super) fn from_model(bytes: Vec<u8>, mean: Option<(&Path, Vec<u8>)>) -> Result<Foreign, Vec<String>> {
    let net = net::read(bytes.into()).map_err(|reason| vec![reason])?;
    let layout::Layout { mut spec, bindings, preprocessing, mut problems } = layout::of(&net);
    let mut tensors = Tensors::new();
    for layer in net.layers.iter().filter(|layer| !layer.blobs.is_empty()) {
        blob::collect(layer, &mut tensors, &mut problems);
    }
    take_widths(&mut spec, &bindings, &tensors, &mut problems);
    let mut notes = Vec::new();
    let mean = match mean {
        Some((path, bytes)) => match mean::from_file(bytes, spec.input.side) {
            Ok(image) => {
                spec.input.stored_side = image.side;
                image.crop(spec.input.side)
            }
            Err(reason) => {
                problems.push(format!("the mean image `{}`: {reason}", path.display()));
                Vec::new()
            }
        },
        None => mean::constant(&preprocessing, spec.input.side, &mut notes),
    };
    let mut weights = assemble(&spec, &bindings, &tensors, problems)?;
    let shapes = Shapes::of(&spec).map_err(|e| vec![e.to_string()])?;
    match (shapes.parameters.first().map(|first| first.shape.as_slice()), weights.first_mut()) {
        (Some(&[_, 3, height, width]), Some(values)) => bgr_to_rgb(values, height * width),
        _ => return Err(vec!["its first layer is no convolution over three channels".into()]),
    }
    let origin = format!("Caffe model ({}, {})", net.form(), layout::order_words(&spec));
    Ok(Foreign { spec, mean, weights, origin, notes })
}

/// Turns blue, green, red into red, green, blue: `values` are triples of planes of `plane` numbers.
fn bgr_to_rgb(values: &mut [f32], plane: usize) {
    for triple in values.chunks_exact_mut(3 * plane) {
        let (blue, rest) = triple.split_at_mut(plane);
        blue.swap_with_slice(&mut rest[plane..]);
    }
}
