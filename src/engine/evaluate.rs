//! Measuring the validation split.

use std::sync::Arc;

use super::control::{BATCH_WAIT, Control};
use super::error::RunError;
use super::event::Event;
use super::model::View;
use crate::data::{HostBatch, Loader, Next, PictureStore, Split};
use crate::infer::{self, Views};
use crate::train::{Tally, micro_batch};
use crate::vis::{Evaluation, EvaluationPoint};
use crate::words;

/// Measures the validation split with a model, tells the progress and serves commands before each pass. While
/// the device is busy with a pass, the pictures of the next are read. At most `at_once` pictures pass through the
/// network at once; `seen` gets the `[N, classes]` scores of each pass with its pictures.
///
/// Returns the figures and how many pictures could not be read any more; `None` if told to stop.
///
/// # Errors
/// A device that no longer answers, or pictures that nobody can read.
pub(super) fn evaluate(
    control: &mut Control,
    model: View<'_>,
    store: &Arc<PictureStore>,
    views: Views,
    at_once: usize,
    seen: &mut dyn FnMut(&[f32], &HostBatch),
) -> Result<Option<(Tally, usize)>, RunError> {
    let spec = model.input.spec();
    let total = store.len(Split::Validation);
    let affordable = micro_batch(model.network.shapes(), 256).min(model.input.most_at_once());
    let at_once = affordable.min(at_once);
    let pass = (at_once / views.count()).max(1);
    let loader = Loader::validation(store.clone(), pass, spec.side as u32, 0);
    let loader =
        loader.map_err(|e| RunError::internal(format!("the validation pictures cannot be read: {e}")))?;
    let mut tally = Tally::default();
    let mut done = 0;
    control.outbox.send(Event::Evaluating { done, total });
    loop {
        control.drain(Some(model));
        // While a run is paused, its going on counts more.
        if control.stop || control.at_rest && control.leaves_pause() {
            return Ok(None);
        }
        let batch = match loader.recv_timeout(BATCH_WAIT) {
            Next::Batch(batch) => batch,
            Next::Pending => continue,
            Next::End => break,
            Next::Failed(reason) => return Err(RunError::internal(reason)),
        };
        done = (done + pass).min(total);
        if !batch.labels.is_empty() {
            let crops = infer::crops(batch.labels.len(), spec, views);
            let pictures = model.input.upload_crops(&batch.pixels, &crops, 1.0, model.network.device());
            let scores = model.network.scores_of(pictures).map_err(RunError::device)?;
            let scores = averaged(scores, model.classes.len(), views);
            tally.add(&scores, &batch.labels);
            seen(&scores, &batch);
        }
        loader.reuse(batch);
        if done < total {
            control.outbox.send(Event::Evaluating { done, total });
        }
    }
    Ok(Some((tally, total - tally.n)))
}

/// Measures the validation split on request and keeps every answer; `source` is its name. `None` if told to stop.
///
/// # Errors
/// As [`evaluate`].
pub(super) fn measure(
    control: &mut Control,
    model: View<'_>,
    store: &Arc<PictureStore>,
    source: &str,
    views: Views,
    at_once: usize,
) -> Result<Option<Evaluation>, RunError> {
    let mut evaluation = Evaluation::new(source.to_owned(), views.count(), model.classes.to_vec());
    let result = evaluate(control, model, store, views, at_once, &mut |scores, batch| {
        let rows = scores.chunks_exact(model.classes.len());
        for ((scores, &label), &index) in rows.zip(&batch.labels).zip(&batch.indices) {
            let index = index as usize;
            let place = store.place(Split::Validation, index);
            evaluation.add(store.name(Split::Validation, index), place, label, scores);
        }
    });
    let Some((tally, unreadable)) = result? else { return Ok(None) };
    let refused = store.refused().len() + unreadable;
    if refused > 0 {
        let pictures = words::counted(refused, "picture");
        let were = words::verb(refused, "was", "were");
        let text = format!("{pictures} could not be read and {were} left out");
        control.outbox.send(Event::Warning(text));
    }
    evaluation.point = evaluation_point(&tally, model.step, 0.0);
    Ok(Some(evaluation))
}

/// A validation as a point of the curve.
pub(super) fn evaluation_point(tally: &Tally, step: u64, epoch: f64) -> EvaluationPoint {
    EvaluationPoint {
        step,
        epoch,
        loss: tally.loss(),
        top1_error: tally.top1_error(),
        top5_error: tally.top5_error(),
        n: tally.n,
    }
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
