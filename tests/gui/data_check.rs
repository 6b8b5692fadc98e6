//! Checking every picture, statistics, and what cannot be used.

use super::data::{act, picture};
use alexnet_lab::data::ColourStatistics;
use alexnet_lab::engine::{BrowseNews, BrowseRequest, BrowseSet, DataCheck, FileReason, Survey};
use alexnet_lab::gui::{Action, Section, Tab};
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, disabled, shows};
use super::rig::{Rig, browse_set, run_info};

pub fn checked() -> Box<DataCheck> {
    let set = browse_set("sample");
    Box::new(DataCheck {
        source: "sample".into(),
        layout: set.description.layout,
        usable: true,
        problem: None,
        train: 29,
        validation: 6,
        typical_side: 8,
        model: "alexnet-64".into(),
        prepared_side: 10,
        prepared_bytes: 10_500,
        seconds: 0.5,
        prepare_seconds: 0.4,
        sizes: None,
        near: None,
        near_pairs: Vec::new(),
        train_balance: set.train_balance,
        validation_balance: set.validation_balance,
        duplicates_across: 2,
        duplicates_within_train: 0,
        duplicates_within_validation: 0,
        duplicates_contradicting: 0,
        refused_count: 1,
        left_out_count: 0,
        corrections: None,
        inputs: None,
        refused_to_train: vec![3],
        classes: set.classes,
        refused: vec![FileReason { name: "a, b.jpg".into(), reason: "it is \"odd\"".into() }],
        left_out: Vec::new(),
        duplicates: Vec::new(),
    })
}

#[test]
fn a_check_is_watched_stopped_and_read() {
    let mut rig = Rig::data();
    let set = rig.order();
    click(&mut rig, "Check every picture");
    assert!(
        rig.requested().iter().any(|request| matches!(request, BrowseRequest::Check { near: false, .. }))
    );
    rig.tell(BrowseNews::Checking { set, done: 18, total: 36 });
    rig.harness.get_by_label("18 of 36");
    rig.harness.get_by_label("Check progress");
    click(&mut rig, "Stop the check");
    assert!(rig.requested().iter().any(|request| matches!(request, BrowseRequest::StopCheck)));
    assert!(disabled(&rig, "Stop the check"));
    rig.tell(BrowseNews::Checked { set, result: Ok(None) });
    rig.harness.get_by_label("Not checked yet");
    click(&mut rig, "Check every picture");
    rig.tell(BrowseNews::Checked { set, result: Ok(Some(checked())) });
    for text in ["Usable", "29 pictures to train on, 6 to validate", "a, b.jpg: it is \"odd\""] {
        assert!(rig.harness.query_all_by_label(text).count() > 0, "{text}");
    }
    assert!(shows(&rig, "2 to validate are among those to train on"));
    click(&mut rig, "Not used (1)");
    rig.harness.get_by_label("a, b.jpg: it is \"odd\"");
}

#[test]
fn files_left_out_by_a_run_are_one_click_away() {
    let mut rig = Rig::training();
    click(&mut rig, "1 file was left out");
    assert_eq!(rig.harness.state().view.tab, Tab::Data);
    assert_eq!(rig.harness.state().view.data.section, Section::Unused);
    rig.harness.get_by_label("broken.jpg: is not a picture");
    assert!(!disabled(&rig, "Save as CSV…"));
}

#[test]
fn a_list_is_written_as_a_table_and_said_where() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("list.csv");
    let mut rig = Rig::data();
    act(&mut rig, Action::WriteList(path.clone(), "file,reason\r\n".into()));
    for _ in 0..200 {
        rig.settle();
        if shows(&rig, "The list is in") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(shows(&rig, "The list is in"));
    assert_eq!(std::fs::read_to_string(path).expect("the list"), "file,reason\r\n");
}

#[test]
fn statistics_come_from_a_few_pictures_until_a_run_has_seen_all() {
    let set = BrowseSet { is_drawn: false, ..browse_set("sample") };
    let mut rig = Rig::data_with(set, [1280.0, 800.0]);
    click(&mut rig, "Statistics");
    assert!(shows(&rig, "Reading a few pictures"));
    let set = rig.order();
    let survey = Survey {
        pictures: 20,
        of: 30,
        refused: 0,
        sides: [48, 50, 64],
        mean: picture(4),
        colours: ColourStatistics { means: [10.0, 20.0, 30.0], ..ColourStatistics::default() },
    };
    rig.tell(BrowseNews::Surveyed { set, survey: Box::new(survey) });
    rig.harness.get_by_label("48 to 64 pixels, median 50");
    rig.harness.get_by_label("red 10.0, green 20.0, blue 30.0 of 255");
    assert!(shows(&rig, "From 20 of 30 pictures to train on"));
    rig.start();
    rig.harness.get_by_label("red 90.0, green 91.0, blue 92.0 of 255");
    assert!(shows(
        &rig,
        "Of all 29 usable pictures to train on at 10x10 pixels, as the run has prepared them."
    ));
}

#[test]
fn the_exact_statistics_can_be_asked_for_and_stopped() {
    let mut rig = Rig::data();
    let set = rig.order();
    click(&mut rig, "Statistics");
    rig.requested();
    click(&mut rig, "Measure all pictures");
    assert!(rig.requested().iter().any(|request| matches!(request, BrowseRequest::Check { .. })));
    assert_eq!(rig.harness.state().view.data.section, Section::Statistics, "the figures will appear here");
    rig.tell(BrowseNews::Checking { set, done: 9, total: 36 });
    // Once at the top, where it is always in sight, and once here.
    assert_eq!(rig.harness.query_all_by_label("9 of 36").count(), 2);
    let stop = rig.harness.query_all_by_label("Stop the check").last().expect("a button here");
    stop.click();
    rig.settle();
    assert!(rig.requested().iter().any(|request| matches!(request, BrowseRequest::StopCheck)));
    rig.tell(BrowseNews::Checked { set, result: Ok(None) });
    click(&mut rig, "Measure all pictures");
    let inputs = run_info().inputs;
    let found = DataCheck { inputs: Some(inputs), ..*checked() };
    rig.tell(BrowseNews::Checked { set, result: Ok(Some(Box::new(found))) });
    rig.harness.get_by_label("red 90.0, green 91.0, blue 92.0 of 255");
    assert!(shows(
        &rig,
        "Of all 29 usable pictures to train on at 10x10 pixels, as the check has read them."
    ));
    assert!(rig.harness.query_by_label("Measure all pictures").is_none());
}

#[test]
fn pictures_that_a_run_has_refused_are_told_to_the_browser_once() {
    let mut rig = Rig::data();
    click(&mut rig, "As the network sees them");
    let version = rig.harness.state().view.data.version();
    rig.requested();
    rig.start();
    act(&mut rig, Action::Show(Tab::Data));
    let told: Vec<Vec<String>> = rig
        .requested()
        .into_iter()
        .filter_map(
            |request| if let BrowseRequest::Refused { names, .. } = request { Some(names) } else { None },
        )
        .collect();
    assert_eq!(told, [["broken.jpg"]]);
    let set = rig.order();
    rig.tell(BrowseNews::RefusedKnown { set });
    assert!(rig.harness.state().view.data.version() > version, "what is seen is made again");
}
