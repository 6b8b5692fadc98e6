//! Pictures of the window in a few characteristic states, compared with those in `tests/gui/snapshots`: they fail when
//! something moved, was cut or vanished. What is said and done is tested by label in the modules beside this one.
//!
//! After an intended change draw them anew, look at each of them, and commit them with the change:
//!
//! ```text
//! UPDATE_SNAPSHOTS=1 cargo test --release --test integration gui::snapshots
//! ```
//!
//! A test that fails leaves `NAME.new.png` and `NAME.diff.png` beside the picture; git ignores them. Software Vulkan
//! draws them, and no picture shows anything of this machine, its clock or its folders.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use alexnet_lab::config::RunConfig;
use alexnet_lab::data::{Dataset as _, SampleDataset, Split};
use alexnet_lab::engine::{
    Balance, BrowseNews, BrowseRequest, BrowseSet, ClassPictures, Event, PictureSource, Prediction,
    SmallPicture, Truth,
};
use alexnet_lab::gui::{Action, Tab};
use alexnet_lab::vis::{Evaluation, EvaluationPoint, FilterGrid, StepPoint};
use egui::{Key, Theme, vec2};
use egui_kittest::{OsThreshold, SnapshotOptions};
use image::{Rgb, RgbImage};
use tempfile::tempdir;

use super::panels::click;
use super::rig::{PACE, Rig, browse_set, model, prediction, run_info};
use crate::support;

/// How far a pixel may be off, in the unit of egui_kittest, and how many may be farther off. Another version of the driver
/// draws edges a little differently: with every one of them off by up to 4 of 255, no pixel is farther off than this. A
/// line of words that moves by one pixel is some hundred pixels, a word that vanishes at least 40.
const TOLERANCE: f32 = 10.0;
const STRAY_PIXELS: usize = 20;

/// Draws the window in a theme and compares it with the picture of that name.
fn compare(mut rig: Rig, name: &str, theme: Theme) {
    rig.harness.remove_cursor();
    rig.harness.ctx.set_theme(theme);
    rig.settle();
    // What this computer has is in no picture.
    (rig.harness.state_mut().state.memory, rig.harness.state_mut().state.free_memory) = (None, None);
    rig.harness.run_steps(1);
    let options = SnapshotOptions::new()
        .threshold(OsThreshold::new(TOLERANCE))
        .max_failed_pixels(OsThreshold::new(STRAY_PIXELS))
        .output_path("tests/gui/snapshots");
    rig.harness.snapshot_options(name, &options);
}

/// Whether the window can be drawn here.
fn may_draw() -> bool {
    support::software_device().is_some()
}

/// A small window in front of a view, without the left column.
fn window(tab: Tab) -> Rig {
    let mut rig = Rig::with(RunConfig::default(), [860.0, 540.0]);
    let view = &mut rig.harness.state_mut().view;
    (view.tab, view.setup_open) = (tab, false);
    rig.settle();
    rig
}

/// The built-in sample as the browser tells it.
fn sample() -> (SampleDataset, BrowseSet) {
    let sample = SampleDataset::new(3000, 600);
    let description = sample.description().clone();
    let class = |(place, class): (usize, &String)| ClassPictures {
        class: class.clone(),
        train: 300 - 32 * place,
        validation: 60,
        few: place > 7,
    };
    let set = BrowseSet {
        classes: description.classes.iter().enumerate().map(class).collect(),
        train_balance: Balance { min: 12, median: 156, max: 300 },
        validation_balance: Balance { min: 60, median: 60, max: 60 },
        description,
        ..browse_set("sample")
    };
    (sample, set)
}

/// A disc for each class: flat, so that the snapshots are small files.
fn picture(label: u32) -> RgbImage {
    let disc = [label * 25, 200 - label * 15, 90 + label * 16].map(|v| v as u8);
    RgbImage::from_fn(64, 64, |x, y| {
        let far = (f64::from(x) - 31.5).hypot(f64::from(y) - 31.5);
        Rgb(if far < f64::from(12 + 2 * label) { disc } else { [225, 225, 215] })
    })
}

/// Gives the window the small pictures that it asks for.
fn hand_pictures(rig: &mut Rig, sample: &SampleDataset) {
    let set = rig.order();
    rig.settle();
    for request in rig.requested() {
        let BrowseRequest::Show { places, version, .. } = request else { continue };
        for place in places {
            let (split, at) = (place.split, place.position);
            let result = Ok(SmallPicture {
                name: sample.name(split, at),
                label: sample.label(split, at),
                size: (64, 64),
                picture: picture(sample.label(split, at)),
            });
            rig.news.send(BrowseNews::Small { set, version, place, result }).unwrap();
        }
    }
    rig.settle();
}

/// Kernels with edges and colours, as far formed as `step` says.
fn kernels(step: u64) -> FilterGrid {
    let (kernels, side) = (32_usize, 7_usize);
    let weight = |at: usize| {
        let (kernel, x, y) = (at / (3 * side * side), at % side, at / side % side);
        let channel = at / (side * side) % 3;
        let angle = kernel as f32 * 0.4;
        let along = (x as f32 - 3.0) * angle.cos() + (y as f32 - 3.0) * angle.sin();
        let colour = if kernel < 16 { 1.0 } else { (kernel as f32 + 2.1 * channel as f32).sin() };
        (along * 0.9 + kernel as f32).sin() * colour
    };
    let weights = (0..kernels * 3 * side * side).map(weight).collect();
    FilterGrid { step, weights, kernels, side, columns: 2 }
}

/// A run of ten epochs in its seventh.
fn train(rig: &mut Rig) {
    let mut info = run_info();
    info.data = sample().0.description().clone();
    rig.events.send(Event::Started(Box::new(info))).unwrap();
    for step in 1..=64 {
        let epoch = step as f64 / 10.0;
        let wave = (step as f64 * 1.7).sin() * 0.12;
        let loss = 2.3 * (-0.45 * epoch).exp() + 0.1 + wave * (-0.2 * epoch).exp();
        let top1_error = (0.9 * (-0.4 * epoch).exp() + wave * 0.3).clamp(0.0, 1.0);
        let top5_error = (0.5 * (-0.6 * epoch).exp() + wave * 0.1).max(0.0);
        let lr = if step > 50 { 0.001 } else { 0.01 };
        let point = StepPoint { step, epoch, loss, top1_error, top5_error, lr };
        rig.events.send(Event::Step(point, PACE)).unwrap();
        if step % 10 == 0 {
            let (loss, top1_error) = (loss + 0.15, 0.95 * (-0.35 * epoch).exp());
            let point = EvaluationPoint { step, epoch, loss, top1_error, top5_error, n: 600 };
            rig.events.send(Event::Evaluation(point)).unwrap();
        }
    }
    rig.send(Event::Filters(kernels(60)));
}

#[test]
fn the_first_minute() {
    if !may_draw() {
        return;
    }
    let (sample, set) = sample();
    let mut rig = Rig::data_with(set, [1100.0, 640.0]);
    rig.harness.state_mut().view.data.visible = 0..0;
    rig.harness.state_mut().view.tab = Tab::Train;
    rig.settle();
    rig.harness.state_mut().view.tab = Tab::Data;
    hand_pictures(&mut rig, &sample);
    compare(rig, "data", Theme::Light);
}

#[test]
fn the_network() {
    if may_draw() {
        compare(window(Tab::Model), "model", Theme::Light);
    }
}

#[test]
fn a_run() {
    if !may_draw() {
        return;
    }
    let mut rig = Rig::with(RunConfig::default(), [1100.0, 680.0]);
    train(&mut rig);
    compare(rig, "train", Theme::Dark);
}

#[test]
fn a_run_that_failed() {
    if !may_draw() {
        return;
    }
    let mut rig = Rig::with(RunConfig::default(), [1100.0, 640.0]);
    train(&mut rig);
    rig.send(Event::Failed {
        message: "The card has stopped answering after update 64 (the device was lost) and cannot be started again; \
                  restart the computer if it does not come back, and go on with `alexnet-lab train --resume runs/1`, \
                  or on the processor with `--device cpu` behind it"
            .into(),
        run_ended: true,
        bad_input: false,
        saved: Some("runs/1/model.safetensors".into()),
    });
    compare(rig, "failed", Theme::Light);
}

#[test]
fn kernels_of_the_first_layer() {
    if !may_draw() {
        return;
    }
    let mut rig = window(Tab::Filters);
    train(&mut rig);
    compare(rig, "filters", Theme::Dark);
}

#[test]
fn answers() {
    if !may_draw() {
        return;
    }
    let sample = sample().0;
    let classes = &sample.description().classes;
    let mut rig = window(Tab::Predict);
    let mut info = model();
    info.classes.clone_from(classes);
    rig.send(Event::Loaded(Box::new(info)));
    click(&mut rig, "Dismiss message");
    // The best guess about picture 3 is wrong; no guess about picture 7 is right.
    for (index, first) in [(0, 0), (3, 2), (4, 4), (7, 8)] {
        let ctx = rig.harness.ctx.clone();
        let name = format!("a holiday picture with a long name {index}.png");
        let ask = Action::Classify(PictureSource::File(name.clone().into()));
        rig.harness.state_mut().carry_out(ask, &ctx, None);
        let top = [(0, 0.631), (1, 0.2), (2, 0.1), (3, 0.05), (5, 0.019)]
            .map(|(by, p)| (classes[(first + by) % 10].clone(), p));
        let class = &classes[index];
        let rank = top.iter().position(|(guess, _)| guess == class).unwrap_or(6);
        let probability = top.get(rank).map_or(0.001, |(_, p)| *p);
        let truth = Truth { class: class.clone(), rank, probability };
        let seen = picture(index as u32);
        let result = Ok(Prediction { top: top.into(), seen, truth: Some(truth), ..prediction() });
        let id = asked(&rig);
        rig.send(Event::Prediction { id, name, result });
    }
    rig.harness.key_press(Key::Escape);
    compare(rig, "predict", Theme::Dark);
}

/// The number of the question that the window has asked last.
fn asked(rig: &Rig) -> u64 {
    let asked = rig.commands.try_iter().filter_map(|command| match command {
        alexnet_lab::engine::Command::Predict { id, .. } => Some(id),
        _ => None,
    });
    asked.last().expect("a question was asked")
}

#[test]
fn mistakes() {
    if !may_draw() {
        return;
    }
    let (sample, set) = sample();
    let classes = set.description.classes.clone();
    let mut found = Evaluation::new("sample".into(), 1, classes);
    for place in 0..600_usize {
        let label = place % 10;
        // Every seventh triangle that points up is taken for one that points down, and so on.
        let best = if place % 7 == label % 3 { (label + 1) % 10 } else { label };
        let mut scores = [0.0_f32; 10];
        (scores[label], scores[best]) = (1.0, 2.0 + place as f32 / 100.0);
        found.add(sample.name(Split::Validation, place), place as u32, label as u32, &scores);
    }
    found.point = EvaluationPoint { n: 600, ..super::rig::evaluation(10, 0.14) };
    let mut rig = window(Tab::Evaluate);
    rig.harness.set_size(vec2(900.0, 640.0));
    rig.tell_set(set);
    rig.send(Event::Loaded(Box::new(model())));
    rig.send(Event::Evaluated(Arc::new(found)));
    click(&mut rig, "Dismiss message");
    hand_pictures(&mut rig, &sample);
    compare(rig, "evaluate", Theme::Light);
}

#[test]
fn runs_beside_each_other() {
    if !may_draw() {
        return;
    }
    let root = tempdir().unwrap();
    for (name, rate, steps) in [
        ("0001-alexnet-64-sample", 0.001, 300),
        ("0002-alexnet-64-sample", 0.005, 300),
        ("0003-alexnet-64-a-name-that-is-too-long-for-its-column", 0.02, 180),
    ] {
        let folder = super::compare::run(root.path(), name, rate, steps, 40.0 * rate);
        if steps == 300 {
            fs::write(folder.join("model.safetensors"), "weights").unwrap();
        }
        let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for file in fs::read_dir(&folder).unwrap() {
            fs::File::options()
                .write(true)
                .open(file.unwrap().path())
                .unwrap()
                .set_modified(written)
                .unwrap();
        }
        fs::File::open(&folder).unwrap().set_modified(written).unwrap();
    }
    let mut rig = super::compare::looking_at(root.path());
    super::compare::tick(
        &mut rig,
        &[
            "0001-alexnet-64-sample",
            "0002-alexnet-64-sample",
            "0003-alexnet-64-a-name-that-is-too-long-for-its-column",
        ],
    );
    rig.harness.state_mut().view.compare.typed = "/home/eva/runs".into();
    rig.harness.state_mut().view.setup_open = false;
    rig.harness.set_size(vec2(940.0, 640.0));
    compare(rig, "compare", Theme::Dark);
}

#[test]
fn the_keys_in_a_window_at_twice_the_size() {
    if !may_draw() {
        return;
    }
    let rig = Rig::with(RunConfig::default(), [640.0, 400.0]);
    rig.harness.key_press(Key::F1);
    compare(rig, "keys", Theme::Light);
}
