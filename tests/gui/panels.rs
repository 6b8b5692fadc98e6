//! The panels, driven by the labels that people and screen readers know them by.

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Event, Stage, StopReason};
use alexnet_lab::gui::{Action, Field, Phase, Tab};
use egui::accesskit::Toggled;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::data::act;
use super::rig::{PACE, Rig, evaluation, prediction, step, stepped_grid, summary};

/// Clicks what may first have to be scrolled to.
pub fn click(rig: &mut Rig, label: &str) {
    rig.harness.get_by_label(label).scroll_to_me();
    rig.settle();
    rig.harness.get_by_label(label).click();
    rig.settle();
}

pub fn disabled(rig: &Rig, label: &str) -> bool {
    rig.harness.get_by_label(label).accesskit_node().is_disabled()
}

pub fn shows(rig: &Rig, text: &str) -> bool {
    rig.harness.query_all_by_label_contains(text).next().is_some()
}

/// The text field of that name; its label has the same name.
pub fn field<'a>(rig: &'a Rig, label: &'a str) -> egui_kittest::Node<'a> {
    let mut named = rig.harness.get_all_by_label(label);
    named
        .find(|node| node.accesskit_node().is_text_input())
        .unwrap_or_else(|| panic!("a field named {label}"))
}

/// Replaces the text of a field by typing.
pub fn type_into(rig: &mut Rig, label: &str, text: &str) {
    field(rig, label).focus();
    rig.settle();
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    rig.settle();
    field(rig, label).type_text(text);
    rig.settle();
}

#[test]
fn start_sends_the_settings_on_the_screen() {
    // Tall enough for the whole left side: what is scrolled away cannot be clicked.
    let mut rig = Rig::with(RunConfig::default(), [1280.0, 1000.0]);
    type_into(&mut rig, "Learning rate", "0.05");
    type_into(&mut rig, "Epochs", "3");
    click(&mut rig, "Random crops and mirror images");
    click(&mut rig, "Start training");
    let Some(Command::Start(config)) = rig.command() else { panic!("a start") };
    let mut expected = RunConfig::default();
    expected.optim.lr = Some(0.05);
    expected.run.epochs = Some(3);
    expected.data.augment = Some(false);
    assert_eq!(*config, expected);
    assert_eq!(rig.harness.state().state.phase, Phase::Asked);
    assert!(rig.harness.query_by_label("Start training").is_none(), "it cannot be started twice");
}

#[test]
fn a_wrong_number_is_said_and_holds_up_the_start() {
    let mut rig = Rig::new();
    type_into(&mut rig, "Batch size", "many");
    rig.harness.get_by_label("Must be a whole number");
    assert!(disabled(&rig, "Start training"));
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    rig.settle();
    assert!(rig.command().is_none());
    click(&mut rig, "Reset batch size");
    assert!(!disabled(&rig, "Start training"));
    assert_eq!(rig.harness.state().draft.error(Field::Batch), None);
}

#[test]
fn unusable_pictures_hold_up_the_start() {
    let mut rig = Rig::new();
    act(&mut rig, Action::UseSource("sample".into()));
    rig.tell_opened("sample", Err("the folder holds no pictures"));
    rig.harness.state_mut().view.tab = Tab::Train;
    rig.settle();
    rig.harness.get_by_label("The folder holds no pictures.");
    assert!(disabled(&rig, "Start training"));
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    rig.settle();
    assert!(rig.command().is_none());
}

#[test]
fn what_was_found_is_shown() {
    let mut rig = Rig::new();
    rig.harness.get_by_label("3 classes in folders, 30 pictures to train on, 6 to validate");
    rig.start();
    rig.harness.get_by_label("1 file was left out");
}

#[test]
fn preparing_shows_how_far_and_can_be_stopped() {
    let mut rig = Rig::new();
    click(&mut rig, "Start training");
    rig.command();
    rig.send(Event::Preparing { stage: Stage::Decoding, done: 1500, total: 3000 });
    rig.harness.get_by_label("1,500 of 3,000");
    rig.harness.get_by_label("50 %");
    click(&mut rig, "Stop");
    assert!(matches!(rig.command(), Some(Command::Stop)));
    assert!(disabled(&rig, "Stopping…"));
    rig.send(Event::Cancelled);
    assert!(!disabled(&rig, "Start training"));
}

#[test]
fn pause_step_resume_and_stop() {
    let mut rig = Rig::training();
    assert!(disabled(&rig, "Step"), "only a paused run can be stepped");
    click(&mut rig, "Pause");
    assert!(matches!(rig.command(), Some(Command::Pause)));
    rig.send(Event::Paused { step: 1 });
    click(&mut rig, "Step");
    assert!(matches!(rig.command(), Some(Command::Step)));
    click(&mut rig, "Resume");
    assert!(matches!(rig.command(), Some(Command::Resume)));
    rig.send(Event::Resumed);
    click(&mut rig, "Stop");
    assert!(matches!(rig.command(), Some(Command::Stop)));
    assert!(disabled(&rig, "Pause") && disabled(&rig, "Stopping…"));
    rig.send(Event::Stopped(Box::new(summary(StopReason::Asked))));
    rig.harness.get_by_label("Training stopped");
    assert!(!disabled(&rig, "Start training"));
}

#[test]
fn the_rate_can_be_changed_while_it_trains() {
    let mut rig = Rig::training();
    click(&mut rig, "÷ 10");
    assert!(matches!(rig.command(), Some(Command::SetRate(rate)) if (rate - 0.001).abs() < 1e-12));
    rig.send(Event::RateSet { step: 1, rate: 0.001 });
    rig.harness.get_by_label("0.001");
    assert!(disabled(&rig, "Set rate"), "nothing is typed");
    type_into(&mut rig, "New learning rate", "-1");
    assert!(disabled(&rig, "Set rate"));
    rig.harness.get_by_label("The rate must be greater than 0");
    type_into(&mut rig, "New learning rate", "0,02");
    click(&mut rig, "Set rate");
    assert!(matches!(rig.command(), Some(Command::SetRate(rate)) if rate == 0.02));
    assert!(rig.harness.state().view.rate_text.is_empty());
}

#[test]
fn the_status_line_says_where_how_fast_and_how_long() {
    let mut rig = Rig::training();
    rig.send(Event::Step(step(42), PACE));
    for text in [
        "Processor",
        "Training",
        "step 42 of 100",
        "epoch 4.2 of 10",
        "123 images/s",
        "3 min 20 s left",
        "42 %",
    ] {
        rig.harness.get_by_label(text);
    }
    rig.send(Event::Evaluating { done: 3, total: 6 });
    rig.harness.get_by_label("Validating");
    rig.harness.get_by_label("3 of 6 pictures");
    rig.harness.get_by_label("42 %");
}

#[test]
fn a_prediction_shows_names_and_percents() {
    let mut rig = Rig::training();
    let id = rig.harness.state_mut().state.asked_to_classify("tom.jpg".into());
    rig.settle();
    assert!(shows(&rig, "Asking about tom.jpg"));
    rig.send(Event::Prediction { id, name: "tom.jpg".into(), result: Ok(prediction()) });
    for bar in ["cat: 83.1 %", "dog: 10.0 %", "ship: 6.9 %"] {
        rig.harness.get_by_label(bar);
    }
    rig.harness.get_by_label("tom.jpg as the network saw it");
    let second = rig.harness.state_mut().state.asked_to_classify("notes.txt".into());
    rig.send(Event::Prediction {
        id: second,
        name: "notes.txt".into(),
        result: Err("is not a picture".into()),
    });
    rig.harness.get_by_label("Is not a picture.");
    assert!(rig.harness.query_by_label("cat: 83.1 %").is_none());
    click(&mut rig, "Show tom.jpg: cat");
    rig.harness.get_by_label("cat: 83.1 %");
    let node = rig.harness.get_by_label("Show tom.jpg: cat");
    assert_eq!(node.accesskit_node().toggled(), Some(Toggled::True));
    click(&mut rig, "Remove tom.jpg");
    assert!(rig.harness.query_by_label("Show tom.jpg: cat").is_none());
}

#[test]
fn ten_views_are_asked_for() {
    let mut rig = Rig::training();
    click(&mut rig, "10 views");
    let ctx = rig.harness.ctx.clone();
    let source = alexnet_lab::engine::PictureSource::File("a.jpg".into());
    rig.harness.state_mut().carry_out(alexnet_lab::gui::Action::Classify(source), &ctx, None);
    let asked = rig.command();
    assert!(
        matches!(asked, Some(Command::Predict { views: alexnet_lab::engine::Views::Ten, .. })),
        "{asked:?}"
    );
}

#[test]
fn failures_are_shown_and_can_be_dismissed() {
    let mut rig = Rig::training();
    rig.send(Event::Failed {
        message: "The disk is full.".into(),
        run_ended: false,
        bad_input: false,
        saved: None,
    });
    rig.harness.get_by_label("The disk is full.");
    // One is the title of the plot; the other opens the message, so that colour is not its only sign.
    assert_eq!(rig.harness.get_all_by_label("Error").count(), 2);
    click(&mut rig, "Dismiss message");
    assert!(!shows(&rig, "The disk is full."));
}

#[test]
fn many_messages_leave_room_for_the_rest() {
    let mut rig = Rig::training();
    for number in 0..20 {
        rig.send(Event::Warning(format!("Something odd, number {number}: {}", "a long story ".repeat(30))));
    }
    rig.harness.get_by_label("and 17 earlier messages");
    let plot = rig.harness.get_by_label_contains("Loss curve").rect();
    assert!(plot.height() > 40.0, "{plot:?}");
    click(&mut rig, "Dismiss all messages");
    assert!(!shows(&rig, "Something odd"));
}

#[test]
fn the_end_of_a_run_says_what_it_left_behind() {
    let mut rig = Rig::training();
    rig.send(Event::Stopped(Box::new(summary(StopReason::Finished))));
    let model =
        std::path::absolute("runs/1/model.safetensors").expect("a current folder").display().to_string();
    for text in ["Training finished", "100 updates in 1 min 23 s", "12.5 %", &model] {
        rig.harness.get_by_label(text);
    }
    assert!(!shows(&rig, "top-5 error"), "of three classes it says nothing");
    rig.harness.get_by_label("Copy model path").click();
    let mut copied = Vec::new();
    for _ in 0..4 {
        rig.harness.step();
        copied.extend(rig.harness.output().platform_output.commands.clone());
    }
    let path = egui::OutputCommand::CopyText(model);
    assert!(copied.contains(&path), "{copied:?}");
    click(&mut rig, "Dismiss summary");
    assert!(!shows(&rig, "Training finished"));
}

#[test]
fn keys_pause_resume_start_and_list_themselves() {
    let mut rig = Rig::new();
    rig.harness.key_press(Key::Space);
    rig.settle();
    assert!(rig.command().is_none(), "there is nothing to pause");
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    rig.settle();
    assert!(matches!(rig.command(), Some(Command::Start(_))));
    rig.start();
    rig.harness.key_press(Key::Space);
    rig.settle();
    assert!(matches!(rig.command(), Some(Command::Pause)));
    rig.send(Event::Paused { step: 1 });
    rig.harness.key_press(Key::Space);
    rig.settle();
    assert!(matches!(rig.command(), Some(Command::Resume)));
    rig.harness.key_press(Key::F1);
    rig.settle();
    rig.harness.get_by_label("Pause or resume");
    rig.harness.key_press(Key::Space);
    rig.settle();
    assert!(rig.command().is_none(), "the list is in front");
    rig.harness.key_press(Key::F1);
    rig.settle();
    assert!(!shows(&rig, "Pause or resume"));
}

#[test]
fn space_in_a_field_is_only_a_space() {
    let mut rig = Rig::training();
    rig.harness.get_by_label("New learning rate").focus();
    rig.settle();
    rig.harness.key_press(Key::Space);
    rig.settle();
    assert!(rig.command().is_none());
}

#[test]
fn what_cannot_be_done_now_is_disabled() {
    let mut rig = Rig::new();
    for label in ["Save model…", "Open picture…", "Paste"] {
        assert!(disabled(&rig, label), "{label} before there is a network");
    }
    assert!(!disabled(&rig, "Open model…"));
    rig.start();
    for label in ["Save model…", "Open picture…", "Paste"] {
        assert!(!disabled(&rig, label), "{label} during a run");
    }
    for label in ["Open model…", "Open folder…", "Open archive…", "Sample"] {
        assert!(disabled(&rig, label), "{label} during a run");
    }
}

#[test]
fn kernels_and_curves_are_named_and_the_arrow_keys_walk() {
    let mut rig = Rig::training();
    rig.send(Event::Evaluation(evaluation(10, 0.25)));
    rig.send(Event::Filters(stepped_grid(48, 5, 2)));
    rig.harness.get_by_label("Loss curve. Train 1.00. Validation 1.00.");
    rig.harness.get_by_label("Error curve. Train 50.0 %. Validation 25.0 %.");
    rig.harness.get_by_label("48 first-layer kernels of 5x5 weights").focus();
    rig.settle();
    for key in [Key::ArrowRight, Key::ArrowRight, Key::ArrowDown, Key::ArrowLeft, Key::ArrowUp, Key::ArrowUp]
    {
        rig.harness.key_press(key);
        rig.settle();
    }
    // First key: kernel 1; right: 2; down: 18; left: 17; up: 1; up again: stays.
    assert_eq!(rig.harness.state().view.kernel, Some(0));
    assert!(shows(&rig, "Kernel 1 of 48, column 1 chosen"));
}

#[test]
fn logarithmic_axes_draw_zeros_too() {
    let mut rig = Rig::training();
    click(&mut rig, "Logarithmic error axis");
    click(&mut rig, "Logarithmic loss axis");
    rig.send(Event::Evaluation(evaluation(10, 0.0)));
    rig.send(Event::Step(step(11), PACE));
    rig.harness.get_by_label("Error curve. Train 50.0 %. Validation 0.0 %.");
}

#[test]
fn the_important_controls_are_in_sight_in_small_windows() {
    for size in [[900.0, 600.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        let mut rig = Rig::with(RunConfig::default(), size);
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        let inside = |rig: &Rig, label: &str| {
            let rect = rig.harness.get_by_label(label).rect();
            assert!(screen.contains_rect(rect), "{label} at {rect:?} in {size:?}");
        };
        for label in ["Start training", "Open picture…", "Paste", "Open model…", "Keyboard shortcuts"] {
            inside(&rig, label);
        }
        rig.start();
        rig.send(Event::Filters(stepped_grid(96, 11, 2)));
        for label in ["Pause", "Stop", "Save now", "Set rate", "96 first-layer kernels of 11x11 weights"] {
            inside(&rig, label);
        }
        inside(&rig, "Loss curve. Train 1.00. Validation not measured yet.");
    }
}
