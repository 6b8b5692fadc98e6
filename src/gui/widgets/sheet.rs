//! What lies over the window until it is closed.

use egui::{Context, Frame, Id, Modal};

/// Space between the edge of a sheet and what it says.
const MARGIN: f32 = 16.0;

/// A sheet, to be shown with its contents.
pub fn sheet(ctx: &Context, name: &'static str) -> Modal {
    Modal::new(Id::unique(name)).frame(Frame::popup(&ctx.global_style()).inner_margin(MARGIN))
}
