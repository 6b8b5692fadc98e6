//! Runs of very many updates: how long they take to open.
//!
//! `cargo test --release -- --ignored --nocapture a_long_run_opens`

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use alexnet_lab::engine::{Command, StopReason, TakeUp};
use alexnet_lab::train::checkpoint::{Mark, Shelf};
use tempfile::tempdir;

use super::resume::{ended, info};
use super::{engine, is_step, quick, run, until};
use crate::support::reseal;
use crate::tiny;

/// A run of 6 updates an epoch becomes one that has made `updates` of them, with all their rows.
fn make_long(out: &Path, updates: u64) {
    let mut metrics = "step,epoch,split,loss,top1_error,top5_error,lr\n".to_owned();
    let mut timing = "step,seconds,images_per_s,wait_for_data_s\n".to_owned();
    for step in 1..=updates {
        let epoch = step as f64 / 6.0;
        let loss = 2.3 / (1.0 + step as f64 / 1000.0);
        writeln!(metrics, "{step},{epoch:.6},train,{loss:.8},0.812500,0.250000,0.001").unwrap();
        writeln!(timing, "{step},0.012345,1234.5,0.000012").unwrap();
        if step % 6 == 0 {
            writeln!(metrics, "{step},{epoch:.6},validation,{loss:.8},0.800000,0.300000,").unwrap();
        }
    }
    let (step, last) = Shelf::of_run(out).list().pop_last().unwrap();
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(last.join("state.json")).unwrap()).unwrap();
    for (name, text) in [("metrics", &metrics), ("timing", &timing)] {
        fs::write(out.join(name).with_extension("csv"), text).unwrap();
        state[name] = serde_json::to_value(Mark::of(text.as_bytes())).unwrap();
    }
    for name in ["step", "next_batch", "total_steps"] {
        state[name] = updates.into();
    }
    state["best"]["step"] = updates.into();
    assert!(step <= updates);
    fs::write(last.join("state.json"), state.to_string()).unwrap();
    reseal(&last);
    let name = format!("step-{updates:08}");
    fs::rename(&last, last.with_file_name(name)).unwrap();
}

/// Seconds from the order to the first update and what the run said of itself.
fn open(out: &Path, updates: u64) -> Duration {
    let engine = engine();
    let changes = vec![format!("run.epochs={}", updates / 6 + 2)];
    let began = Instant::now();
    engine.send(Command::TakeUp(Box::new(TakeUp { path: out.into(), changes, ..TakeUp::default() })));
    let events = until(&engine, is_step);
    let took = began.elapsed();
    let taken = info(&events).taken_up.clone().unwrap();
    assert_eq!((taken.step, taken.replay_difference), (updates, Some(0.0)));
    assert_eq!(taken.history.steps.last().map(|point| point.step), Some(updates));
    assert!(taken.history.steps.len() <= 8192 && taken.history.evaluations.len() <= 8192);
    engine.send(Command::Stop);
    assert_eq!(ended(&engine).1.reason, StopReason::Asked);
    took
}

fn opened(updates: u64) -> Duration {
    let folder = tempdir().unwrap();
    let network = tiny::network_file(folder.path());
    let mut times = Vec::new();
    for number in 0..5 {
        let out = folder.path().join(number.to_string());
        let mut config = quick(&out);
        config.model.preset = None;
        config.model.from = Some(network.clone());
        config.run.epochs = Some(1);
        run(config);
        make_long(&out, updates);
        times.push(open(&out, updates));
    }
    times.sort_unstable();
    times[2]
}

#[test]
fn a_run_of_ten_thousand_updates_opens_and_goes_on() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("run");
    let mut config = quick(&out);
    config.model.preset = None;
    config.model.from = Some(tiny::network_file(folder.path()));
    config.run.epochs = Some(1);
    run(config);
    make_long(&out, 9_996);
    open(&out, 9_996);
    let rows = fs::read_to_string(out.join("metrics.csv")).unwrap();
    let steps: Vec<u64> = rows
        .lines()
        .filter(|row| row.contains(",train,"))
        .map(|row| row.split(',').next().unwrap().parse().unwrap())
        .collect();
    assert!(steps.iter().copied().eq(1..=steps.len() as u64), "a row is missing or doubled");
    assert!(steps.len() > 9_996);
}

#[test]
#[ignore = "writes tables of 90 MB, to measure how long they take to open"]
fn a_long_run_opens_as_fast_as_a_short_one() {
    for updates in [1_000, 1_000_000] {
        // A multiple of the updates of an epoch.
        let updates = updates / 6 * 6;
        eprintln!(
            "{updates} updates: {:.3} s to the next update (middle of 5)",
            opened(updates).as_secs_f64()
        );
    }
}
