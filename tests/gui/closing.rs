//! Closing the window while something goes on, and an engine that has ended.

use alexnet_lab::engine::{Command, Event, StopReason};
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, shows};
use super::rig::{Rig, summary};

fn wish_to_close(rig: &mut Rig) {
    let root = rig.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    root.events.push(egui::ViewportEvent::Close);
    rig.harness.step();
    let root = rig.harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
    root.events.clear();
}

fn window_commands(rig: &Rig) -> Vec<egui::ViewportCommand> {
    rig.harness.output().viewport_output.values().flat_map(|output| output.commands.clone()).collect()
}

fn saves_and_closes(rig: &mut Rig) {
    assert!(matches!(rig.command(), Some(Command::Stop)));
    rig.settle();
    rig.harness.get_by_label("Saving…");
    assert!(!window_commands(rig).contains(&egui::ViewportCommand::Close));
    rig.events.send(Event::Stopped(Box::new(summary(StopReason::Asked)))).expect("the window listens");
    rig.harness.step();
    assert!(window_commands(rig).contains(&egui::ViewportCommand::Close));
}

#[test]
fn closing_while_training_asks_and_saves_first() {
    let mut rig = Rig::training();
    wish_to_close(&mut rig);
    assert!(window_commands(&rig).contains(&egui::ViewportCommand::CancelClose));
    rig.settle();
    assert!(rig.command().is_none(), "it asks before it does anything");
    click(&mut rig, "Save and close");
    saves_and_closes(&mut rig);
}

#[test]
fn enter_agrees_and_escape_goes_on_training() {
    let mut rig = Rig::training();
    wish_to_close(&mut rig);
    rig.settle();
    rig.harness.key_press(egui::Key::Escape);
    rig.settle();
    assert!(!shows(&rig, "Close the window?") && rig.command().is_none());
    wish_to_close(&mut rig);
    rig.settle();
    click(&mut rig, "Go on training");
    assert!(!shows(&rig, "Close the window?") && rig.command().is_none());
    wish_to_close(&mut rig);
    rig.settle();
    rig.harness.key_press(egui::Key::Enter);
    rig.settle();
    saves_and_closes(&mut rig);
}

#[test]
fn wishing_twice_is_an_answer() {
    let mut rig = Rig::training();
    wish_to_close(&mut rig);
    wish_to_close(&mut rig);
    assert!(window_commands(&rig).contains(&egui::ViewportCommand::CancelClose));
    saves_and_closes(&mut rig);
}

#[test]
fn a_run_that_ends_meanwhile_answers_the_question() {
    let mut rig = Rig::training();
    wish_to_close(&mut rig);
    rig.events.send(Event::Stopped(Box::new(summary(StopReason::Asked)))).expect("the window listens");
    rig.harness.step();
    assert!(window_commands(&rig).contains(&egui::ViewportCommand::Close));
    assert!(rig.command().is_none());
}

#[test]
fn an_idle_window_closes_at_once() {
    let mut rig = Rig::new();
    wish_to_close(&mut rig);
    assert!(!window_commands(&rig).contains(&egui::ViewportCommand::CancelClose));
    assert!(rig.command().is_none());
}

#[test]
fn an_engine_that_has_ended_is_reported() {
    let mut rig = Rig::new();
    let (_, unconnected) = crossbeam_channel::unbounded();
    drop(std::mem::replace(&mut rig.commands, unconnected));
    click(&mut rig, "Start training");
    assert!(shows(&rig, "The engine has ended"));
}
