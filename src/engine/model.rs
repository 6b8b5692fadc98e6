//! The model at hand: what predictions are made with and what a save writes.

use std::path::Path;

use image::RgbImage;

use super::command::PictureSource;
use super::event::ModelInfo;
use crate::data;
use crate::device::OpenDevice;
use crate::infer::{self, Prediction, Views};
use crate::model::{
    ConvKernels, FirstKernels, ImportError, Imported, Input, LayerKind, ModelFile, ModelFileError, Network,
};
use crate::vis::{FilterGrid, LayerKernels};
use crate::words;

/// A network with what it takes to use it.
pub(super) struct Model {
    pub network: Network,
    pub input: Input,
    pub classes: Vec<String>,
    /// Updates the weights have seen.
    pub step: u64,
    pub info: ModelInfo,
}

/// The parts of a model that a prediction needs; lent by a run, too, while it trains.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub network: &'a Network,
    pub input: &'a Input,
    pub classes: &'a [String],
    pub step: u64,
}

impl Model {
    /// Reads a model file of this program, of PyTorch or of Caffe onto a device. Says what was made of a
    /// file from elsewhere.
    pub fn load(path: &Path, device: &OpenDevice) -> Result<(Self, Option<String>), ImportError> {
        let Imported { file, origin, foreign, notes } = ModelFile::open(path)?;
        let remark = foreign.then(|| {
            let notes: String = notes.iter().map(|note| format!("; {note}")).collect();
            format!("`{}` was read as a {origin}{notes}", path.display())
        });
        let damaged = |e: crate::model::ShapeError| ModelFileError::Damaged {
            path: path.into(),
            reason: e.to_string(),
        };
        let network = Network::new(file.spec, &file.weights, &device.device).map_err(damaged)?;
        let input = Input::new(network.spec().input, file.mean);
        let mut info = describe(&network, &file.classes);
        info.file = Some(path.into());
        Ok((Self { network, input, classes: file.classes, step: file.step, info }, remark))
    }

    pub fn view(&self) -> View<'_> {
        View { network: &self.network, input: &self.input, classes: &self.classes, step: self.step }
    }
}

impl View<'_> {
    /// Classifies a picture; the name is the one to show for it.
    pub fn predict(
        &self,
        source: PictureSource,
        views: Views,
        top: usize,
    ) -> (String, Result<Prediction, String>) {
        let truth = match &source {
            PictureSource::File(path) => infer::class_of_path(path, self.classes),
            PictureSource::Labelled { class, .. } => self.classes.iter().position(|known| known == class),
            PictureSource::Bytes { .. } | PictureSource::Pixels { .. } => None,
        };
        let (name, picture) = open_picture(source);
        let result = picture.and_then(|picture| {
            infer::classify_known(self.network, self.input, self.classes, &picture, views, top, truth)
        });
        (name, result)
    }

    /// Writes a model file.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let file = self.network.to_file(self.classes, self.input.mean(), self.step)?;
        file.write(path).map_err(|e| e.to_string())
    }

    /// The first layer as it is now; `None` for a network that does not begin with a convolution.
    pub fn filters(&self) -> Result<Option<FilterGrid>, String> {
        let first = self.network.first_kernels()?;
        Ok(first.map(|FirstKernels { weights, count, side, columns }| FilterGrid {
            step: self.step,
            weights,
            kernels: count,
            side,
            columns,
        }))
    }

    /// The kernels of a convolution as they are now; `None` if there is no convolution of that name.
    pub fn kernels(&self, layer: &str) -> Result<Option<LayerKernels>, String> {
        let found = self.network.kernels(layer)?;
        Ok(found.map(|ConvKernels { weights, outputs, inputs, side, columns }| LayerKernels {
            layer: layer.into(),
            step: self.step,
            weights,
            outputs,
            inputs,
            side,
            columns,
        }))
    }
}

/// What a person wants to know of a network.
pub(super) fn describe(network: &Network, classes: &[String]) -> ModelInfo {
    let shapes = network.shapes();
    ModelInfo {
        name: network.spec().name.clone(),
        parameters: shapes.parameter_count(),
        multiply_adds: shapes.multiply_adds(),
        input_side: network.spec().input.side as u32,
        stored_side: network.spec().input.stored_side as u32,
        classes: classes.to_vec(),
        convolutions: network
            .spec()
            .layers
            .iter()
            .filter(|layer| matches!(layer.kind, LayerKind::Conv { .. }))
            .map(|layer| layer.name.clone())
            .collect(),
        file: None,
    }
}

/// All bytes of an ordinary file; others, such as pipes, might never end.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let kind = std::fs::metadata(path)?;
    if !kind.is_file() {
        return Err(std::io::Error::other("it is no ordinary file"));
    }
    std::fs::read(path)
}

/// Decodes a picture file.
///
/// # Errors
/// Why it cannot be used, with its path.
pub(super) fn open_file(path: &Path) -> Result<RgbImage, String> {
    let bytes = read(path).map_err(|e| format!("cannot read `{}`: {e}", path.display()))?;
    data::decode(&bytes).map_err(|reason| format!("`{}` cannot be used: {reason}", path.display()))
}

/// The name of a picture, and its pixels or why there are none.
pub(super) fn open_picture(source: PictureSource) -> (String, Result<RgbImage, String>) {
    match source {
        PictureSource::File(path) => (words::file_name(&path), open_file(&path)),
        PictureSource::Bytes { name, bytes } => {
            let picture = data::decode(&bytes).map_err(|reason| format!("`{name}` cannot be used: {reason}"));
            (name, picture)
        }
        PictureSource::Pixels { name, picture } | PictureSource::Labelled { name, picture, .. } => {
            (name, Ok(picture))
        }
    }
}
