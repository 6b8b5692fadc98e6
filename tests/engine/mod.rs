//! Whole runs through commands and events, on small samples.

mod browse;
mod control;
mod corrections;
mod course;
mod failures;
mod faithful;
mod faults;
mod film;
mod going_on;
mod inquiry;
mod inspect;
mod kept;
mod long;
mod prepare;
mod resume;

use std::path::Path;
use std::time::Duration;

use alexnet_lab::config::RunConfig;
use alexnet_lab::engine::{Command, Engine, Event, RunSummary};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

/// A run of a second or two: the quick network on a small sample.
fn quick(out: &Path) -> RunConfig {
    let mut config = RunConfig::default();
    config.data.sample_train = 96;
    config.data.sample_validation = 40;
    config.model.preset = Some("cifar-80sec".into());
    config.optim.batch = Some(16);
    config.run.epochs = Some(2);
    config.run.device = "cpu".into();
    config.run.out = Some(out.into());
    config
}

/// A run that does not end by itself within a test.
fn endless(out: &Path) -> RunConfig {
    let mut config = quick(out);
    config.run.epochs = Some(10_000);
    config
}

fn engine() -> Engine {
    Engine::spawn(|| {}).unwrap()
}

fn start(engine: &Engine, config: RunConfig) {
    engine.send(Command::Start(Box::new(config)));
}

fn next(engine: &Engine) -> Event {
    engine.events().recv_timeout(PATIENCE).expect("the engine says something in time")
}

/// Events up to and including the first that `is_last` accepts.
fn until(engine: &Engine, is_last: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let event = next(engine);
        if let Event::Failed { message, .. } = &event {
            assert!(is_last(&event), "failed: {message}");
        }
        let last = is_last(&event);
        events.push(event);
        if last {
            return events;
        }
    }
}

/// An engine that carries out an order and is paused before its first update, with what it has said so far. After each
/// event it waits until the test has looked at it, so that the pause comes neither while the pictures are prepared, which
/// it would hold up, nor after the first update.
fn paused(order: Command) -> (Engine, Vec<Event>) {
    let (looked, go_on) = crossbeam_channel::unbounded::<()>();
    let engine = Engine::spawn(move || {
        // Nobody looks any more: it goes on by itself.
        let _ = go_on.recv();
    });
    let engine = engine.unwrap();
    engine.send(order);
    let mut events = Vec::new();
    let mut started = false;
    while !started {
        let event = next(&engine);
        if let Event::Failed { message, .. } = &event {
            panic!("failed: {message}");
        }
        started = matches!(event, Event::Started(_));
        if started {
            engine.send(Command::Pause);
        }
        events.push(event);
        looked.send(()).unwrap();
    }
    drop(looked);
    events.extend(until(&engine, |event| matches!(event, Event::Paused { .. })));
    (engine, events)
}

fn is_step(event: &Event) -> bool {
    matches!(event, Event::Step(..))
}

/// Runs to the end.
fn run(config: RunConfig) -> (Vec<Event>, RunSummary) {
    let engine = engine();
    start(&engine, config);
    let events = until(&engine, |e| matches!(e, Event::Stopped(_)));
    let summary = match events.last() {
        Some(Event::Stopped(summary)) => (**summary).clone(),
        _ => unreachable!("until ends with it"),
    };
    (events, summary)
}
