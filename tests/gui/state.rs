//! What events do to the state, in order and out of order.

use alexnet_lab::engine::{BrowseNews, BrowseSet, Event, Finding, Remedy, Stage, StopReason};
use alexnet_lab::gui::{Answer, Found, Notices, Phase, Severity, State};
use alexnet_lab::vis::StepPoint;

use super::rig::{
    PACE, browse_set, evaluation, model, prediction, presets, rate_changes, run_info, step, stepped_grid,
    summary,
};

fn training() -> State {
    let mut state = State::new(presets());
    state.asked_to_start();
    state.apply(Event::Started(Box::new(run_info())));
    state
}

#[test]
fn a_run_goes_from_asked_to_finished() {
    let mut state = State::new(presets());
    state.asked_to_start();
    assert_eq!(state.phase, Phase::Asked);
    assert!(state.busy() && !state.running());
    let preparing = Phase::Preparing { stage: Stage::Decoding, done: 3, total: 9 };
    state.apply(Event::Preparing { stage: Stage::Decoding, done: 3, total: 9 });
    assert_eq!(state.phase, preparing);
    state.apply(Event::Started(Box::new(run_info())));
    assert_eq!(state.phase, Phase::Training);
    assert_eq!(state.rate, Some(0.01));
    assert_eq!(state.model, Some(model()));
    state.apply(Event::Step(step(1), PACE));
    state.apply(Event::Evaluating { done: 2, total: 6 });
    assert_eq!(state.evaluating, Some((2, 6)));
    state.apply(Event::Evaluation(evaluation(10, 0.2)));
    assert_eq!(state.evaluating, None);
    state.apply(Event::Stopped(Box::new(summary(StopReason::Finished))));
    assert_eq!(state.phase, Phase::Idle);
    assert_eq!(state.curves.evaluations.len(), 2, "the last measurement counts as well");
    assert!(state.notices.list().is_empty());
    assert!(state.model.is_some(), "the network can still be asked");
}

#[test]
fn steps_that_do_not_fit_change_nothing() {
    let mut state = State::new(presets());
    state.apply(Event::Step(step(1), PACE));
    assert!(state.curves.is_empty(), "a step of no run");
    let mut state = training();
    state.apply(Event::Step(step(5), PACE));
    state.apply(Event::Step(step(4), PACE));
    state.apply(Event::Step(step(5), PACE));
    assert_eq!(state.last.map(|point| point.step), Some(5));
    assert_eq!(state.curves.loss.values().len(), 1);
    state.apply(Event::Stopped(Box::new(summary(StopReason::Asked))));
    state.apply(Event::Step(step(6), PACE));
    assert_eq!(state.last.map(|point| point.step), Some(5));
    assert_eq!(state.phase, Phase::Idle);
}

#[test]
fn pauses_belong_to_a_run() {
    let mut state = State::new(presets());
    state.apply(Event::Paused { step: 0 });
    assert_eq!(state.phase, Phase::Idle);
    state.apply(Event::Resumed);
    assert_eq!(state.phase, Phase::Idle);
    let mut state = training();
    state.apply(Event::Paused { step: 1 });
    assert_eq!(state.phase, Phase::Paused);
    state.apply(Event::Step(step(2), PACE));
    assert_eq!(state.phase, Phase::Paused, "a single step does not end the pause");
    state.apply(Event::Resumed);
    assert_eq!(state.phase, Phase::Training);
    state.apply(Event::Preparing { stage: Stage::Model, done: 0, total: 0 });
    assert_eq!(state.phase, Phase::Training);
}

fn failed(run_ended: bool) -> Event {
    Event::Failed {
        message: "The disk is full.".into(),
        run_ended,
        bad_input: false,
        saved: run_ended.then(|| "runs/1/model.safetensors".into()),
    }
}

#[test]
fn failures_end_a_run_only_if_they_say_so() {
    let mut state = training();
    state.apply(failed(false));
    assert_eq!(state.phase, Phase::Training);
    state.apply(failed(true));
    assert_eq!(state.phase, Phase::Idle);
    let texts: Vec<&str> = state.notices.list().iter().map(|notice| notice.text.as_str()).collect();
    assert_eq!(
        texts,
        ["The disk is full. What was learned is kept in `runs/1/model.safetensors`.", "The disk is full."]
    );
}

#[test]
fn a_refused_start_leaves_no_run() {
    let mut state = State::new(presets());
    state.asked_to_start();
    state.apply(failed(false));
    assert_eq!(state.phase, Phase::Idle);
    state.asked_to_start();
    state.stopping = true;
    state.apply(Event::Cancelled);
    assert_eq!(state.phase, Phase::Idle);
    assert!(!state.stopping);
}

#[test]
fn divergence_is_said_in_words() {
    let mut state = training();
    state.apply(Event::Step(StepPoint { loss: f64::NAN, ..step(1) }, PACE));
    assert!(state.curves.loss.is_empty(), "a plot cannot show what is not a number");
    state.apply(Event::Stopped(Box::new(summary(StopReason::Diverged))));
    assert!(state.notices.list()[0].text.contains("no longer a number"));
    let diagnosis = state.diagnosis.expect("it ails");
    assert_eq!(diagnosis.finding, Finding::NotANumber { step: 1 });
    assert!(matches!(diagnosis.remedy, Remedy::StartAgain { rate } if (rate - 0.001).abs() < 1e-12));
}

#[test]
fn a_new_run_begins_with_empty_curves() {
    let mut state = training();
    state.apply(Event::Step(step(1), PACE));
    state.apply(Event::Evaluation(evaluation(10, 0.2)));
    state.apply(Event::RateSet { step: 10, rate: 0.001 });
    state.apply(Event::Filters(stepped_grid(4, 3, 1)));
    assert_eq!(state.rate, Some(0.001));
    assert_eq!(rate_changes(&state), [(1.0, 0.001)]);
    state.apply(Event::Stopped(Box::new(summary(StopReason::Finished))));
    state.asked_to_start();
    assert!(state.summary.is_none());
    state.apply(Event::Started(Box::new(run_info())));
    assert!(state.curves.is_empty() && rate_changes(&state).is_empty());
    assert!(state.filters.is_none() && state.last.is_none());
}

#[test]
fn only_saves_that_were_asked_for_are_news() {
    let mut state = training();
    state.apply(Event::Saved { path: "runs/1/model.safetensors".into() });
    assert!(state.notices.list().is_empty(), "the run writes its model now and then");
    state.apply(Event::Saved { path: "mine.safetensors".into() });
    assert!(state.notices.list()[0].text.ends_with("mine.safetensors`"));
}

#[test]
fn only_the_chosen_source_is_described() {
    let mut state = State::new(presets());
    state.chose_source("old");
    let old = state.gallery.asked_to_open();
    state.chose_source("new");
    let new = state.gallery.asked_to_open();
    let opened =
        |id, source, preset| BrowseNews::Opened(Box::new(BrowseSet { id, preset, ..browse_set(source) }));
    state.apply_browse(opened(old, "old", "alexnet-64"));
    assert!(matches!(state.found, Found::Looking));
    assert!(state.preset(None).is_none(), "the fitting preset is not known yet");
    state.apply_browse(opened(new, "new", "alexnet"));
    assert_eq!(state.preset(None).map(|preset| preset.name), Some("alexnet"));
    assert_eq!(state.preset(Some("alexnet-64")).map(|preset| preset.name), Some("alexnet-64"));
    assert!(state.preset(Some("no such preset")).is_none());
    state.apply_browse(BrowseNews::Unusable {
        id: new,
        source: "new".into(),
        reason: "empty".into(),
        way_out: alexnet_lab::engine::WayOut::None,
    });
    assert!(matches!(&state.found, Found::Unusable(reason) if reason == "Empty."));
}

#[test]
fn a_late_word_about_preparing_is_no_run() {
    let mut state = State::new(presets());
    state.apply(Event::Preparing { stage: Stage::Scanning, done: 0, total: 0 });
    assert_eq!(state.phase, Phase::Idle);
}

#[test]
fn answers_find_their_pictures() {
    let mut state = training();
    let first = state.asked_to_classify("a.jpg".into());
    let second = state.asked_to_classify("b.jpg".into());
    assert_ne!(first, second);
    state.apply(Event::Prediction { id: first, name: "a.jpg".into(), result: Ok(prediction()) });
    state.apply(Event::Prediction { id: second, name: "b.jpg".into(), result: Err("not a picture".into()) });
    assert!(matches!(&state.predictions[0].answer, Answer::Ready(p) if p.top[0].0 == "cat"));
    assert!(matches!(&state.predictions[1].answer, Answer::Failed(reason) if reason == "Not a picture."));
    assert_eq!(state.prediction_in_view().map(|p| p.id), Some(second));
    state.remove_prediction(second);
    assert_eq!(state.prediction_in_view().map(|p| p.id), Some(first));
    state.apply(Event::Prediction { id: second, name: "b.jpg".into(), result: Ok(prediction()) });
    assert_eq!(state.predictions.len(), 1, "the answer to a removed picture is dropped");
}

#[test]
fn the_strip_of_pictures_stays_short() {
    let mut state = training();
    for number in 0..100 {
        state.asked_to_classify(format!("{number}.jpg"));
    }
    assert_eq!(state.predictions.len(), 24);
    assert_eq!(state.predictions.last().map(|p| p.name.as_str()), Some("99.jpg"));
}

#[test]
fn a_grid_that_cannot_be_drawn_is_left_out() {
    let mut state = training();
    let mut grid = stepped_grid(4, 3, 1);
    grid.weights.pop();
    state.apply(Event::Filters(grid));
    assert!(state.filters.is_none());
    state.apply(Event::Filters(stepped_grid(4, 3, 1)));
    assert_eq!(state.filters_seen, 1);
}

#[test]
fn notices_are_counted_and_bounded() {
    let mut notices = Notices::default();
    notices.push(Severity::Warning, "slow");
    notices.push(Severity::Error, "full");
    notices.push(Severity::Warning, "slow");
    assert_eq!(notices.list().len(), 2);
    assert_eq!((notices.list()[0].text.as_str(), notices.list()[0].count), ("slow", 2));
    assert_eq!(notices.as_text(), "Warning: slow\nError: full\n");
    let id = notices.list()[0].id;
    notices.dismiss(id);
    assert_eq!(notices.list().len(), 1);
    for number in 0..1000 {
        notices.push(Severity::Info, number.to_string());
    }
    assert_eq!(notices.list().len(), 50);
    assert_eq!(notices.list()[0].text, "999");
}
