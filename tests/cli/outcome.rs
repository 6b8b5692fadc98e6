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

#[test]
fn the_tables_of_a_measurement_agree_with_its_figures() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "2", "--out", "run"];
    assert_eq!(call(folder.path(), &[&args, QUICK].concat()).status.code(), Some(0));
    let eval = ["eval", "--model-file", "run/model.safetensors", "--data", "sample", "--device", "cpu"];
    let output = call(folder.path(), &[&eval[..], &["--tables", "made/here", "--json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    let figures = events(&objects, "eval")[0].clone();
    assert_eq!(events(&objects, "tables")[0]["paths"].as_array().unwrap().len(), 3);
    let rows = |name: &str| -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(folder.path().join("made/here").join(name)).unwrap();
        text.lines().map(|row| row.split(',').map(|field| field.replace('"', "")).collect()).collect()
    };
    let number = |field: &String| field.parse::<f64>().unwrap();

    let pictures = rows("pictures.csv");
    assert_eq!(pictures.len() - 1, figures["n"].as_u64().unwrap() as usize);
    let n = (pictures.len() - 1) as f64;
    let wrong = pictures[1..].iter().filter(|row| row[2] != "1").count() as f64;
    let top5_wrong = pictures[1..].iter().filter(|row| number(&row[2]) > 5.0).count() as f64;
    assert!((wrong / n - figures["top1_error"].as_f64().unwrap()).abs() < 1e-9);
    assert!((top5_wrong / n - figures["top5_error"].as_f64().unwrap()).abs() < 1e-9);
    let loss = -pictures[1..].iter().map(|row| number(&row[3]).max(1e-6).ln()).sum::<f64>() / n;
    assert!((loss - figures["loss"].as_f64().unwrap()).abs() < 1e-3, "{loss}");
    assert!(pictures[1..].iter().all(|row| row[2] != "1" || (row[1] == row[4] && row[3] == row[5])));

    // The first column of the confusion table has the names of the classes, with blanks in them.
    let confusion = rows("confusion.csv");
    let classes = rows("classes.csv");
    assert_eq!((confusion.len(), confusion[0].len(), classes.len()), (11, 11, 11));
    for (label, class) in classes[1..].iter().enumerate() {
        let row = &confusion[label + 1][1..];
        assert_eq!(confusion[label + 1][0], class[0]);
        assert_eq!(row.iter().map(number).sum::<f64>(), number(&class[1]));
        assert_eq!(row[label], class[2]);
    }

    // Once more, for people; the older tables are replaced.
    let output = call(folder.path(), &[&eval[..], &["--tables", "made/here"]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("wrong, top-1 error") && text.contains("taken for"), "{text}");
    assert!(text.contains("confusion.csv"), "{text}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let output = call(folder.path(), &[&eval[..], &["--tables", "file"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("file"));
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
