//! The runs of a folder beside each other: a table of all, and of those that are ticked the curves, the settings in
//! which they differ, and the kernels.

mod curves;
mod kernels;
mod looks;
mod settings;
mod strip;
mod table;

use egui::{Align, Layout, RichText, TextEdit, Ui};

use crate::gui::action::Action;
use crate::gui::compare_view::{CompareView, Compared, MOST_TICKED};
use crate::gui::format;
use crate::gui::state::State;
use crate::gui::theme::card;
use crate::gui::view::View;
use crate::gui::widgets::{
    Direction, Pane, busy_ui, button_ui, empty_ui, heading_ui, small_button_ui, split_ui,
};
use crate::words;

/// The view.
pub fn compare_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    view.compare.tidy(&state.runs);
    let mut share = view.compare.share;
    split_ui(
        ui,
        "runs and comparison",
        Direction::OneAboveTheOther,
        &mut share,
        [210.0, 230.0],
        |ui, pane| {
            card(ui).show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                match pane {
                    Pane::First => runs_ui(ui, state, view, actions),
                    Pane::Second => compared_ui(ui, state, view, actions),
                }
            });
        },
    );
    view.compare.share = share;
}

/// The folder, a search, and the table.
fn runs_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let (runs, compare) = (&state.runs, &mut view.compare);
    header_ui(ui, state, compare, actions);
    if !runs.entries().is_empty() {
        strip::strip_ui(ui, state, compare, actions);
        table::table_ui(ui, state, compare);
        return;
    }
    let folder = runs.folder.as_ref().map_or_else(String::new, |folder| folder.display().to_string());
    match &runs.problem {
        _ if !runs.looked => {
            ui.horizontal(|ui| {
                busy_ui(ui, "Looking for runs");
                ui.label("Looking for runs…");
            });
        }
        Some(reason) => empty_ui(
            ui,
            "No folder of runs here",
            &format!(
                "{folder}: {reason}. The first run makes it: press Start training. Or choose the folder that your runs \
                 are in, with Folder… or by typing its path."
            ),
        ),
        None => empty_ui(
            ui,
            "No runs yet",
            &format!(
                "Every run that is started keeps a folder of its own in {folder}. Train twice, with one setting changed, \
                 and see here what the change did. Runs kept elsewhere are found with Folder…"
            ),
        ),
    }
}

fn header_ui(ui: &mut Ui, state: &State, compare: &mut CompareView, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        heading_ui(ui, "Runs");
        ui.label(RichText::new(counted(state, compare)).weak());
        if state.runs.reading.is_some() {
            busy_ui(ui, "Reading runs");
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let help = "Choose another folder of runs";
            if small_button_ui(ui, "Folder…", "Choose the folder of runs", help).clicked() {
                actions.push(Action::PickRuns);
            }
            let room = (ui.available_width() - 130.0).clamp(80.0, 320.0);
            let field =
                TextEdit::singleline(&mut compare.typed).hint_text("folder of runs").desired_width(room);
            let response = ui.add(field).accessible_name("Folder of runs");
            let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if entered && !compare.typed.trim().is_empty() {
                actions.push(Action::CompareIn(compare.typed.trim().into()));
            }
            response.on_hover_text("The folder whose runs are listed. Type another path and press Enter");
            let field =
                TextEdit::singleline(&mut compare.search).hint_text("Find a run").desired_width(110.0);
            let response = ui.add(field).accessible_name("Find runs");
            response
                .on_hover_text("List only runs with these words in name, state, network, pictures or device");
        });
    });
}

/// Where the report is to be written, once one was asked for.
fn report_ui(ui: &mut Ui, compare: &mut CompareView, actions: &mut Vec<Action>) {
    let Some(path) = &mut compare.report else { return };
    let mut close = false;
    ui.horizontal(|ui| {
        let label = ui.label("Write it to");
        let room = (ui.available_width() - 250.0).max(120.0);
        let field = ui.add(TextEdit::singleline(path).desired_width(room)).labelled_by(label.id);
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let named = if path.trim().is_empty() { Err("Name a file first.") } else { Ok(()) };
        let pressed = button_ui(ui, "Write report", named, "A file of that name is replaced").clicked();
        if (pressed || entered) && named.is_ok() {
            actions.push(Action::WriteReport(path.trim().into()));
            close = true;
        }
        if button_ui(ui, "Elsewhere…", Ok(()), "Choose the place in a file dialog").clicked() {
            actions.push(Action::PickReport);
            close = true;
        }
        close |= small_button_ui(ui, "×", "Write no report", "Write no report").clicked();
    });
    if close {
        compare.report = None;
    }
}

/// How many there are, how many of them are listed and ticked.
fn counted(state: &State, compare: &mut CompareView) -> String {
    let runs = &state.runs;
    if let Some((done, total)) = runs.reading {
        return format!("reading {} of {}", format::count(done + 1), format::count(total));
    }
    let all = runs.entries().len();
    if all == 0 {
        return String::new();
    }
    let listed = compare.listed(runs).len();
    let listed = if listed < all { format!("{} of ", format::count(listed)) } else { String::new() };
    format!("{listed}{}", words::counted(all, "run"))
}

/// What is compared of the runs that are ticked.
fn compared_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let compared = view.compare.compared(&state.runs);
    ui.horizontal(|ui| {
        heading_ui(ui, "Compare");
        for (value, title, help) in [
            (Compared::Curves, "Curves", "Loss and error of the ticked runs, over each other"),
            (Compared::Settings, "Settings", "The settings in which the ticked runs differ"),
            (Compared::Kernels, "Kernels", "The first-layer kernels of the ticked runs, side by side"),
        ] {
            ui.selectable_value(&mut view.compare.compared, value, title).on_hover_text(help);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let none = "Tick the runs that it is to be about first.";
            let allowed = if compared.is_empty() { Err(none) } else { Ok(()) };
            let help = "Write one page (HTML) about the ticked runs, with figures, settings, curves and kernels: it needs \
                        nothing else and can be sent to anybody";
            if button_ui(ui, "Report…", allowed, help).clicked() {
                view.compare.ask_for_report(&state.runs);
            }
        });
    });
    report_ui(ui, &mut view.compare, actions);
    if compared.is_empty() {
        let some = !state.runs.entries().is_empty();
        let hint = if some {
            format!(
                "Tick up to {MOST_TICKED} runs in the table above. Their curves are drawn over each other here, and the \
                 settings in which they differ are listed."
            )
        } else {
            "Curves, settings and kernels of the runs that are ticked above stand here.".into()
        };
        empty_ui(ui, "Nothing to compare yet", &hint);
        return;
    }
    match view.compare.compared {
        Compared::Curves => curves::curves_ui(ui, state, &mut view.compare, &compared),
        Compared::Settings => settings::settings_ui(ui, state, &mut view.compare, &compared),
        Compared::Kernels => kernels::kernels_ui(ui, state, view, &compared),
    }
}
