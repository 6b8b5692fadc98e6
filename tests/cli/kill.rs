//! The program killed at any moment, also in the middle of writing a checkpoint, and resumed: what it leaves in
//! the end is what an uninterrupted run leaves, byte for byte.
//!
//! `ALEXNET_LAB_KILLS` says how often (5). Each kill takes a second or two.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::tempdir;

use super::{QUICK, call, program};

/// Longer than any of these runs takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

fn train(folder: &Path, out: &str) -> Child {
    let args =
        ["train", "--data", "sample", "--epochs", "5", "--out", out, "--set", "run.checkpoint_steps=1"];
    program(folder).args([&args, QUICK].concat()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Whether a checkpoint is being written, or was when the program died.
fn writing(run: &Path) -> bool {
    let names = fs::read_dir(run.join("checkpoints")).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().ends_with(".part"))
}

/// Kills the program at a random moment, or in the middle of a write. False: it was too late.
fn kill(folder: &Path, out: &str, random: &mut ChaCha8Rng, whole: Duration, aimed: bool) -> bool {
    let mut child = train(folder, out);
    let run = folder.join(out);
    let moment = whole.mul_f64(f64::from(random.next_u32()) / f64::from(u32::MAX));
    let began = Instant::now();
    std::thread::sleep(moment);
    while aimed && !writing(&run) && began.elapsed() < PATIENCE && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let alive = child.try_wait().unwrap().is_none();
    // SIGKILL on Unix: nothing of it runs any more.
    let _ = child.kill();
    child.wait().unwrap();
    alive && (!aimed || writing(&run))
}

#[test]
fn killed_runs_end_as_if_nothing_had_happened() {
    let kills: usize =
        std::env::var("ALEXNET_LAB_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let folder = tempdir().unwrap();
    let began = Instant::now();
    assert!(train(folder.path(), "whole").wait().unwrap().success());
    let duration = began.elapsed();
    let wanted = ["metrics.csv", "model.safetensors"]
        .map(|name| fs::read(folder.path().join("whole").join(name)).unwrap());

    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (mut done, mut inside, mut before, mut late) = (0, 0, 0, 0);
    while done < kills {
        let out = format!("run-{done}-{late}");
        let run = folder.path().join(&out);
        let aimed = done % 2 == 1;
        if !kill(folder.path(), &out, &mut random, duration, aimed) {
            late += 1;
            assert!(late < 20 * kills, "no kill hits");
            continue;
        }
        done += 1;
        inside += usize::from(writing(&run));
        if run.join("config.toml").exists() {
            let output = call(folder.path(), &["train", "--resume", &out]);
            assert!(output.status.success(), "{out}: {}", String::from_utf8_lossy(&output.stderr));
        } else {
            // Killed before it had even its settings: there is nothing to resume, and it is said.
            before += 1;
            assert_eq!(call(folder.path(), &["train", "--resume", &out]).status.code(), Some(2));
            let _ = fs::remove_dir_all(&run);
            assert!(train(folder.path(), &out).wait().unwrap().success());
        }
        for (name, wanted) in ["metrics.csv", "model.safetensors"].iter().zip(&wanted) {
            assert!(fs::read(run.join(name)).unwrap() == *wanted, "{out}: {name} differs");
        }
        assert!(!writing(&run), "{out}: a part folder is left");
        fs::remove_dir_all(&run).unwrap();
    }
    eprintln!(
        "{done} kills, {inside} of them in the middle of a write, {before} before there was anything; {late} came too \
         late and were made again; every run ended with the same bytes"
    );
}

#[cfg(unix)]
#[test]
fn a_request_to_end_saves_within_three_seconds() {
    let folder = tempdir().unwrap();
    let args = ["train", "--data", "sample", "--epochs", "10000", "--out", "run"];
    let args = [&args, QUICK].concat();
    let mut child =
        program(folder.path()).args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    let rows =
        || fs::read_to_string(folder.path().join("run/metrics.csv")).map_or(0, |text| text.lines().count());
    while rows() < 3 && began.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    let asked = Instant::now();
    let status =
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let took = asked.elapsed();
    assert!(took < crate::support::in_time(Duration::from_secs(3)), "{took:?}");
    let made = rows() - 1;
    let longer = (made + 2).to_string();
    let output = call(folder.path(), &["train", "--resume", "run", "--max-steps", &longer, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // An end that lies before what has been made is refused with words.
    let output = call(folder.path(), &["train", "--resume", "run", "--max-steps", "1"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("have been made already") && text.contains("--max-steps"), "{text}");
}
