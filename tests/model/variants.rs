//! Every variant is one setting; what makes no sense is refused with its name.

use alexnet_lab::config::{Activation, Dropout, ModelConfig, Norm, NormOrder, Pooling};
use alexnet_lab::model::{LayerKind, ModelSpec, PRESETS, Shapes, Variants, preset};

fn varied(name: &str, config: &ModelConfig) -> Result<ModelSpec, String> {
    let preset = preset(name).unwrap();
    let variants = Variants::resolve(&mut config.clone(), &preset.variants);
    preset.spec(10, &variants).map_err(|e| e.to_string())
}

fn plain() -> ModelConfig {
    ModelConfig::default()
}

fn names(spec: &ModelSpec) -> Vec<&str> {
    spec.layers.iter().map(|layer| layer.name.as_str()).collect()
}

/// The names of the layers between two, both left out.
fn between<'a>(spec: &'a ModelSpec, first: &str, last: &str) -> Vec<&'a str> {
    let names = names(spec);
    let at = |name| names.iter().position(|&n| n == name).unwrap();
    names[at(first) + 1..at(last)].to_vec()
}

fn output(spec: &ModelSpec, layer: &str) -> String {
    let shapes = Shapes::of(spec).unwrap();
    shapes.layers.iter().find(|l| l.name == layer).unwrap().output.to_string()
}

#[test]
fn the_authors_run_has_its_own_order() {
    let spec = preset("alexnet-as-run").unwrap().standard(1000);
    assert_eq!(between(&spec, "conv1", "conv2"), ["lrn1", "pool1", "relu1"]);
    assert_eq!(between(&spec, "conv2", "conv3"), ["relu2", "lrn2", "rnorm2", "pool2"]);
    assert_eq!(between(&spec, "conv5", "fc6"), ["pool5", "relu5"]);
}

#[test]
fn torchvisions_network_drops_before_its_hidden_layers_and_has_no_normalisation() {
    let spec = preset("alexnet-owt").unwrap().standard(1000);
    assert_eq!(between(&spec, "conv5", "fc6"), ["relu5", "pool5", "dropout6"]);
    assert_eq!(between(&spec, "fc6", "fc7"), ["relu6", "dropout7"]);
    assert!(!spec.layers.iter().any(|layer| matches!(layer.kind, LayerKind::Lrn { .. })));
    for layer in &spec.layers {
        if let LayerKind::Dropout { inverted, .. } = layer.kind {
            assert!(inverted);
        }
    }
}

#[test]
fn the_six_convolution_network_keeps_its_numbers() {
    let spec = preset("alexnet-6conv").unwrap().standard(1000);
    assert_eq!(
        names(&spec)[14..],
        ["pool5", "conv6", "relu6", "fc7", "relu7", "dropout7", "fc8", "relu8", "dropout8", "fc9"]
    );
}

#[test]
fn alpha_is_printed_or_divided_by_the_window() {
    let alpha = |norm| {
        let spec = varied("alexnet", &ModelConfig { norm: Some(norm), ..plain() }).unwrap();
        spec.layers.iter().find_map(|layer| match layer.kind {
            LayerKind::Lrn { alpha, .. } => Some(alpha),
            _ => None,
        })
    };
    assert_eq!(alpha(Norm::Printed), Some(1e-4));
    assert_eq!(alpha(Norm::Author), Some(2e-5));
    assert_eq!(alpha(Norm::Off), None);
    assert_eq!(alpha(Norm::Batch), None);
}

#[test]
fn the_normalisations_of_the_cifar_networks_divide_too() {
    let alphas = |name: &str| -> Vec<f32> {
        let spec = preset(name).unwrap().standard(10);
        let alpha = |kind: &LayerKind| match *kind {
            LayerKind::Lrn { alpha, .. } | LayerKind::SpatialNorm { alpha, .. } => Some(alpha),
            _ => None,
        };
        spec.layers.iter().filter_map(|layer| alpha(&layer.kind)).collect()
    };
    assert_eq!(alphas("cifar-18pct"), [5e-5 / 9.0; 2]);
    assert_eq!(alphas("cifar-11pct"), [1e-3 / 9.0; 2]);
}

#[test]
fn batch_normalisation_follows_every_convolution() {
    let spec = varied("alexnet", &ModelConfig { norm: Some(Norm::Batch), ..plain() }).unwrap();
    for number in 1..=5 {
        let names = names(&spec);
        let conv = names.iter().position(|name| *name == format!("conv{number}")).unwrap();
        assert_eq!(names[conv + 1..=conv + 2], [format!("bn{number}"), format!("relu{number}")]);
    }
}

#[test]
fn normalisation_stands_where_it_is_told() {
    let order = |name, order| {
        let spec = varied(name, &ModelConfig { norm_order: Some(order), ..plain() }).unwrap();
        let first: Vec<String> = between(&spec, "conv1", "conv2").iter().map(|n| (*n).to_owned()).collect();
        (first, between(&spec, "conv2", "conv3").join(" "))
    };
    let (first, second) = order("alexnet", NormOrder::AfterRelu);
    assert_eq!((first.join(" ").as_str(), second.as_str()), ("relu1 lrn1 pool1", "relu2 lrn2 pool2"));
    let (first, second) = order("alexnet", NormOrder::BeforeRelu);
    assert_eq!((first.join(" ").as_str(), second.as_str()), ("lrn1 relu1 pool1", "lrn2 relu2 pool2"));
    let (first, second) = order("alexnet", NormOrder::Author);
    assert_eq!((first.join(" ").as_str(), second.as_str()), ("lrn1 relu1 pool1", "relu2 lrn2 pool2"));
    let (first, _) = order("alexnet-as-run", NormOrder::AfterRelu);
    assert_eq!(first.join(" "), "pool1 relu1 lrn1");
}

/// `layers-147.cfg`: 55 to 28, conv2 26, 13, 13, 13, conv5 11, 6.
#[test]
fn windows_side_by_side_come_with_the_authors_padding() {
    let spec = varied("alexnet", &ModelConfig { pooling: Some(Pooling::Plain), ..plain() }).unwrap();
    let shapes = ["pool1", "conv2", "pool2", "conv4", "conv5", "pool5"].map(|layer| output(&spec, layer));
    assert_eq!(shapes, ["96x28x28", "256x26x26", "256x13x13", "384x13x13", "256x11x11", "256x6x6"]);
    let shapes = Shapes::of(&spec).unwrap();
    // fc8 has 10 classes here instead of 1000.
    assert_eq!(shapes.parameter_count(), 60_965_224 - 990 * 4097);
    assert_eq!(shapes.multiply_adds(), 686_891_552 - 990 * 4096);
}

#[test]
fn small_networks_keep_their_sizes_with_windows_side_by_side() {
    for name in ["alexnet-64", "cifar-80sec", "cifar-13pct"] {
        let plain_pools = varied(name, &ModelConfig { pooling: Some(Pooling::Plain), ..plain() }).unwrap();
        let usual = varied(name, &plain()).unwrap();
        let count = |spec| Shapes::of(spec).unwrap().parameter_count();
        assert_eq!(count(&plain_pools), count(&usual), "{name}");
    }
}

/// The network that a port without groups builds.
#[test]
fn one_column_has_more_parameters() {
    let spec = preset("alexnet").unwrap();
    let variants = Variants { columns: 1, ..spec.variants.clone() };
    let shapes = Shapes::of(&spec.spec(1000, &variants).unwrap()).unwrap();
    assert_eq!((shapes.parameter_count(), shapes.multiply_adds()), (62_378_344, 1_135_256_096));
}

#[test]
fn every_middle_convolution_can_be_left_out() {
    for name in ["alexnet", "alexnet-64", "alexnet-owt", "alexnet-as-run"] {
        for layer in ["conv2", "conv3", "conv4", "conv5"] {
            let spec = varied(name, &ModelConfig { without: vec![layer.into()], ..plain() }).unwrap();
            assert!(!names(&spec).contains(&layer), "{name}");
            assert!(names(&spec).contains(&"pool5") && names(&spec).contains(&"fc6"), "{name}");
            let number = &layer[4..];
            assert!(!names(&spec).contains(&format!("relu{number}").as_str()), "{name} {layer}");
        }
    }
    let spec = varied("alexnet-owt", &ModelConfig { without: vec!["conv5".into()], ..plain() }).unwrap();
    assert_eq!(between(&spec, "relu4", "fc6"), ["pool5", "dropout6"]);
}

#[test]
fn neurons_and_dropout_are_exchanged_everywhere() {
    let spec = varied("alexnet", &ModelConfig { activation: Some(Activation::Tanh), ..plain() }).unwrap();
    assert_eq!(spec.layers.iter().filter(|layer| layer.kind == LayerKind::Tanh).count(), 7);
    assert!(!spec.layers.iter().any(|layer| layer.kind == LayerKind::Relu));
    let dropouts = |dropout| {
        let spec = varied("alexnet", &ModelConfig { dropout: Some(dropout), ..plain() }).unwrap();
        let inverted = |kind: &LayerKind| match *kind {
            LayerKind::Dropout { inverted, .. } => Some(inverted),
            _ => None,
        };
        spec.layers.iter().filter_map(|layer| inverted(&layer.kind)).collect::<Vec<_>>()
    };
    assert!(dropouts(Dropout::Off).is_empty());
    assert_eq!(dropouts(Dropout::Original), [false; 2]);
    assert_eq!(dropouts(Dropout::Inverted), [true; 2]);
}

#[test]
fn every_variant_of_every_preset_fits_together_or_is_refused_with_its_name() {
    let settings: [(&str, ModelConfig); 8] = [
        ("model.norm=printed", ModelConfig { norm: Some(Norm::Printed), ..plain() }),
        ("model.norm=batch", ModelConfig { norm: Some(Norm::Batch), ..plain() }),
        ("model.norm_order", ModelConfig { norm_order: Some(NormOrder::BeforeRelu), ..plain() }),
        ("model.pooling", ModelConfig { pooling: Some(Pooling::Plain), ..plain() }),
        ("model.columns=2", ModelConfig { columns: Some(2), ..plain() }),
        ("model.dropout", ModelConfig { dropout: Some(Dropout::Inverted), ..plain() }),
        ("model.without=conv2", ModelConfig { without: vec!["conv2".into()], ..plain() }),
        ("model.activation", ModelConfig { activation: Some(Activation::Tanh), ..plain() }),
    ];
    let mut refused = 0;
    for preset in PRESETS.iter() {
        for (setting, config) in &settings {
            if let Err(message) = varied(preset.name, config) {
                assert!(message.contains(preset.name) && message.contains(setting), "{message}");
                refused += 1;
            }
        }
    }
    // Two CIFAR networks without normalisation; no columns and no dropout in any of the four.
    assert_eq!(refused, 2 + 4 + 4);
}

#[test]
fn a_layer_that_cannot_be_left_out_is_answered_with_those_that_can() {
    for layer in ["conv1", "conv9", "fc6", "pool1"] {
        let config = ModelConfig { without: vec![layer.into()], ..plain() };
        let message = varied("alexnet", &config).unwrap_err();
        assert!(message.contains(layer) && message.contains("conv2, conv3, conv4, conv5"), "{message}");
    }
}
