//! The frame around the views: tabs, the left column, narrow windows and large type.

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::Event;
use alexnet_lab::gui::Tab;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Rect};
use egui_kittest::kittest::{By, NodeT as _, Queryable as _};

use super::panels::{click, shows};
use super::rig::{Rig, description, evaluation, run_info, step, stepped_grid};

#[test]
fn tabs_are_chosen_by_click_number_and_arrow() {
    let mut rig = Rig::new();
    for (number, tab) in [(Key::Num4, Tab::Filters), (Key::Num2, Tab::Model), (Key::Num1, Tab::Data)] {
        rig.harness.key_press_modifiers(Modifiers::COMMAND, number);
        rig.settle();
        assert_eq!(rig.harness.state().view.tab, tab);
    }
    click(&mut rig, "Train");
    assert_eq!(rig.harness.state().view.tab, Tab::Train);
    rig.harness.get_by_label("Train").focus();
    rig.settle();
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    assert_eq!(rig.harness.state().view.tab, Tab::Filters);
    rig.harness.key_press(Key::ArrowLeft);
    rig.settle();
    assert_eq!(rig.harness.state().view.tab, Tab::Train, "the focus went along");
}

#[test]
fn a_click_counts_however_long_the_frames_take() {
    let mut rig = Rig::new();
    let pos = rig.harness.get_by_label("Model").rect().center();
    let button = |pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    rig.harness.event(egui::Event::PointerMoved(pos));
    rig.settle();
    rig.harness.event(button(true));
    // A quarter of a second a frame.
    rig.harness.run_steps(12);
    rig.harness.event(button(false));
    rig.settle();
    assert_eq!(rig.harness.state().view.tab, Tab::Model);
}

#[test]
fn the_left_column_can_be_put_away() {
    let mut rig = Rig::new();
    rig.harness.get_by_label("Start training");
    rig.harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    rig.settle();
    assert!(rig.harness.query_by_label("Start training").is_none());
    click(&mut rig, "Setup");
    rig.harness.get_by_label("Start training");
}

#[test]
fn a_narrow_window_shows_one_thing_at_a_time() {
    // 1280x800 pixels at 200 %.
    let mut rig = Rig::with(RunConfig::default(), [640.0, 400.0]);
    let screen = Rect::from_min_size(egui::Pos2::ZERO, [640.0, 400.0].into());
    assert!(rig.harness.query_by_label("Start training").is_none());
    for tab in Tab::ALL {
        assert!(screen.contains_rect(rig.harness.get_by_label(tab.title()).rect()), "{tab:?}");
    }
    click(&mut rig, "Setup");
    for label in ["Start training", "Open model…", "Save model…", "View"] {
        assert!(screen.contains_rect(rig.harness.get_by_label(label).rect()), "{label}");
    }
    rig.start();
    click(&mut rig, "Setup");
    assert!(rig.harness.query_by_label("Pause").is_none());
    rig.harness.get_by_label("Loss curve. Train 1.00. Validation not measured yet.");
}

/// What can be pressed, moved or typed into, and what is painted.
const PRESSED: [Role; 11] = [
    Role::Button,
    Role::CheckBox,
    Role::ComboBox,
    Role::Image,
    Role::Link,
    Role::ProgressIndicator,
    Role::RadioButton,
    Role::Slider,
    Role::Splitter,
    Role::Tab,
    Role::TextInput,
];

#[test]
fn everything_in_a_run_that_can_be_pressed_has_a_name() {
    let mut rig = Rig::training();
    rig.send(Event::Evaluation(evaluation(10, 0.25)));
    rig.send(Event::Filters(stepped_grid(48, 5, 2)));
    for tab in Tab::ALL {
        rig.harness.state_mut().view.tab = tab;
        rig.settle();
        let nameless = By::new().recursive(true).predicate(|node| {
            let named = node.label().is_some_and(|label| !label.trim().is_empty());
            PRESSED.contains(&node.role()) && !named
        });
        let nameless: Vec<String> = rig
            .harness
            .query_all(nameless)
            .map(|node| format!("{:?} at {:?}", node.accesskit_node().role(), node.rect()))
            .collect();
        assert!(nameless.is_empty(), "{tab:?}: {nameless:?}");
    }
}

#[test]
fn a_thousand_classes_with_long_names_stay_inside_the_window() {
    let mut rig = Rig::training();
    let mut info = run_info();
    info.model.classes =
        (0..1000).map(|class| format!("{class} a class with a very long name, and a second one")).collect();
    info.data =
        alexnet_lab::data::Description { classes: info.model.classes.clone(), ..description("sample") };
    rig.send(Event::Started(Box::new(info)));
    rig.send(Event::Step(step(1), super::rig::PACE));
    let screen = Rect::from_min_size(egui::Pos2::ZERO, [1280.0, 800.0].into()).expand(0.5);
    for tab in [Tab::Model, Tab::Train, Tab::Filters] {
        rig.harness.state_mut().view.tab = tab;
        rig.settle();
        for label in ["Setup", "Pause", "Stop", "Keyboard shortcuts"] {
            assert!(screen.contains_rect(rig.harness.get_by_label(label).rect()), "{label} in {tab:?}");
        }
    }
    assert!(shows(&rig, "1,000 classes"));
}

#[test]
fn the_layout_is_remembered() {
    let mut rig = Rig::new();
    rig.harness.state_mut().view.tab = Tab::Filters;
    rig.harness.state_mut().view.setup_open = false;
    rig.harness.state_mut().view.plots.raw = false;
    let text = serde_json::to_string(&rig.harness.state().view.remembered()).unwrap();
    let mut other = Rig::new();
    other.harness.state_mut().view.restore(serde_json::from_str(&text).unwrap());
    let view = &other.harness.state().view;
    assert_eq!((view.tab, view.setup_open, view.plots.raw), (Tab::Filters, false, false));
    // What an older version has kept, or nonsense, changes nothing that matters.
    other.harness.state_mut().view.restore(serde_json::from_str("{\"curves_share\": 7.0}").unwrap());
    assert_eq!(other.harness.state().view.tab, Tab::Data);
}
