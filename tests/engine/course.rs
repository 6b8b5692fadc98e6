//! What changes in the course of a run: schedules, plateaus, frozen layers, the end game, and the search for a
//! learning rate.

use std::fs;
use std::path::Path;

use alexnet_lab::config::{Change, ColourNoise, RunConfig, Schedule};
use alexnet_lab::engine::{Command, Event, RateFound, RateRange, RunChange};
use alexnet_lab::model::{ModelFile, Shapes, first_weights, preset};
use tempfile::tempdir;

use super::{engine, paused, quick, run, start, until};

/// Rate of every update, in order.
fn rates(events: &[Event]) -> Vec<f64> {
    let rate = |event: &Event| if let Event::Step(point, _) = event { Some(point.lr) } else { None };
    events.iter().filter_map(rate).collect()
}

fn changes(events: &[Event]) -> Vec<(u64, RunChange)> {
    let change = |event: &Event| match event {
        Event::Changed { step, change, .. } => Some((*step, change.clone())),
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

/// 6 updates an epoch.
fn scheduled(out: &Path, schedule: Schedule, epochs: usize) -> RunConfig {
    let mut config = quick(out);
    config.optim.schedule = Some(schedule);
    config.optim.lr = Some(0.001);
    config.run.epochs = Some(epochs);
    config
}

fn frozen(layers: &[&str]) -> RunChange {
    RunChange::Layers { layers: layers.iter().map(|&layer| layer.into()).collect(), scale: 0.0 }
}

/// Blocks of the model file of a run, by name.
fn weights(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let model = ModelFile::read(&folder.join("model.safetensors")).unwrap();
    let shapes = Shapes::of(&model.spec).unwrap();
    shapes.parameters.into_iter().map(|p| p.name).zip(model.weights).collect()
}

#[test]
fn planned_divisions_happen_and_are_told() {
    let folder = tempdir().unwrap();
    let mut config = scheduled(folder.path(), Schedule::Steps, 2);
    config.optim.lr_drops = Some(vec![0.5, 1.0]);
    let (events, _) = run(config);
    let expected: Vec<f64> = [[0.001; 3].as_slice(), &[0.0001; 3], &[0.000_01; 6]].concat();
    let got = rates(&events);
    assert!(got.iter().zip(&expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{got:?}");
    let told: Vec<u64> = changes(&events).iter().map(|(step, _)| *step).collect();
    assert_eq!(told, [4, 7]);
}

#[test]
fn a_warm_up_and_a_cosine_shape_the_rate() {
    let folder = tempdir().unwrap();
    let mut config = scheduled(folder.path(), Schedule::Cosine, 2);
    config.optim.warmup_epochs = 0.5;
    let (events, _) = run(config);
    let got = rates(&events);
    let cosine = |step: usize| 0.0005 * (1.0 + (std::f64::consts::PI * step as f64 / 12.0).cos());
    for (step, rate) in got.iter().enumerate() {
        let wanted = cosine(step) * ((step + 1) as f64 / 3.0).min(1.0);
        assert!((rate / wanted - 1.0).abs() < 1e-9, "update {}: {rate}, not {wanted}", step + 1);
    }
    assert_eq!(got.len(), 12);
    assert!(changes(&events).is_empty(), "nothing jumps");
}

#[test]
fn a_plateau_divides_the_rate_after_validations_that_bring_nothing() {
    let folder = tempdir().unwrap();
    let mut config = scheduled(folder.path(), Schedule::Plateau, 6);
    // Too small a rate to change any answer.
    config.optim.lr = Some(1e-12);
    config.optim.plateau_patience = 2;
    config.optim.plateau_drops = 2;
    let (events, _) = run(config);
    let (told, changed): (Vec<u64>, Vec<RunChange>) = changes(&events).into_iter().unzip();
    // Validations after 6, 12, ... updates; the first is the best, the second and the third are no better.
    assert_eq!(told, [19, 31]);
    assert!(changed.iter().all(|change| matches!(change, RunChange::PlateauRate(_))));
    let got = rates(&events);
    for (step, wanted) in [(0, 1e-12), (17, 1e-12), (18, 1e-13), (29, 1e-13), (30, 1e-14), (35, 1e-14)] {
        assert!((got[step] / wanted - 1.0).abs() < 1e-9, "update {}: {}", step + 1, got[step]);
    }
}

#[test]
fn frozen_layers_keep_their_first_weights() {
    let folder = tempdir().unwrap();
    let mut config = quick(folder.path());
    config.optim.freeze = vec!["conv1".into(), "conv3".into()];
    config.optim.schedule = Some(Schedule::Constant);
    let seed = config.run.seed;
    let (events, _) = run(config);
    assert_eq!(changes(&events), [(1, frozen(&["conv1", "conv3"]))]);
    let spec = preset("cifar-80sec").unwrap().standard(10);
    let first = first_weights(&spec, &Shapes::of(&spec).unwrap(), seed);
    for (before, (name, after)) in first.into_iter().zip(weights(folder.path())) {
        let still = name.starts_with("conv1.") || name.starts_with("conv3.");
        assert_eq!(before == after, still, "{name}");
    }
}

#[test]
fn planned_changes_come_at_their_update() {
    let folder = tempdir().unwrap();
    let change = |epoch, layer: &str, scale| Change {
        epoch,
        layer: Some(layer.into()),
        lr_scale: Some(scale),
        colour_strength: None,
    };
    let weights_with = |name: &str, changes: Vec<Change>, steps| {
        let out = folder.path().join(name);
        let mut config = quick(&out);
        config.optim.changes = changes;
        config.run.max_steps = Some(steps);
        let (events, _) = run(config);
        (changes_of(&events), weights(&out))
    };
    fn changes_of(events: &[Event]) -> Vec<(u64, RunChange)> {
        changes(events)
    }
    let plan = || vec![change(1.0, "conv1", 0.0), change(0.5, "fc10", 0.25)];
    let (told, at_six) = weights_with("six", plan(), 6);
    let slow = RunChange::Layers { layers: vec!["fc10".into()], scale: 0.25 };
    assert_eq!(told, [(4, slow.clone())]);
    let (told, at_nine) = weights_with("nine", plan(), 9);
    assert_eq!(told, [(4, slow), (7, frozen(&["conv1"]))]);
    let (_, untouched) = weights_with("untouched", Vec::new(), 6);
    let block = |weights: &[(String, Vec<f32>)], name: &str| {
        weights.iter().find(|(n, _)| n == name).map(|(_, values)| values.clone()).unwrap()
    };
    assert_eq!(block(&at_six, "conv1.weight"), block(&at_nine, "conv1.weight"), "conv1 is frozen after 6");
    assert_ne!(block(&at_six, "conv2.weight"), block(&at_nine, "conv2.weight"));
    assert_ne!(block(&at_six, "fc10.weight"), block(&untouched, "fc10.weight"), "fc10 slowed down after 3");
}

#[test]
fn the_end_game_slows_and_freezes_the_first_layer() {
    let told = |noise| {
        let folder = tempdir().unwrap();
        let mut config = quick(folder.path());
        config.data.colour_noise = Some(noise);
        config.optim.end_game = Some(true);
        config.optim.schedule = Some(Schedule::Constant);
        config.run.epochs = Some(3);
        changes(&run(config).0)
    };
    // 67/90 of 18 updates are 13.4, 72/90 are 14.4.
    let slow = RunChange::Layers { layers: vec!["conv1".into()], scale: 0.1 };
    let expected = [(15, RunChange::ColourStrength(0.0)), (15, slow), (16, frozen(&["conv1"]))];
    assert_eq!(told(ColourNoise::Author), expected);
    assert_eq!(told(ColourNoise::Off), expected[1..], "without noise there is none to take away");
}

#[test]
fn the_strength_of_the_colour_noise_changes_as_planned() {
    let change = Change { epoch: 1.0, layer: None, lr_scale: None, colour_strength: Some(0.0) };
    let trained = |noise, planned| {
        let folder = tempdir().unwrap();
        let mut config = quick(folder.path());
        config.data.colour_noise = Some(noise);
        config.optim.schedule = Some(Schedule::Constant);
        config.optim.changes = planned;
        let (events, _) = run(config);
        let metrics = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
        let rows = metrics.lines().filter(|row| row.contains(",train,")).map(str::to_owned);
        (changes(&events), rows.collect::<Vec<_>>())
    };
    let (told, until_then) = trained(ColourNoise::Author, vec![change.clone()]);
    assert_eq!(told, [(7, RunChange::ColourStrength(0.0))]);
    let (_, throughout) = trained(ColourNoise::Author, Vec::new());
    let (_, never) = trained(ColourNoise::Off, Vec::new());
    assert_eq!(until_then[..6], throughout[..6]);
    assert_ne!(until_then[6], throughout[6], "update 7 still had noise");
    assert_ne!(until_then[0], never[0]);
}

#[test]
fn a_rate_set_by_hand_is_scaled_by_what_was_planned() {
    let folder = tempdir().unwrap();
    let mut config = scheduled(folder.path(), Schedule::Steps, 2);
    config.optim.lr_drops = Some(vec![1.0]);
    let (engine, _) = paused(Command::Start(Box::new(config)));
    engine.send(Command::SetRate(0.0004));
    engine.send(Command::Resume);
    let events = until(&engine, |e| matches!(e, Event::Stopped(_)));
    let got = rates(&events);
    assert!((got.last().unwrap() / 0.000_04 - 1.0).abs() < 1e-9, "{got:?}");
    assert!(got.contains(&0.0004));
}

#[test]
fn what_cannot_be_planned_is_refused_before_anything_is_written() {
    let refusal = |change: &dyn Fn(&mut RunConfig)| {
        let folder = tempdir().unwrap();
        let out = folder.path().join("run");
        let mut config = quick(&out);
        change(&mut config);
        let engine = engine();
        start(&engine, config);
        let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
        assert!(!out.exists());
        assert!(!events.iter().any(|e| matches!(e, Event::Preparing { .. })), "pictures were looked for");
        match events.last() {
            Some(Event::Failed { message, bad_input: true, .. }) => message.clone(),
            other => panic!("{other:?}"),
        }
    };
    let message = refusal(&|c| c.optim.freeze = vec!["conv7".into()]);
    for word in ["optim.freeze", "`conv7`", "cifar-80sec", "conv1, conv2, conv3, fc64, fc10"] {
        assert!(message.contains(word), "`{word}` is missing in: {message}");
    }
    let message = refusal(&|c| {
        c.optim.schedule = Some(Schedule::Cosine);
        c.optim.lr_drops = Some(vec![1.0]);
    });
    assert!(message.contains("optim.lr_drops") && message.contains("steps"), "{message}");
    let change = Change { epoch: 1.0, layer: None, lr_scale: None, colour_strength: Some(0.0) };
    // The preset has no colour noise.
    let message = refusal(&|c| c.optim.changes = vec![change.clone()]);
    for word in ["optim.changes", "colour_strength", "data.colour_noise is off"] {
        assert!(message.contains(word), "`{word}` is missing in: {message}");
    }
}

fn search(config: RunConfig, range: RateRange) -> (Vec<Event>, RateFound) {
    let engine = engine();
    engine.send(Command::FindRate { config: Box::new(config), range });
    let events = until(&engine, |e| matches!(e, Event::RateFound(_)));
    match events.last() {
        Some(Event::RateFound(found)) => (events.clone(), (**found).clone()),
        _ => unreachable!("until ends with it"),
    }
}

#[test]
fn a_search_tries_rates_until_the_loss_explodes() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("search");
    let range = RateRange { from: 1e-5, to: 100.0, updates: 40 };
    let (events, found) = search(quick(&out), range);
    let exploded = found.exploded.expect("rates of 100 explode");
    assert!(found.points.len() < 40 && exploded <= 100.0, "{} {exploded}", found.points.len());
    assert!((found.points[0].rate / 1e-5 - 1.0).abs() < 1e-9);
    assert!((found.points[0].loss - 10f64.ln()).abs() < 0.3, "it begins at chance");
    if let Ok(suggestion) = &found.suggestion {
        assert!(suggestion.rate <= exploded / 10.0);
    }
    let tried = events.iter().filter(|e| matches!(e, Event::RateTried(_))).count();
    assert_eq!(tried, found.points.len());
    let table = fs::read_to_string(&found.table).unwrap();
    assert_eq!(table.lines().count(), tried + 1);
    assert!(table.starts_with("rate,loss,smoothed_loss\n"));
    assert!(image::open(found.figure.unwrap()).unwrap().width() > 500);
    let mut names: Vec<String> =
        fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["config.toml", "rates.csv", "rates.png"], "no run was made");
    assert!(!events.iter().any(|e| matches!(e, Event::Started(_) | Event::Step(..))));
}

#[test]
fn a_search_begins_with_what_is_planned_for_the_start() {
    let curve = |strength: f64, planned: Option<f64>| {
        let folder = tempdir().unwrap();
        let mut config = quick(&folder.path().join("search"));
        config.data.colour_noise = Some(ColourNoise::Author);
        config.data.colour_strength = strength;
        let change =
            |strength| Change { epoch: 0.0, layer: None, lr_scale: None, colour_strength: Some(strength) };
        config.optim.changes = planned.map(change).into_iter().collect();
        search(config, RateRange { from: 1e-5, to: 1e-3, updates: 30 }).1.points
    };
    let planned = curve(0.1, Some(0.7));
    assert_eq!(planned, curve(0.7, None));
    assert_ne!(planned, curve(0.1, None), "the strength changes nothing");
}

#[test]
fn a_search_tells_of_pictures_that_vanish() {
    let folder = tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    for (class, name) in (0..40).map(|index| (["cat", "dog"][index % 2], format!("{index}.png"))) {
        fs::create_dir_all(pictures.join(class)).unwrap();
        image::RgbImage::from_pixel(32, 32, image::Rgb([200, 10, 90]))
            .save(pictures.join(class).join(name))
            .unwrap();
    }
    let mut config = quick(&folder.path().join("search"));
    config.data.source = pictures.to_str().unwrap().into();
    // Without room for pictures every one is read again in every epoch.
    config.data.prepared = false;
    config.data.cache_mib = 0;
    let engine = engine();
    let range = RateRange { from: 1e-9, to: 1e-7, updates: 10_000 };
    engine.send(Command::FindRate { config: Box::new(config), range });
    until(&engine, |e| matches!(e, Event::RateTried(_)));
    fs::remove_dir_all(pictures.join("cat")).unwrap();
    let told = until(&engine, |e| matches!(e, Event::Warning(_)));
    let Some(Event::Warning(text)) = told.last() else { unreachable!("until ends with it") };
    assert!(text.contains(".png is left out from now on"), "{text}");
    engine.send(Command::Stop);
    until(&engine, |e| matches!(e, Event::Cancelled));
}

#[test]
fn the_seed_decides_a_search() {
    let folder = tempdir().unwrap();
    let table = |name: &str| {
        let out = folder.path().join(name);
        search(quick(&out), RateRange { from: 1e-5, to: 1.0, updates: 30 });
        fs::read(out.join("rates.csv")).unwrap()
    };
    assert_eq!(table("a"), table("b"));
}

#[test]
fn a_search_can_be_stopped_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("search");
    let engine = engine();
    let range = RateRange { updates: 10_000, ..RateRange::default() };
    engine.send(Command::FindRate { config: Box::new(quick(&out)), range });
    until(&engine, |e| matches!(e, Event::RateTried(_)));
    engine.send(Command::Start(Box::new(quick(&out))));
    let refused = until(&engine, |e| matches!(e, Event::Failed { .. }));
    assert!(matches!(refused.last(), Some(Event::Failed { run_ended: false, .. })));
    engine.send(Command::Stop);
    until(&engine, |e| matches!(e, Event::Cancelled));
    assert!(!out.exists());
}

#[test]
fn a_search_over_nothing_is_refused() {
    let folder = tempdir().unwrap();
    let engine = engine();
    let range = RateRange { from: 1.0, to: 0.1, updates: 100 };
    let config = Box::new(quick(&folder.path().join("search")));
    engine.send(Command::FindRate { config, range });
    let events = until(&engine, |e| matches!(e, Event::Failed { .. }));
    let Some(Event::Failed { message, bad_input: true, .. }) = events.last() else { panic!() };
    assert!(message.contains("ten times"), "{message}");
}
