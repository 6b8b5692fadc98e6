//! `alexnet-lab export`: a model file for other programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::output::{self, Status};
use crate::engine::{self, ExportFormat, Exported};

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// A model file (.safetensors) of this program
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// torch-safetensors: weights under torchvision's names. onnx: the whole network, preprocessing included
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// File formats of other programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    TorchSafetensors,
    Onnx,
}

/// Writes, checks, reports.
pub(super) fn run(args: ExportArgs) -> Status {
    let ExportArgs { file, format, out, json } = args;
    let format = match format {
        Format::TorchSafetensors => ExportFormat::TorchSafetensors,
        Format::Onnx => ExportFormat::Onnx,
    };
    match engine::export(&file, format, &out) {
        Ok(exported) => {
            report(&exported, json);
            Status::Done
        }
        Err(error) => output::failure(&error.to_string(), error.is_bad_input(), json),
    }
}

fn report(exported: &Exported, json: bool) {
    let Exported { path, format, bytes, largest_difference, usage } = exported;
    if json {
        output::object(&json!({
            "event": "exported",
            "path": path,
            "format": format.to_string(),
            "bytes": bytes,
            "largest_difference": largest_difference,
        }));
    } else {
        output::line(&format!(
            "`{}` written as {format} ({:.1} MiB); read again, it differs by at most {largest_difference:.1e} of the largest score",
            path.display(),
            *bytes as f64 / 1048576.0
        ));
        output::line(&format!("  {usage}"));
    }
}
