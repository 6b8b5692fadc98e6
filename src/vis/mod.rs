//! Pictures of what a network learns, made from plain host data.

mod figures;
mod filters;
mod history;

pub use figures::{FigureError, write_curves, write_filters};
pub use filters::FilterGrid;
pub use history::{EvaluationPoint, History, StepPoint};
