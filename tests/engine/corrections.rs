//! A run keeps the list of corrections that it began with.

use std::fs;
use std::path::Path;

use alexnet_lab::data::{self, Correction, Corrections, Split};
use alexnet_lab::engine::{Command, Event, RunRecord, StopReason, Views, differences};
use tempfile::tempdir;

use super::resume::{assert_same, ended, info, resumed, take_up};
use super::{engine, quick, run, start, until};

#[test]
fn a_run_that_goes_on_uses_the_list_it_began_with() {
    let home = tempdir().unwrap();
    let mut config = quick(&home.path().join("whole"));
    let plain = data::open(&config.data).unwrap();
    let mut list = Corrections::default();
    let class = plain.description().classes[(plain.label(Split::Train, 0) as usize + 1) % 10].clone();
    list.set(&plain.name(Split::Train, 0), Some(Correction::Class(class)));
    list.set(&plain.name(Split::Train, 5), Some(Correction::LeaveOut));
    list.set(&plain.name(Split::Validation, 2), Some(Correction::LeaveOut));
    let file = home.path().join("mine.csv");
    list.write(&file, "sample").unwrap();
    config.data.corrections = Some(file.clone());

    let (events, whole) = run(config.clone());
    assert_eq!((info(&events).data.train, info(&events).data.validation), (95, 39));
    assert_eq!(Corrections::read(&whole.folder.join("corrections.csv")).unwrap(), list);

    // The same run, broken off after its first epoch; then the list is changed, and the folder moved.
    config.run.out = Some(home.path().join("parts"));
    config.run.max_steps = Some(6);
    let (_, first) = run(config);
    assert_eq!(first.reason, StopReason::Finished);
    list.set(&plain.name(Split::Train, 9), Some(Correction::LeaveOut));
    list.write(&file, "sample").unwrap();
    let moved = home.path().join("moved");
    fs::rename(&first.folder, &moved).unwrap();
    let (events, second) = resumed(&moved, &["run.max_steps=1000000"]);
    assert_eq!(info(&events).data.train, 95);
    assert_same(&whole.folder, &second.folder);

    // A branch has a copy of its own, or another list.
    let engine = engine();
    let out = |name: &str| format!("run.out={}", home.path().join(name).display());
    take_up(&engine, &moved, true, &[&out("branch"), "run.epochs=3", "run.max_steps=1000000"]);
    let (events, branch) = ended(&engine);
    assert_eq!(info(&events).data.train, 95);
    assert!(branch.folder.join("corrections.csv").exists());
    let other = format!("data.corrections={}", file.display());
    take_up(&engine, &moved, true, &[&out("other"), "run.epochs=3", "run.max_steps=1000000", &other]);
    let (events, changed) = ended(&engine);
    assert_eq!(info(&events).data.train, 94);
    // Each has a copy of its own; they are compared by what they say.
    let told = |runs: [&Path; 2]| {
        let settings = runs.map(|run| RunRecord::read(run).unwrap().settings());
        differences(&settings).into_iter().find(|difference| difference.setting == "data.corrections")
    };
    assert_eq!(told([&whole.folder, &branch.folder]), None);
    let differs = told([&branch.folder, &changed.folder]).expect("the lists differ");
    let [Some(first), Some(second)] = &differs.values[..] else { panic!("{differs:?}") };
    assert!(first.starts_with("1 relabelled, 2 left out (list "), "{first}");
    assert!(second.starts_with("1 relabelled, 3 left out (list "), "{second}");
    take_up(&engine, &moved, false, &[&other]);
    let refused = until(&engine, |event| matches!(event, Event::Failed { .. }));
    let Some(Event::Failed { message, .. }) = refused.last() else { panic!() };
    assert!(message.contains("data.corrections"), "{message}");
}

#[test]
fn a_measurement_counts_what_the_list_leaves() {
    let home = tempdir().unwrap();
    let mut config = quick(&home.path().join("run"));
    config.run.epochs = Some(1);
    let mut data = config.data.clone();
    let engine = engine();
    start(&engine, config);
    until(&engine, |event| matches!(event, Event::Stopped(_)));
    let plain = data::open(&data).unwrap();
    let mut list = Corrections::default();
    list.set(&plain.name(Split::Validation, 1), Some(Correction::LeaveOut));
    let class = plain.description().classes[(plain.label(Split::Validation, 4) as usize + 1) % 10].clone();
    list.set(&plain.name(Split::Validation, 4), Some(Correction::Class(class.clone())));
    let file = home.path().join("list.csv");
    list.write(&file, "sample").unwrap();
    data.corrections = Some(file);
    engine.send(Command::Evaluate { data, views: Views::One });
    let events = until(&engine, |event| matches!(event, Event::Evaluated(_)));
    let Some(Event::Evaluated(found)) = events.last() else { panic!() };
    assert_eq!(found.verdicts().len(), 39);
    for (index, verdict) in found.verdicts().iter().enumerate() {
        assert_eq!(found.name(index), plain.name(Split::Validation, verdict.place as usize));
        assert_ne!(verdict.place, 1);
        if verdict.place == 4 {
            assert_eq!(found.classes[verdict.label as usize], class);
        }
    }
}
