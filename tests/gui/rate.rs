//! The learning rate in the window: schedules, frozen layers, planned changes, the search.

use alexnet_lab::config::{Change, RunConfig, Schedule};
use alexnet_lab::engine::{Command, Event, PresetInfo, RateFound, RunChange, Stage, StopReason, Suggestion};
use alexnet_lab::gui::{Draft, Field, Phase, RateSearch};
use alexnet_lab::vis::RatePoint;
use egui_kittest::kittest::Queryable as _;

use super::panels::{click, disabled, shows, type_into};
use super::rig::{Rig, presets, rate_changes, summary};

/// What a start would send now.
fn config(rig: &Rig) -> RunConfig {
    rig.harness.state().draft.config().expect("good settings")
}

fn open_schedule(rig: &mut Rig) {
    rig.harness.get_by_label_contains("Schedule: ").scroll_to_me();
    rig.settle();
    rig.harness.get_by_label_contains("Schedule: ").click();
    rig.harness.run_steps(30);
}

fn choose(rig: &mut Rig, schedule: &str) {
    click(rig, "Schedule");
    click(rig, schedule);
}

fn point(index: i32) -> RatePoint {
    RatePoint { rate: 10f64.powi(index - 6), loss: 2.3 - 0.1 * f64::from(index), smooth: 2.3 }
}

fn found(suggestion: Result<Suggestion, String>) -> Event {
    Event::RateFound(Box::new(RateFound {
        points: (0..6).map(point).collect(),
        suggestion,
        exploded: Some(0.1),
        folder: "runs/2".into(),
        table: "runs/2/rates.csv".into(),
        figure: None,
    }))
}

fn suggestion(rate: f64) -> Suggestion {
    Suggestion { rate, reason: "The loss falls most steeply here.".into() }
}

#[test]
fn schedules_are_chosen_and_bring_their_own_fields() {
    let mut rig = Rig::new();
    open_schedule(&mut rig);
    assert!(shows(&rig, "Divide at epochs") && !shows(&rig, "Patience"));
    type_into(&mut rig, "Divide at epochs", "4, 8");
    choose(&mut rig, "divide when stuck");
    assert!(!shows(&rig, "Divide at epochs"));
    type_into(&mut rig, "Patience", "5");
    let optim = config(&rig).optim;
    assert_eq!((optim.schedule, optim.plateau_patience), (Some(Schedule::Plateau), 5));
    assert_eq!(optim.lr_drops, None, "epochs of a schedule that was left are not sent");
    choose(&mut rig, "cosine to 0");
    assert_eq!(config(&rig).optim.schedule, Some(Schedule::Cosine));
    assert!(config(&rig).validate().is_ok());
    choose(&mut rig, "divide at epochs (this preset)");
    let optim = config(&rig).optim;
    assert_eq!((optim.schedule, optim.lr_drops), (None, Some(vec![4.0, 8.0])), "they come back with it");
}

#[test]
fn layers_are_frozen_from_a_list() {
    let mut rig = Rig::new();
    open_schedule(&mut rig);
    click(&mut rig, "Frozen layers");
    click(&mut rig, "fc6");
    click(&mut rig, "conv1");
    assert_eq!(config(&rig).optim.freeze, ["conv1", "fc6"], "in the order of the network");
    click(&mut rig, "fc6");
    assert_eq!(config(&rig).optim.freeze, ["conv1"]);
    assert!(rig.harness.query_by_label("relu1").is_none(), "only layers with weights are offered");
}

#[test]
fn a_frozen_layer_that_the_network_lacks_is_named() {
    let mut start = RunConfig::default();
    start.optim.freeze = vec!["conv77".into()];
    let mut rig = Rig::with(start, [1280.0, 800.0]);
    open_schedule(&mut rig);
    rig.harness.get_by_label("This network has no layer conv77");
}

#[test]
fn the_end_game_and_the_rate_of_the_biases_are_switches() {
    let mut rig = Rig::new();
    open_schedule(&mut rig);
    click(&mut rig, "The author's end game");
    click(&mut rig, "Biases follow the schedule");
    type_into(&mut rig, "Warm-up epochs", "0,5");
    let optim = config(&rig).optim;
    assert_eq!((optim.end_game, optim.bias_schedule, optim.warmup_epochs), (Some(true), Some(false), 0.5));
    click(&mut rig, "Reset all");
    assert_eq!(config(&rig), RunConfig::default());
}

#[test]
fn the_end_game_of_a_preset_can_be_left_out() {
    let presets = presets();
    let with = PresetInfo { end_game: true, ..presets[0].clone() };
    let mut draft = Draft::new(RunConfig::default());
    assert!(draft.end_game(Some(&with)) && !draft.end_game(Some(&presets[0])));
    draft.set_end_game(false, Some(&with));
    assert_eq!(draft.config().expect("good settings").optim.end_game, Some(false));
    draft.set_end_game(true, Some(&with));
    assert!(!draft.any_changed(), "as the preset says");
}

#[test]
fn a_rate_is_searched_for_and_taken() {
    let mut rig = Rig::new();
    type_into(&mut rig, "Batch size", "16");
    click(&mut rig, "Find a rate");
    let Some(Command::FindRate { config, range }) = rig.command() else { panic!("a search") };
    assert_eq!((config.optim.batch, range.updates), (Some(16), 100));
    assert_eq!(rig.harness.state().state.phase, Phase::Asked);
    rig.send(Event::Preparing { stage: Stage::FindingRate, done: 2, total: 100 });
    rig.send(Event::RateTried(point(0)));
    rig.send(Event::RateTried(point(1)));
    rig.harness.get_by_label("Loss over rate. 2 rates tried.");
    assert!(disabled(&rig, "Find a rate"));
    rig.harness.get_by_label("Find a rate").hover();
    rig.harness.run_steps(10);
    assert!(shows(&rig, "A search for a learning rate is going on."));
    assert!(shows(&rig, "Trying learning rates"));
    rig.send(found(Ok(suggestion(0.0066))));
    assert_eq!(rig.harness.state().state.phase, Phase::Idle);
    rig.harness.get_by_label("Loss over rate. Suggested 0.0066.");
    rig.harness.get_by_label("The loss falls most steeply here.");
    rig.harness.get_by_label("Show folder").hover();
    rig.harness.run_steps(10);
    assert!(shows(&rig, "Open runs/2: curve, table, settings"));
    click(&mut rig, "Use 0.0066");
    assert_eq!(rig.harness.state().draft.config().expect("good settings").optim.lr, Some(0.0066));
    assert!(rig.harness.state().state.search.is_none());
}

#[test]
fn a_search_without_a_suggestion_says_why_and_can_be_dismissed() {
    let mut rig = Rig::new();
    click(&mut rig, "Find a rate");
    rig.send(found(Err("the loss fell at none of these rates".into())));
    assert!(shows(&rig, "No rate can be suggested: the loss fell at none of these rates."));
    assert!(!disabled(&rig, "Show folder"));
    click(&mut rig, "Dismiss the search");
    assert!(!shows(&rig, "Loss over rate"));
}

#[test]
fn a_stopped_or_failed_search_leaves_the_window_idle() {
    let mut rig = Rig::new();
    click(&mut rig, "Find a rate");
    rig.send(Event::RateTried(point(0)));
    click(&mut rig, "Stop");
    rig.command();
    assert!(matches!(rig.command(), Some(Command::Stop)));
    rig.send(Event::Cancelled);
    assert!(rig.harness.state().state.search.is_none());
    assert!(!disabled(&rig, "Find a rate"));
    rig.send(found(Ok(suggestion(0.1))));
    assert!(rig.harness.state().state.search.is_none(), "a result that nobody waits for any more");
}

#[test]
fn a_finished_search_outlives_a_run() {
    let mut rig = Rig::new();
    rig.harness.state_mut().state.search =
        Some(RateSearch { points: (0..6).map(point).collect(), found: None });
    rig.send(found(Ok(suggestion(0.01))));
    rig.start();
    assert!(!shows(&rig, "Use 0.01"), "it leaves room for the run");
    rig.send(Event::Stopped(Box::new(summary(StopReason::Finished))));
    assert!(!disabled(&rig, "Use 0.01"));
}

#[test]
fn a_search_is_in_sight_in_a_small_window() {
    let size = [900.0, 600.0];
    let mut rig = Rig::with(RunConfig::default(), size);
    click(&mut rig, "Find a rate");
    rig.send(found(Ok(suggestion(0.01))));
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, size.into());
    for label in ["Loss over rate. Suggested 0.01.", "Use 0.01", "Show folder", "Start training"] {
        let rect = rig.harness.get_by_label(label).rect();
        assert!(screen.contains_rect(rect), "{label} at {rect:?}");
    }
}

#[test]
fn planned_changes_are_told_and_the_rate_follows() {
    let mut rig = Rig::training();
    let layers = vec!["conv1".into(), "conv2".into()];
    let change = RunChange::Layers { layers, scale: 0.0 };
    rig.send(Event::Changed { step: 2, epoch: 0.1, change });
    assert!(shows(&rig, "Epoch 0.1: conv1, conv2 are frozen now."));
    rig.send(Event::Changed { step: 3, epoch: 0.2, change: RunChange::PlannedRate(0.001) });
    assert!(!shows(&rig, "as planned"), "the plot shows it");
    assert_eq!(rig.harness.state().state.rate, Some(0.001));
    rig.send(Event::Changed { step: 4, epoch: 0.3, change: RunChange::PlateauRate(0.0001) });
    assert!(
        shows(&rig, "The validation error has stopped falling")
            || shows(&rig, "validation error has stopped")
    );
    assert_eq!(rate_changes(&rig.harness.state().state), [(0.2, 0.001), (0.3, 0.0001)]);
}

#[test]
fn what_a_config_plans_is_kept_and_reset() {
    let mut start = RunConfig::default();
    start.optim.schedule = Some(Schedule::Plateau);
    start.optim.plateau_patience = 7;
    start.optim.plateau_drops = 1;
    start.optim.warmup_epochs = 0.25;
    start.optim.bias_schedule = Some(false);
    start.optim.freeze = vec!["conv1".into()];
    start.optim.end_game = Some(true);
    start.optim.changes =
        vec![Change { epoch: 1.0, layer: None, lr_scale: None, colour_strength: Some(0.0) }];
    let mut draft = Draft::new(start.clone());
    assert_eq!(draft.config().expect("good settings"), start);
    assert!(draft.any_changed());
    draft.reset_all();
    assert_eq!(draft.config().expect("good settings"), RunConfig::default());
    assert!(!draft.any_changed());
}

#[test]
fn wrong_numbers_about_the_schedule_are_said() {
    let presets = presets();
    let mut draft = Draft::new(RunConfig::default());
    for (field, text, expected) in [
        (Field::Patience, "0", "Must be at least 1"),
        (Field::PlateauDrops, "-1", "Must be a whole number"),
        (Field::WarmUp, "-2", "Must be at least 0"),
    ] {
        draft.set(field, text, Some(&presets[0]));
        assert_eq!(draft.error(field).as_deref(), Some(expected), "{field:?}");
        draft.reset(field);
    }
}
