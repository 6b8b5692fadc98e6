//! What is broken and read, and how.

use std::fs;
use std::path::Path;

use alexnet_lab::config::RunConfig;
use alexnet_lab::data::{self, Split};
use alexnet_lab::engine::{Command, Event, TakeUp};
use alexnet_lab::model::{ImportOptions, ModelFile, Network, Shapes, import};
use alexnet_lab::train::RateMemory;
use alexnet_lab::train::checkpoint::{Checkpoint, DataMark, Mark, Replay, Shelf, State, read_state};
use tempfile::tempdir;

use super::changes::{ends, pickle, safetensors, tar_names, text, zip_names};
use crate::mutator::Mutator;
use crate::support::{fixture, reseal};
use crate::tiny;

/// Something that is read: how its bytes are changed, and what is done with them then.
pub struct Subject {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub change: fn(&[u8], &mut Mutator) -> Vec<u8>,
    pub open: fn(&[u8]),
    /// How often it is tried among the other tests.
    pub rounds: usize,
}

/// Everything that reads what strangers may have written.
pub fn subjects() -> Vec<Subject> {
    let of = |name, bytes, change, open, rounds| Subject { name, bytes, change, open, rounds };
    let mut all = Vec::new();
    for (name, file) in [
        ("own model, paper", "export/paper.safetensors"),
        ("own model, cifar", "export/cifar.safetensors"),
        ("own model, modern", "export/modern.safetensors"),
        ("foreign safetensors", "import/narrow.safetensors"),
    ] {
        all.push(of(name, fixture(file), safetensors, model, 200));
    }
    for (name, file) in [
        ("PyTorch, one stream", "import/narrow-legacy.pth"),
        ("PyTorch, tar", "import/narrow-tar.pth"),
        ("PyTorch, zip", "import/narrow-zip.pth"),
        ("Caffe", "import/new.caffemodel"),
        ("Caffe, older form", "import/v1.caffemodel"),
    ] {
        all.push(of(name, fixture(file), ends, model, 150));
    }
    all.push(of("PyTorch, its pickle", fixture("import/narrow-zip.pth"), pickle, model, 150));
    let [state, momentum, sums] = checkpoint_files();
    all.push(of("state.json", state.clone(), text, open_state, 300));
    all.push(of("resuming", state, text, resume, 15));
    all.push(of("training.safetensors", momentum, safetensors, open_momentum, 200));
    all.push(of("checksums.txt", sums, text, open_sums, 100));
    let settings = RunConfig::default().to_toml();
    all.push(of("config.toml", settings.into_bytes(), text, open_settings, 400));
    all.push(of("--set", b"optim.lr=[0.1, 1]".to_vec(), text, open_override, 200));
    all.push(of("names in a tar", Vec::new(), tar_names, archive, 100));
    all.push(of("names in a zip", Vec::new(), zip_names, archive, 100));
    all
}

/// Runs `open` on a file in a folder in which nothing else may appear.
fn alone(name: &str, bytes: &[u8], open: impl FnOnce(&Path)) {
    let folder = tempdir().unwrap();
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::write(inside.join(name), bytes).unwrap();
    open(&inside.join(name));
    for (folder, only) in [(folder.path(), "inside"), (&inside, name)] {
        let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [only], "something was written");
    }
}

/// Opens a model of whatever kind, and asks it about a picture.
fn model(bytes: &[u8]) {
    alone("model", bytes, |path| match import(path, &ImportOptions::default()) {
        Ok(imported) => {
            let file = imported.file;
            let shapes = Shapes::of(&file.spec).unwrap();
            let wanted: Vec<usize> = shapes.parameters.iter().map(|p| p.shape.iter().product()).collect();
            assert_eq!(file.weights.iter().map(Vec::len).collect::<Vec<_>>(), wanted);
            assert_eq!(shapes.classes, file.classes.len());
            assert_eq!(file.mean.len(), 3 * file.spec.input.side.pow(2));
            // Pictures that a machine can still be asked about in a test.
            if shapes.multiply_adds() < 1 << 26 && shapes.largest_map() < 1 << 22 {
                let device = alexnet_lab::device::open("cpu").unwrap().device;
                let network = Network::new(file.spec.clone(), &file.weights, &device).unwrap();
                let input = alexnet_lab::model::Input::new(file.spec.input, file.mean);
                let pixels = vec![100; 3 * file.spec.input.side.pow(2)];
                assert_eq!(network.scores(&input, &pixels).unwrap().len(), shapes.classes);
            }
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.contains("model") && message.len() < 10_000, "{} letters", message.len());
        }
    });
}

/// A checkpoint of the tiny network.
pub fn checkpoint() -> Checkpoint {
    let model = tiny::network();
    let shapes = Shapes::of(&model.spec).unwrap();
    let velocities = model.weights.iter().map(|weights| Some(vec![0.25; weights.len()])).collect();
    let data = DataMark {
        source: "sample".into(),
        classes: model.classes.clone(),
        train: 20,
        validation: 10,
        side: tiny::SIDE as u32,
        labels_crc32: 0,
        pixels_crc32: Some(7),
    };
    let state = State {
        format: State::FORMAT,
        program: env!("CARGO_PKG_VERSION").into(),
        step: 2,
        next_batch: 2,
        steps_per_epoch: 5,
        total_steps: 10,
        validation_due: false,
        seed: 1,
        rate: RateMemory::default(),
        best: None,
        metrics: Mark::default(),
        timing: Mark::default(),
        data,
        replay: Replay { pictures: 1, pixels_crc32: 0 },
        device: "processor".into(),
        seconds: 1.5,
        parent: None,
    };
    let mut config = RunConfig::default();
    config.model.from = Some("tiny.safetensors".into());
    config.data.sample_train = 20;
    config.data.sample_validation = 10;
    config.optim.batch = Some(4);
    config.run.epochs = Some(2);
    config.run.device = "cpu".into();
    Checkpoint { state, config: config.to_toml(), velocities, replay: vec![0.0; shapes.classes], model }
}

/// Writes a run with one checkpoint in which one file holds other bytes.
fn run_with(folder: &Path, name: &str, bytes: &[u8], seal: bool) -> std::path::PathBuf {
    let shelf = Shelf::of_run(folder);
    shelf.prepare().unwrap();
    let path = checkpoint().write(shelf.folder(), &[]).unwrap().path;
    fs::write(path.join(name), bytes).unwrap();
    if seal {
        reseal(&path);
    }
    path
}

fn checkpoint_files() -> [Vec<u8>; 3] {
    let folder = tempdir().unwrap();
    let shelf = Shelf::of_run(folder.path());
    shelf.prepare().unwrap();
    let path = checkpoint().write(shelf.folder(), &[]).unwrap().path;
    ["state.json", "training.safetensors", "checksums.txt"].map(|name| fs::read(path.join(name)).unwrap())
}

fn open_state(bytes: &[u8]) {
    let folder = tempdir().unwrap();
    let path = run_with(folder.path(), "state.json", bytes, true);
    if let Ok(state) = read_state(&path) {
        let _ = (state.epoch(), state.finished(), state.position(7), state.position(0));
    }
    let _ = Checkpoint::read(&path).map_err(|e| assert!(e.to_string().len() < 10_000));
    let _ = alexnet_lab::engine::interrupted(folder.path());
    Shelf::of_run(folder.path()).prune(1, Some(5));
}

fn open_momentum(bytes: &[u8]) {
    let folder = tempdir().unwrap();
    let path = run_with(folder.path(), "training.safetensors", bytes, true);
    if let Ok(checkpoint) = Checkpoint::read(&path) {
        let sizes = checkpoint.velocities.iter().map(|values| values.as_ref().map(Vec::len));
        let wanted: Vec<usize> = checkpoint.model.weights.iter().map(Vec::len).collect();
        sizes.zip(wanted).for_each(|(size, wanted)| assert!(size.is_none_or(|size| size == wanted)));
    }
}

fn open_sums(bytes: &[u8]) {
    let folder = tempdir().unwrap();
    let path = run_with(folder.path(), "checksums.txt", bytes, false);
    let _ = (read_state(&path), Checkpoint::read(&path));
}

/// Goes on with a run that stands wherever its state says: it says something, and does not break.
fn resume(bytes: &[u8]) {
    let folder = tempdir().unwrap();
    let path = run_with(folder.path(), "state.json", bytes, true);
    fs::write(folder.path().join("metrics.csv"), "").unwrap();
    let engine = alexnet_lab::engine::Engine::spawn(|| {}).unwrap();
    let out = format!("run.out={:?}", folder.path().join("branch").display().to_string());
    // A branch asks least of the state, so that the most of it is believed.
    for branch in [false, true] {
        let changes = if branch { vec![out.clone()] } else { Vec::new() };
        engine.send(Command::TakeUp(Box::new(TakeUp {
            path: path.clone(),
            branch,
            changes,
            changed_pictures: true,
        })));
        let mut stopped = false;
        loop {
            let event = engine
                .events()
                .recv_timeout(crate::support::in_time(super::LONGEST))
                .expect("the engine says something in time");
            match event {
                Event::Step(..) if !stopped => {
                    stopped = true;
                    engine.send(Command::Stop);
                }
                Event::Failed { message, .. } => {
                    assert!(!message.contains("broke inside"), "{message}");
                    break;
                }
                Event::Stopped(_) | Event::Cancelled => break,
                _ => {}
            }
        }
    }
}

fn open_settings(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap();
    match RunConfig::parse(text, "config.toml") {
        Ok(config) => {
            drop(RunConfig::parse(&config.to_toml(), "again").expect("what was written can be read"))
        }
        Err(error) => assert!(error.to_string().contains("config.toml") || error.to_string().contains('.')),
    }
}

fn open_override(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let _ = RunConfig::load(None, std::slice::from_ref(&text));
    let _ = RunConfig::default().changed(&[text]);
}

/// Opens an archive as pictures and reads them.
fn archive(bytes: &[u8]) {
    alone("pictures.archive", bytes, |path| {
        let config = alexnet_lab::config::DataConfig {
            source: path.display().to_string(),
            ..alexnet_lab::config::DataConfig::default()
        };
        let Ok(dataset) = data::open(&config) else { return };
        for split in [Split::Train, Split::Validation] {
            for index in 0..dataset.len(split).min(30) {
                let _ =
                    (dataset.read(split, index, 8), dataset.name(split, index), dataset.path(split, index));
            }
        }
    });
}

/// What a model file holds, for the hand-made ones.
pub fn read_model(bytes: &[u8]) -> Result<ModelFile, String> {
    let folder = tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, bytes).unwrap();
    ModelFile::read(&path).map_err(|e| e.to_string())
}
