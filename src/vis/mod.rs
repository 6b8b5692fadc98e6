//! Pictures of what a network learns, made from plain host data.

mod comparison;
mod course;
mod evaluation;
mod figures;
mod filters;
mod history;
mod rates;

pub use comparison::{error_svg, loss_svg};
pub use course::Course;
pub use evaluation::{ClassResult, Evaluation, Verdict};
pub use figures::{FigureError, write_curves, write_filters};
pub use filters::FilterGrid;
pub use history::{EvaluationPoint, History, MAX_POINTS, RatePoint, StepPoint, Thinned};
pub use rates::{rate_span, write_rates};
