//! Pictures of what a network learns, made from plain host data.

mod figures;
mod filters;
mod history;
mod rates;

pub use figures::{FigureError, write_curves, write_filters};
pub use filters::FilterGrid;
pub use history::{EvaluationPoint, History, RatePoint, StepPoint};
pub use rates::{rate_span, write_rates};
