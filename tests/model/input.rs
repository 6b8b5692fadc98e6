//! What the first layer sees: mean, colour noise and scale, against numpy's float64.

use alexnet_lab::data::planes;
use alexnet_lab::model::{Crop, Input, InputSpec, to_host};
use burn::tensor::Device;

use crate::support::{ColourFixture, assert_close, colour_fixture, colour_picture, software_device};

/// The picture of the fixture, its crop, and the input with its mean image.
fn picture_crop_and_input(fixture: &ColourFixture) -> (Vec<u8>, Crop, Input) {
    let mut all: Vec<Vec<u8>> =
        (0..fixture.pictures).map(|i| planes(&colour_picture(i, fixture.stored))).collect();
    let sum_at = |at: usize| all.iter().map(|picture| f32::from(picture[at])).sum::<f32>();
    let stored_mean: Vec<f32> = (0..all[0].len()).map(|at| sum_at(at) / all.len() as f32).collect();
    let spec =
        InputSpec { side: fixture.side as usize, stored_side: fixture.stored as usize, scale: fixture.scale };
    let crop = Crop { left: fixture.left, top: fixture.top, flip: true, ..Crop::default() };
    (all.swap_remove(2), crop, Input::from_stored_mean(spec, &stored_mean))
}

#[test]
fn noisy_pictures_equal_numpys() {
    let fixture = colour_fixture();
    let (picture, crop, input) = picture_crop_and_input(&fixture);
    for device in std::iter::once(Device::flex()).chain(software_device()) {
        // Two crops of one picture, each with its own noise: the first without.
        let feed = |noise: [f64; 3], divisor| {
            let crops = [crop, Crop { shift: noise.map(|v| v as f32), ..crop }];
            let both = to_host(input.upload_crops(&picture, &crops, divisor, &device)).unwrap();
            let (plain, noisy) = both.split_at(input.mean().len());
            (plain.to_vec(), noisy.to_vec())
        };
        let name = |formula: &str| format!("{formula} on {device:?}");
        let (_, author) = feed(fixture.author_shift, 1.0 + fixture.strength as f32);
        assert_close(&name("author"), &author, &fixture.author, 1e-5, 1e-4);
        let (plain, literal) = feed(fixture.literal_shift, 1.0);
        assert_close(&name("literal"), &literal, &fixture.literal, 1e-5, 1e-4);
        let alone = to_host(input.upload_crops(&picture, &[crop], 1.0, &device)).unwrap();
        assert_eq!(plain, alone, "a shift of 0 is no shift");
    }
}

/// The mean stays on the device that asked first, and other devices get it all the same.
#[test]
fn one_input_serves_several_devices() {
    let fixture = colour_fixture();
    let (picture, crop, input) = picture_crop_and_input(&fixture);
    let Some(card) = software_device() else { return };
    let on = |device: &Device| to_host(input.upload_crops(&picture, &[crop], 1.0, device)).unwrap();
    let first = on(&card);
    for device in [Device::flex(), card.clone().autodiff(), card, Device::flex()] {
        assert_close(&format!("{device:?}"), &on(&device), &first, 1e-6, 1e-6);
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
