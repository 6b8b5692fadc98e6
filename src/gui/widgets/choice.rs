//! Drop-down lists with a label, in two cells of a grid.

use egui::{ComboBox, PopupCloseBehavior, Ui};

/// A list of things of which one holds. `usual` is marked as what the preset says; none in force shows "As the preset
/// says". Returns what was clicked.
pub fn choice_ui<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    help: &str,
    options: &[(T, &str, &str)],
    usual: Option<T>,
    in_force: Option<T>,
) -> Option<T> {
    let shown = options.iter().find(|(value, _, _)| Some(*value) == in_force);
    let shown = shown.map_or("As the preset says", |(_, text, _)| text);
    let mut clicked = None;
    dropdown_ui(ui, label, help, shown, PopupCloseBehavior::CloseOnClick, |ui| {
        for &(value, text, help) in options {
            let text = if Some(value) == usual { format!("{text} (this preset)") } else { text.to_owned() };
            let response = ui.selectable_label(Some(value) == in_force, text);
            let response = if help.is_empty() { response } else { response.on_hover_text(help) };
            if response.clicked() {
                clicked = Some(value);
            }
        }
    });
    clicked
}

/// A list of anything; `shown` is what the closed list says.
pub fn dropdown_ui(
    ui: &mut Ui,
    label: &str,
    help: &str,
    shown: &str,
    close: PopupCloseBehavior,
    contents: impl FnOnce(&mut Ui),
) {
    let label_response = ui.label(label).on_hover_text(help);
    let combo = ComboBox::from_id_salt(label).width(ui.available_width()).selected_text(shown).truncate();
    let response = combo.close_behavior(close).show_ui(ui, contents).response;
    response.labelled_by(label_response.id).on_hover_text(help);
}
