//! Pictures of what a network learns, made from plain host data.

mod comparison;
mod evaluation;
mod figures;
mod film;
mod filters;
mod history;
mod kernels;
mod maps;
mod rates;
mod sheet;

pub use comparison::{error_svg, loss_svg, top5_svg};
pub use evaluation::{ClassResult, Evaluation, Verdict};
pub use figures::{FigureError, filters_png, write_curves, write_filters};
pub use film::{write_film, write_filters_svg};
pub use filters::{FilterGrid, PER_ROW, Scale, extent};
pub use history::{EvaluationPoint, History, MAX_POINTS, RatePoint, StepPoint, Thinned};
pub use kernels::LayerKernels;
pub use maps::{Heat, MapScale, activation_colour, maps_picture, overlay, strongest};
pub use rates::{rate_span, write_rates};
pub use sheet::{
    Caption, PictureRow, write_confusion, write_maps, write_overlay, write_picture, write_rows, write_units,
};
