//! Settings being edited.

use alexnet_lab::config::{ColourNoise, Init, Mean, RunConfig};
use alexnet_lab::gui::{Draft, Field};

use super::rig::presets;

#[test]
fn fields_left_alone_follow_the_preset() {
    let presets = presets();
    let (small, large) = (Some(&presets[0]), Some(&presets[1]));
    let mut draft = Draft::new(RunConfig::default());
    assert_eq!(draft.text(Field::LearningRate, small), "0.01");
    assert_eq!(draft.text(Field::LearningRate, large), "0.002");
    assert_eq!(draft.text(Field::LearningRate, None), "");
    draft.set(Field::Batch, "64", small);
    assert_eq!(draft.text(Field::Batch, large), "64", "a changed field does not");
    assert!(draft.is_changed(Field::Batch) && !draft.is_changed(Field::LearningRate));
    let config = draft.config().expect("good settings");
    assert_eq!((config.optim.batch, config.optim.lr), (Some(64), None));
    draft.reset(Field::Batch);
    assert_eq!(draft.config().expect("good settings"), RunConfig::default());
}

#[test]
fn typing_the_standard_value_is_no_change() {
    let presets = presets();
    let mut draft = Draft::new(RunConfig::default());
    draft.set(Field::Epochs, "12", Some(&presets[0]));
    draft.set(Field::Epochs, "10", Some(&presets[0]));
    assert!(!draft.any_changed());
}

#[test]
fn an_emptied_field_stays_empty_and_means_the_standard() {
    let presets = presets();
    let mut draft = Draft::new(RunConfig::default());
    draft.set(Field::Momentum, "", Some(&presets[0]));
    assert_eq!(draft.text(Field::Momentum, Some(&presets[0])), "");
    assert_eq!(draft.error(Field::Momentum), None);
    assert_eq!(draft.config().expect("good settings").optim.momentum, None);
}

#[test]
fn mistakes_are_said_beside_their_field() {
    let mut draft = Draft::new(RunConfig::default());
    let cases = [
        (Field::LearningRate, "abc", "Must be a number, for example 0.01"),
        (Field::LearningRate, "0", "Must be a finite number greater than 0"),
        (Field::LearningRate, "-1", "Must be a finite number greater than 0"),
        (Field::LearningRate, "NaN", "Must be a finite number greater than 0"),
        (Field::Batch, "1.5", "Must be a whole number"),
        (Field::Batch, "0", "Must be 1 to 65536"),
        (Field::Epochs, "0", "Must be at least 1"),
        (Field::Momentum, "1", "Must be at least 0 and below 1"),
        (Field::Seed, "-3", "Must be a whole number"),
        (Field::ValidationShare, "1.2", "Must be between 0 and 1"),
        (Field::RateDrops, "8, x", "Epochs separated by commas, for example 8, 12"),
    ];
    for (field, text, expected) in cases {
        draft.set(field, text, None);
        assert_eq!(draft.error(field).as_deref(), Some(expected), "{field:?} {text:?}");
        assert_eq!(draft.config().err(), Some(vec![(field, expected.to_owned())]), "{field:?} {text:?}");
        draft.reset(field);
    }
}

#[test]
fn numbers_may_be_written_in_several_ways() {
    let mut draft = Draft::new(RunConfig::default());
    draft.set(Field::LearningRate, " 0,05 ", None);
    draft.set(Field::WeightDecay, "5e-4", None);
    draft.set(Field::RateDrops, "8; 12,14.5", None);
    let config = draft.config().expect("good settings");
    assert_eq!(config.optim.lr, Some(0.05));
    assert_eq!(config.optim.weight_decay, Some(0.0005));
    assert_eq!(config.optim.lr_drops, Some(vec![8.0, 12.0, 14.5]));
}

#[test]
fn settings_given_at_the_start_come_back_unchanged() {
    let mut config = RunConfig::default();
    config.data.source = "pictures".into();
    config.data.split_seed = 9;
    config.data.validation_share = 0.3;
    config.data.augment = Some(false);
    config.data.colour_noise = Some(ColourNoise::Literal);
    config.data.colour_strength = 0.25;
    config.data.mean = Some(Mean::Channel);
    config.model.preset = Some("alexnet".into());
    config.model.init = Some(Init::Paper);
    config.optim.lr = Some(0.125);
    config.optim.batch = Some(7);
    config.optim.micro_batch = 3;
    config.optim.lr_drops = Some(vec![2.0, 3.5]);
    config.run.epochs = Some(4);
    config.run.max_steps = Some(20);
    config.run.seed = 99;
    config.run.device = "cpu".into();
    let mut draft = Draft::new(config.clone());
    assert_eq!(draft.config().expect("good settings"), config);
    draft.reset_all();
    let reset = draft.config().expect("good settings");
    assert_eq!((reset.optim.lr, reset.run.epochs, reset.run.seed, reset.data.augment), (None, None, 1, None));
    assert_eq!((reset.data.colour_noise, reset.data.mean, reset.data.colour_strength), (None, None, 0.1));
    assert_eq!(reset.data.split_seed, 9, "what the window does not show is kept");
    assert_eq!(reset.model.preset.as_deref(), Some("alexnet"));
}

#[test]
fn augmentation_follows_the_preset_until_it_is_changed() {
    let presets = presets();
    let mut draft = Draft::new(RunConfig::default());
    assert!(draft.augment(Some(&presets[0])) && !draft.augment(Some(&presets[1])));
    draft.set_augment(false, Some(&presets[0]));
    assert_eq!(draft.config().expect("good settings").data.augment, Some(false));
    draft.set_augment(true, Some(&presets[0]));
    assert_eq!(draft.config().expect("good settings").data.augment, None);
}
