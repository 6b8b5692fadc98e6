//! `alexnet-lab summary`: a network layer by layer.

use serde_json::json;

use super::SummaryArgs;
use super::output::{self, Status};
use crate::config::RunConfig;
use crate::engine::{self, NetworkSummary};
use crate::words::count;

/// Prints the layers of a network with their shapes and costs.
pub(super) fn run(args: SummaryArgs) -> Status {
    let mut config = match RunConfig::load(None, &args.set) {
        Ok(config) => config,
        Err(error) => return output::bad_input(&error.to_string(), args.json),
    };
    config.model.preset = Some(args.model);
    config.optim.batch = args.batch.map(usize::from).or(config.optim.batch);
    match engine::summary(&config.model, args.classes.into(), &config.optim) {
        Ok(summary) if args.json => objects(&summary),
        Ok(summary) => table(&summary),
        Err(message) => return output::bad_input(&message, args.json),
    }
    Status::Done
}

fn objects(summary: &NetworkSummary) {
    for layer in &summary.layers {
        let mut object = json!(layer);
        object["event"] = "layer".into();
        output::object(&object);
    }
    let mut object = json!(summary);
    object["event"] = "summary".into();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("layers");
    }
    output::object(&object);
}

fn table(summary: &NetworkSummary) {
    let NetworkSummary { model, title, batch, pass, .. } = summary;
    output::line(&format!("{model}: {title}"));
    let side = summary.input_side;
    output::line(&format!(
        "\n{:<10} {:>11} {:>12} {:>14} {:>10}  what it does",
        "layer", "output", "parameters", "multiply-adds", "MiB/batch"
    ));
    output::line(&format!(
        "{:<10} {:>11} {:>12} {:>14} {:>10.1}",
        "input",
        format!("3x{side}x{side}"),
        "",
        "",
        mib(12 * batch * side * side)
    ));
    for layer in &summary.layers {
        let blank = |n: usize| if n == 0 { String::new() } else { count(n) };
        let (parameters, multiply_adds) = (blank(layer.parameters), blank(layer.multiply_adds));
        let (name, bytes) = (&layer.name, mib(layer.output_bytes));
        output::line(&format!(
            "{name:<10} {:>11} {parameters:>12} {multiply_adds:>14} {bytes:>10.1}  {}",
            layer.output, layer.what
        ));
    }
    let (parameters, multiply_adds) = (count(summary.parameters), count(summary.multiply_adds));
    output::line(&format!("{:<10} {:>11} {parameters:>12} {multiply_adds:>14}", "total", ""));
    let passes = if *pass == *batch { String::new() } else { format!(", {pass} at a time") };
    output::line(&format!("\nTraining with batches of {batch}{passes} {}.", summary.memory.words()));
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
