//! `alexnet-lab figures`: writes as files what the window's panels show of a run or a model.

mod maker;
mod of_data;
mod of_picture;
mod of_run;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use self::maker::Maker;
use super::output::{self, Status};
use crate::words::counted;

#[derive(Debug, Args)]
pub(super) struct FiguresArgs {
    /// A run folder, or a model file (.safetensors, .pth, .caffemodel)
    #[arg(value_name = "RUN_OR_MODEL")]
    what: PathBuf,
    /// Folder for the figures; it is made, and older figures in it are replaced
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// A picture to look at layer by layer, with an occlusion map and Grad-CAM; may be repeated
    #[arg(long = "picture", value_name = "FILE")]
    pictures: Vec<PathBuf>,
    /// The class that occlusion and Grad-CAM are about; without it, the most probable one
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// A layer whose exciting pictures are searched for, and the layer of Grad-CAM; without it, the last convolution
    /// behind its neurons. May be repeated; Grad-CAM takes the first
    #[arg(long = "layer", value_name = "NAME")]
    layers: Vec<String>,
    /// Pictures to search for those that excite a layer's maps; without it, those that the run was trained on
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Validation pictures to search at most
    #[arg(long, value_name = "N", default_value_t = 1000)]
    most: usize,
    /// Measure the validation pictures for the confusion matrix; without it, one is drawn if `confusion.csv` lies
    /// beside the model (`alexnet-lab eval --tables`)
    #[arg(long)]
    evaluate: bool,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

/// Writes all figures there are.
pub(super) fn run(args: FiguresArgs) -> Status {
    let (json, folder) = (args.json, args.out.clone());
    match write(args) {
        Ok(written) if json => {
            output::object(&json!({ "event": "figures", "written": written, "folder": folder }));
            Status::Done
        }
        Ok(written) => {
            output::line(&format!("{} in `{}`", counted(written, "figure"), folder.display()));
            Status::Done
        }
        Err(status) => status,
    }
}

fn write(args: FiguresArgs) -> Result<usize, Status> {
    let mut maker = Maker::open(args)?;
    of_run::kernels(&mut maker)?;
    of_run::curves_and_film(&mut maker)?;
    for picture in maker.args.pictures.clone() {
        of_picture::write(&mut maker, &picture)?;
    }
    of_data::exciting(&mut maker)?;
    of_data::confusion(&mut maker)?;
    if maker.args.pictures.is_empty() {
        output::note("layers, occlusion and Grad-CAM are drawn of the pictures named with --picture");
    }
    Ok(maker.written())
}
