//! The presets have the shapes and counts of their sources.

use alexnet_lab::model::{LayerKind, ModelSpec, PRESETS, Shapes, fitting_preset, preset};

fn spec(name: &str, classes: usize) -> ModelSpec {
    preset(name).unwrap().standard(classes)
}

fn output(shapes: &Shapes, layer: &str) -> String {
    shapes.layers.iter().find(|l| l.name == layer).unwrap().output.to_string()
}

/// Parameters and multiply-adds at 1000 classes, from the paper (section 3.5), the author's configuration files
/// and torchvision's own figures.
#[test]
fn the_alexnets_have_their_counts() {
    let expected = [
        ("alexnet", 60_965_224, 724_406_816),
        ("alexnet-as-run", 60_965_224, 724_406_816),
        ("alexnet-one-gpu", 59_798_312, 391_514_384),
        ("alexnet-owt", 61_100_840, 714_188_480),
        ("alexnet-6conv", 61_555_304, 724_406_816 + 36 * 256 * 256 * 9),
    ];
    for (name, parameters, multiply_adds) in expected {
        let shapes = Shapes::of(&spec(name, 1000)).unwrap();
        assert_eq!((shapes.parameter_count(), shapes.multiply_adds()), (parameters, multiply_adds), "{name}");
    }
}

#[test]
fn the_cifar_networks_have_their_counts() {
    let expected = [
        ("cifar-80sec", 145_578),
        ("cifar-18pct", 89_578),
        ("cifar-13pct", 1_116_490),
        ("cifar-11pct", 2_112_970),
    ];
    for (name, parameters) in expected {
        assert_eq!(Shapes::of(&spec(name, 10)).unwrap().parameter_count(), parameters, "{name}");
    }
}

#[test]
fn the_papers_network_has_its_maps() {
    let shapes = Shapes::of(&spec("alexnet", 1000)).unwrap();
    let expected = [
        ("conv1", "96x55x55"),
        ("pool1", "96x27x27"),
        ("conv2", "256x27x27"),
        ("pool2", "256x13x13"),
        ("conv3", "384x13x13"),
        ("conv4", "384x13x13"),
        ("conv5", "256x13x13"),
        ("pool5", "256x6x6"),
        ("fc6", "4096"),
        ("fc7", "4096"),
        ("fc8", "1000"),
    ];
    for (layer, shape) in expected {
        assert_eq!(output(&shapes, layer), shape, "{layer}");
    }
}

#[test]
fn windows_of_the_cifar_networks_hang_over_the_edge() {
    for (name, sides) in
        [("cifar-80sec", [16, 8, 4]), ("cifar-18pct", [16, 8, 4]), ("cifar-13pct", [12, 6, 0])]
    {
        let shapes = Shapes::of(&spec(name, 10)).unwrap();
        let pools = shapes.layers.iter().filter(|l| l.name.starts_with("pool"));
        for (pool, side) in pools.zip(sides) {
            assert!(pool.output.to_string().ends_with(&format!("x{side}x{side}")), "{name} {pool:?}");
        }
    }
}

#[test]
fn the_small_alexnet_is_built_like_the_large_one() {
    let kinds = |name| -> Vec<String> { spec(name, 10).layers.into_iter().map(|l| l.name).collect() };
    assert_eq!(kinds("alexnet-64"), kinds("alexnet"));
}

#[test]
fn no_block_of_weights_needs_more_than_128_mib_in_one_binding() {
    for preset in PRESETS.iter() {
        let shapes = Shapes::of(&preset.standard(1000)).unwrap();
        for parameter in &shapes.parameters {
            let bytes = 4 * parameter.shape.iter().product::<usize>();
            assert!(bytes <= 128 << 20, "{} {}: {bytes} bytes", preset.name, parameter.name);
        }
    }
}

#[test]
fn every_preset_takes_any_number_of_classes() {
    for preset in PRESETS.iter() {
        for classes in [2, 10, 1000] {
            assert_eq!(Shapes::of(&preset.standard(classes)).unwrap().classes, classes);
        }
    }
}

#[test]
fn small_pictures_get_the_small_network() {
    assert_eq!(fitting_preset(32).name, "cifar-80sec");
    assert_eq!(fitting_preset(64).name, "alexnet-64");
    assert_eq!(fitting_preset(256).name, "alexnet-64");
}

#[test]
fn an_unknown_preset_is_answered_with_the_known_ones() {
    let message = preset("vgg").unwrap_err().to_string();
    assert!(message.contains("`vgg`") && message.contains("alexnet-64"), "{message}");
}

#[test]
fn a_layer_that_does_not_fit_is_named() {
    let mut small = spec("alexnet", 10);
    small.input.side = 30;
    let message = Shapes::of(&small).unwrap_err().to_string();
    assert!(message.contains("pool2") || message.contains("pool5"), "{message}");

    let mut odd = spec("alexnet", 10);
    for layer in &mut odd.layers {
        if let (LayerKind::Conv { groups, .. }, "conv4") = (&mut layer.kind, layer.name.as_str()) {
            *groups = 7;
        }
    }
    assert!(Shapes::of(&odd).unwrap_err().to_string().contains("conv4"));

    let mut headless = spec("alexnet", 10);
    headless.layers.truncate(4);
    assert!(Shapes::of(&headless).unwrap_err().to_string().contains("pool1"));
}

#[test]
fn only_the_network_as_run_ends_as_run_145_did() {
    let with = PRESETS.iter().filter(|preset| preset.recipe.end_game).map(|preset| preset.name);
    assert_eq!(with.collect::<Vec<_>>(), ["alexnet-as-run"]);
}
