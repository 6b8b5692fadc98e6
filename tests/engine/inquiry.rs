//! Questions that take longer: folders and the training pictures most alike, idle and during training.

use std::path::{Path, PathBuf};

use alexnet_lab::config::DataConfig;
use alexnet_lab::data::{self, Split};
use alexnet_lab::engine::{
    Command, Engine, Event, FolderAnswer, FolderQuestion, Inquiry, InquiryEnd, InquiryNews, Nearest,
    Neighbour, PictureSource, Views, class_of_path,
};
use alexnet_lab::infer;
use alexnet_lab::model::{Input, Mode, Network, to_host};
use burn::tensor::Device;
use image::RgbImage;
use tempfile::tempdir;

use super::resume::info;
use super::{endless, engine, is_step, quick, start, until};
use crate::tiny;

/// A few pictures of the built-in sample.
fn sample() -> DataConfig {
    DataConfig { sample_train: 60, sample_validation: 20, ..DataConfig::default() }
}

fn loaded(folder: &Path) -> Engine {
    let engine = engine();
    engine.send(Command::Load { path: tiny::network_file(folder), device: "cpu".into() });
    until(&engine, |event| matches!(event, Event::Loaded(_)));
    engine
}

/// A folder for each of the first classes, with a picture in each, and a file that is none.
fn pets(folder: &Path) -> (PathBuf, Vec<String>) {
    let dataset = data::open(&sample()).unwrap();
    let classes = dataset.description().classes.clone();
    let root = folder.join("pets");
    for index in 0..6 {
        let class = &classes[dataset.label(Split::Validation, index) as usize];
        std::fs::create_dir_all(root.join(class)).unwrap();
        let picture = dataset.read(Split::Validation, index, 24).unwrap();
        picture.save(root.join(class).join(format!("{index}.png"))).unwrap();
    }
    std::fs::write(root.join("notes.txt"), "no picture").unwrap();
    std::fs::write(root.join("cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    (root, classes)
}

fn question(views: Views) -> FolderQuestion {
    FolderQuestion { views, top: 5, nearest: 0 }
}

fn ask(engine: &Engine, inquiry: Inquiry) {
    engine.send(Command::Inquire(inquiry));
}

/// Everything about folder `id` until it ends.
fn folder(engine: &Engine, id: u64) -> (Option<usize>, Vec<FolderAnswer>, InquiryEnd) {
    let of_this = |event: &Event| matches!(event, Event::Inquiry(InquiryNews::FolderEnded { id: ended, .. }) if *ended == id);
    let (mut files, mut all, mut ended) = (None, Vec::new(), InquiryEnd::Done);
    for event in until(engine, of_this) {
        match event {
            Event::Inquiry(InquiryNews::FolderListed { files: found, .. }) => files = Some(found),
            Event::Inquiry(InquiryNews::FolderAnswers { answers, .. }) => all.extend(answers),
            Event::Inquiry(InquiryNews::FolderEnded { end, .. }) => ended = end,
            _ => {}
        }
    }
    (files, all, ended)
}

#[test]
fn every_picture_of_a_folder_is_answered_as_it_is_alone() {
    let home = tempdir().unwrap();
    let (root, classes) = pets(home.path());
    let engine = loaded(home.path());
    for views in [Views::One, Views::Ten] {
        ask(&engine, Inquiry::Folder { id: 3, inputs: vec![root.clone()], asked: question(views) });
        let (files, answers, end) = folder(&engine, 3);
        assert_eq!((files, answers.len(), &end), (Some(8), 8, &InquiryEnd::Done));
        assert!(answers.is_sorted_by_key(|answer| &answer.path), "in the order of the names");
        let broken: Vec<&FolderAnswer> = answers.iter().filter(|answer| answer.result.is_err()).collect();
        assert_eq!(broken.len(), 2, "{broken:?}");
        for answer in &answers {
            let Ok(classified) = &answer.result else { continue };
            let truth = classified.truth.as_ref().expect("the folder names the class");
            assert_eq!(
                Some(truth.class.as_str()),
                answer.path.parent().unwrap().file_name().unwrap().to_str()
            );
            assert_eq!(class_of_path(&answer.path, &classes), classes.iter().position(|c| *c == truth.class));
            let source = PictureSource::File(answer.path.clone());
            engine.send(Command::Predict { id: 1, source, views, top: 5 });
            let events = until(&engine, |event| matches!(event, Event::Prediction { .. }));
            let Some(Event::Prediction { result: Ok(alone), .. }) = events.last() else { panic!() };
            assert_eq!(alone.truth.as_ref().map(|t| t.rank), Some(truth.rank));
            for ((class, p), (expected, alone)) in classified.top.iter().zip(&alone.top) {
                assert_eq!(class, expected);
                assert!((p - alone).abs() < 1e-5, "{class}: {p} and {alone}");
            }
        }
    }
}

#[test]
fn a_folder_is_answered_during_training_and_can_be_stopped() {
    let home = tempdir().unwrap();
    let (root, _) = pets(home.path());
    let engine = engine();
    start(&engine, endless(&home.path().join("run")));
    until(&engine, is_step);
    ask(&engine, Inquiry::Folder { id: 1, inputs: vec![root.clone()], asked: question(Views::One) });
    let (_, answers, end) = folder(&engine, 1);
    assert_eq!((answers.len(), end), (8, InquiryEnd::Done));
    // Trained on meanwhile, and afterwards.
    until(&engine, is_step);
    let many = vec![root; 200];
    ask(&engine, Inquiry::Folder { id: 2, inputs: many, asked: question(Views::Ten) });
    ask(&engine, Inquiry::StopFolder);
    let (_, answers, end) = folder(&engine, 2);
    assert_eq!(end, InquiryEnd::Stopped);
    assert!(answers.len() < 1600);
    engine.send(Command::Stop);
    until(&engine, |event| matches!(event, Event::Stopped(_)));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let home = tempdir().unwrap();
    let engine = engine();
    ask(&engine, Inquiry::Folder { id: 1, inputs: vec![home.path().into()], asked: question(Views::One) });
    let (_, _, end) = folder(&engine, 1);
    assert!(matches!(end, InquiryEnd::Failed(reason) if reason.contains("no model")));
    let engine = loaded(home.path());
    let void = home.path().join("void");
    std::fs::create_dir(&void).unwrap();
    ask(&engine, Inquiry::Folder { id: 2, inputs: vec![void], asked: question(Views::One) });
    let (_, _, end) = folder(&engine, 2);
    assert!(matches!(end, InquiryEnd::Failed(reason) if reason.contains("void` has no files")));
    let source = PictureSource::Pixels { name: "grey".into(), picture: RgbImage::new(9, 9) };
    ask(&engine, Inquiry::Nearest { id: 5, source, count: 6 });
    assert!(nearest(&engine).is_err_and(|reason| reason.contains("no index")));
    let data = DataConfig { source: "/no/such/folder".into(), ..DataConfig::default() };
    ask(&engine, Inquiry::Index(Box::new(data)));
    let ended =
        |event: &Event| matches!(event, Event::Inquiry(InquiryNews::IndexEnded(InquiryEnd::Failed(_))));
    until(&engine, ended);
}

fn nearest(engine: &Engine) -> Result<Nearest, String> {
    let events = until(engine, |event| matches!(event, Event::Inquiry(InquiryNews::Nearest { .. })));
    match events.into_iter().last() {
        Some(Event::Inquiry(InquiryNews::Nearest { result, .. })) => result,
        _ => unreachable!("until ends with it"),
    }
}

/// The last hidden layer of the tiny network by its layers one by one: what its last layer reads.
fn hidden(network: &Network, input: &Input, picture: &RgbImage) -> Vec<f32> {
    let pixels = input.upload(&data::planes(picture), network.device());
    let scores = to_host(network.forward(network.weights(), pixels.clone(), Mode::Inference).logits).unwrap();
    let values = network.hidden_values(&network.hidden().unwrap(), pixels).unwrap();
    // Its own last layer makes the network's scores of these values.
    let [weight, bias] = [2, 3].map(|index| to_host(network.weights()[index].clone()).unwrap());
    for (class, score) in scores.iter().enumerate() {
        let row = &weight[class * values.len()..][..values.len()];
        let sum: f32 = row.iter().zip(&values).map(|(w, v)| w * v).sum::<f32>() + bias[class];
        assert!((sum - score).abs() < 1e-4, "class {class}: {sum} and {score}");
    }
    values
}

#[test]
fn the_nearest_training_pictures_are_those_of_a_plain_calculation() {
    let home = tempdir().unwrap();
    let engine = loaded(home.path());
    ask(&engine, Inquiry::Index(Box::new(sample())));
    let events = until(&engine, |event| matches!(event, Event::Inquiry(InquiryNews::Indexed(_))));
    let Some(Event::Inquiry(InquiryNews::Indexed(info))) = events.last() else { panic!() };
    assert_eq!((info.pictures, info.of, info.unreadable, info.layer.as_str()), (60, 60, 0, "pool1"));
    assert_eq!((info.width, info.bytes), (4 * 4 * 4, 60 * 64 * 4));

    let file = tiny::network();
    let network = Network::new(file.spec.clone(), &file.weights, &Device::flex()).unwrap();
    let input = Input::new(file.spec.input, file.mean);
    let dataset = data::open(&sample()).unwrap();
    let side = tiny::SIDE as u32;
    let rows: Vec<Vec<f32>> = (0..60)
        .map(|index| hidden(&network, &input, &dataset.read(Split::Train, index, side).unwrap()))
        .collect();
    let picture = dataset.read(Split::Validation, 3, side).unwrap();
    let wanted = hidden(&network, &input, &picture);
    let mut plain: Vec<(usize, f32)> =
        rows.iter().map(|row| infer::distance(row, &wanted)).enumerate().collect();
    plain.sort_by(|a, b| a.1.total_cmp(&b.1));

    let source = PictureSource::Pixels { name: "a disc".into(), picture };
    ask(&engine, Inquiry::Nearest { id: 5, source, count: 6 });
    let found = nearest(&engine).unwrap();
    assert_eq!(found.neighbours.len(), 6);
    for (near, (index, distance)) in found.neighbours.iter().zip(&plain) {
        assert_eq!(near.name, dataset.name(Split::Train, *index));
        let class = &dataset.description().classes[dataset.label(Split::Train, *index) as usize];
        assert_eq!(&near.class, class);
        assert!((near.distance - distance).abs() < 1e-3, "{}: {} and {distance}", near.name, near.distance);
        assert_eq!(near.picture.as_ref().unwrap().dimensions(), (side, side));
    }
    // A training picture is closest to itself.
    let own = dataset.read(Split::Train, 17, side).unwrap();
    ask(
        &engine,
        Inquiry::Nearest {
            id: 6,
            source: PictureSource::Pixels { name: "own".into(), picture: own },
            count: 1,
        },
    );
    let found = nearest(&engine).unwrap();
    assert_eq!(
        (found.neighbours[0].name.clone(), found.neighbours[0].distance),
        (dataset.name(Split::Train, 17), 0.0)
    );
}

#[test]
fn a_folder_is_answered_with_the_training_pictures_that_each_picture_has_alone() {
    let home = tempdir().unwrap();
    let (root, _) = pets(home.path());
    let engine = loaded(home.path());
    let asked = FolderQuestion { nearest: 6, ..question(Views::One) };
    ask(&engine, Inquiry::Folder { id: 1, inputs: vec![root.clone()], asked });
    let (_, _, end) = folder(&engine, 1);
    assert!(matches!(end, InquiryEnd::Failed(reason) if reason.contains("no index")));
    ask(&engine, Inquiry::Index(Box::new(sample())));
    until(&engine, |event| matches!(event, Event::Inquiry(InquiryNews::Indexed(_))));
    ask(&engine, Inquiry::Folder { id: 2, inputs: vec![root.clone()], asked });
    let (_, answers, _) = folder(&engine, 2);
    for answer in &answers {
        let Ok(_) = answer.result else {
            assert_eq!(answer.nearest, None);
            continue;
        };
        let found = answer.nearest.clone().expect("they were asked for").unwrap();
        let source = PictureSource::File(answer.path.clone());
        ask(&engine, Inquiry::Nearest { id: 1, source, count: 6 });
        let alone = nearest(&engine).unwrap().neighbours;
        let plain = |all: Vec<Neighbour>| -> Vec<_> {
            all.into_iter().map(|near| (near.name, near.class, (near.distance * 1e3).round())).collect()
        };
        assert_eq!(plain(found), plain(alone));
    }
    assert_eq!(answers.iter().filter(|answer| answer.nearest.is_some()).count(), 6);
    // Forgotten, it can no longer be searched.
    ask(&engine, Inquiry::DropIndex);
    until(&engine, |event| matches!(event, Event::Inquiry(InquiryNews::IndexDropped)));
    ask(&engine, Inquiry::Folder { id: 3, inputs: vec![root], asked });
    let (_, _, end) = folder(&engine, 3);
    assert!(matches!(end, InquiryEnd::Failed(_)));
}

#[test]
fn an_index_stays_that_of_its_network_while_the_run_trains_on() {
    let home = tempdir().unwrap();
    let engine = engine();
    start(&engine, endless(&home.path().join("run")));
    until(&engine, is_step);
    ask(&engine, Inquiry::Index(Box::new(sample())));
    let events = until(&engine, |event| matches!(event, Event::Inquiry(InquiryNews::Indexed(_))));
    let Some(Event::Inquiry(InquiryNews::Indexed(info))) = events.last() else { panic!() };
    let dataset = data::open(&sample()).unwrap();
    let picture = dataset.read(Split::Train, 5, 32).unwrap();
    let ask_now = || {
        let source = PictureSource::Pixels { name: "five".into(), picture: picture.clone() };
        ask(&engine, Inquiry::Nearest { id: 1, source, count: 3 });
        let found = nearest(&engine).unwrap();
        assert_eq!(found.step, info.step);
        found.neighbours.into_iter().map(|near| (near.name, near.distance)).collect::<Vec<_>>()
    };
    let before = ask_now();
    assert_eq!(before[0], (dataset.name(Split::Train, 5), 0.0));
    for _ in 0..5 {
        until(&engine, is_step);
    }
    assert_eq!(ask_now(), before, "the answers are those of the network that made the index");
    engine.send(Command::Stop);
    until(&engine, |event| matches!(event, Event::Stopped(_)));
}

#[test]
fn a_run_that_needs_the_memory_takes_that_of_the_index() {
    let home = tempdir().unwrap();
    let engine = loaded(home.path());
    ask(&engine, Inquiry::Index(Box::new(sample())));
    until(&engine, |event| matches!(event, Event::Inquiry(InquiryNews::Indexed(_))));
    let dropped = |name: &str, batch: usize| {
        let mut config = quick(&home.path().join(name));
        (config.data.sample_train, config.data.sample_validation) = (20, 10);
        config.model.preset = Some("alexnet-64".into());
        config.run.max_steps = Some(1);
        // So many pictures are never there; what counts is how many may pass at once.
        (config.optim.batch, config.optim.micro_batch) = (Some(batch), batch);
        start(&engine, config);
        let events = until(&engine, |event| matches!(event, Event::Stopped(_)));
        let told = |event: &Event| matches!(event, Event::Note(text) if text.contains("were given up"));
        let dropped = events.iter().any(|e| matches!(e, Event::Inquiry(InquiryNews::IndexDropped)));
        assert_eq!(events.iter().any(told), dropped, "{name}");
        let need = info(&events).memory;
        let is_too_much = need.of.is_some_and(|of| need.bytes > of / 10 * 9);
        (dropped, is_too_much)
    };
    assert_eq!(dropped("small", 2), (false, false));
    // 59 GiB; a machine may have that, and elsewhere than on Linux nobody knows.
    let (dropped, is_too_much) = dropped("large", 65_536);
    assert_eq!(dropped, is_too_much);
}
