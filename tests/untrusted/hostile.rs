//! Files that somebody has made to do harm, one by one.

use std::fs;

use alexnet_lab::config::RunConfig;
use alexnet_lab::train::checkpoint::{Checkpoint, Shelf};
use serde_json::{Value, json};
use tempfile::tempdir;

use super::subjects::read_model;
use crate::support::{fixture, reseal};

/// The header of one of our model files, changed, with the numbers as they were.
fn with_header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = fixture("export/paper.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    change(&mut header);
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat()
}

/// The same with another description.
fn with_description(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    with_header(|header| {
        let place = &mut header["__metadata__"]["alexnet-lab"];
        let mut description: Value = serde_json::from_str(place.as_str().unwrap()).unwrap();
        change(&mut description);
        *place = description.to_string().into();
    })
}

fn refused(bytes: &[u8]) -> String {
    let message = read_model(bytes).expect_err("it should be refused");
    assert!(message.contains("model.safetensors") && message.len() < 2000, "{message}");
    message
}

#[test]
fn the_file_that_they_are_made_of_is_sound() {
    read_model(&with_description(|_| {})).unwrap();
}

#[test]
fn headers_that_lie_about_sizes_are_refused() {
    let whole = fixture("export/paper.safetensors");
    for length in [0, 1, whole.len() as u64, u64::from(u32::MAX), u64::MAX / 2, u64::MAX] {
        let mut bytes = whole.clone();
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        refused(&bytes);
    }
    // Numbers that two tensors share, that lie outside, or that nobody owns.
    let offsets = |header: &Value, name: &str| header[name]["data_offsets"].clone();
    refused(&with_header(|header| header["conv1.weight"]["data_offsets"] = offsets(header, "conv2.weight")));
    refused(&with_header(|header| header["conv1.weight"]["data_offsets"] = json!([0, u64::MAX])));
    refused(&with_header(|header| header["conv1.weight"]["data_offsets"] = json!([10, 2])));
    // Shapes that do not fit, also by a number that overflows.
    refused(&with_header(|header| header["conv1.weight"]["shape"] = json!([6, 3, 5, 4])));
    refused(&with_header(|header| header["conv1.weight"]["shape"] = json!([1_u64 << 32, 1_u64 << 32, 450])));
    refused(&with_header(|header| header["conv1.weight"]["dtype"] = json!("F64")));
    // A tensor more, a tensor less.
    assert!(refused(&with_header(|header| header["more"] = header["conv1.bias"].clone())).contains("model"));
    assert!(
        !refused(&with_header(|header| drop(header.as_object_mut().unwrap().remove("conv1.bias"))))
            .is_empty()
    );
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let bytes = with_header(|_| {});
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let value: Value = serde_json::from_str(header).unwrap();
    let twice = format!("{{\"conv1.bias\":{},{}", value["conv2.bias"], &header[1..]);
    // Where the reader takes the last of both, the file is what it was.
    let bytes = [&(twice.len() as u64).to_le_bytes(), twice.as_bytes(), &bytes[8 + length..]].concat();
    if let Ok(model) = read_model(&bytes) {
        assert_eq!(model, read_model(&fixture("export/paper.safetensors")).unwrap());
    }
    let message = refused(&with_description(|d| {
        let first = d["spec"]["layers"][0]["name"].clone();
        d["spec"]["layers"][1]["name"] = first;
    }));
    assert!(message.contains("same name"), "{message}");
}

#[test]
fn a_few_words_do_not_ask_for_more_memory_than_there_is() {
    let huge = [u64::from(u32::MAX), 1 << 40, i64::MAX as u64, u64::MAX];
    for number in huge {
        for (what, key) in [("side", "input"), ("stored_side", "input")] {
            let message = refused(&with_description(|d| d["spec"][key][what] = number.into()));
            assert!(message.contains("input") || message.contains("description"), "{message}");
        }
        for what in ["out", "kernel", "stride", "groups"] {
            refused(&with_description(|d| d["spec"]["layers"][0][what] = number.into()));
        }
        for side in ["top", "left"] {
            let message =
                refused(&with_description(|d| d["spec"]["layers"][0]["padding"][side] = number.into()));
            assert!(message.contains("conv1") || message.contains("description"), "{message}");
        }
    }
    // Each number alone is possible, but not together.
    let message = refused(&with_description(|d| {
        d["spec"]["input"] = json!({"side": 4000, "stored_side": 4000, "scale": [1.0, 1.0, 1.0]});
        d["spec"]["layers"][0]["padding"] = json!({"top": 4000, "bottom": 4000, "left": 4000, "right": 4000});
    }));
    assert!(message.contains("conv1") && message.contains("larger"), "{message}");
    // A crop that is larger than the picture it is cut from.
    let message = refused(&with_description(|d| d["spec"]["input"]["stored_side"] = 3.into()));
    assert!(message.contains("cannot be made"), "{message}");
    let many = with_description(|d| {
        let relu = json!({"name": "r", "kind": "relu"});
        d["spec"]["layers"].as_array_mut().unwrap().extend(std::iter::repeat_n(relu, 100_000));
    });
    assert!(refused(&many).contains("layers"));
}

#[test]
fn text_that_is_nested_without_end_is_refused() {
    let deep = "[".repeat(200_000);
    for text in [&deep, &"{\"a\":".repeat(100_000)] {
        let header = format!("{{\"__metadata__\":{text}");
        refused(&[&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat());
        let text = text.clone();
        refused(&with_header(|header| header["__metadata__"]["alexnet-lab"] = text.into()));
    }
    for text in [format!("[run]\nout = {deep}"), "[a.".to_owned() + &"b.".repeat(100_000) + "c]"] {
        let message = RunConfig::parse(&text, "config.toml").unwrap_err().to_string();
        assert!(message.contains("config.toml") && message.len() < 1000, "{} letters", message.len());
    }
    assert!(RunConfig::load(None, &[format!("optim.lr_drops={deep}")]).is_err());
}

#[test]
fn states_that_no_run_comes_to_are_refused() {
    let folder = tempdir().unwrap();
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/run-0.1/checkpoints");
    let path = Shelf::of_run(folder.path()).path(12);
    fs::create_dir_all(&path).unwrap();
    for entry in fs::read_dir(source.join("step-00000012")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), path.join(entry.file_name())).unwrap();
    }
    let whole = fs::read_to_string(path.join("state.json")).unwrap();
    let state: Value = serde_json::from_str(&whole).unwrap();
    let refused = |text: String| {
        fs::write(path.join("state.json"), text).unwrap();
        reseal(&path);
        let message = Checkpoint::read(&path).expect_err("it should be refused").to_string();
        assert!(message.contains("step-00000012") && message.len() < 2000, "{message}");
        message
    };
    for (name, value) in [
        ("step", json!(-1)),
        ("step", json!(1_u64 << 60)),
        ("step", json!(1.5)),
        ("next_batch", json!(u64::MAX)),
        ("steps_per_epoch", json!(u64::MAX)),
        ("steps_per_epoch", json!(0)),
        ("seconds", json!("NaN")),
        ("seconds", json!(1e300)),
        ("replay", json!({"pictures": 1_u64 << 40, "pixels_crc32": 1})),
        ("best", json!({"step": 1, "top1_error": "NaN"})),
        ("best", json!({"step": u64::MAX, "top1_error": "0.5"})),
        ("data", Value::Null),
    ] {
        let mut state = state.clone();
        state[name] = value.clone();
        let message = refused(state.to_string());
        assert!(message.contains("state.json"), "{name} {value}: {message}");
    }
    refused("[".repeat(100_000));
    refused(whole.replace("\"step\": 12,", "\"step\": 12, \"step\": 13,"));
    fs::write(path.join("state.json"), whole).unwrap();
    reseal(&path);
    Checkpoint::read(&path).unwrap();
}

/// Sub-messages inside each other, as no writer makes them.
#[test]
fn a_caffe_model_that_is_nested_without_end_is_refused() {
    let mut message = vec![0x0a, 1, b'x'];
    for _ in 0..2000 {
        let mut outer = vec![0xa2, 0x06];
        let mut length = message.len();
        while length >= 0x80 {
            outer.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(message);
        message = outer;
    }
    let folder = tempdir().unwrap();
    let path = folder.path().join("deep.caffemodel");
    fs::write(&path, message).unwrap();
    let options = alexnet_lab::model::ImportOptions::default();
    let message = alexnet_lab::model::import(&path, &options).unwrap_err().to_string();
    assert!(message.contains("deep.caffemodel"), "{message}");
}
