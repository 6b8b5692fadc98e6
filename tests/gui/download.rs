//! The list of known data sets, with real downloads from a server on this computer.

use std::fs;
use std::time::{Duration, Instant};

use alexnet_lab::engine::SetPresence;
use egui::{Key, OutputCommand};
use egui_kittest::kittest::Queryable as _;
use tempfile::{TempDir, tempdir};

use super::panels::{click, disabled, shows, type_into};
use super::rig::Rig;
use crate::download::{catalogue, content, file, quick};
use crate::web::{Answer, Web};

/// A window whose list begins with a set "Pets" from `web`.
fn window(bytes: &[u8], web: &Web) -> (Rig, TempDir) {
    let folder = tempdir().unwrap();
    let files = [file("pets.tgz", bytes, &[web.url("/pets.tgz")])];
    fs::write(folder.path().join("catalogue.toml"), catalogue("pets", "Pets", &files)).unwrap();
    let mut rig = Rig::new();
    let downloader = &mut rig.harness.state_mut().downloader;
    downloader.root = Some(folder.path().into());
    downloader.settings = Some(quick());
    (rig, folder)
}

fn open(rig: &mut Rig) {
    click(rig, "Known data sets…");
    until(rig, |rig| shows(rig, "CIFAR-10"));
}

/// Draws until something is so, for some seconds at most.
#[track_caller]
fn until(rig: &mut Rig, so: impl Fn(&Rig) -> bool) {
    let start = Instant::now();
    while !so(rig) {
        assert!(start.elapsed() < crate::support::in_time(Duration::from_secs(5)), "it did not come to pass");
        std::thread::sleep(Duration::from_millis(10));
        rig.settle();
    }
}

fn presence(rig: &Rig) -> SetPresence {
    rig.harness.state().state.downloads.set("pets").expect("the set is listed").state
}

#[test]
fn a_set_is_chosen_downloaded_and_used() {
    let bytes = content(60_000, 1);
    let web = Web::of(&bytes);
    let (mut rig, folder) = window(&bytes, &web);
    open(&mut rig);
    assert!(!shows(&rig, "To do it by hand"));
    click(&mut rig, "How to get Pets by hand");
    assert!(shows(&rig, "To do it by hand") && shows(&rig, &web.url("/pets.tgz")));
    for text in
        ["58.6 KiB", "Pictures of pets.", "Good for tests. Network: alexnet-64.", "none stated", "162.2 MiB"]
    {
        assert!(shows(&rig, text), "{text}");
    }
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| rig.harness.query_by_label("Use Pets").is_some());
    assert_eq!(fs::read(folder.path().join("pets/pets.tgz")).unwrap(), bytes);
    assert_eq!(presence(&rig), SetPresence::Present);
    click(&mut rig, "Use Pets");
    assert_eq!(rig.opened(), Some(folder.path().join("pets/pets.tgz").display().to_string()));
    assert!(rig.harness.query_by_label("Use Pets").is_none(), "the list is closed");
    assert!(shows(&rig, "Pets is downloaded"));
}

#[test]
fn a_failure_says_why_and_how_to_do_it_by_hand() {
    let bytes = content(1000, 2);
    let web = Web::serve(|_| Answer::status(404));
    let (mut rig, folder) = window(&bytes, &web);
    open(&mut rig);
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| shows(rig, "there is no such file any more"));
    assert!(
        shows(&rig, "To do it by hand") && shows(&rig, &folder.path().join("pets").display().to_string())
    );
    // Once the list has been looked up again, so that the button keeps its place.
    until(&mut rig, |rig| rig.harness.query_by_label("Download Pets").is_some());
    rig.harness.get_by_label("Copy message").click();
    let mut commands = Vec::new();
    for _ in 0..4 {
        rig.harness.step();
        commands.extend(rig.harness.output().platform_output.commands.clone());
    }
    let copied = commands.into_iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text),
        _ => None,
    });
    let copied = copied.expect("the message is copied");
    assert!(copied.contains("no such file") && copied.contains("md5"), "{copied}");
}

#[test]
fn a_download_is_stopped_and_goes_on_later() {
    let bytes = content(60_000, 3);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::file(&served, "\"v1\"", asked);
        if asked.number == 0 { answer.dripping(200, Duration::from_millis(5)) } else { answer }
    });
    let (mut rig, _folder) = window(&bytes, &web);
    open(&mut rig);
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| shows(rig, "Pets: ") && shows(rig, " of 58.6 KiB"));
    assert!(disabled(&rig, "Download CIFAR-10"), "one at a time");
    // The list may be closed meanwhile; the data panel shows how far it is.
    rig.harness.key_press(Key::Escape);
    rig.settle();
    assert!(rig.harness.query_by_label("Stop downloading Pets").is_none());
    assert!(rig.harness.query_by_label("Download of Pets").is_some());
    click(&mut rig, "Known data sets…");
    click(&mut rig, "Stop downloading Pets");
    until(&mut rig, |rig| rig.harness.query_by_label("Go on downloading Pets").is_some());
    assert!(matches!(presence(&rig), SetPresence::Begun { here } if here > 0));
    click(&mut rig, "Go on downloading Pets");
    until(&mut rig, |rig| rig.harness.query_by_label("Use Pets").is_some());
    assert!(web.asked()[1].from().is_some());
}

#[test]
fn downloads_go_on_during_a_run_but_the_source_stays() {
    let bytes = content(20_000, 4);
    let web = Web::of(&bytes);
    let (mut rig, _folder) = window(&bytes, &web);
    rig.start();
    open(&mut rig);
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| rig.harness.query_by_label("Use Pets").is_some());
    assert!(disabled(&rig, "Use Pets"));
}

#[test]
fn a_mirror_is_typed_and_remembered() {
    let bytes = content(20_000, 5);
    let (authors, mirror) = (Web::of(&bytes), Web::of(&bytes));
    let (mut rig, _folder) = window(&bytes, &authors);
    open(&mut rig);
    click(&mut rig, "Mirror and proxy");
    rig.harness.run_steps(30);
    type_into(&mut rig, "Mirror", &mirror.url(""));
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| rig.harness.query_by_label("Use Pets").is_some());
    assert_eq!((authors.asked().len(), &mirror.asked()[0].path[..]), (0, "/pets/pets.tgz"));
    let mut restored = alexnet_lab::gui::View::default();
    restored.restore(rig.harness.state().view.remembered());
    assert_eq!(restored.mirror, mirror.url(""));
}

#[test]
fn the_list_is_worked_by_keyboard() {
    let bytes = content(20_000, 6);
    let web = Web::of(&bytes);
    let (mut rig, _folder) = window(&bytes, &web);
    open(&mut rig);
    // Close comes first, then the buttons of the first set, the rightmost first.
    for _ in 0..2 {
        rig.harness.key_press(Key::Tab);
        rig.settle();
    }
    rig.harness.key_press(Key::Space);
    rig.settle();
    until(&mut rig, |rig| rig.harness.query_by_label("Use Pets").is_some());
    rig.harness.key_press(Key::Escape);
    rig.settle();
    assert!(rig.harness.query_by_label("Use Pets").is_none());
}

#[test]
fn a_list_that_cannot_be_read_is_told() {
    let web = Web::serve(|_| Answer::status(404));
    let (mut rig, folder) = window(b"pets", &web);
    fs::write(folder.path().join("catalogue.toml"), "[[set").unwrap();
    click(&mut rig, "Known data sets…");
    until(&mut rig, |rig| shows(rig, "catalogue.toml"));
}

#[test]
fn closing_the_window_stops_a_download_and_keeps_its_part() {
    let bytes = content(60_000, 7);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        Answer::file(&served, "\"v1\"", asked).dripping(200, Duration::from_millis(5))
    });
    let (mut rig, folder) = window(&bytes, &web);
    open(&mut rig);
    click(&mut rig, "Download Pets");
    until(&mut rig, |rig| shows(rig, " of 58.6 KiB"));
    let start = Instant::now();
    drop(rig);
    assert!(start.elapsed() < crate::support::in_time(Duration::from_secs(1)));
    assert!(folder.path().join("pets/pets.tgz.part").exists());
    assert!(!folder.path().join("pets/pets.tgz").exists());
}
