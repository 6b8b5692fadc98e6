//! The network before it is trained: the choices, the drawing, and the list of its layers.

use egui::{RichText, ScrollArea, Ui};

use super::diagram::diagram_ui;
use super::layer_table::layer_table_ui;
use super::variants::variants_ui;
use crate::engine::{PresetInfo, Sketch};
use crate::gui::draft::Draft;
use crate::gui::format;
use crate::gui::state::{DeviceChoice, State};
use crate::gui::theme::{GAP, Palette, card};
use crate::gui::widgets::{empty_ui, heading_ui, small_button_ui};
use crate::words;

/// Least height of the list of layers.
const LIST: f32 = 150.0;

/// The view.
pub fn model_ui(ui: &mut Ui, state: &State, draft: &mut Draft) {
    let Some(preset) = state.preset(draft.base.model.preset.as_deref()) else {
        let hint =
            "Choose pictures, and the network that fits them is drawn here; or choose a network on the left.";
        empty_ui(ui, "No network yet", hint);
        return;
    };
    if let Some(file) = draft.base.model.from.clone() {
        let hint = format!(
            "The next run begins with the network in `{}`. Take that back on the left to choose another one.",
            file.display()
        );
        empty_ui(ui, "The network comes from a file", &hint);
        return;
    }
    let sketch = match draft.sketch(preset, state.classes()) {
        Ok(sketch) => sketch,
        Err(reason) => {
            empty_ui(ui, "This network cannot be drawn", &reason);
            return;
        }
    };
    // The whole scrolls where the window is low; the list then has its least height.
    ScrollArea::vertical().id_salt("model").auto_shrink(false).show(ui, |ui| {
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            choices_ui(ui, state, draft, preset);
        });
        ui.add_space(GAP - ui.spacing().item_spacing.y);
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            totals_ui(ui, state, draft, &sketch);
            diagram_ui(ui, &sketch);
        });
        ui.add_space(GAP - ui.spacing().item_spacing.y);
        card(ui).show(ui, |ui| {
            let room = egui::vec2(ui.available_width(), ui.available_height().max(LIST));
            ui.set_min_size(room);
            layer_table_ui(ui, &sketch, room.y);
        });
    });
}

fn choices_ui(ui: &mut Ui, state: &State, draft: &mut Draft, preset: &PresetInfo) {
    ui.horizontal_wrapped(|ui| {
        heading_ui(ui, preset.name);
        ui.label(RichText::new(preset.title).weak());
        if draft.model_changed() && !state.busy() {
            let help = "Take back every choice: the network as the preset says";
            if small_button_ui(ui, "Reset", "Reset the network", help).clicked() {
                draft.reset_model();
            }
        }
    });
    if state.busy() {
        ui.label(RichText::new("Fixed while a run is going on.").small().weak());
    }
    ui.add_enabled_ui(!state.busy(), |ui| variants_ui(ui, &mut draft.base.model, preset));
}

/// What the whole costs, and whether the chosen device can bear it.
fn totals_ui(ui: &mut Ui, state: &State, draft: &Draft, sketch: &Sketch) {
    let palette = Palette::of(ui);
    let summary = &sketch.summary;
    if let Some(fault) = &sketch.fault {
        let text = match &fault.layer {
            Some(layer) => {
                format!("It fails at {layer}: {}. Drawn is the preset's own network.", fault.reason)
            }
            None => format!("{}. Drawn is the preset's own network.", fault.reason),
        };
        ui.add(egui::Label::new(RichText::new(text).color(palette.error)).wrap());
    }
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("{} parameters", format::count(summary.parameters)));
        ui.separator();
        ui.label(format!("{} multiply-adds a picture", format::count(summary.multiply_adds)));
        ui.separator();
        let memory = words::bytes(summary.training_bytes);
        let text = format!("training takes about {memory}");
        let help = format!(
            "With batches of {}, {} pictures at a time: weights, gradients and velocities, and the maps of the pictures with \
             theirs.",
            summary.batch, summary.pass
        );
        ui.label(text).on_hover_text(help);
        ui.separator();
        let (fits, text) = fit(state, draft, summary.training_bytes);
        let color = if fits { palette.muted } else { palette.warning };
        ui.add(egui::Label::new(RichText::new(text).color(color)).wrap());
    });
}

/// Whether training fits the chosen device, as far as that is known.
fn fit(state: &State, draft: &Draft, bytes: u64) -> (bool, String) {
    let device = &draft.base.run.device;
    let known = state.devices.as_deref().unwrap_or_default();
    let chosen = known.iter().find(|choice| choice.value == *device);
    // "auto" takes the best card, or the processor if there is none.
    let card = |choice: &&DeviceChoice| choice.value.starts_with("gpu");
    let automatic = || known.iter().find(card).or_else(|| known.iter().find(|choice| choice.value == "cpu"));
    match chosen.or_else(automatic) {
        Some(choice) if choice.value.starts_with("gpu") => {
            (true, format!("on {}, which does not tell how much memory it has", choice.name))
        }
        Some(choice) => match state.free_memory {
            Some(free) if free < bytes => {
                let text = format!(
                    "too much for this computer, which has {} free: choose a smaller batch or micro-batch",
                    words::bytes(free)
                );
                (false, text)
            }
            Some(free) => (true, format!("fits {}: {} free", choice.name, words::bytes(free))),
            None => (true, format!("on {}", choice.name)),
        },
        None => (true, "device not known yet".into()),
    }
}
