//! What a run shows of its network: the first layer, the pictures in its folder, and a warning.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::Run;
use crate::engine::control::Control;
use crate::engine::error::RunError;
use crate::engine::evaluate::measure;
use crate::engine::event::Event;
use crate::model::LayerKind;
use crate::vis;

impl Run {
    /// The curves and the first layer as pictures. A picture that cannot be drawn is a warning.
    pub(super) fn draw(&self, control: &Control) -> Vec<PathBuf> {
        let folder = self.plan.folder.path();
        let mut drawn = Vec::new();
        let mut keep = |path: PathBuf, result: Result<(), vis::FigureError>| match result {
            Ok(()) => drawn.push(path),
            Err(error) => control.outbox.send(Event::Warning(error.to_string())),
        };
        if !self.history.steps.is_empty() {
            let path = folder.join("curves.png");
            let title = format!("{} on {}", self.plan.model, self.plan.config.data.source);
            let result = vis::write_curves(&self.history, &title, &path);
            keep(path, result);
        }
        if let Ok(Some(grid)) = self.view().filters() {
            let path = folder.join("filters.png");
            let result = vis::write_filters(&grid, vis::Scale::Column, &path);
            keep(path, result);
        }
        drawn
    }

    pub(super) fn show_filters(&mut self, control: &Control) -> Result<(), RunError> {
        self.filters_shown = Instant::now();
        if let Some(grid) = self.view().filters().map_err(RunError::device)? {
            control.outbox.send(Event::Filters(grid));
        }
        Ok(())
    }

    /// Takes a frame of the film if one is due. What cannot be written waits; of a full disk the rows tell.
    pub(super) fn take_frame(&mut self, control: &Control) -> Result<(), RunError> {
        if self.film.due(self.trainer.step())
            && let Some(grid) = self.view().filters().map_err(RunError::device)?
        {
            if let Err(error) = self.film.take(&grid) {
                log::info!("a frame of the film waits: {error}");
            }
            control.outbox.send(Event::Film(grid));
        }
        Ok(())
    }

    /// Measures the validation pictures, if that was asked for while the run is paused.
    pub(super) fn measure_now(&mut self, control: &mut Control) -> Result<(), RunError> {
        let Some(views) = control.measure.take() else { return Ok(()) };
        let source = &self.plan.config.data.source;
        let measured = measure(control, self.view(), &self.plan.store, source, views, self.at_once())?;
        self.plan.check_device()?;
        match measured {
            Some(evaluation) => {
                control.outbox.send(Event::Evaluation(evaluation.point));
                control.outbox.send(Event::Evaluated(Arc::new(evaluation)));
            }
            None => control.outbox.send(Event::Cancelled),
        }
        Ok(())
    }

    /// Pictures of a validation that pass through the network at once, at most. A pass that was made smaller, because
    /// more does not fit, is small here, too.
    pub(super) fn at_once(&self) -> usize {
        if self.plan.config.optim.micro_batch == 0 { usize::MAX } else { self.trainer.micro_batch() }
    }

    /// Batch normalisation measures what passes through the network at once, which may be less than a batch.
    pub(super) fn warn_of_small_passes(&self, control: &Control) {
        let pass = self.trainer.micro_batch();
        let layers = &self.trainer.network().spec().layers;
        let normalised = layers.iter().any(|layer| matches!(layer.kind, LayerKind::BatchNorm { .. }));
        if normalised && pass < self.plan.settings.batch {
            control.outbox.send(Event::Warning(format!(
                "{pass} pictures pass through the network at once, so batch normalisation measures {pass} and not the \
                 {} of a batch",
                self.plan.settings.batch
            )));
        }
    }
}
