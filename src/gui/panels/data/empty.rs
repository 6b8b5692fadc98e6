//! What there is to see before a source is open: how to open one, how far opening is, or why it cannot be used.

use egui::{Align, Label, Layout, RichText, Shape, Stroke, Ui, UiBuilder, vec2};

use super::short_source;
use crate::engine::WayOut;
use crate::gui::action::Action;
use crate::gui::downloads::KnownAction;
use crate::gui::format;
use crate::gui::state::{Found, State};
use crate::gui::theme::Palette;
use crate::gui::widgets::{busy_ui, button_ui, heading_ui};

/// Wider lines are hard to read.
const WIDTH: f32 = 520.0;
/// Data sets to choose from that get a button each.
const CHOICES: usize = 8;
/// How much of the height lies above the text.
const ABOVE: f32 = 0.28;

/// Fills the space that is left.
pub(super) fn empty_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let room = ui.available_rect_before_wrap();
    let edge = room.shrink(2.0);
    let corners =
        [edge.left_top(), edge.right_top(), edge.right_bottom(), edge.left_bottom(), edge.left_top()];
    let stroke = Stroke::new(1.5, Palette::of(ui).line);
    ui.painter().extend(Shape::dashed_line(&corners, stroke, 8.0, 6.0));
    let middle =
        egui::Rect::from_center_size(room.center(), vec2(room.width().min(WIDTH) - 24.0, room.height()));
    ui.scope_builder(UiBuilder::new().max_rect(middle).layout(Layout::top_down(Align::Min)), |ui| {
        ui.add_space(room.height() * ABOVE);
        match &state.found {
            Found::Looking => looking_ui(ui, state, actions),
            Found::Unusable(reason) => {
                unusable_ui(ui, state, reason, actions);
                ui.add_space(18.0);
                ways_ui(ui, state, actions);
            }
            Found::Nothing | Found::Ready(..) => {
                heading_ui(ui, "Drop a folder or an archive of pictures here");
                text_ui(ui, "It should hold one folder of pictures for each class. Known data sets are recognised as they come.");
                ui.add_space(12.0);
                ways_ui(ui, state, actions);
            }
        }
    });
    ui.allocate_rect(room, egui::Sense::hover());
}

fn looking_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        busy_ui(ui, "Looking at the source");
        heading_ui(ui, &format!("Looking at {}", short_source(&state.source)));
    });
    let found = state.gallery.found();
    let text = match found {
        0 => "Finding out what is there.".to_owned(),
        found => format!("{} files and folders found so far.", format::count(found)),
    };
    text_ui(ui, &text);
    text_ui(ui, "Nothing is copied or changed.");
    ui.add_space(8.0);
    if button_ui(ui, "Cancel", Ok(()), "Give up; other pictures can be chosen then").clicked() {
        actions.push(Action::CancelOpening);
    }
}

fn unusable_ui(ui: &mut Ui, state: &State, reason: &str, actions: &mut Vec<Action>) {
    let palette = Palette::of(ui);
    heading_ui(ui, &format!("{} cannot be used", short_source(&state.source)));
    ui.add(Label::new(RichText::new(reason).color(palette.error)).wrap());
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if button_ui(ui, "Try again", Ok(()), "Look at it once more, for example after you have mended it")
            .clicked()
        {
            actions.push(Action::UseSource(state.source.clone()));
        }
        if state.gallery.way_out == WayOut::AcceptCut {
            let help = "Learn from the pictures that are there. What is missing may be whole classes.";
            if button_ui(ui, "Use what is there", Ok(()), help).clicked() {
                actions.push(Action::AcceptCut);
            }
        }
        if button_ui(ui, "Copy the reason", Ok(()), "Put the message on the clipboard").clicked() {
            actions.push(Action::CopyText(reason.to_owned()));
        }
    });
    choices_ui(ui, state, actions);
}

/// The data sets in a folder that is none itself.
fn choices_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let WayOut::Choose(sources) = &state.gallery.way_out else { return };
    ui.add_space(6.0);
    ui.horizontal_wrapped(|ui| {
        for source in sources.iter().take(CHOICES) {
            let label = format!("Open {}", short_source(source));
            if button_ui(ui, &label, Ok(()), source).clicked() {
                actions.push(Action::UseSource(source.clone()));
            }
        }
    });
}

/// All the ways to pictures.
fn ways_ui(ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
    let allowed = if state.busy() { Err("Stop the run before choosing other pictures.") } else { Ok(()) };
    let ways = [
        ("Choose a folder…", Action::PickFolder, "with one folder of pictures for each class"),
        (
            "Choose an archive…",
            Action::PickArchive,
            "a .tar, .tar.gz or .zip, read as it is; or a table of paths and labels",
        ),
        (
            "Use the sample",
            Action::UseSource("sample".into()),
            "ten classes of drawn shapes, made by the program",
        ),
        (
            "Known data sets…",
            Action::Known(KnownAction::Open),
            "CIFAR, MNIST, Imagenette, Tiny ImageNet: downloaded for you",
        ),
    ];
    egui::Grid::new("ways to pictures").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        for (label, action, what) in ways {
            // The list can be looked at during a run.
            let allowed = if matches!(action, Action::Known(_)) { Ok(()) } else { allowed };
            let button = egui::Button::new(label).min_size(vec2(150.0, 28.0));
            let response = ui.add_enabled(allowed.is_ok(), button);
            let response = match allowed {
                Ok(()) => response,
                Err(reason) => response.on_disabled_hover_text(reason),
            };
            if response.clicked() {
                actions.push(action);
            }
            ui.add(Label::new(RichText::new(what).weak()).wrap());
            ui.end_row();
        }
    });
}

fn text_ui(ui: &mut Ui, text: &str) {
    ui.add(Label::new(RichText::new(text).weak()).wrap());
}
