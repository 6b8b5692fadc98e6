//! The view of predictions: cards, one picture large, the votes of its views, its likes, a whole folder.

use std::path::PathBuf;

use alexnet_lab::engine::{
    Classified, Command, Event, FolderAnswer, FolderQuestion, IndexInfo, Inquiry, InquiryEnd, InquiryNews,
    Nearest, Neighbour, PictureSource, Prediction, Truth, Views, Vote,
};
use alexnet_lab::gui::{Action, Index, Listed, Shown, Tab};
use egui::Key;
use egui_kittest::kittest::Queryable as _;
use image::RgbImage;

use super::panels::{click, disabled, shows};
use super::rig::{PACE, Rig, model, prediction, step};

fn looking() -> Rig {
    let mut rig = Rig::new();
    rig.send(Event::Loaded(Box::new(model())));
    rig.harness.state_mut().view.tab = Tab::Predict;
    rig.settle();
    while rig.command().is_some() {}
    rig
}

fn act(rig: &mut Rig, action: Action) {
    let ctx = rig.harness.ctx.clone();
    rig.harness.state_mut().carry_out(action, &ctx, None);
    rig.settle();
}

/// Asks about a file and answers; returns the number of the question.
fn answered(rig: &mut Rig, name: &str, prediction: Prediction) -> u64 {
    act(rig, Action::Classify(PictureSource::File(format!("pets/{name}").into())));
    let Some(Command::Predict { id, .. }) = rig.command() else { panic!("nothing was asked") };
    rig.send(Event::Prediction { id, name: name.into(), result: Ok(prediction) });
    id
}

fn truth(class: &str, rank: usize, probability: f32) -> Option<Truth> {
    Some(Truth { class: class.into(), rank, probability })
}

/// Ten views, of which the last `odd` say dog.
fn ten(odd: usize) -> Prediction {
    let vote = |place: usize| Vote {
        corner: [0, 2],
        flip: place >= 5,
        class: if place + odd >= 10 { "dog" } else { "cat" }.into(),
        probability: 0.5,
    };
    Prediction { votes: (0..10).map(vote).collect(), square: RgbImage::new(10, 10), ..prediction() }
}

#[test]
fn without_a_network_the_view_says_how_to_get_one() {
    let mut rig = Rig::new();
    rig.harness.state_mut().view.tab = Tab::Predict;
    rig.settle();
    assert!(shows(&rig, "Drop a picture here, later"));
    assert!(disabled(&rig, "Folder…") && disabled(&rig, "Open picture…"));
}

#[test]
fn the_true_class_is_marked_and_told() {
    let mut rig = looking();
    answered(&mut rig, "rex.jpg", Prediction { truth: truth("dog", 1, 0.1), ..prediction() });
    // One picture is shown large.
    rig.harness.get_by_label("It is dog: guess number 2, with 10.0 %.");
    rig.harness.get_by_label("dog: 10.0 %, which it is");
    rig.harness.get_by_label("cat: 83.1 %");
    click(&mut rig, "Back to all");
    answered(&mut rig, "tom.jpg", Prediction { truth: truth("cat", 0, 0.831), ..prediction() });
    rig.harness.get_by_label("rex.jpg, which is dog: cat 83.1 %, dog 10.0 %, ship 6.9 %");
    click(&mut rig, "tom.jpg, which is cat: cat 83.1 %, dog 10.0 %, ship 6.9 %");
    rig.harness.get_by_label("It is cat: right.");
    rig.harness.key_press(Key::ArrowRight);
    rig.settle();
    rig.harness.get_by_label("It is dog: guess number 2, with 10.0 %.");
    rig.harness.key_press(Key::Escape);
    rig.settle();
    assert_eq!(rig.harness.state().view.predict.shown, Shown::Pictures);
    let odd = answered(&mut rig, "odd.jpg", prediction());
    act(&mut rig, Action::ShowPrediction(odd));
    rig.harness.state_mut().view.predict.shown = Shown::Large;
    rig.settle();
    assert!(shows(&rig, "is not known"));
}

#[test]
fn a_picture_is_asked_about_again_with_ten_views_that_vote() {
    let mut rig = looking();
    let id = answered(&mut rig, "tom.jpg", prediction());
    click(&mut rig, "Ask with ten views");
    let Some(Command::Predict { id: again, views: Views::Ten, source, .. }) = rig.command() else { panic!() };
    assert_eq!(again, id);
    assert!(matches!(source, PictureSource::File(path) if path == *"pets/tom.jpg"));
    rig.harness.get_by_label("cat: 83.1 %");
    rig.send(Event::Prediction { id, name: "tom.jpg".into(), result: Ok(ten(3)) });
    assert!(shows(&rig, "The views disagree: 7 of 10 say cat, 3 dog."));
    assert!(shows(&rig, "View upper left: cat 50.0 %"));
    rig.harness.get_by_label("View lower right, mirrored: dog 50.0 %; it disagrees");
    click(&mut rig, "Ask again");
    assert!(matches!(rig.command(), Some(Command::Predict { views: Views::One, .. })));
    rig.send(Event::Prediction { id, name: "tom.jpg".into(), result: Ok(ten(0)) });
    assert!(shows(&rig, "All 10 views say cat"));
}

fn index() -> IndexInfo {
    IndexInfo {
        source: "sample".into(),
        pictures: 29,
        of: 30,
        unreadable: 1,
        layer: "fc7".into(),
        width: 4096,
        bytes: 1 << 20,
        network: "alexnet-64".into(),
        step: 4,
    }
}

fn neighbour(name: &str, class: &str, distance: f32) -> Neighbour {
    Neighbour { name: name.into(), class: class.into(), distance, picture: Some(RgbImage::new(8, 8)) }
}

#[test]
fn the_training_pictures_most_alike_are_found_and_said_to_be_old() {
    let mut rig = looking();
    let id = answered(&mut rig, "tom.jpg", prediction());
    click(&mut rig, "Look at the training pictures");
    let Some(Command::Inquire(Inquiry::Index(data))) = rig.command() else {
        panic!("no index was asked for")
    };
    assert_eq!(data.source, "sample");
    rig.send(Event::Inquiry(InquiryNews::Indexing { done: 3, total: 30 }));
    assert!(shows(&rig, "3 of 30 training pictures"));
    click(&mut rig, "Stop looking");
    assert!(matches!(rig.command(), Some(Command::Inquire(Inquiry::StopIndex))));
    rig.send(Event::Inquiry(InquiryNews::IndexEnded(InquiryEnd::Stopped)));
    click(&mut rig, "Look at the training pictures");
    rig.command();
    rig.send(Event::Inquiry(InquiryNews::Indexed(index())));
    let asked = rig.command();
    assert!(
        matches!(asked, Some(Command::Inquire(Inquiry::Nearest { id: of, count: 6, .. })) if of == id),
        "{asked:?}"
    );
    assert!(rig.command().is_none(), "it is asked once");
    let neighbours = vec![neighbour("cats/1.jpg", "cat", 1.25), neighbour("dogs/7.jpg", "dog", 30.5)];
    rig.send(Event::Inquiry(InquiryNews::Nearest { id, result: Ok(Nearest { neighbours, step: 4 }) }));
    rig.harness.get_by_label("cat, distance 1.25: cats/1.jpg");
    assert!(shows(&rig, "by the 4,096 values of fc7 · alexnet-64 after step 4"));
    assert!(!shows(&rig, "has changed since"));
    rig.start();
    rig.send(Event::Step(step(9), PACE));
    assert!(matches!(rig.harness.state().state.asked.index, Index::Ready { outdated: true, .. }));
    rig.harness.state_mut().view.tab = Tab::Predict;
    rig.settle();
    assert!(shows(&rig, "has changed since"));
    click(&mut rig, "Free 1.0 MiB");
    let freed = |command| matches!(command, Some(Command::Inquire(Inquiry::DropIndex)));
    assert!(std::iter::from_fn(|| rig.command()).any(|command| freed(Some(command))));
    rig.send(Event::Inquiry(InquiryNews::IndexDropped));
    assert!(matches!(rig.harness.state().state.asked.index, Index::None));
    assert!(shows(&rig, "Look at the training pictures"));
}

#[test]
fn a_folder_is_asked_about_with_training_pictures_once_there_is_an_index() {
    let mut rig = looking();
    act(&mut rig, Action::AskAbout(vec!["/nowhere/pets".into()]));
    let Some(Command::Inquire(Inquiry::Folder { id, .. })) = rig.command() else { panic!() };
    rig.send(Event::Inquiry(InquiryNews::FolderAnswers { id, answers: vec![answer("tom.jpg", None)] }));
    rig.send(Event::Inquiry(InquiryNews::FolderEnded { id, end: InquiryEnd::Done }));
    assert!(!shows(&rig, "With training pictures"), "there is nothing to search yet");
    rig.send(Event::Inquiry(InquiryNews::Indexed(index())));
    click(&mut rig, "With training pictures");
    click(&mut rig, "Ask about all again");
    let asked = std::iter::from_fn(|| rig.command()).find_map(|command| match command {
        Command::Inquire(Inquiry::Folder { asked, .. }) => Some(asked),
        _ => None,
    });
    assert_eq!(asked.map(|asked| asked.nearest), Some(6));
}

fn answer(name: &str, truth: Option<Truth>) -> FolderAnswer {
    let classified = Classified { top: prediction().top, truth };
    FolderAnswer {
        path: format!("/nowhere/pets/{name}").into(),
        named: false,
        result: Ok(classified),
        nearest: None,
    }
}

#[test]
fn a_folder_shows_how_far_it_is_and_how_well_the_network_does() {
    let mut rig = looking();
    act(&mut rig, Action::AskAbout(vec!["/nowhere/pets".into()]));
    let Some(Command::Inquire(Inquiry::Folder { id, inputs, asked })) = rig.command() else {
        panic!("no folder was asked about")
    };
    assert_eq!(asked, FolderQuestion { views: Views::One, top: 5, nearest: 0 });
    assert_eq!(inputs, [PathBuf::from("/nowhere/pets")]);
    assert!(shows(&rig, "Looking for files"));
    rig.send(Event::Inquiry(InquiryNews::FolderListed { id, files: 4 }));
    let broken = FolderAnswer {
        path: "/nowhere/pets/x.txt".into(),
        named: false,
        result: Err("/nowhere/pets/x.txt cannot be used: not a picture".into()),
        nearest: None,
    };
    let answers = vec![
        answer("tom.jpg", truth("cat", 0, 0.831)),
        answer("rex.jpg", truth("dog", 1, 0.1)),
        answer("what.jpg", None),
        broken,
    ];
    rig.send(Event::Inquiry(InquiryNews::FolderAnswers { id: id + 1, answers: answers.clone() }));
    assert!(shows(&rig, "0 of 4 files"), "answers about another folder change nothing");
    rig.send(Event::Inquiry(InquiryNews::FolderAnswers { id, answers }));
    assert!(shows(&rig, "4 of 4 files"));
    assert!(shows(&rig, "3 pictures, 2 named by their folders: top-1 error 50.0 %, top-5 error 0.0 %"));
    click(&mut rig, "Stop asking");
    assert!(matches!(rig.command(), Some(Command::Inquire(Inquiry::StopFolder))));
    rig.send(Event::Inquiry(InquiryNews::FolderEnded { id, end: InquiryEnd::Stopped }));
    assert!(shows(&rig, "It was stopped"));
    click(&mut rig, "Taken for something else (1)");
    assert!(shows(&rig, "rex.jpg, which is dog") && !shows(&rig, "tom.jpg"));
    click(&mut rig, "Cannot be used (1)");
    assert!(shows(&rig, "x.txt cannot be used: not a picture"));
    rig.harness.state_mut().view.predict.listed = Listed::All;
    rig.settle();
    click(&mut rig, "what.jpg: cat 83.1 %, dog 10.0 %, ship 6.9 %");
    let asked = rig.command();
    assert!(
        matches!(&asked, Some(Command::Predict { source: PictureSource::File(path), .. }) if path.ends_with("what.jpg")),
        "{asked:?}"
    );
}

#[test]
fn a_folder_dropped_on_the_view_is_asked_about_and_elsewhere_learned_from() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut rig = looking();
    act(&mut rig, Action::Dropped(vec![folder.path().into()]));
    assert!(matches!(rig.command(), Some(Command::Inquire(Inquiry::Folder { .. }))));
    rig.harness.state_mut().view.tab = Tab::Data;
    act(&mut rig, Action::Dropped(vec![folder.path().into()]));
    assert!(rig.command().is_none());
    assert_eq!(rig.opened(), Some(folder.path().display().to_string()));
}

#[test]
fn a_hundred_thousand_answers_draw_only_what_is_in_sight() {
    let mut rig = looking();
    act(&mut rig, Action::AskAbout(vec!["/nowhere".into()]));
    let Some(Command::Inquire(Inquiry::Folder { id, .. })) = rig.command() else { panic!() };
    let answers = (0..100_000).map(|number| answer(&format!("{number}.jpg"), None)).collect();
    rig.send(Event::Inquiry(InquiryNews::FolderAnswers { id, answers }));
    rig.send(Event::Inquiry(InquiryNews::FolderEnded { id, end: InquiryEnd::Done }));
    let drawn = rig.harness.query_all_by_label_contains(".jpg: cat").count();
    assert!((4..40).contains(&drawn), "{drawn}");
}
