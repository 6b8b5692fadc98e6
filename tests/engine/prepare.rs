//! Runs and the pictures that are kept on disk for them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Engine, Event, Stage};
use tempfile::tempdir;

use super::{engine, is_step, quick, start, until};

fn pictures(folder: &Path, count: u32, side: u32) {
    for number in 0..count {
        let path = folder.join(format!("{}/{number}.png", ["cat", "dog"][number as usize % 2]));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_fn(side, side, |x, y| image::Rgb([number as u8, x as u8, y as u8]))
            .save(path)
            .unwrap();
    }
}

fn config(root: &Path, out: &str) -> RunConfig {
    let mut config = quick(&root.join(out));
    config.data.source = root.join("pictures").display().to_string();
    config.data.cache_dir = Some(root.join("cache"));
    config.run.epochs = Some(1);
    config
}

fn decoding(events: &[Event]) -> usize {
    let is_decoding = |event: &&Event| matches!(event, Event::Preparing { stage: Stage::Decoding, .. });
    events.iter().filter(is_decoding).count()
}

#[test]
fn the_second_run_decodes_nothing_and_learns_the_same() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    pictures(&root.join("pictures"), 60, 40);
    let course = |config: RunConfig| {
        let out = config.run.out.clone().unwrap();
        let (events, _) = super::run(config);
        assert!(!events.iter().any(|event| matches!(event, Event::Warning(_))));
        (decoding(&events), fs::read(out.join("metrics.csv")).unwrap())
    };
    let (first, metrics) = course(config(root, "a"));
    assert!(first > 0);
    assert_eq!(course(config(root, "b")), (0, metrics.clone()));
    let mut in_memory = config(root, "c");
    in_memory.data.prepared = false;
    let (decoding, same) = course(in_memory);
    assert!(decoding > 0);
    assert_eq!(same, metrics);
}

#[test]
fn a_run_goes_on_without_a_cache() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    pictures(&root.join("pictures"), 40, 40);
    fs::write(root.join("cache"), "a file").unwrap();
    let (events, _) = super::run(config(root, "run"));
    let warnings: Vec<&String> = events
        .iter()
        .filter_map(|event| if let Event::Warning(text) = event { Some(text) } else { None })
        .collect();
    assert!(warnings.len() == 1 && warnings[0].contains("goes on without"), "{warnings:?}");
}

/// Pictures that take long to decode and little to make: one large one, each time with another end that no decoder reads.
fn slow_pictures(folder: &Path, count: usize) {
    let large = folder.join("large.png");
    fs::create_dir_all(folder).unwrap();
    image::RgbImage::from_fn(1500, 1500, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]))
        .save(&large)
        .unwrap();
    let bytes = fs::read(&large).unwrap();
    fs::remove_file(large).unwrap();
    for number in 0..count {
        let path = folder.join(format!("{}/{number}.png", ["cat", "dog"][number % 2]));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, [&bytes[..], &number.to_le_bytes()].concat()).unwrap();
    }
}

/// What is told until nothing has been told for a while.
fn until_quiet(engine: &Engine) -> Vec<Event> {
    std::iter::from_fn(|| engine.events().recv_timeout(Duration::from_millis(500)).ok())
        .take(10_000)
        .collect()
}

#[test]
fn preparing_can_be_paused_and_stopped() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    slow_pictures(&root.join("pictures"), 60);
    // A machine that gives this thread no time while it decodes is asked again.
    let caught = (0..5).any(|attempt| {
        let mut config = config(root, &format!("run{attempt}"));
        config.data.cache_dir = Some(root.join(format!("cache{attempt}")));
        config.data.loader_threads = 1;
        let engine = engine();
        start(&engine, config.clone());
        until(&engine, |event| matches!(event, Event::Preparing { stage: Stage::Decoding, done: 1.., .. }));
        engine.send(Command::Pause);
        if until_quiet(&engine).iter().any(|event| matches!(event, Event::Started(_))) {
            return false;
        }
        assert!(until_quiet(&engine).is_empty(), "nothing goes on while paused");
        engine.send(Command::Stop);
        until(&engine, |event| matches!(event, Event::Cancelled));
        assert!(!config.run.out.as_ref().unwrap().exists());
        config.data.loader_threads = 0;
        start(&engine, config);
        let events = until(&engine, is_step);
        let resumed = |event: &Event| matches!(event, Event::Note(text) if text.starts_with("resuming at "));
        assert!(events.iter().any(resumed), "it begins where it was stopped");
        true
    });
    assert!(caught, "it was done before it could be paused, each time");
}
