//! The keys of `bench`, and what it refuses.

use image::{Rgb, RgbImage};
use serde_json::Value;
use tempfile::tempdir;

use super::{call, events, objects};
use crate::support::software_device;

#[test]
fn data_tells_every_speed_with_the_machine() {
    let folder = tempdir().unwrap();
    for number in 0..20_u8 {
        let class = folder.path().join("pets").join(if number < 10 { "cat" } else { "dog" });
        std::fs::create_dir_all(&class).unwrap();
        let picture = RgbImage::from_fn(60, 40, |x, y| Rgb([number, x as u8, y as u8]));
        picture.save(class.join(format!("{number}.png"))).unwrap();
    }
    let args = ["bench", "data", "--source", "pets", "--runs", "2", "--device", "cpu", "--json"];
    let output = call(folder.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let [found] = events(&objects, "bench")[..] else { panic!("{objects:?}") };
    assert_eq!(
        (&found["bench"], &found["machine"]["version"]),
        (&"data".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(found["machine"]["threads"].as_u64() >= Some(1) && found["device"].is_string());
    let prepare = found["prepare"].as_array().unwrap();
    assert_eq!(
        (prepare.len(), &prepare[0]["pictures"], &prepare[0]["count"]),
        (1, &"pets".into(), &20.into())
    );
    let number = |value: &Value| value.as_f64().expect("a number");
    for rate in [&prepare[0], &found["copy"], &found["feed"], &found["input"]] {
        let runs: Vec<f64> = rate["runs"].as_array().unwrap().iter().map(number).collect();
        assert_eq!(runs.len(), 2);
        assert!(
            (number(&rate["pictures_per_s"]) - (runs[0] + runs[1]) / 2.0).abs() < 1e-3 * runs[0],
            "{rate}"
        );
        let gigabytes = number(&rate["pictures_per_s"]) * f64::from(3 * 256 * 256) / 1e9;
        assert!((number(&rate["gb_per_s"]) - gigabytes).abs() < 1e-6 * gigabytes, "{rate}");
    }
    let share = number(&found["feed"]["gb_per_s"]) / number(&found["copy"]["gb_per_s"]);
    assert!((number(&found["feed_share_of_copy"]) - share).abs() < 1e-9);
    // Nothing is left in the working folder, and the pictures are as they were.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn kernels_and_steps_tell_every_layer_and_network() {
    let folder = tempdir().unwrap();
    let ask = |task: &[&str]| {
        let args = [&["bench"], task, &["--runs", "1", "--device", "cpu", "--json"]].concat();
        let output = call(folder.path(), &args);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let objects = objects(&output);
        let [found] = events(&objects, "bench")[..] else { panic!("{objects:?}") };
        found.clone()
    };
    let found = ask(&["kernels", "--model", "cifar-80sec", "--batch", "2"]);
    assert_eq!((&found["bench"], &found["batch"]), (&"kernels".into(), &2.into()));
    let kernels = found["kernels"].as_array().unwrap();
    let layers: Vec<&str> = kernels.iter().map(|kernel| kernel["layer"].as_str().unwrap()).collect();
    for layer in ["conv1", "pool1", "conv2", "conv3", "fc64", "fc10"] {
        assert!(layers.contains(&layer), "{layers:?}");
    }
    let multiply = ["conv1", "conv2", "conv3", "fc64", "fc10"];
    for (layer, passes) in [("conv2", 4), ("fc64", 4), ("pool1", 2), ("loss", 2)] {
        assert_eq!(layers.iter().filter(|name| **name == layer).count(), passes, "{layers:?}");
    }
    for kernel in kernels {
        assert!(kernel["ms"].as_f64() > Some(0.0) && kernel["burn_ms"].as_f64() > Some(0.0), "{kernel}");
        // Poolings, updates and the loss multiply little.
        let counted = multiply.contains(&kernel["layer"].as_str().unwrap()) && kernel["pass"] != "update";
        assert_eq!(kernel["gflop_per_s"].as_f64() > Some(0.0), counted, "{kernel}");
        assert!(
            kernel["first_ms"].as_f64() > Some(0.0) && kernel["of_ceiling"].as_f64() > Some(0.0),
            "{kernel}"
        );
        let (ceiling, rate) = match kernel["bound"].as_str() {
            Some("arithmetic") => (&found["ceilings"]["gflop_per_s"], &kernel["gflop_per_s"]),
            Some("bytes") => (&found["ceilings"]["gb_per_s"], &kernel["gb_per_s"]),
            other => panic!("{other:?}"),
        };
        let share = rate.as_f64().unwrap() / ceiling.as_f64().unwrap();
        assert!((kernel["of_ceiling"].as_f64().unwrap() - share).abs() < 1e-6 * share, "{kernel}");
    }
    let found = ask(&["train", "--model", "cifar-80sec", "--model", "cifar-13pct", "--batch", "2"]);
    let models = found["models"].as_array().unwrap();
    assert_eq!((models.len(), &models[1]["model"]), (2, &"cifar-13pct".into()));
    for model in models {
        let ms = model["ms"][0].as_f64().unwrap();
        assert!((model["pictures_per_s"].as_f64().unwrap() - 2e3 / ms).abs() < 1e-6 * 2e3 / ms, "{model}");
        assert!(model["first_ms"].as_f64() > Some(0.0) && model["pass"] == 2, "{model}");
        assert!(model["predicted_bytes"].as_u64() > Some(1 << 20), "{model}");
    }
}

/// The prediction that `summary`, the window and a run tell, against what the pools of the device hold or the process.
fn assert_predicted(device: &str, model: &str, batch: &str) {
    let folder = tempdir().unwrap();
    // So many steps that what grows shows.
    let steps = if device == "cpu" { "10" } else { "3" };
    let task = ["bench", "train", "--model", model, "--batch", batch, "--runs", steps];
    let output = call(folder.path(), &[&task[..], &["--device", device, "--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = objects(&output);
    let [found] = events(&objects, "bench")[..] else { panic!("{objects:?}") };
    let found = &found["models"][0];
    let predicted = found["predicted_bytes"].as_f64().unwrap();
    let took = found["took_bytes"][1].as_f64().expect("pools tell, and Linux does");
    assert!(
        (predicted / took - 1.0).abs() <= 0.15,
        "{device}, {model}, {batch} pictures: predicted {predicted}, took {took}"
    );
}

#[test]
fn the_memory_of_training_is_predicted_within_15_percent() {
    if software_device().is_some() {
        assert_predicted("software", "cifar-80sec", "32");
    }
    // Only Linux tells what a process has taken at its peak.
    if cfg!(target_os = "linux") {
        assert_predicted("cpu", "cifar-80sec", "128");
        assert_predicted("cpu", "alexnet-64", "32");
        // Locally connected layers make their large gradients themselves.
        assert_predicted("cpu", "cifar-11pct", "32");
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempdir().unwrap();
    for (args, part) in [
        (&["bench", "data", "--source", "nowhere"][..], "nowhere"),
        (&["bench", "data", "--device", "toaster"], "toaster"),
        (&["bench", "data", "--runs", "0"], "--runs"),
        (&["bench", "kernels", "--model", "alexnot"], "alexnot"),
        (&["bench", "train", "--device", "toaster"], "toaster"),
        (&["bench", "kernels", "--tune", "--device", "cpu"], "no tiles"),
        (&["bench"], "data"),
    ] {
        let output = call(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(part), "{args:?}: {text}");
    }
}
