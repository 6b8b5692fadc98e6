//! Saying what a picture really is, or that it is to be left out; and the list of what was said. The pictures themselves
//! are never touched.

use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{
    Label, PopupCloseBehavior, Rect, RichText, ScrollArea, Stroke, StrokeKind, TextEdit, TextStyle, Ui, vec2,
};

use crate::data::Correction;
use crate::gui::action::Action;
use crate::gui::corrections::CorrectionList;
use crate::gui::theme::Palette;
use crate::gui::widgets::{button_ui, empty_ui, small_button_ui};

/// Height of the list of classes.
const CLASSES: f32 = 260.0;

/// "3 relabelled, 2 left out: applied from the next run on", and the way back. Nothing where nothing was ever said.
pub fn strip_ui(ui: &mut Ui, corrections: &CorrectionList, actions: &mut Vec<Action>) {
    if corrections.list().is_empty() && !corrections.can_undo() && !corrections.can_redo() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let text = format!("{}: applied from the next run or measurement on", corrections.list().counted());
        ui.add(Label::new(RichText::new(text).strong()).wrap());
        history_ui(ui, corrections, actions);
        if button_ui(ui, "Show the list", Ok(()), "Every correction, to be looked at, taken back, saved")
            .clicked()
        {
            actions.push(Action::ShowCorrections);
        }
    });
}

fn history_ui(ui: &mut Ui, corrections: &CorrectionList, actions: &mut Vec<Action>) {
    let allowed = if corrections.can_undo() { Ok(()) } else { Err("There is nothing to undo.") };
    if button_ui(ui, "Undo", allowed, "Take the last correction back").clicked() {
        actions.push(Action::UndoCorrection);
    }
    let allowed = if corrections.can_redo() { Ok(()) } else { Err("There is nothing to do again.") };
    if button_ui(ui, "Redo", allowed, "Make the correction again that was taken back").clicked() {
        actions.push(Action::RedoCorrection);
    }
}

/// What can be said of the picture `name`, which stands in class `label`. A class that it might well be is offered
/// first.
pub fn correct_ui(
    ui: &mut Ui,
    corrections: &CorrectionList,
    name: &str,
    label: &str,
    guess: Option<&str>,
    classes: &[String],
    actions: &mut Vec<Action>,
) {
    let said = corrections.list().get(name);
    let say = |correction| Action::Correct(name.to_owned(), correction);
    ui.horizontal_wrapped(|ui| {
        match said {
            None => {}
            Some(correction) => {
                let text = RichText::new(told(correction)).strong().color(Palette::of(ui).validation);
                ui.label(text);
                if button_ui(ui, "Take it back", Ok(()), "It is what its label says after all").clicked() {
                    actions.push(say(None));
                }
            }
        }
        let is = |class: &str| said == Some(&Correction::Class(class.to_owned()));
        if let Some(guess) = guess.filter(|guess| *guess != label && !is(guess)) {
            let text = format!("It is {guess}");
            let help = "The network is right: learn this picture as that class from the next run on";
            if button_ui(ui, &text, Ok(()), help).clicked() {
                actions.push(say(Some(Correction::Class(guess.to_owned()))));
            }
        }
        if let Some(class) = class_menu_ui(ui, classes, label) {
            actions.push(say(Some(Correction::Class(class))));
        }
        if said != Some(&Correction::LeaveOut)
            && button_ui(ui, "Leave out", Ok(()), "Do not use this picture from the next run on").clicked()
        {
            actions.push(say(Some(Correction::LeaveOut)));
        }
    });
}

/// "You said: dog", "You said: leave it out".
pub fn told(correction: &Correction) -> String {
    match correction {
        Correction::Class(class) => format!("You said: it is {class}"),
        Correction::LeaveOut => "You said: leave it out".into(),
    }
}

/// What was said of a picture, on the picture.
pub fn badge(ui: &Ui, picture: Rect, said: Option<&Correction>) {
    let Some(said) = said else { return };
    let palette = Palette::of(ui);
    let text = match said {
        Correction::Class(class) => format!("is {class}"),
        Correction::LeaveOut => "left out".into(),
    };
    let font = TextStyle::Small.resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(text, font, palette.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width((picture.width() - 8.0).max(1.0));
    let galley = ui.painter().layout_job(job);
    let place = Rect::from_min_size(picture.min, galley.size() + vec2(8.0, 4.0));
    ui.painter().rect_filled(place, 3.0, palette.card.gamma_multiply(0.92));
    ui.painter().rect_stroke(place, 3.0, Stroke::new(1.0, palette.validation), StrokeKind::Inside);
    ui.painter().galley(place.min + vec2(4.0, 2.0), galley, palette.text);
}

/// The classes but its own, with a field to find one of many. Returns the one that was chosen.
fn class_menu_ui(ui: &mut Ui, classes: &[String], label: &str) -> Option<String> {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let mut chosen = None;
    let (response, _) = MenuButton::new("It is a…").config(config).ui(ui, |ui| {
        ui.set_width(220.0);
        let id = ui.scope_id().with("find a class");
        let mut wanted: String = ui.data_mut(|data| data.get_temp(id).unwrap_or_default());
        if classes.len() > 12 {
            let field = TextEdit::singleline(&mut wanted).hint_text("Find a class");
            ui.add(field).accessible_name("Find a class");
        }
        let folded = wanted.to_lowercase();
        let fits = |class: &&String| *class != label && class.to_lowercase().contains(&folded);
        let fitting: Vec<&String> = classes.iter().filter(fits).collect();
        let height = ui.text_style_height(&TextStyle::Button) + 2.0 * ui.spacing().button_padding.y;
        let scroll = ScrollArea::vertical().max_height(CLASSES);
        scroll.show_rows(ui, height, fitting.len(), |ui, rows| {
            for class in &fitting[rows] {
                if ui.selectable_label(false, class.as_str()).clicked() {
                    chosen = Some((*class).clone());
                    ui.close();
                }
            }
        });
        ui.data_mut(|data| data.insert_temp(id, if chosen.is_some() { String::new() } else { wanted }));
    });
    response.on_hover_text("Choose the class that it shows; the file itself is not touched");
    chosen
}

/// The whole list, below [`strip_ui`].
pub fn list_ui(ui: &mut Ui, corrections: &CorrectionList, actions: &mut Vec<Action>) {
    ui.horizontal_wrapped(|ui| {
        let allowed = if corrections.list().is_empty() { Err("The list is empty.") } else { Ok(()) };
        let help = "Save the list as a file: for others, or for --set data.corrections=FILE in a terminal";
        if button_ui(ui, "Save the list…", allowed, help).clicked() {
            actions.push(Action::PickCorrections);
        }
        let help = "Take the corrections of another list in";
        if button_ui(ui, "Take a list in…", Ok(()), help).clicked() {
            actions.push(Action::PickCorrectionsToRead);
        }
    });
    if corrections.list().is_empty() {
        empty_ui(
            ui,
            "Nothing has been corrected",
            "Enlarge a picture here, or choose one of the mistakes under Evaluate, and say what it really is, or leave \
             it out. The pictures themselves are never touched.",
        );
        return;
    }
    if let Some(file) = corrections.file() {
        let text = format!("The list is kept in `{}`", file.display());
        ui.add(Label::new(RichText::new(text).small().weak()).wrap());
    }
    let height = ui.spacing().interact_size.y;
    let entries: Vec<(&str, &Correction)> = corrections.list().iter().collect();
    let scroll = ScrollArea::vertical().id_salt("corrections").auto_shrink(false);
    scroll.show_rows(ui, height, entries.len(), |ui, rows| {
        for (name, correction) in &entries[rows] {
            ui.horizontal(|ui| {
                let help = "What its label says holds again";
                if small_button_ui(ui, "×", &format!("Take back the correction of {name}"), help).clicked() {
                    actions.push(Action::Correct((*name).to_owned(), None));
                }
                let what = match correction {
                    Correction::Class(class) => format!("is {class}"),
                    Correction::LeaveOut => "is left out".into(),
                };
                ui.add(Label::new(format!("{name} {what}")).truncate());
            });
        }
    });
}
