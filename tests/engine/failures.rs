//! What cannot work is refused with one line that names the thing, and leaves nothing behind.

use std::fs;
use std::path::Path;

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Event, PictureSource, StopReason, Views};
use tempfile::tempdir;

use super::{engine, quick, run, start, until};

/// The message with which a run is refused as bad input.
fn refusal(config: RunConfig) -> String {
    let engine = engine();
    start(&engine, config);
    let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
    match events.last() {
        Some(Event::Failed { message, run_ended: true, bad_input: true, saved: None }) => {
            assert!(!message.contains('\n'), "more than one line: {message}");
            message.clone()
        }
        other => panic!("{other:?}"),
    }
}

fn with(change: impl FnOnce(&mut RunConfig)) -> RunConfig {
    let folder = tempdir().unwrap();
    let mut config = quick(&folder.path().join("run"));
    change(&mut config);
    config
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let message = refusal(with(|c| c.model.preset = Some("resnet".into())));
    assert!(message.contains("`resnet`") && message.contains("alexnet-64"), "{message}");
    let message = refusal(with(|c| c.run.device = "tpu".into()));
    assert!(message.contains("tpu") && message.contains("cpu"), "{message}");
    let message = refusal(with(|c| c.data.source = "/no/such/place".into()));
    assert!(message.contains("/no/such/place"), "{message}");
    let message = refusal(with(|c| c.optim.lr = Some(-1.0)));
    assert!(message.contains("optim.lr") && message.contains("-1"), "{message}");
}

#[test]
fn a_folder_that_holds_a_run_is_not_overwritten() {
    let folder = tempdir().unwrap();
    run(quick(folder.path()));
    let before = fs::read(folder.path().join("metrics.csv")).unwrap();
    let message = refusal(quick(folder.path()));
    assert!(message.contains(&folder.path().display().to_string()), "{message}");
    assert_eq!(fs::read(folder.path().join("metrics.csv")).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let message = refusal(quick(&file.join("run")));
    assert!(message.contains(&file.display().to_string()), "{message}");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_and_saves_no_nonsense() {
    let folder = tempdir().unwrap();
    let mut config = quick(folder.path());
    config.optim.lr = Some(1e9);
    let (_, summary) = run(config);
    assert_eq!(summary.reason, StopReason::Diverged);
    assert_eq!(summary.model_file, None);
    assert!(!folder.path().join("model.safetensors").exists());
}

#[test]
fn a_picture_that_cannot_be_read_is_an_answer_and_not_an_end() {
    let folder = tempdir().unwrap();
    let text = folder.path().join("notes.jpg");
    fs::write(&text, "this is no picture").unwrap();
    let (_, summary) = run(quick(&folder.path().join("run")));
    let engine = engine();
    engine.send(Command::Load { path: summary.model_file.unwrap(), device: "cpu".into() });
    let answer = |path: &Path| {
        let source = PictureSource::File(path.into());
        engine.send(Command::Predict { id: 1, source, views: Views::One, top: 5 });
        let events = until(&engine, |e| matches!(e, Event::Prediction { .. }));
        match events.last() {
            Some(Event::Prediction { result, .. }) => result.as_ref().unwrap_err().clone(),
            _ => unreachable!(),
        }
    };
    assert!(answer(&text).contains("notes.jpg"));
    assert!(answer(&folder.path().join("missing.png")).contains("missing.png"));
}

#[test]
fn without_a_model_there_is_no_prediction() {
    let engine = engine();
    let source = PictureSource::Pixels { name: "x".into(), picture: image::RgbImage::new(4, 4) };
    engine.send(Command::Predict { id: 9, source, views: Views::One, top: 5 });
    let events = until(&engine, |e| matches!(e, Event::Prediction { .. }));
    let Some(Event::Prediction { id: 9, result: Err(message), .. }) = events.last() else { panic!() };
    assert!(message.contains("no model yet"), "{message}");
    engine.send(Command::Load { path: "/no/such/model.safetensors".into(), device: "cpu".into() });
    let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
    assert!(
        matches!(events.last(), Some(Event::Failed { bad_input: true, message, .. }) if message.contains("/no/such/model"))
    );
}
