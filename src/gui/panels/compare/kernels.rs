//! The newest first-layer kernels of the ticked runs, side by side.

use egui::{Label, RichText, ScrollArea, Ui, vec2};

use super::looks::{Look, name_ui};
use crate::engine::RunEntry;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::view::View;
use crate::gui::widgets::{KernelGrid, busy_ui, kernel_grid_ui};
use crate::vis::Scale;

/// Least width of the kernels of a run, in points.
const WIDTH: f32 = 220.0;

pub(super) fn kernels_ui(ui: &mut Ui, state: &State, view: &mut View, compared: &[&RunEntry]) {
    ui.horizontal(|ui| {
        for (scale, name, help) in [
            (Scale::Column, "One scale", "Black and white mean the same in all kernels of a column of a run"),
            (Scale::Kernel, "Each its own", "Each kernel from its own darkest to its own brightest"),
        ] {
            ui.selectable_value(&mut view.film.scale, scale, name).on_hover_text(help);
        }
        ui.label(RichText::new("Click one to mark the kernel of that number in every run.").small().weak());
    });
    let room = ui.available_size();
    let width = (room.x / compared.len() as f32 - 12.0).max(WIDTH).min(room.x);
    ScrollArea::both().id_salt("compared kernels").auto_shrink(false).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            for (place, entry) in compared.iter().enumerate() {
                ui.allocate_ui_with_layout(
                    vec2(width, room.y - 12.0),
                    egui::Layout::top_down(egui::Align::Min),
                    |ui| run_ui(ui, state, view, entry, Look::of(ui, place)),
                );
            }
        });
    });
}

fn run_ui(ui: &mut Ui, state: &State, view: &mut View, entry: &RunEntry, look: Look) {
    ui.set_width(ui.available_width());
    name_ui(ui, &entry.name, look);
    let note = |ui: &mut Ui, text: &str| {
        ui.add(Label::new(RichText::new(text).small().weak()).wrap());
    };
    match state.runs.run(&entry.folder) {
        None => busy_ui(ui, "Reading the kernels"),
        Some(Err(reason)) => note(ui, reason),
        Some(Ok(run)) => {
            let texture = view.compare.texture(ui.ctx(), &entry.folder, run, view.film.scale);
            let (Some(kernels), Some(texture)) = (&run.kernels, texture) else {
                note(ui, "This run has kept no kernels.");
                return;
            };
            note(ui, &format!("after {} updates", format::count(kernels.step as usize)));
            let room = vec2(ui.available_width(), (ui.available_height() - 4.0).max(60.0));
            ui.push_id(&entry.folder, |ui| {
                kernel_grid_ui(ui, KernelGrid::of(kernels), &texture, room, &mut view.compare.kernel);
            });
        }
    }
}
