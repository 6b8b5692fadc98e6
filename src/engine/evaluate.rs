//! Measuring the validation split.

use rayon::prelude::*;

use super::control::Control;
use super::event::Event;
use super::model::View;
use crate::data::{PictureStore, Split};
use crate::infer::{self, Views};
use crate::train::{Tally, micro_batch};

/// Measures the validation split with a model, tells the progress and serves commands before each pass.
///
/// Returns the figures and how many pictures could not be read any more; `None` if told to stop.
///
/// # Errors
/// A device that no longer answers.
pub(super) fn evaluate(
    control: &mut Control,
    model: View<'_>,
    store: &PictureStore,
    views: Views,
) -> Result<Option<(Tally, usize)>, String> {
    let spec = model.input.spec();
    let total = store.len(Split::Validation);
    let per_picture = if views == Views::Ten { 10 } else { 1 };
    let pass = (micro_batch(model.network.shapes(), 256) / per_picture).max(1);
    let mut tally = Tally::default();
    let mut unreadable = 0;
    for first in (0..total).step_by(pass) {
        control.outbox.send(Event::Evaluating { done: first, total });
        control.drain(Some(model));
        if control.stop {
            return Ok(None);
        }
        let last = (first + pass).min(total);
        let pictures: Vec<_> = (first..last)
            .into_par_iter()
            .filter_map(|index| {
                let planes = store.pixels(Split::Validation, index).ok()?;
                Some((infer::crops(&planes, spec, views), store.label(Split::Validation, index)))
            })
            .collect();
        unreadable += last - first - pictures.len();
        let pixels: Vec<u8> = pictures.iter().flat_map(|(pixels, _)| pixels).copied().collect();
        let labels: Vec<u32> = pictures.iter().map(|&(_, label)| label).collect();
        if labels.is_empty() {
            continue;
        }
        let scores = model.network.scores(model.input, &pixels)?;
        tally.add(&averaged(scores, model.classes.len(), views), &labels);
    }
    Ok(Some((tally, unreadable)))
}

/// One row of scores a picture. With ten views, the logarithm of the averaged probabilities: its softmax
/// gives those probabilities back.
fn averaged(scores: Vec<f32>, classes: usize, views: Views) -> Vec<f32> {
    match views {
        Views::One => scores,
        Views::Ten => scores
            .chunks_exact(10 * classes)
            .flat_map(|rows| infer::mean_probabilities(rows, classes))
            .map(|p| p.max(f64::from(f32::MIN_POSITIVE)).ln() as f32)
            .collect(),
    }
}
