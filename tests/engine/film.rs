//! What a run shows besides its figures: the film of its kernels, a checkpoint when it is asked for, later layers.

use std::fs;

use alexnet_lab::engine::{Command, Event, PictureSource, Views, film, kept_checkpoints};
use alexnet_lab::vis::FilterGrid;
use tempfile::tempdir;

use super::resume::{resumed, take_up};
use super::{endless, engine, is_step, quick, run, start, until};

fn frames(events: &[Event]) -> Vec<FilterGrid> {
    let frame = |event: &Event| if let Event::Film(grid) = event { Some(grid.clone()) } else { None };
    events.iter().filter_map(frame).collect()
}

#[test]
fn a_run_leaves_its_film_from_the_first_weights_to_the_last() {
    let folder = tempdir().unwrap();
    let (events, summary) = run(quick(folder.path()));
    let kept = film(folder.path()).unwrap();
    assert_eq!(kept, frames(&events), "what was reported is what was kept");
    // A run of a few updates is filmed whole.
    let steps: Vec<u64> = kept.iter().map(|grid| grid.step).collect();
    assert_eq!(steps, (0..=summary.step).collect::<Vec<_>>());
    assert!(kept.iter().all(FilterGrid::is_whole) && kept[0].weights != kept[1].weights);
    let nothing = tempdir().unwrap();
    assert!(film(nothing.path()).unwrap_err().contains("there is no film"));
}

#[test]
fn an_interrupted_run_has_the_film_of_one_that_was_not() {
    let [whole, parts] = [(); 2].map(|()| tempdir().unwrap());
    run(quick(whole.path()));
    let mut config = quick(parts.path());
    config.run.epochs = Some(1);
    run(config);
    // As after a crash: frames that no checkpoint knows of, and one cut off.
    let path = parts.path().join("film.bin");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    resumed(parts.path(), &["run.epochs=2"]);
    let steps = |folder: &tempfile::TempDir| -> Vec<u64> {
        film(folder.path()).unwrap().iter().map(|grid| grid.step).collect()
    };
    // The frame that was cut off is the only one that is missing.
    let mut expected = steps(&whole);
    assert_eq!(expected.len(), 13);
    expected.remove(6);
    assert_eq!(steps(&parts), expected);
}

#[test]
fn a_branch_has_a_film_of_its_own_that_begins_where_it_does() {
    let folder = tempdir().unwrap();
    let (_, summary) = run(quick(&folder.path().join("first")));
    let engine = engine();
    let out = folder.path().join("second").display().to_string();
    let (out, epochs) = (format!("run.out={out}"), "run.epochs=3");
    take_up(&engine, &summary.folder, true, &[&out, epochs]);
    until(&engine, |e| matches!(e, Event::Stopped(_)));
    let frames = film(&folder.path().join("second")).unwrap();
    assert_eq!(frames.first().map(|grid| grid.step), Some(summary.step));
    assert!(frames.len() > 2);
}

#[test]
fn a_checkpoint_is_written_when_it_is_asked_for() {
    let folder = tempdir().unwrap();
    let mut config = endless(folder.path());
    config.data.sample_train = 9600;
    let engine = engine();
    start(&engine, config);
    until(&engine, is_step);
    engine.send(Command::Keep);
    let events = until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    let Some(Event::Checkpoint(kept)) = events.last() else { unreachable!() };
    let listed = kept_checkpoints(folder.path());
    assert!(listed.iter().any(|other| other.step == kept.step), "{listed:?}");
    until(&engine, is_step);
    // Nothing new has been learned since the pause kept its state.
    engine.send(Command::Pause);
    until(&engine, |e| matches!(e, Event::Paused { .. }));
    engine.send(Command::Keep);
    until(&engine, |e| matches!(e, Event::Note(text) if text.contains("saved already")));
}

#[test]
fn the_kernels_of_any_convolution_can_be_seen_while_it_trains_and_after() {
    let folder = tempdir().unwrap();
    let engine = engine();
    start(&engine, quick(folder.path()));
    until(&engine, is_step);
    let asked = |layer: &str| {
        engine.send(Command::ShowKernels(layer.into()));
        let events = until(&engine, |e| matches!(e, Event::Kernels(_)));
        let Some(Event::Kernels(kernels)) = events.into_iter().next_back() else { unreachable!() };
        *kernels
    };
    let second = asked("conv2");
    assert_eq!((second.layer.as_str(), second.is_whole()), ("conv2", true));
    assert_eq!(second.weights.len(), second.outputs * second.inputs * second.side * second.side);
    // One that is not there is no news, and nothing breaks.
    engine.send(Command::ShowKernels("nonsense".into()));
    until(&engine, |e| matches!(e, Event::Stopped(_)));
    let after = asked("conv3");
    assert!(after.is_whole() && after.step > 0);
    let source = PictureSource::Pixels { name: "black".into(), picture: image::RgbImage::new(40, 40) };
    engine.send(Command::Predict { id: 1, source, views: Views::One, top: 1 });
    until(&engine, |e| matches!(e, Event::Prediction { id: 1, .. }));
}
