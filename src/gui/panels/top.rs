//! The bar at the top: the network at hand, opening and saving it, and how the window looks.

use egui::{Align, Layout, RichText, ThemePreference, Ui};

use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::widgets::{button_ui, heading_ui};

/// Least width at which the looks of the window have buttons of their own; below it they share a menu.
const ROOMY: f32 = 860.0;

/// The top bar.
pub fn top_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let roomy = ui.available_width() >= ROOMY;
    ui.horizontal(|ui| {
        setup_ui(ui, actions);
        if roomy {
            heading_ui(ui, "AlexNet Lab");
            ui.separator();
        }
        file_ui(ui, state, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if roomy {
                appearance_ui(ui, actions);
            } else {
                ui.menu_button("View", |ui| menu_ui(ui, actions));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| model_ui(ui, state));
        });
    });
}

/// Shows or hides the left column.
fn setup_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let help = "Show or hide the column with pictures, network, learning and the run (Ctrl+B)";
    if ui.button("Setup").on_hover_text(help).clicked() {
        actions.push(Action::ToggleSetup);
    }
}

fn file_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let may_open = if state.busy() { Err("Stop the run first: it is using the network.") } else { Ok(()) };
    let help = "A trained network, to ask it about pictures: .safetensors, or .pth of PyTorch, or .caffemodel of Caffe";
    if button_ui(ui, "Open model…", may_open, help).clicked() {
        actions.push(Action::PickModel);
    }
    let may_save = if state.model.is_some() { Ok(()) } else { Err("There is no network yet.") };
    let help = "Write the network as it is now to a file (Ctrl+S)";
    if button_ui(ui, "Save model…", may_save, help).clicked() {
        actions.push(Action::PickSave);
    }
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
    theme_ui(ui, actions);
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

fn theme_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    let preference = ui.ctx().options(|options| options.theme_preference);
    let (label, next) = match preference {
        ThemePreference::System => ("Theme: system", ThemePreference::Light),
        ThemePreference::Light => ("Theme: light", ThemePreference::Dark),
        ThemePreference::Dark => ("Theme: dark", ThemePreference::System),
    };
    if ui.button(label).on_hover_text("Light, dark, or as the system says").clicked() {
        actions.push(Action::SetTheme(next));
    }
}

/// The same, one below the other.
fn menu_ui(ui: &mut Ui, actions: &mut Vec<Action>) {
    theme_ui(ui, actions);
    ui.separator();
    let zoom = format!("Normal size (now {:.0} %)", ui.ctx().zoom_factor() * 100.0);
    let entries = [
        ("Larger".to_owned(), Action::Zoom(true)),
        ("Smaller".to_owned(), Action::Zoom(false)),
        (zoom, Action::ResetZoom),
        ("Keyboard shortcuts".to_owned(), Action::ToggleShortcuts),
    ];
    for (label, action) in entries {
        if ui.button(label).clicked() {
            actions.push(action);
        }
    }
}
