//! The keys that do something everywhere, and the sheet that lists them.

use egui::{
    Align, Context, Event, Key, KeyboardShortcut, Label, Layout, Modifiers, RichText, ScrollArea, vec2,
};

use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::panels::controls::may_start;
use crate::gui::state::{Phase, State};
use crate::gui::tab::Tab;
use crate::gui::view::View;
use crate::gui::widgets::sheet;

/// Width of the sheet where there is room, and of the keys in it.
const WIDTH: f32 = 700.0;
const KEYS: f32 = 240.0;

const LIST: [(&str, &str); 16] = [
    ("Ctrl+Enter", "Start training"),
    ("Space", "Pause or resume"),
    ("Ctrl+O", "Open a picture"),
    ("Ctrl+V", "Paste a picture, a file or a path"),
    ("Ctrl+S", "Save the model"),
    ("Ctrl+Shift+S", "Save the run now"),
    ("Ctrl+1, Ctrl+2, …", "Show the views, in their order"),
    ("Ctrl+B", "Show or hide the left column"),
    ("Tab, Shift+Tab", "Go to the next or previous control"),
    ("Arrow keys", "Walk through classes, pictures, runs, kernels or maps, once these have the focus"),
    ("M", "Mute the chosen map of a layer, or let it act again"),
    ("Drag, Ctrl+wheel, double click", "Move, zoom and fit a plot; a click shows the kernels of that moment"),
    ("Ctrl + and Ctrl -", "Larger or smaller"),
    ("Ctrl+0", "Normal size"),
    ("F1 or ?", "This list"),
    ("Esc", "Close this list"),
];

const NUMBERS: [Key; 8] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8];

/// Turns pressed keys into actions.
pub fn read_keys(ctx: &Context, state: &State, draft: &Draft, view: &View, actions: &mut Vec<Action>) {
    let pressed =
        |modifiers, key| ctx.input_mut(|i| i.consume_shortcut(&KeyboardShortcut::new(modifiers, key)));
    let asked = !ctx.text_edit_focused()
        && ctx.input(|i| i.events.iter().any(|event| matches!(event, Event::Text(text) if text == "?")));
    if pressed(Modifiers::NONE, Key::F1) || asked {
        actions.push(Action::ToggleShortcuts);
    }
    if view.shortcuts_open || view.branch.open || state.downloads.open {
        return;
    }
    if pressed(Modifiers::COMMAND, Key::B) {
        actions.push(Action::ToggleSetup);
    }
    for (key, tab) in NUMBERS.into_iter().zip(Tab::ALL) {
        if pressed(Modifiers::COMMAND, key) {
            actions.push(Action::Show(tab));
        }
    }
    if pressed(Modifiers::COMMAND, Key::Enter) && may_start(state, draft).is_ok() {
        actions.push(Action::Start);
    }
    // Before the shorter one, which it contains.
    if state.running() && !state.stopping && pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::S) {
        actions.push(Action::SaveNow);
    }
    if state.model.is_some() {
        if pressed(Modifiers::COMMAND, Key::O) {
            actions.push(Action::PickPictures);
        }
        if pressed(Modifiers::COMMAND, Key::S) {
            actions.push(Action::PickSave);
        }
    }
    // With the focus on a control, Space belongs to that control.
    let free = ctx.memory(|memory| memory.focused().is_none());
    if free && !state.stopping && state.running() && pressed(Modifiers::NONE, Key::Space) {
        actions.push(if state.phase == Phase::Paused { Action::Resume } else { Action::Pause });
    }
}

/// The sheet, if it is open.
pub fn shortcuts_ui(ctx: &Context, view: &View, actions: &mut Vec<Action>) {
    if !view.shortcuts_open {
        return;
    }
    let room = ctx.content_rect();
    let modal = sheet(ctx, "shortcuts").show(ctx, |ui| {
        ui.set_width(WIDTH.min(room.width() - 60.0));
        ui.heading("Keyboard shortcuts");
        ui.add_space(6.0);
        ScrollArea::vertical().max_height(room.height() - 150.0).show(ui, |ui| {
            let keys_width = KEYS.min(ui.available_width() * 0.4);
            for (keys, what) in LIST {
                ui.horizontal_top(|ui| {
                    ui.allocate_ui_with_layout(vec2(keys_width, 0.0), Layout::top_down(Align::Min), |ui| {
                        ui.set_width(keys_width);
                        ui.add(Label::new(RichText::new(keys).monospace()).wrap());
                    });
                    ui.add(Label::new(what).wrap());
                });
            }
        });
        ui.add_space(8.0);
        ui.button("Close").clicked()
    });
    if modal.inner || modal.should_close() {
        actions.push(Action::ToggleShortcuts);
    }
}
