//! Buttons that say why they cannot be pressed.

use egui::{Button, Response, RichText, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::theme::Palette;

/// A button. `allowed` holds the reason when it cannot be pressed now; it is shown on hover instead of `help`.
pub fn button_ui(ui: &mut Ui, label: &str, allowed: Result<(), &str>, help: &str) -> Response {
    explained(ui.add_enabled(allowed.is_ok(), Button::new(label)), allowed, help)
}

/// A quiet button for a side matter; `name` is what a screen reader says.
pub fn small_button_ui(ui: &mut Ui, label: &str, name: &str, help: &str) -> Response {
    let response = ui.add(Button::new(RichText::new(label).small()).min_size(Vec2::new(22.0, 20.0)));
    response.accessible_name(name).on_hover_text(help)
}

/// The one button of the window that should be seen first.
pub fn primary_button_ui(ui: &mut Ui, label: &str, allowed: Result<(), &str>, help: &str) -> Response {
    let palette = Palette::of(ui);
    let text = RichText::new(label).size(17.0).color(palette.on_accent);
    let button =
        Button::new(text).fill(palette.accent).stroke(Stroke::new(1.0, palette.accent)).corner_radius(8);
    let size = Vec2::new(ui.available_width(), 42.0);
    let response = ui.add_enabled_ui(allowed.is_ok(), |ui| ui.add_sized(size, button)).inner;
    explained(response, allowed, help)
}

/// The title of a card.
pub fn heading_ui(ui: &mut Ui, title: &str) -> Response {
    let response =
        ui.add(egui::Label::new(RichText::new(title).heading()).selectable(false).sense(Sense::hover()));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Heading, true, title));
    response
}

fn explained(response: Response, allowed: Result<(), &str>, help: &str) -> Response {
    match allowed {
        Ok(()) if help.is_empty() => response,
        Ok(()) => response.on_hover_text(help),
        Err(reason) => response.on_disabled_hover_text(reason),
    }
}
