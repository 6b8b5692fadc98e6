//! Stopping, and servers that go away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alexnet_lab::data::download::{DownloadError, Progress, fetch};

use super::{Rig, content};
use crate::web::{Answer, Web};

/// Fetches, and stops as soon as `when` is true of a report; returns how long the stop took.
fn stopped(rig: &Rig, when: impl Fn(&Progress) -> bool) -> Duration {
    let mut since = None;
    let result = fetch(&rig.set, &rig.shelf, &rig.settings, &rig.cancel, &mut |progress| {
        if when(&progress) {
            since.get_or_insert_with(Instant::now);
            rig.cancel.store(true, Ordering::Relaxed);
        }
    });
    assert!(matches!(result, Err(DownloadError::Cancelled)), "{result:?}");
    rig.cancel.store(false, Ordering::Relaxed);
    since.expect("it was stopped").elapsed()
}

#[test]
fn a_slow_drip_is_stopped_at_once_and_goes_on_later() {
    let bytes = content(60_000, 1);
    let served = bytes.clone();
    let slow = Arc::new(AtomicBool::new(true));
    let flag = slow.clone();
    let web = Web::serve(move |asked| {
        let answer = Answer::file(&served, "\"v1\"", asked);
        if flag.load(Ordering::Relaxed) { answer.dripping(500, Duration::from_millis(5)) } else { answer }
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    let took = stopped(
        &rig,
        |progress| matches!(progress, Progress::Receiving { received, .. } if *received > 4000),
    );
    assert!(took < crate::support::in_time(Duration::from_secs(1)), "{took:?}");
    let here = rig.on_disk()[0].1 as usize;
    assert!(here > 4000 && here < 60_000);
    rig.assert_part(here);
    slow.store(false, Ordering::Relaxed);
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(web.ranges(), [None, Some(here)]);
}

#[test]
fn silence_cannot_hold_up_a_stop() {
    let bytes = content(60_000, 2);
    let served = bytes.clone();
    let silent = Web::serve(move |asked| Answer::file(&served, "\"v1\"", asked).cut(9000).then_silent());
    let mute = Web::serve(|_| Answer { silent: true, ..Answer::default() });
    for (web, here) in [(&silent, 9000), (&mute, 0)] {
        let mut rig = Rig::with(&bytes, &[web]);
        rig.settings.stall = Duration::from_secs(60);
        rig.settings.connect = Duration::from_secs(60);
        let begun = AtomicBool::new(false);
        let cancel = &rig.cancel;
        let took = std::thread::scope(|scope| {
            let stopper = scope.spawn(|| {
                while !begun.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                std::thread::sleep(Duration::from_millis(150));
                cancel.store(true, Ordering::Relaxed);
                Instant::now()
            });
            let mut tell = |_| begun.store(true, Ordering::Relaxed);
            let result = fetch(&rig.set, &rig.shelf, &rig.settings, cancel, &mut tell);
            let end = Instant::now();
            assert!(matches!(result, Err(DownloadError::Cancelled)), "{result:?}");
            end - stopper.join().unwrap()
        });
        assert!(took < crate::support::in_time(Duration::from_secs(1)), "{took:?}");
        match here {
            0 => rig.assert_nothing(),
            here => rig.assert_part(here),
        }
    }
}

#[test]
fn a_pause_between_attempts_is_stopped_at_once() {
    let bytes = content(1000, 3);
    let web = Web::serve(|_| Answer::status(503));
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.settings.first_wait = Duration::from_secs(60);
    rig.settings.longest_wait = Duration::from_secs(60);
    let took = stopped(&rig, |progress| matches!(progress, Progress::Waiting { .. }));
    assert!(took < crate::support::in_time(Duration::from_secs(1)), "{took:?}");
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn summing_what_is_there_can_be_stopped() {
    let bytes = content(1_000_000, 4);
    let served = bytes.clone();
    let web = Web::serve(move |asked| match asked.number {
        0 => Answer::file(&served, "\"v1\"", asked).cut(900_000),
        _ => Answer::status(404),
    });
    let mut rig = Rig::with(&bytes, &[&web]);
    rig.refusal();
    stopped(&rig, |progress| matches!(progress, Progress::Checking { .. }));
    rig.assert_part(900_000);
}

#[test]
fn a_server_that_goes_away_is_waited_for_and_another_one_goes_on() {
    let bytes = content(100_000, 5);
    let served = bytes.clone();
    let gone = Web::serve(move |asked| {
        Answer::file(&served, "\"v1\"", asked).dripping(2000, Duration::from_millis(5))
    });
    let mut rig = Rig::with(&bytes, &[&gone]);
    let gone = std::sync::Mutex::new(Some(gone));
    let mut told = Vec::new();
    let result = fetch(&rig.set, &rig.shelf, &rig.settings, &rig.cancel, &mut |progress| {
        if matches!(&progress, Progress::Receiving { received, .. } if *received > 10_000) {
            drop(gone.lock().unwrap().take());
        }
        told.push(progress);
    });
    let message = result.unwrap_err().to_string();
    assert!(message.contains("no server was reached"), "{message}");
    let waits = told.iter().filter(|progress| matches!(progress, Progress::Waiting { .. })).count();
    assert_eq!(waits as u32, rig.settings.attempts - 1, "a network that was there may come back");
    let here = rig.on_disk()[0].1 as usize;
    rig.assert_part(here);
    assert!((10_000..100_000).contains(&here));
    // What one server sent is continued by another, and the sum of the whole is right.
    let mirror = Web::of(&bytes);
    rig.settings.mirror = Some(mirror.url(""));
    rig.fetch().unwrap();
    rig.assert_whole(&bytes);
    assert_eq!(mirror.ranges(), [Some(here)]);
    assert!(!mirror.asked()[0].headers.contains_key("if-range"), "that name was another server's");
}
