//! Watching and steering a run: numbers, events, the diagnosis and its cure, going back.

use alexnet_lab::config::Init;
use alexnet_lab::engine::{CheckpointInfo, Command, Event, Pace, StopReason, TakenUp};
use alexnet_lab::gui::{Action, Happening, Phase};
use alexnet_lab::vis::{EvaluationPoint, History, StepPoint};
use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::panels::{click, disabled, shows, type_into};
use super::rig::{PACE, Rig, evaluation, run_info, step, stepped_grid, summary};

fn checkpoint(step: u64) -> CheckpointInfo {
    let path = format!("runs/1/checkpoints/{step:08}").into();
    CheckpointInfo { step, path, bytes: 1, kept: 1, total_bytes: 1 }
}

/// Updates with a loss that stays where it is.
fn flat(rig: &mut Rig, loss: f64) {
    for number in 2..=320 {
        rig.events.send(Event::Step(StepPoint { loss, ..step(number) }, PACE)).expect("the window listens");
    }
    rig.settle();
}

#[test]
fn the_run_can_be_saved_at_any_time() {
    let mut rig = Rig::training();
    click(&mut rig, "Save now");
    assert!(matches!(rig.command(), Some(Command::Keep)));
    rig.harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, Key::S);
    rig.settle();
    assert!(matches!(rig.command(), Some(Command::Keep)), "the key saves the run, not a model file");
    assert!(rig.command().is_none());
}

#[test]
fn what_happens_stands_on_the_timeline() {
    let mut rig = Rig::training();
    rig.send(Event::Paused { step: 1 });
    rig.send(Event::Paused { step: 2 });
    rig.send(Event::Resumed);
    rig.send(Event::Checkpoint(checkpoint(1)));
    rig.send(Event::RateSet { step: 1, rate: 0.001 });
    let events: Vec<Happening> =
        rig.harness.state().state.curves.events.iter().map(|event| event.what).collect();
    let expected = [Happening::Paused, Happening::Resumed, Happening::Saved, Happening::RateSet(0.001)];
    assert_eq!(events, expected, "a single update's pause is no event");
    rig.harness.get_by_label("Timeline of the run: epoch 0.1, rate 0.01, 4 events");
}

#[test]
fn the_bar_of_the_run_stays_where_it_is_while_it_validates() {
    let mut rig = Rig::training();
    rig.send(Event::Step(step(50), PACE));
    let progress = |rig: &Rig| rig.harness.get_by_label("Run progress").accesskit_node().numeric_value();
    let before = progress(&rig);
    assert_eq!(before, Some(50.0));
    rig.send(Event::Evaluating { done: 0, total: 600 });
    assert_eq!(progress(&rig), before);
    rig.harness.get_by_label("0 of 600 pictures");
}

#[test]
fn the_numbers_that_matter_stand_above_the_curves() {
    let mut rig = Rig::training();
    rig.send(Event::Evaluation(evaluation(1, 0.25)));
    rig.send(Event::Step(step(2), Pace { waiting: 0.4, ..PACE }));
    for spoken in
        ["training loss: 1.00", "validation error: 25.0 %", "left: 3 min 20 s", "images a second: 123"]
    {
        rig.harness.get_by_label(spoken);
    }
    rig.harness.get_by_label("waiting for data: 40 %");
}

#[test]
fn top5_is_left_out_where_it_says_nothing() {
    let mut rig = Rig::training();
    rig.harness.get_by_label("no top-5");
    let mut info = run_info();
    info.model.classes = (0..10).map(|class| format!("class {class}")).collect();
    rig.send(Event::Started(Box::new(info)));
    rig.send(Event::Step(step(1), PACE));
    rig.harness.get_by_label("top-5");
    assert!(!shows(&rig, "no top-5"));
}

#[test]
fn a_run_that_only_guesses_is_begun_again_with_better_weights() {
    let mut rig = Rig::training();
    flat(&mut rig, 3f64.ln());
    assert!(shows(&rig, "the network has not begun to learn"));
    click(&mut rig, "Start again with first weights by number of inputs");
    assert!(matches!(rig.command(), Some(Command::Stop)), "the run is saved first");
    assert!(rig.command().is_none());
    rig.send(Event::Stopped(Box::new(summary(StopReason::Asked))));
    let Some(Command::Start(config)) = rig.command() else { panic!("a start") };
    assert_eq!(config.model.init, Some(Init::FanIn));
    assert_eq!(rig.harness.state().state.phase, Phase::Asked);
}

#[test]
fn a_diagnosis_can_be_copied_and_is_dismissed_for_good() {
    let mut rig = Rig::training();
    flat(&mut rig, 3f64.ln());
    rig.harness.get_by_label("Copy diagnosis");
    click(&mut rig, "Dismiss diagnosis");
    assert!(!shows(&rig, "has not begun to learn"));
    for number in 321..=400 {
        rig.events.send(Event::Step(StepPoint { loss: 3f64.ln(), ..step(number) }, PACE)).unwrap();
    }
    rig.settle();
    assert!(!shows(&rig, "has not begun to learn"));
}

#[test]
fn a_run_that_learns_is_left_in_peace() {
    let mut rig = Rig::training();
    for number in 2..=320 {
        let loss = 1.1 * (-(number as f64) / 200.0).exp();
        rig.events.send(Event::Step(StepPoint { loss, ..step(number) }, PACE)).unwrap();
    }
    rig.settle();
    assert_eq!(rig.harness.state().state.diagnosis, None);
}

#[test]
fn a_branch_waits_until_the_run_is_saved_and_shows_both_curves() {
    let mut rig = Rig::training();
    for number in 2..20 {
        rig.send(Event::Step(step(number), PACE));
    }
    let ctx = rig.harness.ctx.clone();
    let folder = std::path::absolute("runs/1/checkpoints/00000010").unwrap();
    let branch = Action::Branch(folder.clone(), Some(0.001));
    rig.harness.state_mut().carry_out(branch, &ctx, None);
    assert!(matches!(rig.command(), Some(Command::Stop)));
    assert!(rig.command().is_none());
    rig.send(Event::Stopped(Box::new(summary(StopReason::Asked))));
    let Some(Command::TakeUp(order)) = rig.command() else { panic!("a branch") };
    assert_eq!((order.path.clone(), order.branch, order.changes.len()), (folder, true, 0));
    assert!(matches!(rig.command(), Some(Command::SetRate(rate)) if rate == 0.001));
    let mut info = run_info();
    info.folder = "runs/2".into();
    info.taken_up = Some(TakenUp {
        step: 10,
        from: order.path,
        branch: true,
        replay_difference: Some(0.0),
        history: History::default(),
    });
    rig.send(Event::Started(Box::new(info)));
    rig.send(Event::Step(step(11), PACE));
    assert_eq!(rig.harness.get_all_by_label("run before").count(), 2, "in both plots");
    assert_eq!(rig.harness.state().state.curves.loss.values().len(), 1);
}

#[test]
fn the_sheet_of_checkpoints_wants_a_choice_and_a_good_rate() {
    let mut rig = Rig::training();
    assert!(rig.harness.query_by_label("Go back…").is_none(), "nothing to go back to yet");
    rig.send(Event::Checkpoint(checkpoint(1)));
    click(&mut rig, "Go back…");
    // What lies in the folder, which is nothing, is read on a thread; then the test tells.
    while rig.harness.state().state.checkpoints.is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
        rig.settle();
    }
    let kept = alexnet_lab::engine::KeptCheckpoint { step: 1, path: "runs/1/checkpoints/00000001".into() };
    rig.harness.state_mut().state.checkpoints = Some(vec![kept]);
    rig.settle();
    assert!(disabled(&rig, "Go on from there"));
    click(&mut rig, "update 1");
    assert!(!disabled(&rig, "Go on from there"));
    type_into(&mut rig, "Learning rate from there on", "fast");
    assert!(disabled(&rig, "Go on from there"));
    type_into(&mut rig, "Learning rate from there on", "0.005");
    click(&mut rig, "Go on from there");
    assert!(matches!(rig.command(), Some(Command::Stop)));
}

#[test]
fn pointing_at_a_moment_shows_its_kernels_and_marks_them() {
    let mut rig = Rig::training();
    for number in 0..40_u64 {
        rig.events
            .send(Event::Film(alexnet_lab::vis::FilterGrid { step: number, ..stepped_grid(4, 3, 1) }))
            .unwrap();
    }
    for number in 2..=40 {
        rig.events.send(Event::Step(step(number), PACE)).unwrap();
    }
    rig.send(Event::Evaluation(EvaluationPoint { n: 6, ..evaluation(40, 0.2) }));
    rig.harness.get_by_label_contains("Timeline of the run").focus();
    rig.settle();
    rig.harness.key_press(Key::ArrowLeft);
    rig.settle();
    assert_eq!(rig.harness.state().view.film.frame, Some(38));
    rig.harness.get_by_label("step 38");
    click(&mut rig, "Newest kernels");
    assert_eq!(rig.harness.state().view.film.frame, None);
}
