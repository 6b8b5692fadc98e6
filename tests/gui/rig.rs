//! An [`App`] whose engine and browser are the test itself: commands and requests come out of two channels, events
//! and news go into two others.

use alexnet_lab::config::{ColourNoise, Mean, ModelConfig, RunConfig, Schedule};
use alexnet_lab::data::{ColourStatistics, Description, Refused};
use alexnet_lab::engine::{
    Balance, BrowseNews, BrowseRequest, BrowseSet, Checkpoints, ClassPictures, Command, Event,
    InputStatistics, MemoryNeed, ModelInfo, Pace, Prediction, PresetInfo, RunInfo, RunSummary, StopReason,
    WayOut,
};
use alexnet_lab::gui::{App, CurveEvent, Happening, Port, State, Tab, theme};
use alexnet_lab::vis::{EvaluationPoint, FilterGrid, StepPoint};
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui_kittest::Harness;
use image::{Rgb, RgbImage};

pub struct Rig {
    pub harness: Harness<'static, App>,
    pub commands: Receiver<Command>,
    pub events: Sender<Event>,
    pub requests: Receiver<BrowseRequest>,
    pub news: Sender<BrowseNews>,
}

impl Rig {
    /// A window of 1280x800 points that has been told what the sample holds and shows the training.
    pub fn new() -> Self {
        Self::with(RunConfig::default(), [1280.0, 800.0])
    }

    pub fn with(config: RunConfig, size: [f32; 2]) -> Self {
        let (command_sender, commands) = unbounded();
        let (events, event_receiver) = unbounded();
        let (request_sender, requests) = unbounded();
        let (news, news_receiver) = unbounded();
        let source = config.data.source.clone();
        let app = App::new(
            &egui::Context::default(),
            Port::bare(command_sender, event_receiver, request_sender, news_receiver),
            config,
            presets(),
        );
        let harness = Harness::builder().with_size(size).with_context_setup(theme::install).build_ui_state(
            |ui, app: &mut App| {
                app.take_in(ui.ctx());
                app.draw(ui, None);
            },
            app,
        );
        let mut rig = Self { harness, commands, events, requests, news };
        assert_eq!(rig.opened(), Some(source.clone()));
        rig.tell_set(browse_set(&source));
        rig.harness.state_mut().view.tab = Tab::Train;
        rig.settle();
        rig
    }

    /// A window that shows the network.
    pub fn model(config: RunConfig) -> Self {
        let mut rig = Self::with(config, [1280.0, 1000.0]);
        rig.harness.state_mut().view.tab = Tab::Model;
        rig.settle();
        rig
    }

    /// A window that shows the data: the sample, which has been opened.
    pub fn data() -> Self {
        Self::data_with(browse_set("sample"), [1280.0, 800.0])
    }

    /// The same with another set and another size.
    pub fn data_with(set: BrowseSet, size: [f32; 2]) -> Self {
        let mut rig = Self::with(RunConfig::default(), size);
        rig.harness.state_mut().view.tab = Tab::Data;
        rig.tell_set(set);
        rig.requested();
        rig
    }

    /// A window in which a run is going on.
    pub fn training() -> Self {
        let mut rig = Self::new();
        rig.start();
        rig
    }

    pub fn start(&mut self) {
        self.send(Event::Started(Box::new(run_info())));
        self.send(Event::Step(step(1), PACE));
    }

    /// Hands the window an event and lets it draw.
    pub fn send(&mut self, event: Event) {
        self.events.send(event).expect("the window holds the other end");
        self.settle();
    }

    /// Hands the window news of the browser and lets it draw.
    pub fn tell(&mut self, news: BrowseNews) {
        self.news.send(news).expect("the window holds the other end");
        self.settle();
    }

    /// The source that was asked for last is open, or cannot be used.
    pub fn tell_opened(&mut self, source: &str, result: Result<(), &str>) {
        match result {
            Ok(()) => self.tell_set(browse_set(source)),
            Err(reason) => {
                let id = self.order();
                self.tell(BrowseNews::Unusable {
                    id,
                    source: source.into(),
                    reason: reason.into(),
                    way_out: if reason.contains("cut short") { WayOut::AcceptCut } else { WayOut::None },
                });
            }
        }
    }

    /// A view of a window that has been told what the sample holds.
    pub fn looking_at(tab: Tab) -> Self {
        let mut rig = Self::with(RunConfig::default(), [1280.0, 800.0]);
        rig.tell_set(browse_set("sample"));
        rig.harness.state_mut().view.tab = tab;
        rig.settle();
        rig
    }

    /// As [`Self::looking_at`], with a network at hand and nothing asked of the engine yet.
    pub fn with_a_model(tab: Tab) -> Self {
        let mut rig = Self::looking_at(tab);
        rig.send(Event::Loaded(Box::new(model())));
        while rig.command().is_some() {}
        rig
    }

    pub fn tell_set(&mut self, set: BrowseSet) {
        let id = self.order();
        self.tell(BrowseNews::Opened(Box::new(BrowseSet { id, ..set })));
    }

    /// The number of the source that was asked for last.
    pub fn order(&self) -> u64 {
        self.harness.state().state.gallery.order
    }

    /// Everything the browser has been asked for since the last call.
    pub fn requested(&mut self) -> Vec<BrowseRequest> {
        self.requests.try_iter().collect()
    }

    /// The source that the browser was asked to open since the last call, if any.
    pub fn opened(&mut self) -> Option<String> {
        let mut opened = self.requested().into_iter().filter_map(|request| match request {
            BrowseRequest::Open { config, .. } => Some(config.source),
            _ => None,
        });
        opened.next_back()
    }

    /// Draws a few frames. Never "until nothing moves": spinners always move.
    pub fn settle(&mut self) {
        self.harness.run_steps(4);
    }

    /// The next command the window has sent, if any.
    pub fn command(&mut self) -> Option<Command> {
        self.commands.try_recv().ok()
    }
}

pub const PACE: Pace = Pace { images_per_s: 123.0, eta_s: 200.0, waiting: 0.02 };

pub fn presets() -> Vec<PresetInfo> {
    let small = PresetInfo {
        name: "alexnet-64",
        title: "a small network",
        input_side: 8,
        stored_side: 10,
        lr: 0.01,
        batch: 32,
        epochs: 10,
        momentum: 0.9,
        weight_decay: 0.0005,
        bias_lr_scale: 2.0,
        augment: true,
        colour_noise: ColourNoise::Off,
        mean: Mean::Image,
        schedule: Schedule::Steps,
        bias_schedule: true,
        end_game: false,
        standard: standard("alexnet-64"),
        middle_convolutions: ["conv2", "conv3", "conv4", "conv5"].map(String::from).to_vec(),
    };
    let large = PresetInfo {
        name: "alexnet",
        title: "a large network",
        lr: 0.002,
        batch: 128,
        augment: false,
        standard: standard("alexnet"),
        ..small.clone()
    };
    let one_column = PresetInfo { name: "cifar-80sec", standard: standard("cifar-80sec"), ..large.clone() };
    vec![small, large, one_column]
}

/// The network of the real preset of that name.
fn standard(name: &str) -> ModelConfig {
    let presets = alexnet_lab::engine::presets();
    presets.into_iter().find(|preset| preset.name == name).expect("a known preset").standard
}

/// A set of [`description`] with ten pictures to train on and two to validate of each class.
pub fn browse_set(source: &str) -> BrowseSet {
    let description = description(source);
    let counts =
        |class: &String| ClassPictures { class: class.clone(), train: 10, validation: 2, few: false };
    BrowseSet {
        id: 0,
        preset: "alexnet-64",
        classes: description.classes.iter().map(counts).collect(),
        train_balance: Balance { min: 10, median: 10, max: 10 },
        validation_balance: Balance { min: 2, median: 2, max: 2 },
        left_out: Vec::new(),
        left_out_count: 0,
        is_drawn: source == "sample",
        description,
    }
}

pub fn description(source: &str) -> Description {
    Description {
        source: source.into(),
        layout: "3 classes in folders, 30 pictures to train on, 6 to validate".into(),
        classes: vec!["cat".into(), "dog".into(), "ship".into()],
        train: 30,
        validation: 6,
        typical_side: 8,
    }
}

pub fn run_info() -> RunInfo {
    let mut config = RunConfig::default();
    config.optim.lr = Some(0.01);
    config.run.epochs = Some(10);
    RunInfo {
        config,
        model: model(),
        data: description("sample"),
        refused: vec![Refused { name: "broken.jpg".into(), reason: "is not a picture".into() }],
        inputs: InputStatistics {
            pictures: 29,
            mean: RgbImage::from_pixel(10, 10, Rgb([90, 91, 92])),
            colours: ColourStatistics { means: [90.0, 91.0, 92.0], ..ColourStatistics::default() },
        },
        device: "Processor".into(),
        device_reason: "There is no graphics card.".into(),
        memory: MemoryNeed { bytes: 1 << 28, of: Some(1 << 32) },
        folder: "runs/1".into(),
        steps_per_epoch: 10,
        total_steps: 100,
        taken_up: None,
    }
}

pub fn model() -> ModelInfo {
    ModelInfo {
        name: "alexnet-64".into(),
        parameters: 1234,
        multiply_adds: 5678,
        input_side: 8,
        stored_side: 10,
        classes: description("sample").classes,
        convolutions: ["conv1", "conv2"].map(String::from).to_vec(),
        file: None,
    }
}

pub fn step(step: u64) -> StepPoint {
    StepPoint { step, epoch: step as f64 / 10.0, loss: 1.0, top1_error: 0.5, top5_error: 0.25, lr: 0.01 }
}

pub fn evaluation(step: u64, top1_error: f64) -> EvaluationPoint {
    EvaluationPoint { step, epoch: step as f64 / 10.0, loss: 1.0, top1_error, top5_error: 0.1, n: 6 }
}

pub fn summary(reason: StopReason) -> RunSummary {
    RunSummary {
        reason,
        step: 100,
        evaluation: Some(evaluation(100, 0.125)),
        folder: "runs/1".into(),
        model_file: Some("runs/1/model.safetensors".into()),
        figures: Vec::new(),
        seconds: 83.0,
        checkpoints: Checkpoints::default(),
        trouble: None,
    }
}

pub fn prediction() -> Prediction {
    Prediction {
        top: vec![("cat".into(), 0.831), ("dog".into(), 0.1), ("ship".into(), 0.069)],
        seen: RgbImage::from_pixel(8, 8, Rgb([200, 10, 10])),
        truth: None,
        votes: Vec::new(),
        square: RgbImage::new(0, 0),
    }
}

/// Kernels of one brightness each: kernel `k` of `n` has the weight `k / (n - 1)` throughout.
pub fn stepped_grid(kernels: usize, side: usize, columns: usize) -> FilterGrid {
    let weight = |kernel: usize| kernel as f32 / (kernels - 1) as f32;
    let weights = (0..kernels).flat_map(|kernel| vec![weight(kernel); 3 * side * side]).collect();
    FilterGrid { step: 7, weights, kernels, side, columns }
}

/// Epoch and new rate of each change of the rate.
pub fn rate_changes(state: &State) -> Vec<(f64, f64)> {
    let change = |event: &CurveEvent| match event.what {
        Happening::RateSet(rate) | Happening::RateChanged(rate) => Some((event.epoch, rate)),
        _ => None,
    };
    state.curves.events.iter().filter_map(change).collect()
}
