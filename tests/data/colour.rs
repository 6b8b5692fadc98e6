//! The colours of the training set: principal components against numpy's, and the draws of the colour noise.

use std::sync::Arc;
use std::time::Duration;

use alexnet_lab::config::ColourNoise;
use alexnet_lab::data::augment::colour_normals;
use alexnet_lab::data::{ColourPca, Colouring, Dataset, Loader, Next, PictureStore, Split, TrainPlan};
use image::{Rgb, RgbImage};

use super::{Scripted, chi_square, numbered, store_of};
use crate::support::{assert_close, colour_fixture, colour_picture};

/// The pictures of `make_colour.py` as training set, others for validation.
fn fixture_set() -> Arc<dyn Dataset> {
    let fixture = colour_fixture();
    Scripted::new(fixture.pictures, 2, |split, index, side| match split {
        Split::Train => Ok(colour_picture(index, side)),
        // These must not count.
        Split::Validation => Ok(RgbImage::from_pixel(side, side, Rgb([255, 0, 200]))),
    })
}

#[test]
fn principal_components_equal_numpys() {
    let fixture = colour_fixture();
    let store = store_of(fixture_set(), fixture.stored, usize::MAX, 2);
    let colours = store.colours();
    assert_close("means", &colours.means, &fixture.means, 1e-12, 0.0);
    assert_close("deviations", &colours.pca.deviations, &fixture.deviations, 1e-9, 0.0);
    let want = fixture.vectors.as_flattened();
    assert_close("directions", colours.pca.vectors.as_flattened(), want, 1e-9, 0.0);
}

#[test]
fn the_components_do_not_depend_on_threads_or_budget() {
    let make = |threads, budget| *store_of(fixture_set(), 20, budget, threads).colours();
    let reference = make(1, usize::MAX);
    for (threads, budget) in [(2, 0), (5, usize::MAX), (16, 3000)] {
        assert!(make(threads, budget) == reference, "{threads} threads, budget {budget}");
    }
}

/// A store of pictures of 9 x 9 pixels.
fn coloured(colour: fn(usize, u32, u32) -> [u8; 3]) -> PictureStore {
    let read = move |_, index, side| Ok(RgbImage::from_fn(side, side, |x, y| Rgb(colour(index, x, y))));
    store_of(Scripted::new(4, 2, read), 9, usize::MAX, 2)
}

#[test]
fn grey_and_plain_pictures_have_components_too() {
    let grey = coloured(|index, x, y| [(index as u32 * 40 + 9 * x + y) as u8; 3]);
    let ColourPca { deviations, vectors } = grey.colours().pca;
    let third = 3.0_f64.sqrt().recip();
    assert_close("grey, deviations", &deviations[..2], &[0.0; 2], 0.0, 1e-6);
    assert!(deviations[2] > 50.0, "{deviations:?}");
    assert_close("grey, main direction", &vectors[2], &[third; 3], 1e-9, 0.0);

    let plain = coloured(|_, _, _| [7, 8, 9]);
    assert_eq!(plain.colours().means, [7.0, 8.0, 9.0]);
    let pca = plain.colours().pca;
    assert_eq!(pca.deviations, [0.0; 3]);
    assert!(pca.vectors.as_flattened().iter().all(|part| part.is_finite()));
    for noise in [ColourNoise::Author, ColourNoise::Literal] {
        assert_eq!(Colouring { noise, pca, strength: 0.1 }.shift([3.0; 3]), [0.0; 3]);
    }
}

#[test]
fn components_stand_at_right_angles_and_explain_all_variance() {
    // Colours of very different spread, red and blue against each other.
    let store = coloured(|index, x, y| {
        let wave = (index as u32 * 17 + 23 * x + 5 * y) % 200;
        [(wave + 40) as u8, (100 + y % 2) as u8, (255 - wave) as u8]
    });
    let ColourPca { deviations, vectors } = store.colours().pca;
    for (a, first) in vectors.iter().enumerate() {
        for (b, second) in vectors.iter().enumerate() {
            let product: f64 = first.iter().zip(second).map(|(x, y)| x * y).sum();
            let want = if a == b { 1.0 } else { 0.0 };
            assert!((product - want).abs() < 1e-12, "{a} and {b}: {product}");
        }
        let largest =
            first.iter().copied().fold(0.0, |best: f64, v| if v.abs() > best.abs() { v } else { best });
        assert!(largest > 0.0, "{first:?}");
    }
    assert!(deviations.is_sorted(), "{deviations:?}");
    let total: f64 = (0..3).map(|c| variance_of_channel(&store, c)).sum();
    let explained: f64 = deviations.iter().map(|d| d * d).sum();
    assert_close("variance", &[explained], &[total], 1e-12, 0.0);
}

fn variance_of_channel(store: &PictureStore, channel: usize) -> f64 {
    let plane = (store.side() * store.side()) as usize;
    let values: Vec<f64> = (0..store.len(Split::Train))
        .flat_map(|i| store.pixels(Split::Train, i).unwrap()[channel * plane..(channel + 1) * plane].to_vec())
        .map(f64::from)
        .collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64
}

#[test]
fn the_noise_follows_the_authors_and_the_printed_formula() {
    let fixture = colour_fixture();
    let pca = ColourPca { deviations: fixture.deviations, vectors: fixture.vectors };
    let author = Colouring { noise: ColourNoise::Author, pca, strength: fixture.strength };
    assert_close("author", &author.shift(fixture.normals), &fixture.author_shift, 1e-6, 0.0);
    assert_eq!(author.divisor(), 1.1);
    let literal = Colouring { noise: ColourNoise::Literal, ..author };
    assert_close("literal", &literal.shift(fixture.normals), &fixture.literal_shift, 1e-6, 0.0);
    assert_eq!(literal.divisor(), 1.0);
    for colouring in [Colouring { strength: 0.0, ..author }, Colouring { noise: ColourNoise::Off, ..author }]
    {
        assert_eq!((colouring.shift(fixture.normals), colouring.divisor()), ([0.0; 3], 1.0), "{colouring:?}");
    }
}

/// Mean product of two sets of numbers.
fn mean_product(pairs: impl Iterator<Item = (f32, f32)>) -> f64 {
    let (count, sum) = pairs.fold((0, 0.0), |(n, sum), (a, b)| (n + 1, sum + f64::from(a) * f64::from(b)));
    sum / f64::from(count)
}

#[test]
fn the_draws_are_standard_normal_and_independent() {
    let (epochs, pictures) = (4, 20_000);
    let draws: Vec<Vec<[f32; 3]>> =
        (0..epochs).map(|epoch| (0..pictures).map(|i| colour_normals(11, epoch, i)).collect()).collect();
    let all = || draws.iter().flatten().copied();
    let count = (epochs * pictures) as f64;
    // Four standard errors, each.
    let near = |name: &str, got: f64, want: f64, deviation: f64| {
        let error = 4.0 * deviation / count.sqrt();
        assert!((got - want).abs() < error, "{name}: {got}, want {want} +- {error}");
    };
    for c in 0..3 {
        near(&format!("mean {c}"), mean_product(all().map(|z| (z[c], 1.0))), 0.0, 1.0);
        near(&format!("variance {c}"), mean_product(all().map(|z| (z[c], z[c]))), 1.0, 2.0_f64.sqrt());
        let fourth = mean_product(all().map(|z| (z[c].powi(2), z[c].powi(2))));
        near(&format!("fourth moment {c}"), fourth, 3.0, 96.0_f64.sqrt());
        for other in 0..3 {
            if other > c {
                let name = format!("components {c} and {other}");
                near(&name, mean_product(all().map(|z| (z[c], z[other]))), 0.0, 1.0);
                // Box and Muller's pairs share a radius: their squares would betray a wrong one.
                let squares = mean_product(all().map(|z| (z[c].powi(2) - 1.0, z[other].powi(2) - 1.0)));
                near(&format!("squares of {name}"), squares, 0.0, 2.0);
            }
            // From one picture to the next, and from one epoch to the next.
            let next = draws.iter().flat_map(|d| d.windows(2)).map(|pair| (pair[0][c], pair[1][other]));
            near(&format!("next picture, {c} and {other}"), mean_product(next), 0.0, 1.0);
            let later = draws.windows(2).flat_map(|d| d[0].iter().zip(&d[1])).map(|(a, b)| (a[c], b[other]));
            near(&format!("next epoch, {c} and {other}"), mean_product(later), 0.0, 1.5);
        }
        // The deciles of the normal distribution hold a tenth each.
        let deciles =
            [-1.281_552, -0.841_621, -0.524_401, -0.253_347, 0.0, 0.253_347, 0.524_401, 0.841_621, 1.281_552];
        let mut counts = [0; 10];
        all().for_each(|z| counts[deciles.partition_point(|&edge| edge < z[c])] += 1);
        // 9 degrees of freedom: 27.9 is exceeded once in a thousand.
        assert!(chi_square(&counts) < 27.9, "component {c}: {counts:?}");
    }
}

#[test]
fn every_presentation_has_its_own_draw_on_any_number_of_threads() {
    let store =
        Arc::new(store_of(Scripted::new(45, 9, |_, i, side| Ok(numbered(i, side))), 8, usize::MAX, 2));
    let plan = |threads, colour| TrainPlan {
        batch: 8,
        crop: 6,
        augment: true,
        colour,
        seed: 3,
        epochs: 3,
        first_batch: 0,
        threads,
    };
    let batches = |loader: Loader| {
        std::iter::from_fn(move || match loader.recv_timeout(Duration::from_secs(120)) {
            Next::Batch(batch) => Some(batch),
            Next::End => None,
            other => panic!("{other:?}"),
        })
        .collect::<Vec<_>>()
    };
    let reference = batches(Loader::train(store.clone(), plan(1, true)).unwrap());
    assert!(batches(Loader::train(store.clone(), plan(5, true)).unwrap()) == reference);
    let mut seen = std::collections::HashSet::new();
    for batch in &reference {
        assert_eq!(batch.colour.len(), batch.labels.len());
        for (pixels, draw) in batch.pixels.chunks(3 * 64).zip(&batch.colour) {
            // A numbered picture tells its index in every red pixel.
            assert_eq!(*draw, colour_normals(3, batch.epoch, pixels[0].into()));
            seen.insert(draw.map(f32::to_bits));
        }
    }
    assert_eq!(seen.len(), 3 * 45);
    // Without colour noise the pictures and their crops are the same.
    let without = batches(Loader::train(store.clone(), plan(2, false)).unwrap());
    for (with, without) in reference.iter().zip(&without) {
        assert!(without.colour.is_empty());
        assert!(
            with.pixels == without.pixels
                && with.placements == without.placements
                && with.labels == without.labels
        );
    }
    let validation = batches(Loader::validation(store, 4, 6, 2).unwrap());
    assert!(validation.iter().all(|batch| batch.colour.is_empty()));
}
