//! A model on disk: one `.safetensors` file that is enough to classify a picture.
//!
//! The weights are ordinary tensors (`conv1.weight`, ...), the mean image is the tensor `input.mean`, and
//! the metadata key `alexnet-lab` holds the spec and the class names as JSON. Reading runs no code and
//! believes no size: every tensor is checked against the spec before anything is used.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::blocks::cut_blocks;
use super::bounds::{MAX_PARAMETERS, plain};
use super::shapes::{ShapeError, Shapes};
use super::spec::ModelSpec;

/// Metadata key of our description.
const KEY: &str = "alexnet-lab";
/// Name of the mean image among the tensors.
const MEAN: &str = "input.mean";
/// Version of the description; raised when an older program could misread it. 2 has more kinds of layers, a
/// scale for each channel and inverted dropout; 1 is read as well.
const FORMAT: u32 = 2;

/// Everything a prediction needs, on the host. `W` holds the values of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile<W = Vec<f32>> {
    pub spec: ModelSpec,
    /// Class names in label order.
    pub classes: Vec<String>,
    /// `[3, side, side]` in 0 to 255: subtracted from every crop, whatever its offset, as the author did.
    pub mean: Vec<f32>,
    /// Values of [`Shapes::parameters`], in that order.
    pub weights: Vec<W>,
    /// Updates the weights have seen.
    pub step: u64,
}

/// A model file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ModelFileError {
    #[error("cannot read the model file `{path}`: {reason}")]
    Read { path: PathBuf, reason: std::io::Error },
    #[error("cannot write the model file `{path}`: {reason}")]
    Write { path: PathBuf, reason: String },
    #[error("`{path}` is not a model of this program: {}", plain(.reason))]
    Foreign { path: PathBuf, reason: String },
    #[error("`{path}` was written by a newer version of this program; please update")]
    Newer { path: PathBuf },
    #[error("the model file `{path}` is damaged: {}", plain(.reason))]
    Damaged { path: PathBuf, reason: String },
}

/// The part of a description that every version can read.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct Description {
    format: u32,
    spec: ModelSpec,
    classes: Vec<String>,
    step: u64,
}

impl ModelFile {
    /// Reads and checks a model file.
    ///
    /// # Errors
    /// An unreadable or foreign file; missing, surplus or misshapen tensors, by name.
    pub fn read(path: &Path) -> Result<Self, ModelFileError> {
        let bytes =
            std::fs::read(path).map_err(|reason| ModelFileError::Read { path: path.into(), reason })?;
        Self::parse(path, &bytes)
    }

    /// Whether a `.safetensors` file says that it is a model of this program.
    ///
    /// # Errors
    /// Why the bytes are no `.safetensors` file.
    pub(super) fn is_own(bytes: &[u8]) -> Result<bool, String> {
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|e| format!("it begins as a .safetensors file, but is cut short or damaged ({e})"))?;
        Ok(header.metadata().as_ref().is_some_and(|metadata| metadata.contains_key(KEY)))
    }

    /// Reads the bytes of a model file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ModelFileError> {
        let foreign = |reason: &str| ModelFileError::Foreign { path: path.into(), reason: reason.into() };
        let damaged = |reason: String| ModelFileError::Damaged { path: path.into(), reason };
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|_| foreign("it is no safetensors file, or is cut short"))?;
        let text = header
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(KEY))
            .ok_or_else(|| foreign("its description is missing"))?;
        let unreadable = |e: serde_json::Error| damaged(format!("its description cannot be read ({e})"));
        // First, because a newer version may describe what this one has no words for.
        let Version { format } = serde_json::from_str(text).map_err(unreadable)?;
        if format > FORMAT {
            return Err(ModelFileError::Newer { path: path.into() });
        }
        let description: Description = serde_json::from_str(text).map_err(unreadable)?;
        let shapes = Shapes::of(&description.spec).map_err(|e: ShapeError| damaged(e.to_string()))?;
        if shapes.classes != description.classes.len() {
            return Err(damaged(format!(
                "it names {} classes, but its last layer has {} outputs",
                description.classes.len(),
                shapes.classes
            )));
        }
        if shapes.parameter_count() > MAX_PARAMETERS {
            return Err(damaged("its description asks for more than a thousand million parameters".into()));
        }
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| damaged(e.to_string()))?;
        let mut file = Self::collect(description, &shapes, &tensors).map_err(damaged)?;
        cut_blocks(&mut file);
        Ok(file)
    }

    fn collect(description: Description, shapes: &Shapes, tensors: &SafeTensors) -> Result<Self, String> {
        let known = |name: &str| name == MEAN || shapes.parameters.iter().any(|p| p.name == name);
        if let Some(name) = tensors.names().into_iter().find(|name| !known(name)) {
            return Err(format!("tensor {name} does not belong to its network"));
        }
        let side = description.spec.input.side;
        let mean = read_tensor(tensors, MEAN, &[3, side, side])?;
        let weights = shapes
            .parameters
            .iter()
            .map(|parameter| read_tensor(tensors, &parameter.name, &parameter.shape))
            .collect::<Result<_, _>>()?;
        let Description { spec, classes, step, .. } = description;
        Ok(Self { spec, classes, mean, weights, step })
    }
}

impl<W: AsRef<[f32]>> ModelFile<W> {
    /// Writes the file under a temporary name, flushes it to the disk and renames it, so that a reader
    /// never sees half of it and an older file survives a failure.
    ///
    /// # Errors
    /// A folder that cannot be written, a full disk.
    pub fn write(&self, path: &Path) -> Result<(), ModelFileError> {
        let failed = |reason: String| ModelFileError::Write { path: path.into(), reason };
        let shapes = Shapes::of(&self.spec).map_err(|e| failed(e.to_string()))?;
        let description = Description {
            format: FORMAT,
            spec: self.spec.clone(),
            classes: self.classes.clone(),
            step: self.step,
        };
        let text = serde_json::to_string(&description).map_err(|e| failed(e.to_string()))?;
        let side = self.spec.input.side;
        let mean = ([3, side, side].to_vec(), MEAN, self.mean.as_slice());
        let weights = shapes.parameters.iter().zip(&self.weights);
        let weights = weights
            .map(|(parameter, values)| (parameter.shape.clone(), parameter.name.as_str(), values.as_ref()));
        let views = std::iter::once(mean)
            .chain(weights)
            .map(|(shape, name, values)| {
                Ok((name, TensorView::new(Dtype::F32, shape, bytemuck::cast_slice(values))?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|e| failed(e.to_string()))?;
        let metadata = HashMap::from([(KEY.to_owned(), text)]);
        let fill = |temporary: &Path| {
            safetensors::serialize_to_file(views, Some(metadata), temporary)
                .map_err(|e| failed(e.to_string()))
        };
        replace(path, fill, |e| failed(e.to_string()))
    }
}

/// Whether both names lead to one file; links and `..` are followed.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn read_tensor(tensors: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let view = tensors.tensor(name).map_err(|_| format!("tensor {name} is missing"))?;
    if view.dtype() != Dtype::F32 {
        return Err(format!("tensor {name} holds {:?} numbers instead of F32", view.dtype()));
    }
    if view.shape() != shape {
        return Err(format!("tensor {name} has shape {:?} instead of {shape:?}", view.shape()));
    }
    let (numbers, _) = view.data().as_chunks::<4>();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Lets `write` fill a temporary file beside `path`, flushes it to the disk and renames it to `path`, so that a
/// reader never sees half of it. `failed` turns an error of the file system into the caller's.
///
/// # Errors
/// The first one of `write` or of the file system; what was at `path` is still there then.
pub fn replace<E>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
    failed: impl Fn(std::io::Error) -> E,
) -> Result<(), E> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let temporary = path.with_file_name(name);
    // Made first, so that a folder that cannot be written is told before the work is done. The safetensors
    // library puts another file in its place, which only its owner may read: that one gets these permissions.
    let permissions =
        File::create(&temporary).and_then(|file| file.metadata()).map_err(&failed)?.permissions();
    let flush = || File::options().write(true).open(&temporary)?.sync_all();
    let result = write(&temporary).and_then(|()| {
        std::fs::set_permissions(&temporary, permissions)
            .and_then(|()| flush())
            .and_then(|()| std::fs::rename(&temporary, path))
            .map_err(failed)
    });
    if result.is_err() {
        // The first error is the one worth telling; what is left behind is only our own part file.
        let _ = std::fs::remove_file(&temporary);
    }
    result
}
