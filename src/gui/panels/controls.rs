//! Start, pause, step, stop and the learning rate: always in sight at the foot of the left panel.

use egui::{RichText, TextEdit, Ui};

use crate::gui::action::Action;
use crate::gui::draft::Draft;
use crate::gui::format;
use crate::gui::panels::search::search_ui;
use crate::gui::state::{Found, Phase, State};
use crate::gui::theme::{Palette, card};
use crate::gui::view::View;
use crate::gui::widgets::{busy_ui, button_ui, primary_button_ui, progress_ui, small_button_ui};

/// The run controls.
pub fn controls_ui(ui: &mut Ui, state: &State, draft: &Draft, view: &mut View, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        if !state.running() {
            search_ui(ui, state, actions);
        }
        match state.phase {
            Phase::Idle => start_ui(ui, state, draft, actions),
            Phase::Asked | Phase::Preparing { .. } => preparing_ui(ui, state, actions),
            Phase::Training | Phase::Paused => running_ui(ui, state, view, actions),
        }
    });
}

/// Whether a run can begin, or why not.
pub fn may_start(state: &State, draft: &Draft) -> Result<(), String> {
    if state.busy() {
        let search = "A search for a learning rate is going on.";
        return Err(if state.searching() { search } else { "A run is going on." }.into());
    }
    match &state.found {
        Found::Unusable(_) => return Err("These pictures cannot be used.".into()),
        Found::Nothing => return Err("Choose pictures first.".into()),
        Found::Looking | Found::Ready(..) => {}
    }
    if let Some((field, reason)) = draft.errors().first() {
        return Err(format!("{}: {reason}", field.label()));
    }
    let preset = state.preset(draft.base.model.preset.as_deref());
    if let (Some(preset), None) = (preset, &draft.base.model.from)
        && draft.network(preset, state.classes()).is_err()
    {
        return Err("This network cannot be built; the view Model tells why.".into());
    }
    Ok(())
}

fn start_ui(ui: &mut Ui, state: &State, draft: &Draft, actions: &mut Vec<Action>) {
    let allowed = may_start(state, draft);
    let allowed_here = allowed.as_ref().copied().map_err(String::as_str);
    let help = match draft.base.model.from {
        None => "Train a new network from random first weights (Ctrl+Enter)",
        Some(_) => "Train the open model further (Ctrl+Enter)",
    };
    if primary_button_ui(ui, "Start training", allowed_here, help).clicked() {
        actions.push(Action::Start);
    }
    if let Err(reason) = &allowed {
        ui.label(RichText::new(reason).small().color(Palette::of(ui).error));
    }
    offer_ui(ui, state, actions);
    ui.horizontal_wrapped(|ui| {
        let help = "Go on with a run that was stopped or interrupted: choose its folder";
        if button_ui(ui, "Resume a run…", Ok(()), help).clicked() {
            actions.push(Action::PickRun);
        }
        let help = "Go on from a checkpoint of the last run as a branch; the run itself stays as it is";
        if state.checkpoint.is_some() && button_ui(ui, "Go back…", Ok(()), help).clicked() {
            actions.push(Action::ToggleBranch);
        }
    });
}

/// Going on with the last run of an earlier time, if it was interrupted.
fn offer_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    if let Some(run) = &state.interrupted {
        let name = run.folder.file_name().unwrap_or_default().to_string_lossy();
        let (step, total) = (format::count(run.step as usize), format::count(run.total_steps as usize));
        let text = format!("The last run, {name}, was interrupted after {step} of {total} updates.");
        ui.label(RichText::new(text).small());
        ui.horizontal(|ui| {
            let help = "Go on with it as if nothing had happened";
            if button_ui(ui, "Resume the last run", Ok(()), help).clicked() {
                actions.push(Action::ResumeRun(run.folder.clone()));
            }
            if ui.small_button("×").accessible_name("Dismiss the last run").on_hover_text("Dismiss").clicked()
            {
                actions.push(Action::DismissInterrupted);
            }
        });
    }
}

/// The way to the checkpoints of the run; nothing before there is one.
fn branch_button_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let help =
        "Go back to a checkpoint of this run and go on from there as a branch; the run itself stays as it is";
    if state.checkpoint.is_some()
        && !state.stopping
        && small_button_ui(ui, "Go back…", "Go back…", help).clicked()
    {
        actions.push(Action::ToggleBranch);
    }
}

fn preparing_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let (words, done, total) = match state.phase {
        Phase::Preparing { stage, done, total } => (stage.words(), done, total),
        _ => ("Getting ready", 0, 0),
    };
    ui.horizontal(|ui| {
        busy_ui(ui, words);
        ui.label(words);
        if total > 0 {
            let text = format!("{} of {}", format::count(done), format::count(total));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(text).weak());
            });
        }
    });
    let size = egui::vec2(ui.available_width(), 8.0);
    progress_ui(ui, "Preparation progress", done as f64, total as f64, size);
    stop_ui(ui, state, "Stop", "Give up getting ready; nothing is written", actions);
}

fn running_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let stopping = if state.stopping { Err("The run is being saved.") } else { Ok(()) };
    let paused = state.phase == Phase::Paused;
    let (label, action, help) = if paused {
        ("Resume", Action::Resume, "Go on training (Space)")
    } else {
        ("Pause", Action::Pause, "Finish the update in hand, then wait (Space)")
    };
    if primary_button_ui(ui, label, stopping, help).clicked() {
        actions.push(action);
    }
    ui.columns_const(|[left, middle, right]| {
        let may_step = if state.stopping {
            stopping
        } else if paused {
            Ok(())
        } else {
            Err("Pause first; then Step makes one update at a time.")
        };
        left.vertical_centered_justified(|ui| {
            if button_ui(ui, "Step", may_step, "Make one update, then wait again").clicked() {
                actions.push(Action::Step);
            }
        });
        middle.vertical_centered_justified(|ui| {
            let help = "Write a checkpoint now; the run goes on (Ctrl+Shift+S)";
            if button_ui(ui, "Save now", stopping, help).clicked() {
                actions.push(Action::SaveNow);
            }
        });
        right.vertical_centered_justified(|ui| {
            stop_ui(ui, state, "Stop", "End the run and save the model", actions);
        });
    });
    rate_ui(ui, state, view, actions);
}

fn stop_ui(ui: &mut Ui, state: &State, label: &str, help: &str, actions: &mut Vec<Action>) {
    let allowed = if state.stopping { Err("Already being stopped.") } else { Ok(()) };
    let label = if state.stopping { "Stopping…" } else { label };
    if button_ui(ui, label, allowed, help).clicked() {
        actions.push(Action::Stop);
    }
}

/// The rate in force, and two ways to change it: the paper's "divide by 10", and any value.
fn rate_ui(ui: &mut Ui, state: &State, view: &mut View, actions: &mut Vec<Action>) {
    let rate = state.rate.unwrap_or_default();
    ui.horizontal(|ui| {
        ui.label("Learning rate").on_hover_text(
            "The paper's authors divided the rate by 10 when the validation error stopped falling.",
        );
        ui.label(RichText::new(format::figures(rate)).strong());
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            branch_button_ui(ui, state, actions)
        });
    });
    let allowed = if state.stopping { Err("The run is being saved.") } else { Ok(()) };
    ui.horizontal(|ui| {
        let help = format!("Set the rate to {}", format::figures(rate / 10.0));
        if button_ui(ui, "÷ 10", allowed, &help).clicked() && rate > 0.0 {
            actions.push(Action::SetRate(rate / 10.0));
        }
        let field = TextEdit::singleline(&mut view.rate_text).hint_text("new rate").desired_width(84.0);
        let response = ui.add(field).accessible_name("New learning rate");
        let typed = parse_rate(&view.rate_text);
        let may_set = match (&typed, allowed) {
            (_, Err(reason)) => Err(reason),
            (Ok(_), _) => Ok(()),
            (Err(reason), _) => Err(*reason),
        };
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let pressed = button_ui(ui, "Set rate", may_set, "In force from the next update on").clicked();
        if let (true, Ok(rate), Ok(())) = (entered || pressed, typed, allowed) {
            actions.push(Action::SetRate(rate));
            view.rate_text.clear();
        }
    });
    if !view.rate_text.trim().is_empty()
        && let Err(reason) = parse_rate(&view.rate_text)
    {
        ui.label(RichText::new(reason).small().color(Palette::of(ui).error));
    }
}

/// A rate as it was typed.
pub fn parse_rate(text: &str) -> Result<f64, &'static str> {
    match text.trim().replace(',', ".").parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        Ok(_) => Err("The rate must be greater than 0"),
        Err(_) if text.trim().is_empty() => Err("Type a rate first"),
        Err(_) => Err("Must be a number, for example 0.001"),
    }
}
