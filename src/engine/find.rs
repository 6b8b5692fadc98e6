//! The search for a learning rate: the first updates of a run that is never made, at a rate that rises until
//! the loss explodes.

use std::path::Path;

use super::control::{BATCH_WAIT, Control};
use super::error::RunError;
use super::event::{Event, RateFound, Stage};
use super::feed;
use super::model::{Model, View};
use super::plan::{Plan, steps_per_epoch};
use crate::config::RunConfig;
use crate::data::{HostBatch, Loader, Next};
use crate::train::{Between, Changed, Finder, Outcome, RateRange, Trainer, Tried};
use crate::vis::{self, RatePoint};

/// Searches for a rate with the network, the data and the settings of `config`, from its first weights; the
/// rate and the schedule in it are not used. `idle` answers predictions meanwhile, and stays as it is.
///
/// Returns the curve with what it suggests; nothing if it was stopped.
pub(super) fn find_rate(
    control: &mut Control,
    idle: Option<&Model>,
    config: RunConfig,
    range: RateRange,
) -> Result<Option<RateFound>, RunError> {
    range.check().map_err(RunError::bad_input)?;
    let idle = idle.map(Model::view);
    let Some(mut plan) = Plan::make(control, idle, config, None, "find-lr-")? else { return Ok(None) };
    control.outbox.send(Event::Preparing { stage: Stage::Model, done: 0, total: 0 });
    let finder = plan.trainer().and_then(|trainer| search(control, idle, &plan, trainer, range));
    match finder {
        Ok(Some(finder)) => report(control, plan, &finder).map(Some),
        Ok(None) => {
            plan.folder.discard();
            Ok(None)
        }
        Err(error) => {
            plan.folder.discard();
            Err(error)
        }
    }
}

/// One update after the other until the finder has seen enough. Nothing if it was stopped.
fn search(
    control: &mut Control,
    idle: Option<View<'_>>,
    plan: &Plan,
    mut trainer: Trainer,
    range: RateRange,
) -> Result<Option<Finder>, RunError> {
    for planned in plan.changes.in_force(0.0) {
        match planned.what {
            Changed::LayerRate { layer, scale, .. } => trainer.set_layer_scale(layer, scale),
            Changed::ColourStrength(strength) => {
                trainer.set_colour_strength(strength);
            }
        }
    }
    let steps_per_epoch = steps_per_epoch(&plan.store, &plan.settings) as usize;
    let loader = plan.loader(&trainer, range.updates.div_ceil(steps_per_epoch.max(1)), 0)?;
    let mut finder = Finder::new(range);
    while let Some(rate) = finder.next_rate() {
        control.drain(idle);
        if control.stop {
            return Ok(None);
        }
        let batch = next_batch(&loader);
        feed::warn(control.outbox, &loader);
        let Some(batch) = batch? else { continue };
        let Some(loss) = update(control, idle, &mut trainer, &batch, rate)? else { return Ok(None) };
        loader.reuse(batch);
        plan.check_device()?;
        finder.push(loss);
        if let Some(tried) = finder.tried().last() {
            control.outbox.send(Event::RateTried(point(tried)));
        }
        let (done, total) = (finder.tried().len(), range.updates);
        control.outbox.send(Event::Preparing { stage: Stage::FindingRate, done, total });
    }
    Ok(Some(finder))
}

/// The next batch that holds pictures, if one has come.
fn next_batch(loader: &Loader) -> Result<Option<HostBatch>, RunError> {
    match loader.recv_timeout(BATCH_WAIT) {
        Next::Batch(batch) => Ok(Some(batch).filter(|batch| !batch.labels.is_empty())),
        Next::Pending => Ok(None),
        Next::Failed(message) => Err(RunError::internal(message)),
        // As many batches were ordered as there are updates; some had lost all of their pictures.
        Next::End => Err(RunError::bad_input("too many pictures could not be read to search for a rate")),
    }
}

/// The loss of a batch, before an update from it. Nothing if told to stop.
fn update(
    control: &mut Control,
    idle: Option<View<'_>>,
    trainer: &mut Trainer,
    batch: &HostBatch,
    rate: f64,
) -> Result<Option<f64>, RunError> {
    let outcome = trainer.update(batch, rate, |_, _| {
        control.drain(idle);
        if control.stop { Between::Abandon } else { Between::Continue }
    });
    match outcome.map_err(RunError::internal)? {
        Outcome::Abandoned => Ok(None),
        Outcome::Diverged(_, figures) => Ok(Some(figures.tally.loss())),
        Outcome::Made(_) => {
            let figures = trainer.figures().map_err(RunError::internal)?;
            Ok(Some(figures.map_or(f64::NAN, |figures| figures.tally.loss())))
        }
    }
}

/// Writes the curve as a table and a picture.
fn report(control: &Control, plan: Plan, finder: &Finder) -> Result<RateFound, RunError> {
    let points: Vec<RatePoint> = finder.tried().iter().map(point).collect();
    let suggestion = finder.suggestion();
    plan.folder.describe(&plan.config, plan.store.refused())?;
    let table = plan.folder.rates(&points)?;
    let title = format!("Search for a learning rate: {} on {}", plan.model, plan.config.data.source);
    let folder = plan.folder.without_tables();
    let figure = folder.join("rates.png");
    let suggested = suggestion.as_ref().ok().map(|suggestion| suggestion.rate);
    let figure = drawn(control, &points, suggested, &title, &figure).then_some(figure);
    Ok(RateFound { points, suggestion, exploded: finder.exploded(), folder, table, figure })
}

/// A picture that cannot be drawn is a warning.
fn drawn(control: &Control, points: &[RatePoint], suggested: Option<f64>, title: &str, path: &Path) -> bool {
    match vis::write_rates(points, suggested, title, path) {
        Ok(()) => true,
        Err(error) => {
            control.outbox.send(Event::Warning(error.to_string()));
            false
        }
    }
}

fn point(tried: &Tried) -> RatePoint {
    let Tried { rate, loss, smooth } = *tried;
    RatePoint { rate, loss, smooth }
}
