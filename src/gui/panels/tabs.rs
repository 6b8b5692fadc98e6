//! The strip at the top of the middle that brings a view to the front.

use egui::{Align2, EventFilter, FontId, Key, Modifiers, Response, Sense, Ui, WidgetInfo, vec2};

use crate::gui::action::Action;
use crate::gui::tab::Tab;
use crate::gui::theme::Palette;

/// Height of the strip, and space at both sides of a title.
const HEIGHT: f32 = 28.0;
const MARGIN: f32 = 14.0;

/// The strip. Where there is no room for all titles, it goes on in a second line.
pub fn tabs_ui(ui: &mut Ui, front: Tab, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for tab in Tab::ALL {
            let response = tab_ui(ui, tab, tab == front);
            if response.clicked() {
                actions.push(Action::Show(tab));
            }
            if let Some(other) = neighbour(ui, &response, tab) {
                actions.push(Action::Show(other));
            }
        }
    });
}

/// With the focus on a title, the arrow keys go to its neighbours.
fn neighbour(ui: &Ui, response: &Response, tab: Tab) -> Option<Tab> {
    if !response.has_focus() {
        return None;
    }
    let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    // Taken away, because the neighbour has the focus at once and is asked next.
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let place = tab.number() - 1;
    let other = match (pressed(Key::ArrowLeft), pressed(Key::ArrowRight)) {
        (true, false) => place.checked_sub(1),
        (false, true) => Some(place + 1),
        _ => None,
    }?;
    let other = Tab::ALL.get(other).copied()?;
    ui.memory_mut(|memory| memory.request_focus(id(ui, other)));
    Some(other)
}

fn id(ui: &Ui, tab: Tab) -> egui::Id {
    ui.scope_id().with(("tab", tab.title()))
}

/// Draws a title.
fn tab_ui(ui: &mut Ui, tab: Tab, front: bool) -> Response {
    let palette = Palette::of(ui);
    let color = if front { palette.text } else { palette.muted };
    let galley = ui.painter().layout_no_wrap(tab.title().to_owned(), FontId::proportional(15.0), color);
    let (_, rect) = ui.allocate_space(vec2(galley.size().x + 2.0 * MARGIN, HEIGHT));
    let response = ui.interact(rect, id(ui, tab), Sense::click());
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
    response.on_hover_text(format!("{} (Ctrl+{})", tab.help(), tab.number()))
}
