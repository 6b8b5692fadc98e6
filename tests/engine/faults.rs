//! What breaks while a run goes on: the disk, the folder, the device, the loss. In each case the run goes on, or ends
//! with everything kept, and its figures are those of a run in which nothing broke.

use std::fs;
use std::path::Path;

use alexnet_lab::config::RunConfig;
use alexnet_lab::device;
use alexnet_lab::engine::{Command, Engine, Event, StopReason};
use tempfile::tempdir;

use super::resume::{assert_same, ended, info, resumed, warnings};
use super::{endless, engine, is_step, quick, run, start, until};
use crate::support::{SmallDisk, alone, software_device};

/// The rows of `metrics.csv`.
fn metrics(run: &Path) -> String {
    fs::read_to_string(run.join("metrics.csv")).unwrap()
}

/// A run of as many updates in which nothing breaks, with its figures.
fn undisturbed(folder: &Path, config: &RunConfig, steps: u64) -> String {
    let out = folder.join("undisturbed");
    let mut config = config.clone();
    config.run.out = Some(out.clone());
    config.run.max_steps = Some(steps);
    run(config);
    metrics(&out)
}

/// The rows of updates, without those of validations: a run that is stopped makes none at its end.
fn updates(metrics: &str) -> Vec<&str> {
    metrics.lines().filter(|row| !row.contains("validation")).collect()
}

fn steps_until(engine: &Engine, step: u64) -> Vec<Event> {
    until(engine, |e| matches!(e, Event::Step(point, _) if point.step >= step))
}

fn is_warning(event: &Event) -> bool {
    matches!(event, Event::Warning(_))
}

#[test]
fn a_full_disk_is_told_once_and_nothing_is_missing_when_there_is_room_again() {
    let folder = tempdir().unwrap();
    let place = folder.path().join("disk");
    let Some(disk) = SmallDisk::mount(&place, 12) else { return };
    let mut config = endless(&place.join("run"));
    config.run.checkpoint_steps = 2;
    let engine = engine();
    start(&engine, config.clone());
    steps_until(&engine, 4);
    disk.fill();
    let mut events = until(&engine, is_warning);
    events.extend(steps_until(&engine, 0).into_iter().chain((0..20).flat_map(|_| until(&engine, is_step))));
    disk.clear();
    events
        .extend(until(&engine, |e| matches!(e, Event::Note(text) if text.contains("can be written again"))));
    until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    engine.send(Command::Stop);
    let (rest, summary) = ended(&engine);
    events.extend(rest);
    let told = warnings(&events);
    let [told] = told[..] else { panic!("told more than once: {told:?}") };
    for sign in ["No space left", "Free about", "goes on", &place.join("run").display().to_string()] {
        assert!(told.contains(sign), "{sign}: {told}");
    }
    let last = &summary.checkpoints.last.as_ref().unwrap();
    assert_eq!(last.0, summary.step, "the last state is kept");
    let whole = undisturbed(folder.path(), &config, summary.step);
    assert_eq!(updates(&metrics(&place.join("run"))), updates(&whole));
}

#[test]
fn a_disk_that_stays_full_does_not_keep_a_result_from_being_saved() {
    let folder = tempdir().unwrap();
    alone(
        "engine::faults::a_disk_that_stays_full_does_not_keep_a_result_from_being_saved",
        folder.path(),
        || {
            // The home of this process.
            let home = dirs::home_dir().unwrap();
            let place = home.join("disk");
            let Some(disk) = SmallDisk::mount(&place, 12) else { return };
            let config = quick(&place.join("run"));
            let engine = engine();
            start(&engine, config.clone());
            until(&engine, is_step);
            disk.fill();
            let (events, summary) = ended(&engine);
            assert_eq!(summary.reason, StopReason::Finished);
            assert!(summary.folder.starts_with(home.join("alexnet-lab-runs")), "{:?}", summary.folder);
            let told = warnings(&events);
            assert!(told.iter().any(|text| text.contains(&summary.folder.display().to_string())), "{told:?}");
            assert!(told.len() <= 3, "{told:?}");
            assert!(summary.model_file.unwrap().exists());
            assert_eq!(metrics(&summary.folder), undisturbed(&home, &config, summary.step));
            // It is a run like any other: it can be made longer.
            let longer = resumed(&summary.folder, &["run.epochs=3"]).1;
            assert_eq!((longer.reason, longer.folder), (StopReason::Finished, summary.folder));
        },
    );
}

#[test]
fn a_run_folder_that_is_removed_is_made_again() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    let mut config = endless(&out);
    config.run.checkpoint_steps = 3;
    let engine = engine();
    start(&engine, config.clone());
    until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    // All at once, because the run writes into it meanwhile.
    let removed = folder.path().join("removed");
    fs::rename(&out, &removed).unwrap();
    fs::remove_dir_all(&removed).unwrap();
    let mut events = until(&engine, is_warning);
    events.extend(until(&engine, |e| matches!(e, Event::Checkpoint(_))));
    engine.send(Command::Stop);
    let (rest, summary) = ended(&engine);
    events.extend(rest);
    let told = warnings(&events);
    assert!(told[0].contains("removed") && told[0].contains(&out.display().to_string()), "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(summary.model_file.unwrap().exists());
    for name in ["config.toml", "inputs.json", "run.lock", "timing.csv"] {
        assert!(out.join(name).exists(), "{name}");
    }
    let whole = undisturbed(folder.path(), &config, summary.step);
    assert_eq!(updates(&metrics(&out)), updates(&whole));
    let more = format!("run.max_steps={}", summary.step + 2);
    assert_eq!(resumed(&out, &[&more]).1.step, summary.step + 2);
}

#[test]
fn checkpoints_in_a_place_that_cannot_be_written_are_tried_again() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    let mut config = endless(&out);
    config.run.checkpoint_steps = 3;
    let engine = engine();
    start(&engine, config);
    until(&engine, |e| matches!(e, Event::Checkpoint(_)));
    engine.send(Command::Pause);
    until(&engine, |e| matches!(e, Event::Paused { .. }));
    // A file where the folder should be: what permissions forbid to others, this forbids to everybody.
    let shelf = out.join("checkpoints");
    // The last one may still be in the making.
    while fs::write(&shelf, "in the way").is_err() {
        let _ = fs::remove_dir_all(&shelf);
    }
    engine.send(Command::Resume);
    let events = until(&engine, is_warning);
    let told = warnings(&events);
    assert!(told[0].contains("checkpoints") && told[0].contains("goes on"), "{told:?}");
    fs::remove_file(&shelf).unwrap();
    let events = until(&engine, |e| matches!(e, Event::Note(_)));
    assert_eq!(warnings(&events), [""; 0], "told once");
    engine.send(Command::Stop);
    let (_, summary) = ended(&engine);
    assert_eq!(summary.checkpoints.last.unwrap().0, summary.step);
}

/// A run of 12 updates on software Vulkan with a checkpoint after every third.
fn on_software(out: &Path) -> RunConfig {
    let mut config = quick(out);
    config.run.device = "software".into();
    config.data.sample_train = 48;
    config.run.epochs = Some(4);
    config.run.checkpoint_steps = 3;
    config
}

#[test]
fn a_device_that_is_lost_is_opened_anew_and_the_run_ends_as_if_nothing_had_happened() {
    let folder = tempdir().unwrap();
    let name =
        "engine::faults::a_device_that_is_lost_is_opened_anew_and_the_run_ends_as_if_nothing_had_happened";
    alone(name, folder.path(), || {
        if software_device().is_none() {
            return;
        }
        let folder = tempdir().unwrap();
        let [whole, parts] = ["whole", "parts"].map(|name| folder.path().join(name));
        run(on_software(&whole));
        let engine = engine();
        start(&engine, on_software(&parts));
        let mut steps = 0;
        for step in [2, 7] {
            let events = steps_until(&engine, step);
            steps += events.iter().filter(|e| is_step(e)).count();
            device::open("software").unwrap().give_up();
            let events = until(&engine, |e| matches!(e, Event::Started(_)));
            steps += events.iter().filter(|e| is_step(e)).count();
            let told = warnings(&events);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("has stopped answering") && told[0].contains("goes on"), "{told:?}");
            let taken = info(&events).taken_up.as_ref();
            match step {
                // There was no checkpoint yet: it begins again.
                2 => assert!(taken.is_none_or(|taken| taken.step % 3 == 0)),
                _ => {
                    let taken = taken.expect("there are checkpoints");
                    assert_eq!((taken.step % 3, taken.replay_difference), (0, Some(0.0)));
                    assert!(taken.step >= 3);
                }
            }
        }
        let (events, summary) = ended(&engine);
        steps += events.iter().filter(|e| is_step(e)).count();
        assert_eq!((summary.reason, summary.step), (StopReason::Finished, 12));
        // Only what came after the last checkpoint was made again: a checkpoint is written while the next updates
        // are made, so that it may be the one before.
        assert!(steps < 12 + 2 * 7, "{steps} updates");
        assert_same(&whole, &parts);
    });
}

#[test]
fn when_memory_runs_out_smaller_passes_make_the_same_updates() {
    let folder = tempdir().unwrap();
    let name = "engine::faults::when_memory_runs_out_smaller_passes_make_the_same_updates";
    alone(name, folder.path(), || {
        if software_device().is_none() {
            return;
        }
        let folder = tempdir().unwrap();
        let [small, whole] = ["small", "whole"].map(|name| folder.path().join(name));
        // A map of 16 pictures of the first layer takes 2 MiB.
        device::open("software").unwrap().give_up();
        device::limit_buffers(None, Some(1 << 20));
        let (events, summary) = run(on_software(&small));
        let told = warnings(&events);
        assert!(!told.is_empty() && told[0].contains("pictures at a time"), "{told:?}");
        assert_eq!(summary.reason, StopReason::Finished);
        device::open("software").unwrap().give_up();
        device::limit_buffers(None, None);
        let mut config = on_software(&whole);
        let text = fs::read_to_string(small.join("config.toml")).unwrap();
        let pass = RunConfig::parse(&text, "config.toml").unwrap().optim.micro_batch;
        assert!((1..16).contains(&pass), "{pass}");
        config.optim.micro_batch = pass;
        run(config);
        assert_eq!(metrics(&small), metrics(&whole));

        // Not even the weights fit.
        device::open("software").unwrap().give_up();
        device::limit_buffers(Some(1 << 20), None);
        let engine = engine();
        start(&engine, on_software(&folder.path().join("none")));
        let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
        let Some(Event::Failed { message, run_ended: true, .. }) = events.last() else {
            panic!("{events:?}")
        };
        assert!(
            message.contains("the weights of this network") && message.contains("--device cpu"),
            "{message}"
        );
    });
}

#[test]
fn the_layer_where_a_loss_stops_being_a_number_is_named_on_a_card_too() {
    let Some(_) = software_device() else { return };
    let folder = tempdir().unwrap();
    let mut config = on_software(folder.path());
    config.optim.lr = Some(1e12);
    let (events, summary) = run(config);
    assert_eq!(summary.reason, StopReason::Diverged);
    let noted = |e: &Event| matches!(e, Event::Note(text) if text.contains("made once more"));
    assert_eq!(events.iter().filter(|e| noted(e)).count(), 1);
    let trouble = summary.trouble.unwrap();
    assert!(trouble.contains("in update") && trouble.contains("all weights still are numbers"), "{trouble}");
    let rows = metrics(folder.path());
    let steps: Vec<&str> = updates(&rows)[1..].iter().map(|row| row.split(',').next().unwrap()).collect();
    let wanted: Vec<String> = (1..=steps.len()).map(|step| step.to_string()).collect();
    assert_eq!(steps, wanted, "doubled rows");
}

#[test]
fn pictures_that_vanish_end_the_run_with_everything_kept() {
    let folder = tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    for number in 0..48_u8 {
        let class = pictures.join(["bright", "dark"][usize::from(number % 2)]);
        fs::create_dir_all(&class).unwrap();
        let shade = if number % 2 == 0 { 255 - number } else { number };
        let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([shade, number, shade]));
        picture.save(class.join(format!("{number}.png"))).unwrap();
    }
    let out = folder.path().join("run");
    let mut config = endless(&out);
    config.data.source = pictures.display().to_string();
    // Read from the folder every time.
    (config.data.prepared, config.data.cache_mib) = (false, 0);
    config.optim.batch = Some(8);
    let engine = engine();
    start(&engine, config);
    steps_until(&engine, 3);
    let away = folder.path().join("away");
    fs::rename(&pictures, &away).unwrap();
    let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
    let Some(Event::Failed { message, run_ended: true, saved: Some(saved), .. }) = events.last() else {
        panic!("{events:?}")
    };
    assert!(message.contains("can be read any more") && saved.exists(), "{message}");
    let step =
        events.iter().rev().find_map(|e| if let Event::Step(point, _) = e { Some(point.step) } else { None });
    let more = format!("run.max_steps={}", step.unwrap_or(3) + 4);
    // Brought back, they are gone on with.
    fs::rename(&away, &pictures).unwrap();
    let (_, summary) = resumed(&out, &[&more]);
    assert_eq!(summary.reason, StopReason::Finished);
}
