//! Looking into a network: activations, muting, receptive fields, occlusion, Grad-CAM, exciting pictures.

use alexnet_lab::data;
use alexnet_lab::infer::{
    Candidate, Muted, OcclusionWork, Patch, Search, activations, grad_cam, ranked, usual_layer,
};
use alexnet_lab::model::{
    Field, Input, InputSpec, LayerKind, ModelSpec, Network, ParameterRole, preset, to_host,
};
use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use serde::Deserialize;

use crate::model::network::{small_spec, small_weights};
use crate::support::{assert_close, fixture, software_device};

const SIDE: usize = 12;

fn spec() -> ModelSpec {
    let input = InputSpec { side: SIDE, stored_side: SIDE, scale: [1.0 / 64.0; 3] };
    ModelSpec { input, ..small_spec() }
}

/// As in `make_grad_cam.py`.
fn picture() -> RgbImage {
    let value = |x: u32, y: u32, c: u32| ((x * 37 + y * 91 + c * 53 + x * y * 7) % 256) as u8;
    RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| Rgb([0, 1, 2].map(|c| value(x, y, c))))
}

fn network(weights: &[Vec<f32>], device: &Device) -> Network {
    Network::new(spec(), weights, device).unwrap()
}

fn input() -> Input {
    Input::from_channel_means(spec().input, [128.0; 3])
}

fn classes() -> Vec<String> {
    ["cat", "dog", "owl"].map(str::to_owned).to_vec()
}

fn devices() -> Vec<Device> {
    std::iter::once(Device::flex()).chain(software_device()).collect()
}

fn muted(layer: &str, map: Option<usize>) -> Muted {
    Muted { layer: layer.into(), map }
}

#[test]
fn every_layer_is_told_and_the_last_one_gives_the_prediction() {
    for device in devices() {
        let network = network(&small_weights(), &device);
        let found = activations(&network, &input(), &classes(), &picture(), &[]).unwrap();
        let names: Vec<&str> = found.layers.iter().map(|layer| layer.name.as_str()).collect();
        let wanted: Vec<&str> = network.spec().layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, wanted);
        let pixels = input().upload(&data_planes(), &device);
        let scores = network.scores_of(pixels).unwrap();
        let last = &found.layers.last().unwrap().values;
        assert_close("the last layer", last, &scores, 1e-5, 1e-6);
        let conv = &found.layers[0];
        assert_eq!((conv.maps, conv.height, conv.width), (6, SIDE, SIDE));
        assert!(conv.values.iter().any(|v| *v < 0.0), "before the neurons");
        let relu = &found.layers[1];
        for (place, (before, after)) in conv.values.iter().zip(&relu.values).enumerate() {
            assert_eq!(before.max(0.0), *after, "value {place}");
        }
        let [row, column] = relu.strongest(2);
        assert_eq!(relu.value(2, [row, column]), relu.map(2).iter().copied().fold(f32::MIN, f32::max));
        assert!((found.before.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert_eq!(found.after, None);
        assert_eq!(found.seen, picture());
    }
}

fn data_planes() -> Vec<u8> {
    data::planes(&picture())
}

/// Muting is what setting weights to 0 is: every weight that leads from a map of conv1, or the kernel itself.
#[test]
fn muting_equals_a_network_without_the_kernel() {
    for device in devices() {
        let weights = small_weights();
        let whole = network(&weights, &device);
        // A kernel that gives 0 everywhere.
        let mut without = weights.clone();
        let of_kernel = without[0].len() / 6;
        without[0][2 * of_kernel..3 * of_kernel].fill(0.0);
        without[1][2] = 0.0;
        let wanted = activations(&network(&without, &device), &input(), &classes(), &picture(), &[]).unwrap();
        let before = activations(&whole, &input(), &classes(), &picture(), &[]).unwrap();
        let got = activations(&whole, &input(), &classes(), &picture(), &[muted("conv1", Some(2))]).unwrap();
        assert_eq!(got.before, before.before);
        let after = got.after.as_ref().expect("something is muted");
        assert_ne!(after, &got.before, "it does something");
        assert_close("probabilities", after, &wanted.before, 1e-5, 1e-6);
        for (got, wanted) in got.layers.iter().zip(&wanted.layers) {
            assert_close(&got.name, &got.values, &wanted.values, 1e-5, 1e-6);
        }
    }
}

/// A muted unit of a fully connected layer is a column of zeros in the next; a muted layer leaves its biases.
#[test]
fn units_and_whole_layers_are_muted_too_and_several_at_once() {
    let device = Device::flex();
    let weights = small_weights();
    let whole = network(&weights, &device);
    let mut without = weights.clone();
    without[8].chunks_exact_mut(8).for_each(|row| (row[1], row[6]) = (0.0, 0.0));
    let wanted = activations(&network(&without, &device), &input(), &classes(), &picture(), &[]).unwrap();
    let both = [muted("relu3", Some(1)), muted("dropout3", Some(6))];
    let got = activations(&whole, &input(), &classes(), &picture(), &both).unwrap();
    assert_close("two units", &got.after.unwrap(), &wanted.before, 1e-5, 1e-6);

    let got = activations(&whole, &input(), &classes(), &picture(), &[muted("relu3", None)]).unwrap();
    assert_close("only biases", &got.layers.last().unwrap().values, &weights[9], 1e-6, 1e-7);
}

#[test]
fn what_cannot_be_muted_is_said() {
    let network = network(&small_weights(), &Device::flex());
    let ask = |one: Muted| activations(&network, &input(), &classes(), &picture(), &[one]).unwrap_err();
    let error = ask(muted("conv9", None));
    assert!(error.contains("no layer `conv9`") && error.contains("conv1, relu1"), "{error}");
    let error = ask(muted("conv2", Some(4)));
    assert!(error.contains("conv2 has 4 maps") && error.contains("no map 5"), "{error}");
}

/// The arithmetic of kernels and strides for the paper's network.
#[test]
fn receptive_fields_are_those_of_the_paper() {
    let spec = preset("alexnet").unwrap().standard(1000);
    let field = |name: &str| {
        let index = spec.layers.iter().position(|layer| layer.name == name).unwrap();
        spec.receptive_field(index)
    };
    for (name, size, jump) in [
        ("conv1", 11, 4),
        ("pool1", 19, 8),
        ("conv2", 51, 8),
        ("pool2", 67, 16),
        ("conv3", 99, 16),
        ("conv4", 131, 16),
        ("relu5", 163, 16),
        ("pool5", 195, 32),
    ] {
        let field = field(name).unwrap_or_else(|| panic!("{name} has maps"));
        assert_eq!((field.size, field.jump), (size, jump), "{name}");
    }
    // Two pixels of padding behind a stride of 8 reach 16 pixels further.
    assert_eq!(field("conv2").map(|field| (field.top, field.left)), Some((-16, -16)));
    assert_eq!(field("fc6"), None);
}

/// What a unit sees is what changes it, for every layer with maps, at the edges and in the middle.
#[test]
fn only_pixels_of_the_receptive_field_change_a_unit() {
    let network = network(&small_weights(), &Device::flex());
    let look = |picture: &RgbImage| activations(&network, &input(), &classes(), picture, &[]).unwrap();
    let before = look(&picture());
    for (x, y) in [(0, 0), (11, 11), (5, 6), (11, 3)] {
        let mut other = picture();
        let pixel = other.get_pixel_mut(x, y);
        pixel.0 = pixel.0.map(|value| 255 - value);
        let after = look(&other);
        for (before, after) in before.layers.iter().zip(&after.layers) {
            let Some(field) = before.field else { continue };
            for row in 0..before.height {
                for column in 0..before.width {
                    let [rows, columns] = field.window([row, column], SIDE);
                    let inside = rows.contains(&(y as usize)) && columns.contains(&(x as usize));
                    let place = [row, column];
                    let changed =
                        (0..before.maps).any(|map| before.value(map, place) != after.value(map, place));
                    assert!(inside || !changed, "{} at {place:?} sees {x}, {y}", before.name);
                    if before.name == "conv1" {
                        assert_eq!(inside, changed, "conv1 at {place:?}, pixel {x}, {y}");
                    }
                }
            }
        }
    }
}

#[test]
fn fields_end_where_the_picture_ends() {
    let field = Field { size: 5, jump: 4, top: -2, left: 0 };
    assert_eq!(field.window([0, 0], 10), [0..3, 0..5]);
    assert_eq!(field.window([2, 2], 10), [6..10, 8..10]);
}

/// A network that adds up what is bright in one corner: only a patch there costs anything.
#[test]
fn occlusion_finds_the_one_place_that_matters() {
    let device = Device::flex();
    let spec = corner_spec();
    let mut linear = vec![0.0; 2 * 64];
    // Class 0 sees the 2x2 pixels from column 4 and row 2 on.
    for (x, y) in [(4, 2), (5, 2), (4, 3), (5, 3)] {
        linear[y * 8 + x] = 2.0;
    }
    let weights = [vec![1.0 / 3.0; 3], vec![0.0], linear, vec![0.0, 0.0]];
    let network = Network::new(spec.clone(), &weights, &device).unwrap();
    let input = Input::from_channel_means(spec.input, [0.0; 3]);
    let white = RgbImage::from_pixel(8, 8, Rgb([255; 3]));
    let names = ["corner", "rest"].map(str::to_owned);
    let patch = Some(Patch { size: 2, stride: 2 });
    let mut work = OcclusionWork::new(&network, &input, &names, &white, &[], patch).unwrap();
    assert_eq!(work.total(), 16);
    while work.done() < work.total() {
        work.advance(3).unwrap();
    }
    let map = work.finish().expect("all places were made");
    let lost = map.loss(0);
    for (place, &lost) in lost.iter().enumerate() {
        let (x, y) = (place % 8, place / 8);
        let matters = (4..6).contains(&x) && (2..4).contains(&y);
        // Without the corner both classes are equal.
        let wanted = if matters { map.uncovered[0] - 0.5 } else { 0.0 };
        assert!((lost - wanted).abs() < 1e-5, "{x}, {y}: {lost}, not {wanted}");
    }
    assert!(map.loss(1)[2 * 8 + 4] < -0.1, "the other class gains");
}

fn corner_spec() -> ModelSpec {
    let small = small_spec();
    let LayerKind::Conv { init, .. } = small.layers[0].kind else { panic!("it begins with a convolution") };
    let padding = alexnet_lab::model::Sides::all(0);
    let mut layers = small.layers[..2].to_vec();
    layers[0].kind = LayerKind::Conv { out: 1, kernel: 1, stride: 1, padding, groups: 1, init };
    layers[1].kind = LayerKind::Linear { out: 2, columns: 1, init };
    let input = InputSpec { side: 8, stored_side: 8, scale: [1.0 / 255.0; 3] };
    ModelSpec { name: "corner".into(), input, layers }
}

#[test]
fn patches_touch_the_far_edge_and_must_fit() {
    assert_eq!(Patch { size: 3, stride: 4 }.places(8).unwrap(), [0, 4, 5]);
    assert_eq!(Patch { size: 8, stride: 1 }.places(8).unwrap(), [0]);
    for wrong in [Patch { size: 9, stride: 1 }, Patch { size: 0, stride: 1 }, Patch { size: 2, stride: 0 }] {
        assert!(wrong.places(8).is_err(), "{wrong:?}");
    }
    for side in [1, 2, 8, 24, 32, 64, 224] {
        assert!(Patch::usual(side).places(side).is_ok(), "{side}");
    }
}

/// What `make_grad_cam.py` writes.
#[derive(Deserialize)]
struct Wanted {
    scores: Vec<f64>,
    relu2: Vec<WantedMap>,
    pool1: Vec<WantedMap>,
}

#[derive(Deserialize)]
struct WantedMap {
    weights: Vec<f64>,
    values: Vec<f64>,
}

#[test]
fn grad_cam_equals_that_of_pytorch() {
    let wanted: Wanted = serde_json::from_slice(&fixture("grad_cam/small.json")).unwrap();
    for device in devices() {
        let network = network(&small_weights(), &device);
        let scores = network.scores_of(input().upload(&data_planes(), &device)).unwrap();
        assert_close("the same network", &scores, &wanted.scores, 1e-4, 1e-5);
        assert_eq!(usual_layer(&network), Some("relu2"));
        for (layer, wanted) in [(None, &wanted.relu2), (Some("pool1"), &wanted.pool1)] {
            for (class, wanted) in wanted.iter().enumerate() {
                let found =
                    grad_cam(&network, &input(), &classes(), &picture(), &[], layer, Some(class)).unwrap();
                let what = format!("{} for class {class}", found.layer);
                assert_close(&format!("weights of {what}"), &found.weights, &wanted.weights, 1e-4, 1e-6);
                assert_close(&what, &found.values, &wanted.values, 1e-4, 1e-6);
            }
        }
        let usual = grad_cam(&network, &input(), &classes(), &picture(), &[], None, None).unwrap();
        assert_eq!(usual.class, ranked(&usual.probabilities)[0], "the most probable class");
        assert!(grad_cam(&network, &input(), &classes(), &picture(), &[], Some("fc3"), None).is_err());
        assert!(grad_cam(&network, &input(), &classes(), &picture(), &[], None, Some(3)).is_err());
    }
}

#[test]
fn spreading_keeps_the_middles_and_the_extent() {
    let network = network(&small_weights(), &Device::flex());
    let mut found = grad_cam(&network, &input(), &classes(), &picture(), &[], None, None).unwrap();
    (found.height, found.width, found.values) = (1, 2, vec![0.0, 1.0]);
    let spread = found.spread(4);
    assert_eq!(spread[..4], [0.0, 0.25, 0.75, 1.0]);
    assert_eq!(spread[12..], spread[..4]);
}

#[test]
fn the_most_exciting_pictures_come_first_with_their_place() {
    let device = Device::flex();
    let network = network(&small_weights(), &device);
    let mut search = Search::new(&network, &input(), "relu1").unwrap();
    // Twelve pictures: more and more contrast.
    let candidates: Vec<Candidate> = (0..12u32)
        .map(|number| {
            let mut stored = picture();
            stored
                .pixels_mut()
                .for_each(|p| p.0 = p.0.map(|v| (128 + (i32::from(v) - 128) * number as i32 / 11) as u8));
            Candidate { name: number.to_string(), label: number % 3, stored }
        })
        .collect();
    for part in candidates.chunks(5) {
        search.add(part).unwrap();
    }
    let found = search.finish();
    assert_eq!((found.seen, found.maps.len(), found.layer.as_str()), (12, 6, "relu1"));
    for (map, best) in found.maps.iter().enumerate() {
        assert_eq!(best.len(), 9, "map {map}");
        assert!(best.windows(2).all(|pair| pair[0].value >= pair[1].value), "map {map}");
        for one in best {
            let candidate = &candidates[one.picture.name.parse::<usize>().unwrap()];
            let look = activations(&network, &input(), &classes(), &candidate.stored, &[]).unwrap();
            let layer = look.layers.iter().find(|layer| layer.name == "relu1").unwrap();
            let highest = layer.map(map).iter().copied().fold(f32::MIN, f32::max);
            assert!(
                (layer.value(map, one.place) - one.value).abs() < 1e-6,
                "map {map}, {}",
                one.picture.name
            );
            assert!((highest - one.value).abs() < 1e-6, "map {map}, {}", one.picture.name);
            assert_eq!(one.picture.label, candidate.label);
        }
    }
    let error = Search::new(&network, &input(), "conv7").err().unwrap();
    assert!(error.contains("no layer `conv7`"), "{error}");
}

/// Every preset can be looked into: no layer that the walk does not know, and the walk gives what the pass gives.
#[test]
fn every_preset_can_be_walked() {
    let device = Device::flex();
    for name in ["cifar-80sec", "cifar-18pct", "cifar-13pct"] {
        let spec = preset(name).unwrap().standard(4);
        let shapes = alexnet_lab::model::Shapes::of(&spec).unwrap();
        let weights: Vec<Vec<f32>> = (1..)
            .zip(&shapes.parameters)
            .map(|(seed, p)| {
                let scale = if p.role == ParameterRole::Weight { 0.05 } else { 0.1 };
                crate::model::network::noise(p.shape.iter().product(), seed, scale)
            })
            .collect();
        let network = Network::new(spec.clone(), &weights, &device).unwrap();
        let input = Input::from_channel_means(spec.input, [128.0; 3]);
        let big = image::imageops::resize(&picture(), 40, 40, image::imageops::FilterType::Nearest);
        let names: Vec<String> = (0..4).map(|class| class.to_string()).collect();
        let found = activations(&network, &input, &names, &big, &[]).unwrap();
        for (layer, shape) in found.layers.iter().zip(&shapes.layers) {
            assert_eq!(layer.values.len(), shape.output.len(), "{name} {}", layer.name);
        }
        let side = spec.input.side as u32;
        let planes: Vec<f32> = (0..3)
            .flat_map(|c| found.seen.pixels().map(move |p| f32::from(p.0[c]) - 128.0))
            .zip((0..3).flat_map(|c| vec![spec.input.scale[c]; (side * side) as usize]))
            .map(|(v, scale)| v * scale)
            .collect();
        let shape = [1, 3, side as usize, side as usize];
        let pass = network.forward(
            network.weights(),
            Tensor::from_data(TensorData::new(planes, shape), &device),
            alexnet_lab::model::Mode::Inference,
        );
        let wanted = to_host(pass.logits).unwrap();
        assert_close(name, &found.layers.last().unwrap().values, &wanted, 1e-4, 1e-5);
        let cam = grad_cam(&network, &input, &names, &big, &[], None, Some(1)).unwrap();
        assert!(cam.weights.iter().any(|w| *w != 0.0), "{name}");
    }
}
