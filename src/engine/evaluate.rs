//! Measuring the validation split.

use std::sync::Arc;
use std::time::Duration;

use super::control::Control;
use super::error::RunError;
use super::event::Event;
use super::model::View;
use crate::data::{HostBatch, Loader, Next, PictureStore, Split};
use crate::infer::{self, Views};
use crate::train::{Tally, micro_batch};

/// How long to wait for pictures before looking at commands again.
const BATCH_WAIT: Duration = Duration::from_millis(20);

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
    let per_picture = if views == Views::Ten { 10 } else { 1 };
    let affordable = micro_batch(model.network.shapes(), 256).min(model.input.most_at_once());
    let at_once = affordable.min(at_once);
    let pass = (at_once / per_picture).max(1);
    let loader = Loader::validation(store.clone(), pass, spec.side as u32, 0);
    let loader =
        loader.map_err(|e| RunError::internal(format!("the validation pictures cannot be read: {e}")))?;
    let mut tally = Tally::default();
    let mut done = 0;
    control.outbox.send(Event::Evaluating { done, total });
    loop {
        control.drain(Some(model));
        if control.stop {
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
