//! The tab "Data", driven by the labels that people and screen readers know it by.

use alexnet_lab::data::Split;
use alexnet_lab::engine::{
    Among, BrowseNews, BrowseRequest, BrowseSet, ClassPictures, Event, LargePicture, Look, PictureProblem,
    Place, SmallPicture, VARIATIONS, Variation,
};
use alexnet_lab::gui::{Action, Tab};
use egui::Key;
use egui::accesskit::Toggled;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::{Rgb, RgbImage};

use super::panels::{click, shows, type_into};
use super::rig::{Rig, browse_set, run_info};

fn all(position: usize) -> Place {
    Place { split: Split::Train, among: Among::Mixed, position }
}

pub fn picture(side: u32) -> RgbImage {
    RgbImage::from_pixel(side, side, Rgb([200, 10, 10]))
}

pub fn act(rig: &mut Rig, action: Action) {
    let ctx = rig.harness.ctx.clone();
    rig.harness.state_mut().carry_out(action, &ctx, None);
    rig.settle();
}

/// Answers the last wish for small pictures: pictures, but a broken one at `broken`.
fn answer(rig: &mut Rig, broken: Option<usize>) -> Vec<Place> {
    let mut shows = rig.requested().into_iter().filter_map(|request| match request {
        BrowseRequest::Show { set, version, places, .. } if !places.is_empty() => {
            Some((set, version, places))
        }
        _ => None,
    });
    let Some((set, version, places)) = shows.next_back() else { return Vec::new() };
    for &place in &places {
        let name = format!("{}.jpg", place.position);
        let result = if Some(place.position) == broken {
            Err(PictureProblem { name, reason: "the JPEG is cut short".into() })
        } else {
            Ok(SmallPicture { name, label: 1, size: (60, 50), picture: picture(8) })
        };
        rig.news.send(BrowseNews::Small { set, version, place, result }).expect("the window listens");
    }
    rig.settle();
    places
}

/// The label of the row of a class.
fn row(name: &str, count: usize) -> String {
    format!("{name}: {count} pictures")
}

pub fn toggled(rig: &Rig, label: &str) -> bool {
    rig.harness.get_by_label(label).accesskit_node().toggled() == Some(Toggled::True)
}

#[test]
fn a_new_window_shows_the_pictures_and_where_to_get_others() {
    let mut rig = Rig::data();
    for text in ["The built-in sample", "3 classes", "All classes, mixed: 30 to train on"] {
        rig.harness.get_by_label(text);
    }
    assert!(shows(&rig, "drop a folder or an archive anywhere on this window"));
    assert!(rig.harness.state().view.tab == Tab::Data);
    click(&mut rig, "Train");
    rig.harness.get_by_label("Loss");
    assert_eq!(rig.harness.state().view.tab, Tab::Train);
    click(&mut rig, "Look at the pictures");
    assert_eq!(rig.harness.state().view.tab, Tab::Data);
}

#[test]
fn only_pictures_in_sight_are_asked_for_and_only_once() {
    let mut set = browse_set("sample");
    set.description.train = 100_000;
    set.classes[0].train = 99_980;
    let mut rig = Rig::data_with(set, [1280.0, 800.0]);
    act(&mut rig, Action::Show(Tab::Train));
    act(&mut rig, Action::Show(Tab::Data));
    let wanted = answer(&mut rig, None);
    assert!((20..120).contains(&wanted.len()), "{} of 100 000 pictures", wanted.len());
    assert_eq!(wanted[0], all(0));
    rig.settle();
    let after = rig.requested();
    let asked_again =
        |request: &BrowseRequest| matches!(request, BrowseRequest::Show { places, .. } if !places.is_empty());
    assert!(!after.iter().any(asked_again), "{after:?}");
    rig.harness.get_by_label("0.jpg");
}

#[test]
fn pictures_that_are_out_of_sight_are_called_off() {
    let mut rig = Rig::data();
    act(&mut rig, Action::Show(Tab::Train));
    let called_off = rig
        .requested()
        .into_iter()
        .any(|request| matches!(request, BrowseRequest::Show { places, .. } if places.is_empty()));
    assert!(called_off);
}

#[test]
fn a_broken_picture_in_the_grid_shows_its_reason() {
    let mut rig = Rig::data();
    act(&mut rig, Action::Show(Tab::Train));
    act(&mut rig, Action::Show(Tab::Data));
    answer(&mut rig, Some(2));
    rig.harness.get_by_label("2.jpg: the JPEG is cut short");
    rig.harness.get_by_label("3.jpg");
    click(&mut rig, "2.jpg: the JPEG is cut short");
    let place = all(2);
    let set = rig.order();
    assert!(shows(&rig, "Reading the picture"));
    let result = Err(PictureProblem { name: "2.jpg".into(), reason: "the JPEG is cut short".into() });
    rig.tell(BrowseNews::Large { set, place, epoch: 0, result });
    rig.harness.get_by_label("This file is not used: the JPEG is cut short.");
}

#[test]
fn a_class_is_chosen_by_click_and_by_keys() {
    let mut rig = Rig::data();
    click(&mut rig, &row("dog", 10));
    assert_eq!(rig.harness.state().view.data.class, Some(1));
    rig.harness.get_by_label("dog: 10 to train on");
    rig.harness.key_press(Key::ArrowDown);
    rig.settle();
    assert_eq!(rig.harness.state().view.data.class, Some(2));
    rig.harness.key_press(Key::Home);
    rig.settle();
    assert_eq!(rig.harness.state().view.data.class, None);
    click(&mut rig, "To validate");
    rig.harness.get_by_label("All classes, mixed: 6 to validate");
    rig.harness.get_by_label(&row("ship", 2));
}

#[test]
fn classes_are_found_and_sorted() {
    let mut set = browse_set("sample");
    for (class, train) in set.classes.iter_mut().zip([10, 3, 40]) {
        class.train = train;
        class.few = train < 10;
    }
    let mut rig = Rig::data_with(set, [1280.0, 800.0]);
    let few = "dog: 3 pictures, few to train on";
    rig.harness.get_by_label(few);
    click(&mut rig, "Order of the classes");
    click(&mut rig, "Most");
    let top = |rig: &Rig, label: &str| rig.harness.get_by_label(label).rect().top();
    assert!(top(&rig, &row("ship", 40)) < top(&rig, &row("cat", 10)));
    assert!(top(&rig, &row("cat", 10)) < top(&rig, few));
    type_into(&mut rig, "Find a class", "SHI");
    assert!(rig.harness.query_by_label(few).is_none());
    rig.harness.get_by_label(&row("ship", 40));
    type_into(&mut rig, "Find a class", "no such class");
    rig.harness.get_by_label("No class has this in its name.");
}

#[test]
fn a_thousand_classes_stay_quick_and_reachable() {
    let long = "a class whose name is far too long for the list and goes on and on";
    let names: Vec<String> = (0..1000).map(|number| format!("{number:03} {long}")).collect();
    let mut set = browse_set("sample");
    set.classes = names
        .iter()
        .map(|class| ClassPictures { class: class.clone(), train: 1300, validation: 50, few: false })
        .collect();
    set.description.classes = names;
    set.description.train = 1_300_000;
    let mut rig = Rig::data_with(set, [900.0, 600.0]);
    let drawn = rig.harness.query_all_by_label_contains("far too long").count();
    assert!((3..60).contains(&drawn), "{drawn} of 1000 rows are drawn");
    let first = format!("000 {long}: 1,300 pictures");
    click(&mut rig, &first);
    rig.harness.key_press(Key::End);
    rig.harness.run_steps(60);
    rig.harness.get_by_label(&format!("999 {long}: 1,300 pictures"));
    let began = std::time::Instant::now();
    rig.harness.run_steps(20);
    assert!(
        began.elapsed() < crate::support::in_time(std::time::Duration::from_secs(2)),
        "20 frames took {:?}",
        began.elapsed()
    );
}

#[test]
fn keys_walk_through_the_grid_enlarge_and_go_back() {
    let mut rig = Rig::data();
    rig.harness.get_by_label_contains("Arrow keys walk").focus();
    rig.settle();
    for key in [Key::ArrowRight, Key::ArrowRight, Key::ArrowLeft] {
        rig.harness.key_press(key);
        rig.settle();
    }
    assert_eq!(rig.harness.state().view.data.cursor, 1);
    rig.requested();
    rig.harness.key_press(Key::Enter);
    rig.settle();
    let asked = rig.requested();
    assert!(
        asked.iter().any(|r| matches!(r, BrowseRequest::Enlarge { place, .. } if *place == all(1))),
        "{asked:?}"
    );
    rig.settle();
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    assert_eq!(rig.harness.state().view.data.enlarged, Some(all(2)));
    rig.harness.key_press(Key::Escape);
    rig.settle();
    assert_eq!(rig.harness.state().view.data.enlarged, None);
}

fn large() -> Box<LargePicture> {
    let placement = alexnet_lab::data::augment::Placement { left: 1, top: 2, flip: true };
    Box::new(LargePicture {
        name: "cat/7.jpg".into(),
        label: 0,
        size: (60, 50),
        path: Some("/pictures/cat/7.jpg".into()),
        stored: picture(10),
        variations: vec![Variation { placement, shift: [0.0; 3], picture: picture(8) }; VARIATIONS],
        noise_missing: true,
    })
}

#[test]
fn an_enlarged_picture_shows_what_training_makes_of_it() {
    let mut rig = Rig::data();
    rig.harness.state_mut().view.data.enlarge(7);
    rig.settle();
    let asked = rig.requested();
    let Some((place, preview)) = asked.iter().find_map(|request| match request {
        BrowseRequest::Enlarge { place, preview, .. } => Some((*place, *preview)),
        _ => None,
    }) else {
        panic!("{asked:?}")
    };
    assert_eq!(
        (preview.stored_side, preview.crop_side, preview.augment),
        (10, 8, true),
        "as the preset says"
    );
    let set = rig.order();
    rig.tell(BrowseNews::Large { set, place, epoch: 0, result: Ok(large()) });
    rig.harness.get_by_label("cat · drawn at 10x10");
    rig.harness.get_by_label("cat/7.jpg as it is kept");
    rig.harness.get_by_label("Variation 6: mirrored");
    assert!(shows(&rig, "The colour noise is not shown yet"));
    click(&mut rig, "Again");
    let asked = rig.requested();
    let again = asked.iter().any(|r| matches!(r, BrowseRequest::Enlarge { epoch: VARIATIONS, .. }));
    assert!(again, "{asked:?}");
    click(&mut rig, "Next");
    assert_eq!(rig.harness.state().view.data.enlarged, Some(all(8)));
    click(&mut rig, "Back to all");
    rig.harness.get_by_label("All classes, mixed: 30 to train on");
}

#[test]
fn the_grid_shows_what_the_network_sees_if_asked() {
    let mut rig = Rig::data();
    act(&mut rig, Action::Show(Tab::Train));
    act(&mut rig, Action::Show(Tab::Data));
    answer(&mut rig, None);
    click(&mut rig, "As the network sees them");
    let looks = |rig: &mut Rig| -> Vec<Look> {
        let shows = rig.requested().into_iter();
        shows
            .filter_map(|r| if let BrowseRequest::Show { look, .. } = r { Some(look) } else { None })
            .collect()
    };
    let first = looks(&mut rig);
    let Some(Look::AsTrained(preview, 0)) = first.last() else { panic!("{first:?}") };
    assert_eq!((preview.crop_side, preview.augment), (8, true));
    click(&mut rig, "Again");
    let second = looks(&mut rig);
    assert!(matches!(second.last(), Some(Look::AsTrained(_, VARIATIONS))), "{second:?}");
}

#[test]
fn a_run_shows_the_training_and_the_data_stay_in_reach() {
    let mut rig = Rig::data();
    click(&mut rig, "Start training");
    assert_eq!(rig.harness.state().view.tab, Tab::Train);
    let mut info = run_info();
    info.config.data.augment = Some(false);
    rig.send(Event::Started(Box::new(info)));
    click(&mut rig, "Data");
    assert!(
        toggled(&rig, "Data")
            || rig.harness.get_by_label("Data").accesskit_node().is_selected() == Some(true)
    );
    rig.harness.state_mut().view.data.enlarge(0);
    rig.settle();
    let asked = rig.requested();
    let as_the_run =
        |r: &BrowseRequest| matches!(r, BrowseRequest::Enlarge { preview, .. } if !preview.augment);
    assert!(asked.iter().any(as_the_run), "the run's settings count, not the draft's: {asked:?}");
}

#[test]
fn an_idle_window_does_not_draw_itself_again() {
    let mut rig = Rig::data();
    act(&mut rig, Action::Show(Tab::Train));
    act(&mut rig, Action::Show(Tab::Data));
    answer(&mut rig, None);
    rig.harness.run_steps(60);
    let delay = rig.harness.output().viewport_output.values().map(|output| output.repaint_delay).min();
    assert!(delay.is_some_and(|delay| delay.as_secs() > 3600), "{delay:?}");
}

#[test]
fn everything_fits_into_small_and_large_windows() {
    for size in [[900.0, 600.0], [1280.0, 800.0], [1920.0, 1080.0]] {
        let mut set: BrowseSet = browse_set("sample");
        set.classes[0].class = "a class with a very long name that cannot fit into any list".into();
        let mut rig = Rig::data_with(set, size);
        act(&mut rig, Action::Show(Tab::Data));
        let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
        for label in ["Check every picture", "Find a class", "As the network sees them", "Check", "Not used"]
        {
            let rect = rig.harness.get_by_label(label).rect();
            assert!(screen.contains_rect(rect), "{label} at {rect:?} in {size:?}");
        }
    }
}
