//! `runs` and `report`: what earlier runs were and how they went.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::tempdir;

use super::{QUICK, call, events, objects};

/// Two short runs in `runs`, with different rates; one of them has a name that looks like markup.
fn two_runs(root: &Path) {
    for (name, rate) in [("runs/0001-first", "optim.lr=0.02"), ("runs/0002-<i>second", "optim.lr=0.01")] {
        let args = ["train", "--data", "sample", "--max-steps", "3", "--out", name, "--set", rate];
        assert_eq!(call(root, &[&args, QUICK].concat()).status.code(), Some(0));
    }
}

#[test]
fn runs_are_listed_with_their_figures_and_differences() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    two_runs(root);
    fs::create_dir_all(root.join("runs/holiday")).unwrap();
    fs::create_dir_all(root.join("runs/broken")).unwrap();
    fs::write(root.join("runs/broken/config.toml"), "data = 3").unwrap();

    let output = call(root, &["runs", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    let runs = events(&objects, "run");
    assert_eq!(runs.len(), 2);
    assert_eq!((&runs[0]["steps"], &runs[0]["model"]), (&Value::from(3), &Value::from("cifar-80sec")));
    assert!(runs[1]["last_top1_error"].as_f64().is_some_and(|error| (0.0..=1.0).contains(&error)));
    assert_eq!(runs[1]["settings"]["optim.lr"], Value::from("0.01"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken"), "{output:?}");

    let output = call(root, &["runs"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("optim.lr:") && text.contains("0001-first  0.02"), "{text}");
    assert!(!text.contains("optim.batch") && !text.contains("run.out"), "{text}");

    for args in [&["runs", "runs/holiday"][..], &["runs", "nowhere"], &["report", "runs/holiday"]] {
        let output = call(root, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(args[1]), "{text}");
    }
}

#[test]
fn a_report_holds_everything_and_loads_nothing() {
    let folder = tempdir().unwrap();
    let root = folder.path();
    two_runs(root);
    let output = call(root, &["report", "runs", "--out", "both.html"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let page = fs::read_to_string(root.join("both.html")).unwrap();
    for part in [
        "2 runs compared",
        "0001-first",
        "0002-&lt;i&gt;second",
        "optim.lr",
        "<svg",
        "data:image/png;base64,",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert_eq!((page.matches("<svg").count(), page.matches("<img").count()), (3, 2));
    assert!(
        !page.contains("<i>") && !page.contains("<script") && !page.contains("src=\"http"),
        "markup got in"
    );

    // A single run is called by its name and compared with nothing.
    let output = call(root, &["report", "runs/0001-first", "--out", "one.html", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(events(&objects(&output), "report")[0]["runs"], 1);
    let page = fs::read_to_string(root.join("one.html")).unwrap();
    assert!(page.contains("<h1>0001-first</h1>") && !page.contains("Settings that differ"));

    let output = call(root, &["report", "runs", "--out", "no/such/place.html"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("place.html"));
    assert!(!root.join("no").exists());
}
