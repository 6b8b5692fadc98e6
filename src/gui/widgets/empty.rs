//! What a panel says while it has nothing to show: what will be here, and how to get it.

use egui::{Align, Label, Layout, RichText, Ui, UiBuilder, Vec2};

/// Wider lines are hard to read.
const WIDTH: f32 = 360.0;

/// A title and a sentence in the middle of the space that is left.
pub fn empty_ui(ui: &mut Ui, title: &str, hint: &str) {
    let room = ui.available_rect_before_wrap();
    let middle = egui::Rect::from_center_size(
        room.center(),
        Vec2::new((room.width() - 24.0).clamp(1.0, WIDTH), room.height()),
    );
    ui.scope_builder(UiBuilder::new().max_rect(middle).layout(Layout::top_down(Align::Center)), |ui| {
        ui.add_space((room.height() / 2.0 - 40.0).max(0.0));
        ui.add(Label::new(RichText::new(title).size(16.0)).wrap());
        ui.add(Label::new(RichText::new(hint).weak()).wrap());
    });
    ui.allocate_rect(room, egui::Sense::hover());
}
