//! Runs and the pictures that are kept on disk for them.

use std::fs;
use std::path::Path;

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Event, Stage};
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

#[test]
fn preparing_can_be_paused_and_stopped() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    pictures(&root.join("pictures"), 120, 300);
    let mut config = config(root, "run");
    config.data.loader_threads = 1;
    let engine = engine();
    start(&engine, config.clone());
    until(&engine, |event| matches!(event, Event::Preparing { stage: Stage::Decoding, done: 1.., .. }));
    engine.send(Command::Pause);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let told = |engine: &alexnet_lab::engine::Engine| engine.events().try_iter().collect::<Vec<Event>>();
    let before = told(&engine);
    if before.iter().any(|event| matches!(event, Event::Started(_))) {
        return crate::support::skip("pausing: this machine was done first");
    }
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(told(&engine).len(), 0, "nothing goes on while paused");
    engine.send(Command::Stop);
    until(&engine, |event| matches!(event, Event::Cancelled));
    assert!(!root.join("run").exists());
    start(&engine, config);
    let events = until(&engine, is_step);
    let resumed = |event: &Event| matches!(event, Event::Note(text) if text.starts_with("resuming at "));
    assert!(events.iter().any(resumed), "it begins where it was stopped");
}
