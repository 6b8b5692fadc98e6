//! Small-width copies of the presets and of their variants, with weights and pictures that any language can make.

use alexnet_lab::config::{Activation, Dropout, Init, ModelConfig, Norm, NormOrder, Pooling};
use alexnet_lab::model::{InputSpec, LayerKind, ModelSpec, PRESETS, ParameterRole, Shapes, Variants, preset};

/// Classes of every copy.
pub const CLASSES: usize = 10;
/// Pictures of the forward and backward fixtures.
pub const PICTURES: usize = 2;

/// A network of the fixtures.
pub struct Net {
    pub name: String,
    pub spec: ModelSpec,
}

/// Every preset, and every variant of the small AlexNet.
pub fn nets() -> Vec<Net> {
    let mut nets: Vec<Net> = PRESETS.iter().map(|p| net(p.name, p.name, &ModelConfig::default())).collect();
    let none = ModelConfig::default;
    let variants: [(&str, ModelConfig); 9] = [
        ("tanh", ModelConfig { activation: Some(Activation::Tanh), ..none() }),
        ("norm-off", ModelConfig { norm: Some(Norm::Off), ..none() }),
        ("norm-author", ModelConfig { norm: Some(Norm::Author), ..none() }),
        ("norm-batch", ModelConfig { norm: Some(Norm::Batch), ..none() }),
        ("norm-before", ModelConfig { norm_order: Some(NormOrder::BeforeRelu), ..none() }),
        ("pooling-plain", ModelConfig { pooling: Some(Pooling::Plain), ..none() }),
        ("one-column", ModelConfig { columns: Some(1), ..none() }),
        ("dropout-inverted", ModelConfig { dropout: Some(Dropout::Inverted), ..none() }),
        ("without-conv4", ModelConfig { without: vec!["conv4".into()], ..none() }),
    ];
    nets.extend(variants.into_iter().map(|(name, config)| net(name, "alexnet-64", &config)));
    nets
}

fn net(name: &str, of: &str, config: &ModelConfig) -> Net {
    let preset = preset(of).unwrap();
    let variants = Variants::resolve(&mut config.clone(), &preset.variants);
    // The deviations of the first weights do not matter here; the scale of the input does.
    let spec = preset.spec(CLASSES, &Variants { init: Init::Author, ..variants }).unwrap();
    Net { name: name.into(), spec: narrowed(spec) }
}

/// The same layers with few kernels and outputs; pixels that enter with a deviation of about 1.
fn narrowed(mut spec: ModelSpec) -> ModelSpec {
    let last = spec.layers.len() - 1;
    let divisor = if spec.input.side == 224 { 16 } else { 8 };
    for (index, layer) in spec.layers.iter_mut().enumerate() {
        match &mut layer.kind {
            LayerKind::Conv { out, .. } | LayerKind::Local { out, .. } => *out = (*out / divisor).max(4),
            LayerKind::Linear { out, .. } if index != last => *out = (*out / 128).max(16),
            // Alphas of the paper hardly show in the result at these widths.
            LayerKind::Lrn { alpha, .. } | LayerKind::SpatialNorm { alpha, .. } => *alpha *= 1000.0,
            _ => {}
        }
    }
    if spec.input.scale == [1.0; 3] {
        spec.input = InputSpec { scale: [1.0 / 64.0; 3], ..spec.input };
    }
    spec
}

/// Number `index` of stream `seed`: at least -1, below 1, and the same in every language (`parity.py`).
pub fn number(seed: u32, index: u32) -> f64 {
    let mut x = index.wrapping_mul(0x9E37_79B9) ^ seed.wrapping_mul(0x85EB_CA6B);
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^= x >> 16;
    f64::from(x) / 2_147_483_648.0 - 1.0
}

/// Weights of deviation sqrt(2 / inputs), small biases, running variances about 1.
pub fn weights(spec: &ModelSpec) -> Vec<Vec<f32>> {
    let shapes = Shapes::of(spec).unwrap();
    let blocks = shapes.parameters.iter().enumerate().map(|(block, parameter)| {
        let count: usize = parameter.shape.iter().product();
        let (middle, reach) = match parameter.role {
            ParameterRole::Weight => (0.0, (6.0 / parameter.fan_in as f64).sqrt()),
            ParameterRole::Bias => (0.0, 0.1),
            ParameterRole::Gain => (1.0, 0.2),
            ParameterRole::Statistic if parameter.name.ends_with("running_var") => (1.0, 0.5),
            ParameterRole::Statistic => (0.0, 0.3),
        };
        (0..count).map(|i| (middle + reach * number(block as u32 + 1, i as u32)) as f32).collect()
    });
    blocks.collect()
}

/// `[count, 3, side, side]`; stream 1000 + `seed`.
pub fn pixels(seed: u32, count: usize, side: usize) -> Vec<u8> {
    let total = count * 3 * side * side;
    (0..total).map(|i| (128.0 + 120.0 * number(1000 + seed, i as u32)).floor() as u8).collect()
}

/// `[3, side, side]`
pub fn mean(side: usize) -> Vec<f32> {
    (0..3 * side * side).map(|i| (120.0 + 10.0 * number(999, i as u32)) as f32).collect()
}

/// Picture `index` of every batch belongs to this class.
pub fn label(index: usize) -> u32 {
    (index * 7 % CLASSES) as u32
}
