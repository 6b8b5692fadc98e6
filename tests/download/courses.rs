//! The usual course: whole, in pieces, over several calls, several files.

use std::fs;
use std::time::{Duration, Instant};

use alexnet_lab::data::download::{Meter, Progress};
use alexnet_lab::data::known::SetState;

use super::{Rig, content, file};
use crate::web::{Answer, Web};

#[test]
fn a_file_arrives_whole_and_is_told_about() {
    let bytes = content(300_000, 1);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    assert_eq!(rig.shelf.state(&rig.set), SetState::Absent);
    let source = rig.fetch().unwrap();
    assert_eq!(source, rig.path("pets.tgz"));
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None]);
    assert_eq!(rig.shelf.state(&rig.set), SetState::Present);
    let asked = &web.asked()[0];
    assert_eq!(asked.headers["accept-encoding"], "identity");
    assert!(asked.headers["user-agent"].starts_with("alexnet-lab/"));
    let last = rig.told.last().unwrap();
    assert!(
        matches!(last, Progress::Receiving { received: 300_000, total: 300_000, .. }),
        "the end is always told: {last:?}"
    );
    // Once more asks nobody.
    rig.fetch().unwrap();
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn a_broken_connection_goes_on_where_it_stopped() {
    let bytes = content(200_000, 2);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::file(&served, "\"v1\"", asked);
        if asked.number < 2 { answer.cut(70_000) } else { answer }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(70_000), Some(140_000)]);
    assert_eq!(web.asked()[1].headers["if-range"], "\"v1\"");
    assert!(rig.notes().iter().any(|text| text.contains("broke off")), "{:?}", rig.notes());
}

#[test]
fn the_next_call_goes_on_from_the_part_on_disk() {
    let bytes = content(200_000, 3);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match asked.number {
        0 => Answer::file(&served, "\"v1\"", asked).cut(90_000),
        1 => Answer::status(404),
        _ => Answer::file(&served, "\"v1\"", asked),
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.refusal();
    rig.assert_part(90_000);
    assert_eq!(rig.shelf.state(&rig.set), SetState::Begun(90_000));
    rig.told.clear();
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(90_000), Some(90_000)]);
    assert!(
        matches!(rig.told[0], Progress::Checking { done: 90_000, total: 200_000, .. }),
        "what is there is summed again: {:?}",
        rig.told[0]
    );
}

#[test]
fn a_part_that_was_whole_already_needs_no_server() {
    let bytes = content(50_000, 4);
    let web = Web::of(&bytes);
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    // As if the program had been ended between the last byte and the name.
    fs::rename(rig.path("pets.tgz"), rig.path("pets.tgz.part")).unwrap();
    let note = format!(r#"{{"md5":"{}","address":"elsewhere","total":50000}}"#, rig.set.files[0].md5);
    fs::write(rig.path("pets.tgz.part.json"), note).unwrap();
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn several_files_get_their_names_together() {
    let (pictures, labels) = (content(80_000, 5), content(900, 6));
    let (served, served_labels) = (pictures.clone(), labels.clone());
    let web = Web::serve(move |asked| match (&asked.path[..], asked.number) {
        ("/pictures", _) => Answer::file(&served, "\"p\"", asked),
        (_, 0..=1) => Answer::status(404),
        _ => Answer::file(&served_labels, "\"l\"", asked),
    });
    let files = vec![
        file("pictures.gz", &pictures, &[web.url("/pictures")]),
        file("labels.gz", &labels, &[web.url("/labels")]),
    ];
    let mut rig = Rig::new(files);
    assert!(rig.refusal().contains("labels.gz"));
    let names: Vec<String> = rig.on_disk().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["pictures.gz.part", "pictures.gz.part.json"],
        "no file of an incomplete set has its name"
    );
    let source = rig.fetch().unwrap();
    assert_eq!(source, rig.shelf.folder(&rig.set), "several files are opened as their folder");
    assert_eq!(rig.on_disk(), [("labels.gz".into(), 900), ("pictures.gz".into(), 80_000)]);
    let paths: Vec<String> = web.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/pictures", "/labels", "/labels"], "what is there is not asked for again");
    let last = rig.told.last().unwrap();
    assert!(matches!(last, Progress::Receiving { received: 80_900, total: 80_900, .. }), "{last:?}");
}

#[test]
fn progress_never_goes_back_and_never_passes_the_end() {
    let bytes = content(120_000, 7);
    let served = bytes.clone();
    let web = Web::serve(move |asked| {
        Answer::file(&served, "\"v1\"", asked).dripping(10_000, Duration::from_millis(30))
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.fetch().unwrap();
    let mut before = 0;
    let mut reports = 0;
    for progress in &rig.told {
        if let Progress::Receiving { received, total, .. } = progress {
            assert!(*received >= before && received <= total && *total == 120_000);
            (before, reports) = (*received, reports + 1);
        }
    }
    assert!((2..=12).contains(&reports), "{reports} reports in about 0.4 s");
}

#[test]
fn the_rate_is_that_of_the_last_seconds() {
    let start = Instant::now();
    let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
    let mut meter = Meter::default();
    assert_eq!(meter.rate(), None);
    meter.add(at(0.0), 0);
    meter.add(at(0.2), 5000);
    assert_eq!(meter.rate(), None, "too early to say");
    // Ten seconds at 1000 bytes a second, then ten at 3000.
    for second in 1..=20_u32 {
        let fast = second.saturating_sub(10);
        meter.add(at(second.into()), u64::from((second - fast) * 1000 + fast * 3000));
    }
    let rate = meter.rate().unwrap();
    assert!((rate - 3000.0).abs() < 1.0, "{rate}");
    assert!((meter.eta(6000).unwrap() - 2.0).abs() < 0.01);
    meter.clear();
    assert_eq!(meter.rate(), None);
    // Silence is no rate to divide by.
    meter.add(at(30.0), 7);
    meter.add(at(40.0), 7);
    assert_eq!((meter.rate(), meter.eta(10)), (Some(0.0), None));
}
