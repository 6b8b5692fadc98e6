//! The view of the layers: how one gets a picture into it, what can be pointed at and muted, what is asked for.

use std::sync::Arc;

use alexnet_lab::engine::{
    Activations, Among, Answer, BrowseNews, BrowseRequest, Command, Event, Excites, Exciting, Field, GradCam,
    Inspect, Inspected, LargePicture, LayerActivations, Muted, Occlusion, Patch, PictureSource, Question,
    Shown, SmallPicture, Step,
};
use alexnet_lab::gui::Tab;
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbImage;

use super::panels::{click, disabled, shows, type_into};
use super::rig::{PACE, Rig, model, step};

const SIDE: usize = 8;

fn looking() -> Rig {
    Rig::looking_at(Tab::Layers)
}

fn with_a_model() -> Rig {
    Rig::with_a_model(Tab::Layers)
}

fn dropped() -> PictureSource {
    PictureSource::Pixels { name: "dropped.png".into(), picture: RgbImage::new(9, 9) }
}

/// A view that shows a picture with nothing muted.
fn with_a_picture() -> Rig {
    let mut rig = with_a_model();
    rig.harness.state_mut().state.layers.look_at("dropped.png".into(), dropped());
    rig.settle();
    answer_look(&mut rig, &[]);
    rig
}

/// The next question that the window has asked, if any.
fn question(rig: &mut Rig) -> Option<Inspect> {
    loop {
        match rig.command()? {
            Command::Inspect(order) => return Some(*order),
            _ => continue,
        }
    }
}

/// Answers the look that was asked for, which must be with these maps muted.
fn answer_look(rig: &mut Rig, muted: &[Muted]) {
    let asked = question(rig).expect("a look is asked for");
    match &asked.question {
        Question::Activations { muted: asked, .. } => assert_eq!(asked, muted),
        other => panic!("{other:?}"),
    }
    let result = Arc::new(found(!muted.is_empty()));
    answer(rig, asked.id, Answer::Activations { step: 7, result });
}

fn answer(rig: &mut Rig, id: u64, answer: Answer) {
    rig.send(Event::Inspected(Box::new(Inspected { id, answer })));
}

/// Four maps of 4x4, their neurons, three classes.
fn found(muted: bool) -> Activations {
    let field = Field { size: 3, jump: 2, top: 0, left: 0 };
    let values: Vec<f32> = (0..64).map(|value| value as f32 / 10.0 - 2.0).collect();
    let conv = LayerActivations {
        name: "conv1".into(),
        step: Step::Convolution,
        maps: 4,
        height: 4,
        width: 4,
        values: values.clone(),
        field: Some(field),
    };
    let relu = LayerActivations {
        name: "relu1".into(),
        step: Step::Neuron,
        values: values.iter().map(|value| value.max(0.0)).collect(),
        ..conv.clone()
    };
    let fc = LayerActivations {
        name: "fc2".into(),
        step: Step::Linear,
        maps: 3,
        height: 1,
        width: 1,
        values: vec![2.0, -1.0, 0.5],
        field: None,
    };
    Activations {
        seen: RgbImage::new(SIDE as u32, SIDE as u32),
        layers: vec![conv, relu, fc],
        classes: model().classes,
        before: vec![0.7, 0.2, 0.1],
        after: muted.then(|| vec![0.3, 0.6, 0.1]),
    }
}

fn grid(rig: &Rig) -> String {
    rig.harness.get_by_role(Role::Grid).accesskit_node().label().unwrap_or_default()
}

#[test]
fn without_a_network_or_a_picture_the_view_says_what_to_do() {
    let mut rig = looking();
    assert!(shows(&rig, "There is no network to look into yet"));
    assert!(disabled(&rig, "Open picture…"));
    rig.send(Event::Loaded(Box::new(model())));
    assert!(shows(&rig, "What does each layer see?"));
    assert!(!disabled(&rig, "Open picture…"));
}

#[test]
fn a_picture_of_the_data_set_is_chosen_by_a_click() {
    let mut rig = with_a_model();
    let mut wanted = rig.requested().into_iter().filter_map(|request| match request {
        BrowseRequest::Show { version, places, .. } => Some((version, places)),
        _ => None,
    });
    let (version, places) = wanted.next_back().expect("small pictures are asked for");
    assert_eq!(places.len(), 6, "all that there are");
    assert!(places.iter().all(|place| place.among == Among::Mixed));
    let set = rig.order();
    let small = SmallPicture { name: "a/1.png".into(), label: 1, size: (8, 8), picture: RgbImage::new(8, 8) };
    rig.tell(BrowseNews::Small { set, version, place: places[0], result: Ok(small) });
    click(&mut rig, "Look at a/1.png (dog)");
    let enlarge = rig.requested().into_iter().find_map(|request| match request {
        BrowseRequest::Enlarge { place, preview, .. } => Some((place, preview.stored_side, preview.augment)),
        _ => None,
    });
    assert_eq!(enlarge, Some((places[0], 10, false)), "the square that the network wants");
    let large = LargePicture {
        name: "a/1.png".into(),
        label: 1,
        size: (8, 8),
        path: None,
        stored: RgbImage::new(10, 10),
        variations: Vec::new(),
        noise_missing: false,
    };
    rig.tell(BrowseNews::Large { set, place: places[0], epoch: 0, result: Ok(Box::new(large)) });
    let asked = question(&mut rig).expect("it is looked at");
    let Question::Activations { source: PictureSource::Pixels { name, picture }, .. } = asked.question else {
        panic!("not a look")
    };
    assert_eq!((name.as_str(), picture.dimensions()), ("a/1.png", (10, 10)));
    let looked = rig.harness.state().state.layers.picture.as_ref().map(|looked| looked.name.as_str());
    assert_eq!(looked, Some("1.png"), "the short name is shown");
    assert!(shows(&rig, "Passing the picture through the network"));
}

#[test]
fn layers_are_chosen_and_maps_walked_with_real_values() {
    let mut rig = with_a_picture();
    assert!(grid(&rig).starts_with("Maps of relu1: 4 maps of 4x4"), "{}", grid(&rig));
    click(&mut rig, "Layer conv1");
    assert!(grid(&rig).starts_with("Maps of conv1"), "{}", grid(&rig));
    rig.harness.get_by_role(Role::Grid).focus();
    rig.settle();
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    // The strongest unit of the first map is its last.
    assert!(grid(&rig).contains("map 1, row 3, column 3: -0.5"), "{}", grid(&rig));
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    rig.harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowUp);
    rig.settle();
    assert!(grid(&rig).contains("map 2, row 2, column 3: 0.7"), "{}", grid(&rig));
    // Three pixels wide, two apart, from the first: 6 to 8, of which the picture has two.
    assert!(shows(&rig, "Sees pixels 6 to 7 across and 4 to 6 down"));
}

#[test]
fn muting_asks_again_and_shows_what_becomes_of_the_prediction() {
    let mut rig = with_a_picture();
    assert!(shows(&rig, "cat: 70.0 %"));
    rig.harness.get_by_role(Role::Grid).focus();
    rig.settle();
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    click(&mut rig, "Mute map 1");
    let first = Muted { layer: "relu1".into(), map: Some(0) };
    answer_look(&mut rig, std::slice::from_ref(&first));
    assert!(shows(&rig, "dog: 60.0 %, +40.0 points with what is muted"));
    assert!(shows(&rig, "cat: 30.0 %, -40.0 points"));
    assert!(shows(&rig, "cat: 70.0 %"), "beside what it was");
    click(&mut rig, "Layer fc2");
    click(&mut rig, "Mute all of fc2");
    let whole = Muted { layer: "fc2".into(), map: None };
    answer_look(&mut rig, &[first, whole.clone()]);
    click(&mut rig, "Unmute relu1 1");
    answer_look(&mut rig, &[whole]);
    click(&mut rig, "Unmute everything");
    answer_look(&mut rig, &[]);
    assert!(!shows(&rig, "points with what is muted"));
}

#[test]
fn the_units_of_the_last_layer_have_the_names_of_the_classes() {
    let mut rig = with_a_picture();
    click(&mut rig, "Layer fc2");
    assert!(shows(&rig, "dog: -1"));
    click(&mut rig, "ship: 0.5");
    assert!(shows(&rig, "Number 2 of 3 by strength"));
    rig.harness.key_press(Key::M);
    rig.settle();
    answer_look(&mut rig, &[Muted { layer: "fc2".into(), map: Some(2) }]);
}

#[test]
fn a_picture_that_cannot_be_read_is_explained() {
    let mut rig = with_a_model();
    rig.harness.state_mut().state.layers.look_at("dropped.png".into(), dropped());
    rig.settle();
    let asked = question(&mut rig).expect("a look");
    answer(&mut rig, asked.id, Answer::Failed("dropped.png cannot be used: it is cut short".into()));
    assert!(shows(&rig, "Dropped.png cannot be used: it is cut short."));
    rig.settle();
    assert!(question(&mut rig).is_none(), "it is not asked for again and again");
}

#[test]
fn a_look_follows_the_training_and_a_late_answer_is_not_mixed_up() {
    let mut rig = Rig::training();
    rig.harness.state_mut().view.tab = Tab::Layers;
    rig.harness.state_mut().state.layers.look_at("dropped.png".into(), dropped());
    rig.settle();
    let first = question(&mut rig).expect("a look");
    // Another picture comes before the answer: that is of the first one.
    rig.harness.state_mut().state.layers.look_at("other.png".into(), dropped());
    answer(&mut rig, first.id, Answer::Activations { step: 1, result: Arc::new(found(false)) });
    assert!(rig.harness.state().state.layers.look.is_none());
    answer_look(&mut rig, &[]);
    assert!(question(&mut rig).is_none());
    rig.send(Event::Step(step(9), PACE));
    // About once a second, of the test's own clock.
    for _ in 0..30 {
        rig.settle();
    }
    let asked = question(&mut rig).expect("the network has learned");
    assert!(matches!(asked.question, Question::Activations { .. }));
    assert!(shows(&rig, "Follow the training"));
}

#[test]
fn the_patch_slides_with_its_settings_and_can_be_stopped() {
    let mut rig = with_a_picture();
    click(&mut rig, "Occlusion");
    type_into(&mut rig, "Patch", "0");
    assert!(disabled(&rig, "Slide it"));
    assert!(shows(&rig, "whole numbers from 1 to 8"));
    type_into(&mut rig, "Patch", "4");
    click(&mut rig, "Slide it");
    let asked = question(&mut rig).expect("it is asked for");
    let Question::Occlusion { patch, .. } = asked.question else { panic!("not the patch") };
    assert_eq!(patch, Some(Patch { size: 4, stride: 2 }));
    answer(&mut rig, asked.id, Answer::Progress { done: 3, total: 9 });
    assert!(shows(&rig, "3 of 9 places"));
    click(&mut rig, "Stop: Progress of the patch");
    let stop = question(&mut rig).expect("it is told to stop");
    assert!(matches!(stop.question, Question::Stop) && stop.id == asked.id);
    answer(&mut rig, asked.id, Answer::Stopped);
    assert!(!shows(&rig, "of 9 places"));
    click(&mut rig, "Slide it");
    let asked = question(&mut rig).expect("again");
    let map = Occlusion {
        seen: RgbImage::new(8, 8),
        patch: Patch { size: 4, stride: 4 },
        places: vec![0, 4],
        classes: model().classes,
        uncovered: vec![0.7, 0.2, 0.1],
        covered: vec![0.2, 0.7, 0.1, 0.7, 0.2, 0.1, 0.7, 0.2, 0.1, 0.7, 0.2, 0.1],
    };
    answer(&mut rig, asked.id, Answer::Occlusion(Arc::new(map)));
    assert!(shows(&rig, "Points that \"cat\" loses"));
    assert!(shows(&rig, "Colours from -50.0 to 50.0"));
}

#[test]
fn grad_cam_is_asked_for_when_it_is_shown_and_for_any_class() {
    let mut rig = with_a_picture();
    click(&mut rig, "Grad-CAM");
    let asked = question(&mut rig).expect("it is asked for");
    let Question::GradCam { layer, class, .. } = &asked.question else { panic!("not Grad-CAM") };
    assert_eq!((layer, class), (&None, &None));
    let cam = GradCam {
        seen: RgbImage::new(8, 8),
        layer: "relu1".into(),
        class: 0,
        classes: model().classes,
        probabilities: vec![0.7, 0.2, 0.1],
        height: 4,
        width: 4,
        values: (0..16).map(|value| value as f32).collect(),
        weights: vec![0.0; 4],
    };
    answer(&mut rig, asked.id, Answer::GradCam(Arc::new(cam)));
    assert!(shows(&rig, "How strongly relu1 speaks for \"cat\" (70.0 %)"));
    assert!(question(&mut rig).is_none());
    click(&mut rig, "Class");
    click(&mut rig, "ship 10.0 %");
    let asked = question(&mut rig).expect("another class");
    let Question::GradCam { class, .. } = asked.question else { panic!("not Grad-CAM") };
    assert_eq!(class, Some(2));
}

#[test]
fn exciting_pictures_are_searched_for_and_shown_for_the_chosen_map() {
    let mut rig = with_a_picture();
    click(&mut rig, "What excites relu1?");
    let asked = question(&mut rig).expect("a search");
    let Question::Exciting { data, layer, most, .. } = &asked.question else { panic!("not a search") };
    assert_eq!((data.source.as_str(), layer.as_deref(), *most), ("sample", Some("relu1"), 1000));
    answer(&mut rig, asked.id, Answer::Progress { done: 2, total: 6 });
    assert!(shows(&rig, "2 of 6 pictures"));
    let picture = Arc::new(Shown { name: "a/3.png".into(), label: 2, small: RgbImage::new(8, 8) });
    let best = vec![Excites { value: 4.5, place: [1, 2], picture }];
    let field = Some(Field { size: 3, jump: 2, top: 0, left: 0 });
    let layer = "relu1".to_owned();
    let found = Exciting { layer, height: 4, width: 4, field, side: 8, seen: 6, maps: vec![best; 4] };
    answer(&mut rig, asked.id, Answer::Exciting { result: Arc::new(found), stopped: false });
    assert!(shows(&rig, "Choose a map to see its best"));
    rig.harness.get_by_role(Role::Grid).focus();
    rig.settle();
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    assert!(shows(&rig, "a/3.png (ship): 4.5"));
    assert!(shows(&rig, "The strongest of 6 pictures for map 1"));
}

#[test]
fn another_network_forgets_what_was_muted_and_found() {
    let mut rig = with_a_picture();
    click(&mut rig, "Mute all of relu1");
    let muted = Muted { layer: "relu1".into(), map: None };
    answer_look(&mut rig, &[muted]);
    click(&mut rig, "Occlusion");
    click(&mut rig, "Slide it");
    let slow = question(&mut rig).expect("the patch slides");
    rig.send(Event::Loaded(Box::new(model())));
    let stop = question(&mut rig).expect("what is of the other network is stopped");
    assert!(matches!(stop.question, Question::Stop) && stop.id == slow.id);
    answer_look(&mut rig, &[]);
    assert!(rig.harness.state().state.layers.muted.is_empty());
}
