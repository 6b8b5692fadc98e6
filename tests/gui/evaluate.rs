//! The view of a measurement: what can be asked, what it shows of 2 to 1000 classes, which pictures it wants.

use std::sync::Arc;

use alexnet_lab::engine::{Among, BrowseNews, BrowseRequest, Command, Event, SmallPicture, Views};
use alexnet_lab::gui::Tab;
use alexnet_lab::vis::Evaluation;
use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbImage;

use super::panels::{click, disabled, shows};
use super::rig::{Rig, evaluation, model};

/// Cat, dog and ship: one dog is taken for a cat, two ships for a dog, the rest is right.
fn measured() -> Arc<Evaluation> {
    let classes = model().classes;
    let mut found = Evaluation::new("sample".into(), 1, classes);
    let pictures = [(0, [4.0, 0.0, 0.0]), (1, [0.0, 3.0, 0.0]), (1, [2.0, 0.0, 0.0])];
    let ships = [(2, [0.0, 1.0, 0.0]), (2, [0.0, 5.0, 0.0]), (2, [0.0, 0.0, 2.0])];
    for (place, (label, scores)) in pictures.into_iter().chain(ships).enumerate() {
        found.add(format!("{place}.png"), place as u32, label, &scores);
    }
    found.point = evaluation(10, 0.5);
    Arc::new(found)
}

fn looking() -> Rig {
    Rig::looking_at(Tab::Evaluate)
}

fn with_a_model() -> Rig {
    Rig::with_a_model(Tab::Evaluate)
}

#[test]
fn without_a_network_the_view_says_how_to_get_one() {
    let rig = looking();
    assert!(shows(&rig, "Nothing to measure yet"));
    assert!(disabled(&rig, "Measure"));
}

#[test]
fn a_measurement_is_asked_for_shown_and_never_mixed_with_the_curves() {
    let mut rig = with_a_model();
    click(&mut rig, "10 views");
    click(&mut rig, "Measure");
    let Some(Command::Evaluate { data, views }) = rig.command() else { panic!("nothing was asked for") };
    assert_eq!((data.source.as_str(), views), ("sample", Views::Ten));
    rig.send(Event::Evaluating { done: 3, total: 6 });
    assert!(shows(&rig, "3 of 6 pictures"));
    assert!(disabled(&rig, "Measure"));
    rig.send(Event::Evaluation(evaluation(10, 0.5)));
    rig.send(Event::Evaluated(measured()));
    assert!(shows(&rig, "Top-1 error 50.0 %"));
    assert!(!shows(&rig, "top-5 error"), "it says nothing of three classes");
    assert!(shows(&rig, "ship taken for dog: 2 pictures"));
    let state = &rig.harness.state().state;
    assert!(!state.busy() && state.curves.evaluations.is_empty());
}

#[test]
fn a_measurement_that_is_given_up_leaves_the_last_one() {
    let mut rig = with_a_model();
    rig.send(Event::Evaluated(measured()));
    click(&mut rig, "Measure");
    rig.command();
    click(&mut rig, "Stop");
    assert!(matches!(rig.command(), Some(Command::Stop)));
    rig.send(Event::Cancelled);
    assert!(shows(&rig, "Top-1 error 50.0 %"));
    assert!(!disabled(&rig, "Measure"));
}

#[test]
fn a_paused_run_can_be_measured_and_stays_paused() {
    let mut rig = Rig::training();
    rig.harness.state_mut().view.tab = Tab::Evaluate;
    rig.settle();
    assert!(disabled(&rig, "Measure"), "the run is using the network");
    rig.send(Event::Paused { step: 1 });
    click(&mut rig, "Measure");
    assert!(matches!(rig.command(), Some(Command::Evaluate { .. })));
    rig.send(Event::Evaluating { done: 3, total: 6 });
    assert!(shows(&rig, "3 of 6 pictures") && shows(&rig, "gives the measurement up"));
    rig.send(Event::Evaluation(evaluation(1, 0.5)));
    rig.send(Event::Evaluated(measured()));
    assert!(shows(&rig, "Top-1 error 50.0 %"));
    rig.harness.get_by_label("Resume");
    assert!(rig.harness.state().state.curves.evaluations.is_empty());
    // One that is given up leaves the run as it is, too.
    click(&mut rig, "Measure");
    rig.send(Event::Cancelled);
    rig.harness.get_by_label("Resume");
    assert!(!disabled(&rig, "Measure"));
}

#[test]
fn a_mistake_brings_its_pictures() {
    let mut rig = with_a_model();
    rig.requested();
    rig.send(Event::Evaluated(measured()));
    rig.settle();
    // All mistakes, the worst first: the ship that is surely a dog.
    let places = |rig: &mut Rig| {
        let asked = rig.requested().into_iter().filter_map(|request| match request {
            BrowseRequest::Show { places, .. } => Some(places),
            _ => None,
        });
        asked.reduce(|_, newest| newest).unwrap_or_default()
    };
    let asked = places(&mut rig);
    assert!(asked.iter().all(|place| place.among == Among::DataSet), "{asked:?}");
    assert_eq!(asked.iter().map(|place| place.position).collect::<Vec<_>>(), [4, 2, 3]);
    let picture = SmallPicture { name: "4.png".into(), label: 2, size: (8, 8), picture: RgbImage::new(8, 8) };
    let set = rig.order();
    rig.tell(BrowseNews::Small { set, version: 0, place: asked[0], result: Ok(picture) });
    assert_eq!(rig.harness.state().view.evaluate.thumbs.len(), 1);
    assert!(rig.harness.state().view.data.thumbs.is_empty());
    click(&mut rig, "dog taken for cat: 1 picture");
    assert!(shows(&rig, "2.png: dog, taken for cat"));
    assert!(!shows(&rig, "4.png: ship"));
}

#[test]
fn the_matrix_is_walked_with_the_keys() {
    let mut rig = with_a_model();
    rig.send(Event::Evaluated(measured()));
    let matrix = |rig: &Rig| {
        let node = rig.harness.get_by_role(Role::Grid).accesskit_node().label();
        node.unwrap_or_default()
    };
    assert!(matrix(&rig).contains("cat recognised: 1 of 1"), "{}", matrix(&rig));
    rig.harness.get_by_role(Role::Grid).focus();
    rig.settle();
    for key in [Key::ArrowDown, Key::ArrowDown, Key::ArrowRight] {
        rig.harness.key_press(key);
        rig.settle();
    }
    assert!(matrix(&rig).contains("ship taken for dog: 2 of 3"), "{}", matrix(&rig));
    rig.harness.key_press(Key::Enter);
    rig.settle();
    assert!(shows(&rig, "ship taken for dog: 2"));
    assert!(!shows(&rig, "2.png: dog"));
}

#[test]
fn the_table_of_classes_is_ordered_by_error_and_chooses_a_class() {
    let mut rig = with_a_model();
    rig.send(Event::Evaluated(measured()));
    click(&mut rig, "3 classes");
    assert!(shows(&rig, "error 66.7 %") && shows(&rig, "mostly taken for dog (2)"));
    click(&mut rig, "ship");
    assert!(shows(&rig, "ship taken for something else: 2"));
}

#[test]
fn a_thousand_classes_fit() {
    let classes: Vec<String> = (0..1000).map(|class| format!("a class with a long name, {class}")).collect();
    let mut found = Evaluation::new("sample".into(), 1, classes);
    for place in 0..2000 {
        let mut scores = vec![0.0; 1000];
        scores[(place * 7 % 1000) as usize] = 1.0;
        found.add(format!("{place}.png"), place, place % 1000, &scores);
    }
    found.point = evaluation(10, 0.9);
    let mut rig = with_a_model();
    rig.send(Event::Evaluated(Arc::new(found)));
    assert!(shows(&rig, "top-5 error"));
    click(&mut rig, "1,000 classes");
    assert!(shows(&rig, "Mostly taken for"));
}
