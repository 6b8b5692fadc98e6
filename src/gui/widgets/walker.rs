//! Walking from one enlarged picture to the next, and back to all of them: by keys, and by the buttons above it.

use egui::{EventFilter, Key, Sense, Ui, WidgetInfo};

use super::button_ui;

/// Where somebody wants to go from an enlarged picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// To all pictures.
    Back,
    Previous,
    Next,
}

/// The row of buttons above an enlarged picture, with `others` behind them. The arrow keys and Escape do the same as
/// soon as it is shown, without a click; `name` says to a screen reader what they belong to.
pub fn walker_ui(
    ui: &mut Ui,
    name: &str,
    has_previous: bool,
    has_next: bool,
    others: impl FnOnce(&mut Ui),
) -> Option<Walk> {
    let walker = ui.interact(
        ui.available_rect_before_wrap(),
        ui.scope_id().with(name),
        Sense::focusable_noninteractive(),
    );
    let text = format!("{name}; the arrow keys show the next or previous one, Escape goes back");
    walker.widget_info(|| WidgetInfo::labeled(egui::Role::Group, true, &text));
    if ui.memory(|memory| memory.focused().is_none()) {
        walker.request_focus();
    }
    if walker.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, escape: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(walker.id, filter));
    }
    let buttons = [
        (Walk::Back, "Back to all", Key::Escape, Ok(()), "Show all pictures again (Esc)"),
        (
            Walk::Previous,
            "Previous",
            Key::ArrowLeft,
            has_previous.then_some(()).ok_or("This is the first one."),
            "The picture before (Left)",
        ),
        (
            Walk::Next,
            "Next",
            Key::ArrowRight,
            has_next.then_some(()).ok_or("This is the last one."),
            "The picture after (Right)",
        ),
    ];
    let mut wanted = None;
    ui.horizontal_wrapped(|ui| {
        for (walk, label, key, allowed, help) in buttons {
            let pressed = walker.has_focus() && ui.input(|input| input.key_pressed(key));
            if button_ui(ui, label, allowed, help).clicked() || pressed && allowed.is_ok() {
                wanted = Some(walk);
            }
        }
        others(ui);
    });
    wanted
}
