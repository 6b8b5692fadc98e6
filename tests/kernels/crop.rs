//! Crops of stored 8-bit pictures: against plain loops in 64-bit floats.

use alexnet_lab::kernels::{Crop, CropConfig, MAX_BINDING_BYTES, crop};
use alexnet_lab::model::{Input, InputSpec};
use burn::tensor::{Device, Tensor, TensorData};

use super::{devices, poison, random, values};
use crate::support::{assert_close, software_device};

const FACTOR: [f32; 3] = [1.0, 0.0171, -0.5];

fn pixels(pictures: usize, stored: usize) -> Vec<u8> {
    random(pictures * 3 * stored * stored, 21).iter().map(|value| (value * 127.5 + 127.5) as u8).collect()
}

fn mean(side: usize) -> Vec<f32> {
    random(3 * side * side, 22).iter().map(|value| value * 60.0 + 120.0).collect()
}

/// Crops at the corners and between them, of the pictures in no order, mirrored and not, every second one shifted.
fn some_crops(count: usize, pictures: usize, room: usize) -> Vec<Crop> {
    let place = |number: usize, factor: usize| (number * factor % (room + 1)) as u32;
    let corner = |number: usize, bit: usize| if number & bit == 0 { 0 } else { room as u32 };
    (0..count)
        .map(|number| Crop {
            picture: (number * 7 + 3) % pictures,
            left: if number < 4 { corner(number, 1) } else { place(number, 5) },
            top: if number < 4 { corner(number, 2) } else { place(number, 3) },
            flip: number % 3 == 1,
            shift: if number % 2 == 0 { [0.0; 3] } else { [-25.5, 3.25, 14.0].map(|v| v * number as f32) },
        })
        .collect()
}

fn reference(pixels: &[u8], crops: &[Crop], mean: &[f32], config: &CropConfig) -> Vec<f64> {
    let CropConfig { stored, side, factor } = *config;
    let mut y = Vec::new();
    for crop in crops {
        for channel in 0..3 {
            for line in 0..side {
                for column in 0..side {
                    let across = if crop.flip { side - 1 - column } else { column };
                    let row = (crop.picture * 3 + channel) * stored + crop.top as usize + line;
                    let pixel = f64::from(pixels[row * stored + crop.left as usize + across]);
                    let mean = f64::from(mean[(channel * side + line) * side + column]);
                    y.push((pixel - mean + f64::from(crop.shift[channel])) * f64::from(factor[channel]));
                }
            }
        }
    }
    y
}

fn on_device(mean: &[f32], side: usize, device: &Device) -> Tensor<3> {
    Tensor::from_data(TensorData::new(mean.to_vec(), [3, side, side]), device)
}

#[test]
fn crops_equal_plain_loops() {
    // Stored side, side of the crops, pictures, crops: whole pictures, single pixels, sides that do not fill words.
    let cases = [
        (8, 8, 2, 4),
        (9, 9, 3, 6),
        (1, 1, 1, 1),
        (7, 1, 2, 9),
        (5, 3, 1, 5),
        (13, 6, 3, 12),
        (32, 24, 4, 10),
        (31, 30, 5, 5),
        (72, 64, 1, 10),
        (256, 227, 2, 3),
    ];
    for (name, device) in devices() {
        for (stored, side, pictures, count) in cases {
            let config = CropConfig { stored, side, factor: FACTOR };
            let (pixels, mean) = (pixels(pictures, stored), mean(side));
            let crops = some_crops(count, pictures, stored - side);
            let want = reference(&pixels, &crops, &mean, &config);
            poison([count, 3, side, side], &device);
            let y = crop(&pixels, &crops, on_device(&mean, side, &device), config);
            assert_eq!(y.dims(), [count, 3, side, side]);
            assert_close(&format!("{name} {side} of {stored}"), &values(y), &want, 1e-5, 1e-5);
        }
    }
}

/// Whatever the number of threads and whatever the device, a run sees the same pictures to the last bit.
#[test]
fn the_card_and_the_processor_give_the_same_bits() {
    let Some(card) = software_device() else { return };
    let (stored, side) = (33, 29);
    let config = CropConfig { stored, side, factor: FACTOR };
    let (pixels, mean, crops) = (pixels(6, stored), mean(side), some_crops(16, 6, stored - side));
    let on = |device: &Device| values(crop(&pixels, &crops, on_device(&mean, side, device), config));
    assert!(on(&Device::flex()) == on(&card));
}

#[test]
fn more_than_65535_workgroups_are_spread_over_rows() {
    let Some(card) = software_device() else { return };
    let (stored, side, pictures) = (20, 20, 10_600);
    assert!(pictures * side * side > 65_535 * 64, "one thread a pixel, 64 threads a workgroup");
    let config = CropConfig { stored, side, factor: FACTOR };
    let (pixels, mean) = (pixels(pictures, stored), mean(side));
    let crops: Vec<Crop> = (0..pictures).map(|picture| Crop { picture, ..Crop::default() }).collect();
    let on = |device: &Device| values(crop(&pixels, &crops, on_device(&mean, side, device), config));
    assert!(on(&Device::flex()) == on(&card));
}

#[test]
fn constants_of_the_graph_need_no_gradient() {
    let (stored, side) = (6, 4);
    let config = CropConfig { stored, side, factor: FACTOR };
    let (pixels, mean, crops) = (pixels(2, stored), mean(side), some_crops(3, 2, 2));
    let want = reference(&pixels, &crops, &mean, &config);
    for (name, device) in devices() {
        let y = crop(&pixels, &crops, on_device(&mean, side, &device.clone().autodiff()), config);
        assert_close(name, &values(y), &want, 1e-5, 1e-5);
    }
}

#[test]
fn no_crops_are_an_empty_batch() {
    for (name, device) in devices() {
        let config = CropConfig { stored: 4, side: 2, factor: FACTOR };
        let y = crop(&[], &[], on_device(&mean(2), 2, &device), config);
        assert_eq!(y.dims(), [0, 3, 2, 2], "{name}");
    }
}

#[test]
fn crops_outside_of_their_pictures_are_refused() {
    let config = CropConfig { stored: 4, side: 3, factor: FACTOR };
    let inside = Crop { picture: 1, left: 1, top: 1, ..Crop::default() };
    assert_eq!(config.check(2 * 48, &[inside]), Ok(()));
    let says = |config: CropConfig, pixels: usize, crop: Crop, part: &str| {
        let message = config.check(pixels, &[crop]).expect_err("outside").to_string();
        assert!(message.contains(part), "{message}");
    };
    says(config, 48, inside, "lies outside of 1 pictures");
    says(config, 96, Crop { left: 2, ..inside }, "3 pixels at 2, 1 of picture 1");
    says(config, 96, Crop { top: u32::MAX, ..inside }, "lies outside");
    says(config, 95, inside, "95 values are no pictures of 4 pixels");
    says(CropConfig { side: 5, ..config }, 96, inside, "crops of 5");
    says(CropConfig { side: 0, stored: 0, ..config }, 0, inside, "no pictures");
}

/// A pass is cut so small that neither its pictures nor its crops are more than any card binds.
#[test]
fn what_is_made_at_once_fits_into_a_binding() {
    for (side, stored_side) in [(227, 256), (1, 256), (24, 32), (2000, 2000), (1, 1)] {
        let spec = InputSpec { side, stored_side, scale: [1.0; 3] };
        let most = Input::from_channel_means(spec, [0.0; 3]).most_at_once();
        let bytes = most * (3 * stored_side * stored_side).max(12 * side * side);
        assert!(
            (MAX_BINDING_BYTES / 2..=MAX_BINDING_BYTES).contains(&bytes),
            "{side} of {stored_side}: {most}"
        );
    }
}
