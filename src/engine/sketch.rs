//! A network as a drawing needs it: blocks of layers, how they are joined, and where an impossible one fails.

use super::summary::{NetworkSummary, describe};
use crate::config::{ModelConfig, OptimConfig};
use crate::model::{LayerKind, MapShape, ModelSpec, Shapes, SpecError, Variants, preset};

/// A network to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// With a fault, the preset's own network, which is what can be drawn.
    pub summary: NetworkSummary,
    /// The layers with weights, each with those that follow it.
    pub blocks: Vec<Block>,
    pub fault: Option<Fault>,
}

/// A layer with weights and the layers behind it, up to the next one with weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Name of the layer with weights.
    pub name: String,
    /// Its layers in [`NetworkSummary::layers`], that one first.
    pub layers: std::ops::Range<usize>,
    /// What the layer with weights gives for one picture: `[channels, height, width]`; `[features, 1, 1]` if flat.
    pub output: [usize; 3],
    /// What leaves the block, likewise.
    pub leaves: [usize; 3],
    /// No map: each number sees the whole block before.
    pub flat: bool,
    /// Side and stride of the kernels.
    pub kernel: Option<(usize, usize)>,
    /// Columns that the block lies in (paper, Figure 2).
    pub columns: usize,
    /// Each column sees only the same column of the block before.
    pub apart: bool,
    /// The names of the layers behind it, in short: "ReLU", "LRN", "pool 3/2".
    pub then: Vec<String>,
    pub parameters: usize,
    /// Multiply-adds for one picture.
    pub multiply_adds: usize,
}

/// Why a network cannot be built, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The layer that it fails at, if it is one.
    pub layer: Option<String>,
    pub reason: String,
}

/// The network that `model` asks for, or the preset's own with what is wrong.
///
/// # Errors
/// No preset of that name.
pub fn sketch(model: &ModelConfig, classes: usize, optim: &OptimConfig) -> Result<Sketch, String> {
    let name = model.preset.as_deref().ok_or("no preset is named")?;
    let preset = preset(name).map_err(|e| e.to_string())?;
    let variants = Variants::resolve(&mut model.clone(), &preset.variants);
    let (spec, fault) = match preset.spec(classes, &variants) {
        Ok(spec) => (spec, None),
        Err(error) => {
            let standard = preset.standard(classes);
            let layer = place(&error, &standard);
            (standard, Some(Fault { layer, reason: error.to_string() }))
        }
    };
    let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
    let blocks = blocks(&spec, &shapes);
    Ok(Sketch { summary: describe(preset, &spec, &shapes, optim), blocks, fault })
}

/// The layer that an impossible choice is about.
fn place(error: &SpecError, spec: &ModelSpec) -> Option<String> {
    let first = |kind: fn(&LayerKind) -> bool| {
        spec.layers.iter().find(|layer| kind(&layer.kind)).map(|layer| layer.name.clone())
    };
    match error {
        SpecError::Shape(error) => Some(error.layer.clone()),
        SpecError::Variant(error) => {
            let (setting, value) = error.setting.split_once('=')?;
            match setting {
                "model.without" => {
                    spec.layers.iter().find(|layer| layer.name == value).map(|l| l.name.clone())
                }
                "model.dropout" => first(|kind| matches!(kind, LayerKind::Linear { .. })),
                _ => first(|kind| matches!(kind, LayerKind::Conv { .. })),
            }
        }
    }
}

fn blocks(spec: &ModelSpec, shapes: &Shapes) -> Vec<Block> {
    let has_weights = |kind: &LayerKind| kind.init().is_some();
    let starts: Vec<usize> = (0..spec.layers.len()).filter(|&i| has_weights(&spec.layers[i].kind)).collect();
    let columns = spec.layers.iter().map(|layer| groups(&layer.kind)).max().unwrap_or(1);
    let ends = starts.iter().skip(1).copied().chain([spec.layers.len()]);
    let pairs: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
    let last = pairs.len().saturating_sub(1);
    let block = |(number, &(start, end)): (usize, &(usize, usize))| {
        let layer = &spec.layers[start];
        let inside = &shapes.layers[start..end];
        let kernel = match layer.kind {
            LayerKind::Conv { kernel, stride, .. } => Some((kernel, stride)),
            LayerKind::Local { kernel, .. } => Some((kernel, 1)),
            _ => None,
        };
        Block {
            name: layer.name.clone(),
            layers: start..end,
            output: sides(inside[0].output),
            leaves: sides(inside[inside.len() - 1].output),
            flat: kernel.is_none(),
            kernel,
            // The scores of the classes are one column, as in the paper's Figure 2.
            columns: if number == last { 1 } else { columns },
            apart: groups(&layer.kind) > 1,
            then: spec.layers[start + 1..end].iter().filter_map(|layer| short(&layer.kind)).collect(),
            parameters: inside.iter().map(|layer| layer.parameters).sum(),
            multiply_adds: inside.iter().map(|layer| layer.multiply_adds).sum(),
        }
    };
    pairs.iter().enumerate().map(block).collect()
}

fn groups(kind: &LayerKind) -> usize {
    match *kind {
        LayerKind::Conv { groups, .. } => groups,
        _ => 1,
    }
}

fn sides(shape: MapShape) -> [usize; 3] {
    match shape {
        MapShape::Map { channels, height, width } => [channels, height, width],
        MapShape::Flat(features) => [features, 1, 1],
    }
}

/// What a layer without weights is called beside a drawing.
fn short(kind: &LayerKind) -> Option<String> {
    Some(match *kind {
        LayerKind::Relu => "ReLU".into(),
        LayerKind::Tanh => "tanh".into(),
        LayerKind::Lrn { .. } => "LRN".into(),
        LayerKind::SpatialNorm { .. } => "spatial norm".into(),
        LayerKind::BatchNorm { .. } => "batch norm".into(),
        LayerKind::MaxPool { kernel, stride, .. } => format!("max pool {kernel}/{stride}"),
        LayerKind::AvgPool { kernel, stride, .. } => format!("mean pool {kernel}/{stride}"),
        LayerKind::Dropout { keep, .. } => format!("dropout {}", 1.0 - keep),
        LayerKind::Conv { .. } | LayerKind::Local { .. } | LayerKind::Linear { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Dropout;

    fn sketched(preset: &str, change: impl FnOnce(&mut ModelConfig)) -> Sketch {
        let mut model = ModelConfig { preset: Some(preset.into()), ..ModelConfig::default() };
        change(&mut model);
        sketch(&model, 1000, &OptimConfig::default()).unwrap()
    }

    #[test]
    fn the_papers_network_has_its_eight_layers_and_its_joints() {
        let sketch = sketched("alexnet", |_| ());
        let seen: Vec<_> =
            sketch.blocks.iter().map(|b| (b.name.as_str(), b.output, b.columns, b.apart)).collect();
        let expected = [
            ("conv1", [96, 55, 55], 2, false),
            ("conv2", [256, 27, 27], 2, true),
            ("conv3", [384, 13, 13], 2, false),
            ("conv4", [384, 13, 13], 2, true),
            ("conv5", [256, 13, 13], 2, true),
            ("fc6", [4096, 1, 1], 2, false),
            ("fc7", [4096, 1, 1], 2, false),
            ("fc8", [1000, 1, 1], 1, false),
        ];
        assert_eq!(seen, expected);
        assert_eq!(sketch.blocks[4].leaves, [256, 6, 6]);
        assert!(sketch.blocks[0].then.contains(&"max pool 3/2".into()), "{:?}", sketch.blocks[0].then);
        let parameters: usize = sketch.blocks.iter().map(|b| b.parameters).sum();
        assert_eq!((parameters, sketch.summary.parameters, sketch.fault), (60_965_224, 60_965_224, None));
    }

    #[test]
    fn what_cannot_be_is_told_at_its_layer_and_the_rest_is_drawn() {
        let sketch = sketched("cifar-80sec", |model| model.columns = Some(2));
        let fault = sketch.fault.expect("it was made as one column");
        assert_eq!(fault.layer.as_deref(), Some("conv1"));
        assert!(fault.reason.contains("columns"), "{}", fault.reason);
        assert!(!sketch.blocks.is_empty());
        let sketch = sketched("cifar-80sec", |model| model.dropout = Some(Dropout::Original));
        let linear = sketch.blocks.iter().find(|block| block.flat).expect("a linear layer");
        assert_eq!(sketch.fault.and_then(|fault| fault.layer).as_deref(), Some(linear.name.as_str()));
    }
}
