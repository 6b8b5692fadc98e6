//! The first layer's kernels, as in the paper's Figure 3, while they take shape.

use egui::{Align, Layout, RichText, Ui};

use super::film::{grid_ui, shown};
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::card;
use crate::gui::view::View;
use crate::gui::widgets::{KernelGrid, empty_ui, heading_ui, small_button_ui};

/// The kernel panel.
pub fn filters_ui(ui: &mut Ui, state: &State, view: &mut View) {
    card(ui).show(ui, |ui| {
        ui.set_min_size(ui.available_size());
        let shown = shown(state, view);
        let step = shown.map(|(grid, _)| format!("step {}", format::count(grid.step as usize)));
        ui.horizontal(|ui| {
            heading_ui(ui, "First-layer kernels");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let help = "Show the kernels as they are now";
                if view.film.frame.is_some() && small_button_ui(ui, "Now", "Newest kernels", help).clicked() {
                    view.film.frame = None;
                }
                // In a narrow pane the title needs the room.
                if ui.available_width() > 80.0 {
                    ui.label(RichText::new(step.unwrap_or_default()).weak());
                }
            });
        });
        match shown {
            Some((filters, number)) => {
                let texture = view.textures.first_layer(ui.ctx(), filters, number, view.film.scale);
                let grid = KernelGrid::of(filters);
                ui.add(egui::Label::new(RichText::new(caption(grid)).small().weak()).wrap());
                grid_ui(ui, filters, &texture, view);
            }
            None => empty_ui(
                ui,
                "Kernels appear here",
                "They start as noise; edges and colours emerge as the network learns, as in the paper's Figure 3.",
            ),
        }
    });
}

fn caption(grid: KernelGrid) -> String {
    let columns = if grid.columns > 1 { ", one block for each column of the network" } else { "" };
    format!(
        "Each square is one of {} kernels of {}x{} pixels: it answers strongest where the picture looks like it{columns}. \
         Point at one to enlarge it, click to keep it.",
        grid.kernels, grid.side, grid.side
    )
}
