//! The bar at the top: the network at hand, opening and saving it, and how the window looks.

use egui::{Align, Layout, RichText, ThemePreference, Ui};

use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::widgets::{button_ui, heading_ui};

/// The top bar.
pub fn top_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        heading_ui(ui, "AlexNet Lab");
        ui.separator();
        let may_open =
            if state.busy() { Err("Stop the run first: it is using the network.") } else { Ok(()) };
        if button_ui(
            ui,
            "Open model…",
            may_open,
            "A trained network, to ask it about pictures: .safetensors, or .pth of PyTorch, or .caffemodel of Caffe",
        )
        .clicked()
        {
            actions.push(Action::PickModel);
        }
        let may_save = if state.model.is_some() { Ok(()) } else { Err("There is no network yet.") };
        if button_ui(ui, "Save model…", may_save, "Write the network as it is now to a file (Ctrl+S)")
            .clicked()
        {
            actions.push(Action::PickSave);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            appearance_ui(ui, actions);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| model_ui(ui, state));
        });
    });
}

fn model_ui(ui: &mut Ui, state: &State) {
    let Some(model) = &state.model else { return };
    let text = format!(
        "{} · {} parameters · {} classes",
        model.name,
        format::count(model.parameters),
        format::count(model.classes.len())
    );
    let mut hover = format!(
        "Input {side}x{side} pixels, {} multiply-adds for one picture.",
        format::count(model.multiply_adds),
        side = model.input_side
    );
    if let Some(file) = &model.file {
        hover.push_str(&format!("\nFrom {}", file.display()));
    }
    ui.add(egui::Label::new(RichText::new(text).weak()).truncate()).on_hover_text(hover);
}

fn appearance_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    if ui.button("?").accessible_name("Keyboard shortcuts").on_hover_text("Keyboard shortcuts (F1)").clicked()
    {
        actions.push(Action::ToggleShortcuts);
    }
    let preference = ui.ctx().options(|options| options.theme_preference);
    let (label, next) = match preference {
        ThemePreference::System => ("Theme: system", ThemePreference::Light),
        ThemePreference::Light => ("Theme: light", ThemePreference::Dark),
        ThemePreference::Dark => ("Theme: dark", ThemePreference::System),
    };
    if ui.button(label).on_hover_text("Light, dark, or as the system says").clicked() {
        actions.push(Action::SetTheme(next));
    }
    if ui.button("+").accessible_name("Larger").on_hover_text("Show everything larger (Ctrl +)").clicked() {
        actions.push(Action::Zoom(true));
    }
    let zoom = format!("{:.0} %", ui.ctx().zoom_factor() * 100.0);
    if ui.button(zoom).accessible_name("Normal size").on_hover_text("Back to 100 % (Ctrl 0)").clicked() {
        actions.push(Action::ResetZoom);
    }
    if ui.button("-").accessible_name("Smaller").on_hover_text("Show everything smaller (Ctrl -)").clicked() {
        actions.push(Action::Zoom(false));
    }
}
