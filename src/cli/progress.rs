//! The bar that long work shows on standard error, and only where somebody can watch it move.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whether standard error is a terminal, on which a bar can move.
pub(super) fn is_lively() -> bool {
    stderr().is_terminal()
}

/// A bar in indicatif's template language; unseen where standard error is no terminal.
pub(super) fn bar(template: &str) -> ProgressBar {
    let target =
        if is_lively() { ProgressDrawTarget::stderr_with_hz(8) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    restyle(&bar, template);
    bar
}

/// Gives a bar another template.
pub(super) fn restyle(bar: &ProgressBar, template: &str) {
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
}

/// Shows how far the work is.
pub(super) fn show(bar: &ProgressBar, done: usize, total: usize) {
    bar.set_length(total as u64);
    bar.set_position(done as u64);
}
