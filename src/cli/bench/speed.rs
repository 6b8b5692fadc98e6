//! `bench kernels` and `bench train`: the network's work, layer by layer and step by step.

use clap::Args;
use serde_json::json;

use super::{progress_bar, show};
use crate::cli::output::{self, Status};
use crate::cli::stop;
use crate::engine::bench::{
    self, KernelBench, KernelBenchRequest, Machine, StepBench, StepBenchRequest, TuneRequest, Tuned,
};
use crate::engine::presets;
use crate::words::bytes;

#[derive(Debug, Args)]
pub(in crate::cli) struct KernelArgs {
    /// The network whose layers are measured
    #[arg(long, value_name = "PRESET", default_value = "alexnet")]
    model: String,
    /// Pictures that pass at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// How often everything is measured; the figures are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Measure which tiles are the quickest on this card, keep them and use them from now on; takes a minute or more
    #[arg(long, conflicts_with_all = ["model", "batch", "no_burn"])]
    tune: bool,
    /// Leave out burn's own operations, which can take minutes on a slow device
    #[arg(long)]
    no_burn: bool,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StepArgs {
    /// A network to measure; may be repeated. Without it, all of them
    #[arg(long, value_name = "PRESET")]
    model: Vec<String>,
    /// Pictures of a step
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Pictures that pass at once; 0 takes as many as a run would
    #[arg(long, value_name = "N", default_value_t = 0)]
    pass: u16,
    /// Steps of each network; the figures are medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn kernels(args: KernelArgs) -> Status {
    let KernelArgs { model, batch, runs, device, tune, no_burn, json } = args;
    if tune {
        let request = TuneRequest { device, runs: runs.into() };
        let (cancel, bar) = (stop::flag(), progress_bar());
        let found = bench::tune(&request, &|progress| show(&bar, &progress), &cancel);
        bar.finish_and_clear();
        return report(found, json, "tune", tile_table);
    }
    let request =
        KernelBenchRequest { device, model, batch: batch.into(), runs: runs.into(), burn: !no_burn };
    let (cancel, bar) = (stop::flag(), progress_bar());
    let found = bench::kernels(&request, &|progress| show(&bar, &progress), &cancel);
    bar.finish_and_clear();
    report(found, json, "kernels", kernel_table)
}

pub(super) fn steps(args: StepArgs) -> Status {
    let StepArgs { mut model, batch, pass, runs, device, json } = args;
    if model.is_empty() {
        model = presets().into_iter().map(|preset| preset.name.to_owned()).collect();
    }
    let (batch, pass, runs) = (batch.into(), pass.into(), runs.into());
    let request = StepBenchRequest { device, models: model, batch, pass, runs };
    let (cancel, bar) = (stop::flag(), progress_bar());
    let found = bench::steps(&request, &|progress| show(&bar, &progress), &cancel);
    bar.finish_and_clear();
    report(found, json, "train", step_table)
}

pub(super) fn report<T: serde::Serialize>(
    found: Result<Option<T>, String>,
    json: bool,
    name: &str,
    table: impl Fn(&T),
) -> Status {
    match found {
        Ok(Some(found)) => {
            if json {
                let mut object = json!(found);
                object["event"] = "bench".into();
                object["bench"] = name.into();
                output::object(&object);
            } else {
                table(&found);
            }
            Status::Done
        }
        Ok(None) => {
            output::note("stopped before everything was measured");
            Status::Interrupted
        }
        Err(message) => output::bad_input(&message, json),
    }
}

fn head(machine: &Machine, device: &str) {
    output::line(&format!("alexnet-lab {} on {}", machine.version, device));
    output::line(&format!("{} {}, {} threads", machine.system, machine.architecture, machine.threads));
}

fn kernel_table(found: &KernelBench) {
    head(&found.machine, &found.device);
    let ceilings = &found.ceilings;
    output::line(&format!(
        "at most {:.0} GFLOP/s in registers and {:.1} GB/s copied, measured here",
        ceilings.gflop_per_s, ceilings.gb_per_s
    ));
    output::line(&format!("{}, {} pictures at once\n", found.model, found.batch));
    output::line(&format!(
        "{:<8} {:<24} {:>10} {:>10} {:>8} {:>18} {:>10} {:>12} {:>8}",
        "layer", "pass", "ms", "GFLOP/s", "GB/s", "of the most", "first ms", "burn's ms", "ratio"
    ));
    for kernel in &found.kernels {
        let rate =
            if kernel.gflop_per_s > 0.0 { format!("{:.1}", kernel.gflop_per_s) } else { String::new() };
        let share = format!("{:.0} % of {}", kernel.of_ceiling * 100.0, kernel.bound);
        let burn = kernel.burn_ms.map_or_else(String::new, |ms| format!("{ms:.2}"));
        let ratio = kernel.burn_ms.map_or_else(String::new, |ms| format!("{:.1}", ms / kernel.ms));
        output::line(&format!(
            "{:<8} {:<24} {:>10.2} {rate:>10} {:>8.2} {share:>18} {:>10.1} {burn:>12} {ratio:>8}",
            kernel.layer, kernel.pass, kernel.ms, kernel.gb_per_s, kernel.first_ms
        ));
    }
}

fn tile_table(found: &Tuned) {
    head(&found.machine, &found.device);
    output::line(&format!("\n{:<14} {:>12} {:>10}   tile", "rows up to", "built-in ms", "best ms"));
    for found in &found.rows {
        let rows = found.rows.map_or_else(|| "any".to_owned(), |rows| rows.to_string());
        output::line(&format!("{rows:<14} {:>12.2} {:>10.2}   {}", found.built_in_ms, found.ms, found.tile));
    }
    output::line(&format!("\nKept in `{}` and used from now on.", found.file.display()));
}

fn step_table(found: &StepBench) {
    head(&found.machine, &found.device);
    output::line(&format!("whole steps of {} pictures\n", found.batch));
    output::line(&format!(
        "{:<16} {:>8} {:>12} {:>14} {:>10} {:>10}   {}",
        "network", "at once", "pictures/s", "first step ms", "predicted", "memory", "steps in ms"
    ));
    for model in &found.models {
        let steps: Vec<String> = model.ms.iter().map(|ms| format!("{ms:.0}")).collect();
        output::line(&format!(
            "{:<16} {:>8} {:>12.1} {:>14.0} {:>10} {:>10}   {}",
            model.model,
            model.pass,
            model.pictures_per_s,
            model.first_ms,
            bytes(model.predicted_bytes),
            model.took_bytes.map_or_else(String::new, |[_, last]| bytes(last)),
            steps.join(" ")
        ));
    }
}
