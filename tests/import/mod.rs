//! Networks from PyTorch and Caffe do here what they did there, and broken files are refused in words.

mod caffe;
mod damage;
mod fine_tune;
mod torch;

use std::path::{Path, PathBuf};

use alexnet_lab::data;
use alexnet_lab::device;
use alexnet_lab::infer::{self, Views};
use alexnet_lab::model::{ImportOptions, Imported, Input, ModelFile, Network, import};
use serde_json::Value;

use crate::support::assert_close;

/// A file that `make_torchvision.py` or `make_caffe.py` wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name)
}

fn open(path: &Path) -> Imported {
    import(path, &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The message for a file that cannot be imported; it names the file.
fn refusal(path: &Path) -> String {
    refusal_with(path, &ImportOptions::default())
}

fn refusal_with(path: &Path, options: &ImportOptions) -> String {
    let message = import(path, options).expect_err("the file should be refused").to_string();
    assert!(message.contains(&path.display().to_string()), "the file is not named: {message}");
    message
}

/// What the other program said of the picture.
fn reference(file: &str, case: &str, key: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(fixture(file)).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all[case][key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Logits, probabilities, those of ten views and the five best classes are those of the other program.
fn assert_agrees(model: &ModelFile, file: &str, case: &str) {
    let device = device::open("cpu").unwrap().device;
    let network = Network::new(model.spec.clone(), &model.weights, &device).unwrap();
    let input = Input::new(model.spec.input, model.mean.clone());
    let picture = data::decode(&std::fs::read(fixture("picture.png")).unwrap()).unwrap();
    let centre = infer::crops(1, model.spec.input, Views::One);
    let seen = input.upload_crops(&data::planes(&picture), &centre, 1.0, network.device());
    let logits = network.scores_of(seen).unwrap();
    assert_close(&format!("logits of {case}"), &logits, &reference(file, case, "logits"), 1e-4, 1e-4);
    for (views, key) in [(Views::One, "p"), (Views::Ten, "p_ten")] {
        let wanted = reference(file, case, key);
        let count = wanted.len();
        let found = infer::classify(&network, &input, &model.classes, &picture, views, count).unwrap();
        let mut p = vec![0.0; count];
        for (class, value) in &found.top {
            p[model.classes.iter().position(|c| c == class).unwrap()] = *value;
        }
        assert_close(&format!("{key} of {case}"), &p, &wanted, 0.0, 1e-4);
        assert_eq!(
            top5(&p.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()),
            top5(&wanted),
            "{key} of {case}"
        );
    }
}

fn top5(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
    order.truncate(5);
    order
}
