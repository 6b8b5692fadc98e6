//! The newest first-layer kernels of the ticked runs, side by side.

use egui::{Label, RichText, ScrollArea, Ui, vec2};

use super::looks::{Look, name_ui};
use crate::engine::RunEntry;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::view::View;
use crate::gui::widgets::{KernelGrid, busy_ui, kernel_grid_ui};
use crate::vis::Scale;

/// Least width of the kernels of a run, in points: two pixels for each weight of 16 kernels of 7 and their borders.
const WIDTH: f32 = 272.0;
const SPACE: f32 = 12.0;

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
    // As many beside each other as have room, in rows of equal length.
    let most = ((room.x + SPACE) / (WIDTH + SPACE)).floor().max(1.0) as usize;
    let rows = compared.len().div_ceil(most);
    let columns = compared.len().div_ceil(rows);
    let width = (room.x - SPACE * columns as f32) / columns as f32;
    let height = (room.y / rows as f32 - SPACE).max(120.0);
    ScrollArea::vertical().id_salt("compared kernels").auto_shrink(false).show(ui, |ui| {
        let numbered: Vec<_> = compared.iter().enumerate().collect();
        for row in numbered.chunks(columns) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = SPACE;
                for (place, entry) in row {
                    ui.allocate_ui_with_layout(
                        vec2(width, height),
                        egui::Layout::top_down(egui::Align::Min),
                        |ui| run_ui(ui, state, view, entry, Look::of(ui, *place)),
                    );
                }
            });
        }
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
