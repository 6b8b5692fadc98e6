//! Pictures of what a network learns, made from plain host data.

mod comparison;
mod evaluation;
mod figures;
mod film;
mod filters;
mod history;
mod kernels;
mod rates;

pub use comparison::{error_svg, loss_svg};
pub use evaluation::{ClassResult, Evaluation, Verdict};
pub use figures::{FigureError, write_curves, write_filters};
pub use film::{write_film, write_filters_svg};
pub use filters::{FilterGrid, PER_ROW, Scale, extent};
pub use history::{EvaluationPoint, History, MAX_POINTS, RatePoint, StepPoint, Thinned};
pub use kernels::LayerKernels;
pub use rates::{rate_span, write_rates};
