//! What a run leaves behind, and what it must not touch.

use serde_json::Value;
use tempfile::tempdir;

use super::{QUICK, call, events, objects};

#[test]
fn a_loss_that_is_no_number_is_a_failure() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "4", "--set", "optim.lr=1e30", "--json"];
    let output = call(folder.path(), &[&args, QUICK].concat());
    assert_eq!(output.status.code(), Some(1));
    let last = objects(&output).pop().unwrap();
    assert_eq!((&last["reason"], &last["model_file"]), (&Value::from("diverged"), &Value::Null));
}

#[test]
fn files_that_are_there_are_not_replaced() {
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/curves.png"), "a holiday").unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "1", "--out", "mine"];
    let output = call(folder.path(), &[&args, QUICK].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("curves.png"));
    assert_eq!(std::fs::read(folder.path().join("mine/curves.png")).unwrap(), b"a holiday");
    assert_eq!(std::fs::read_dir(folder.path().join("mine")).unwrap().count(), 1);
}

#[test]
fn eval_measures_the_pictures_that_the_run_held_back() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "1", "--out", "run", "--json"];
    let trained = call(folder.path(), &[&args, QUICK].concat());
    let there = events(&objects(&trained), "eval")[0].clone();
    let args =
        ["eval", "--model-file", "run/model.safetensors", "--data", "sample", "--device", "cpu", "--json"];
    let measured = call(folder.path(), &args);
    assert_eq!(measured.status.code(), Some(0));
    let here = events(&objects(&measured), "eval")[0].clone();
    assert_eq!((&here["n"], &here["loss"]), (&there["n"], &there["loss"]));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_picture() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "1", "--out", "run"];
    assert_eq!(call(folder.path(), &[&args, QUICK].concat()).status.code(), Some(0));
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
    if !made.is_ok_and(|status| status.success()) {
        crate::support::skip("there is no mkfifo");
        return;
    }
    let args = ["predict", "--model-file", "run/model.safetensors", "--device", "cpu", "pipe"];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no ordinary file"));
}
