//! `alexnet-lab bench`: how fast this machine does the program's work.

mod speed;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;

use super::output::{self, Status};
use super::{progress, stop};
use crate::engine::bench::{self, BenchProgress, DataBench, DataBenchRequest, Rate};

#[derive(Debug, Subcommand)]
pub(super) enum BenchTask {
    /// Preparing pictures and feeding them: pictures and bytes a second
    Data(DataArgs),
    /// Each kernel of each layer, forward and backward, with burn's own operations beside it
    Kernels(speed::KernelArgs),
    /// Whole training steps: pictures a second of each network
    Train(speed::StepArgs),
}

#[derive(Debug, Args)]
pub(super) struct DataArgs {
    /// Pictures to measure with, a folder, archive or list as for `train`; without it, photographs are made
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Leave the photographs that are made in this folder, to measure other programs with them
    #[arg(long, value_name = "FOLDER", conflicts_with = "source")]
    keep: Option<PathBuf>,
    /// How often everything is measured; the figures are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Where crops are made: auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn run(task: BenchTask) -> Status {
    match task {
        BenchTask::Data(args) => data(args),
        BenchTask::Kernels(args) => speed::kernels(args),
        BenchTask::Train(args) => speed::steps(args),
    }
}

fn data(args: DataArgs) -> Status {
    let DataArgs { source, keep, runs, device, json } = args;
    let request = DataBenchRequest { source, keep, device, runs: runs.into() };
    let cancel = stop::flag();
    let bar = progress_bar();
    let found = bench::data(&request, &|progress| show(&bar, &progress), &cancel);
    bar.finish_and_clear();
    speed::report(found, json, "data", table)
}

fn progress_bar() -> ProgressBar {
    progress::bar("{wide_bar} {pos}/{len} {msg}")
}

fn show(bar: &ProgressBar, report: &BenchProgress<'_>) {
    progress::show(bar, report.done, report.total);
    bar.set_message(report.what.to_owned());
}

fn table(found: &DataBench) {
    let machine = &found.machine;
    output::line(&format!("alexnet-lab {} on {}", machine.version, machine.processor));
    output::line(&format!("{} {}; crops are made on {}", machine.system, machine.architecture, found.device));
    output::line(&format!(
        "\n{:<34} {:>9} {:>12} {:>8}   {}",
        "median of runs", "pictures", "pictures/s", "GB/s", "slowest to fastest"
    ));
    for rate in &found.prepare {
        row(&format!("prepare {}", rate.pictures), rate, false);
    }
    row("plain copy of stored pictures", &found.copy, true);
    row("feed: batches from the store", &found.feed, true);
    row("input: batches as crops in floats", &found.input, true);
    let share = 100.0 * found.feed_share_of_copy;
    output::line(&format!("\nFeeding reaches {share:.0} % of the plain copy."));
}

fn row(title: &str, rate: &Rate, bytes: bool) {
    let gigabytes = if bytes { format!("{:.2}", rate.gb_per_s) } else { String::new() };
    let slowest = rate.runs.iter().copied().fold(f64::INFINITY, f64::min);
    let fastest = rate.runs.iter().copied().fold(0.0, f64::max);
    output::line(&format!(
        "{title:<34} {:>9} {:>12.1} {gigabytes:>8}   {slowest:.1} to {fastest:.1}",
        rate.count, rate.pictures_per_s
    ));
}
