//! Broken, odd and hostile inputs, made by hand: whatever they claim, reading them ends soon, takes no more memory than
//! the stated budget, and names the file.
//!
//! Each file is read twice: in this process against the clock, and by the program itself under a limit on its memory,
//! where an allocation beyond the limit kills it.

mod archives;
mod formats;
mod lists;
mod pictures;

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use archives::zips;
pub use formats::{everything, tiff};

/// Nothing may take longer.
pub const LONGEST: Duration = Duration::from_secs(10);

/// Fails if `work` takes longer than anything may.
#[track_caller]
pub fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = work();
    assert!(started.elapsed() < crate::support::in_time(LONGEST), "{what} took {:?}", started.elapsed());
    result
}

/// `data check` of `source` with room for `mib` MiB of addresses; nothing where the system cannot limit them.
fn check_within(source: &Path, mib: usize) -> Option<Output> {
    if !cfg!(target_os = "linux") {
        crate::support::skip("memory is limited on Linux only");
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    let script = format!("ulimit -v {} && exec \"$0\" \"$@\"", mib * 1024);
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_alexnet-lab"), "data", "check"]).arg(source);
    command.args(["--json", "--near", "--set", "data.loader_threads=2", "--set", "data.max_refused_share=1"]);
    // Otherwise the allocator reserves 64 MiB of addresses a thread.
    command.env("MALLOC_ARENA_MAX", "1").env("HOME", home.path());
    command.env_remove("XDG_CACHE_HOME").stdin(Stdio::null());
    Some(command.output().expect("sh can be run"))
}

/// Events of a kind that the program wrote.
fn events(output: &Output, kind: &str) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let objects = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    objects.filter(|object| object["event"] == kind).collect()
}

/// The program ended by itself with status 0 or 2, without a panic.
#[track_caller]
fn assert_sane(what: &str, output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 2)), "{what}: {:?}\n{errors}", output.status);
    assert!(!errors.contains("panicked at"), "{what}: {errors}");
}
