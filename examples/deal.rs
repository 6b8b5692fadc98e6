//! Writes down everything that decides a training run, so that another program can train on exactly the same:
//! the pictures, their order in every epoch, the mean image and the first weights.
//!
//!     cargo run --release --example deal -- SOURCE PRESET SEED EPOCHS FOLDER
//!
//! `examples/cifar/against_pytorch.py` reads the folder. Numbers are little-endian and row-major: `*.u8` pictures
//! `[N, 3, side, side]`, `*.u32` labels `[N]` and orders `[epochs, N]`, `mean.f32` `[3, side, side]`;
//! `first.safetensors` is a model file.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::sampler::epoch_order;
use alexnet_lab::data::{self, PictureStore, Split};
use alexnet_lab::model::{Input, ModelFile, Shapes, first_weights, preset};
use anyhow::{Context, ensure};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [source, name, seed, epochs, folder] = args.as_slice() else {
        anyhow::bail!("usage: deal SOURCE PRESET SEED EPOCHS FOLDER");
    };
    let (seed, epochs): (u64, usize) = (seed.parse()?, epochs.parse()?);
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;

    let preset = preset(name)?;
    ensure!(!preset.recipe.augment, "{name} crops at random; only whole pictures are dealt out");
    let dataset = data::open(&DataConfig { source: source.clone(), ..DataConfig::default() })?;
    let classes = dataset.description().classes.clone();
    let spec = preset.standard(classes.len());
    let side = spec.input.stored_side;
    let running = AtomicBool::new(false);
    let store = PictureStore::prepare(dataset, side as u32, usize::MAX, 0, &|_, _| {}, &running)?;
    let store = store.context("nobody asked to stop")?;

    for (split, file) in [(Split::Train, "train"), (Split::Validation, "validation")] {
        let mut pixels = Vec::with_capacity(store.len(split) * 3 * side * side);
        let mut labels = Vec::with_capacity(store.len(split));
        for index in 0..store.len(split) {
            pixels.extend_from_slice(&store.pixels(split, index).map_err(anyhow::Error::msg)?);
            labels.push(store.label(split, index));
        }
        fs::write(folder.join(format!("{file}.u8")), pixels)?;
        fs::write(folder.join(format!("{file}.u32")), bytes(&labels))?;
    }
    let orders: Vec<u32> =
        (0..epochs).flat_map(|epoch| epoch_order(store.len(Split::Train), seed, epoch)).collect();
    fs::write(folder.join("orders.u32"), bytes(&orders))?;

    let input = Input::from_stored_mean(spec.input, store.mean_image());
    let mean: Vec<u8> = input.mean().iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(folder.join("mean.f32"), mean)?;
    let weights = first_weights(&spec, &Shapes::of(&spec)?, seed);
    let first = ModelFile { spec, classes, mean: input.mean().to_vec(), weights, step: 0 };
    first.write(&folder.join("first.safetensors"))?;
    println!("{} has what a run of {name} with seed {seed} sees", folder.display());
    Ok(())
}

fn bytes(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}
