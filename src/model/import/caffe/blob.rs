//! Caffe's blocks of numbers as tensors.

use prost::Message;
use prost::bytes::Bytes;

use super::net::{Kind, Layer};
use super::proto::{BlobHead, BlobProto, BlobShape};
use crate::model::import::source::{SourceTensor, Tensors};

/// More dimensions than Caffe allows.
const MAX_RANK: usize = 32;

/// Names of a layer's blocks: weights, then biases.
pub(super) fn weight_name(layer: &str) -> String {
    format!("{layer} weight")
}

/// See [`weight_name`].
pub(super) fn bias_name(layer: &str) -> String {
    format!("{layer} bias")
}

/// Adds the blocks of a layer, named by their place.
pub(super) fn collect(layer: &Layer, tensors: &mut Tensors<'_>, problems: &mut Vec<String>) {
    for (place, blob) in layer.blobs.iter().enumerate() {
        let (name, rank) = match place {
            0 => (weight_name(&layer.name), if layer.kind == Kind::InnerProduct { 2 } else { 4 }),
            1 => (bias_name(&layer.name), 1),
            _ => (format!("{} block {}", layer.name, place + 1), 1),
        };
        match shape(blob, rank) {
            Ok(shape) => {
                let blob = blob.clone();
                let read = Box::new(move || numbers(&blob));
                let earlier = tensors.insert(name.clone(), SourceTensor { shape, unusable: None, read });
                if earlier.is_some() {
                    problems.push(format!("{name} is there twice"));
                }
            }
            Err(reason) => problems.push(format!("{name} {reason}")),
        }
    }
}

/// The shape of a block. The older form always has four numbers, of which the first are 1 where there are
/// fewer dimensions; as many as `rank` are kept then.
pub(super) fn shape(blob: &Bytes, rank: usize) -> Result<Vec<usize>, String> {
    let damaged = |e: prost::DecodeError| format!("is damaged ({e})");
    let head = BlobHead::decode(blob.clone()).map_err(damaged)?;
    let dimensions = match head.shape {
        Some(shape) if shape.len() > 10 * MAX_RANK + 10 => return Err("has too many dimensions".into()),
        Some(shape) => BlobShape::decode(shape).map_err(damaged)?.dim,
        None => {
            let four = [head.num, head.channels, head.height, head.width].map(|n| n.unwrap_or(0));
            let ones = four.iter().take(4 - rank.min(4)).take_while(|&&n| n == 1).count();
            four[ones..].to_vec()
        }
    };
    let sizes = dimensions.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0));
    sizes.collect::<Option<Vec<_>>>().ok_or_else(|| format!("has the impossible shape {dimensions:?}"))
}

/// The numbers of a block, single or double precision.
pub(super) fn numbers(blob: &Bytes) -> Result<Vec<f32>, String> {
    let BlobProto { data, double_data, .. } =
        BlobProto::decode(blob.clone()).map_err(|e| format!("is damaged ({e})"))?;
    if data.is_empty() { Ok(double_data.into_iter().map(|n| n as f32).collect()) } else { Ok(data) }
}
