//! The strip at the top of the middle that brings a view to the front.

use egui::{Align2, FontId, Sense, Ui, WidgetInfo, vec2};

use crate::gui::action::Action;
use crate::gui::tab::Tab;
use crate::gui::theme::Palette;

/// Height of the strip, and space at both sides of a title.
const HEIGHT: f32 = 28.0;
const MARGIN: f32 = 14.0;

/// The strip.
pub fn tabs_ui(ui: &mut Ui, front: Tab, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for tab in Tab::ALL {
            if tab_ui(ui, tab, tab == front) {
                actions.push(Action::Show(tab));
            }
        }
    });
}

/// Draws a title; returns whether it was clicked.
fn tab_ui(ui: &mut Ui, tab: Tab, front: bool) -> bool {
    let palette = Palette::of(ui);
    let color = if front { palette.text } else { palette.muted };
    let galley = ui.painter().layout_no_wrap(tab.title().to_owned(), FontId::proportional(15.0), color);
    let (rect, response) =
        ui.allocate_exact_size(vec2(galley.size().x + 2.0 * MARGIN, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Tab, true, front, tab.title()));
    if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(rect, 5.0, palette.line.gamma_multiply(0.6));
    }
    if front {
        let line = rect.with_min_y(rect.bottom() - 3.0).shrink2(vec2(6.0, 0.0));
        ui.painter().rect_filled(line, 1.5, palette.train);
    }
    let place = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
    ui.painter().galley(place, galley, color);
    let clicked = response.clicked();
    response.on_hover_text(tab.help());
    clicked
}
