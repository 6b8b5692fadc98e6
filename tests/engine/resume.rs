//! Runs that go on: the figures and the model of an interrupted run are those of one that was not, byte for byte.

use std::fs;
use std::path::Path;

use alexnet_lab::config::{Change, ColourNoise, Norm, RunConfig, Schedule};
use alexnet_lab::engine::{Command, Engine, Event, RunInfo, RunSummary, StopReason, TakeUp, interrupted};
use alexnet_lab::model::{ModelFile, Shapes};
use tempfile::tempdir;

use super::{endless, engine, is_step, paused, quick, run, start, until};
use crate::support::software_device;

/// Sends the engine on with what is in a folder.
pub fn take_up(engine: &Engine, path: &Path, branch: bool, changes: &[&str]) {
    engine.send(order(path, branch, changes));
}

fn order(path: &Path, branch: bool, changes: &[&str]) -> Command {
    let changes = changes.iter().map(|change| (*change).to_owned()).collect();
    Command::TakeUp(Box::new(TakeUp { path: path.into(), branch, changes, ..TakeUp::default() }))
}

/// Goes on to the end.
pub fn resumed(path: &Path, changes: &[&str]) -> (Vec<Event>, RunSummary) {
    let engine = engine();
    take_up(&engine, path, false, changes);
    ended(&engine)
}

pub fn ended(engine: &Engine) -> (Vec<Event>, RunSummary) {
    let events = until(engine, |e| matches!(e, Event::Stopped(_)));
    let Some(Event::Stopped(summary)) = events.last() else { unreachable!() };
    let summary = (**summary).clone();
    (events, summary)
}

/// What a run says of itself as it begins.
pub fn info(events: &[Event]) -> &RunInfo {
    let started =
        events.iter().find_map(|event| if let Event::Started(info) = event { Some(info) } else { None });
    started.expect("the run began")
}

pub fn warnings(events: &[Event]) -> Vec<&str> {
    let text = |event: &'_ Event| matches!(event, Event::Warning(_));
    events
        .iter()
        .filter(|e| text(e))
        .map(|e| if let Event::Warning(text) = e { text.as_str() } else { "" })
        .collect()
}

/// Fails unless both folders hold the same figures and the same model.
pub fn assert_same(one: &Path, other: &Path) {
    let metrics = |folder: &Path| fs::read_to_string(folder.join("metrics.csv")).unwrap();
    assert_eq!(metrics(one), metrics(other));
    let files = [one, other].map(|folder| folder.join("model.safetensors"));
    if let [Ok(one), Ok(other)] = files.each_ref().map(fs::read)
        && one != other
    {
        let [one, other] = files.map(|file| ModelFile::read(&file).unwrap());
        let names = Shapes::of(&one.spec).unwrap().parameters.into_iter().map(|parameter| parameter.name);
        let differing: Vec<String> = names
            .zip(one.weights.iter().zip(&other.weights))
            .filter(|(_, (one, other))| one != other)
            .map(|(name, (one, other))| {
                let largest = one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                format!("{name} by {largest:e}")
            })
            .collect();
        panic!(
            "the models differ: {differing:?}; mean {}, steps {} {}",
            one.mean == other.mean,
            one.step,
            other.step
        );
    }
    let steps = |folder: &Path| -> Vec<u64> {
        let timing = fs::read_to_string(folder.join("timing.csv")).unwrap();
        timing.lines().skip(1).map(|row| row.split(',').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(steps(one), steps(other), "the updates in timing.csv");
}

/// Makes updates one by one, and stops and goes on after those in `stops`. The rate is set by hand after update 3.
fn stepwise(config: RunConfig, total: u64, stops: &[u64]) {
    let out = config.run.out.clone().unwrap();
    let (mut engine, events) = paused(Command::Start(Box::new(config)));
    assert!(matches!(events.last(), Some(Event::Paused { step: 0 })));
    for step in 1..total {
        if step == 4 {
            engine.send(Command::SetRate(0.0004));
            until(&engine, |e| matches!(e, Event::RateSet { .. }));
        }
        engine.send(Command::Step);
        until(&engine, |e| matches!(e, Event::Paused { step: made } if *made == step));
        if stops.contains(&step) {
            engine.send(Command::Stop);
            let (_, summary) = ended(&engine);
            assert_eq!((summary.reason, summary.step), (StopReason::Asked, step));
            drop(engine);
            let events;
            (engine, events) = paused(order(&out, false, &[]));
            let taken = info(&events).taken_up.clone().expect("it goes on");
            assert_eq!((taken.step, taken.replay_difference), (step, Some(0.0)));
            assert_eq!(taken.history.steps.len() as u64, step);
            assert_eq!(warnings(&events), [""; 0]);
        }
    }
    engine.send(Command::Resume);
    let (_, summary) = ended(&engine);
    assert_eq!((summary.reason, summary.step), (StopReason::Finished, total));
}

/// A network and settings in which everything that has a memory takes part: momentum, dropout, batch
/// normalisation, colour noise, a frozen layer that thaws, a plateau, a rate set by hand. 6 updates an epoch.
fn everything(out: &Path) -> RunConfig {
    let mut config = quick(out);
    config.model.preset = Some("alexnet-64".into());
    config.model.norm = Some(Norm::Batch);
    config.data.colour_noise = Some(ColourNoise::Author);
    config.data.augment = Some(true);
    config.optim.schedule = Some(Schedule::Plateau);
    config.optim.plateau_patience = 1;
    config.optim.lr = Some(0.001);
    let change = |epoch, lr_scale, colour_strength| Change {
        epoch,
        layer: Some("conv1".into()),
        lr_scale: Some(lr_scale),
        colour_strength,
    };
    config.optim.changes = vec![change(0.4, 0.0, None), change(0.9, 0.5, Some(0.05))];
    config
}

#[test]
fn everything_that_has_a_memory_remembers() {
    let folder = tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    stepwise(everything(&whole), 12, &[]);
    stepwise(everything(&parts), 12, &[2, 5, 6, 9]);
    assert_same(&whole, &parts);
}

#[test]
fn a_validation_that_was_cut_short_is_made_up_for() {
    let folder = tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let config = |out: &Path| {
        let mut config = quick(out);
        config.data.sample_validation = 3000;
        config
    };
    run(config(&whole));
    let engine = engine();
    start(&engine, config(&parts));
    until(&engine, |e| matches!(e, Event::Evaluating { .. }));
    engine.send(Command::Stop);
    let (_, summary) = ended(&engine);
    assert_eq!((summary.reason, summary.step), (StopReason::Asked, 6));
    assert_eq!(summary.evaluation, None, "it was too late");
    resumed(&parts, &[]);
    assert_same(&whole, &parts);
}

#[test]
fn software_vulkan_goes_on_exactly() {
    if software_device().is_none() {
        return;
    }
    let folder = tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let config = |out: &Path| {
        let mut config = quick(out);
        config.run.device = "software".into();
        config.data.sample_train = 48;
        config
    };
    stepwise(config(&whole), 6, &[]);
    stepwise(config(&parts), 6, &[2, 4]);
    assert_same(&whole, &parts);
}

#[test]
fn a_finished_run_can_be_made_longer() {
    let folder = tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    let config = |out: &Path, epochs| {
        let mut config = quick(out);
        config.optim.schedule = Some(Schedule::Constant);
        config.run.epochs = Some(epochs);
        config
    };
    run(config(&whole, 3));
    run(config(&parts, 1));
    let (events, summary) = resumed(&parts, &["run.epochs=3"]);
    assert_eq!((info(&events).total_steps, summary.step), (18, 18));
    assert_same(&whole, &parts);
    // Once more, and there is nothing left to do.
    let (events, summary) = resumed(&parts, &[]);
    assert!(!events.iter().any(is_step));
    assert_eq!((summary.reason, summary.evaluation.unwrap().step), (StopReason::Finished, 18));
    assert_same(&whole, &parts);
}

#[test]
fn a_schedule_over_the_whole_run_is_told_to_change_with_its_length() {
    let folder = tempdir().unwrap();
    let mut config = quick(folder.path());
    config.optim.schedule = Some(Schedule::Cosine);
    config.run.epochs = Some(1);
    run(config);
    let (events, _) = resumed(folder.path(), &["run.epochs=2"]);
    assert!(warnings(&events).iter().any(|text| text.contains("schedule")), "{:?}", warnings(&events));
}

#[test]
fn settings_that_would_make_another_run_are_refused() {
    let folder = tempdir().unwrap();
    run(quick(folder.path()));
    for (change, word) in [
        ("optim.lr=0.5", "optim.lr"),
        ("run.seed=9", "run.seed"),
        ("optim.batch=8", "optim.batch"),
        ("data.sample_train=200", "data.sample_train"),
        ("optim.speed=9", "speed"),
    ] {
        let message = refusal(folder.path(), &[change]);
        assert!(message.contains(word), "{message}");
    }
    let message = refusal(folder.path(), &["optim.lr=0.5"]);
    assert!(message.contains("--branch"), "{message}");
    // The same value is no change.
    resumed(folder.path(), &["optim.batch=16", "data.loader_threads=1", "run.keep_checkpoints=1"]);
}

/// Why a run cannot be gone on with.
pub fn refusal(path: &Path, changes: &[&str]) -> String {
    let engine = engine();
    take_up(&engine, path, false, changes);
    refused(&engine)
}

pub fn refused(engine: &Engine) -> String {
    let events = until(engine, |e| matches!(e, Event::Failed { .. }));
    match events.last() {
        Some(Event::Failed { message, run_ended: true, bad_input: true, .. }) => {
            assert!(!message.contains('\n'), "more than one line: {message}");
            message.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_in_use_is_refused_and_free_again_afterwards() {
    let folder = tempdir().unwrap();
    let first = engine();
    start(&first, endless(folder.path()));
    until(&first, is_step);
    let message = refusal(folder.path(), &[]);
    assert!(message.contains("in use") && message.contains(&std::process::id().to_string()), "{message}");
    assert_eq!(interrupted(folder.path()), None, "it is going on");
    first.send(Command::Stop);
    let (_, summary) = ended(&first);
    // While the engine lives on, the run has left its folder.
    let left = interrupted(folder.path()).expect("it was stopped before its end");
    assert_eq!((left.step, left.total_steps), (summary.step, 60_000));
    let (_, summary) = resumed(folder.path(), &[&format!("run.max_steps={}", summary.step)]);
    assert_eq!(summary.reason, StopReason::Finished);
}

#[test]
fn a_run_interrupted_before_its_first_checkpoint_begins_again() {
    let folder = tempdir().unwrap();
    let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
    run(quick(&whole));
    let config = |out: &Path| {
        let mut config = endless(out);
        (config.run.checkpoint_steps, config.run.checkpoint_minutes) = (0, 0.0);
        config
    };
    let engine = engine();
    start(&engine, config(&parts));
    until(&engine, is_step);
    drop(engine);
    // As a kill would have left it: rows, but nothing else.
    for path in fs::read_dir(parts.join("checkpoints")).unwrap() {
        fs::remove_dir_all(path.unwrap().path()).unwrap();
    }
    fs::remove_file(parts.join("model.safetensors")).unwrap();
    let (events, _) = resumed(&parts, &["run.epochs=2"]);
    assert_eq!(info(&events).taken_up.as_ref().map(|taken| taken.step), Some(0));
    // The rate of the longer run was planned for its end.
    let rows = |folder: &Path| fs::read_to_string(folder.join("metrics.csv")).unwrap().lines().count();
    assert_eq!(rows(&whole), rows(&parts));
}

#[test]
fn runs_of_older_versions_and_other_folders_are_refused_with_words() {
    let folder = tempdir().unwrap();
    let run_folder = folder.path().join("run");
    run(quick(&run_folder));
    fs::remove_dir_all(run_folder.join("checkpoints")).unwrap();
    let before = fs::read(run_folder.join("metrics.csv")).unwrap();
    let message = refusal(&run_folder, &[]);
    assert!(message.contains("no checkpoints") && message.contains("--from"), "{message}");
    assert_eq!(fs::read(run_folder.join("metrics.csv")).unwrap(), before);
    assert!(refusal(&folder.path().join("nowhere"), &[]).contains("nowhere"));
    fs::create_dir(folder.path().join("photos")).unwrap();
    assert!(refusal(&folder.path().join("photos"), &[]).contains("no run folder"));
}

#[test]
fn other_pictures_are_refused_and_moved_ones_are_found() {
    let folder = tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    for class in ["cat", "dog"] {
        fs::create_dir_all(pictures.join(class)).unwrap();
        for number in 0..10 {
            let shade = |x: u32, y: u32| image::Rgb([(x * 7) as u8, (y * 9) as u8, number * 20]);
            let picture = image::RgbImage::from_fn(40, 40, shade);
            picture.save(pictures.join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    let out = folder.path().join("run");
    let mut config = quick(&out);
    config.data.source = pictures.display().to_string();
    config.optim.batch = Some(4);
    run(config);

    let moved = folder.path().join("moved");
    fs::rename(&pictures, &moved).unwrap();
    let source = format!("data.source={:?}", moved.display().to_string());
    assert!(refusal(&out, &[]).contains("pictures"));
    resumed(&out, &[&source, "run.epochs=3"]);

    // Every training picture becomes another one of the same size.
    for class in ["cat", "dog"] {
        for number in 0..10 {
            let picture = image::RgbImage::from_pixel(40, 40, image::Rgb([number, 3, 4]));
            picture.save(moved.join(class).join(format!("{number}.png"))).unwrap();
        }
    }
    let message = refusal(&out, &[&source]);
    assert!(message.contains("have changed") && message.contains("--branch"), "{message}");
    fs::remove_file(moved.join("cat/3.png")).unwrap();
    fs::remove_file(moved.join("cat/4.png")).unwrap();
    let message = refusal(&out, &[&source]);
    assert!(message.contains("instead of 16"), "{message}");
}
