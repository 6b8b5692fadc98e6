//! The network's variants, its layers, and a start from a model that is open.

use std::path::PathBuf;

use alexnet_lab::config::{Norm, RunConfig};
use alexnet_lab::engine::{Command, Event, ModelInfo};
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable as _;

use super::panels::click;
use super::rig::Rig;

/// Picks an entry of a drop-down list.
fn choose(rig: &mut Rig, list: &str, entry: &str) {
    rig.harness.get_by_role_and_label(Role::ComboBox, list).click();
    rig.settle();
    rig.harness.get_by_label(entry).click();
    rig.settle();
}

#[test]
fn a_variant_is_one_choice_and_choosing_the_usual_one_takes_it_back() {
    let mut rig = Rig::model(RunConfig::default());
    choose(&mut rig, "Normalisation", "As the author ran it");
    choose(&mut rig, "Columns", "One");
    let model = &rig.harness.state().draft.base.model;
    assert_eq!((model.norm, model.columns), (Some(Norm::Author), Some(1)));
    choose(&mut rig, "Columns", "Two (this preset)");
    assert_eq!(rig.harness.state().draft.base.model.columns, None);
}

#[test]
fn the_layers_of_the_network_are_listed_as_it_is_varied() {
    let mut config = RunConfig::default();
    config.model.without = vec!["conv4".into()];
    let rig = Rig::model(config);
    for shown in ["conv1", "96x3x3", "conv5"] {
        assert!(rig.harness.query_by_label(shown).is_some(), "{shown}");
    }
    assert!(rig.harness.query_by_label("conv4").is_none());
    let spoken = "conv2, 96 x 15x15, 5x5 kernels";
    assert!(rig.harness.query_by_label_contains(spoken).is_some(), "the drawing says it too");
}

#[test]
fn a_network_that_cannot_be_is_explained_before_it_is_started() {
    let mut config = RunConfig::default();
    config.model.without = vec!["conv9".into()];
    let mut rig = Rig::with(config, [1280.0, 1000.0]);
    assert!(rig.harness.query_by_label_contains("conv2, conv3, conv4, conv5").is_some());
    click(&mut rig, "Start training");
    assert!(rig.command().is_none());
}

#[test]
fn an_impossible_choice_is_told_at_its_layer_and_taken_back_with_one_click() {
    let mut config = RunConfig::default();
    config.model.preset = Some("cifar-80sec".into());
    config.model.columns = Some(2);
    let mut rig = Rig::model(config);
    assert!(rig.harness.query_by_label_contains("It fails at conv1:").is_some());
    click(&mut rig, "Reset the network");
    assert!(rig.harness.query_by_label_contains("It fails at").is_none());
}

#[test]
fn an_open_model_can_be_trained_further() {
    let mut rig = Rig::with(RunConfig::default(), [1280.0, 1000.0]);
    assert!(rig.harness.query_by_label("Start from the open model").is_none());
    let file = Some(PathBuf::from("cats.safetensors"));
    let model = ModelInfo { name: "alexnet-64".into(), file: file.clone(), ..ModelInfo::default() };
    rig.send(Event::Loaded(Box::new(model)));
    click(&mut rig, "Start from the open model");
    click(&mut rig, "Start training");
    let Some(Command::Start(config)) = rig.command() else { panic!("a start") };
    assert_eq!((config.model.from, config.optim.lr), (file, Some(0.001)));
}
