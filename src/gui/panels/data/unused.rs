//! Files that are not used, each with its reason, and the list as a file.

use egui::{Label, RichText, ScrollArea, Ui};

use crate::engine::refused_table;
use crate::gui::action::Action;
use crate::gui::format;
use crate::gui::gallery::CheckState;
use crate::gui::state::State;
use crate::gui::widgets::{button_ui, empty_ui};

/// Width of a usual character, in parts of the height of a line.
const CHARACTER: f32 = 0.5;
/// Characters of a name that are always shown.
const LEAST_NAME: usize = 24;

/// A file and why it is not used.
pub(super) type Unused<'a> = (&'a str, &'a str);

/// Everything that is known not to be used: refused by the last check, or else by the run, and what belongs to no class.
pub(super) fn files(state: &State) -> Vec<Unused<'_>> {
    let mut files: Vec<Unused> = match &state.gallery.check {
        CheckState::Done(found) => {
            found.refused.iter().map(|f| (f.name.as_str(), f.reason.as_str())).collect()
        }
        _ => state.refused_by_run().iter().map(|f| (f.name.as_str(), f.reason.as_str())).collect(),
    };
    if let Some(set) = &state.gallery.set {
        files.extend(set.left_out.iter().map(|file| (file.name.as_str(), file.reason.as_str())));
    }
    files
}

/// The title of the section: the count once every picture has been read, before that what has shown so far.
pub(super) fn title(state: &State, files: &[Unused]) -> String {
    let further =
        state.gallery.set.as_ref().map_or(0, |set| set.left_out_count.saturating_sub(set.left_out.len()));
    let count = files.len() + further;
    let all_read = matches!(state.gallery.check, CheckState::Done(_)) || state.inputs_of_run().is_some();
    match (count, all_read) {
        (_, true) => format!("Not used ({})", format::count(count)),
        (0, false) => "Not used".into(),
        (_, false) => format!("Not used ({} so far)", format::count(count)),
    }
}

/// The section.
pub(super) fn unused_ui(ui: &mut Ui, state: &State, files: &[Unused], actions: &mut Vec<Action>) {
    if files.is_empty() {
        let hint = match (&state.gallery.check, state.refused_by_run().is_empty()) {
            (CheckState::Done(_), _) => "Every file was read and can be used.",
            _ => {
                "Nothing was left out so far. Damaged pictures show when all are read: press \"Check every picture\", or \
                 start a run, which leaves them out and lists them here."
            }
        };
        empty_ui(ui, "No files to report", hint);
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let help = "A table of two columns, file and reason, for a spreadsheet or a script";
        if button_ui(ui, "Save as CSV…", Ok(()), help).clicked() {
            actions.push(Action::PickList(refused_table(files.iter().copied())));
        }
        if button_ui(ui, "Copy list", Ok(()), "Copy every file with its reason").clicked() {
            let lines: Vec<String> = files.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
            actions.push(Action::CopyText(lines.join("\n")));
        }
        let text = "A run goes on without these.";
        ui.label(RichText::new(text).small().weak());
    });
    let height = ui.text_style_height(&egui::TextStyle::Body);
    ScrollArea::vertical().id_salt("unused").auto_shrink(false).show_rows(
        ui,
        height,
        files.len(),
        |ui, rows| {
            // The reason matters more than the middle of a long name.
            let room = (ui.available_width() / (CHARACTER * height)) as usize;
            for (name, reason) in &files[rows] {
                let room = room.saturating_sub(reason.chars().count()).max(LEAST_NAME);
                let shown = format!("{}: {reason}", format::shortened(name, room));
                ui.add(Label::new(shown).truncate()).on_hover_text(format!("{name}: {reason}"));
            }
        },
    );
}
