//! Weights under PyTorch's names: `model.load_state_dict(safetensors.torch.load_file(path))`.
//!
//! Keys are those of two `nn.Sequential`, `features` up to the last map and `classifier` after it, one entry a
//! layer, as in torchvision's AlexNet. A network with the structure of torchvision's has its very keys,
//! wherever its dropout layers stand. PyTorch's dropout is inverted, so the paper's is folded into the weights
//! that follow; columns of a linear layer become one matrix.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::ExportError;
use super::description::{self, CLASSES, PREPROCESSING, Preprocessing, SPEC, STEP};
use crate::model::bounds::MAX_PARAMETERS;
use crate::model::dropout::convert_dropout;
use crate::model::file::ModelFile;
use crate::model::shapes::{MapShape, Shapes};
use crate::model::spec::{LayerKind, LayerSpec, ModelSpec, Sides};

/// Metadata key of the list of modules, one string a layer.
const MODULES: &str = "alexnet-lab.modules";
/// Metadata key of the class that takes the weights. Other networks can have torchvision's keys and shapes too,
/// for example with tanh, so keys that fit do not tell.
const LOADS_INTO: &str = "alexnet-lab.loads_into";
/// Metadata key that says that every dropout layer was the paper's before it was folded.
const DROPOUT: &str = "alexnet-lab.dropout";
const ORIGINAL: &str = "original";
/// Outputs of torchvision's layers but the last, which has one a class (`models/alexnet.py`).
const TORCHVISION_WIDTHS: [usize; 7] = [64, 192, 384, 256, 256, 4096, 4096];
/// Larger crops are not believed: a mean of one number a channel would be spread over all their pixels.
const MAX_SIDE: usize = 4096;
/// Positions of torchvision's linear layers among its `classifier`.
const TORCHVISION_LINEAR: [usize; 3] = [1, 4, 6];

/// Writes the weights to `path`.
///
/// # Errors
/// Dropout that cannot be folded, a file that cannot be written.
pub(super) fn write(mut model: ModelFile, path: &Path) -> Result<(), ExportError> {
    let inverted = |layer: &LayerSpec| matches!(layer.kind, LayerKind::Dropout { inverted: true, .. });
    let mixed = model.spec.layers.iter().any(inverted);
    let folded = convert_dropout(&mut model.spec, &mut model.weights, true)?;
    let shapes = Shapes::of(&model.spec)?;
    let tensors = merge_columns(&model.spec, std::mem::take(&mut model.weights), &shapes);
    let failed = |reason: String| ExportError::Write { path: path.into(), reason };
    let views = tensors
        .iter()
        .map(|tensor| {
            let bytes = bytemuck::cast_slice(&tensor.values);
            Ok((tensor.key.as_str(), TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| failed(e.to_string()))?;
    let mut metadata: HashMap<String, String> = description::common(&model, description::Mean::Listed)
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    // What other programs look for before they read a file as PyTorch's.
    metadata.insert("format".into(), "pt".into());
    if folded && !mixed {
        metadata.insert(DROPOUT.into(), ORIGINAL.into());
    }
    let modules = serde_json::to_string(&modules(&model.spec, &shapes)).map_err(|e| failed(e.to_string()))?;
    metadata.insert(MODULES.into(), modules);
    metadata.insert(LOADS_INTO.into(), loads_into(&model.spec, model.classes.len()));
    safetensors::serialize_to_file(views, Some(metadata), path).map_err(|e| failed(e.to_string()))
}

/// The model that was exported, dropout as it was; `None` if the file does not say that this program wrote it.
///
/// # Errors
/// A file that says so, but does not hold what it describes.
pub(in crate::model) fn restore(bytes: &[u8]) -> Result<Option<ModelFile>, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let Some(metadata) = header.metadata().as_ref().filter(|metadata| metadata.contains_key(SPEC)) else {
        return Ok(None);
    };
    let mut model = read(bytes)?;
    if model.mean.iter().chain(model.weights.iter().flatten()).any(|value| !value.is_finite()) {
        return Err("it holds numbers that are infinite or not numbers at all".into());
    }
    if metadata.get(DROPOUT).is_some_and(|scaling| scaling == ORIGINAL) {
        convert_dropout(&mut model.spec, &mut model.weights, false).map_err(|e| e.to_string())?;
    }
    Ok(Some(model))
}

/// Rebuilds the network from the bytes of a file, dropout folded as it is there.
///
/// # Errors
/// Bytes that are not such a file; a tensor that is missing, misshapen or left over, by name.
pub(super) fn read(bytes: &[u8]) -> Result<ModelFile, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let metadata = header.metadata().as_ref().ok_or("its metadata is missing")?;
    let entry = |key: &str| metadata.get(key).ok_or_else(|| format!("its metadata {key} is missing"));
    let json = |key: &str, e: serde_json::Error| format!("its metadata {key} cannot be read ({e})");
    let mut spec: ModelSpec = serde_json::from_str(entry(SPEC)?).map_err(|e| json(SPEC, e))?;
    let preprocessing: Preprocessing =
        serde_json::from_str(entry(PREPROCESSING)?).map_err(|e| json(PREPROCESSING, e))?;
    let classes: Vec<String> = serde_json::from_str(entry(CLASSES)?).map_err(|e| json(CLASSES, e))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let shapes = Shapes::of(&spec).map_err(|e| e.to_string())?;
    check(&shapes, spec.input.side, &classes, &preprocessing)?;
    let keys = keys(&spec);
    let mut weights = Vec::with_capacity(shapes.parameters.len());
    // Rows of each tensor that earlier columns have taken.
    let mut taken: HashMap<String, usize> = HashMap::new();
    for parameter in &shapes.parameters {
        let suffix = parameter.name.rsplit('.').next().unwrap_or_default();
        let key = format!("{}.{suffix}", keys[parameter.layer]);
        let view = tensors.tensor(&key).map_err(|_| format!("tensor {key} is missing"))?;
        if view.dtype() != Dtype::F32 || view.shape().get(1..) != parameter.shape.get(1..) {
            return Err(format!("tensor {key} has shape {:?}", view.shape()));
        }
        let start = taken.entry(key).or_default();
        let count: usize = parameter.shape.iter().product();
        let numbers = view.data().as_chunks().0.get(*start..*start + count);
        let numbers = numbers.ok_or_else(|| format!("{} is cut short", parameter.name))?;
        weights.push(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect());
        *start += count;
    }
    for (name, view) in tensors.iter() {
        if taken.get(name).is_none_or(|taken| 4 * taken != view.data().len()) {
            return Err(format!(
                "tensor {name} has shape {:?}, which its network has no place for",
                view.shape()
            ));
        }
    }
    spec.input.scale = preprocessing.scale;
    let step = metadata.get(STEP).and_then(|step| step.parse().ok()).unwrap_or(0);
    Ok(ModelFile { spec, classes, mean: preprocessing.mean(), weights, step })
}

/// Whether the descriptions in the metadata belong together.
fn check(
    shapes: &Shapes,
    side: usize,
    classes: &[String],
    preprocessing: &Preprocessing,
) -> Result<(), String> {
    if shapes.parameter_count() > MAX_PARAMETERS {
        return Err("it asks for more than a thousand million parameters".into());
    }
    if classes.len() != shapes.classes {
        return Err(format!("it names {} classes, but has {} outputs", classes.len(), shapes.classes));
    }
    if side > MAX_SIDE || !preprocessing.fits(side) {
        return Err(format!("its metadata {PREPROCESSING} is not for its crops of {side} pixels"));
    }
    Ok(())
}

/// The PyTorch expression for a network that takes the weights. torchvision's class has fixed widths.
pub fn loads_into(spec: &ModelSpec, classes: usize) -> String {
    let widths: Vec<usize> = spec
        .layers
        .iter()
        .filter_map(|layer| match layer.kind {
            LayerKind::Conv { out, .. } | LayerKind::Linear { out, .. } => Some(out),
            _ => None,
        })
        .collect();
    if is_torchvision(spec) && widths.starts_with(&TORCHVISION_WIDTHS) {
        format!("torchvision.models.alexnet(num_classes={classes})")
    } else {
        format!("a network of the modules that its metadata list under {MODULES}")
    }
}

struct Tensor {
    key: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// The parameters under their keys; the columns of a linear layer become one, row below row.
fn merge_columns(spec: &ModelSpec, weights: Vec<Vec<f32>>, shapes: &Shapes) -> Vec<Tensor> {
    let keys = keys(spec);
    let mut tensors: Vec<Tensor> = Vec::new();
    for (parameter, values) in shapes.parameters.iter().zip(weights) {
        let suffix = parameter.name.rsplit('.').next().unwrap_or_default();
        let key = format!("{}.{suffix}", keys[parameter.layer]);
        match tensors.iter_mut().find(|tensor| tensor.key == key) {
            Some(tensor) => {
                tensor.shape[0] += parameter.shape[0];
                tensor.values.extend(values);
            }
            None => tensors.push(Tensor { key, shape: parameter.shape.clone(), values }),
        }
    }
    tensors
}

/// The module that each layer of the spec is in PyTorch: `features.0`, `classifier.1`, ...
pub fn keys(spec: &ModelSpec) -> Vec<String> {
    let layers = &spec.layers;
    let linear = |layer: &LayerSpec| matches!(layer.kind, LayerKind::Linear { .. });
    let dropout = |layer: &LayerSpec| matches!(layer.kind, LayerKind::Dropout { .. });
    let first = layers.iter().position(linear).unwrap_or(layers.len());
    // Dropout right before the first linear layer belongs to the classifier, as in torchvision.
    let first = layers[..first].iter().rposition(|layer| !dropout(layer)).map_or(0, |last| last + 1);
    let same_as_torchvision = is_torchvision(spec);
    let mut linears = TORCHVISION_LINEAR.into_iter();
    let mut last_linear = 0;
    let key = |(index, layer): (usize, &LayerSpec)| match index.checked_sub(first) {
        None => format!("features.{index}"),
        Some(_) if same_as_torchvision => {
            // Neurons follow their linear layer, dropout precedes the next one.
            let place = match layer.kind {
                LayerKind::Linear { .. } => linears.next().unwrap_or(last_linear),
                LayerKind::Dropout { .. } => linears.clone().next().map_or(last_linear, |next| next - 1),
                _ => last_linear + 1,
            };
            if linear(layer) {
                last_linear = place;
            }
            format!("classifier.{place}")
        }
        Some(place) => format!("classifier.{place}"),
    };
    layers.iter().enumerate().map(key).collect()
}

/// Whether the layers are those of torchvision's AlexNet (`models/alexnet.py`), at any width and with dropout
/// anywhere among the linear layers or nowhere.
fn is_torchvision(spec: &ModelSpec) -> bool {
    let layers = &spec.layers;
    let convolution = |side: usize, step: usize, zeros: usize| {
        move |kind: &LayerKind| {
            matches!(*kind, LayerKind::Conv { kernel, stride, padding, groups: 1, .. }
            if kernel == side && stride == step && padding == Sides::all(zeros))
        }
    };
    let neuron = |kind: &LayerKind| *kind == LayerKind::Relu;
    let pool = |kind: &LayerKind| matches!(*kind, LayerKind::MaxPool { kernel: 3, stride: 2, ceil: false });
    let dense = |kind: &LayerKind| matches!(kind, LayerKind::Linear { .. });
    let (first, second, other) = (convolution(11, 4, 2), convolution(5, 1, 2), convolution(3, 1, 1));
    let pattern: [&dyn Fn(&LayerKind) -> bool; 18] = [
        &first, &neuron, &pool, &second, &neuron, &pool, &other, &neuron, &other, &neuron, &other, &neuron,
        &pool, &dense, &neuron, &dense, &neuron, &dense,
    ];
    let kinds = layers.iter().map(|layer| &layer.kind);
    let kinds: Vec<_> = kinds.filter(|kind| !matches!(kind, LayerKind::Dropout { .. })).collect();
    let first_dropout = layers.iter().position(|layer| matches!(layer.kind, LayerKind::Dropout { .. }));
    kinds.len() == pattern.len()
        && kinds.iter().zip(pattern).all(|(kind, fits)| fits(kind))
        && first_dropout.is_none_or(|index| index > 12)
}

/// Each layer as a PyTorch user would write it, after its key.
fn modules(spec: &ModelSpec, shapes: &Shapes) -> Vec<String> {
    let side = spec.input.side;
    let start = MapShape::Map { channels: 3, height: side, width: side };
    let inputs = std::iter::once(start).chain(shapes.layers.iter().map(|layer| layer.output));
    let described = spec.layers.iter().zip(inputs).zip(keys(spec));
    described
        .map(|((layer, before), key)| format!("{key} ({}): {}", layer.name, module(&layer.kind, before)))
        .collect()
}

fn module(kind: &LayerKind, before: MapShape) -> String {
    let channels = match before {
        MapShape::Map { channels, .. } => channels,
        MapShape::Flat(features) => features,
    };
    match *kind {
        LayerKind::Conv { out, kernel, stride, padding, groups, .. } => {
            let Sides { top, bottom, left, right } = padding;
            let even = padding == Sides::all(top);
            let first =
                if even { String::new() } else { format!("ZeroPad2d(({left}, {right}, {top}, {bottom})), ") };
            let padding = if even { top } else { 0 };
            format!(
                "{first}Conv2d({channels}, {out}, {kernel}, stride={stride}, padding={padding}, groups={groups})"
            )
        }
        LayerKind::Local { out, kernel, padding, .. } => format!(
            "locally connected: unfold({kernel}x{kernel}, padding={padding}), every position times its own \
             {out} kernels; weight [H, W, out, in, {kernel}, {kernel}], bias [out, H, W]"
        ),
        LayerKind::Relu => "ReLU()".into(),
        LayerKind::Tanh => "Tanh()".into(),
        LayerKind::Lrn { size, alpha, beta, k, groups } => {
            let apart = if groups == 1 {
                String::new()
            } else {
                format!(", each of {groups} groups of channels alone")
            };
            format!("LocalResponseNorm({size}, alpha={}, beta={beta}, k={k}){apart}", times(alpha, size))
        }
        LayerKind::SpatialNorm { size, alpha, beta, k } => format!(
            "x / ({k} + {} * AvgPool2d({size}, 1, {})(x**2)) ** {beta}",
            times(alpha, size * size),
            size / 2
        ),
        LayerKind::BatchNorm { epsilon, momentum } => {
            format!("BatchNorm2d({channels}, eps={epsilon}, momentum={momentum})")
        }
        LayerKind::MaxPool { kernel, stride, ceil } => {
            format!("MaxPool2d({kernel}, {stride}, ceil_mode={})", python(ceil))
        }
        LayerKind::AvgPool { kernel, stride, ceil } => {
            format!("AvgPool2d({kernel}, {stride}, ceil_mode={})", python(ceil))
        }
        LayerKind::Linear { out, .. } => {
            let first = if let MapShape::Map { .. } = before { "Flatten(), " } else { "" };
            format!("{first}Linear({}, {out})", before.len())
        }
        LayerKind::Dropout { keep, .. } => format!("Dropout({})", 1.0 - keep),
    }
}

/// The product without the digits that single precision adds.
fn times(alpha: f32, count: usize) -> f64 {
    let product = f64::from(alpha) * count as f64;
    format!("{product:.6e}").parse().unwrap_or(product)
}

fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
