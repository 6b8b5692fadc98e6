//! Classifies a picture with a model file, without the engine.
//!
//!     cargo run --release --example classify -- MODEL.safetensors PICTURE

use std::path::Path;

use alexnet_lab::infer::{self, Views};
use alexnet_lab::model::{Input, ModelFile, Network};
use alexnet_lab::{data, device};
use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (model, picture) =
        args.next().zip(args.next()).context("usage: classify MODEL.safetensors PICTURE")?;

    let file = ModelFile::read(Path::new(&model))?;
    let network = Network::new(file.spec, &file.weights, &device::open("auto")?.device)?;
    let input = Input::new(network.spec().input, file.mean);

    let bytes = std::fs::read(&picture).with_context(|| format!("cannot read {picture}"))?;
    let picture = data::decode(&bytes).map_err(anyhow::Error::msg)?;
    let prediction = infer::classify(&network, &input, &file.classes, &picture, Views::Ten, 5)
        .map_err(anyhow::Error::msg)?;
    for (class, probability) in prediction.top {
        println!("{:5.1} %  {class}", probability * 100.0);
    }
    Ok(())
}
