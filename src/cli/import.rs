//! `alexnet-lab import`: makes a model file of a network from PyTorch or Caffe.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::{self, Status};
use crate::engine::{self, ImportOptions, ImportReport, ImportRequest};

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// PyTorch's state dict of torchvision's AlexNet (.pth, .safetensors), a Caffe AlexNet (.caffemodel), or an export
    /// of this program (torch-safetensors); told apart by content
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Refuse the file unless it holds this network: alexnet-owt (torchvision), alexnet-caffe (Caffe) or, in a file of
    /// this program, the preset it was made from
    #[arg(long = "as", value_name = "NETWORK")]
    preset: Option<String>,
    /// The model file to write
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// Class names, one a line, in the order of the network's outputs
    #[arg(long, value_name = "NAMES.txt")]
    classes: Option<PathBuf>,
    /// Caffe's mean image
    #[arg(long, value_name = "MEAN.binaryproto")]
    mean: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// Converts a file and says what became of it.
pub(super) fn run(args: ImportArgs) -> Status {
    let ImportArgs { file, preset, out, classes, mean, json } = args;
    let request = ImportRequest { file, out, options: ImportOptions { preset, classes, mean } };
    match engine::import(&request) {
        Ok(report) => {
            tell(&request, &report, json);
            Status::Done
        }
        Err(message) => output::bad_input(&message, json),
    }
}

fn tell(request: &ImportRequest, report: &ImportReport, json: bool) {
    let ImportReport { origin, notes, model, parameters, stored_side, input_side, mean, scale, .. } = report;
    for note in notes {
        output::note(&format!("note: {note}"));
    }
    if json {
        output::object(&json!({
            "event": "imported", "path": request.file, "out": request.out, "origin": origin,
            "foreign": report.foreign, "model": model, "parameters": parameters,
            "classes": report.classes.len(), "stored_side": stored_side, "input_side": input_side,
            "mean": mean, "scale": scale, "notes": notes,
        }));
        return;
    }
    let three = |values: [f64; 3]| values.map(|value| format!("{value:.4}")).join(", ");
    output::line(&format!("`{}`: {origin}", request.file.display()));
    output::line(&format!("  network {model}, {parameters} parameters, {} classes", report.classes.len()));
    output::line(&format!("  pictures: shorter side to {stored_side}, crops of {input_side}"));
    output::line(&format!(
        "  pixels (red, green, blue of 0 to 255): minus {} on average, times {}",
        three(*mean),
        three(scale.map(f64::from))
    ));
    output::line(&format!("  written to `{}`", request.out.display()));
}
