//! `training.safetensors`: what training needs besides the model.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::Checkpoint;
use crate::model::Shapes;
use crate::train::Velocities;

/// Scores of the kept batch.
const REPLAY: &str = "replay.logits";

/// Writes momentum and scores.
pub(super) fn write<W: AsRef<[f32]>>(
    checkpoint: &Checkpoint<W>,
    shapes: &Shapes,
    path: &Path,
) -> Result<(), String> {
    let velocities = shapes.parameters.iter().zip(&checkpoint.velocities).filter_map(|(shape, values)| {
        Some((velocity_name(&shape.name), shape.shape.clone(), values.as_ref()?.as_ref()))
    });
    let pictures = checkpoint.state.replay.pictures;
    let replay = (REPLAY.to_owned(), vec![pictures, shapes.classes], checkpoint.replay.as_slice());
    let views = velocities
        .chain(std::iter::once(replay))
        .map(|(name, shape, values)| {
            Ok((name, TensorView::new(Dtype::F32, shape, bytemuck::cast_slice(values))?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| e.to_string())?;
    safetensors::serialize_to_file(views, None::<HashMap<String, String>>, path).map_err(|e| e.to_string())
}

/// Reads momentum and scores, each checked against the network.
pub(super) fn read(bytes: &[u8], shapes: &Shapes, pictures: usize) -> Result<(Velocities, Vec<f32>), String> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let known = |name: &str| {
        name == REPLAY || shapes.parameters.iter().any(|shape| velocity_name(&shape.name) == name)
    };
    if let Some(name) = tensors.names().into_iter().find(|name| !known(name)) {
        return Err(format!("tensor {name} does not belong to its network"));
    }
    let values = |name: &str, shape: &[usize]| match tensors.tensor(name) {
        Err(_) => Ok(None),
        Ok(view) if view.dtype() != Dtype::F32 || view.shape() != shape => Err(format!(
            "tensor {name} holds {:?} of shape {:?} instead of F32 of shape {shape:?}",
            view.dtype(),
            view.shape()
        )),
        Ok(view) => {
            let (numbers, _) = view.data().as_chunks::<4>();
            Ok(Some(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()))
        }
    };
    let replay = values(REPLAY, &[pictures, shapes.classes])?.ok_or("the kept batch is missing")?;
    let velocities = shapes.parameters.iter().map(|shape| values(&velocity_name(&shape.name), &shape.shape));
    Ok((velocities.collect::<Result<_, _>>()?, replay))
}

fn velocity_name(parameter: &str) -> String {
    format!("velocity.{parameter}")
}
