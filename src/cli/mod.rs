//! The command line. Scripts rely on it: names, JSON keys and exit statuses are a contract.
//!
//! Exit status: 0 done, 1 failed, 2 bad usage or bad input, 130 interrupted after a clean save.

mod bench;
mod cache;
mod data;
mod datasets;
mod devices;
mod eval;
mod export;
mod figures;
mod find;
mod import;
mod output;
mod predict;
mod prepare;
mod progress;
mod report;
mod runs;
mod session;
mod stop;
mod summary;
mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigError, RunConfig};
use crate::engine::{Command, RateRange, TakeUp, Views};

pub use output::Status;

/// Train AlexNet on the graphics card you already have, and watch what it learns.
#[derive(Debug, Parser)]
#[command(name = "alexnet-lab", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Open the window (the default)
    Gui,
    /// Train a network in the terminal
    Train(Box<TrainOrder>),
    /// Search for a learning rate: short real training at a rate that rises until the loss explodes
    FindLr(FindArgs),
    /// Measure a model file on the validation pictures of a data set
    Eval(EvalArgs),
    /// Classify pictures with a model file
    Predict(PredictArgs),
    /// Write a model file for PyTorch or as ONNX, and check what was written
    Export(export::ExportArgs),
    /// Make a model file of a network from PyTorch or Caffe
    Import(import::ImportArgs),
    /// Show a network layer by layer: shapes, parameters, multiply-adds, memory
    Summary(SummaryArgs),
    /// Look into a source of pictures, or get one
    Data {
        #[command(subcommand)]
        task: DataTask,
    },
    /// Measure how fast this machine does the work
    Bench {
        #[command(subcommand)]
        task: bench::BenchTask,
    },
    /// List the runs in a folder: how they went and in which settings they differ
    Runs(runs::RunsArgs),
    /// Write one HTML page about one or several runs: figures, settings, curves, first-layer kernels
    Report(runs::ReportArgs),
    /// Write what the window shows of a run or a model as pictures: kernels, film, curves, layers, occlusion, Grad-CAM
    Figures(figures::FiguresArgs),
    /// List the devices that can compute
    Devices {
        /// One JSON object a line on standard output
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
enum DataTask {
    /// Read every picture and say what is there: layout, classes, files that cannot be used, duplicates, size.
    /// Ends with status 0 if it can be trained on, 2 if not
    Check(CheckArgs),
    /// Decode every picture once and keep it on disk at the size that training needs. A run does this by itself;
    /// what is there already is not done again
    Prepare(prepare::PrepareArgs),
    /// List the prepared pictures that are kept on disk, or remove them
    Cache(cache::CacheArgs),
    /// List the data sets that can be downloaded, and which of them are here
    List(datasets::ListArgs),
    /// Download a data set. One that was broken off goes on where it stopped
    Get(datasets::GetArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// `sample` (built in), or pictures: a folder, a .tar, .tar.gz or .zip archive, a list of paths and labels, or a
    /// downloaded set by its name (`alexnet-lab data list`)
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Search for pictures that look alike too: those whose hashes differ in at most so many of 64 bits
    #[arg(long, value_name = "BITS", num_args = 0..=1, require_equals = true, default_missing_value = "4",
          value_parser = clap::value_parser!(u32).range(0..=i64::from(crate::engine::LARGEST_DISTANCE)))]
    near: Option<u32>,
    /// A list of pictures that are something else than their labels say, or to be left out (saved from the window)
    #[arg(long, value_name = "FILE.csv")]
    corrections: Option<PathBuf>,
    /// Write the files that cannot be used, with the reasons, to this file (comma-separated values)
    #[arg(long, value_name = "FILE.csv")]
    refused: Option<PathBuf>,
    /// One setting by its dotted name, for example data.split_seed=1; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TrainArgs {
    /// `sample` (built in), or pictures: a folder, a .tar, .tar.gz or .zip archive, a list of paths and labels, or a
    /// downloaded set by its name (`alexnet-lab data list`)
    #[arg(long, value_name = "SOURCE")]
    data: Option<String>,
    /// Model preset; without it, the one that fits the size of the pictures
    #[arg(long, value_name = "PRESET")]
    model: Option<String>,
    /// A model file to train further, of this program, PyTorch or Caffe; for other classes its last layer is replaced
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    from: Option<PathBuf>,
    /// Settings from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting by its dotted name, for example optim.lr=0.01; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How often every training picture is seen
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Stop after this many updates
    #[arg(long, value_name = "N")]
    max_steps: Option<u64>,
    /// Pictures an update
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// The same seed gives the same run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Folder for everything the run writes; without it, a new one under `runs`
    #[arg(long, value_name = "RUN_DIR")]
    out: Option<PathBuf>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TrainOrder {
    #[command(flatten)]
    run: TrainArgs,
    /// Go on with an interrupted run as if nothing had happened: a run folder, or one of its checkpoints. --epochs
    /// and --max-steps make it longer; they count from its beginning
    #[arg(long, value_name = "RUN_DIR", conflicts_with_all = ["branch", "config", "out", "from"])]
    resume: Option<PathBuf>,
    /// With --resume: go on although some of the pictures look different from what they were
    #[arg(long, requires = "resume")]
    changed_pictures: bool,
    /// Begin a new run at a checkpoint of another one, with the changes of --set and other options
    #[arg(long, value_name = "CHECKPOINT", conflicts_with_all = ["config", "from", "model"])]
    branch: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct FindArgs {
    #[command(flatten)]
    run: TrainArgs,
    /// The smallest rate to try
    #[arg(long, value_name = "RATE", default_value_t = RateRange::default().from)]
    lowest: f64,
    /// The largest rate to try
    #[arg(long, value_name = "RATE", default_value_t = RateRange::default().to)]
    highest: f64,
    /// How many rates to try, each for one update
    #[arg(long, value_name = "N", default_value_t = RateRange::default().updates)]
    updates: usize,
}

#[derive(Debug, Args)]
struct EvalArgs {
    /// A model file (.safetensors) of this program, or one of PyTorch (.pth) or Caffe (.caffemodel)
    #[arg(long, value_name = "FILE")]
    model_file: PathBuf,
    /// `sample` (built in), or pictures: a folder, a .tar, .tar.gz or .zip archive, a list of paths and labels, or a
    /// downloaded set by its name (`alexnet-lab data list`)
    #[arg(long, value_name = "SOURCE")]
    data: String,
    /// A list of pictures that are something else than their labels say, or to be left out (saved from the window);
    /// without it, the one that the run was trained with
    #[arg(long, value_name = "FILE.csv")]
    corrections: Option<PathBuf>,
    /// 1: the central crop. 10: the paper's corners, centre and mirror images, averaged
    #[arg(long, default_value = "1", value_parser = views)]
    views: Views,
    /// Write classes.csv, confusion.csv and pictures.csv (the most probable classes of every picture) into this folder
    #[arg(long, value_name = "FOLDER")]
    tables: Option<PathBuf>,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct PredictArgs {
    /// A model file (.safetensors) of this program, or one of PyTorch (.pth) or Caffe (.caffemodel)
    #[arg(long, value_name = "FILE")]
    model_file: PathBuf,
    /// 1: the central crop. 10: the paper's corners, centre and mirror images, averaged
    #[arg(long, default_value = "1", value_parser = views)]
    views: Views,
    /// How many classes to list
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Write path, true class where a folder is named after it, and the most probable classes of every picture to this
    /// file (comma-separated values)
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
    /// Show the six training pictures of this source that the network finds most like each picture: `sample`, a folder,
    /// an archive, a list or a downloaded set
    #[arg(long, value_name = "SOURCE")]
    nearest: Option<String>,
    /// auto, cpu, gpu, gpu:N or software
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
    /// Pictures, or folders of pictures
    #[arg(value_name = "IMAGE_OR_FOLDER", required = true)]
    inputs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct SummaryArgs {
    /// Model preset
    #[arg(long, value_name = "PRESET", default_value = "alexnet")]
    model: String,
    /// Classes of the last layer
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    classes: u16,
    /// Pictures an update
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Option<u16>,
    /// A variant, for example model.norm=off or model.columns=1; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// One JSON object a line on standard output
    #[arg(long)]
    json: bool,
}

fn views(text: &str) -> Result<Views, String> {
    match text {
        "1" => Ok(Views::One),
        "10" => Ok(Views::Ten),
        _ => Err("must be 1 or 10".into()),
    }
}

/// What was asked for on the command line.
pub enum Request {
    /// The window.
    Window,
    /// Something that has been done in the terminal.
    Done(Status),
}

impl Cli {
    /// Does what was asked for, unless it is the window.
    pub fn run(self) -> Request {
        match self.command {
            None | Some(Task::Gui) => Request::Window,
            Some(Task::Train(args)) => {
                let json = args.run.json;
                Request::Done(match args.into_order() {
                    Ok(order) => train::run(order, json),
                    Err(error) => output::bad_input(&error.to_string(), json),
                })
            }
            Some(Task::FindLr(args)) => Request::Done(args.run()),
            Some(Task::Eval(args)) => Request::Done(eval::run(args)),
            Some(Task::Predict(args)) => Request::Done(predict::run(args)),
            Some(Task::Export(args)) => Request::Done(export::run(args)),
            Some(Task::Import(args)) => Request::Done(import::run(args)),
            Some(Task::Summary(args)) => Request::Done(summary::run(args)),
            Some(Task::Data { task: DataTask::Check(args) }) => Request::Done(data::check(args)),
            Some(Task::Data { task: DataTask::Prepare(args) }) => Request::Done(prepare::run(args)),
            Some(Task::Data { task: DataTask::Cache(args) }) => Request::Done(cache::run(args)),
            Some(Task::Bench { task }) => Request::Done(bench::run(task)),
            Some(Task::Data { task: DataTask::List(args) }) => Request::Done(datasets::list(&args)),
            Some(Task::Data { task: DataTask::Get(args) }) => Request::Done(datasets::get(args)),
            Some(Task::Runs(args)) => Request::Done(runs::list(args)),
            Some(Task::Report(args)) => Request::Done(runs::report(args)),
            Some(Task::Figures(args)) => Request::Done(figures::run(args)),
            Some(Task::Devices { json }) => Request::Done(devices::run(json)),
        }
    }

    /// Whether the window was asked for by name.
    pub fn insists_on_window(&self) -> bool {
        matches!(self.command, Some(Task::Gui))
    }
}

/// Trains the built-in sample in the terminal: what plain `alexnet-lab` does without a display.
pub fn train_sample() -> Status {
    train::run(Command::Start(Box::default()), false)
}

impl TrainOrder {
    fn into_order(self) -> Result<Command, ConfigError> {
        let (path, branch) = match (self.resume, self.branch) {
            (Some(path), _) => (path, false),
            (None, Some(path)) => (path, true),
            (None, None) => return Ok(Command::Start(Box::new(self.run.into_config()?))),
        };
        let changed_pictures = self.changed_pictures;
        Ok(Command::TakeUp(Box::new(TakeUp {
            path,
            branch,
            changes: self.run.into_changes(),
            changed_pictures,
        })))
    }
}

impl FindArgs {
    fn run(self) -> Status {
        let json = self.run.json;
        match self.run.into_config() {
            Ok(config) => {
                let range = RateRange { from: self.lowest, to: self.highest, updates: self.updates };
                find::run(config, range, json)
            }
            Err(error) => output::bad_input(&error.to_string(), json),
        }
    }
}

impl TrainArgs {
    /// The options that were given as `key=value`, those of `--set` first.
    fn into_changes(self) -> Vec<String> {
        let text = |key: &str, value: Option<String>| Some(format!("{key}={}", toml::Value::String(value?)));
        let number = |key: &str, value: Option<u64>| Some(format!("{key}={}", value?));
        let count = |value: Option<usize>| value.map(|value| value as u64);
        let options = [
            text("data.source", self.data),
            text("model.preset", self.model),
            text("run.device", self.device),
            text("run.out", self.out.map(|out| out.display().to_string())),
            number("run.epochs", count(self.epochs)),
            number("run.max_steps", self.max_steps),
            number("run.seed", self.seed),
            number("optim.batch", count(self.batch)),
        ];
        self.set.into_iter().chain(options.into_iter().flatten()).collect()
    }

    fn into_config(self) -> Result<RunConfig, ConfigError> {
        let mut config = RunConfig::load(self.config.as_deref(), &self.set)?;
        let set = |place: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *place = value;
            }
        };
        set(&mut config.data.source, self.data);
        set(&mut config.run.device, self.device);
        config.model.preset = self.model.or(config.model.preset);
        config.model.from = self.from.or(config.model.from);
        config.run.epochs = self.epochs.or(config.run.epochs);
        config.run.max_steps = self.max_steps.or(config.run.max_steps);
        config.run.seed = self.seed.unwrap_or(config.run.seed);
        config.run.out = self.out.or(config.run.out);
        config.optim.batch = self.batch.or(config.optim.batch);
        config.validate()?;
        Ok(config)
    }
}
