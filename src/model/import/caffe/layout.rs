//! From Caffe's layers to ours.
//!
//! A trained file names every layer with its settings, and those are obeyed: `bvlc_alexnet` normalises and
//! then pools, `CaffeNet` pools and then normalises. A file that was stripped down to its weights gets the
//! layers of `bvlc_alexnet`.

use super::NAME;
use super::blob::{bias_name, weight_name};
use super::net::{Kind, Layer, Net};
use super::proto::{Convolution, DropoutParameter, LrnParameter, PoolingParameter};
use crate::model::import::assemble::Binding;
use crate::model::spec::{InitSpec, InputSpec, LayerKind, LayerSpec, ModelSpec, Sides};

/// Side of Caffe's crops, and of the pictures they come from.
const CROP: usize = 227;
const STORED: usize = 256;
/// The largest crop that is believed.
const MAX_CROP: u32 = 1024;

/// Kernel, stride, padding and groups of the convolutions of `bvlc_alexnet`.
const CONVOLUTIONS: [(&str, [usize; 4]); 5] = [
    ("conv1", [11, 4, 0, 1]),
    ("conv2", [5, 1, 2, 2]),
    ("conv3", [3, 1, 1, 1]),
    ("conv4", [3, 1, 1, 2]),
    ("conv5", [3, 1, 1, 2]),
];
/// Its linear layers. The last one is renamed by people who train it for other classes: `fc8_flickr`.
const LINEAR: [&str; 3] = ["fc6", "fc7", "fc8"];
/// Outputs of its layers, for those that a file does not hold.
const OUTPUTS: [usize; 8] = [96, 256, 384, 384, 256, 4096, 4096, 1000];

/// A network in our words, still without weights.
pub(super) struct Layout {
    pub spec: ModelSpec,
    pub bindings: Vec<Binding>,
    pub preprocessing: Preprocessing,
    pub problems: Vec<String>,
}

/// What the file says of its input.
#[derive(Default)]
pub(super) struct Preprocessing {
    /// Blue, green, red, or one for all, or none.
    pub mean_values: Vec<f32>,
    pub mean_file: Option<String>,
}

/// Translates the layers; what cannot be translated is listed.
pub(super) fn of(net: &Net) -> Layout {
    let mut build = Build::default();
    let (input, preprocessing) = build.input(net);
    let weighted = |layer: &&Layer| matches!(layer.kind, Kind::Convolution | Kind::InnerProduct);
    let stripped =
        !net.layers.iter().any(|layer| matches!(layer.kind, Kind::Relu | Kind::Lrn | Kind::Pooling));
    if stripped {
        let found: Vec<&Layer> = net.layers.iter().filter(weighted).collect();
        build.standard(&found);
    } else {
        net.layers.iter().for_each(|layer| build.layer(layer));
    }
    for layer in &net.layers {
        if let Kind::Other(kind) = &layer.kind {
            build
                .problems
                .push(format!("layer {} is of kind {kind}, which an AlexNet does not have", layer.name));
        }
    }
    build.missing();
    let Build { layers, bindings, problems, .. } = build;
    Layout { spec: ModelSpec { name: NAME.into(), input, layers }, bindings, preprocessing, problems }
}

/// Whether response normalisation comes before or after pooling.
pub(super) fn order_words(spec: &ModelSpec) -> &'static str {
    let first = |test: fn(&LayerKind) -> bool| spec.layers.iter().position(|layer| test(&layer.kind));
    let norm = first(|kind| matches!(kind, LayerKind::Lrn { .. }));
    let pool = first(|kind| matches!(kind, LayerKind::MaxPool { .. }));
    match (norm, pool) {
        (None, _) => "no response normalisation",
        (Some(norm), Some(pool)) if pool < norm => "pooling before normalisation, as in CaffeNet",
        _ => "normalisation before pooling, as in bvlc_alexnet",
    }
}

#[derive(Default)]
struct Build {
    layers: Vec<LayerSpec>,
    bindings: Vec<Binding>,
    problems: Vec<String>,
}

impl Build {
    fn input(&mut self, net: &Net) -> (InputSpec, Preprocessing) {
        let mut input = InputSpec { side: CROP, stored_side: STORED, scale: [1.0; 3] };
        let mut preprocessing = Preprocessing::default();
        // Networks for training and testing name their data twice, in the same way.
        if let Some(transform) = net.layers.iter().find_map(|layer| layer.transform.as_ref()) {
            match transform.crop_size.unwrap_or(0) {
                0 => {}
                crop @ 32..=MAX_CROP => input.side = crop as usize,
                crop => {
                    self.problems.push(format!("its crops have {crop} pixels; 32 to {MAX_CROP} can be used"))
                }
            }
            let scale = transform.scale();
            if scale.is_finite() && scale != 0.0 {
                input.scale = [scale; 3];
            } else {
                self.problems.push(format!("its input is multiplied by {scale}"));
            }
            if transform.mean_value.iter().all(|mean| mean.is_finite()) {
                preprocessing.mean_values.clone_from(&transform.mean_value);
            }
            preprocessing.mean_file.clone_from(&transform.mean_file);
        }
        input.stored_side = input.stored_side.max(input.side);
        (input, preprocessing)
    }

    /// The layers of `bvlc_alexnet` around the weighted layers that were found.
    fn standard(&mut self, found: &[&Layer]) {
        for number in 1..=8 {
            let name = if number <= 5 { format!("conv{number}") } else { format!("fc{number}") };
            match found.iter().find(|layer| our_name(&layer.name) == Some(name.as_str())) {
                Some(layer) => self.layer(layer),
                None => continue,
            }
            if number < 8 {
                self.push("relu", LayerKind::Relu);
            }
            if number <= 2 {
                let lrn = LrnParameter { alpha: Some(1e-4), ..LrnParameter::default() };
                self.lrn("", &lrn);
            }
            if [1, 2, 5].contains(&number) {
                let pool = PoolingParameter { kernel_size: Some(3), stride: Some(2), ..Default::default() };
                self.pool("", &pool);
            }
            if [6, 7].contains(&number) {
                self.dropout(&DropoutParameter::default());
            }
        }
        for layer in found.iter().filter(|layer| our_name(&layer.name).is_none()) {
            self.layer(layer);
        }
    }

    fn layer(&mut self, layer: &Layer) {
        match layer.kind {
            Kind::Convolution | Kind::InnerProduct => match our_name(&layer.name) {
                Some(name) if self.layers.iter().all(|known| known.name != name) => {
                    self.weighted(layer, name)
                }
                Some(name) => self.problems.push(format!("there is a second layer {name}, {}", layer.name)),
                // Its blocks are listed as surplus.
                None if !layer.blobs.is_empty() => {}
                None => self.problems.push(format!("layer {} is none of an AlexNet's", layer.name)),
            },
            Kind::Relu => {
                let slope = layer.relu.as_ref().map_or(0.0, |relu| relu.negative_slope());
                if slope != 0.0 {
                    self.problems.push(format!("the neurons of {} let negative values through", layer.name));
                }
                self.push("relu", LayerKind::Relu);
            }
            Kind::Lrn => self.lrn(&layer.name, &layer.lrn.clone().unwrap_or_default()),
            Kind::Pooling => self.pool(&layer.name, &layer.pooling.clone().unwrap_or_default()),
            Kind::Dropout => self.dropout(&layer.dropout.clone().unwrap_or_default()),
            Kind::Aside | Kind::Other(_) => {}
        }
    }

    fn weighted(&mut self, layer: &Layer, name: &'static str) {
        let init = InitSpec { std: 0.01, bias: 0.0, decay_scale: 1.0 };
        let place = LINEAR.iter().position(|known| *known == name).map_or_else(
            || CONVOLUTIONS.iter().position(|(known, _)| *known == name).unwrap_or(0),
            |at| at + 5,
        );
        let out = OUTPUTS[place];
        let kind = if layer.kind == Kind::Convolution {
            let standard = CONVOLUTIONS.get(place).map_or([1, 1, 0, 1], |(_, numbers)| *numbers);
            let [kernel, stride, padding, groups] = match &layer.convolution {
                Some(settings) => self.convolution(&layer.name, settings),
                None => standard,
            };
            LayerKind::Conv { out, kernel, stride, padding: Sides::all(padding), groups, init }
        } else {
            let settings = layer.inner_product.clone().unwrap_or_default();
            if settings.transpose() {
                self.problems
                    .push(format!("the weights of {} are transposed; save them as usual", layer.name));
            }
            if !settings.bias_term() {
                self.problems.push(format!("{} has no biases", layer.name));
            }
            LayerKind::Linear { out, columns: if place == 5 { 2 } else { 1 }, init }
        };
        self.layers.push(LayerSpec { name: name.into(), kind });
        let (weight, bias) = (weight_name(&layer.name), bias_name(&layer.name));
        self.bindings.push(Binding { layer: name.into(), weight, bias });
    }

    /// Kernel, stride, padding and groups.
    fn convolution(&mut self, name: &str, settings: &Convolution) -> [usize; 4] {
        let one = |list: &[u32], across: Option<u32>, down: Option<u32>, default: u32| {
            let both = match (list, across, down) {
                ([], None, None) => [default; 2],
                ([], across, down) => [across.unwrap_or(default), down.unwrap_or(default)],
                ([only], ..) => [*only; 2],
                ([first, .., last], ..) => [*first, *last],
            };
            (both[0] == both[1] && both[0] <= 1024).then_some(both[0] as usize)
        };
        let kernel = one(&settings.kernel_size, settings.kernel_w, settings.kernel_h, 0);
        let stride = one(&settings.stride, settings.stride_w, settings.stride_h, 1);
        let padding = one(&settings.pad, settings.pad_w, settings.pad_h, 0);
        if settings.dilation.iter().any(|&n| n != 1) {
            self.problems.push(format!("the kernels of {name} are dilated"));
        }
        if !settings.bias_term() {
            self.problems.push(format!("{name} has no biases"));
        }
        match (kernel, stride, padding) {
            (Some(kernel), Some(stride), Some(padding)) => {
                [kernel, stride, padding, settings.group() as usize]
            }
            _ => {
                self.problems.push(format!("the windows of {name} are not square, or far too large"));
                [1, 1, 0, 1]
            }
        }
    }

    fn lrn(&mut self, name: &str, settings: &LrnParameter) {
        let size = settings.local_size() as usize;
        if settings.norm_region() != 0 {
            self.problems.push(format!("{name} normalises within channels; an AlexNet does across them"));
        }
        if size == 0 || size > 1024 {
            self.problems.push(format!("the window of {name} has {size} channels"));
            return;
        }
        // Caffe divides alpha by the window; its windows cross the columns.
        let alpha = settings.alpha() / size as f32;
        let kind = LayerKind::Lrn { size, alpha, beta: settings.beta(), k: settings.k(), groups: 1 };
        self.push("lrn", kind);
    }

    fn pool(&mut self, name: &str, settings: &PoolingParameter) {
        let same = |one: Option<u32>, across: Option<u32>, down: Option<u32>, default: u32| {
            let all = [one.or(across).unwrap_or(default), one.or(down).unwrap_or(default)];
            (all[0] == all[1] && all[0] <= 1024).then_some(all[0] as usize)
        };
        let kernel = same(settings.kernel_size, settings.kernel_w, settings.kernel_h, 0);
        let stride = same(settings.stride, settings.stride_w, settings.stride_h, 1);
        let padding = same(settings.pad, settings.pad_w, settings.pad_h, 0);
        let (Some(kernel), Some(stride), Some(0), false) =
            (kernel, stride, padding, settings.global_pooling())
        else {
            let why = "is padded, not square, far too large or over the whole map";
            self.problems.push(format!("the window of {name} {why}"));
            return;
        };
        // Caffe rounds the number of windows up.
        match settings.pool() {
            0 => self.push("pool", LayerKind::MaxPool { kernel, stride, ceil: true }),
            1 => self.push("pool", LayerKind::AvgPool { kernel, stride, ceil: true }),
            _ => self.problems.push(format!("{name} pools at random, which an AlexNet does not")),
        }
    }

    fn dropout(&mut self, settings: &DropoutParameter) {
        let ratio = settings.dropout_ratio();
        if (0.0..1.0).contains(&ratio) {
            let keep = 1.0 - f64::from(ratio);
            self.push("dropout", LayerKind::Dropout { keep, inverted: true });
        } else {
            self.problems.push(format!("a dropout layer drops the share {ratio}"));
        }
    }

    /// Adds a layer named after the weighted one before it.
    fn push(&mut self, kind_name: &str, kind: LayerKind) {
        let number = self
            .bindings
            .last()
            .map_or("0", |binding| binding.layer.trim_start_matches(|c: char| !c.is_ascii_digit()));
        let plain = format!("{kind_name}{number}");
        let same = self.layers.iter().filter(|layer| layer.name.starts_with(&plain)).count();
        let name = if same == 0 { plain } else { format!("{plain}-{}", same + 1) };
        self.layers.push(LayerSpec { name, kind });
    }

    /// Names the weighted layers that an AlexNet has and the file has not.
    fn missing(&mut self) {
        for name in CONVOLUTIONS.iter().map(|(name, _)| *name).chain(LINEAR) {
            if self.layers.iter().all(|layer| layer.name != name) {
                self.problems.push(format!("layer {name} is missing"));
            }
        }
    }
}

/// Our name of a weighted layer.
fn our_name(theirs: &str) -> Option<&'static str> {
    let mut known = CONVOLUTIONS.iter().map(|(name, _)| *name).chain(LINEAR);
    known.find(|name| theirs == *name || (*name == "fc8" && theirs.starts_with("fc8")))
}
