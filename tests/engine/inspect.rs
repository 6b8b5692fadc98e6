//! Looking into the network: before there is one, while it learns, while the run is paused, afterwards.

use std::sync::Arc;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::Split;
use alexnet_lab::engine::{
    Activations, Answer, Command, Engine, Event, Inspect, Muted, Patch, PictureSource, Question,
};
use image::{Rgb, RgbImage};
use tempfile::tempdir;

use super::{endless, engine, is_step, quick, start, until};
use crate::tiny;

fn ask(engine: &Engine, id: u64, question: Question) {
    engine.send(Command::Inspect(Box::new(Inspect { id, question })));
}

/// The next report about question `id` that is no progress, and how many reports of progress came before it.
fn answer(engine: &Engine, id: u64) -> (Answer, usize) {
    let mut progress = 0;
    loop {
        let events = until(engine, |e| matches!(e, Event::Inspected(report) if report.id == id));
        let Some(Event::Inspected(report)) = events.into_iter().next_back() else { unreachable!() };
        match report.answer {
            Answer::Progress { .. } => progress += 1,
            answer => return (answer, progress),
        }
    }
}

fn source() -> PictureSource {
    let picture = RgbImage::from_fn(40, 40, |x, y| Rgb([(x * 6) as u8, (y * 6) as u8, 90]));
    PictureSource::Pixels { name: "ramp".into(), picture }
}

fn activations(engine: &Engine, id: u64, muted: Vec<Muted>) -> (u64, Arc<Activations>) {
    ask(engine, id, Question::Activations { source: source(), muted });
    match answer(engine, id).0 {
        Answer::Activations { step, result } => (step, result),
        other => panic!("{other:?}"),
    }
}

fn exciting(most: usize) -> Question {
    let data = DataConfig { sample_train: 96, sample_validation: 40, ..DataConfig::default() };
    Question::Exciting { data: Box::new(data), split: Split::Validation, layer: Some("pool1".into()), most }
}

fn load(engine: &Engine, folder: &std::path::Path) {
    let path = tiny::network_file(folder);
    engine.send(Command::Load { path, device: "cpu".into() });
    until(engine, |e| matches!(e, Event::Loaded(_)));
}

#[test]
fn without_a_network_and_with_a_broken_picture_the_reason_is_told() {
    let folder = tempdir().unwrap();
    let engine = engine();
    ask(&engine, 1, Question::Activations { source: source(), muted: Vec::new() });
    let (Answer::Failed(reason), _) = answer(&engine, 1) else { panic!("there is no network") };
    assert!(reason.contains("no network yet"), "{reason}");
    load(&engine, folder.path());
    let broken = PictureSource::Bytes { name: "broken.png".into(), bytes: b"no picture".to_vec() };
    ask(&engine, 2, Question::GradCam { source: broken, muted: Vec::new(), layer: None, class: None });
    let (Answer::Failed(reason), _) = answer(&engine, 2) else { panic!("it is no picture") };
    assert!(reason.contains("broken.png"), "{reason}");
    let patch = Some(Patch { size: 99, stride: 1 });
    ask(&engine, 3, Question::Occlusion { source: source(), muted: Vec::new(), patch });
    let (Answer::Failed(reason), _) = answer(&engine, 3) else { panic!("the patch is too large") };
    assert!(reason.contains("99 pixels"), "{reason}");
    let mut question = exciting(5);
    if let Question::Exciting { data, .. } = &mut question {
        data.source = folder.path().join("nowhere").display().to_string();
    }
    ask(&engine, 4, question);
    let (Answer::Failed(reason), _) = answer(&engine, 4) else { panic!("there is nothing") };
    assert!(reason.contains("nowhere"), "{reason}");
}

#[test]
fn everything_is_answered_while_the_network_learns_and_the_run_stays_the_same() {
    let metrics = |look: bool| {
        let folder = tempdir().unwrap();
        let engine = engine();
        start(&engine, quick(folder.path()));
        until(&engine, is_step);
        if look {
            let (first, found) = activations(&engine, 1, Vec::new());
            assert_eq!(found.layers.first().map(|layer| layer.name.as_str()), Some("conv1"));
            let patch = Some(Patch { size: 16, stride: 8 });
            ask(&engine, 2, Question::Occlusion { source: source(), muted: Vec::new(), patch });
            let (Answer::Occlusion(map), progress) = answer(&engine, 2) else { panic!("no map") };
            assert_eq!((map.places.len(), map.covered.len()), (3, 9 * map.classes.len()));
            assert!(progress > 0, "it says that it has begun");
            ask(&engine, 3, exciting(30));
            let (Answer::Exciting { result, stopped }, _) = answer(&engine, 3) else {
                panic!("nothing found")
            };
            assert_eq!((result.seen, stopped, result.maps.len()), (30, false, 32));
            ask(
                &engine,
                4,
                Question::GradCam { source: source(), muted: Vec::new(), layer: None, class: None },
            );
            assert!(matches!(answer(&engine, 4).0, Answer::GradCam(_)));
            let muted = vec![Muted { layer: "conv1".into(), map: None }];
            let (later, found) = activations(&engine, 5, muted);
            assert!(later >= first && found.after.is_some());
        }
        until(&engine, |e| matches!(e, Event::Stopped(_)));
        std::fs::read_to_string(folder.path().join("metrics.csv")).unwrap()
    };
    assert_eq!(metrics(true), metrics(false), "a look changes what is learned");
}

#[test]
fn a_long_look_goes_on_while_paused_and_after_the_end() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(Command::Pause);
    until(&engine, |e| matches!(e, Event::Paused { .. }));
    let patch = Some(Patch { size: 8, stride: 4 });
    ask(&engine, 1, Question::Occlusion { source: source(), muted: Vec::new(), patch });
    let (Answer::Occlusion(map), _) = answer(&engine, 1) else { panic!("no map") };
    assert_eq!(map.places.len(), 7);
    ask(&engine, 2, exciting(40));
    engine.send(Command::Stop);
    let mut ended = false;
    let events = until(
        &engine,
        |e| matches!(e, Event::Inspected(report) if report.id == 2 && matches!(report.answer, Answer::Exciting { .. })),
    );
    ended |= events.iter().any(|e| matches!(e, Event::Stopped(_)));
    if !ended {
        until(&engine, |e| matches!(e, Event::Stopped(_)));
    }
}

#[test]
fn a_long_look_can_be_stopped_and_tells_what_it_has() {
    let folder = tempdir().unwrap();
    let engine = engine();
    load(&engine, folder.path());
    let mut question = exciting(100_000);
    if let Question::Exciting { data, .. } = &mut question {
        data.sample_validation = 100_000;
    }
    ask(&engine, 1, question);
    until(&engine, |e| {
        matches!(e, Event::Inspected(report)
            if matches!(report.answer, Answer::Progress { done, total: 100_000 } if done > 0))
    });
    ask(&engine, 1, Question::Stop);
    let (Answer::Exciting { result, stopped: true }, _) = answer(&engine, 1) else {
        panic!("it was stopped")
    };
    assert!(result.seen > 0 && result.seen < 100_000, "{}", result.seen);
    assert!(result.maps.iter().all(|best| !best.is_empty()));
    // A question that is no longer worked on is not answered again.
    ask(&engine, 1, Question::Stop);
    let (step, _) = activations(&engine, 2, Vec::new());
    assert_eq!(step, 0);
}
