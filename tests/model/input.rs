//! What the first layer sees: mean, colour noise and scale, against numpy's float64.

use alexnet_lab::data::augment::{Placement, cut};
use alexnet_lab::data::planes;
use alexnet_lab::model::{Input, InputSpec, to_host};
use burn::tensor::Device;

use crate::support::{ColourFixture, assert_close, colour_fixture, colour_picture, software_device};

/// The crop of the fixture, and the input with its mean image.
fn crop_and_input(fixture: &ColourFixture) -> (Vec<u8>, Input) {
    let all: Vec<Vec<u8>> =
        (0..fixture.pictures).map(|i| planes(&colour_picture(i, fixture.stored))).collect();
    let sum_at = |at: usize| all.iter().map(|picture| f32::from(picture[at])).sum::<f32>();
    let stored_mean: Vec<f32> = (0..all[0].len()).map(|at| sum_at(at) / all.len() as f32).collect();
    let spec =
        InputSpec { side: fixture.side as usize, stored_side: fixture.stored as usize, scale: fixture.scale };
    let mut crop = Vec::new();
    let placement = Placement { left: fixture.left, top: fixture.top, flip: true };
    cut(&all[2], fixture.stored, fixture.side, placement, &mut crop);
    (crop, Input::from_stored_mean(spec, &stored_mean))
}

#[test]
fn noisy_pictures_equal_numpys() {
    let fixture = colour_fixture();
    let (crop, input) = crop_and_input(&fixture);
    let shift = |values: [f64; 3]| values.map(|v| v as f32);
    for device in std::iter::once(Device::flex()).chain(software_device()) {
        // Each picture has its own noise: twice the same pixels, once without.
        let pictures = [crop.as_slice(), &crop].concat();
        let feed = |noise, divisor| {
            let shifts = [[0.0; 3], shift(noise)];
            to_host(input.upload_shifted(&pictures, &shifts, divisor, &device)).unwrap()
        };
        let name = |formula: &str| format!("{formula} on {device:?}");
        let author = feed(fixture.author_shift, 1.0 + fixture.strength as f32);
        assert_close(&name("author"), &author[crop.len()..], &fixture.author, 1e-5, 1e-4);
        let literal = feed(fixture.literal_shift, 1.0);
        assert_close(&name("literal"), &literal[crop.len()..], &fixture.literal, 1e-5, 1e-4);
        let plain = to_host(input.upload(&crop, &device)).unwrap();
        assert_eq!(literal[..crop.len()], plain, "a shift of 0 is no shift");
    }
}

#[test]
fn each_channel_has_its_own_mean_and_scale() {
    let spec = InputSpec { side: 2, stored_side: 5, scale: [1.0, 0.5, 0.25] };
    let input = Input::from_channel_means(spec, [10.0, 20.0, 40.0]);
    assert_eq!(input.mean(), [[10.0; 4], [20.0; 4], [40.0; 4]].as_flattened());
    let pixels = [[110_u8; 4], [120; 4], [0; 4]].concat();
    let values = to_host(input.upload(&pixels, &Device::flex())).unwrap();
    assert_eq!(values, [[100.0_f32; 4], [50.0; 4], [-10.0; 4]].concat());
}
