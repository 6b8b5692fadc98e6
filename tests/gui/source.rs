//! Choosing where the pictures come from: opening, giving up, what cannot be used.

use super::data::act;
use alexnet_lab::engine::{BrowseNews, BrowseRequest, Command, WayOut};
use alexnet_lab::gui::{Action, Phase};
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, disabled, shows};
use super::rig::Rig;

#[test]
fn opening_says_how_far_it_is_and_can_be_given_up() {
    let mut rig = Rig::data();
    act(&mut rig, Action::UseSource("/pictures/large set".into()));
    rig.harness.get_by_label("Looking at large set");
    let found = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(12_345));
    let id = rig.order();
    rig.tell(BrowseNews::Opening { id, found });
    rig.harness.get_by_label("12,345 files and folders found so far.");
    rig.requested();
    click(&mut rig, "Cancel");
    assert!(matches!(rig.requested()[..], [BrowseRequest::CancelOpening]));
    rig.tell(BrowseNews::Cancelled { id });
    rig.harness.get_by_label("Drop a folder or an archive of pictures here");
    assert!(disabled(&rig, "Start training"));
    click(&mut rig, "Use the sample");
    assert_eq!(rig.opened().as_deref(), Some("sample"));
}

#[test]
fn an_unusable_source_says_why_and_what_to_do() {
    let mut rig = Rig::data();
    act(&mut rig, Action::UseSource("/pictures/empty".into()));
    rig.tell_opened("/pictures/empty", Err("`/pictures/empty` holds no pictures: put some there"));
    rig.harness.get_by_label("empty cannot be used");
    for label in ["Copy the reason", "Choose a folder…", "Choose an archive…", "Use the sample"] {
        assert!(!disabled(&rig, label), "{label}");
    }
    rig.requested();
    click(&mut rig, "Try again");
    assert_eq!(rig.opened().as_deref(), Some("/pictures/empty"));
}

#[test]
fn an_archive_that_was_cut_short_can_be_used_as_far_as_it_goes() {
    let mut rig = Rig::data();
    act(&mut rig, Action::UseSource("/pictures/half.tar".into()));
    rig.tell_opened("/pictures/half.tar", Err("`/pictures/half.tar` is cut short after 7 pictures"));
    rig.requested();
    click(&mut rig, "Use what is there");
    let accepted = |rig: &mut Rig| {
        rig.requested().into_iter().find_map(|request| match request {
            BrowseRequest::Open { config, .. } => Some(config.accept_cut),
            _ => None,
        })
    };
    assert_eq!(accepted(&mut rig), Some(true));
    // Another source is another decision.
    act(&mut rig, Action::UseSource("/pictures/other.tar".into()));
    assert_eq!(accepted(&mut rig), Some(false));
}

#[test]
fn the_data_sets_in_a_folder_of_several_are_one_click_away() {
    let mut rig = Rig::data();
    act(&mut rig, Action::UseSource("/downloads".into()));
    let id = rig.order();
    let choices = vec!["/downloads/pets".to_owned(), "/downloads/more.zip".to_owned()];
    rig.tell(BrowseNews::Unusable {
        id,
        source: "/downloads".into(),
        reason: "`/downloads` is no data set itself".into(),
        way_out: WayOut::Choose(choices),
    });
    rig.requested();
    click(&mut rig, "Open more.zip");
    assert_eq!(rig.opened().as_deref(), Some("/downloads/more.zip"));
}
#[test]
fn the_last_source_chosen_is_the_one_that_counts() {
    let mut rig = Rig::new();
    act(&mut rig, Action::UseSource("large set".into()));
    assert_eq!(rig.opened().as_deref(), Some("large set"));
    let first = rig.order();
    act(&mut rig, Action::UseSource("large set".into()));
    assert_eq!(rig.opened(), None, "it is being opened already");
    act(&mut rig, Action::UseSource("second".into()));
    assert_eq!(rig.opened().as_deref(), Some("second"));
    let late = BrowseNews::Unusable {
        id: first,
        source: "large set".into(),
        reason: "stopped".into(),
        way_out: alexnet_lab::engine::WayOut::None,
    };
    rig.tell(late);
    assert!(!shows(&rig, "Stopped."), "nobody waits for the first any more");
    assert!(shows(&rig, "Looking at second"));
}

#[test]
fn a_start_waits_until_the_source_is_known() {
    let mut rig = Rig::new();
    act(&mut rig, Action::UseSource("large set".into()));
    click(&mut rig, "Start training");
    assert!(rig.command().is_none(), "the engine would refuse");
    click(&mut rig, "Stop");
    assert!(rig.command().is_none());
    assert_eq!(rig.harness.state().state.phase, Phase::Idle);
    click(&mut rig, "Start training");
    rig.tell_opened("large set", Err("it is empty"));
    assert!(rig.command().is_none(), "there is nothing to train on");
    assert_eq!(rig.harness.state().state.phase, Phase::Idle);
    act(&mut rig, Action::UseSource("sample".into()));
    click(&mut rig, "Start training");
    rig.tell_opened("sample", Ok(()));
    assert!(matches!(rig.command(), Some(Command::Start(_))));
    assert_eq!(rig.harness.state().state.phase, Phase::Asked);
}
