//! Going on with an earlier run from the window: what is offered, what a click asks for, and what is told.

use alexnet_lab::engine::{Command, Event, Interrupted, TakeUp, TakenUp};
use alexnet_lab::gui::{Action, Severity};
use alexnet_lab::vis::History;
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, shows};
use super::rig::{Rig, evaluation, run_info, step};

fn interrupted() -> Interrupted {
    Interrupted { folder: "/home/eva/runs/0007-alexnet-64-pets".into(), step: 1200, total_steps: 30_000 }
}

/// A window that has found an interrupted run.
fn offered() -> Rig {
    let mut rig = Rig::new();
    rig.harness.state_mut().state.interrupted = Some(interrupted());
    rig.settle();
    rig
}

#[test]
fn an_interrupted_run_is_offered_and_resumed_by_one_click() {
    let mut rig = offered();
    assert!(shows(&rig, "The last run, 0007-alexnet-64-pets, was interrupted after"));
    click(&mut rig, "Resume the last run");
    let Some(Command::TakeUp(order)) = rig.command() else { panic!("nothing was asked for") };
    assert_eq!(*order, TakeUp { path: interrupted().folder, ..TakeUp::default() });
    // While it is being made ready nothing else can be begun.
    assert!(rig.harness.query_by_label("Resume the last run").is_none());
    assert!(rig.harness.query_by_label("Start training").is_none());
}

#[test]
fn the_offer_can_be_dismissed_and_is_gone_once_it_is_taken() {
    let mut rig = offered();
    click(&mut rig, "Dismiss the last run");
    assert!(rig.harness.query_by_label("Resume the last run").is_none());
    rig.harness.get_by_label("Resume a run…");
    assert!(rig.command().is_none());

    let mut rig = offered();
    click(&mut rig, "Resume the last run");
    let mut info = run_info();
    info.folder = interrupted().folder;
    let mut history = History::default();
    (1..=1200).for_each(|number| history.steps.push(step(number)));
    history.evaluations.push(evaluation(1200, 0.25));
    info.taken_up = Some(TakenUp {
        step: 1200,
        from: info.folder.join("checkpoints/step-00001200"),
        branch: false,
        replay_difference: Some(0.0),
        history,
    });
    rig.send(Event::Started(Box::new(info)));
    let state = &rig.harness.state().state;
    assert_eq!(state.interrupted, None);
    assert_eq!(state.last.map(|point| point.step), Some(1200));
    assert_eq!(state.curves.evaluations.len(), 1);
    assert!(!state.curves.loss.is_empty(), "the curves begin anew");
}

#[test]
fn a_run_that_cannot_be_resumed_says_why_and_is_offered_again() {
    let mut rig = offered();
    click(&mut rig, "Resume the last run");
    let message =
        "the pictures of pets are not those of the run: 3 of 40 have changed (cat/1.png and 2 more)";
    rig.send(Event::Failed { message: message.into(), run_ended: true, bad_input: true, saved: None });
    let notices = &rig.harness.state().state.notices;
    let told = notices
        .list()
        .iter()
        .any(|notice| notice.severity == Severity::Error && notice.text.contains("3 of 40 have changed"));
    assert!(told, "the reason is not shown");
    rig.harness.get_by_label("Resume the last run");
}

#[test]
fn the_folder_of_the_last_run_is_remembered() {
    let mut view = alexnet_lab::gui::View { last_run: Some("/runs/0007-x".into()), ..Default::default() };
    let remembered = view.remembered();
    view.last_run = None;
    view.restore(remembered);
    assert_eq!(view.last_run.as_deref(), Some(std::path::Path::new("/runs/0007-x")));
}

#[test]
fn any_run_can_be_chosen() {
    let mut rig = Rig::new();
    rig.harness.get_by_label("Resume a run…");
    let ctx = rig.harness.ctx.clone();
    let path = std::path::PathBuf::from("/elsewhere/run");
    rig.harness.state_mut().carry_out(Action::ResumeRun(path.clone()), &ctx, None);
    let Some(Command::TakeUp(order)) = rig.command() else { panic!("nothing was asked for") };
    assert_eq!((order.path, order.branch), (path, false));
}
