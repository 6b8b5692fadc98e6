//! A run does what its settings say and leaves what it promised.

use std::fs;

use alexnet_lab::config::{ColourNoise, Mean};
use alexnet_lab::engine::{Command, Event, PictureSource, StopReason, Views};
use alexnet_lab::model::ModelFile;
use serde_json::Value;
use tempfile::tempdir;

use super::{engine, quick, run, until};
use crate::support::{assert_close, software_device};

#[test]
fn a_run_leaves_its_settings_figures_model_and_pictures() {
    let folder = tempdir().unwrap();
    let (events, summary) = run(quick(folder.path()));
    assert_eq!((summary.reason, summary.step), (StopReason::Finished, 12));
    assert_eq!(summary.folder, folder.path());

    let metrics = fs::read_to_string(folder.path().join("metrics.csv")).unwrap();
    let rows: Vec<Vec<&str>> = metrics.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["step", "epoch", "split", "loss", "top1_error", "top5_error", "lr"]);
    let steps: Vec<&str> = rows.iter().filter(|r| r[2] == "train").map(|r| r[0]).collect();
    assert_eq!(steps, (1..=12).map(|s| s.to_string()).collect::<Vec<_>>());
    let validations: Vec<&str> = rows.iter().filter(|r| r[2] == "validation").map(|r| r[0]).collect();
    assert_eq!(validations, ["6", "12"]);
    assert!(rows.iter().all(|r| r.len() == 7));

    let timing = fs::read_to_string(folder.path().join("timing.csv")).unwrap();
    assert_eq!(timing.lines().count(), 13);
    let config = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    for key in ["preset = \"cifar-80sec\"", "lr = 0.001", "batch = 16", "momentum = 0.9", "epochs = 2"] {
        assert!(config.contains(key), "{key} is missing in\n{config}");
    }
    let model = ModelFile::read(&summary.model_file.unwrap()).unwrap();
    assert_eq!((model.step, model.classes.len()), (12, 10));
    for name in ["curves.png", "filters.png"] {
        let picture = image::open(folder.path().join(name)).unwrap();
        assert!(picture.width() > 100, "{name}");
        assert!(summary.figures.contains(&folder.path().join(name)));
    }

    let position = |wanted: fn(&Event) -> bool| events.iter().position(wanted).expect("the event was sent");
    let preparing = position(|e| matches!(e, Event::Preparing { .. }));
    let started = position(|e| matches!(e, Event::Started(_)));
    let step = position(|e| matches!(e, Event::Step(..)));
    let evaluation = position(|e| matches!(e, Event::Evaluation(_)));
    assert!(preparing < started && started < step && step < evaluation);
}

/// The settings, the note on what the pictures gave, the figures and the mean of a quick run.
fn fed(noise: Option<ColourNoise>, mean: Option<Mean>, threads: usize) -> (String, Value, String, Vec<f32>) {
    let folder = tempdir().unwrap();
    let mut config = quick(folder.path());
    config.data.colour_noise = noise;
    config.data.mean = mean;
    config.data.loader_threads = threads;
    config.run.epochs = Some(1);
    let (_, summary) = run(config);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let note = serde_json::from_str(&text("inputs.json")).unwrap();
    let model = ModelFile::read(&summary.model_file.unwrap()).unwrap();
    (text("config.toml"), note, text("metrics.csv"), model.mean)
}

#[test]
fn mean_and_colour_noise_are_as_asked_and_written_down() {
    let (config, note, plain, mean) = fed(None, None, 2);
    assert!(config.contains("colour_noise = \"off\"") && config.contains("mean = \"image\""), "{config}");
    assert_eq!((&note["mean"], &note["colour_noise"]), (&"image".into(), &"off".into()));
    assert!(mean.iter().any(|&value| value != mean[0]), "the mean image is flat");

    let (config, note, author, mean) = fed(Some(ColourNoise::Author), Some(Mean::Channel), 1);
    assert!(
        config.contains("colour_noise = \"author\"") && config.contains("mean = \"channel\""),
        "{config}"
    );
    assert!(config.contains("colour_strength = 0.1"), "{config}");
    assert_eq!((&note["mean"], &note["colour_noise"]), (&"channel".into(), &"author".into()));
    assert_eq!(note["training_pictures"], 96);
    for (channel, plane) in mean.chunks(mean.len() / 3).enumerate() {
        let wanted = note["channel_means"][channel].as_f64().unwrap();
        assert_close("channel mean", plane, &vec![wanted; plane.len()], 1e-6, 0.0);
    }
    let deviations: Vec<f64> = serde_json::from_value(note["colour_pca"]["deviations"].clone()).unwrap();
    assert!(deviations.is_sorted() && deviations[2] > 10.0, "{deviations:?}");

    let figures = |noise, threads| fed(Some(noise), Some(Mean::Channel), threads).2;
    assert_eq!(figures(ColourNoise::Author, 3), author, "the noise depends on the threads");
    let off = figures(ColourNoise::Off, 2);
    assert!(off != author && off != plain, "a setting does nothing");
    assert!(figures(ColourNoise::Literal, 2) != off, "the literal noise does nothing");
}

#[test]
fn the_seed_decides_whatever_the_number_of_threads() {
    let metrics = |threads, seed| {
        let folder = tempdir().unwrap();
        let mut config = quick(folder.path());
        config.model.preset = Some("alexnet-64".into());
        config.data.loader_threads = threads;
        config.run.seed = seed;
        run(config);
        fs::read(folder.path().join("metrics.csv")).unwrap()
    };
    let one = metrics(1, 5);
    assert_eq!(one, metrics(4, 5), "one and four threads differ");
    assert_eq!(one, metrics(1, 5), "the same run differs from itself");
    assert_ne!(one, metrics(1, 6), "the seed changes nothing");
}

#[test]
fn software_vulkan_and_the_processor_agree() {
    if software_device().is_none() {
        return;
    }
    let losses = |device: &str| -> Vec<f64> {
        let folder = tempdir().unwrap();
        let mut config = quick(folder.path());
        config.run.device = device.into();
        config.run.max_steps = Some(5);
        let (events, _) = run(config);
        let loss = |event: &Event| match event {
            Event::Step(point, _) => Some(point.loss),
            Event::Evaluation(point) => Some(point.loss),
            _ => None,
        };
        events.iter().filter_map(loss).collect()
    };
    let cpu = losses("cpu");
    assert_eq!(cpu.len(), 6);
    assert_close("losses", &losses("software"), &cpu, 1e-3, 0.0);
}

#[test]
fn a_saved_model_measures_and_predicts_as_the_run_did() {
    let folder = tempdir().unwrap();
    let config = quick(folder.path());
    let data = config.data.clone();
    let (events, summary) = run(config);
    let last = summary.evaluation.unwrap();

    let engine = engine();
    let path = summary.model_file.unwrap();
    engine.send(Command::Load { path: path.clone(), device: "cpu".into() });
    let loaded = until(&engine, |e| matches!(e, Event::Loaded(_)));
    let Some(Event::Loaded(info)) = loaded.last() else { unreachable!() };
    assert_eq!(
        (info.name.as_str(), info.parameters, info.file.as_ref()),
        ("cifar-80sec", 145_578, Some(&path))
    );

    engine.send(Command::Evaluate { data: data.clone(), views: Views::One });
    let measured = until(&engine, |e| matches!(e, Event::Evaluation(_)));
    let Some(Event::Evaluation(point)) = measured.last() else { unreachable!() };
    assert_eq!((point.n, point.loss, point.top1_error), (40, last.loss, last.top1_error));

    // Ten views of a picture without a margin are five times the same two: close, but not equal.
    engine.send(Command::Evaluate { data, views: Views::Ten });
    let measured = until(&engine, |e| matches!(e, Event::Evaluation(_)));
    let Some(Event::Evaluation(ten)) = measured.last() else { unreachable!() };
    assert!(ten.loss != point.loss && (ten.loss - point.loss).abs() < 0.5, "{} {}", ten.loss, point.loss);

    let picture = image::RgbImage::from_fn(50, 80, |x, y| image::Rgb([x as u8, y as u8, 99]));
    let source = PictureSource::Pixels { name: "gradient".into(), picture };
    engine.send(Command::Predict { id: 3, source, views: Views::One, top: 4 });
    let answered = until(&engine, |e| matches!(e, Event::Prediction { .. }));
    let Some(Event::Prediction { id: 3, name, result: Ok(prediction) }) = answered.last() else { panic!() };
    assert_eq!((name.as_str(), prediction.top.len()), ("gradient", 4));
    assert!(prediction.top.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    assert_eq!(prediction.seen.dimensions(), (32, 32));
    assert!(events.iter().any(|e| matches!(e, Event::Filters(_))));
}
