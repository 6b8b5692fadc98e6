//! Small parts that several panels use. Each says its name and its value to a screen reader.

mod bars;
mod busy;
mod buttons;
mod choice;
mod empty;
mod kernels;
mod one_line;
mod pairs;
mod progress;
mod sheet;
mod sign;
mod split;
mod swatch;
mod walker;

pub use bars::{bar_ui, marked_bar_ui};
pub use busy::busy_ui;
pub use buttons::{button_ui, heading_ui, primary_button_ui, small_button_ui};
pub use choice::{choice_ui, dropdown_ui};
pub use empty::empty_ui;
pub use kernels::{KernelGrid, enlarged_ui, kernel_grid_ui};
pub use one_line::one_line;
pub use pairs::pairs_ui;
pub use progress::progress_ui;
pub use sheet::sheet;
pub use sign::{tick, warning_sign};
pub use split::{Direction, Pane, split_ui};
pub use swatch::{Mark, swatch_ui};
pub use walker::{Walk, walker_ui};
