//! All layers as one strip, stage by stage: a convolution or a fully connected layer with what follows it.

use egui::{RichText, Ui};

use crate::engine::{Activations, Step};
use crate::gui::state::State;
use crate::gui::view::View;

/// The strip. The layer in view is marked; one with something muted has a sign.
pub(super) fn stages_ui(ui: &mut Ui, state: &State, found: &Activations, view: &mut View) {
    let front = view.layers.layer_in(found).map(|(place, _)| place);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(2.0, 2.0);
        ui.spacing_mut().button_padding.x = 5.0;
        for (place, layer) in found.layers.iter().enumerate() {
            if place > 0 && layer.step.has_weights() {
                ui.label(RichText::new("›").weak());
            }
            let muted = state.layers.muted.iter().any(|muted| muted.layer == layer.name);
            let text = if muted { format!("{} ×", layer.name) } else { layer.name.clone() };
            let text = RichText::new(text).size(12.5);
            let text = if layer.step.has_weights() { text.strong() } else { text };
            let response = ui.selectable_label(front == Some(place), text);
            let response = response.accessible_name(format!("Layer {}", layer.name));
            if response.on_hover_text(help(layer.step, muted)).clicked() {
                view.layers.choose_layer(&layer.name);
            }
        }
    });
}

fn help(step: Step, muted: bool) -> String {
    let what = match step {
        Step::Convolution => "What the kernels answer, before their neurons cut off what is negative",
        Step::Linear => "Fully connected: every unit sees all of what is before it",
        Step::Neuron => "Behind the neurons",
        Step::Normalisation => "Behind the normalisation, which lets strong maps quieten their neighbours",
        Step::Pooling => "Behind the pooling: the strongest of each neighbourhood",
        Step::Dropout => "Behind dropout, which is scaled and not random outside of training",
    };
    if muted { format!("{what}. Something of it is muted (×).") } else { format!("{what}.") }
}
