//! Relabelling and leaving out: from the data view and from the mistakes, undone, done again, kept.

use std::sync::Arc;

use alexnet_lab::data::{Correction, Corrections};
use alexnet_lab::engine::{BrowseNews, BrowseRequest, Command, CorrectionCounts, Event};
use alexnet_lab::gui::{Action, Section, Tab};
use alexnet_lab::vis::Evaluation;

use super::data_check::checked;
use super::panels::{click, disabled, shows};
use super::rig::{Rig, browse_set, evaluation, model};

/// A window whose lists are kept in a folder, with a measurement of a ship that is taken for a dog.
fn measured(folder: &std::path::Path) -> Rig {
    let mut rig = Rig::new();
    rig.harness.state_mut().keep_corrections_in(folder.into());
    rig.send(Event::Loaded(Box::new(model())));
    let mut found = Evaluation::new("sample".into(), 1, model().classes);
    found.add("4.png".into(), 4, 2, &[0.0, 5.0, 0.0]);
    found.point = evaluation(10, 1.0);
    rig.send(Event::Evaluated(Arc::new(found)));
    rig.harness.state_mut().view.tab = Tab::Evaluate;
    rig.settle();
    while rig.command().is_some() {}
    rig
}

fn kept(folder: &std::path::Path) -> Corrections {
    let file = Corrections::place(folder, "sample");
    if file.exists() { Corrections::read(&file).unwrap() } else { Corrections::default() }
}

#[test]
fn a_mistake_is_relabelled_undone_and_used_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = measured(folder.path());
    click(&mut rig, "4.png: ship, taken for dog with 98.7 %");
    click(&mut rig, "It is dog");
    assert!(shows(&rig, "1 relabelled, 0 left out: applied from the next run or measurement on"));
    assert!(shows(&rig, "You said: it is dog"));
    assert_eq!(kept(folder.path()).get("4.png"), Some(&Correction::Class("dog".into())));
    click(&mut rig, "Undo");
    assert!(kept(folder.path()).is_empty());
    assert!(disabled(&rig, "Undo"));
    click(&mut rig, "Redo");
    click(&mut rig, "Leave out");
    assert_eq!(kept(folder.path()).get("4.png"), Some(&Correction::LeaveOut));
    let ctx = rig.harness.ctx.clone();
    rig.harness.state_mut().carry_out(Action::CheckData, &ctx, None);
    let list = Corrections::place(folder.path(), "sample");
    let with_list = |request: &BrowseRequest| matches!(request, BrowseRequest::Check { corrections: Some(file), .. } if *file == list);
    assert!(rig.requested().iter().any(with_list), "every picture is checked as a run would see it");
    let set = rig.order();
    let mut found = checked();
    found.corrections = Some(CorrectionCounts { listed: 1, relabelled: 1, left_out: 0 });
    found.classes[0].train += 1;
    rig.tell(BrowseNews::Checked { set, result: Ok(Some(found)) });
    rig.harness.state_mut().view.tab = Tab::Data;
    rig.settle();
    assert!(!shows(&rig, "The corrections have changed since"));
    rig.harness.state_mut().view.data.section = Section::Pictures;
    rig.settle();
    assert!(shows(&rig, "30 to train on, 31 as corrected"));
    rig.harness.state_mut().view.data.section = Section::Check;
    rig.settle();
    click(&mut rig, "Undo");
    assert!(shows(&rig, "The corrections have changed since"));
    click(&mut rig, "Redo");
    click(&mut rig, "Start training");
    let Some(Command::Start(config)) = rig.command() else { panic!("a start") };
    assert_eq!(config.data.corrections, Some(Corrections::place(folder.path(), "sample")));
}

#[test]
fn the_list_is_taken_up_again_shown_and_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Corrections::default();
    list.set("1.png", Some(Correction::Class("cat".into())));
    list.set("2.png", Some(Correction::LeaveOut));
    list.write(&Corrections::place(folder.path(), "sample"), "sample").unwrap();
    let mut rig = measured(folder.path());
    click(&mut rig, "Show the list");
    assert_eq!(rig.harness.state().view.data.section, Section::Corrections);
    assert!(shows(&rig, "1.png is cat") && shows(&rig, "2.png is left out"));
    click(&mut rig, "Take back the correction of 1.png");
    assert!(!shows(&rig, "1.png is cat"));
    let other = folder.path().join("other.csv");
    let mut more = Corrections::default();
    more.set("3.png", Some(Correction::LeaveOut));
    more.write(&other, "sample").unwrap();
    let ctx = rig.harness.ctx.clone();
    rig.harness.state_mut().carry_out(Action::ReadCorrections(other), &ctx, None);
    rig.settle();
    assert_eq!(kept(folder.path()).len(), 2);
    // Another source has a list of its own.
    rig.harness.state_mut().carry_out(Action::UseSource("/pets".into()), &ctx, None);
    rig.settle();
    rig.tell_set(browse_set("/pets"));
    assert!(rig.harness.state().state.corrections.list().is_empty());
    click(&mut rig, "Start training");
    let started = std::iter::from_fn(|| rig.command()).find_map(|command| match command {
        Command::Start(config) => Some(config.data.corrections),
        _ => None,
    });
    assert_eq!(started, Some(None), "a list of another source is not used");
}

#[test]
fn a_list_that_cannot_be_read_is_said_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = Corrections::place(folder.path(), "sample");
    std::fs::write(&file, "what,is this,then\n").unwrap();
    let mut rig = measured(folder.path());
    assert!(shows(&rig, "line 1 says"));
    click(&mut rig, "4.png: ship, taken for dog with 98.7 %");
    click(&mut rig, "It is dog");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "what,is this,then\n");
}
