//! The program from outside: what it prints, which files it writes, which status it leaves.

mod bad_input;
mod bench;
mod contract;
mod data;
mod datasets;
mod export;
mod figures;
mod import;
mod kill;
mod outcome;
mod predict;
mod prepare;
mod runs;
#[cfg(target_os = "linux")]
mod soak;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program, without a display and away from the user's own folders.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alexnet-lab"));
    command.current_dir(folder).stdin(Stdio::null());
    // Without it, some drivers complain on standard error.
    command.env("XDG_RUNTIME_DIR", folder);
    command.env("XDG_CACHE_HOME", folder.join("cache"));
    command.env("ALEXNET_LAB_DATASETS", folder.join("datasets")).env_remove("ALEXNET_LAB_MIRROR");
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("RUST_LOG");
    command
}

fn call(folder: &Path, args: &[&str]) -> Output {
    program(folder).args(args).output().unwrap()
}

/// Settings that make a run of a second.
const QUICK: &[&str] = &[
    "--model",
    "cifar-80sec",
    "--device",
    "cpu",
    "--batch",
    "16",
    "--set",
    "data.sample_train=64",
    "--set",
    "data.sample_validation=30",
];

/// Trains the sample quickly; the model file lies in `folder/run`.
fn trained(folder: &Path) -> PathBuf {
    let args = [&["train", "--data", "sample", "--epochs", "1", "--out", "run"], QUICK].concat();
    let output = call(folder, &args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("run/model.safetensors")
}

/// Standard output as JSON, one object a line, each with its event.
fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(objects.iter().all(|o| o["event"].is_string()), "{text}");
    objects
}

fn events<'a>(objects: &'a [Value], name: &str) -> Vec<&'a Value> {
    objects.iter().filter(|o| o["event"] == name).collect()
}
