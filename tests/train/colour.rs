//! Colour noise in training: each picture by its own draw, as strong as asked, and never in a test.

use alexnet_lab::config::ColourNoise;
use alexnet_lab::data::{ColourPca, Colouring, HostBatch};
use burn::tensor::Device;

use super::{PLAIN, batch, trainer, update, weights_of};
use crate::model::network::{noise, small_weights};
use crate::support::assert_close;

fn colouring(strength: f64) -> Colouring {
    let vectors = [[0.8, -0.6, 0.0], [0.0, 0.0, 1.0], [0.6, 0.8, 0.0]];
    let pca = ColourPca { deviations: [20.0, 40.0, 120.0], vectors };
    Colouring { noise: ColourNoise::Author, pca, strength }
}

fn noisy_batch(pictures: usize) -> HostBatch {
    let draws = noise(3 * pictures, 31, 1.5);
    let (draws, _) = draws.as_chunks::<3>();
    HostBatch { colour: draws.to_vec(), ..batch(pictures) }
}

/// Weights after one update with colour noise of a certain strength.
fn updated(batch: &HostBatch, colouring: Option<Colouring>, micro_batch: usize) -> Vec<Vec<f32>> {
    let mut trainer = trainer(&small_weights(), PLAIN, micro_batch, false, &Device::flex());
    trainer.set_colouring(colouring);
    update(&mut trainer, batch, 0.1);
    weights_of(&trainer)
}

#[test]
fn every_picture_keeps_its_draw_however_the_batch_is_cut() {
    let batch = noisy_batch(7);
    let whole = updated(&batch, Some(colouring(0.1)), 7);
    for micro_batch in [1, 3] {
        let pieces = updated(&batch, Some(colouring(0.1)), micro_batch);
        assert_close(&format!("passes of {micro_batch}"), &pieces.concat(), &whole.concat(), 1e-4, 1e-6);
    }
    let mut exchanged = batch.clone();
    exchanged.colour.rotate_left(1);
    assert!(updated(&exchanged, Some(colouring(0.1)), 7) != whole, "the draws do not belong to pictures");
    assert!(updated(&batch, None, 7) != whole, "the noise does nothing");
}

#[test]
fn the_strength_holds_from_the_next_update_on() {
    let batch = noisy_batch(4);
    assert_eq!(updated(&batch, Some(colouring(0.0)), 4), updated(&batch, None, 4));
    let mut changed = trainer(&small_weights(), PLAIN, 4, false, &Device::flex());
    assert!(!changed.set_colour_strength(0.7), "there is no noise yet");
    changed.set_colouring(Some(colouring(0.1)));
    assert!(changed.set_colour_strength(0.3));
    update(&mut changed, &batch, 0.1);
    assert_eq!(weights_of(&changed), updated(&batch, Some(colouring(0.3)), 4));
    assert!(weights_of(&changed) != updated(&batch, Some(colouring(0.1)), 4));
}

#[test]
fn pictures_of_a_test_are_neither_shifted_nor_divided() {
    let batch = noisy_batch(4);
    let mut trainer = trainer(&small_weights(), PLAIN, 4, false, &Device::flex());
    let before = trainer.network().scores(trainer.input(), &batch.pixels).unwrap();
    trainer.set_colouring(Some(colouring(5.0)));
    assert_eq!(trainer.network().scores(trainer.input(), &batch.pixels).unwrap(), before);
}
