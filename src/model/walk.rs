//! A walk through a network, layer by layer, for those who look at what flows between the layers or change it.

use std::ops::Range;

use burn::tensor::Tensor;

use super::layer::{Blocks, Flow, Mode, apply};
use super::network::Network;
use super::to_host;

impl Network {
    /// Passes `flow`, which is the input of the first of `layers` (places in the spec), through them with `weights`,
    /// which are [`Self::weights`] or tracked copies of them. Every layer works by itself: the unit that a convolution
    /// does along with its own work is a layer of its own here. `visit` gets the place of each layer and what it gives,
    /// and hands on what flows into the next.
    ///
    /// # Errors
    /// Those of `visit`.
    pub fn walk(
        &self,
        weights: &[Tensor<1>],
        layers: Range<usize>,
        mut flow: Flow,
        mode: Mode,
        visit: &mut dyn FnMut(usize, Flow) -> Result<Flow, String>,
    ) -> Result<Flow, String> {
        let parameters = &self.shapes().parameters;
        for index in layers {
            let first = parameters.iter().take_while(|p| p.layer < index).count();
            let count = parameters[first..].iter().take_while(|p| p.layer == index).count();
            let blocks = Blocks { weights: &weights[first..first + count], relu: false };
            let kind = &self.spec().layers[index].kind;
            flow = visit(index, apply(index, kind, flow, &blocks, mode, &mut Vec::new()))?;
        }
        Ok(flow)
    }

    /// The first layer, in their order, whose output for some pictures holds a value that is no finite number.
    /// None: all do.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn first_not_finite(&self, pictures: Tensor<4>, mode: Mode) -> Result<Option<&str>, String> {
        let mut found = None;
        let layers = &self.spec().layers;
        self.walk(self.weights(), 0..layers.len(), Flow::Map(pictures), mode, &mut |index, flow| {
            if found.is_none() && flow.clone().values()?.iter().any(|value| !value.is_finite()) {
                found = Some(layers[index].name.as_str());
            }
            Ok(flow)
        })?;
        Ok(found)
    }
}

impl Flow {
    /// The numbers on the host, row-major.
    ///
    /// # Errors
    /// A device that no longer answers.
    pub fn values(self) -> Result<Vec<f32>, String> {
        match self {
            Self::Map(map) => to_host(map),
            Self::Flat(flat) => to_host(flat),
        }
    }
}
