//! A trained network as the start of a new run.

use super::blocks::fit_blocks;
use super::file::ModelFile;
use super::init::{first_values, settle_last};
use super::shapes::{ShapeError, Shapes};
use super::spec::LayerKind;

/// A network to train further.
#[derive(Clone, Debug)]
pub struct FineTune {
    /// The network with everything it needs; no update has been made yet.
    pub file: ModelFile,
    /// The last layer, if it was replaced because the classes are others.
    pub replaced: Option<String>,
}

impl ModelFile {
    /// Makes this network ready to learn `classes`.
    ///
    /// Are they its own, in the same order, everything is kept. Otherwise the last layer is replaced: small
    /// Gaussian weights by [`Init::FanIn`](crate::config::Init::FanIn), biases 0. All other layers and what is
    /// done to the pixels stay as they are.
    ///
    /// # Errors
    /// A network whose last layer is not a linear one.
    pub fn fine_tune(mut self, classes: &[String], seed: u64) -> Result<FineTune, ShapeError> {
        self.step = 0;
        if self.classes == classes {
            return Ok(FineTune { file: self, replaced: None });
        }
        let refused = |layer: &str, reason: &str| ShapeError {
            model: self.spec.name.clone(),
            layer: layer.into(),
            reason: reason.into(),
        };
        let last = self.spec.layers.last_mut().ok_or_else(|| refused("input", "it has no layers"))?;
        let LayerKind::Linear { out, columns, .. } = &mut last.kind else {
            return Err(refused(&last.name, "only a linear last layer can be replaced"));
        };
        (*out, *columns) = (classes.len(), 1);
        let name = last.name.clone();
        fit_blocks(&mut self.spec);
        settle_last(&mut self.spec)?;
        let shapes = Shapes::of(&self.spec)?;
        let last = self.spec.layers.len() - 1;
        self.weights.truncate(shapes.parameters.iter().filter(|parameter| parameter.layer < last).count());
        for index in self.weights.len()..shapes.parameters.len() {
            self.weights.push(first_values(&self.spec, &shapes, index, seed));
        }
        self.classes = classes.to_vec();
        Ok(FineTune { file: self, replaced: Some(name) })
    }
}
