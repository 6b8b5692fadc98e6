//! The first layer's kernels, as in the paper's Figure 3, while they take shape.

use egui::{Align, Layout, RichText, TextureHandle, Ui, vec2};

use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::card;
use crate::gui::view::View;
use crate::gui::widgets::{KernelGrid, empty_ui, enlarged_ui, heading_ui, kernel_grid_ui};
use crate::vis::FilterGrid;

/// Least side of an enlarged kernel, in points.
const ENLARGED: f32 = 64.0;

/// The kernel panel.
pub fn filters_ui(ui: &mut Ui, state: &State, view: &mut View) {
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        let step = state.filters.as_ref().map(|grid| format!("step {}", format::count(grid.step as usize)));
        ui.horizontal(|ui| {
            heading_ui(ui, "First-layer kernels");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                // In a narrow pane the title needs the room.
                if ui.available_width() > 80.0 {
                    ui.label(RichText::new(step.unwrap_or_default()).weak());
                }
            });
        });
        match (&state.filters, view.textures.filters(ui.ctx(), state)) {
            (Some(filters), Some(texture)) => {
                let grid = KernelGrid::of(filters);
                ui.add(egui::Label::new(RichText::new(caption(grid)).small().weak()).wrap());
                grid_ui(ui, filters, &texture, view);
            }
            _ => empty_ui(
                ui,
                "Kernels appear here",
                "They start as noise; edges and colours emerge as the network learns, as in the paper's Figure 3.",
            ),
        }
    });
}

/// The grid and, where there is room, one kernel enlarged below it: the chosen one, or the first.
fn grid_ui(ui: &mut Ui, filters: &FilterGrid, texture: &TextureHandle, view: &mut View) {
    let grid = KernelGrid::of(filters);
    let room = vec2(ui.available_width(), (ui.available_height() - 4.0).max(40.0));
    ui.vertical_centered(|ui| kernel_grid_ui(ui, grid, texture, room, &mut view.kernel));
    let left = ui.available_height() - 8.0;
    let kernel = view.kernel.filter(|&kernel| kernel < grid.kernels).unwrap_or(0);
    if left >= ENLARGED {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            enlarged_ui(ui, grid, texture, kernel, left.min(2.0 * ENLARGED));
            ui.vertical(|ui| {
                ui.label(grid.name(kernel));
                ui.label(RichText::new(extent(filters, kernel)).small().weak());
            });
        });
    }
}

/// The smallest and the largest weight of a kernel.
fn extent(filters: &FilterGrid, kernel: usize) -> String {
    let area = 3 * filters.side * filters.side;
    let weights = &filters.weights[kernel * area..(kernel + 1) * area];
    let low = weights.iter().copied().fold(f32::INFINITY, f32::min);
    let high = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    format!("weights from {low:.3} to {high:.3}")
}

fn caption(grid: KernelGrid) -> String {
    let columns = if grid.columns > 1 { ", one block for each column of the network" } else { "" };
    format!(
        "Each square is one of {} kernels of {}x{} pixels: it answers strongest where the picture looks like it{columns}. \
         Point at one to enlarge it, click to keep it.",
        grid.kernels, grid.side, grid.side
    )
}
