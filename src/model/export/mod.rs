//! Networks for other programs: weights under PyTorch's names, or a whole network as an ONNX file.
//!
//! ```text
//! ModelFile -> torch | onnx -> part file -> read again, run beside the network -> renamed, or removed
//! ```
//! An export that does not compute what the network computes never gets its name.

mod check;
mod description;
pub mod onnx;
pub mod torch;

use std::path::{Path, PathBuf};

use super::dropout::DropoutError;
use super::file::{ModelFile, ModelFileError, is_same_file, replace};
use super::shapes::{ShapeError, Shapes};

/// Largest difference between the scores of the network and of its export, as a share of the largest score.
pub const LARGEST_DIFFERENCE: f64 = 1e-4;

/// For whom a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// PyTorch: one tensor a parameter, named as torchvision names them.
    TorchSafetensors,
    /// Any program that runs ONNX: the whole network, preprocessing included.
    Onnx,
}

impl std::fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TorchSafetensors => "torch-safetensors",
            Self::Onnx => "onnx",
        })
    }
}

/// A file that was written, read again and found to agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    pub path: PathBuf,
    pub format: ExportFormat,
    pub bytes: u64,
    /// Between the scores of the network and of the file for three pictures, as a share of the largest score;
    /// for ONNX also between the file's probabilities and those that follow from its scores.
    pub largest_difference: f64,
    /// How the file is used, in one line.
    pub usage: String,
}

/// A network that could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Model(ModelFileError),
    #[error("{0}; if it is a network of PyTorch or Caffe, make one of it with `alexnet-lab import`")]
    Foreign(ModelFileError),
    #[error(transparent)]
    Shape(#[from] ShapeError),
    #[error(transparent)]
    Dropout(#[from] DropoutError),
    #[error("`{path}` is the model that is to be exported; choose another name for the export")]
    SamePath { path: PathBuf },
    #[error(
        "`{path}` cannot be exported: {tensor} holds numbers that are infinite or not numbers at all; train the network again with a lower rate"
    )]
    NotFinite { path: PathBuf, tensor: String },
    #[error("layer {layer} cannot be exported: {reason}")]
    Unsupported { layer: String, reason: String },
    #[error("cannot write `{path}`: {reason}; choose a file in a folder that exists and can be written")]
    Write { path: PathBuf, reason: String },
    #[error("cannot compare the export with `{path}`: {reason}")]
    Compare { path: PathBuf, reason: String },
    #[error("`{path}` was not kept, because the file as it was written cannot be used: {reason}")]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "`{path}` was not kept, because what it computes differs from the network by {difference:.1e} of the largest score, and at most {LARGEST_DIFFERENCE:.0e} is allowed"
    )]
    Differs { path: PathBuf, difference: f64 },
}

impl ExportError {
    /// Whether the user can mend it by asking for something else.
    pub fn is_bad_input(&self) -> bool {
        !matches!(self, Self::Compare { .. } | Self::Unusable { .. } | Self::Differs { .. })
    }
}

/// Exports the model file `from` to `to`. An older file of that name survives a failure.
///
/// # Errors
/// A model that cannot be read or has weights that are no numbers, a file that cannot be written, an export
/// that does not agree with the network.
pub fn export(from: &Path, format: ExportFormat, to: &Path) -> Result<Exported, ExportError> {
    let model = ModelFile::read(from).map_err(|error| match error {
        ModelFileError::Foreign { .. } => ExportError::Foreign(error),
        _ => ExportError::Model(error),
    })?;
    if is_same_file(from, to) {
        return Err(ExportError::SamePath { path: to.into() });
    }
    check_finite(&model, from)?;
    let failed = |reason: std::io::Error| ExportError::Write { path: to.into(), reason: reason.to_string() };
    if to.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    let compare = |reason: String| ExportError::Compare { path: from.into(), reason };
    let reference = check::Reference::of(&model).map_err(compare)?;
    let usage = usage(&model, format);
    let mut exported = Exported { path: to.into(), format, bytes: 0, largest_difference: f64::NAN, usage };
    let fill = |part: &Path| {
        match format {
            ExportFormat::TorchSafetensors => torch::write(model, part)?,
            ExportFormat::Onnx => {
                let graph = onnx::build(&model)?;
                drop(model);
                std::fs::write(part, onnx::encode(&graph)).map_err(failed)?;
            }
        }
        // From here on only the file counts.
        let bytes = std::fs::read(part).map_err(failed)?;
        let unusable = |reason: String| ExportError::Unusable { path: to.into(), reason };
        let difference = reference.difference(format, &bytes).map_err(unusable)?;
        if difference.is_nan() || difference > LARGEST_DIFFERENCE {
            return Err(ExportError::Differs { path: to.into(), difference });
        }
        exported.bytes = bytes.len() as u64;
        exported.largest_difference = difference;
        Ok(())
    };
    replace(to, fill, failed)?;
    Ok(exported)
}

fn usage(model: &ModelFile, format: ExportFormat) -> String {
    let (side, classes) = (model.spec.input.side, model.classes.len());
    match format {
        ExportFormat::TorchSafetensors => {
            format!(
                "load_state_dict(safetensors.torch.load_file(..)) of {}",
                torch::loads_into(&model.spec, classes)
            )
        }
        ExportFormat::Onnx => format!(
            "input `{}`: RGB pixels of 0 to 255 as floats, [N, 3, {side}, {side}]; outputs `{}` and `{}`, [N, {classes}]",
            onnx::PIXELS,
            onnx::LOGITS,
            onnx::PROBABILITIES
        ),
    }
}

/// Largest difference between the scores of a network and of the bytes of its export, as a share of the
/// largest score, for three pictures.
///
/// # Errors
/// A network whose scores are not finite, bytes that cannot be read or computed.
pub fn compare(model: &ModelFile, format: ExportFormat, bytes: &[u8]) -> Result<f64, String> {
    check::Reference::of(model)?.difference(format, bytes)
}

/// Refuses weights that no other program could use either.
fn check_finite(model: &ModelFile, path: &Path) -> Result<(), ExportError> {
    let shapes = Shapes::of(&model.spec)?;
    let weights = shapes.parameters.iter().map(|p| p.name.as_str()).zip(&model.weights);
    let mut all = std::iter::once(("its mean image", &model.mean)).chain(weights);
    match all.find(|(_, values)| values.iter().any(|value| !value.is_finite())) {
        Some((name, _)) => Err(ExportError::NotFinite { path: path.into(), tensor: name.into() }),
        None => Ok(()),
    }
}
