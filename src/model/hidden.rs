//! The last hidden layer: what the network knows of a picture before it decides on a class.
//!
//! Pictures whose values there lie close to each other are alike to the network, even where their pixels differ
//! (paper section 6.1 and Figure 4, right).

use burn::tensor::Tensor;

use super::layer::Mode;
use super::network::Network;
use super::spec::LayerKind;
use super::to_host;

/// The last hidden layer of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hidden {
    /// Name of the layer whose values they are: "fc7" in the paper's network, after its rectified units.
    pub layer: String,
    /// Values for one picture.
    pub width: usize,
    /// Layers that lead to these values.
    layers: usize,
}

impl Network {
    /// The layer that the last layer with weights reads. Dropout in between is passed over: it multiplies every value by
    /// the same number here. None: nothing stands before the last layer.
    pub fn hidden(&self) -> Option<Hidden> {
        let last = self.shapes().parameters.last()?.layer;
        let before = &self.spec().layers[..last];
        let dropped = |kind: &LayerKind| matches!(kind, LayerKind::Dropout { .. });
        let layers = before.iter().rposition(|layer| !dropped(&layer.kind))? + 1;
        let bare = |kind: &LayerKind| matches!(kind, LayerKind::Relu | LayerKind::Tanh);
        let named = before[..layers].iter().rfind(|layer| !bare(&layer.kind))?;
        let width = self.shapes().layers[layers - 1].output.len();
        Some(Hidden { layer: named.name.clone(), width, layers })
    }

    /// Values of the last hidden layer, `[N, features]` on the host, of what an [`Input`](super::Input) has put on the
    /// network's device.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn hidden_values(&self, hidden: &Hidden, pictures: Tensor<4>) -> Result<Vec<f32>, String> {
        let (flow, _) = self.through(hidden.layers, self.weights(), pictures, Mode::Inference);
        to_host(flow.flat())
    }
}
