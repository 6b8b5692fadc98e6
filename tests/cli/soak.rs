//! Very many updates in one go: memory, threads and open files stay what they are after a tenth of them.
//!
//! `ALEXNET_LAB_SOAK_STEPS=100000 cargo test --release -- --ignored --nocapture soak`, and with
//! `ALEXNET_LAB_SOAK_DEVICE=software` for 5000 updates on software Vulkan. Prints the figures.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::program;
use crate::tiny;

/// What a process takes of the machine.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    /// KiB in memory.
    resident: u64,
    threads: u64,
    files: usize,
}

fn usage(process: u32) -> Option<Usage> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
    Some(Usage { resident: number("VmRSS:")?, threads: number("Threads:")?, files })
}

/// The update that the last whole row of `metrics.csv` speaks of, read from the end.
fn made(run: &Path) -> u64 {
    use std::io::{Read, Seek, SeekFrom};
    let last = || {
        let mut file = fs::File::open(run.join("metrics.csv")).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(300))).ok()?;
        let mut end = String::new();
        file.read_to_string(&mut end).ok()?;
        let whole = &end[..=end.rfind('\n')?];
        whole.lines().last()?.split(',').next()?.parse().ok()
    };
    last().unwrap_or(0)
}

/// The largest values of some samples.
fn largest(samples: &[(u64, Usage)]) -> Usage {
    samples.iter().fold(Usage::default(), |largest, (_, usage)| Usage {
        resident: largest.resident.max(usage.resident),
        threads: largest.threads.max(usage.threads),
        files: largest.files.max(usage.files),
    })
}

/// The value in the middle of the memory of some samples.
fn middle(samples: &[(u64, Usage)]) -> u64 {
    let mut all: Vec<u64> = samples.iter().map(|(_, usage)| usage.resident).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

#[test]
#[ignore = "takes as long as ALEXNET_LAB_SOAK_STEPS updates"]
fn soak() {
    let setting = |name: &str| std::env::var(name).ok();
    let steps: u64 = setting("ALEXNET_LAB_SOAK_STEPS").and_then(|text| text.parse().ok()).unwrap_or(2000);
    let device = setting("ALEXNET_LAB_SOAK_DEVICE").unwrap_or_else(|| "cpu".into());
    let folder = tempdir().unwrap();
    let network = tiny::network_file(folder.path());
    let run = folder.path().join("run");
    let [steps_text, network] = [steps.to_string(), network.display().to_string()];
    // 25 updates an epoch, then a validation, and checkpoints on the way.
    let mut child = program(folder.path())
        .args(["train", "--data", "sample", "--out", "run", "--from", &network, "--device", &device])
        .args(["--epochs", "1000000", "--max-steps", &steps_text, "--batch", "4"])
        .args(["--set", "data.sample_train=100", "--set", "data.sample_validation=20"])
        .args(["--set", "run.checkpoint_steps=500", "--set", "optim.lr=0.0001"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut samples = Vec::new();
    while child.try_wait().unwrap().is_none() {
        let step = made(&run);
        if let (true, Some(usage)) = (step > 0, usage(child.id())) {
            samples.push((step, usage));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let took = began.elapsed();
    assert!(child.wait().unwrap().success(), "the run failed");
    assert_eq!(made(&run), steps);

    // The program takes and gives back memory as it ends and draws its pictures; that is not part of it.
    samples.retain(|(step, _)| *step < steps);
    let tenth = |number: u64| -> Vec<(u64, Usage)> {
        let within = |step: &u64| *step > steps * (number - 1) / 10 && *step <= steps * number / 10;
        samples.iter().filter(|(step, _)| within(step)).copied().collect()
    };
    eprintln!("{steps} updates on {device} in {:.0} s, {} samples", took.as_secs_f64(), samples.len());
    for number in 1..=10 {
        let samples = tenth(number);
        if !samples.is_empty() {
            let Usage { resident, threads, files } = largest(&samples);
            eprintln!(
                "tenth {number}: {} KiB in the middle, {resident} KiB at most; {threads} threads, {files} files at \
                 most",
                middle(&samples)
            );
        }
    }
    let (second, last) = (tenth(2), tenth(10));
    assert!(second.len() > 5 && last.len() > 5, "too few samples: more updates are needed");
    let growth = middle(&last) as f64 / middle(&second) as f64 - 1.0;
    eprintln!("memory from the second tenth to the last: {:+.2} %", growth * 100.0);
    // A checkpoint that is being written has files and threads of its own for a moment, which a tenth may miss; what
    // grows is largest at the end.
    let before: Vec<(u64, Usage)> = (2..10).flat_map(tenth).collect();
    let (before, after) = (largest(&before), largest(&last));
    assert!(growth < 0.02, "memory grew by {:.2} %", growth * 100.0);
    assert!(after.threads <= before.threads, "threads grew from {} to {}", before.threads, after.threads);
    assert!(after.files <= before.files, "open files grew from {} to {}", before.files, after.files);
}
