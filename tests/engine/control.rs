//! Pausing, stepping, stopping, changing the rate, predicting: while the engine is at work.

use std::fs;

use alexnet_lab::engine::{Command, Event, PictureSource, StopReason, Views};
use tempfile::tempdir;

use super::{endless, engine, is_step, next, quick, start, until};

fn predict(id: u64) -> Command {
    let picture = image::RgbImage::new(40, 40);
    let source = PictureSource::Pixels { name: "black".into(), picture };
    Command::Predict { id, source, views: Views::One, top: 5 }
}

fn measure() -> Command {
    Command::Evaluate { data: alexnet_lab::config::DataConfig::default(), views: Views::One }
}

#[test]
fn a_measurement_waits_for_a_pause_and_ends_with_it() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(measure());
    let refused = until(&engine, |e| matches!(e, Event::Failed { .. }));
    assert!(matches!(refused.last(), Some(Event::Failed { run_ended: false, .. })));
    engine.send(Command::Pause);
    until(&engine, |e| matches!(e, Event::Paused { .. }));
    // The second command is there before the measurement has begun.
    engine.send(measure());
    engine.send(Command::Resume);
    let events = until(&engine, |e| matches!(e, Event::Resumed));
    let ended = |e: &Event| matches!(e, Event::Cancelled | Event::Evaluated(_));
    assert_eq!(events.iter().filter(|e| ended(e)).count(), 1, "it was given up, or done before");
    until(&engine, is_step);
}

#[test]
fn pause_holds_step_makes_one_update_resume_goes_on() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(Command::Pause);
    let events = until(&engine, |e| matches!(e, Event::Paused { .. }));
    let Some(Event::Paused { step }) = events.last() else { unreachable!() };
    let paused_at = *step;

    engine.send(predict(1));
    let events = until(&engine, |e| matches!(e, Event::Prediction { .. }));
    assert!(!events.iter().any(is_step), "an update was made while paused");

    engine.send(Command::Step);
    let events = until(&engine, |e| matches!(e, Event::Paused { .. }));
    let steps: Vec<u64> =
        events.iter().filter_map(|e| if let Event::Step(p, _) = e { Some(p.step) } else { None }).collect();
    assert_eq!(steps, [paused_at + 1]);

    engine.send(Command::Resume);
    until(&engine, |e| matches!(e, Event::Resumed));
    until(&engine, is_step);
    engine.send(Command::Stop);
    let events = until(&engine, |e| matches!(e, Event::Stopped(_)));
    let Some(Event::Stopped(summary)) = events.last() else { unreachable!() };
    assert_eq!(summary.reason, StopReason::Asked);
    assert!(summary.model_file.as_ref().is_some_and(|path| path.exists()));
}

#[test]
fn a_paused_run_changes_nothing() {
    let metrics = |pause: bool| {
        let folder = tempdir().unwrap();
        let engine = engine();
        start(&engine, quick(folder.path()));
        until(&engine, is_step);
        if pause {
            engine.send(Command::Pause);
            until(&engine, |e| matches!(e, Event::Paused { .. }));
            engine.send(Command::Step);
            until(&engine, |e| matches!(e, Event::Paused { .. }));
            engine.send(measure());
            let events = until(&engine, |e| matches!(e, Event::Evaluated(_)));
            let Some(Event::Evaluated(found)) = events.last() else { unreachable!() };
            assert_eq!((found.verdicts().len(), found.point.n, found.views), (40, 40, 1));
            engine.send(Command::Resume);
        }
        until(&engine, |e| matches!(e, Event::Stopped(_)));
        fs::read(folder.path().join("metrics.csv")).unwrap()
    };
    assert_eq!(metrics(true), metrics(false));
}

#[test]
fn predictions_and_saves_are_served_during_training() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(predict(77));
    let copy = folder.path().join("copy.safetensors");
    engine.send(Command::Save(copy.clone()));
    let events = until(&engine, |e| matches!(e, Event::Saved { .. }));
    assert!(events.iter().any(|e| matches!(e, Event::Prediction { id: 77, result: Ok(_), .. })));
    assert!(copy.exists());
    until(&engine, is_step);
}

#[test]
fn a_rate_set_by_hand_is_in_force_from_the_next_update() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    engine.send(Command::SetRate(0.00025));
    let events = until(&engine, |e| matches!(e, Event::RateSet { .. }));
    let Some(&Event::RateSet { step, rate }) = events.last() else { unreachable!() };
    assert_eq!(rate, 0.00025);
    loop {
        if let Event::Step(point, _) = next(&engine)
            && point.step >= step
        {
            assert_eq!((point.step, point.lr), (step, 0.00025));
            break;
        }
    }
    engine.send(Command::SetRate(-1.0));
    let refused = until(&engine, |e| matches!(e, Event::Failed { .. }));
    assert!(matches!(refused.last(), Some(Event::Failed { run_ended: false, .. })));
}

#[test]
fn a_second_start_is_refused_and_the_first_goes_on() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(&folder.path().join("a")));
    until(&engine, is_step);
    start(&engine, quick(&folder.path().join("b")));
    let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
    assert!(matches!(events.last(), Some(Event::Failed { run_ended: false, .. })));
    until(&engine, is_step);
    assert!(!folder.path().join("b").exists());
}

#[test]
fn stopping_before_the_training_leaves_nothing() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    let engine = engine();
    let mut config = quick(&out);
    config.data.sample_train = 100_000;
    start(&engine, config);
    until(&engine, |e| matches!(e, Event::Preparing { done, .. } if *done > 0));
    engine.send(Command::Stop);
    until(&engine, |e| matches!(e, Event::Cancelled));
    assert!(!out.exists());
}

#[test]
fn dropping_the_engine_saves_the_run() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(folder.path()));
    until(&engine, is_step);
    drop(engine);
    assert!(folder.path().join("model.safetensors").exists());
    let metrics = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    assert!(metrics.ends_with('\n') && metrics.lines().count() > 1);
}

#[test]
fn one_engine_makes_one_run_after_the_other() {
    let folder = tempdir().unwrap();
    let engine = engine();
    for name in ["a", "b"] {
        start(&engine, quick(&folder.path().join(name)));
        until(&engine, |e| matches!(e, Event::Stopped(_)));
    }
    let read = |name: &str| fs::read(folder.path().join(name).join("metrics.csv")).unwrap();
    assert_eq!(read("a"), read("b"));
}
