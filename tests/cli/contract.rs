//! JSON keys, exit statuses and files that scripts rely on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::tempdir;

use super::{QUICK, call, events, objects, program, trained};
use crate::support;

#[test]
fn training_reports_every_update_and_validation() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--epochs", "2", "--out", "run", "--json", "--seed", "3"];
    let output = call(folder.path(), &[&args, QUICK].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let steps = events(&objects, "step");
    assert_eq!(steps.len(), 8);
    for key in ["step", "epoch", "loss", "top1_error", "top5_error", "lr", "images_per_s"] {
        assert!(steps.iter().all(|s| s[key].is_number()), "{key}");
    }
    let evals = events(&objects, "eval");
    assert_eq!(evals.len(), 2);
    for eval in &evals {
        assert_eq!((&eval["split"], &eval["n"]), (&Value::from("validation"), &Value::from(30)));
        let (top1, top5) = (eval["top1_error"].as_f64().unwrap(), eval["top5_error"].as_f64().unwrap());
        assert!((0.0..=1.0).contains(&top5) && top5 <= top1 && top1 <= 1.0);
    }
    let last = objects.last().unwrap();
    assert_eq!((&last["event"], &last["reason"]), (&Value::from("stopped"), &Value::from("finished")));
    assert!(folder.path().join("run/model.safetensors").exists());
}

#[test]
fn updates_can_be_limited() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--max-steps", "3", "--json"];
    let output = call(folder.path(), &[&args, QUICK].concat());
    let objects = objects(&output);
    assert_eq!(events(&objects, "step").len(), 3);
    // Without a name the folder is a numbered one under `runs`.
    assert!(folder.path().join("runs/0001-cifar-80sec-sample/metrics.csv").exists());
}

#[test]
fn a_config_file_and_settings_by_name_are_obeyed() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("c.toml"), "[optim]\nlr = 0.5\nbatch = 8\n[run]\nseed = 9\n").unwrap();
    let args = ["train", "--config", "c.toml", "--set", "optim.lr=0.25", "--max-steps", "1", "--out", "run"];
    let output = call(folder.path(), &[&args, QUICK].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    for line in ["lr = 0.25", "batch = 16", "seed = 9"] {
        assert!(written.contains(line), "{line} is missing in\n{written}");
    }
}

#[test]
fn planned_changes_are_told_as_they_come() {
    let folder = tempdir().unwrap();
    let change = "optim.changes=[{epoch=1,layer=\"conv1\",lr_scale=0}]";
    let args = ["train", "--data", "sample", "--epochs", "2", "--out", "run", "--json", "--set", change];
    let output = call(folder.path(), &[&args, QUICK].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let changed = events(&objects, "changed");
    // The first is the change, the second what the preset plans for the rate at 8 of 10 parts of the run.
    assert_eq!((&changed[0]["step"], &changed[0]["layers"][0]), (&Value::from(5), &Value::from("conv1")));
    assert_eq!((changed[0]["lr_scale"].as_f64(), changed[0]["epoch"].as_f64()), (Some(0.0), Some(1.0)));
    assert!(changed[1]["lr"].is_number() && changed[1]["message"].is_string());
    assert_eq!(changed.len(), 2);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("epoch 1.00: conv1 is frozen now"), "{text}");
    let written = fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(written.contains("schedule = \"steps\"") && written.contains("layer = \"conv1\""), "{written}");
}

#[test]
fn the_settings_of_a_run_can_be_used_again() {
    for schedule in ["cosine", "steps", "plateau"] {
        let folder = tempdir().unwrap();
        let schedule = format!("optim.schedule={schedule}");
        let first = ["train", "--max-steps", "1", "--out", "run", "--set", &schedule];
        let output = call(folder.path(), &[&first, QUICK].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = call(folder.path(), &["train", "--config", "run/config.toml", "--out", "again"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metrics = |run: &str| fs::read(folder.path().join(run).join("metrics.csv")).unwrap();
        assert_eq!(metrics("run"), metrics("again"));
    }
}

#[test]
fn a_search_for_a_rate_reports_what_it_tried() {
    let folder = tempdir().unwrap();
    let args = [
        "find-lr",
        "--data",
        "sample",
        "--out",
        "search",
        "--lowest",
        "1e-4",
        "--highest",
        "100",
        "--updates",
        "30",
        // Belongs to runs, and is often in their settings.
        "--max-steps",
        "3",
    ];
    let output = call(folder.path(), &[&args, QUICK, &["--json"]].concat());
    let objects = objects(&output);
    let tried = events(&objects, "rate_tried");
    assert!(tried.len() > 3 && tried.iter().all(|t| t["rate"].is_number()));
    let found = objects.last().unwrap();
    assert_eq!(found["event"], "rate_found");
    assert!(found["reason"].is_string() && found["exploded"].is_number());
    // Status 1 tells a script that there is no rate to go on with.
    assert_eq!(output.status.code(), Some(i32::from(found["rate"].is_null())));
    assert_eq!(found["tried"], tried.len());
    for name in ["rates.csv", "rates.png", "config.toml"] {
        assert!(folder.path().join("search").join(name).exists(), "{name}");
    }
}

/// Runs the program until it reports the first `event`, then interrupts it. Gives its exit status and the lines that
/// it still wrote.
#[cfg(unix)]
fn interrupted(folder: &Path, args: &[&str], event: &str) -> (Option<i32>, Vec<String>) {
    let mut child = program(folder)
        .args([args, QUICK].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = format!("\"{event}\"");
    assert!(lines.any(|line| line.unwrap().contains(&wanted)));
    interrupt(&child);
    let rest = lines.map(Result::unwrap).collect();
    (child.wait().unwrap().code(), rest)
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_search_with_130_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let args = ["find-lr", "--data", "sample", "--updates", "50000", "--out", "search", "--json"];
    let (status, lines) = interrupted(folder.path(), &args, "rate_tried");
    assert_eq!(status, Some(130));
    let last = lines.last().expect("the search says that it ended");
    assert!(last.contains(r#""event":"stopped""#), "{last}");
    assert!(!folder.path().join("search").exists());
}

#[test]
fn eval_and_predict_speak_json() {
    let folder = tempdir().unwrap();
    let model = trained(folder.path());
    let model = model.to_str().unwrap();
    for views in ["1", "10"] {
        let args = [
            "eval",
            "--model-file",
            model,
            "--data",
            "sample",
            "--views",
            views,
            "--json",
            "--device",
            "cpu",
        ];
        let output = call(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let objects = objects(&output);
        let eval = events(&objects, "eval")[0];
        assert_eq!(eval["n"], 30);
        assert!(eval["loss"].is_number() && eval["top5_error"].is_number());
    }

    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    image::RgbImage::new(20, 30).save(pictures.join("b.png")).unwrap();
    fs::write(pictures.join("a.txt"), "a note").unwrap();
    let pictures = pictures.to_str().unwrap();
    let args = ["predict", "--model-file", model, "--top", "3", "--json", "--device", "cpu", pictures];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    assert_eq!(objects.len(), 2);
    assert!(objects[0]["path"].as_str().unwrap().ends_with("a.txt") && objects[0]["error"].is_string());
    let top = objects[1]["top"].as_array().unwrap();
    assert_eq!(top.len(), 3);
    assert!(top.iter().all(|t| t["class"].is_string() && t["p"].is_number()));
    // The same for people.
    let output = call(folder.path(), &["predict", "--model-file", model, "--device", "cpu", pictures]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("b.png") && text.contains('%'), "{text}");
}

#[test]
fn devices_begin_with_the_processor() {
    let folder = tempdir().unwrap();
    let output = call(folder.path(), &["devices", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    assert_eq!(objects[0]["id"], "cpu");
    assert!(objects.iter().all(|o| o["name"].is_string() && o["kind"].is_string()));
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_leaves_130() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--epochs", "10000", "--out", "run", "--json"];
    let (status, rest) = interrupted(folder.path(), &args, "step");
    assert_eq!(status, Some(130));
    assert!(rest.last().unwrap().contains("\"stopped\""), "{rest:?}");
    assert!(folder.path().join("run/model.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn without_a_display_the_sample_is_trained_in_the_terminal() {
    let folder = tempdir().unwrap();
    let mut child = program(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    assert!(first.contains("display") || first.contains("built without"), "{first}");
    assert!(lines.any(|line| line.starts_with("Folder:")));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("model.safetensors") && text.contains("filters.png"), "{text}");
}

/// Waits until a program handles Ctrl-C, so that it is not simply ended by it. Linux tells; elsewhere it is given time.
#[cfg(unix)]
pub fn until_it_listens(child: &std::process::Child) {
    const INTERRUPT: u64 = 1 << 1;
    let began = Instant::now();
    let listens = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        Some(u64::from_str_radix(caught.trim(), 16).ok()? & INTERRUPT != 0)
    };
    while !listens().unwrap_or(began.elapsed() > Duration::from_secs(1)) {
        assert!(began.elapsed() < support::in_time(Duration::from_secs(10)), "it does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(unix)]
pub fn interrupt(child: &std::process::Child) {
    let status = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_summary_lists_the_layers_and_adds_them_up() {
    let folder = tempdir().unwrap();
    let output = call(folder.path(), &["summary", "--model", "alexnet", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    let layers = events(&objects, "layer");
    let conv1 = layers.iter().find(|layer| layer["name"] == "conv1").unwrap();
    assert_eq!((&conv1["output"], &conv1["parameters"]), (&Value::from("96x55x55"), &Value::from(34_944)));
    let total = &events(&objects, "summary")[0];
    assert_eq!(total["parameters"], 60_965_224);
    assert_eq!(total["multiply_adds"], 724_406_816);
    assert!(total["training_bytes"].as_u64().unwrap() > 3 * 4 * 60_965_224);
    let sum: u64 = layers.iter().map(|layer| layer["parameters"].as_u64().unwrap()).sum();
    assert_eq!(total["parameters"], sum);
}

#[test]
fn a_summary_follows_the_variants() {
    let folder = tempdir().unwrap();
    let args = ["summary", "--model", "alexnet", "--classes", "10", "--set", "model.pooling=plain"];
    let text = String::from_utf8(call(folder.path(), &args).stdout).unwrap();
    assert!(text.contains("256x11x11") && !text.contains("60,965,224"), "{text}");
    let output = call(folder.path(), &["summary", "--model", "cifar-13pct", "--set", "model.columns=2"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("model.columns=2") && message.contains("one column"), "{message}");
}

#[test]
fn a_network_that_cannot_be_is_refused_before_anything_runs() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--model", "alexnet-64", "--set", "model.without=conv7"];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("model.without=conv7") && message.contains("conv2, conv3, conv4, conv5"),
        "{message}"
    );
    assert!(!folder.path().join("runs").exists());
}
